"""Two releases of one period are a perfect differencing attack, unless they say the same."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.statistics import attack
from tests.statistics.attack.releases import DAY, GOOD, Rows, published, write

States = Mapping[tuple[str, str], str]
HIDDEN: States = {("2026-11-19", "hours"): "suppressed"}


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """The release before: the same rows, and a day of which nothing could be shown."""
    return write(tmp_path / "earlier", GOOD, HIDDEN)


@pytest.fixture
def rows() -> Rows:
    return copy.deepcopy(GOOD)


def compare(rows: Rows, earlier: Path, states: States = HIDDEN) -> set[tuple[str, str]]:
    with published(rows, states) as publication:
        publication.connection.execute(f"ATTACH '{earlier / 'charter.duckdb'}' AS earlier (READ_ONLY)")
        findings = attack.compare(publication, attack.Publication(publication.connection, "earlier"))
        return {(finding.measure, finding.rule) for finding in findings}


def test_the_same_rows_and_a_day_more_tell_nothing(rows: Rows, earlier: Path) -> None:
    rows["daily"].append({**rows["daily"][0], "day": DAY.replace(day=22)})
    assert compare(rows, earlier) == set()


@pytest.mark.parametrize(
    ("measure", "change"),
    [
        ("pages", lambda rows: rows["pages"][0].update(views=99)),
        ("pages", lambda rows: rows["pages"].clear()),
        ("pages", lambda rows: rows["pages"].append({**rows["pages"][0], "path": "/new"})),
        ("contact_activity", lambda rows: rows["contact_activity"].clear()),
        ("statuses", lambda rows: rows["statuses"][0].update(visitors=89)),
        ("daily", lambda rows: rows["daily"][0].update(sent_bytes=12_400)),
        ("hours", lambda rows: rows["hours"].append({**rows["hours"][0], "day": DAY.replace(day=19)})),
        ("weeks", lambda rows: rows["weeks"][0].update(visitors=50)),
        ("privacy_requests", lambda rows: rows["privacy_requests"][0].update(requests=12)),
    ],
)  # fmt: skip
def test_a_period_that_changed_after_it_was_published_or_suppressed_is_found(
    measure: str, change: Callable[[Rows], Any], rows: Rows, earlier: Path
) -> None:
    change(rows)
    assert compare(rows, earlier) == {(measure, "published period changed")}


def test_a_period_that_is_forgotten_is_found(rows: Rows, earlier: Path) -> None:
    assert compare(rows, earlier, {}) == {("hours", "published period changed")}


def test_a_column_more_than_the_earlier_release_had_is_no_change(tmp_path: Path, rows: Rows) -> None:
    """A new version of the software says more of a day; what it said before stays."""
    folder = write(tmp_path / "old", rows)
    with duckdb.connect(str(folder / "charter.duckdb")) as connection:
        connection.execute("ALTER TABLE daily DROP COLUMN median_seconds")
        connection.execute("DROP TABLE flows")
        connection.execute("DELETE FROM coverage WHERE measure = 'flows'")
    assert compare(rows, folder, {}) == set()
    rows["daily"][0]["errors"] = 30
    assert compare(rows, folder, {}) == {("daily", "published period changed")}
