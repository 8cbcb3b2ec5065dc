"""Formats run through a real DuckDB, as intake runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from pipelines.traffic.formats import Format, Session
from pipelines.traffic.lines import LineReader

Rows = list[dict[str, Any]]


def run(connection: duckdb.DuckDBPyConnection, format_: Format, lines: Sequence[str | None]) -> Rows:
    count = len(lines)
    table = pa.table(
        {
            "file_no": pa.array([0] * count, pa.int32()),
            "line": pa.array(range(1, count + 1), pa.int64()),
            "raw": pa.array([(line or "").encode() for line in lines], pa.binary()),
            "text": pa.array(lines, pa.string()),
        }
    )
    connection.register("landed", table)
    bound = dict(format_.parameters)
    if "$zone" in format_.fields_sql:
        bound["zone"] = "Europe/Paris"
    rows = connection.execute(
        f"WITH fields AS ({format_.fields_sql}) SELECT * FROM fields ORDER BY line", bound
    ).fetchall()
    names = [column[0] for column in connection.description]
    assert names == [
        "file_no", "line", "raw", "reason", "hit_at", "address", "forwarded", "method", "target", "status",
        "sent", "referrer", "agent", "signals",
    ]  # fmt: skip
    assert [row[1] for row in rows] == list(range(1, count + 1)), "exactly one row a line"
    return [dict(zip(names, row, strict=True)) for row in rows]


@pytest.fixture(scope="session")
def duck() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET python_enable_replacements = false")
    return connection


@pytest.fixture(scope="session")
def fields(duck: duckdb.DuckDBPyConnection) -> Callable[..., Rows]:
    """What a format reads from lines; and its judgement in Python must be that of the SQL."""

    def fields(format_: Format, *lines: str | None) -> Rows:
        rows = run(duck, format_, lines)
        for row, line in zip(rows, lines, strict=True):
            assert (row["reason"] is None) == (line is not None and format_.takes(line)), line
        return rows

    return fields


@pytest.fixture(scope="session")
def read(fields: Callable[..., Rows]) -> Callable[..., tuple[list[str], Rows]]:
    """A file cut into blocks, its formats detected and its lines read: (names of the formats, rows)."""

    def read(*lines: str, named: Sequence[Format] = (), block_bytes: int = 1 << 20) -> tuple[list[str], Rows]:
        content = "".join(f"{line}\n" for line in lines).encode()
        pieces = [content[start : start + block_bytes] for start in range(0, len(content), block_bytes)]
        session, names, rows = Session(named), [], []
        expected = 1
        for block in LineReader(1 << 20).blocks(pieces):
            for format_, part in session.parts(block):
                assert part.first_line == expected
                expected += len(part)
                names += [format_.name] if names[-1:] != [format_.name] else []
                rows += fields(format_, *part.texts().to_pylist())
        assert len(rows) == len(lines)
        return names, rows

    return read
