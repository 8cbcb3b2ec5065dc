"""From hits in plain memory to the rows of a day, by the code that a night runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import duckdb

from pipelines import catalog
from pipelines.charter import Charter
from pipelines.statistics.measure import publishable
from tests.statistics.sites import Hit, as_arrow, numbered, select

DAY = date(2026, 11, 21)
Rows = dict[str, list[dict[str, Any]]]


def new_memory() -> duckdb.DuckDBPyConnection:
    """Return a connection as a workshop has it, without any hits yet."""
    connection = duckdb.connect(config={"python_enable_replacements": "false", "threads": "1"})
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(catalog.ddl(catalog.table("hits"), "main"))
    connection.execute("ALTER TABLE hits RENAME TO empty_hits")
    show(connection, {})
    return connection


def show(connection: duckdb.DuckDBPyConnection, days: Mapping[date, Iterable[Hit]]) -> None:
    """Show the hits of `days` as an opened workshop would."""
    connection.execute("CREATE OR REPLACE TABLE kept AS SELECT *, ''::VARCHAR AS store FROM empty_hits")
    for day, hits in days.items():
        if rows := numbered(hits, day):
            connection.register("given", as_arrow("hits", rows))
            connection.execute(f"INSERT INTO kept SELECT *, 'traffic/{day}' FROM ({select('hits', 'given')})")
            connection.unregister("given")
    connection.execute("CREATE OR REPLACE TEMP VIEW hits AS SELECT * FROM kept")


def measured(
    connection: duckdb.DuckDBPyConnection, days: Mapping[date, Iterable[Hit]], rules: Charter
) -> dict[date, Rows]:
    """Return what each day's measures say."""
    show(connection, days)
    found = publishable(connection, list(days), rules)
    return {
        day: {name: [dict(row) for row in rows] for name, rows in tables.rows.items()}
        for day, tables in found.items()
    }
