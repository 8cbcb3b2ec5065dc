"""Weeks and months: how many visitors came, and how many came again.

Numbers of days are known: so a week's visitors less a day's are those who were not there on that day, and
the sum of the days less the week's are those who came again. Each must be nobody in particular: visitors of
a week are shown only where enough people were missing on each of its days, enough came on two days or more
and enough did not. The same of a month, its days and its weeks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.installation import Installation
from pipelines.statistics import noise, staging
from pipelines.statistics.disclosure import Rule
from pipelines.statistics.measure import Objecting, done, last_complete, rule_of
from pipelines.statistics.measures import (
    CONVERSIONS,
    DAILY,
    HOURS,
    MONTHS,
    WEEKDAYS,
    WEEKS,
    Measure,
    preparation,
)
from pipelines.statistics.people import Ids
from pipelines.statistics.reading import ObjectingByDay, take
from pipelines.statistics.tables import Row, Tables, finished, rounded

Flags = npt.NDArray[np.bool_]

_MEMORY_MB = 384
# What is measured of a month at another time than its contacts is staged beside them.
_SUFFIXES = {MONTHS: ".visitors", CONVERSIONS: ".conversions"}


def measure_visitors(
    installation: Installation, *, day: date, objecting: Objecting
) -> Iterator[tuple[str, date, Tables]]:
    """Yield what may be published of each whole week and month that was not measured, with its period."""
    releases = installation.places.releases
    for measure in (WEEKS, MONTHS):
        for start, days in due(installation, measure, day):
            rows = {each: staging.rows_of(releases, str(each), DAILY)[0] for each in days}
            found = _visitors(installation, measure, start, rows, objecting)
            tables = {measure.name: _summed(measure, start, rows, *found)}
            if measure is MONTHS:
                hours = [row for each in days for row in staging.rows_of(releases, str(each), HOURS)]
                tables[WEEKDAYS.name] = hours_of_the_week(start, hours)
            made = noise.of_sums(Tables(tables), [str(each) for each in days], releases)
            yield folder_of(measure, start), start, made


def folder_of(measure: Measure, start: date) -> str:
    """Return the name under which a week or month of `measure` is staged."""
    return f"{measure.period_text(start)}{_SUFFIXES.get(measure, '')}"


def begins(measure: Measure, day: date) -> date:
    """Return the first day of the week or month that `day` is in."""
    return day - timedelta(days=day.weekday()) if measure is WEEKS else day.replace(day=1)


def came_again(
    contributors: Ids, days: Ids, known: Sequence[int], visitors: Sequence[int], *, rule: Rule
) -> tuple[int | None, int | None]:
    """Return how many visitors there are, and how many came on two days or more; None where it betrays few.

    `contributors` and `days` (bits) are those of each visitor; `known` the bits of each set of days of which
    the visitors are published: every day, and every week of a month. `visitors` are the days' as published.
    """
    several = np.bitwise_count(days) >= 2
    groups = [several, ~several, *((days & np.int64(bits)) == 0 for bits in known), _in_two(days, known)]
    people, again = len(days), int(several.sum())
    is_safe = all(len(np.unique(contributors[group])) >= rule.threshold for group in groups)
    if not is_safe or not _agree(people, again, visitors, rule):
        return None, None
    return rounded(people, rule.rounding), rounded(again, rule.rounding)


def _agree(people: int, again: int, visitors: Sequence[int], rule: Rule) -> bool:
    """Return whether the numbers can be true beside those of the days as published.

    Who was erased or objected since is missing from the one and not from the other: a contradiction, or a
    day that almost everybody came on, would be them.
    """
    more = sum(visitors) - people
    is_possible = again <= more <= again * (len(visitors) - 1)
    return is_possible and people - max(visitors) >= rule.threshold


def together(measure: Measure, start: date, days: Sequence[date]) -> list[int]:
    """Return the bits of each published day, and of a month of each whole week in it."""
    bit = {day: 1 << (day - start).days for day in days}
    weeks = [
        sum(bit[day] for day in each)
        for monday, each in groupby(days, lambda day: begins(WEEKS, day))
        if measure is MONTHS and start <= monday and monday + timedelta(days=6) <= _end(measure, start)
    ]
    return [*bit.values(), *(bits for bits in weeks if bits.bit_count() > 1)]


def _in_two(days: Ids, known: Sequence[int]) -> Flags:
    """Return who is in two or more of the widest of the `known` sets: weeks, and days outside of them."""
    widest = [bits for bits in known if not any(bits != other and bits & other == bits for other in known)]
    counted = np.zeros(len(days), dtype=np.int64)
    for bits in widest:
        counted += (days & np.int64(bits)) != 0
    found: Flags = counted >= 2
    return found


def hours_of_the_week(month: date, hours: Sequence[Row]) -> list[Row]:
    """Return the sums of published rows of the table hours by weekday: nothing else goes into them."""
    key = {
        id(row): (row["day"].isoweekday(), str(row["hour"])) for row in hours if isinstance(row["day"], date)
    }
    rows = []
    for (weekday, hour), found in groupby(
        sorted(hours, key=lambda row: key[id(row)]), lambda row: key[id(row)]
    ):
        hits = [row["hits"] for row in found if isinstance(row["hits"], int)]
        row: Row = {
            "month": month,
            "weekday": str(weekday),
            "hour": hour,
            "days": len(hits),
            "hits": sum(hits),
        }
        rows.append(row)
    return rows


def due(installation: Installation, measure: Measure, day: date) -> Iterator[tuple[date, list[date]]]:
    """Yield each period that is over and not measured, though all of its days are: its published days."""
    finished_ = done(installation)
    staged = sorted(date.fromisoformat(name) for name in finished_ if len(name) == len("2026-11-21"))
    stores = {store.partition("/")[2] for store in installation.vault.stores("traffic")}
    pending = {begins(measure, date.fromisoformat(store)) for store in stores - finished_}
    for start, days in groupby(staged, lambda each: begins(measure, each)):
        is_over = _end(measure, start) <= last_complete(installation.charter, day)
        if is_over and start not in pending and folder_of(measure, start) not in finished_:
            yield start, [each for each in days if _is_published(installation, each)]


def _end(measure: Measure, start: date) -> date:
    if measure is WEEKS:
        return start + timedelta(days=6)
    return (start + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _is_published(installation: Installation, day: date) -> bool:
    releases = installation.places.releases
    staged = staging.staged(releases)
    return str(day) in staged and staging.states(releases, str(day))[DAILY.name] == staging.PUBLISHED


def _visitors(
    installation: Installation, measure: Measure, start: date, rows: Mapping[date, Row], objecting: Objecting
) -> tuple[int | None, int | None]:
    """Return how many visitors came on the days, and how many on two or more; None where that betrays few."""
    stores = [f"traffic/{day}" for day in rows]
    visitors = [value for row in rows.values() if isinstance(value := row["visitors"], int)]
    if len(visitors) < max(2, len(rows)) or not set(stores) <= set(installation.vault.stores("traffic")):
        return None, None
    left_out = {day: objecting(day) for day in rows}
    releases = installation.places.releases
    measured = {str(day): staging.measured_on(releases, str(day)) for day in rows}
    with installation.vault.workshop(memory_mb=_MEMORY_MB) as workshop:
        workshop.open(*stores)
        contributors, days = _came(workshop.connection, start, measured, left_out)
    known = together(measure, start, list(rows))
    return came_again(contributors, days, known, visitors, rule=rule_of(installation.charter))


def _came(
    connection: duckdb.DuckDBPyConnection, start: date, measured: Mapping[str, date], left_out: ObjectingByDay
) -> tuple[Ids, Ids]:
    """Return the contributor and the days of each visitor, of what was there when each day was measured."""
    take(connection, left_out)
    rows = [{"day": day, "measured_on": on} for day, on in measured.items()]
    connection.register("given", pa.Table.from_pylist(rows))
    connection.execute("CREATE OR REPLACE TEMP TABLE measured AS FROM given")
    connection.unregister("given")
    found = connection.execute(preparation("visitors_of_days"), {"start": start}).to_arrow_table()
    return found["contributor"].to_numpy(), found["days"].to_numpy()


def _summed(
    measure: Measure, start: date, rows: Mapping[date, Row], visitors: int | None, returning: int | None
) -> list[Row]:
    """Return the one row of a period: sums of the days as published, blank where one of them is."""
    if not rows:
        return []
    row: Row = {
        measure.period.name: start, "days": len(rows), "visitors": visitors, "returning_visitors": returning,
    }  # fmt: skip
    for name in ("hits", "page_views", "visits"):
        values = [value for each in rows.values() if isinstance(value := each[name], int)]
        row[name] = sum(values) if len(values) == len(rows) else None
    return [finished(measure, row)]
