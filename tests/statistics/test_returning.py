"""Weeks and months: who came again, and when the number would tell of few."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.installation import Installation
from pipelines.statistics import staging
from pipelines.statistics.measures import BY_NAME, MONTHS, WEEKDAYS, WEEKS
from pipelines.statistics.returning import came_again, hours_of_the_week, together
from tests.statistics import rules
from tests.statistics.publishing import publish, seal_hits, without_suites
from tests.statistics.sites import crowd

MONDAY = date(2026, 11, 2)
DAYS = [MONDAY + timedelta(days=number) for number in range(7)]
Came = Mapping[int, set[int]]  # visitor → days


def told(came: Came, households: Mapping[int, int] | None = None) -> tuple[int | None, int | None]:
    """What is told of these visitors, of a week of which each day is published."""
    number = 1 + max((day for days in came.values() for day in days), default=0)
    visitors = [sum(day in days for days in came.values()) for day in range(number)]
    contributors = np.array([(households or {}).get(who, who) for who in came], dtype=np.int64)
    bits = np.array([sum(1 << day for day in days) for days in came.values()], dtype=np.int64)
    return came_again(contributors, bits, [1 << day for day in range(number)], visitors, rule=rules.TEN)


def week(*groups: tuple[int, set[int]]) -> dict[int, set[int]]:
    """So many visitors who came on these days, and so on."""
    days = [days for number, days in groups for _each in range(number)]
    return dict(enumerate(days, start=1))


def test_who_came_on_two_days_or_more_came_again() -> None:
    assert told(week((30, {0}), (20, {1}), (12, {0, 1}), (11, {2}), (10, {0, 2}))) == (83, 22)


@pytest.mark.parametrize(
    "came",
    [
        week((30, {0}), (30, {1}), (9, {0, 1})),  # nine came again
        week((9, {0}), (30, {0, 1}), (30, {1, 2})),  # nine did not
        week((60, {0}), (30, {0, 1}), (9, {1})),  # nine were away on the first day
        week((60, {0, 1})),  # nobody was
    ],
)
def test_visitors_of_a_week_are_blank_where_few_are_told_apart(came: Came) -> None:
    assert told(came) == (None, None)


def test_a_household_that_came_again_is_one() -> None:
    came = week((30, {0}), (30, {1}), (12, {0, 1}))
    one_house = {who: 1_000 for who, days in came.items() if len(days) > 1}
    assert told(came) == (72, 12)
    assert told(came, one_house) == (None, None)


@settings(deadline=None)
@given(came=st.lists(st.sets(st.integers(0, 3), min_size=1), max_size=60))
def test_what_is_told_agrees_with_sets_and_leaves_enough(came: list[set[int]]) -> None:
    visitors, again = told(dict(enumerate(came, start=1)))
    if visitors is None:
        return
    assert again is not None
    assert (visitors, again) == (len(came), sum(len(days) > 1 for days in came))
    assert min(again, visitors - again) >= 10
    for day in range(1 + max(max(days) for days in came)):
        assert sum(day not in days for days in came) >= 10


def test_a_month_knows_its_weeks_and_its_days() -> None:
    days = [MONDAY - timedelta(days=1), *DAYS]
    bits = together(MONTHS, date(2026, 11, 1), days)
    assert bits == [1 << number for number in range(8)] + [0b11111110]
    assert together(WEEKS, MONDAY, DAYS) == [1 << number for number in range(7)]


def test_hours_of_the_week_are_sums_of_published_rows() -> None:
    rows = [{"day": MONDAY + timedelta(days=later), "hour": hour, "hits": hits, "visitors": None}
            for later, hour, hits in [(0, "08", 20), (7, "08", 30), (0, "(other)", 15), (1, "08", 40)]]  # fmt: skip
    found = hours_of_the_week(date(2026, 11, 1), rows)
    assert [tuple(row[name] for name in ("weekday", "hour", "days", "hits")) for row in found] == [
        ("1", "(other)", 1, 15), ("1", "08", 2, 50), ("2", "08", 1, 40),
    ]  # fmt: skip
    assert [column.name for column in WEEKDAYS.columns] == list(found[0])


# ----------------------------------------------------------------- from sealed hits to a release


def rows(installation: Installation, name: str) -> list[dict[str, Any]]:
    path = installation.places.releases / "current" / "charter.duckdb"
    with duckdb.connect(str(path), read_only=True) as release:
        found = release.execute(f"FROM {name}")
        columns = [column.name for column in BY_NAME[name].columns]
        return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


def seal_week(installation: Installation) -> None:
    """Seven days: 15 come on all of them, 12 on two, 20 others on each."""
    for number, day in enumerate(DAYS):
        some = crowd(12, "10:00", name="twice") if number in (2, 3) else []
        seal_hits(installation, day, [
            *crowd(15, "09:00", name="always"), *some, *crowd(20, "11:00", name=f"once{number}-"),
        ])  # fmt: skip


def test_a_week_is_published_when_it_is_over_with_the_sums_of_its_days(installation: Installation) -> None:
    seal_week(installation)
    with without_suites():
        assert publish(installation, DAYS[-1]).measures["weeks"] == 0
        publish(installation, DAYS[-1] + timedelta(days=1))
    (found,) = rows(installation, "weeks")
    hits = sum(row["hits"] for row in rows(installation, "daily"))
    assert (found["week"], found["days"], found["hits"], found["page_views"], found["visits"]) == (
        MONDAY, 7, hits, hits, hits,
    )  # fmt: skip
    assert (found["visitors"], found["returning_visitors"]) == (15 + 12 + 7 * 20, 15 + 12)
    assert found["returning_share"] == round(27 / 167, 4)
    assert rows(installation, "months") == []  # the month is not over


def test_who_came_late_or_was_erased_is_not_what_week_and_days_differ_by(installation: Installation) -> None:
    """A day is final when it is measured: a week that counted more, or fewer, would contradict it."""
    seal_week(installation)
    with without_suites():
        publish(installation, DAYS[-1])  # all days but Sunday
        with installation.vault.workshop() as workshop:
            workshop.open(f"traffic/{DAYS[2]}")
            columns = "SELECT * EXCLUDE (store) FROM hits"
            gone = f"{columns} WHERE address NOT IN (SELECT address FROM hits ORDER BY hit_at DESC, address LIMIT 12)"
            workshop.revise(f"traffic/{DAYS[2]}", {"hits": gone})
        publish(installation, DAYS[-1] + timedelta(days=1))
    (found,) = rows(installation, "weeks")
    daily = [row["visitors"] for row in rows(installation, "daily")]
    assert sum(daily) == 15 * 7 + 12 * 2 + 20 * 7  # as they were
    if found["visitors"] is not None:
        assert found["returning_visitors"] <= sum(daily) - found["visitors"]
    assert found["hits"] == sum(row["hits"] for row in rows(installation, "daily"))


def test_a_withheld_day_is_in_no_sum(installation: Installation) -> None:
    for day in DAYS:
        seal_hits(installation, day, crowd(9 if day == DAYS[3] else 30, name=f"{day}"))
    with without_suites():
        publish(installation, DAYS[-1] + timedelta(days=1))
    (found,) = rows(installation, "weeks")
    assert (found["days"], found["hits"]) == (6, 180)
    assert staging.states(installation.places.releases, "2026-W45") == {"weeks": "published"}
