"""Measure weeks, months and years: the story of what is published once they are over.

    contacts and requests → who came again → goals reached

Sums of traffic over a longer time are those of the days as they were published: counted anew, a late
line or an erasure would be what they differ by. Each is staged once, and final.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import duckdb

from pipelines.charter import Charter
from pipelines.installation import Installation
from pipelines.periods import oldest_kept
from pipelines.statistics import staging, tables
from pipelines.statistics.cells import cells_of, collect, name_cells
from pipelines.statistics.goals import measure_goals
from pipelines.statistics.measure import Measured, Objecting, done, last_complete, nobody_objects, rule_of
from pipelines.statistics.measures import CONTACT_ACTIVITY, PRIVACY_REQUESTS, Measure, preparation
from pipelines.statistics.people import Cell
from pipelines.statistics.returning import measure_visitors

# One a day: a person who writes more often counts as if once a day.
MOST_MESSAGES_OF_A_PERSON = 31
# One a month: a person who asks more often counts as if once a month.
MOST_REQUESTS_OF_A_PERSON = 12
# Messages of a month may still come in an export of the next one, for two weeks.
_DAYS_FOR_THE_LAST_EXPORT = 14
# The longest time to answer a request: three months (GDPR Art. 12(3)).
_LAST_ANSWER = 92
# Of a month in which one of these is over somebody may be missing, or counted who should be gone.
_RETENTION_OF_MESSAGES = ("prospects", "newsletter", "testimonials", "surveys", "chatbot")


def measure_months(
    installation: Installation, *, day: date, objecting: Objecting = nobody_objects
) -> Measured:
    """Measure and stage each whole week, month and year that was not; each is final."""
    measured = Measured()
    for period, start, found in _found(installation, day, objecting):
        if staging.stage(installation.places.releases, period, found, measured_on=day):
            measured = measured.with_tables(start, found)
    return measured


def _found(
    installation: Installation, day: date, objecting: Objecting
) -> Iterator[tuple[str, date, tables.Tables]]:
    yield from _contacts(installation, day)
    yield from _requests(installation, day)
    yield from measure_visitors(installation, day=day, objecting=objecting)
    yield from measure_goals(installation, day=day, objecting=objecting)


def _contacts(installation: Installation, day: date) -> Iterator[tuple[str, date, tables.Tables]]:
    """Yield the contact activity of each whole month."""
    if not installation.vault.stores("contacts"):
        return
    charter, finished = installation.charter, done(installation)
    with installation.vault.workshop() as workshop:
        workshop.open("contacts")
        for month in _whole_months(workshop.connection, charter, day):
            period = CONTACT_ACTIVITY.period_text(month)
            if period not in finished:
                parameters = {
                    "month": month,
                    "time_zone": charter.time_zone,
                    "most_messages": MOST_MESSAGES_OF_A_PERSON,
                }
                yield period, month, _of(workshop.connection, CONTACT_ACTIVITY, month, parameters, charter)


def _requests(installation: Installation, day: date) -> Iterator[tuple[str, date, tables.Tables]]:
    """Yield the requests of each year of which all are due to be answered, and none to be destroyed."""
    if not installation.vault.stores("rights"):
        return
    charter, finished = installation.charter, done(installation)
    asked = {
        "until": last_complete(charter, day),
        "kept_since": oldest_kept(charter.retention["requests"].period, day),
        "answer_days": _LAST_ANSWER,
    }
    with installation.vault.workshop() as workshop:
        workshop.open("rights")
        for (year,) in workshop.connection.execute(preparation("request_years"), asked).fetchall():
            period = PRIVACY_REQUESTS.period_text(year)
            if period not in finished:
                bounds = {"year": year, "most_requests": MOST_REQUESTS_OF_A_PERSON}
                yield period, year, _of(workshop.connection, PRIVACY_REQUESTS, year, bounds, charter)


def _of(
    connection: duckdb.DuckDBPyConnection,
    measure: Measure,
    start: date,
    parameters: Mapping[str, object],
    charter: Charter,
) -> tables.Tables:
    rule = rule_of(charter)
    name_cells(connection, measure, {})
    collect(connection, measure, parameters)
    cells: Sequence[Cell] = [cell for _start, cell in cells_of(connection, measure, rule=rule)]
    return tables.of_period({measure: cells}, start, rule=rule)


def _whole_months(connection: duckdb.DuckDBPyConnection, charter: Charter, day: date) -> list[date]:
    """Return the months that are complete, and of which the charter's purge has taken nothing yet."""
    periods = (charter.retention[category].period for category in _RETENTION_OF_MESSAGES)
    found = connection.execute(
        preparation("contact_months"),
        {
            "time_zone": charter.time_zone,
            "until": last_complete(charter, day),
            "kept_since": max(oldest_kept(period, day) for period in periods),
            "grace_days": _DAYS_FOR_THE_LAST_EXPORT,
        },
    ).fetchall()
    return [month for (month,) in found]
