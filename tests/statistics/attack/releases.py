"""Releases made by hand: one in which everything adds up and nobody stands out, and ways to spoil it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from pipelines.statistics import attack
from pipelines.statistics.attack.knowledge import FORMS, KNOWN

DAY = date(2026, 11, 21)
WEEK, NOVEMBER, MONTH, YEAR = date(2026, 11, 16), date(2026, 11, 1), date(2026, 10, 1), date(2026, 1, 1)
Rows = dict[str, list[dict[str, Any]]]
COVERAGE = {"period": "VARCHAR", "measure": "VARCHAR", "state": "VARCHAR"}

# 100 visitors, 120 visits: 10 without a page, 80 of one (bounces), 30 of two or more.
GOOD: Rows = {
    "daily": [
        {"day": DAY, "hits": 200, "page_views": 150, "visits": 120, "visitors": 100, "bounces": 80,
         "bounce_rate": 0.6667, "pages_per_visit": 1.25, "median_seconds": 35, "sent_bytes": 12300,
         "errors": 20, "bot_hits": 40},
    ],
    "pages": [
        {"day": DAY, "path": "/", "views": 100, "visitors": 60, "entries": 80, "exits": 70},
        {"day": DAY, "path": "/blog/2026-11-21-a", "views": 50, "visitors": 40, "entries": 30, "exits": 40},
    ],
    "sources": [
        {"day": DAY, "medium": "direct", "referrer_domain": "(none)", "campaign": "(none)", "visits": 80,
         "visitors": 70},
        {"day": DAY, "medium": "search", "referrer_domain": "google.com", "campaign": "(none)", "visits": 40,
         "visitors": 35},
    ],
    "technology": [
        {"day": DAY, "browser": "Firefox", "version": "140", "system": "Linux", "device": "desktop",
         "hits": 140, "visitors": 70},
        {"day": DAY, "browser": "(other)", "version": "(other)", "system": "(other)", "device": "(other)",
         "hits": 60, "visitors": 30},
    ],
    "countries": [
        {"day": DAY, "continent": "Europe", "country": "FR", "hits": 150, "visitors": 75},
        {"day": DAY, "continent": "(other)", "country": "(other)", "hits": 50, "visitors": 25},
    ],
    "hours": [
        {"day": DAY, "hour": "08", "hits": 100, "visitors": 60},
        {"day": DAY, "hour": "(other)", "hits": 100, "visitors": 55},
    ],
    "statuses": [
        {"day": DAY, "status": "200", "hits": 180, "visitors": 90},
        {"day": DAY, "status": "404", "hits": 20, "visitors": 15},
    ],
    "broken_links": [
        {"day": DAY, "path": "(other)", "origin": "(other)", "hits": 20, "visitors": None},
    ],
    "flows": [{"day": DAY, "from_page": "/", "to_page": "/blog/2026-11-21-a", "visitors": 20}],
    "depths": [
        {"day": DAY, "pages": "0", "length": "(other)", "visits": 10, "visitors": 10},
        {"day": DAY, "pages": "1", "length": "(other)", "visits": 80, "visitors": 75},
        {"day": DAY, "pages": "2+", "length": "(other)", "visits": 30, "visitors": 30},
    ],
    "weeks": [
        {"week": WEEK, "days": 1, "hits": 200, "page_views": 150, "visits": 120, "visitors": None,
         "returning_visitors": None, "returning_share": None},
    ],
    "months": [
        {"month": NOVEMBER, "days": 1, "hits": 200, "page_views": 150, "visits": 120, "visitors": None,
         "returning_visitors": None, "returning_share": None},
    ],
    "weekdays": [
        {"month": NOVEMBER, "weekday": "6", "hour": "08", "days": 1, "hits": 100},
        {"month": NOVEMBER, "weekday": "6", "hour": "(other)", "days": 1, "hits": 100},
    ],
    "conversions": [
        {"month": MONTH, "goal": "contact_form", "medium": "direct", "entry_page": "(other)",
         "conversions": 25, "visitors": 20},
    ],
    "contact_activity": [{"month": MONTH, "kind": "form", "messages": 30, "people": 12}],
    "privacy_requests": [
        {"year": YEAR, "requested_right": "access", "answered_within": "(other)", "requests": 11, "people": 11},
    ],
}  # fmt: skip


def altered(measure: str, row: int = 0, **values: Any) -> Rows:
    """Return the good rows with other values in one of them."""
    rows = copy.deepcopy(GOOD)
    rows[measure][row].update(values)
    return rows


def without(*measures: str) -> Rows:
    """Return the good rows but for those of some tables."""
    return {name: copy.deepcopy(rows) for name, rows in GOOD.items() if name not in measures}


def nobody(_texts: Mapping[str, Sequence[str]]) -> Mapping[tuple[str, str], Sequence[str]]:
    """Find nobody in any text."""
    return {}


@contextmanager
def published(
    rows: Rows, states: Mapping[tuple[str, str], str] | None = None
) -> Iterator[attack.Publication]:
    """Publish rows, in memory; all their periods are covered, and more where `states` says so."""
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS fresh")
        fill(connection, "fresh", rows, states or {})
        yield attack.Publication(connection, "fresh")


def write(folder: Path, rows: Rows, states: Mapping[tuple[str, str], str] | None = None) -> Path:
    """Write rows as a release of the past."""
    folder.mkdir()
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{folder / 'charter.duckdb'}' AS kept")
        fill(connection, "kept", rows, states or {})
    return folder


def fill(
    connection: duckdb.DuckDBPyConnection, schema: str, rows: Rows, states: Mapping[tuple[str, str], str]
) -> None:
    """Create the tables of a release, with the columns of the good rows or those given, and fill them."""
    covered: dict[tuple[str, str], str] = {}
    for name, good in GOOD.items():
        found = rows.get(name, [])
        columns = {column: _type(value) for row in [*found, *good] for column, value in row.items()}
        _create(connection, f"{schema}.{name}", columns, found)
        period = KNOWN[name].period
        covered |= {(row[period].strftime(FORMS[period]), name): "published" for row in found}
    coverage = [{"period": p, "measure": m, "state": s} for (p, m), s in (covered | dict(states)).items()]
    _create(connection, f"{schema}.coverage", COVERAGE, coverage)


def _create(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    columns: Mapping[str, str],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    declared = ", ".join(f"{column} {type_}" for column, type_ in columns.items())
    connection.execute(f"CREATE TABLE {table} ({declared})")
    for row in rows:
        marks = ", ".join("?" for _ in row)
        connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))


def _type(value: object) -> str:
    kinds = {date: "DATE", str: "VARCHAR", float: "DOUBLE"}
    return kinds.get(type(value), "BIGINT")
