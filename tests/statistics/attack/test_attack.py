"""Each attack succeeds on a release that deserves it, and finds nothing on its sound sister."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from pipelines.statistics import attack
from pipelines.statistics.attack.knowledge import KNOWN
from tests.statistics.attack.releases import DAY, GOOD, NOVEMBER, Rows, altered, nobody, published, without


def found(rows: Rows, *, threshold: int = 10, rounding: int = 0, **more: Any) -> set[tuple[str, str]]:
    """Return the tables and rules in which the adversary succeeds."""
    with published(rows, **more) as publication:
        attacked = attack.attack(publication, attack.Rules(threshold, rounding), nobody)
    return {(finding.measure, finding.rule) for finding in attacked.findings}


def with_rows(change: Callable[[Rows], object]) -> Rows:
    rows = copy.deepcopy(GOOD)
    change(rows)
    return rows


def blank(measure: str, column: str, *numbers: int) -> Rows:
    return with_rows(lambda rows: [rows[measure][number].update({column: None}) for number in numbers])


def test_a_sound_release_gives_nothing_away() -> None:
    assert found(GOOD) == set()


def test_an_empty_release_gives_nothing_away() -> None:
    assert found({}) == set()


def test_every_table_and_column_of_the_releases_is_one_that_the_attack_knows() -> None:
    from pipelines.statistics.measures import MEASURES

    assert {m.name: {c.name for c in m.columns} for m in MEASURES} == {
        name: set(known.columns) for name, known in KNOWN.items()
    }


def test_a_table_that_nobody_taught_the_attack_is_refused() -> None:
    with published(GOOD) as publication:
        publication.connection.execute("CREATE TABLE fresh.secrets (day DATE, people BIGINT)")
        publication.connection.execute("ALTER TABLE fresh.hours ADD COLUMN minutes BIGINT")
        attacked = attack.attack(publication, attack.Rules(10), nobody)
    assert {(f.measure, f.rule, f.cells) for f in attacked.findings} == {
        ("secrets", "not understood", 2), ("hours", "not understood", 1),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "measure"),
    [
        (altered("pages", visitors=9), "pages"),
        (altered("daily", bot_hits=9), "daily"),
        (altered("daily", bot_hits=0), "daily"),
        (altered("daily", visitors=9), "daily"),
        (altered("flows", visitors=9), "flows"),
        (altered("flows", visitors=None), "flows"),
        (altered("contact_activity", people=9), "contact_activity"),
        (altered("contact_activity", people=None), "contact_activity"),
        (altered("conversions", conversions=9, visitors=9), "conversions"),
        (altered("privacy_requests", requests=1, people=1), "privacy_requests"),
    ],
)
def test_singling_out_a_number_about_too_few(rows: Rows, measure: str) -> None:
    assert (measure, "small cell") in found(rows)


@pytest.mark.parametrize("seconds", [33, 1])
def test_an_exact_duration_is_somebodys(seconds: int) -> None:
    assert found(altered("daily", median_seconds=seconds)) == {("daily", "too exact")}


@pytest.mark.parametrize(("sent", "is_found"), [(12_345, True), (12_300, False), (999, False), (1_001, True)])
def test_exact_bytes_are_one_more_equation(sent: int, is_found: bool) -> None:
    assert found(altered("daily", sent_bytes=sent)) == ({("daily", "too exact")} if is_found else set())


def test_a_row_that_stands_there_twice_is_two_parts_of_a_day() -> None:
    assert ("hours", "row twice") in found(altered("hours", 1, hour="08"))


def test_rows_of_a_hidden_day_show_it() -> None:
    assert {rule for _measure, rule in found(without("daily", "weeks", "months"))} == {"day without total"}


def test_where_nobody_was_counted_ten_requests_stand_for_one() -> None:
    day = {"day": DAY, "hits": 150}
    assert found({"daily": [day], "hours": [{"day": DAY, "hour": "08", "hits": 150}]}) == set()
    few = [{"day": DAY, "hour": "08", "hits": 51}, {"day": DAY, "hour": "(other)", "hits": 99}]
    assert found({"daily": [day], "hours": few}) == {("hours", "small cell")}


@pytest.mark.parametrize(
    ("name", "rows", "measure"),
    [
        ("a total minus its rows", altered("hours", hits=97), "hours"),
        ("entries of pages, from all visits", altered("pages", 0, entries=81), "pages"),
        ("views less entries", altered("pages", 1, entries=45), "pages"),
        ("visitors outside a row", altered("hours", 0, visitors=95), "hours"),
        ("visits that are no bounce", altered("daily", bounces=115), "daily"),
        ("hits that are no page", altered("daily", page_views=195), "daily"),
        ("errors apart from those shown", altered("daily", errors=25), "statuses"),
        ("one blank page", blank("pages", "exits", 1), "pages"),
        ("visits of several pages, from the views that are left", altered("daily", page_views=95), "daily"),
        ("visitors who got an answer that can be no page", altered("statuses", 0, visitors=65), "pages"),
        ("bounces from the depth of visits", blank("daily", "bounces", 0), "daily"),
        ("the only blank of people that add up", blank("technology", "visitors", 0), "technology"),
        ("a ratio beside a blank", altered("daily", bounces=None, bounce_rate=0.6667), "daily"),
        ("addresses not found, less those shown", altered("broken_links", 0, hits=17), "broken_links"),
        ("visitors of a page who did not step on", altered("flows", visitors=55), "flows"),
    ],
)  # fmt: skip
def test_differencing_works_hidden_numbers_out(name: str, rows: Rows, measure: str) -> None:
    assert found(rows) & {(measure, "total gives back"), ("daily", "contradiction")}, name


def test_visits_without_a_page_do_not_cover_for_a_page_that_few_left_from() -> None:
    """Entries are all shown, so the visits without a page are known; exits then lack the three alone."""
    rows = with_rows(
        lambda rows: (
            rows["pages"].append(
                {"day": DAY, "path": "/b", "views": 53, "visitors": 53, "entries": 20, "exits": None}
            ),
            rows["pages"][0].update(views=73, visitors=73, entries=33, exits=20),
            rows["pages"][1].update(views=70, visitors=50, entries=20, exits=50),
            rows["daily"][0].update(hits=208, page_views=196, visits=85, visitors=85, bounces=None,
                                    bounce_rate=None, errors=None),
        )
    )  # fmt: skip
    alone = {name: rows[name] for name in ("daily", "pages")}
    assert found(alone) == {("pages", "total gives back")}
    alone["pages"][0]["entries"] = None  # now they are not
    alone["pages"][0]["exits"] = None
    assert found(alone) == set()


def test_two_blanks_of_one_total_cover_each_other() -> None:
    """Each blank may be nothing, and is in an interval as wide as the other."""
    alone = {name: copy.deepcopy(GOOD[name]) for name in ("daily", "pages")}
    for row in alone["pages"]:
        row["exits"] = None
    assert found(alone) == set()


def test_a_day_of_a_large_site_is_no_contradiction() -> None:
    """Bounds that stand for "any number" must be above what factors make of large ones."""
    rows = {name: copy.deepcopy(GOOD[name]) for name in ("daily", "depths")}
    rows["daily"][0].update(
        hits=30_000_000, page_views=1_200_000, visits=600_000, visitors=None, bounces=200_000,
        bounce_rate=0.3333, pages_per_visit=2.0, errors=20_000,
    )  # fmt: skip
    for row, visits in zip(rows["depths"], (100_000, 200_000, 300_000), strict=True):
        row.update(visits=visits, visitors=None)
    assert found(rows) == set()


def test_a_blank_between_narrow_walls_is_found() -> None:
    """1,010 visits began on two pages of 1,000 and 30 views: of the first 980 or more, and that is close."""

    def site(views: int, bounces: int, several: int) -> Rows:
        rows = {name: copy.deepcopy(GOOD[name]) for name in ("daily", "pages", "depths")}
        rows["daily"][0].update(
            hits=2000, page_views=1000 + views, visits=12 + bounces + several, bounces=bounces
        )
        for row, visits in zip(rows["depths"], (12, bounces, several), strict=True):
            row.update(visits=visits, visitors=None)
        for row, number in zip(rows["pages"], (1000, views), strict=True):
            row.update(views=number, visitors=None, entries=None, exits=None)
        return rows

    assert found(site(views=30, bounces=995, several=15)) == {("pages", "total gives back")}
    assert found(site(views=300, bounces=400, several=100)) == set()


def test_rounded_numbers_leave_room_between_each_other() -> None:
    day = {"daily": altered("daily", page_views=195)["daily"]}
    assert found(day) == found(day, rounding=5) == {("daily", "total gives back")}  # 195 is 197 at the most
    day["daily"][0]["page_views"] = 200
    assert found(day, rounding=5) == set()
    assert ("pages", "small cell") in found(altered("pages", visitors=5), rounding=5)


def test_numbers_with_noise_are_not_exact_and_not_solved() -> None:
    rows = altered("sources", visits=3)
    assert ("sources", "small cell") in found(rows)
    assert found(rows, states={("2026-11-21", "sources"): "published with noise"}) == set()


def test_a_week_tells_who_came_again() -> None:
    """100 and 100 on two days, 195 in all: five came twice, whether that is shown or not."""
    rows = copy.deepcopy(GOOD)
    rows = {name: rows[name] for name in ("daily", "weeks")}
    rows["daily"].append({**rows["daily"][0], "day": DAY.replace(day=20)})
    rows["weeks"][0].update(days=2, hits=400, page_views=300, visits=240)
    assert found(rows) == set()
    rows["weeks"][0]["visitors"] = 195
    assert found(rows) == {("weeks", "total gives back")}
    rows["weeks"][0].update(visitors=150, returning_visitors=50, returning_share=0.3333)
    assert found(rows) == set()


def test_a_week_measured_later_than_its_days_tells_what_changed_in_between() -> None:
    assert found(altered("weeks", page_views=149)) == {("weeks", "total gives back")}


def test_a_month_less_one_of_its_weeks_or_those_who_reached_a_goal_is_about_enough_people() -> None:
    rows = {name: copy.deepcopy(GOOD[name]) for name in ("daily", "weeks", "conversions")}
    row = {
        **rows["weeks"][0],
        "visitors": 150,
        "returning_visitors": 50,
        "returning_share": 0.3333,
        "days": 2,
    }
    row |= {"hits": 400, "page_views": 300, "visits": 240}
    rows["daily"].append({**rows["daily"][0], "day": DAY.replace(day=20)})
    rows["weeks"] = [row]
    rows["conversions"][0]["month"] = NOVEMBER
    rows["months"] = [{**{name: row[name] for name in row if name != "week"}, "month": NOVEMBER, "visitors": 160,
                       "returning_visitors": 40, "returning_share": 0.25}]  # fmt: skip
    assert found(rows) == set()
    rows["months"][0].update(visitors=155, returning_visitors=45, returning_share=0.2903)
    assert found(rows) == {("months", "total gives back")}
    rows["months"][0].update(visitors=160, returning_visitors=40, returning_share=0.25)
    rows["conversions"][0].update(conversions=160, visitors=155)
    assert found(rows) == {("months", "total gives back")}


def test_hours_of_the_week_say_no_more_than_the_hours_of_the_days() -> None:
    assert found(altered("weekdays", hits=103)) == {("weekdays", "total gives back")}
    assert found(altered("weekdays", days=2)) == {("weekdays", "total gives back")}


def test_numbers_that_cannot_all_be_true_are_refused() -> None:
    assert found(altered("technology", hits=141)) == {("daily", "contradiction")}


def test_a_finding_is_said_in_words_without_any_value() -> None:
    with published(altered("hours", visitors=95)) as publication:
        attacked = attack.attack(publication, attack.Rules(10), nobody)
    (finding,) = attacked.findings
    assert finding.describe() == (
        "measure hours, rule total gives back, 1 found (2026-11-21): a total without a number that is shown is "
        "about too few people and can be worked out from others, column visitors"
    )
