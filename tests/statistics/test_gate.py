"""The gate: the adversary first, then everybody else; what he finds is refused, in words, without values."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.errors import DisclosureError
from pipelines.statistics import gate
from pipelines.statistics.attack import Attacked
from tests.statistics.attack.releases import DAY, GOOD, Rows, altered, fill, write


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS fresh")
        yield connection


@pytest.fixture
def inspect(connection: duckdb.DuckDBPyConnection) -> Any:
    """Give a function that publishes rows and lets the gate look at them."""

    def inspect(rows: Rows, **more: Any) -> gate.Passed:
        fill(connection, "fresh", rows, {})
        return gate.inspect(connection, **{"threshold": 10, "rounding": 0, **more})

    return inspect


def test_a_sound_release_passes_and_says_what_was_looked_at(inspect: Any) -> None:
    passed = inspect(GOOD)
    assert passed.numbers == 57
    assert passed.hidden_numbers > 40
    assert passed.texts == 40
    assert passed.earlier_releases == 0


def test_an_empty_release_passes(inspect: Any) -> None:
    assert inspect({}).numbers == 0


@pytest.mark.parametrize(
    ("rows", "measure", "rule"),
    [
        (altered("pages", visitors=9), "pages", "small cell"),
        (altered("hours", visitors=95), "hours", "total gives back"),
        (altered("pages", path="/jane%40example.org"), "pages", "personal text"),
        (altered("hours", 1, hour="08"), "hours", "row twice"),
    ],
)
def test_what_the_adversary_finds_is_refused_with_measure_rule_and_cure(
    rows: Rows, measure: str, rule: str, inspect: Any
) -> None:
    with pytest.raises(DisclosureError) as refusal:
        inspect(rows)
    assert f"measure {measure}, rule {rule}, " in str(refusal.value)
    assert "stays in force" in str(refusal.value)
    assert "jane" not in str(refusal.value)


def test_a_refusal_counts_what_else_there_is_and_carries_it_all(inspect: Any) -> None:
    rows = altered("conversions", visitors=2)
    rows["conversions"].append({**rows["conversions"][0], "goal": "newsletter"})
    rows["privacy_requests"][0]["people"] = 4
    with pytest.raises(
        gate.RefusedError, match=r"conversions, rule small cell, 2 found .* And 3 findings more"
    ) as refusal:
        inspect(rows)
    assert {finding.measure for finding in refusal.value.findings} == {"conversions", "privacy_requests"}


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """The release before: the same rows, in a file."""
    return write(tmp_path / "2026-11-21-00000000", GOOD)


def test_the_same_rows_again_and_a_new_day_pass(earlier: Path, inspect: Any) -> None:
    rows = copy.deepcopy(GOOD)
    rows["daily"].append({**rows["daily"][0], "day": DAY.replace(day=22)})
    assert inspect(rows, earlier=(earlier,)).earlier_releases == 1


def test_a_published_day_that_changed_by_one_is_refused(earlier: Path, inspect: Any) -> None:
    with pytest.raises(DisclosureError, match="measure statuses, rule published period changed"):
        inspect(altered("statuses", visitors=89), earlier=(earlier,))


def test_what_was_published_under_older_rules_does_not_stop_what_is_new(tmp_path: Path, inspect: Any) -> None:
    """A threshold that is raised holds from then on; a page of a year ago is out already."""
    old = altered("pages", path="/zoe-canary", visitors=11)
    folder = write(tmp_path / "old", old)
    rows = copy.deepcopy(old)
    rows["daily"].append({**rows["daily"][0], "day": DAY.replace(day=22)})
    inspect(
        rows,
        earlier=(folder,),
        threshold=12,
        names=lambda texts: {(p, "a name"): t for p, t in texts.items() if t},
    )


def test_people_of_the_contacts_are_looked_for_in_all_new_texts(inspect: Any) -> None:
    asked: dict[str, Sequence[str]] = {}

    def names(texts: Mapping[str, Sequence[str]]) -> Mapping[tuple[str, str], Sequence[str]]:
        asked.update(texts)
        return {("pages.path", "the name of a person"): ["/"]}

    with pytest.raises(DisclosureError, match="column path holds what looks like the name of a person"):
        inspect(GOOD, names=names)
    assert set(asked["pages.path"]) == {"/", "/blog/2026-11-21-a"}
    assert {"sources.campaign", "flows.to_page", "conversions.goal", "contact_activity.kind"} <= asked.keys()


def test_what_was_tried_is_kept_whether_the_release_passes_or_not(inspect: Any) -> None:
    kept: list[Attacked] = []
    with pytest.raises(DisclosureError):
        inspect(altered("hours", visitors=95), keep=kept.append)
    (attacked,) = kept
    assert attacked.findings
    assert attacked.tried_in_all("differencing") > 40


def test_an_attack_that_cannot_be_carried_out_stops_the_release(
    connection: duckdb.DuckDBPyConnection, inspect: Any
) -> None:
    fill(connection, "fresh", GOOD, {})
    connection.execute("ALTER TABLE fresh.hours DROP COLUMN hits")
    with pytest.raises((DisclosureError, duckdb.Error)):  # release.py turns the second into the first
        gate.inspect(connection, threshold=10, rounding=0)
