"""The rules of data quality on what would be stored, and the records behind the rows that break one."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from pipelines import catalog, quality
from pipelines.contacts.compose import JUDGED
from pipelines.places import Places

_HERE = Path(__file__).parent


def check(connection: duckdb.DuckDBPyConnection, places: Places, day: date) -> None:
    """Judge each composed table by its suite; QualityError where a critical rule is broken.

    The verdicts are kept for the night's report, the rows that break a warning in `failing_…`.
    """
    for table in JUDGED:
        verdict = quality.check(
            connection,
            f"new_{table}",
            table,
            expectations=places.expectations,
            key=catalog.table(table).key,
            failing=f"failing_{table}",
        )
        quality.keep(verdict, places.verdicts(day), "contacts")
        quality.require(verdict)


def failing_arrivals(connection: duckdb.DuckDBPyConnection) -> list[int]:
    """Return tonight's records behind the failing rows; a row that was stored before is left alone."""
    query = (_HERE / "failing_arrivals.sql").read_text(encoding="utf-8")
    return [arrival for (arrival,) in connection.execute(query).fetchall()]
