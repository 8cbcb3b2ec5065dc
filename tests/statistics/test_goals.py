"""Goals reached in a month: by how a visit came and where it began."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from pipelines.installation import Installation
from pipelines.statistics import measure_days, measure_months, staging
from pipelines.statistics.measures import CONVERSIONS
from tests.statistics.publishing import seal_hits
from tests.statistics.sites import Hit, crowd

DAYS = [date(2026, 10, 1), date(2026, 10, 2)]
AFTER = date(2026, 11, 2)


def visits(
    number: int, name: str, entry: str, *, sends: str = "", status: int = 302, **columns: Any
) -> list[Hit]:
    """Visitors who begin on a page, and perhaps send a form."""
    begin = crowd(number, "12:00", name=name, path=entry, **columns)
    sent = crowd(number, "12:05", name=name, path=sends, method="POST", status=status) if sends else []
    return [*begin, *sent]


def conversions(installation: Installation, *days: list[Hit]) -> dict[tuple[str, ...], tuple[int, int]]:
    """Measure October, of which these are days; goal, medium, entry page → conversions and visitors."""
    for day, hits in zip(DAYS, days, strict=False):
        seal_hits(installation, day, hits)
    measure_days(installation, DAYS, day=DAYS[-1] + timedelta(days=1))
    measure_months(installation, day=AFTER)
    rows = staging.rows_of(installation.places.releases, "2026-10.conversions", CONVERSIONS)
    names = [column.name for column in CONVERSIONS.dimensions]
    return {tuple(str(row[name]) for name in names): (row["conversions"], row["visitors"]) for row in rows}  # type: ignore[misc]


def test_conversions_are_visits_that_reached_the_goal_by_source_and_entry_page(
    installation: Installation,
) -> None:
    found = conversions(installation, [
        *visits(20, "a", "/", sends="/contact"), *visits(15, "b", "/"),
        *visits(25, "c", "/offer", sends="/contact", referrer_domain="google.fr"),
        *visits(30, "d", "/offer", referrer_domain="google.fr"),
    ])  # fmt: skip
    assert found == {
        ("contact_form", "direct", "/"): (20, 20),
        ("contact_form", "search", "/offer"): (25, 25),
    }


def test_days_of_a_month_are_summed_and_a_visitor_of_two_is_one(installation: Installation) -> None:
    day = [*visits(20, "a", "/", sends="/newsletter"), *visits(15, "b", "/")]
    assert conversions(installation, day, day) == {("newsletter", "direct", "/"): (40, 20)}


@pytest.mark.parametrize(
    ("sends", "status"),
    [("/contact", 404), ("/contact", 500), ("/contact/us", 302), ("/other", 302)],
)
def test_what_failed_or_is_no_goal_is_no_conversion(
    installation: Installation, sends: str, status: int
) -> None:
    assert (
        conversions(installation, [*visits(20, "a", "/", sends=sends, status=status), *visits(15, "b", "/")])
        == {}
    )


def test_a_goal_that_is_sent_twice_in_a_visit_is_one_conversion(installation: Installation) -> None:
    again = crowd(20, "12:10", name="a", path="/contact", method="POST", status=302)
    found = conversions(
        installation, [*visits(20, "a", "/", sends="/contact"), *again, *visits(15, "b", "/")]
    )
    assert found == {("contact_form", "direct", "/"): (20, 20)}


def test_where_almost_all_or_hardly_any_reached_it_the_page_is_not_told_apart(
    installation: Installation,
) -> None:
    """By "/x" came nine who did not; by "/y" nine who did. The section has enough of both."""
    found = conversions(installation, [
        *visits(20, "a", "/x", sends="/contact"), *visits(9, "b", "/x"),
        *visits(9, "c", "/y", sends="/contact"), *visits(40, "d", "/y"),
    ])  # fmt: skip
    assert found == {("contact_form", "direct", "/(other)"): (29, 29)}


def test_a_month_of_which_a_day_was_purged_is_not_measured(installation: Installation) -> None:
    seal_hits(installation, DAYS[0], visits(40, "a", "/", sends="/contact"))
    seal_hits(installation, DAYS[1], visits(40, "a", "/", sends="/contact"))
    measure_days(installation, DAYS, day=DAYS[-1] + timedelta(days=1))
    installation.vault.shred(f"traffic/{DAYS[0]}")
    measure_months(installation, day=AFTER)
    assert "2026-10.conversions" not in staging.staged(installation.places.releases)
    assert "2026-10.visitors" in staging.staged(installation.places.releases)


def test_the_bots_reach_no_goal(installation: Installation) -> None:
    robots = [row | {"is_bot": True} for row in visits(40, "r", "/", sends="/contact")]
    assert conversions(installation, [*robots, *visits(40, "a", "/")]) == {}
