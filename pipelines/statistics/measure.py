"""Measure local days: the story from a day's sealed hits to rows that anyone may read.

    open hits → join requests to visits → count cells → then for each day: hide what is about too few → stage

Days go through SQL together, as many as are small: most of the time of a small day is what any query costs.
What is staged is final: a later line, correction or erasure never changes a published day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

import duckdb

from pipelines.charter import Charter
from pipelines.errors import UsageError
from pipelines.installation import Installation
from pipelines.statistics import gate, noise, staging, tables
from pipelines.statistics.disclosure import Rule
from pipelines.statistics.flows import flows_of
from pipelines.statistics.measures import DAILY, FLOWS, PAGES
from pipelines.statistics.reading import cells_by_day
from pipelines.statistics.shelf import newest_periods
from pipelines.vault import Vault

# Small days that are measured together; a store of a few hits takes half a megabyte.
_SEALED_BYTES_TOGETHER = 40 << 20
_MEMORY_MB = 320

Objecting = Callable[[date], Sequence[UUID]]  # a day → the address pseudonyms that object to statistics


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


def nobody_objects(_day: date) -> Sequence[UUID]:
    """Return no address: nobody has objected."""
    return ()


def days_to_publish(installation: Installation, *, day: date) -> list[date]:
    """Return the local days, complete on the night of `day`, that have hits and were never measured."""
    period = installation.charter.retention["traffic"].period
    finished = done(installation)
    stores = (date.fromisoformat(store.partition("/")[2]) for store in installation.vault.stores("traffic"))
    return [
        hit_on
        for hit_on in stores
        if hit_on <= last_complete(installation.charter, day)
        and hit_on.isoformat() not in finished
        and not period.is_over(hit_on, day)
    ]


def measure_days(
    installation: Installation, days: Sequence[date], *, day: date, objecting: Objecting = nobody_objects
) -> Measured:
    """Measure and stage each of `days` that was not; each is one atomic step, and final.

    UsageError where one of them is not over yet on the night of `day`: it would be final too early.
    """
    if any(hit_on > last_complete(installation.charter, day) for hit_on in days):
        raise UsageError("a day is not complete yet: publish it on a later night.")
    asked = set(days)
    due = [hit_on for hit_on in days_to_publish(installation, day=day) if hit_on in asked]
    measured = Measured()
    if not due:
        return measured
    with installation.vault.workshop(memory_mb=_MEMORY_MB) as workshop:
        for together in batches(installation.vault, due):
            workshop.open(*(f"traffic/{hit_on}" for hit_on in together))
            tables_of = publishable(workshop.connection, together, installation.charter, objecting)
            for hit_on, told in tables_of.items():
                found = gate.witnessed(
                    workshop.connection,
                    hit_on,
                    told,
                    charter=installation.charter,
                    places=installation.places,
                )
                found = noise.with_noise(
                    workshop.connection, hit_on, found, charter=installation.charter,
                    releases=installation.places.releases,
                )  # fmt: skip
                staging.stage(installation.places.releases, hit_on.isoformat(), found, measured_on=day)
                measured = measured.with_tables(hit_on, found)
    return measured


def rule_of(charter: Charter) -> Rule:
    """Return the thresholds of the charter."""
    publication = charter.publication
    return Rule(
        threshold=publication.threshold,
        largest=publication.dominance_people,
        share=publication.dominance_share,
        closeness=publication.dominance_closeness,
        zeros=publication.hide_all_or_nothing,
        rounding=publication.rounding,
    )


def last_complete(charter: Charter, day: date) -> date:
    """Return the last local day that is complete on the night of `day`."""
    return day - timedelta(days=charter.publication.publish_after_days)


def done(installation: Installation) -> set[str]:
    """Return the periods that are staged or published already, by the names of their folders."""
    releases = installation.places.releases
    return staging.staged(releases) | newest_periods(releases)


def publishable(
    connection: duckdb.DuckDBPyConnection,
    together: Sequence[date],
    charter: Charter,
    objecting: Objecting = nobody_objects,
) -> Mapping[date, tables.Tables]:
    """Return what may be published of each of the days whose `hits` the connection shows."""
    rule = rule_of(charter)
    left_out = {hit_on: objecting(hit_on) for hit_on in together}
    cells = cells_by_day(connection, together, charter, rule=rule, objecting=left_out)
    found = {hit_on: tables.of_day(cells[hit_on], hit_on, rule=rule) for hit_on in together}
    named = {
        hit_on: {str(row["path"]) for row in each.rows[PAGES.name]}
        for hit_on, each in found.items()
        if each.rows[DAILY.name]
    }
    steps = flows_of(connection, named, rule=rule)
    return {
        hit_on: replace(each, rows={**each.rows, FLOWS.name: steps.get(hit_on, [])})
        for hit_on, each in found.items()
    }


def batches(vault: Vault, days: Sequence[date]) -> Iterator[list[date]]:
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
