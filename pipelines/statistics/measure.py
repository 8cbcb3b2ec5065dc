"""Measure local days: the story from a day's sealed hits to rows that anyone may read.

    open hits → join requests to visits → count cells → then for each day: hide what is about too few → stage

Days go through SQL together, as many as are small: most of the time of a small day is what any query costs.
A large day goes through it in parts, each with all requests of its visitors: memory does not grow with it.

What is staged is final: a later line, correction or erasure never changes a published day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

import duckdb

from pipelines.charter import Charter
from pipelines.errors import UsageError
from pipelines.installation import Installation
from pipelines.periods import oldest_kept
from pipelines.statistics import staging, tables
from pipelines.statistics.cells import cells_of, collect, name_cells
from pipelines.statistics.measures import (
    ASSET_EXTENSIONS,
    DAILY,
    OF_A_DAY,
    OF_A_MONTH,
    SEARCH_ENGINES,
    SOCIAL_NETWORKS,
    Measure,
    preparation,
)
from pipelines.statistics.people import REQUESTS_FOR_ONE_UNKNOWN, Cell
from pipelines.statistics.shelf import newest_periods
from pipelines.statistics.visits import follow
from pipelines.vault import Vault

# One person moves a day's numbers by this many requests at most: a long day of reading, files included.
MOST_HITS_OF_A_VISITOR = 300
# One a day: a person who writes more often counts as if once a day.
MOST_MESSAGES_OF_A_PERSON = 31
# Messages of a month may still come in an export of the next one, for two weeks.
_DAYS_FOR_THE_LAST_EXPORT = 14
# Of a month in which one of these is over somebody may be missing, or counted who should be gone.
_RETENTION_OF_MESSAGES = ("prospects", "newsletter", "testimonials", "surveys", "chatbot")
# Small days that are measured together; a store of a few hits takes half a megabyte.
_SEALED_BYTES_TOGETHER = 40 << 20
# Requests that are in memory together; more of them are read in parts.
_HITS_TOGETHER = 1 << 19
_FEW_HITS = 1 << 17
_MEMORY_MB = 384
_HIT_COLUMNS = (
    "store, load_id, line, hit_at, visitor, address, method, path, status, sent_bytes, referrer_domain, "
    "campaign_source, campaign_medium, campaign_name, browser, system, device, is_bot"
)


@dataclass(frozen=True)
class Measured:
    """What was measured: `cells` rows may be published, `folded` cells have no row of their own.

    `suppressed` counts the measures of a day of which nothing may be published.
    """

    days: tuple[date, ...] = ()
    cells: int = 0
    folded: int = 0
    suppressed: int = 0

    def with_tables(self, period: date, found: tables.Tables) -> Measured:
        """Return the sum of this and one period more."""
        return Measured(
            (*self.days, period),
            self.cells + sum(len(rows) for rows in found.rows.values()),
            self.folded + found.folded,
            self.suppressed + len(found.suppressed),
        )


def days_to_publish(installation: Installation, *, day: date) -> list[date]:
    """Return the local days, complete on the night of `day`, that have hits and were never measured."""
    period = installation.charter.retention["traffic"].period
    done = _done(installation)
    stores = (date.fromisoformat(store.partition("/")[2]) for store in installation.vault.stores("traffic"))
    return [
        hit_on
        for hit_on in stores
        if hit_on <= _last_complete(installation.charter, day)
        and hit_on.isoformat() not in done
        and not period.is_over(hit_on, day)
    ]


def measure_days(installation: Installation, days: Sequence[date], *, day: date) -> Measured:
    """Measure and stage each of `days` that was not; each is one atomic step, and final.

    UsageError where one of them is not over yet on the night of `day`: it would be final too early.
    """
    if any(hit_on > _last_complete(installation.charter, day) for hit_on in days):
        raise UsageError("a day is not complete yet: publish it on a later night.")
    asked = set(days)
    due = [hit_on for hit_on in days_to_publish(installation, day=day) if hit_on in asked]
    measured = Measured()
    if not due:
        return measured
    charter = installation.charter
    with installation.vault.workshop(memory_mb=_MEMORY_MB) as workshop:
        for together in _batches(installation.vault, due):
            workshop.open(*(f"traffic/{hit_on}" for hit_on in together))
            for hit_on, cells in cells_by_day(workshop.connection, together, charter).items():
                found = tables.of_day(cells, hit_on, **_thresholds(charter))
                staging.stage(installation.places.releases, hit_on.isoformat(), found)
                measured = measured.with_tables(hit_on, found)
    return measured


def measure_months(installation: Installation, *, day: date) -> Measured:
    """Measure and stage the contact activity of each whole month that was not; each is final."""
    measured = Measured()
    if not installation.vault.stores("contacts"):
        return measured
    charter, done = installation.charter, _done(installation)
    with installation.vault.workshop() as workshop:
        workshop.open("contacts")
        for month in _whole_months(workshop.connection, charter, day):
            if f"{month:%Y-%m}" in done:
                continue
            cells = _cells_of_month(workshop.connection, month, charter)
            found = tables.of_month(cells, month, **_thresholds(charter))
            staging.stage(installation.places.releases, f"{month:%Y-%m}", found)
            measured = measured.with_tables(month, found)
    return measured


def _whole_months(connection: duckdb.DuckDBPyConnection, charter: Charter, day: date) -> list[date]:
    """Return the months that are complete, and of which the charter's purge has taken nothing yet."""
    periods = (charter.retention[category].period for category in _RETENTION_OF_MESSAGES)
    found = connection.execute(
        preparation("contact_months"),
        {
            "time_zone": charter.time_zone,
            "until": _last_complete(charter, day),
            "kept_since": max(oldest_kept(period, day) for period in periods),
            "grace_days": _DAYS_FOR_THE_LAST_EXPORT,
        },
    ).fetchall()
    return [month for (month,) in found]


def cells_by_day(
    connection: duckdb.DuckDBPyConnection, days: Sequence[date], charter: Charter
) -> dict[date, dict[Measure, list[Cell]]]:
    """Return, for each of `days`, the finest cells of all measures; the connection shows their `hits`."""
    parts = _take(connection)
    minutes = f"CREATE OR REPLACE TEMP TABLE minutes AS {preparation('minutes')}"
    connection.execute(minutes, {"time_zone": charter.time_zone})
    for measure in OF_A_DAY:
        name_cells(connection, measure, _parameters(charter).get(measure.name, {}))
    for part in range(parts):
        _read_part(connection, part, parts)
        for measure in OF_A_DAY:
            collect(connection, measure, {}, is_first=part == 0)
    found: dict[date, dict[Measure, list[Cell]]] = {day: {m: [] for m in OF_A_DAY} for day in days}
    for measure in OF_A_DAY:
        for day, cell in cells_of(connection, measure, threshold=charter.publication.threshold):
            found[day][measure].append(cell)
    _bound_bytes(connection, found, charter)
    return found


def _parameters(charter: Charter) -> dict[str, dict[str, object]]:
    """Return what the labels of a measure depend on."""
    return {
        "pages": {"asset_extensions": list(ASSET_EXTENSIONS)},
        "sources": {
            "own_domains": list(charter.traffic.own_domains),
            "search_engines": list(SEARCH_ENGINES),
            "social_networks": list(SOCIAL_NETWORKS),
        },
    }


def _take(connection: duckdb.DuckDBPyConnection) -> int:
    """Show the hits as `taken`, and return in how many parts they are to be read.

    Few are copied, as each query over the views of many small days costs more than the reading of it.
    """
    row = connection.execute("SELECT count(*) FROM hits").fetchone()
    hits = row[0] if row else 0
    connection.execute("DROP VIEW IF EXISTS taken_together")
    connection.execute("DROP TABLE IF EXISTS taken_copied")
    kind, name = ("TABLE", "taken_copied") if hits <= _FEW_HITS else ("VIEW", "taken_together")
    connection.execute(f"CREATE TEMP {kind} {name} AS SELECT {_HIT_COLUMNS} FROM hits")  # noqa: S608
    connection.execute(f"CREATE OR REPLACE TEMP VIEW taken AS FROM {name}")
    return 1 + hits // _HITS_TOGETHER


def _read_part(connection: duckdb.DuckDBPyConnection, part: int, parts: int) -> None:
    """Make the table of requests: those of the visitors of one part, joined to visits."""
    step = (1 << 128) // parts
    last = (part + 1) * step if part + 1 < parts else 1 << 128
    found = connection.execute(
        preparation("requests"),
        {
            "first": str(UUID(int=part * step)),
            "last": str(UUID(int=last - 1)),
            "part": part,
            "parts": parts,
        },
    )
    connection.register("followed", follow(found.to_arrow_table(), most_hits=MOST_HITS_OF_A_VISITOR))
    connection.execute("CREATE OR REPLACE TEMP TABLE requests AS FROM followed")
    connection.unregister("followed")


def _bound_bytes(
    connection: duckdb.DuckDBPyConnection, found: Mapping[date, dict[Measure, list[Cell]]], charter: Charter
) -> None:
    """Replace what each day's visitors were sent by sums that nobody moves alone."""
    parameters = {
        "threshold": charter.publication.threshold,
        "requests_for_one": REQUESTS_FOR_ONE_UNKNOWN,
    }
    for day, sent_bytes in connection.execute(preparation("bounded_bytes"), parameters).fetchall():
        (cell,) = found[day][DAILY]
        found[day][DAILY] = [replace(cell, counts={**cell.counts, "sent_bytes": sent_bytes})]


def _batches(vault: Vault, days: Sequence[date]) -> Iterator[list[date]]:
    """Yield the days in groups that are measured together: many small ones, or one large by itself."""
    together: list[date] = []
    size = 0
    for day in days:
        size_of_day = sum(path.stat().st_size for path in vault.segment_files(f"traffic/{day}"))
        if together and size + size_of_day > _SEALED_BYTES_TOGETHER:
            yield together
            together, size = [], 0
        together.append(day)
        size += size_of_day
    yield together


def _cells_of_month(
    connection: duckdb.DuckDBPyConnection, month: date, charter: Charter
) -> dict[Measure, list[Cell]]:
    parameters = {
        "month": month,
        "time_zone": charter.time_zone,
        "most_messages": MOST_MESSAGES_OF_A_PERSON,
    }
    found: dict[Measure, list[Cell]] = {}
    for measure in OF_A_MONTH:
        name_cells(connection, measure, {})
        collect(connection, measure, parameters)
        counted = cells_of(connection, measure, threshold=charter.publication.threshold)
        found[measure] = [cell for _month, cell in counted]
    return found


def _thresholds(charter: Charter) -> dict[str, int]:
    return {"threshold": charter.publication.threshold, "rounding": charter.publication.rounding}


def _last_complete(charter: Charter, day: date) -> date:
    return day - timedelta(days=charter.publication.publish_after_days)


def _done(installation: Installation) -> set[str]:
    """Return the periods that are staged or published already, days and months as ISO text."""
    releases = installation.places.releases
    return staging.staged(releases) | newest_periods(releases)
