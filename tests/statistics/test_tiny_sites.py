"""Small and odd sites: what the suppression lets through the gate accepts, and a hole in it costs one measure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import duckdb
import pytest

from pipelines.installation import Installation
from pipelines.statistics import gate, tables
from pipelines.statistics.attack import Finding
from pipelines.statistics.measures import OF_A_DAY
from tests.statistics import rules
from tests.statistics.fresh import show_fresh
from tests.statistics.measuring import DAY, Rows, measured, new_memory
from tests.statistics.publishing import publish, without_suites
from tests.statistics.sites import crowd, hit
from tests.statistics.tiny import KINDS, TinySite

MONDAY = date(2026, 11, 2)
Seal = Callable[..., None]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with new_memory() as connection:
        yield connection


def require_accepted(rows: Rows) -> None:
    with show_fresh(rows) as fresh:
        gate.inspect(fresh, threshold=10, rounding=0)


@pytest.mark.parametrize(("kind", "seed"), [*((kind, 0) for kind in KINDS), ("long visits", 33)])
def test_the_gate_accepts_whatever_is_left_of_a_small_odd_day(
    connection: duckdb.DuckDBPyConnection, kind: str, seed: int
) -> None:
    require_accepted(measured(connection, {DAY: TinySite(kind, seed).hits()}, rules.charter())[DAY])


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_the_gate_accepts_whatever_is_left_of_many_small_odd_days(
    connection: duckdb.DuckDBPyConnection, kind: str
) -> None:
    for seed in range(1, 60):
        require_accepted(measured(connection, {DAY: TinySite(kind, seed).hits()}, rules.charter())[DAY])


def coverage(installation: Installation) -> dict[tuple[str, str], str]:
    path = installation.places.releases / "current" / "charter.duckdb"
    with duckdb.connect(str(path), read_only=True) as release:
        rows = release.execute("SELECT period, measure, state FROM coverage").fetchall()
    return {(period, measure): state for period, measure, state in rows}


def test_nights_of_small_odd_days_end_in_a_release(installation: Installation, seal: Seal) -> None:
    """One day of each kind, published at once: no night fails, and each measure of each day is accounted for."""
    days = {MONDAY + timedelta(days=place): kind for place, kind in enumerate(KINDS)}
    for day, kind in days.items():
        seal(day, TinySite(kind, 1).hits())
    with without_suites():
        release = publish(installation, max(days) + timedelta(days=1))
    assert release.days == tuple(days)
    covered = coverage(installation)
    assert {(str(day), measure.name) for day in days for measure in OF_A_DAY} <= covered.keys()
    assert release.measures["daily"] >= len(days) // 2


# 19 visitors, of whom 13 got the status 200 with 18 requests: some of the 19 never did, and they are few.
FEW_WITHOUT = [
    *crowd(13, method="POST"),
    *crowd(5, "12:10", method="POST"),
    *[hit(f"v{number}", "12:20", method="POST", status=301) for number in range(4, 19)],
    *[hit(f"v{number}", "12:21", method="POST", status=301) for number in range(4, 10)],
]


def test_few_outside_of_a_row_do_not_follow_from_its_hits(connection: duckdb.DuckDBPyConnection) -> None:
    shown = measured(connection, {DAY: FEW_WITHOUT}, rules.charter())[DAY]
    assert (shown["daily"][0]["hits"], shown["daily"][0]["visitors"]) == (39, 19)
    assert shown["statuses"] == []


def test_where_no_visit_saw_two_pages_the_page_views_do_not_follow_from_the_visits(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """Most of what is no page view is one visitor's, so page views are blank: the depths would tell them."""
    redirected = [hit("busy", "2026-11-21 12:00", status=301)] * 80
    rows = [*crowd(20), *crowd(20, name="r", status=301), *redirected]
    shown = measured(connection, {DAY: rows}, rules.charter())[DAY]
    (day,) = shown["daily"]
    assert (day["hits"], day["visits"], day["page_views"], day["bounces"]) == (120, 41, None, None)
    assert shown["depths"] == []
    require_accepted(shown)


def test_where_each_visit_is_one_request_no_blank_pretends_to_hide_that_it_began_there(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """As many hits as visits say so."""
    shown = measured(connection, {DAY: [*crowd(20), *crowd(15, name="r", status=500)]}, rules.charter())[DAY]
    (day,) = shown["daily"]
    assert (day["hits"], day["visits"], day["page_views"], day["bounces"]) == (35, 35, 20, 20)
    (page,) = shown["pages"]
    assert (page["views"], page["entries"], page["exits"]) == (20, 20, 20)
    require_accepted(shown)


def test_where_few_visits_made_two_requests_the_pages_do_not_tell_of_those_that_are_no_entry(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    again = crowd(3, "12:05", path="/x")
    rows = [*crowd(40), *again, *crowd(15, name="r", status=500)]
    shown = measured(connection, {DAY: rows}, rules.charter())[DAY]
    (day,) = shown["daily"]
    assert (day["hits"], day["visits"], day["page_views"], day["bounces"]) == (58, 55, 43, None)
    assert shown["pages"] == []
    require_accepted(shown)


def test_a_hole_in_the_suppression_costs_a_measure_and_not_the_night(
    installation: Installation, seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [MONDAY + timedelta(days=number) for number in range(3)]
    for day in days:
        seal(day, FEW_WITHOUT)
    monkeypatch.setattr(tables, "hide_few_outside", lambda *_all: None)
    with without_suites():
        release = publish(installation, days[-1] + timedelta(days=1))
    assert release.days == tuple(days)
    states = coverage(installation)
    assert [states[str(day), "daily"] for day in days] == ["published"] * 3
    assert [states[str(day), "statuses"] for day in days] == ["suppressed"] * 3
    assert release.measures["statuses"] == 0


def test_where_a_day_must_go_its_week_and_month_go_with_it(
    installation: Installation, seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate finds the day of the 30th at fault: the week's sums, less its other days, would give it back."""
    days = [date(2026, 11, 23) + timedelta(days=number) for number in range(8)]
    for day in days:
        seal(day, crowd(30 + day.day))
    real = gate.inspect

    def strict(*args: Any, **more: Any) -> gate.Passed:
        is_there = args[0].execute("SELECT count(*) FROM fresh.daily WHERE day = '2026-11-27'").fetchone()
        if is_there == (1,):
            fault = Finding("differencing", "daily", "contradiction", "planted", 1, ("2026-11-27",))
            raise gate.RefusedError([fault])
        return real(*args, **more)

    monkeypatch.setattr(gate, "inspect", strict)
    with without_suites():
        publish(installation, date(2026, 12, 1))
    states = coverage(installation)
    assert {states["2026-11-27", measure.name] for measure in OF_A_DAY} == {"suppressed"}
    assert states["2026-11-26", "daily"] == states["2026-11-28", "daily"] == "published"
    assert (states["2026-W48", "weeks"], states["2026-11", "months"]) == ("suppressed", "suppressed")
