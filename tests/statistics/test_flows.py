"""Steps from page to page: who took one, and what the shown ones leave."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipelines.statistics import gate
from pipelines.statistics.flows import _candidates
from pipelines.statistics.measure import rule_of
from tests.statistics import rules
from tests.statistics.fresh import show_fresh
from tests.statistics.measuring import DAY, Rows, measured, new_memory
from tests.statistics.sites import Hit, crowd, random_sites

Steps = Callable[..., dict[tuple[str, str], int]]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with new_memory() as connection:
        yield connection


@pytest.fixture
def day(connection: duckdb.DuckDBPyConnection) -> Callable[..., Rows]:
    def day(hits: Iterable[Hit], threshold: int = 10) -> Rows:
        return measured(connection, {DAY: hits}, rules.charter(threshold))[DAY]

    return day


@pytest.fixture
def steps(day: Callable[..., Rows]) -> Steps:
    def steps(hits: Iterable[Hit], threshold: int = 10) -> dict[tuple[str, str], int]:
        return {(row["from_page"], row["to_page"]): row["visitors"] for row in day(hits, threshold)["flows"]}

    return steps


def reading(number: int, *paths: str, name: str, at: str = "12:0") -> list[Hit]:
    """Visitors who each view the paths, one after the other, in one visit."""
    return [
        row for step, path in enumerate(paths) for row in crowd(number, f"{at}{step}", name=name, path=path)
    ]


# Most go from "/" to "/a"; others go on from "/", or come to "/a", in other ways; many do neither.
SITE = [
    *reading(40, "/", "/a", name="m"),
    *reading(20, "/", "/b", name="n"),
    *reading(15, "/b", "/a", name="o"),
    *crowd(30, name="p"),
    *crowd(20, name="q", path="/a"),
    *crowd(20, name="r", path="/b"),
]


def test_a_step_is_shown_where_enough_took_it_and_enough_did_not(steps: Steps) -> None:
    """The other steps are not: they would leave nobody who goes on from "/", and nobody who comes to "/a"."""
    assert steps(SITE) == {("/", "/a"): 40}


def test_a_step_counts_people_and_not_how_often(steps: Steps) -> None:
    twice = [*SITE, *reading(40, "/", "/a", name="m", at="18:0")]
    assert steps(twice)["/", "/a"] == 40


def test_a_step_of_too_few_is_not_shown(steps: Steps) -> None:
    fewer = [row for row in SITE if row["visitor"] not in {each["visitor"] for each in crowd(31, name="m")}]
    assert ("/", "/a") not in steps(fewer)


def test_a_step_that_almost_all_viewers_took_is_not_shown(steps: Steps) -> None:
    """Those who saw "/" and did not go to "/a" would be nine."""
    everybody = [*reading(40, "/", "/a", name="m"), *reading(9, "/", "/b", name="n"),
                 *reading(15, "/b", "/a", name="o"), *crowd(20, name="q", path="/a")]  # fmt: skip
    assert ("/", "/a") not in steps(everybody)


def test_the_same_page_again_a_file_and_another_visit_are_no_steps(
    steps: Steps, connection: duckdb.DuckDBPyConnection
) -> None:
    views = [("12:00", "/"), ("12:01", "/a.css"), ("12:02", "/"), ("12:03", "/x"), ("13:00", "/y")]
    steps([row for at, path in views for row in crowd(12, at, path=path)])
    labels = dict(connection.execute("SELECT cell, path FROM pages_labels").fetchall())
    taken = connection.execute("SELECT DISTINCT from_page, to_page FROM flows_people").fetchall()
    assert [(labels[first], labels[then]) for first, then in taken] == [("/", "/x")]


def test_a_page_that_has_no_row_of_its_own_is_named_in_no_step(day: Callable[..., Rows]) -> None:
    """Those of "/s/1" and "/s/2" are the section's."""
    hits = [*SITE, *reading(12, "/", "/s/1", name="s"), *reading(9, "/", "/s/2", name="t"),
            *reading(25, "/b", "/s/2", name="u"), *reading(30, "/", "/b", name="v"), *crowd(30, name="w", path="/s/2")]  # fmt: skip
    shown = day(hits)
    named = {row["path"] for row in shown["pages"]}
    ends = {row[end] for row in shown["flows"] for end in ("from_page", "to_page")}
    assert {end for end in ends if not end.endswith("(other)")} <= named
    assert ("/", "/a") in {(row["from_page"], row["to_page"]) for row in shown["flows"]}


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(site=random_sites(most_requests=60), threshold=st.integers(2, 4))
def test_whatever_the_day_a_step_is_that_of_a_slow_reference_and_leaves_enough(
    day: Callable[..., Rows], site: list[Hit], threshold: int
) -> None:
    require_safe_steps(day, site, threshold)


@pytest.mark.long
@settings(
    max_examples=1000, deadline=None, derandomize=False, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(site=random_sites(most_requests=60), threshold=st.integers(2, 4))
def test_of_a_thousand_days_none_is_refused(
    day: Callable[..., Rows], site: list[Hit], threshold: int
) -> None:
    require_safe_steps(day, site, threshold)


def test_a_million_steps_that_hardly_anybody_took_need_little_memory(tmp_path: Path) -> None:
    """A night of 20 million lines ended here, when people were counted of every step."""
    with duckdb.connect(config={"temp_directory": str(tmp_path), "threads": 2}) as connection:
        connection.execute(
            "CREATE TABLE pages_labels AS SELECT range::INTEGER AS cell, '/' || range AS path, '/' AS section "
            "FROM range(1, 3001)"
        )
        connection.execute(
            "CREATE TABLE flows_people AS SELECT DATE '2026-11-21' AS day, "
            "(1 + hash(range) % 3000)::INTEGER AS from_page, (1 + hash(range + 0.5) % 3000)::INTEGER AS to_page, "
            "md5(range::VARCHAR)::UUID AS person, person AS contributor FROM range(1000000)"
        )
        connection.execute(
            "INSERT INTO flows_people SELECT '2026-11-21', 1, 2, uuid(), uuid() FROM range(50)"
        )
        connection.execute("SET memory_limit = '60MB'")
        found = _candidates(connection, 0, [], rule_of(rules.charter(10)))
    assert [(step.from_path, step.to_path) for step in found] == [("/1", "/2")]
    assert found[0].visitors >= 50


def require_safe_steps(day: Callable[..., Rows], site: list[Hit], threshold: int) -> None:
    shown = day(site, threshold)
    takers, viewers = slow_steps(site)
    for row in shown["flows"]:
        pair = row["from_page"], row["to_page"]
        if not any(page.endswith("(other)") for page in pair):
            assert row["visitors"] == len(takers[pair]) >= threshold
            for page in pair:
                assert len({who["address"] for who in viewers[page].values()}) >= threshold
    with show_fresh(shown) as fresh:
        gate.inspect(fresh, threshold=threshold, rounding=0)


def slow_steps(site: Iterable[Hit]) -> tuple[dict[Any, set[Any]], dict[str, dict[Any, Hit]]]:
    """Who took each step, and who saw each page: one request after the other."""
    takers: dict[Any, set[Any]] = defaultdict(set)
    viewers: dict[str, dict[Any, Hit]] = defaultdict(dict)
    last_at: dict[Any, Any] = {}
    last_page: dict[Any, str | None] = {}
    for row in sorted(site, key=lambda row: row["hit_at"]):
        who = row["visitor"]
        if who is None or row["is_bot"]:
            continue
        is_new = who not in last_at or (row["hit_at"] - last_at[who]).total_seconds() >= 1800
        last_at[who] = row["hit_at"]
        if is_new:
            last_page[who] = None
        if row["status"] in (200, 304) and not row["path"].endswith(".css"):
            viewers[row["path"]][who] = row
            if last_page[who] not in (None, row["path"]):
                takers[last_page[who], row["path"]].add(who)
            last_page[who] = row["path"]
    return takers, viewers
