"""The files of a release: one plain DuckDB file, documented inside, and one Parquet file per measure.

Built in fresh files from rows that may be published alone: DuckDB's storage statistics and Parquet's
footers repeat values of every row that was ever in the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines.errors import ConfigurationError
from pipelines.statistics.declare import Column, Measure
from pipelines.statistics.measures import MEASURES
from pipelines.statistics.shelf import DATABASE
from pipelines.statistics.staging import MEASURE

COVERAGE = "coverage"
COVERAGE_COLUMNS = (
    Column("period", "VARCHAR", "local day (YYYY-MM-DD), week (YYYY-Www), month (YYYY-MM) or year (YYYY)"),
    Column("measure", "VARCHAR", "table of this release"),
    Column(
        "state",
        "VARCHAR",
        "published; published with noise: near the numbers, none exact; or suppressed: each would be about "
        "too few people",
    ),
)
_HARDENED: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
}

Coverage = Sequence[tuple[str, str, str]]  # period, measure, state


@contextmanager
def reading(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the database of the release in `folder`, read-only and hardened."""
    try:
        connection = duckdb.connect(
            str(folder / DATABASE), read_only=True, config={**_HARDENED, "enable_external_access": "false"}
        )
    except duckdb.Error:
        raise ConfigurationError(
            "the release in force cannot be opened: check that its folder is readable and whole."
        ) from None
    with connection:
        yield connection


@contextmanager
def workbench(releases: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a hardened connection that reaches the folder of releases and nothing else."""
    with duckdb.connect(":memory:", config=_HARDENED) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"SET allowed_directories = [{_quoted(releases)}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection


def attach(connection: duckdb.DuckDBPyConnection, folder: Path, alias: str) -> None:
    """Show the database of the release in `folder` as `alias`, read-only."""
    connection.execute(f"ATTACH {_quoted(folder / DATABASE)} AS {alias} (READ_ONLY)")


def build(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    *,
    previous: Path | None,
    staged: Sequence[Path],
    coverage: Coverage,
    about: str,
) -> dict[str, int]:
    """Write database and Parquet files into `folder`, left attached as `fresh`; return rows per measure."""
    if previous is not None:
        attach(connection, previous, "previous")
    connection.execute(f"ATTACH {_quoted(folder / DATABASE)} AS fresh")
    if staged:
        files = {"files": [str(path) for path in staged]}
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE arrived AS FROM read_parquet($files, union_by_name = true)", files
        )
    rows = {measure.name: _fill(connection, measure, previous, staged, about) for measure in MEASURES}
    _cover(connection, coverage)
    connection.execute("CHECKPOINT fresh")
    for name in (*rows, COVERAGE):
        target = _quoted(folder / f"{name}.parquet")
        connection.execute(f"COPY fresh.{name} TO {target} (FORMAT parquet, COMPRESSION zstd)")
    connection.execute("DETACH fresh")
    if previous is not None:
        connection.execute("DETACH previous")
    attach(connection, folder, "fresh")
    return rows


def digest(connection: duckdb.DuckDBPyConnection) -> str:
    """Return the SHA-256 of all rows of the attached `fresh`, in hexadecimal."""
    content = hashlib.sha256()
    for name in (*(measure.name for measure in MEASURES), COVERAGE):
        found = connection.execute(
            "SELECT sha256(string_agg(line, chr(10) ORDER BY line)) "  # noqa: S608 declared names
            f"FROM (SELECT each::VARCHAR AS line FROM fresh.{name} AS each)"
        ).fetchone()
        content.update(f"{name}:{found[0] if found else None}\n".encode())
    return content.hexdigest()


def _fill(
    connection: duckdb.DuckDBPyConnection,
    measure: Measure,
    previous: Path | None,
    staged: Sequence[Path],
    about: str,
) -> int:
    _create(connection, measure.name, measure.columns, f"one row means {measure.one_row}; {about}")
    columns = ", ".join(column.name for column in measure.columns)
    key = ", ".join(column.name for column in (measure.period, *measure.dimensions))
    sources = [f"SELECT {columns} FROM previous.{measure.name}"] if previous else []  # noqa: S608 declared names
    if staged:
        sources.append(f"SELECT {columns} FROM arrived WHERE {MEASURE} = $measure")  # noqa: S608 declared names
    if not sources:
        return 0
    row = connection.execute(
        f"INSERT INTO fresh.{measure.name} {' UNION ALL '.join(sources)} ORDER BY {key}",
        {"measure": measure.name} if staged else None,
    ).fetchone()
    return int(row[0]) if row else 0


def _cover(connection: duckdb.DuckDBPyConnection, coverage: Coverage) -> None:
    _create(connection, COVERAGE, COVERAGE_COLUMNS, "what was measured, and what of it is published")
    periods, names, states = zip(*sorted(coverage), strict=True) if coverage else ((), (), ())
    connection.execute(
        f"INSERT INTO fresh.{COVERAGE} SELECT unnest($periods), unnest($names), unnest($states)",
        {"periods": list(periods), "names": list(names), "states": list(states)},
    )


def _create(
    connection: duckdb.DuckDBPyConnection, name: str, columns: Sequence[Column], comment: str
) -> None:
    declared = ", ".join(f"{column.name} {column.type}" for column in columns)
    connection.execute(f"CREATE TABLE fresh.{name} ({declared})")
    connection.execute(f"COMMENT ON TABLE fresh.{name} IS {_text(comment)}")
    for column in columns:
        connection.execute(f"COMMENT ON COLUMN fresh.{name}.{column.name} IS {_text(column.meaning)}")


def _quoted(path: Path) -> str:
    return _text(str(path))


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
