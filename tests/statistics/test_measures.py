"""The SQL of each measure on small tables, case by case; thresholds are out of the way."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines import statistics
from pipelines.charter import Charter
from pipelines.statistics.cells import cells_of, collect, name_cells
from pipelines.statistics.measures import (
    ASSET_EXTENSIONS,
    BY_NAME,
    MEASURES,
    OF_A_DAY,
    OTHER,
    label_sql,
    preparation,
    sql,
)
from pipelines.statistics.months import MOST_MESSAGES_OF_A_PERSON
from pipelines.statistics.people import tally
from pipelines.statistics.reading import MOST_HITS_OF_A_VISITOR, cells_by_day
from tests.statistics import rules
from tests.statistics.measuring import DAY, Rows, measured, new_memory, show
from tests.statistics.sites import Hit, as_arrow, crowd, hit, numbered, pseudonym, select

Measured = Callable[..., Rows]


def charter(*, threshold: int = 1, zone: str = "Europe/Paris") -> Charter:
    """With a threshold of one every rule is out of the way."""
    asked = rules.charter(threshold, dominance_share=1.0, dominance_closeness=0.0, hide_all_or_nothing=False)
    return replace(asked, time_zone=zone)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with new_memory() as connection:
        yield connection


@pytest.fixture(name="measured")
def measured_fixture(connection: duckdb.DuckDBPyConnection) -> Measured:
    def measure(hits: Iterable[Hit], *, threshold: int = 1, zone: str = "Europe/Paris") -> Rows:
        return measured(connection, {DAY: hits}, charter(threshold=threshold, zone=zone))[DAY]

    return measure


def one(measured: Rows, name: str) -> dict[str, Any]:
    (row,) = measured[name]
    return row


def by(measured: Rows, name: str, label: str, count: str) -> dict[Any, Any]:
    return {row[label]: row[count] for row in measured[name]}


@pytest.mark.parametrize(
    ("times", "visits"),
    [
        (["12:00", "12:29"], 1),
        (["12:00:00", "12:29:59"], 1),  # less than 30 minutes apart
        (["12:00", "12:30"], 2),  # 30 minutes
        (["12:00", "12:31"], 2),
        (["12:00:00", "12:29:00", "12:58:00", "13:27:00"], 1),  # from one request to the next, not in all
        (["12:00:00", "12:00:00", "12:00:00"], 1),
    ],
)
def test_a_visit_is_requests_less_than_30_minutes_apart(
    measured: Measured, times: list[str], visits: int
) -> None:
    assert one(measured([hit("a", at) for at in times]), "daily")["visits"] == visits


def test_visits_of_two_visitors_are_two_and_two_devices_of_one_address_are_two_visitors(
    measured: Measured,
) -> None:
    row = one(measured([hit("phone", address="home"), hit("laptop", address="home"), hit("a")]), "daily")
    assert (row["visits"], row["visitors"]) == (3, 3)


def test_one_household_is_one_contributor_however_many_browsers_it_shows(
    measured: Measured,
) -> None:
    browsers = [hit(f"browser{number}", address="home") for number in range(40)]
    assert measured(browsers, threshold=2)["daily"] == []
    assert one(measured([*browsers, hit("neighbour")], threshold=2), "daily")["visitors"] == 41


@pytest.mark.parametrize(
    ("columns", "is_page_view"),
    [
        ({}, True),
        ({"path": "/blog/2026-11-21-a.b"}, True),
        ({"path": "/terms.pdf"}, True),
        ({"status": 304}, True),
        ({"status": 204}, True),
        ({"status": 206}, False),  # a piece of a file
        ({"status": 199}, False),
        ({"status": 300}, False),
        ({"status": 301}, False),
        ({"status": 404}, False),
        ({"method": "POST"}, False),
        ({"method": "HEAD"}, False),
        ({"method": None}, False),
        ({"path": "/Logo.PNG"}, False),
        ({"path": "/robots.txt"}, False),
        *(({"path": f"/x.{extension}"}, False) for extension in ASSET_EXTENSIONS),
    ],
)
def test_a_page_view_is_a_successful_get_of_no_asset(
    measured: Measured, columns: dict[str, Any], is_page_view: bool
) -> None:
    assert one(measured([hit("a", **columns)]), "daily")["page_views"] == (1 if is_page_view else None)


def test_daily_counts_each_figure_apart_from_robots(measured: Measured) -> None:
    hits = [
        hit("a", "09:00", path="/"),  # a: one visit of two pages
        hit("a", "09:01", path="/x"),
        hit("a", "09:01", path="/x.css", sent_bytes=50),
        hit("b", "09:00", path="/"),  # b: a bounce, then a visit that found nothing
        hit("b", "11:00", path="/no", status=404, sent_bytes=None),
        hit("robot", "09:00", is_bot=True, sent_bytes=999, status=500),
    ]
    assert one(measured(hits), "daily") == {
        "day": date(2026, 11, 21), "hits": 5, "page_views": 3, "visits": 3, "visitors": 2, "bounces": 1,
        "bounce_rate": 0.3333, "pages_per_visit": 1.0, "median_seconds": None, "sent_bytes": 350, "errors": 1,
        "bot_hits": 1,
    }  # fmt: skip


def test_pages_count_views_entries_and_exits(measured: Measured) -> None:
    hits = [
        hit("a", "09:00", path="/"),
        hit("a", "09:01", path="/x"),
        hit("a", "09:02", path="/"),
        hit("b", "09:00", path="/x"),
    ]
    rows = measured(hits)["pages"]
    assert [(row["path"], row["views"], row["visitors"], row["entries"], row["exits"]) for row in rows] == [
        ("/", 2, 1, 1, 1),  # a came and went here
        ("/x", 2, 2, 1, 1),  # b came and went here
    ]


def test_pages_fold_into_their_section_before_the_rest(measured: Measured) -> None:
    paths = ["/blog/art/a", "/blog/art/b", "/blog/c", "/blog/d", "/about", "/legal"]
    hits = [row for index, path in enumerate(paths) for row in crowd(3, name=f"{index}-", path=path)]
    shown = measured(hits, threshold=6)["pages"]
    assert {row["path"]: row["visitors"] for row in shown} == {
        "/blog/art/(other)": 6, "/blog/(other)": 6, "/(other)": 6,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({}, ("direct", "(none)", "(none)")),
        ({"referrer_domain": "okare.art"}, ("direct", "(none)", "(none)")),
        ({"referrer_domain": "google.fr"}, ("search", "google.fr", "(none)")),
        ({"referrer_domain": "google.evil.com"}, ("search", "google.evil.com", "(none)")),
        ({"referrer_domain": "t.co"}, ("social", "t.co", "(none)")),
        ({"referrer_domain": "example.org"}, ("referral", "example.org", "(none)")),
        ({"campaign_source": "letter"}, ("campaign", "(none)", "letter")),
        ({"campaign_source": "letter", "campaign_medium": "email"}, ("email", "(none)", "letter")),
        (
            {"campaign_source": "x", "campaign_name": "sale", "referrer_domain": "bing.com"},
            ("campaign", "bing.com", "sale"),
        ),
    ],
)
def test_the_source_of_a_visit(
    measured: Measured, columns: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    row = one(
        measured([hit("a", "09:00", **columns), hit("a", "09:01", referrer_domain="later.org")]), "sources"
    )
    assert (row["medium"], row["referrer_domain"], row["campaign"], row["visits"]) == (*expected, 1)


def test_sources_fold_the_campaign_then_the_domain(measured: Measured) -> None:
    hits = [
        *crowd(2, name="a", campaign_name="x", referrer_domain="a.org"),
        *crowd(2, name="b", campaign_name="y", referrer_domain="a.org"),
        *crowd(2, name="c", referrer_domain="b.org"),
        *crowd(2, name="d", referrer_domain="c.org"),
        *crowd(4, name="e"),
    ]
    rows = measured(hits, threshold=4)["sources"]
    assert [(row["medium"], row["referrer_domain"], row["campaign"]) for row in rows] == [
        ("campaign", "a.org", OTHER), ("direct", "(none)", "(none)"), ("referral", OTHER, OTHER),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "at", "hour"),
    [
        ("Europe/Paris", "2026-11-21 23:30", "00"),
        ("Europe/Paris", "2026-07-01 10:00", "12"),
        ("Europe/Paris", "2026-10-25 00:30", "02"),  # the last hour of summer time
        ("Europe/Paris", "2026-10-25 01:30", "02"),  # and the same again, in winter time
        ("Europe/Paris", "2026-10-25 02:00", "03"),
        ("Europe/Paris", "2026-03-29 00:59", "01"),  # at 02:00 it is 03:00
        ("Europe/Paris", "2026-03-29 01:00", "03"),
        ("America/St_Johns", "2026-11-21 12:00", "08"),
        ("UTC", "2026-11-21 08:59", "08"),
    ],
)
def test_hours_are_local(measured: Measured, zone: str, at: str, hour: str) -> None:
    assert one(measured([hit("a", at)], zone=zone), "hours")["hour"] == hour


def test_technology_and_statuses(measured: Measured) -> None:
    phone = {"browser": "Chrome", "browser_version": None, "system": "Android", "device": "mobile"}
    hits = [*crowd(3), hit("x", **phone, status=404), hit("y")]
    found = measured(hits)
    assert [list(row.values())[1:6] for row in found["technology"]] == [
        ["Chrome", "(none)", "Android", "mobile", 1], ["Firefox", "140", "Linux", "desktop", 4],
    ]  # fmt: skip
    assert by(found, "statuses", "status", "hits") == {"200": 4, "404": 1}


def test_statuses_fold_into_their_class(measured: Measured) -> None:
    hits = [
        row
        for index, status in enumerate([400, 403, 410, 200, 200])
        for row in crowd(2, name=f"{index}-", status=status)
    ]
    assert by(measured(hits, threshold=4), "statuses", "status", "visitors") == {"200": 4, "4xx (other)": 6}


def test_one_visitor_moves_a_day_by_the_bound_at_most(measured: Measured) -> None:
    hits = [
        hit("busy", f"12:{second // 60:02}:{second % 60:02}") for second in range(MOST_HITS_OF_A_VISITOR + 50)
    ]
    found = measured([*hits, hit("calm")])
    assert one(found, "daily")["hits"] == MOST_HITS_OF_A_VISITOR + 1
    assert sum(by(found, "hours", "hour", "hits").values()) == MOST_HITS_OF_A_VISITOR + 1


def test_without_addresses_only_requests_are_counted_and_ten_stand_for_a_person(
    measured: Measured,
) -> None:
    few, many = [hit(None) for _ in range(99)], [hit(None) for _ in range(100)]
    assert all(rows == [] for rows in measured(few, threshold=10).values())
    found = measured([*many, *(hit(None, path="/rare") for _ in range(99))], threshold=10)
    row = one(found, "daily")
    assert (row["hits"], row["page_views"]) == (199, 199)
    assert (row["visits"], row["visitors"], row["bounces"]) == (None, None, None)
    assert by(found, "pages", "path", "views") == {"(other)": 199}  # 99 are too few, so / goes with them
    assert found["sources"] == []


def test_a_visit_without_a_page_is_no_bounce(measured: Measured) -> None:
    assert one(measured([hit("a", path="/a.css"), hit("b")]), "daily")["bounces"] == 1


def test_no_hit_no_row(measured: Measured) -> None:
    assert all(rows == [] for rows in measured([]).values())


def test_the_hour_that_a_clock_change_repeats_is_one_row_and_the_one_it_skips_is_none(
    measured: Measured,
) -> None:
    autumn = [hit(f"v{n}", f"2026-10-{24 + (n + 22) // 24} {(n + 22) % 24:02}:10") for n in range(25)]
    hours = by(measured(autumn), "hours", "hour", "hits")
    assert hours == {f"{hour:02}": 2 if hour == 2 else 1 for hour in range(24)}
    spring = [hit(f"v{n}", f"2026-03-{28 + (n + 23) // 24} {(n + 23) % 24:02}:10") for n in range(23)]
    hours = by(measured(spring), "hours", "hour", "hits")
    assert hours == {f"{hour:02}": 1 for hour in range(24) if hour != 2}


def test_robots_are_in_no_row_but_their_own_figure(measured: Measured) -> None:
    robots = crowd(30, name="robot", is_bot=True, path="/trap", status=500, browser="Googlebot", device="bot",
                   system="Other", referrer_domain="spam.org", at="03:00")  # fmt: skip
    apart = measured([*crowd(5), *robots])
    assert one(apart, "daily")["bot_hits"] == 30
    apart["daily"][0]["bot_hits"] = None
    assert apart == measured(crowd(5))


def test_what_one_visitor_was_sent_moves_the_bytes_by_a_tenth_at_most(measured: Measured) -> None:
    sizes = [10, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 5_000_000_000]
    hits = [hit(f"v{place}", sent_bytes=size) for place, size in enumerate(sizes)]
    # The tenth largest of twelve was sent 20: the nine above count with 20 each.
    assert one(measured(hits, threshold=10), "daily")["sent_bytes"] == 10 + 10 + 20 * 10
    assert sum(sizes) == 5_000_000_560
    assert one(measured(hits, threshold=1), "daily")["sent_bytes"] == 5_000_000_000  # three digits of it


def test_the_bytes_of_a_visitor_are_those_of_all_its_requests(measured: Measured) -> None:
    pieces = [hit("big", f"12:{minute:02}", sent_bytes=50) for minute in range(20)]
    rest = crowd(9, name="w", sent_bytes=100)
    assert one(measured([*pieces, *rest], threshold=10), "daily")["sent_bytes"] == 10 * 100


def test_without_addresses_the_bytes_of_a_request_move_the_total_by_a_hundredth_at_most(
    measured: Measured,
) -> None:
    hits = [*(hit(None, sent_bytes=100) for _ in range(150)), hit(None, sent_bytes=1_000_000)]
    assert one(measured(hits, threshold=10), "daily")["sent_bytes"] == 151 * 100


@pytest.mark.parametrize(
    ("sent", "published"), [(1_234_567, 1_230_000), (999_600, 1_000_000), (987, 987), (0, None)]
)
def test_bytes_have_three_digits_as_the_sizes_of_pages_are_known(
    measured: Measured, sent: int, published: int | None
) -> None:
    assert one(measured([hit("a", sent_bytes=sent)]), "daily")["sent_bytes"] == published


def test_a_section_needs_a_page_below_it(measured: Measured) -> None:
    # "/blog" and "/blog/" are pages of the root and of /blog/; three visitors each, six to be shown.
    hits = [
        row
        for index, path in enumerate(["/", "/blog", "/blog/", "/blog/a"])
        for row in crowd(3, name=f"{index}-", path=path)
    ]
    shown = by(measured(hits, threshold=6), "pages", "path", "views")
    assert shown == {"/(other)": 6, "/blog/(other)": 6}


def test_a_visit_begins_and_ends_on_pages_not_on_the_files_around_them(measured: Measured) -> None:
    hits = [
        hit("a", "09:00", path="/a.css"),
        hit("a", "09:01", path="/in"),
        hit("a", "09:02", path="/missing", status=404),
        hit("a", "09:03", path="/out"),
        hit("a", "09:04", path="/a.js"),
        hit("b", "09:00", path="/in", status=301),  # a visit without any page: it begins and ends nowhere
    ]
    found = measured(hits)
    assert by(found, "pages", "path", "entries") == {"/in": 1, "/out": None}
    assert by(found, "pages", "path", "exits") == {"/in": None, "/out": 1}
    assert one(found, "daily")["visits"] == 2


def test_visits_that_saw_no_page_are_a_row_that_is_never_published(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    # Visits minus published entries would tell of them: the rule must know who they are.
    hits = [*crowd(3), hit("lost", path="/gone/x", status=404), hit("lost", "13:00", path="/a.css")]
    shown = measured(connection, {DAY: hits}, charter())[DAY]["pages"]
    (day,) = cells_by_day(connection, [DAY], charter(), rule=rules.NONE)[DAY][BY_NAME["daily"]]
    assert tally([day], "of_no_page")[:3] == (1, 0, 2)
    assert tally([day], "of_one_page")[:3] == (3, 0, 3)
    assert [row["path"] for row in shown] == ["/"]


def test_a_visit_over_midnight_is_one_visit_on_each_day(connection: duckdb.DuckDBPyConnection) -> None:
    late, early = hit("a", "2026-11-20 22:55"), hit("a", "2026-11-20 23:05")  # 23:55 and 00:05 in Paris
    found = measured(connection, {date(2026, 11, 20): [late], DAY: [early]}, charter())
    assert [one(rows, "daily")["visits"] for rows in found.values()] == [1, 1]
    assert [one(rows, "daily")["bounces"] for rows in found.values()] == [1, 1]


def test_a_day_without_hits_among_others_is_empty(connection: duckdb.DuckDBPyConnection) -> None:
    found = measured(connection, {DAY: crowd(3), date(2026, 11, 22): []}, charter())
    assert one(found[DAY], "daily")["hits"] == 3
    assert set(found[date(2026, 11, 22)]) == {m.name for m in OF_A_DAY}
    assert not any(found[date(2026, 11, 22)].values())


@st.composite
def _site(draw: st.DrawFn) -> list[Hit]:
    moments = st.integers(0, 5 * 3600 // 300).map(lambda step: timedelta(seconds=300 * step))
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["a", "b", "c", None]),
                moments,
                st.sampled_from(["/", "/x", "/y/z", "/a.css"]),
                st.sampled_from([200, 304, 404]),
                st.booleans(),
            ),
            max_size=25,
        )
    )
    start = datetime.fromisoformat("2026-11-21 09:00")
    return [
        hit(who, str(start + later), path=path, status=status, is_bot=is_bot and who == "c")
        for who, later, path, status, is_bot in rows
    ]


def reference(hits: Iterable[Hit]) -> dict[str, int]:
    """Return a day's figures the slow and obvious way: one visitor after the other."""
    figures = dict.fromkeys(("hits", "page_views", "visits", "bounces", "errors", "entries", "exits"), 0)
    order = sorted(numbered(hits), key=lambda row: (str(row["visitor"]), row["hit_at"], row["line"]))
    for visitor, rows in itertools.groupby(order, key=lambda row: row["visitor"]):
        visits: list[list[Hit]] = []
        last = None
        for row in rows:
            if last is None or row["hit_at"] - last >= timedelta(minutes=30):
                visits.append([])
            visits[-1].append(row)
            last = row["hit_at"]
        for visit in visits:
            people = [row for row in visit if not row["is_bot"]]
            pages = [row for row in people if row["path"] != "/a.css" and row["status"] in (200, 304)]
            figures["hits"] += len(people)
            figures["page_views"] += len(pages)
            figures["errors"] += sum(row["status"] == 404 for row in people)
            if visitor is not None and people:
                figures["visits"] += 1
                figures["bounces"] += len(pages) == 1
                figures["entries"] += bool(pages)
                figures["exits"] += bool(pages)
    return figures


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(site=_site().map(lambda rows: [row for row in rows if row["visitor"] != pseudonym("c")]))
def test_visits_and_their_ends_agree_with_a_slow_reference(
    connection: duckdb.DuckDBPyConnection, site: list[Hit]
) -> None:
    show(connection, {DAY: site})
    cells = cells_by_day(connection, [DAY], charter(), rule=rules.NONE)[DAY]
    daily = cells[BY_NAME["daily"]][0].counts if cells[BY_NAME["daily"]] else {}
    figures = {name: daily.get(name, 0) for name in ("hits", "page_views", "visits", "bounces", "errors")}
    for end in ("entries", "exits"):
        figures[end] = sum(cell.counts[end] for cell in cells[BY_NAME["pages"]])
    assert figures == reference(site)
    # Every measure that shares a total adds up to it.
    for name, count, total in [("hours", "hits", "hits"), ("technology", "hits", "hits"),
                               ("countries", "hits", "hits"), ("statuses", "hits", "hits"),
                               ("sources", "visits", "visits"), ("depths", "visits", "visits"),
                               ("pages", "views", "page_views")]:  # fmt: skip
        assert sum(cell.counts[count] for cell in cells[BY_NAME[name]]) == figures[total]


@settings(max_examples=6, deadline=None)
@given(sites=st.lists(_site(), min_size=2, max_size=4))
def test_days_measured_together_are_as_measured_one_by_one(
    connection: duckdb.DuckDBPyConnection, sites: list[list[Hit]]
) -> None:
    days = {DAY + timedelta(days=offset): site for offset, site in enumerate(sites)}
    together = measured(connection, days, charter(threshold=2))
    assert together == {
        day: measured(connection, {day: site}, charter(threshold=2))[day] for day, site in days.items()
    }


def test_the_result_does_not_depend_on_the_order_of_the_segments(measured: Measured) -> None:
    hits = [*crowd(4, "09:00"), *crowd(4, "09:20", path="/b"), *crowd(4, "10:20", path="/c")]
    assert measured(hits) == measured(hits[::-1])


CONTACTS = [  # who, source, reference, kind, recorded at (UTC)
    ("a", "site", "1", "form", "2026-09-30 22:00"),  # 1 October, 00:00 in Paris
    ("a", "site", "2", "form", "2026-10-05 09:00"),
    ("b", "site", "3", "form", "2026-10-31 22:59"),  # 31 October, 23:59 in Paris
    ("b", "crm", "3", "chatbot", "2026-10-31 23:00"),  # November in Paris
    ("c", "site", "4", "form", "2026-09-30 21:59"),  # September
    ("c", "crm", "5", "chatbot", "2026-10-10 09:00"),
]


def messages(
    connection: duckdb.DuckDBPyConnection, rows: Iterable[tuple[object, str, str, str, str]]
) -> None:
    names = ("source", "message_ref", "kind")
    listed = [
        {"person_id": pseudonym(who), "recorded_at": datetime.fromisoformat(at)}
        | dict(zip(names, (source, reference, kind), strict=True))
        for who, source, reference, kind, at in rows
    ]
    connection.register("given", as_arrow("messages", listed))
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE messages AS SELECT * FROM ({select('messages', 'given')})"
    )


def activity(connection: duckdb.DuckDBPyConnection, month: date) -> dict[str, tuple[int, int]]:
    parameters = {"month": month, "time_zone": "Europe/Paris", "most_messages": MOST_MESSAGES_OF_A_PERSON}
    contacts = BY_NAME["contact_activity"]
    name_cells(connection, contacts, {})
    collect(connection, contacts, parameters)
    found = [cell for _month, cell in cells_of(connection, contacts, rule=rules.NONE)]
    return {cell.labels[0][0]: (cell.counts["messages"], tally([cell], "people").known) for cell in found}


def test_contact_activity_counts_messages_and_people_of_the_local_month(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    messages(connection, CONTACTS)
    assert activity(connection, date(2026, 9, 1)) == {"form": (1, 1)}
    assert activity(connection, date(2026, 10, 1)) == {"form": (3, 2), "chatbot": (1, 1)}
    assert activity(connection, date(2026, 11, 1)) == {"chatbot": (1, 1)}


def test_one_person_moves_a_month_by_the_bound_at_most(connection: duckdb.DuckDBPyConnection) -> None:
    kinds = ["form", "chatbot"]
    flood = [
        ("a", "site", str(n), kinds[n % 2], f"2026-10-{1 + n // 4:02} {n % 4 + 8:02}:00") for n in range(80)
    ]
    messages(connection, [*flood, ("b", "site", "b", "form", "2026-10-31 12:00")])
    found = activity(connection, date(2026, 10, 1))
    assert found == {"form": (17, 2), "chatbot": (15, 1)}
    assert sum(count for count, _people in found.values()) == MOST_MESSAGES_OF_A_PERSON + 1


@pytest.mark.parametrize(
    ("until", "rows", "months"),
    [
        # each source has written after the month: nothing of October is awaited
        ("2026-11-02", [("2026-10-05", "site"), ("2026-11-02", "site")], ["2026-10-01"]),
        # one source has not: wait
        ("2026-11-02", [("2026-10-05", "site"), ("2026-11-02", "site"), ("2026-10-30", "crm")], []),
        ("2026-11-13", [("2026-10-05", "site")], []),
        ("2026-11-13", [("2026-10-05", "site"), ("2026-10-31", "site")], []),  # the last day is not later
        # until two weeks are over
        ("2026-11-14", [("2026-10-05", "site")], ["2026-10-01"]),
        # the month is not over
        ("2026-10-30", [("2026-10-05", "site"), ("2026-11-02", "site")], []),
        # a source that had nothing to write in October is not awaited; nor for August, which is long over
        ("2026-11-02", [("2026-10-05", "site"), ("2026-11-02", "site"), ("2026-08-30", "crm")],
         ["2026-08-01", "2026-10-01"]),
        # part of January was purged already
        ("2026-11-30", [("2026-01-20", "site"), ("2026-02-20", "site")], ["2026-02-01"]),
    ],
)  # fmt: skip
def test_a_month_is_whole(
    connection: duckdb.DuckDBPyConnection, until: str, rows: list[tuple[str, str]], months: list[str]
) -> None:
    messages(
        connection, [("a", source, str(n), "form", f"{on} 12:00") for n, (on, source) in enumerate(rows)]
    )
    parameters = {
        "time_zone": "Europe/Paris",
        "until": date.fromisoformat(until),
        "kept_since": date(2026, 1, 2),
        "grace_days": 14,
    }
    found = connection.execute(preparation("contact_months"), parameters).fetchall()
    assert [month.isoformat() for (month,) in found] == months


SUMMED_UP = {"weeks", "months", "weekdays"}  # of published rows, not by SQL
PREPARATIONS = sorted(path.stem for path in Path(statistics.__file__).parent.glob("*.sql"))


@pytest.mark.parametrize(
    "text",
    [*(read(name) for name in BY_NAME if name not in SUMMED_UP for read in (sql, label_sql)),
     *map(preparation, PREPARATIONS)],
)  # fmt: skip
def test_each_sql_file_says_purpose_parameters_and_what_a_row_means(text: str) -> None:
    header = text.split("\nSELECT", maxsplit=1)[0].split("\nWITH", maxsplit=1)[0]
    assert all(line.startswith("--") for line in header.splitlines())
    assert all(word in header for word in ("-- Purpose:", "Parameters:", "-- One row means"))


def test_each_sql_file_is_used() -> None:
    folder = Path(statistics.__file__).parent
    declared = {name for name in BY_NAME if name not in SUMMED_UP}
    assert {path.stem for path in (folder / "measures").iterdir()} == declared
    assert {path.stem for path in (folder / "labels").iterdir()} == declared
    code = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    assert [name for name in PREPARATIONS if f'"{name}"' not in code and f"'{name}'" not in code] == []


def test_columns_are_those_that_analysts_were_promised() -> None:
    assert {m.name: [c.name for c in m.columns] for m in MEASURES} == {
        "daily": ["day", "hits", "page_views", "visits", "visitors", "bounces", "bounce_rate", "pages_per_visit",
                  "median_seconds", "sent_bytes", "errors", "bot_hits"],
        "pages": ["day", "path", "views", "visitors", "entries", "exits"],
        "flows": ["day", "from_page", "to_page", "visitors"],
        "sources": ["day", "medium", "referrer_domain", "campaign", "visits", "visitors"],
        "depths": ["day", "pages", "length", "visits", "visitors"],
        "hours": ["day", "hour", "hits", "visitors"],
        "technology": ["day", "browser", "version", "system", "device", "hits", "visitors"],
        "countries": ["day", "continent", "country", "hits", "visitors"],
        "statuses": ["day", "status", "hits", "visitors"],
        "broken_links": ["day", "path", "origin", "hits", "visitors"],
        "weeks": ["week", "days", "hits", "page_views", "visits", "visitors", "returning_visitors",
                  "returning_share"],
        "months": ["month", "days", "hits", "page_views", "visits", "visitors", "returning_visitors",
                   "returning_share"],
        "weekdays": ["month", "weekday", "hour", "days", "hits"],
        "conversions": ["month", "goal", "medium", "entry_page", "conversions", "visitors"],
        "contact_activity": ["month", "kind", "messages", "people"],
        "privacy_requests": ["year", "requested_right", "answered_within", "requests", "people"],
    }  # fmt: skip
