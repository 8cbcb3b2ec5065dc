"""The gate refuses, one by one, what the suppression should never let through."""

from __future__ import annotations

import copy
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import DisclosureError
from pipelines.statistics import database, gate
from pipelines.statistics.measures import MEASURES
from tests.statistics.fresh import show_fresh

DAY = date(2026, 11, 21)
Rows = dict[str, list[dict[str, Any]]]

GOOD: Rows = {
    "daily": [{"day": DAY, "hits": 200, "page_views": 150, "visits": 120, "visitors": 100, "bounces": 60,
               "sent_bytes": 5, "errors": 20, "bot_hits": 40}],
    "pages": [
        {"day": DAY, "path": "/", "views": 100, "visitors": 60, "entries": 80, "exits": 50},
        {"day": DAY, "path": "/blog/2026-11-21-a", "views": 50, "visitors": 40, "entries": 20, "exits": 20},
    ],
    "sources": [
        {"day": DAY, "medium": "direct", "referrer_domain": "(none)", "campaign": "(none)", "visits": 120,
         "visitors": 100},
    ],
    "technology": [
        {"day": DAY, "browser": "Firefox", "system": "Linux", "device": "desktop", "hits": 200, "visitors": 100},
    ],
    "hours": [
        {"day": DAY, "hour": "08", "hits": 100, "visitors": None},
        {"day": DAY, "hour": "(other)", "hits": 100, "visitors": 30},
    ],
    "statuses": [
        {"day": DAY, "status": "200", "hits": 180, "visitors": 90},
        {"day": DAY, "status": "4xx (other)", "hits": 20, "visitors": 15},
    ],
    "contact_activity": [{"month": date(2026, 10, 1), "kind": "form", "messages": 30, "people": 12}],
    "coverage": [
        {"period": "2026-11-21", "measure": "daily", "state": "published"},
        {"period": "2026-10", "measure": "contact_activity", "state": "published"},
    ],
}  # fmt: skip


def altered(measure: str, row: int = 0, **values: Any) -> Rows:
    rows = copy.deepcopy(GOOD)
    rows[measure][row].update(values)
    return rows


def inspect(rows: Rows, *, rounding: int = 0, earlier: tuple[Path, ...] = ()) -> gate.Passed:
    with show_fresh(rows) as connection:
        return gate.inspect(connection, threshold=10, rounding=rounding, earlier=earlier)


def test_a_sound_release_passes_and_says_what_was_looked_at() -> None:
    passed = inspect(GOOD)
    assert passed == gate.Passed(rows=10, texts=13, earlier_releases=0)


def test_an_empty_release_passes() -> None:
    assert inspect({}).rows == 0


@pytest.mark.parametrize(
    ("rows", "measure", "rule"),
    [
        (altered("pages", visitors=9), "pages", "small cell"),
        (altered("hours", 1, visitors=1), "hours", "small cell"),
        (altered("daily", bounces=3), "daily", "small cell"),
        (altered("daily", bot_hits=0), "daily", "small cell"),
        (altered("daily", visitors=9), "daily", "small cell"),
        (altered("daily", hits=None), "daily", "small cell"),
        (altered("contact_activity", people=9), "contact_activity", "small cell"),
        (altered("contact_activity", people=None), "contact_activity", "small cell"),
        (altered("daily", page_views=195), "daily", "remainder of a row"),
        (altered("daily", page_views=201), "daily", "remainder of a row"),
        (altered("daily", bounces=115), "daily", "remainder of a row"),
        (altered("daily", errors=191), "daily", "remainder of a row"),
        (altered("pages", entries=92), "pages", "remainder of a row"),
        (altered("pages", views=97), "pages", "total gives back"),
        (altered("pages", 1, entries=35), "pages", "total gives back"),
        (altered("sources", visits=119), "sources", "total gives back"),
        (altered("hours", hits=101), "hours", "total gives back"),
        (altered("hours", visitors=95), "hours", "total gives back"),
        (altered("statuses", visitors=99), "statuses", "total gives back"),
        (altered("daily", errors=25), "statuses", "total gives back"),
        (altered("hours", 1, day=date(2026, 11, 20)), "hours", "day without total"),
        (altered("hours", 1, hour="08"), "hours", "row twice"),
        (altered("pages", path="/jane@example.org"), "pages", "e-mail address"),
        (altered("pages", path="/jane%40example.org"), "pages", "e-mail address"),
        (altered("pages", path="/jane%2540example.org"), "pages", "e-mail address"),
        (altered("pages", path="/from/192.0.2.17"), "pages", "IP address"),
        (altered("pages", path="/from/2001:db8::1"), "pages", "IP address"),
        (altered("pages", path="/call/06.12.34.56.78"), "pages", "phone number"),
        (altered("pages", path="/customer/1234567"), "pages", "number"),
        (altered("pages", path="/s/9f86d081884c7d659a2feaa0c55ad015"), "pages", "looks like"),
        (altered("pages", path="/s/eyJhbGciOiJIUzI1NiIsInR5"), "pages", "token"),
        (altered("pages", path="/x" * 101), "pages", "too long"),
        (altered("sources", campaign="spring +33 6 12 34 56 78"), "sources", "phone number"),
        (altered("technology", browser="me@example.org"), "technology", "e-mail address"),
        (altered("pages", path=None), "pages", "nothing at all"),
    ],
)
def test_each_attack_that_succeeds_refuses_the_release_and_names_measure_and_rule(
    rows: Rows, measure: str, rule: str
) -> None:
    with pytest.raises(DisclosureError) as refusal:
        inspect(rows)
    assert f"measure {measure}, rule " in str(refusal.value)
    assert rule in str(refusal.value)
    assert "1 found" in str(refusal.value)
    for value in ("jane", "192.0.2", "db8", "06.12", "1234567", "9f86", "eyJ", "spring"):
        assert value not in str(refusal.value)


def test_every_row_that_is_at_fault_is_counted() -> None:
    rows = altered("hours", 0, visitors=2)
    rows["hours"][1]["visitors"] = 3
    with pytest.raises(DisclosureError, match="2 found"):
        inspect(rows)


def test_without_counted_visitors_ten_requests_stand_for_one() -> None:
    rows: Rows = {"daily": [{"day": DAY, "hits": 150, "visitors": None}], "hours": []}
    rows["hours"] = [{"day": DAY, "hour": "08", "hits": 150, "visitors": None}]
    inspect(rows)
    rows["hours"] = [{"day": DAY, "hour": "08", "hits": 51, "visitors": None},
                     {"day": DAY, "hour": "(other)", "hits": 99, "visitors": None}]  # fmt: skip
    with pytest.raises(DisclosureError, match="measure hours, rule small cell, 2 found"):
        inspect(rows)


def test_rounded_counts_are_not_subtracted_but_small_cells_are_still_refused() -> None:
    inspect(altered("daily", page_views=195), rounding=5)
    with pytest.raises(DisclosureError, match="small cell"):
        inspect(altered("pages", visitors=5), rounding=5)


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """The release before: the same rows, in a file."""
    folder = tmp_path / "2026-11-21-00000000"
    folder.mkdir()
    with show_fresh(GOOD) as connection:
        connection.execute(f"ATTACH '{folder / 'charter.duckdb'}' AS kept")
        for name in (*(measure.name for measure in MEASURES), database.COVERAGE):
            connection.execute(f"CREATE TABLE kept.{name} AS FROM fresh.{name}")
        connection.execute("DETACH kept")
    return folder


def test_the_same_rows_again_and_a_new_day_pass(earlier: Path) -> None:
    rows = copy.deepcopy(GOOD)
    rows["daily"].append({**rows["daily"][0], "day": date(2026, 11, 22)})
    assert inspect(rows, earlier=(earlier,)).earlier_releases == 1


@pytest.mark.parametrize(
    ("measure", "change"),
    [
        ("pages", lambda rows: rows["pages"][0].update(views=99, entries=79) or rows["daily"][0].update(page_views=149)),
        ("pages", lambda rows: rows["pages"].clear()),
        ("contact_activity", lambda rows: rows["contact_activity"].clear()),
        ("statuses", lambda rows: rows["statuses"][0].update(visitors=89)),
        ("daily", lambda rows: rows["daily"][0].update(sent_bytes=6)),
    ],
)  # fmt: skip
def test_a_published_day_that_changed_by_one_is_refused(measure: str, change: Any, earlier: Path) -> None:
    rows = copy.deepcopy(GOOD)
    change(rows)
    with pytest.raises(DisclosureError, match="published period changed"):
        inspect(rows, earlier=(earlier,))
    assert measure in GOOD


def test_a_day_that_was_suppressed_may_not_appear_later(earlier: Path) -> None:
    rows = copy.deepcopy(GOOD)
    rows["pages"].append({"day": DAY, "path": "/late", "views": 30, "visitors": 20})
    rows["daily"][0].update(page_views=180)
    with pytest.raises(DisclosureError, match="published period changed"):
        inspect(rows, earlier=(earlier,))
