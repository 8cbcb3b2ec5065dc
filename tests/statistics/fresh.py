"""A release in plain memory, with any rows one likes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb

from pipelines.statistics.database import COVERAGE, COVERAGE_COLUMNS
from pipelines.statistics.measures import MEASURES


@contextmanager
def show_fresh(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Attach a database `fresh` in memory with the tables of a release, and `rows` in them."""
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS fresh")
        tables = {m.name: m.columns for m in MEASURES} | {COVERAGE: COVERAGE_COLUMNS}
        for name, columns in tables.items():
            declared = ", ".join(f"{column.name} {column.type}" for column in columns)
            connection.execute(f"CREATE TABLE fresh.{name} ({declared})")
            for row in rows.get(name, ()):
                marks = ", ".join("?" for _ in row)
                connection.execute(
                    f"INSERT INTO fresh.{name} ({', '.join(row)}) VALUES ({marks})", list(row.values())
                )
        yield connection
