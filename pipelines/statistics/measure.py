"""Measure local days: the story from a day's sealed hits to rows that anyone may read.

    open hits → join requests to visits → count cells → then for each day: hide what is about too few → stage

Days go through SQL together, as many as are small: most of the time of a small day is what any query costs.

What is staged is final: a later line, correction or erasure never changes a published day.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from pipelines.charter import Charter
from pipelines.errors import UsageError
from pipelines.installation import Installation
from pipelines.periods import oldest_kept
from pipelines.statistics import staging, tables
from pipelines.statistics.disclosure import REQUESTS_FOR_ONE_UNKNOWN, Cell, Label
from pipelines.statistics.measures import (
    ASSET_EXTENSIONS,
    OF_A_DAY,
    OF_A_MONTH,
    OTHER,
    SEARCH_ENGINES,
    SOCIAL_NETWORKS,
    Measure,
    preparation,
    sql,
)
from pipelines.statistics.shelf import newest_periods
from pipelines.vault import Vault

# One person moves a day's numbers by this many requests at most: a long day of reading, files included.
MOST_HITS_OF_A_VISITOR = 300
# One a day: a person who writes more often counts as if once a day.
MOST_MESSAGES_OF_A_PERSON = 31
# Messages of a month may still come in an export of the next one, for two weeks.
_DAYS_FOR_THE_LAST_EXPORT = 14
# Of a month in which one of these is over somebody may be missing, or counted who should be gone.
_RETENTION_OF_MESSAGES = ("prospects", "newsletter", "testimonials", "surveys", "chatbot")
# What is measured together fits the memory of the workshop: this much sealed is some 300,000 hits.
_SEALED_BYTES_TOGETHER = 16 << 20


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
    with installation.vault.workshop() as workshop:
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
            cells = _cells_of_month(workshop.connection, month, charter.time_zone)
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
    connection.execute(
        preparation("requests"),
        {
            "time_zone": charter.time_zone,
            "asset_extensions": list(ASSET_EXTENSIONS),
            "most_hits": MOST_HITS_OF_A_VISITOR,
        },
    )
    parameters = _parameters_of_a_day(charter)
    found: dict[date, dict[Measure, list[Cell]]] = {day: {} for day in days}
    for measure in OF_A_DAY:
        cells = _cells(connection, measure, parameters.get(measure.name, {}))
        for of_day in found.values():
            of_day[measure] = []
        for day, cell in cells:
            found[day][measure].append(cell)
    return found


def _parameters_of_a_day(charter: Charter) -> dict[str, dict[str, object]]:
    return {
        "daily": {
            "threshold": charter.publication.threshold,
            "requests_for_one": REQUESTS_FOR_ONE_UNKNOWN,
        },
        "sources": {
            "own_domains": list(charter.traffic.own_domains),
            "search_engines": list(SEARCH_ENGINES),
            "social_networks": list(SOCIAL_NETWORKS),
        },
    }


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
    connection: duckdb.DuckDBPyConnection, month: date, time_zone: str
) -> dict[Measure, list[Cell]]:
    parameters = {"month": month, "time_zone": time_zone, "most_messages": MOST_MESSAGES_OF_A_PERSON}
    return {
        measure: [cell for _month, cell in _cells(connection, measure, parameters)] for measure in OF_A_MONTH
    }


def _cells(
    connection: duckdb.DuckDBPyConnection, measure: Measure, parameters: Mapping[str, object]
) -> Iterator[tuple[date, Cell]]:
    """Yield each row of the measure's SQL: the period that it is of, and its cell."""
    found = connection.execute(sql(measure.name), parameters).to_arrow_table()
    columns: dict[str, list[Any]] = {
        name: _lists(found[name]) if pa.types.is_list(found[name].type) else found[name].to_pylist()
        for name in found.column_names
    }
    groups = [name for name in found.column_names if pa.types.is_list(found[name].type)]
    labels = zip(*(_labels(columns, level, found.num_rows) for level in measure.levels), strict=True)
    counts = _records(columns, [column.name for column in measure.counts])
    people = _records(columns, groups)
    periods = columns[measure.period.name]
    for period, label, counted, behind in zip(periods, labels, counts, people, strict=True):
        yield period, Cell(label, counted, behind)


def _labels(
    columns: Mapping[str, Sequence[Any]], level: tuple[str, ...], rows: int
) -> Iterator[Label | None]:
    if not level:
        return itertools.repeat((), rows)
    labels = zip(*([OTHER] * rows if name == OTHER else columns[name] for name in level), strict=True)
    return (None if None in label else label for label in labels)


def _records(columns: Mapping[str, Sequence[Any]], names: Sequence[str]) -> Iterator[dict[str, Any]]:
    return (
        dict(zip(names, values, strict=True))
        for values in zip(*(columns[name] for name in names), strict=True)
    )


def _lists(column: Any) -> list[Any]:
    """Return each row's list as an array over the one buffer of the column; a null list is empty."""
    arrays: list[Any] = []
    for chunk in column.chunks:
        values = chunk.values.to_numpy(zero_copy_only=False).astype(np.int64, copy=False)
        arrays += [values[start:end] for start, end in itertools.pairwise(chunk.offsets.to_pylist())]
    return arrays


def _thresholds(charter: Charter) -> dict[str, int]:
    return {"threshold": charter.publication.threshold, "rounding": charter.publication.rounding}


def _last_complete(charter: Charter, day: date) -> date:
    return day - timedelta(days=charter.publication.publish_after_days)


def _done(installation: Installation) -> set[str]:
    """Return the periods that are staged or published already, days and months as ISO text."""
    releases = installation.places.releases
    return staging.staged(releases) | newest_periods(releases)
