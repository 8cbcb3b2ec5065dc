"""Goals of a site: how many visits of a month reached each, by how they came and where they began."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import duckdb

from pipelines.installation import Installation
from pipelines.statistics.cells import cells_of, collect, name_cells
from pipelines.statistics.measure import Objecting, batches, rule_of
from pipelines.statistics.measures import CONVERSIONS, preparation
from pipelines.statistics.reading import name_all, read_parts, show_goals, take
from pipelines.statistics.returning import due, folder_of
from pipelines.statistics.tables import Tables, of_period

_MEMORY_MB = 384
# Who reached the goal, and who came the same way and did not: each must be enough people.
_BOTH_SIDES = ("contributors", "without_conversions")


def measure_goals(
    installation: Installation, *, day: date, objecting: Objecting
) -> Iterator[tuple[str, date, Tables]]:
    """Yield what may be published of the goals reached in each whole month that was not measured."""
    if not installation.charter.publication.conversions:
        return
    stores = set(installation.vault.stores("traffic"))
    for month, days in due(installation, CONVERSIONS, day):
        if {f"traffic/{each}" for each in days} <= stores:  # none of it is purged yet
            yield folder_of(CONVERSIONS, month), month, _month(installation, month, days, objecting)


def _month(installation: Installation, month: date, days: Sequence[date], objecting: Objecting) -> Tables:
    charter, rule = installation.charter, rule_of(installation.charter)
    with installation.vault.workshop(memory_mb=_MEMORY_MB) as workshop:
        connection = workshop.connection
        _forget(connection)
        for together in batches(installation.vault, days):
            workshop.open(*(f"traffic/{each}" for each in together))
            take(connection, {each: objecting(each) for each in together})
            name_all(connection, charter)
            for _part in read_parts(connection, rule):
                connection.execute(f"INSERT INTO goal_visits {preparation('visits_with_goals')}")
        show_goals(connection, charter)
        name_cells(connection, CONVERSIONS, {})
        collect(connection, CONVERSIONS, {"month": month})
        cells = [cell for _month, cell in cells_of(connection, CONVERSIONS, rule=rule)]
        everyone = connection.execute("SELECT count(DISTINCT contributor) FROM goal_visits").fetchone()
        return of_period(
            {CONVERSIONS: cells},
            month,
            rule=rule,
            groups=_BOTH_SIDES,
            everyone=everyone[0] if everyone else 0,
        )


def _forget(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE goal_visits (person BIGINT, contributor BIGINT, medium VARCHAR, "
        "entry_page VARCHAR, entry_section VARCHAR, goals BIGINT, visits USMALLINT)"
    )
