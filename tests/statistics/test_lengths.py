"""How long visits last and how deep they go; where visitors are: case by case, with thresholds out of the way."""

from __future__ import annotations

import statistics as arithmetic
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.statistics.measures import preparation
from tests.statistics import rules
from tests.statistics.measuring import DAY, Rows, measured, new_memory
from tests.statistics.sites import Hit, crowd, hit

Day = Callable[..., Rows]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with new_memory() as connection:
        yield connection


@pytest.fixture
def day(connection: duckdb.DuckDBPyConnection) -> Day:
    def day(hits: Iterable[Hit], **publication: Any) -> Rows:
        return measured(connection, {DAY: hits}, rules.charter(**publication))[DAY]

    return day


# ------------------------------------------------------------------------- the middle of a day


def middle(visits: Iterable[tuple[int, int]], threshold: int = 10) -> int | None:
    """What is published of visits (who, seconds)."""
    who, seconds = zip(*visits, strict=True)
    durations = pa.table({"day": [DAY] * len(who), "contributor": who, "seconds": seconds})
    with duckdb.connect() as connection:
        connection.register("durations", durations)
        found = connection.execute(preparation("middle_visits"), {"threshold": threshold}).fetchone()
        return None if found is None else int(found[1])


def test_the_middle_is_the_mean_of_the_ten_in_the_middle_to_five_seconds() -> None:
    """Of 20 visitors those of place 6 to 15 count: 50 to 140 seconds, 95 in the mean."""
    assert middle((who, 10 * who) for who in range(20)) == 95
    assert middle((who, 10 * who + 2) for who in range(20)) == 95  # 97


@pytest.mark.parametrize(("people", "is_shown"), [(19, False), (20, True)])
def test_the_middle_needs_twice_the_people(people: int, is_shown: bool) -> None:
    assert (middle((who, 60) for who in range(people)) is not None) is is_shown


def test_one_person_moves_the_middle_by_one_place_however_many_visits_they_make() -> None:
    calm = [(who, 60) for who in range(1, 20)]
    assert middle([*calm, *((99, 3_000) for _ in range(500))]) == 60
    assert middle([*calm[:-1], *((99, seconds) for seconds in (10, 100, 3_000)), (98, 60)]) == 60


@settings(max_examples=25, deadline=None)
@given(seconds=st.lists(st.integers(0, 2_000), min_size=20, max_size=60))
def test_the_middle_is_that_of_a_slow_reference(seconds: list[int]) -> None:
    ordered = sorted(seconds)
    first = (len(ordered) - 10) // 2
    mean = arithmetic.fmean(ordered[first : first + 10])
    found = middle(enumerate(seconds))
    assert found is not None
    assert found % 5 == 0
    assert abs(found - mean) <= 2.5


# -------------------------------------------------------------------------------- depths


def reading(number: int, views: int, seconds: int, name: str) -> list[Hit]:
    """Visitors of so many page views, the last of them so many seconds after the first."""
    at = [seconds * step // max(views - 1, 1) for step in range(views)]
    return [
        row
        for step, later in enumerate(at)
        for row in crowd(number, f"12:{later // 60:02}:{later % 60:02}", name=name, path=f"/{step}")
    ]


def test_depths_tell_pages_and_length(day: Day) -> None:
    hits = [
        *reading(20, 1, 0, "a"), *reading(20, 2, 9, "b"), *reading(20, 2, 10, "c"), *reading(20, 3, 59, "d"),
        *reading(20, 4, 60, "e"), *reading(20, 5, 299, "f"), *reading(20, 9, 300, "g"), *reading(20, 10, 900, "h"),
        *crowd(20, name="i", path="/a.css"),
    ]  # fmt: skip
    shown = {(row["pages"], row["length"]): row["visits"] for row in day(hits)["depths"]}
    assert shown == dict.fromkeys([
        ("0", "one request"), ("1", "one request"), ("2", "0-9 s"), ("2", "10-59 s"), ("3-4", "10-59 s"),
        ("3-4", "1-4 min"), ("5-9", "1-4 min"), ("5-9", "5-14 min"), ("10+", "15+ min"),
    ], 20)  # fmt: skip


def test_lengths_of_few_are_folded_into_their_depth_and_depths_of_few_into_two_and_more(day: Day) -> None:
    hits = [
        *crowd(20, name="a"), *crowd(20, name="i", path="/a.css"), *reading(15, 2, 9, "b"), *reading(6, 3, 9, "c"),
        *reading(6, 3, 100, "d"), *reading(5, 5, 100, "e"), *reading(6, 12, 100, "f"),
    ]  # fmt: skip
    shown = {(row["pages"], row["length"]): row["visits"] for row in day(hits)["depths"]}
    assert shown == {
        ("0", "one request"): 20, ("1", "one request"): 20, ("2", "0-9 s"): 15, ("3-4", "(other)"): 12,
        ("2+", "(other)"): 11,
    }  # fmt: skip


# ----------------------------------------------------------------------- countries and hours


def countries(shown: Rows) -> dict[tuple[str, str], tuple[int, int | None]]:
    return {(row["continent"], row["country"]): (row["hits"], row["visitors"]) for row in shown["countries"]}


def test_countries_fold_into_their_continent_and_then_into_the_rest(day: Day) -> None:
    hits = [
        *crowd(20, name="a", country="FR"), *crowd(6, name="b", country="BE"), *crowd(6, name="c", country="DE"),
        *crowd(6, name="d", country="JP"), *crowd(6, name="e", country="US"), *crowd(15, name="f", country=None),
    ]  # fmt: skip
    assert countries(day(hits)) == {
        ("Europe", "FR"): (20, 20), ("Europe", "(other)"): (12, 12), ("(unknown)", "(unknown)"): (15, 15),
        ("(other)", "(other)"): (12, 12),
    }  # fmt: skip


def test_a_visitor_is_in_one_country_that_of_the_first_request(day: Day) -> None:
    """So visitors of countries add up, whatever the network looks like later in the day."""
    moved = [hit(f"a{number}", "15:00", country="BE") for number in range(12)]
    shown = countries(day([*crowd(20, name="a", country="FR"), *moved, *crowd(15, name="b", country="BE")]))
    assert shown == {("Europe", "FR"): (32, 20), ("Europe", "BE"): (15, 15)}


def test_one_country_for_all_has_no_name(day: Day) -> None:
    assert countries(day(crowd(30, country="FR"))) == {("(other)", "(other)"): (30, 30)}


def test_hours_of_few_are_folded_into_their_part_of_the_day_and_then_into_the_rest(day: Day) -> None:
    """Paris: at 7 and 8 six each; at 12 many; at 18 and 23 seven each; at 3 two."""
    hits = [
        *crowd(6, "06:00", name="a"), *crowd(6, "07:00", name="b"), *crowd(30, "11:00", name="c"),
        *crowd(7, "17:00", name="d"), *crowd(7, "22:00", name="e"), *crowd(2, "02:00", name="f"),
    ]  # fmt: skip
    shown = {row["hour"]: row["hits"] for row in day(hits)["hours"]}
    assert shown == {"12": 30, "(other)": 12 + 2, "18-23 (other)": 14}
    enough = {row["hour"]: row["hits"] for row in day([*hits, *crowd(9, "02:00", name="g")])["hours"]}
    assert enough == {"12": 30, "06-11 (other)": 12, "18-23 (other)": 14, "03": 11}
