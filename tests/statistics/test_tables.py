"""All measures of a day together: figures that share totals must not give one another away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.statistics import gate
from pipelines.statistics.measures import BY_NAME
from pipelines.statistics.people import Cell, Tally, people, tally_of
from pipelines.statistics.tables import of_period, rounded
from tests.statistics import rules
from tests.statistics.fresh import show_fresh
from tests.statistics.measuring import DAY, Rows, measured, new_memory
from tests.statistics.sites import Hit, crowd, hit, random_sites

Measured = Callable[..., Rows]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with new_memory() as connection:
        yield connection


@pytest.fixture
def published(connection: duckdb.DuckDBPyConnection) -> Measured:
    def published(hits: Iterable[Hit], **publication: Any) -> Rows:
        return measured(connection, {DAY: hits}, rules.charter(**publication))[DAY]

    return published


def by(shown: Rows, name: str, label: str, count: str) -> dict[Any, Any]:
    return {row[label]: row[count] for row in shown[name]}


def reading(number: int, *paths: str, name: str = "v", **columns: Any) -> list[Hit]:
    """Visitors who each view the paths, one after the other, in one visit."""
    return [row for step, path in enumerate(paths) for row in
            crowd(number, f"12:0{step}", name=name, path=path, **columns)]  # fmt: skip


def require_accepted(shown: Rows, threshold: int = 10) -> None:
    """Let the adversary of the gate try."""
    with show_fresh(shown) as fresh:
        gate.inspect(fresh, threshold=threshold, rounding=0)


# A day of which every kind of hit and of visit is many: nobody is given away by what is not named in a test.
MANY = [
    *reading(40, "/", "/about", name="m"),
    *crowd(30, name="b"),  # bounces
    *crowd(25, name="n", path="/a.css"),  # visits without a page
    *crowd(20, name="r", path="/old", status=301),
    *crowd(20, name="e", path="/gone", status=404),
]


def test_a_day_of_too_few_people_is_suppressed_in_every_measure(published: Measured) -> None:
    assert not any(published(crowd(9)).values())
    assert all(published(MANY)[name] for name in ("daily", "pages", "sources", "depths", "statuses"))


def test_a_day_of_many_kinds_shows_all_of_its_figures(published: Measured) -> None:
    (day,) = published(MANY)["daily"]
    assert day == {
        "day": DAY, "hits": 175, "page_views": 110, "visits": 135, "visitors": 135, "bounces": 30,
        "bounce_rate": 0.2222, "pages_per_visit": 0.8148, "median_seconds": 60, "sent_bytes": 17_500, "errors": 20,
        "bot_hits": None,
    }  # fmt: skip


# --------------------------------------------------------------------------- the kinds of hits


def test_statuses_of_few_take_others_of_their_kind_with_them(published: Measured) -> None:
    """Two 500s go with the 404s, not with the 200s: errors and page views are both known."""
    shown = published([*MANY, *crowd(2, name="x", status=500)])
    assert by(shown, "statuses", "status", "hits") == {"200": 135, "301": 20, "4xx-5xx (other)": 22}
    assert shown["daily"][0]["errors"] == 22


def test_few_errors_are_blank_and_no_row_of_statuses_gives_them_back(published: Measured) -> None:
    hits = [*(row for row in MANY if row["status"] != 404), *crowd(3, name="x", status=404)]
    shown = published(hits)
    assert shown["daily"][0]["errors"] is None
    assert by(shown, "statuses", "status", "hits") == {"200": 135, "3xx-5xx (other)": 23}
    assert shown["broken_links"] == []


def test_few_redirects_are_one_with_the_successes(published: Measured) -> None:
    hits = [*(row for row in MANY if row["status"] != 301), *crowd(3, name="x", status=301)]
    shown = published(hits)
    assert by(shown, "statuses", "status", "hits") == {"2xx-3xx (other)": 138, "404": 20}
    assert (shown["daily"][0]["errors"], shown["daily"][0]["page_views"]) == (20, 110)


def test_few_files_beside_the_page_views_hide_the_successes_and_not_the_page_views(
    published: Measured,
) -> None:
    """200s less page views are files: of two visitors they would be theirs."""
    hits = [*(row for row in MANY if row["path"] != "/a.css"), *crowd(2, name="x", path="/a.css")]
    shown = published(hits)
    assert shown["daily"][0]["page_views"] == 110
    assert by(shown, "statuses", "status", "hits") == {"2xx-3xx (other)": 132, "404": 20}


def test_page_views_that_leave_too_few_hits_are_blank_and_pages_do_not_add_up(published: Measured) -> None:
    shown = published([*reading(40, "/a", "/b"), *crowd(20, name="c", path="/c"), *crowd(2, path="/a.css")])
    assert shown["daily"][0]["page_views"] is None
    assert by(shown, "pages", "path", "views") == {"/a": 40, "/b": 40}  # not 100, which would tell the 2


def test_page_views_that_are_blank_do_not_follow_from_the_depth_of_visits(published: Measured) -> None:
    """86 hits, one of them no page view. 22 + 15 * 2 + 11 * 3 are 85: "two or more" leaves room, 2 and 3 do not."""
    pages = [*crowd(22, name="b"), *reading(15, "/", "/x", name="c"), *reading(11, "/", "/x", "/y", name="d")]
    shown = published([*pages, hit("b0", "12:09", path="/a.css")])
    (day,) = shown["daily"]
    assert (day["hits"], day["page_views"], day["bounces"]) == (86, None, 22)
    assert by(shown, "depths", "pages", "visits") == {"1": 22, "2+": 26}
    require_accepted(shown)


def test_page_views_that_are_blank_do_not_follow_from_bounces_either(published: Measured) -> None:
    """53 hits; 22 bounces and 15 longer visits are 52 page views at the least."""
    pages = [*crowd(22, name="b"), *reading(15, "/", "/x", name="c")]
    shown = published([*pages, hit("b0", "12:09", path="/a.css")])
    (day,) = shown["daily"]
    assert (day["hits"], day["page_views"], day["bounces"]) == (53, None, None)
    assert shown["depths"] == []
    assert by(shown, "pages", "path", "views") == {"/": 37}
    require_accepted(shown)


def test_pages_leave_out_so_many_that_page_views_stay_a_tenth_open(published: Measured) -> None:
    """400 views and two files: of 402 a tenth is 40, so to leave out "/rare" with its ten is not enough."""
    many = [*crowd(60, name="f", path="/y"), *reading(150, "/", "/x", name="g"), *crowd(30, name="h", path="/z"),
            *crowd(10, name="i", path="/rare")]  # fmt: skip
    shown = published([*many, *crowd(2, "12:05", name="g", path="/a.css")])
    assert shown["daily"][0]["page_views"] is None
    assert by(shown, "pages", "path", "views") == {"/": 150, "/x": 150, "/y": 60}
    require_accepted(shown)


# -------------------------------------------------------------------------- the kinds of visits


def test_few_visits_without_a_page_follow_from_neither_end_of_the_visits(published: Measured) -> None:
    """Visits less entries are those without a page: three people's."""
    hits = [*(row for row in MANY if row["path"] != "/a.css"), *crowd(3, name="x", path="/a.css"),
            *reading(30, "/x", "/y", name="z")]  # fmt: skip
    hits = [row for row in hits if row["status"] not in (301, 404)]
    shown = published(hits)
    (day,) = shown["daily"]
    assert day["bounces"] == 30
    assert by(shown, "depths", "pages", "visits") == {"1": 30, "(other)": 73}
    for end in ("entries", "exits"):
        ends = by(shown, "pages", "path", end)
        assert None in ends.values()
        assert sum(number or 0 for number in ends.values()) < 100


def test_few_long_visits_are_not_what_bounces_leave(published: Measured) -> None:
    """Page views less bounces: two people read on. So bounces are blank, and no depth is told."""
    hits = [*crowd(40, name="b"), *crowd(25, name="n", path="/a.css"), *reading(2, "/", "/about", name="m")]
    shown = published(hits)
    (day,) = shown["daily"]
    assert (day["page_views"], day["visits"], day["bounces"]) == (44, 67, None)
    assert shown["depths"] == []
    assert shown["pages"] == []  # as hardly more hits than visits tell of how many views none began


def test_where_all_visits_are_of_one_kind_nothing_is_said_of_it(published: Measured) -> None:
    shown = published([*crowd(40), *crowd(40, "12:01", path="/a.css")])
    assert (shown["daily"][0]["visits"], shown["daily"][0]["bounces"]) == (40, None)
    assert shown["depths"] == []
    assert by(shown, "pages", "path", "entries") == {"/": None}


def test_where_hits_are_page_views_and_visits_are_so_too_bounces_are_no_secret(published: Measured) -> None:
    """As many hits as page views as visits: each visit saw one page, whether it is said or not."""
    shown = published([*crowd(40), *crowd(20, name="w", path="/x")])
    (day,) = shown["daily"]
    assert (day["hits"], day["page_views"], day["visits"], day["bounces"]) == (60, 60, 60, 60)
    assert by(shown, "depths", "pages", "visits") == {"1": 60}
    assert by(shown, "pages", "path", "entries") == by(shown, "pages", "path", "exits") == {"/": 40, "/x": 20}
    require_accepted(shown)


def test_where_the_charter_shows_zeros_few_visitors_of_no_household_more_are_still_hidden(
    published: Measured,
) -> None:
    """Three visitors came at 9 alone; each is the phone of somebody who came at 8 with a laptop."""
    hits = [*[hit(f"laptop {n}", "08:00", address=n) for n in range(30)],
            *[hit(f"phone {n}", "09:00", address=n) for n in range(3)],
            *[hit(f"laptop {n}", "09:00", address=n) for n in range(10, 30)]]  # fmt: skip
    shown = published(hits, hide_all_or_nothing=False)
    assert shown["daily"][0]["visitors"] == 33
    assert by(shown, "hours", "hour", "visitors")["09"] is None


# ----------------------------------------------------------------------------- people of rows


def test_visitors_of_a_row_are_blank_where_the_few_outside_it_would_follow(published: Measured) -> None:
    hits = [*crowd(30, "08:00"), *[hit(f"v{n}", "09:00") for n in range(26, 40)]]  # ten were not there at 8
    assert by(published(hits), "hours", "hour", "visitors") == {"09": 30, "10": 14}
    assert by(published(hits[:-1]), "hours", "hour", "visitors") == {"09": None, "10": 13}
    assert by(published(hits[:-1]), "hours", "hour", "hits") == {"09": 30, "10": 13}


def test_few_who_are_in_two_rows_do_not_follow_from_their_sum(published: Measured) -> None:
    """Three came at 8 and at 9. The row with the most room goes blank: up to sixty may have been there."""
    hits = [*crowd(30, "08:00"), *crowd(30, "08:01"), *[hit(f"v{n}", "09:00") for n in range(27, 50)]]
    assert by(published(hits), "hours", "hour", "visitors") == {"09": None, "10": 23}


def test_a_blank_does_not_say_that_somebody_is_outside(published: Measured) -> None:
    """Everybody is in the row: blank as well, or a blank would mean one to nine."""
    everybody = [*crowd(30), *crowd(30, "13:00"), *crowd(12, "14:00", path="/x")]
    assert by(published(everybody), "pages", "path", "visitors") == {"/": None, "/x": 12}


def test_visitors_that_add_up_are_all_shown_or_none(published: Measured) -> None:
    """One technology each: the day less the others would give a blank back."""
    hits = [*crowd(30), *crowd(12, name="w", browser="Chrome")]
    assert by(published(hits), "technology", "browser", "visitors") == {"Chrome": 12, "Firefox": 30}
    unknown = [*hits, *[hit(None, browser="Lynx") for _ in range(100)]]
    assert set(by(published(unknown), "technology", "browser", "visitors").values()) == {None}


def test_a_household_is_one_contributor_and_its_visitors_count(published: Measured) -> None:
    laptops = [hit(f"{n} laptop", address=n) for n in range(30)]
    phones = [hit(f"{n} phone", address=n, browser="Safari") for n in range(12)]
    shown = published([*laptops, *phones])
    assert by(shown, "technology", "browser", "visitors") == {"Firefox": 30, "Safari": 12}
    assert shown["daily"][0]["visitors"] == 42


def test_visitors_of_what_was_not_found_are_those_of_the_status_too(published: Measured) -> None:
    """45 visitors had a 404; 40 of them of one page: five had it elsewhere alone."""
    misses = [*crowd(40, name="e", path="/x", status=404), *crowd(40, "13:00", name="e", path="/x", status=404),
              *crowd(12, "14:00", name="e", path="/y", status=404), *crowd(5, name="f", path="/y", status=404)]  # fmt: skip
    again = [row for minute in range(3) for row in crowd(40, f"14:0{minute}", name="m")]
    shown = published([*(row for row in MANY if row["status"] != 404), *again, *misses])
    assert by(shown, "statuses", "status", "visitors")["404"] == 45
    assert by(shown, "broken_links", "path", "hits") == {"/x": 80, "/y": 17}
    assert by(shown, "broken_links", "path", "visitors")["/x"] is None


def test_broken_links_do_not_add_up_to_a_status_that_is_hidden(published: Measured) -> None:
    misses = [*crowd(30, name="e", path="/x", status=404), *crowd(12, name="e", path="/y", status=404)]
    hits = [*(row for row in MANY if row["status"] != 404), *misses, *crowd(2, name="x", status=500)]
    shown = published(hits)
    assert by(shown, "statuses", "status", "hits")["4xx-5xx (other)"] == 44
    assert by(shown, "broken_links", "path", "hits") == {"/x": 30}  # 42 would tell of the two


def test_one_browser_for_all_has_no_name(published: Measured) -> None:
    (row,) = published(crowd(30))["technology"]
    assert (row["browser"], row["hits"], row["visitors"]) == ("(other)", 30, 30)


def test_one_address_is_never_most_of_a_day(published: Measured) -> None:
    """Twelve people, one of whom made 200 requests: he counts with three quarters of the day at most."""
    busy = [hit("v0", f"12:{n // 60:02}:{n % 60:02}", path="/feed") for n in range(200)]
    (day,) = published([*busy, *crowd(30, name="w")])["daily"]
    assert day["hits"] == 30 + 90


def test_one_reader_is_never_most_of_a_page(published: Measured) -> None:
    hits = [
        *crowd(40, path="/a"),
        *crowd(12, path="/feed"),
        *[hit("v0", f"13:{n:02}", path="/feed") for n in range(60)],
    ]
    assert "/feed" not in by(published(hits), "pages", "path", "views")


def test_a_text_that_looks_like_a_person_is_never_a_row(published: Measured) -> None:
    hits = [*crowd(40, path="/a"), *crowd(30, path="/jane@example.org"), *crowd(30, path="/t/0612345678")]
    assert by(published(hits), "pages", "path", "views") == {"/a": 40, "/t/(other)": 30, "/(other)": 30}


# ------------------------------------------------------------------------------------ rounding


@pytest.mark.parametrize(
    ("count", "rounding", "expected"),
    [(12, 0, 12), (12, 1, 12), (12, 5, 10), (13, 5, 15), (2, 5, 5), (1000, 7, 1001), (10, 100, 100)],
)
def test_rounding(count: int, rounding: int, expected: int) -> None:
    assert rounded(count, rounding) == expected


@given(counts=st.lists(st.integers(1, 10_000), min_size=2, max_size=2), rounding=st.integers(0, 50))
def test_rounding_never_turns_the_order_round(counts: list[int], rounding: int) -> None:
    low, high = sorted(counts)
    assert rounded(low, rounding) <= rounded(high, rounding)


def test_ratios_are_those_of_the_rounded_numbers(published: Measured) -> None:
    """A ratio of the exact numbers would give them back."""
    (day,) = published(MANY, rounding=20)["daily"]
    assert (day["bounces"], day["visits"], day["bounce_rate"]) == (40, 140, 0.2857)


def test_a_month_of_contacts_folds_kinds_of_few_people() -> None:
    def kind(name: str, who: range) -> Cell:
        found = people(who, [2] * len(who))
        return Cell(((name,),), {"messages": 2 * len(who)}, {"contributors": found, "people": people(who)},
                    {"contributors": tally_of(found), "people": Tally(len(who), 0, len(who), 1, 1)})  # fmt: skip

    measure = BY_NAME["contact_activity"]
    cells = {
        measure: [kind("form", range(1, 31)), kind("survey", range(1, 6)), kind("chatbot", range(6, 12))]
    }
    tables = of_period(cells, date(2026, 10, 1), rule=rules.TEN)
    assert by({"x": list(tables.rows["contact_activity"])}, "x", "kind", "people") == {
        "form": 30,
        "(other)": 11,
    }
    assert tables.folded == 2


# ------------------------------------------------------------- attacks, with the truth in hand

random = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@settings(random, max_examples=6)
@given(site=random_sites(most_requests=40), threshold=st.integers(2, 4))
def test_whatever_the_day_the_adversary_of_the_gate_finds_nothing(
    published: Measured, site: list[Hit], threshold: int
) -> None:
    require_accepted(published(site, threshold=threshold), threshold)


@pytest.mark.long
@settings(random, max_examples=300)
@given(site=random_sites(most_requests=120), threshold=st.integers(2, 10))
def test_of_many_days_the_adversary_of_the_gate_finds_nothing(
    published: Measured, site: list[Hit], threshold: int
) -> None:
    require_accepted(published(site, threshold=threshold), threshold)


LEVELS: Mapping[str, Sequence[Callable[[Hit], str | None]]] = {
    "hours": [lambda row: f"{row['hit_at'].hour + 1:02}",
              lambda row: f"{(row['hit_at'].hour + 1) // 6 * 6:02}-{(row['hit_at'].hour + 1) // 6 * 6 + 5:02} (other)"],
    "statuses": [lambda row: str(row["status"] or "(unknown)")],
    "pages": [lambda row: row["path"],
              lambda row: f"/{row['path'].split('/')[1]}/(other)" if row["path"].count("/") > 1 else "/(other)"],
}  # fmt: skip


@settings(random, max_examples=12)
@given(site=random_sites(), threshold=st.integers(2, 5))
def test_whatever_the_day_nobody_is_alone_in_a_row_or_outside_of_it(
    published: Measured, site: list[Hit], threshold: int
) -> None:
    """Slow and obvious: put each request of the log in its row, and count the homes behind the rows.

    What is in no row of its own must be in one of the rest, and then no request is missing; or be nobody's few.
    """
    shown = published(site, threshold=threshold, dominance_share=1.0, dominance_closeness=0.0)
    if not shown["daily"]:
        return
    human = [row for row in site if not row["is_bot"]]
    for name, levels in LEVELS.items():
        universe = human if name != "pages" else [row for row in human if is_view(row)]
        rows = {row[BY_NAME[name].dimensions[0].name]: row[BY_NAME[name].base] for row in shown[name]}
        homes: dict[str, set[Any]] = defaultdict(set)
        for number, row in enumerate(universe):
            home = f"unknown {number // 10}" if row["address"] is None else row["address"]
            homes[next((label for label in (level(row) for level in levels) if label in rows), "rest")].add(
                home
            )
        rest = homes.pop("rest", set())
        assert all(len(behind) >= threshold for behind in homes.values())
        is_total_known = name != "pages" or shown["daily"][0]["page_views"] is not None
        if rows and is_total_known and len(rest) < threshold:
            assert sum(rows.values()) == len(universe)


def is_view(row: Hit) -> bool:
    return row["status"] in (200, 304) and not row["path"].endswith(".css")
