"""All measures of a day together: figures that share totals must not give one another away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.statistics import gate
from pipelines.statistics.measures import BY_NAME, OF_A_DAY, Measure
from pipelines.statistics.people import Cell
from pipelines.statistics.tables import Tables, of_day, of_month, rounded
from tests.statistics.fresh import show_fresh

DAY = date(2026, 11, 21)


@dataclass(frozen=True)
class Request:
    """A request as the reference below sees it; each is a visit of its own."""

    visitor: int
    path: str = "/"
    status: int = 200
    hour: str = "12"
    is_page: bool = True
    is_bot: bool = False

    @property
    def is_view(self) -> bool:
        return self.is_page and self.status == 200


def cells_of(requests: Sequence[Request]) -> dict[Measure, list[Cell]]:
    """Cells of all measures, made by plain loops; technology and sources know one value."""
    human = [request for request in requests if not request.is_bot]
    views = [request for request in human if request.is_view]
    return {
        BY_NAME["daily"]: [_daily(human, requests)],
        BY_NAME["pages"]: [
            *(_page([r for r in views if r.path == path], path) for path in sorted({r.path for r in views})),
            _page([r for r in human if not r.is_view], None),
        ],
        BY_NAME["sources"]: [_plain(human, [("direct", "-", "-")] * 3, "visits")],
        BY_NAME["technology"]: [_plain(human, [("Firefox", "Linux", "desktop")] * 3, "hits")],
        BY_NAME["hours"]: [_plain(each, [(hour,)], "hits") for hour, each in _by(human, "hour")],
        BY_NAME["statuses"]: [_status(each, status) for status, each in _by(human, "status")],
    }


def _by(requests: Sequence[Request], name: str) -> list[tuple[Any, list[Request]]]:
    values = sorted({getattr(request, name) for request in requests})
    return [(value, [r for r in requests if getattr(r, name) == value]) for value in values]


def _people(requests: Iterable[Request]) -> Any:
    return np.array(sorted({request.visitor for request in requests}), dtype=np.int64)


def _split(name: str, inside: Sequence[Request], outside: Sequence[Request]) -> dict[str, Any]:
    return {f"with_{name}": _people(inside), f"without_{name}": _people(outside)}


def _groups(requests: Sequence[Request]) -> dict[str, Any]:
    return {"contributors": _people(requests), "people": _people(requests)}


def _daily(human: Sequence[Request], requests: Sequence[Request]) -> Cell:
    views, errors = [r for r in human if r.is_view], [r for r in human if r.status >= 400]
    bots = [r for r in requests if r.is_bot]
    counts = {
        "hits": len(human), "visits": len(human), "page_views": len(views), "bounces": len(views),
        "sent_bytes": 100 * len(human), "errors": len(errors), "bot_hits": len(bots),
    }  # fmt: skip
    rest = [r for r in human if not r.is_view]
    return Cell(((),), counts, {
        **_groups(human), **_split("page_views", views, rest), **_split("bounces", views, rest),
        **_split("errors", errors, [r for r in human if r.status < 400]), "with_bot_hits": _people(bots),
    })  # fmt: skip


def _page(requests: Sequence[Request], path: str | None) -> Cell:
    """A path's cell, or the cell of visits that saw no page; every view is an entry and an exit."""
    section = "/" + (path or "/").split("/")[1] + "/(other)"
    labels: tuple[Any, ...] = (None, None, None) if path is None else ((path,), None, (section,))
    viewers = [] if path is None else requests
    counts = {"views": len(viewers), "entries": len(requests), "exits": len(requests)}
    return Cell(labels, counts, {
        **_groups(viewers), **_split("entries", requests, []), **_split("exits", requests, []),
    })  # fmt: skip


def _plain(requests: Sequence[Request], labels: Sequence[tuple[str, ...]], count: str) -> Cell:
    return Cell(tuple(labels), {count: len(requests)}, _groups(requests))


def _status(requests: Sequence[Request], status: int) -> Cell:
    errors, views = [r for r in requests if r.status >= 400], [r for r in requests if r.is_view]
    return Cell(((str(status),), (f"{status // 100}xx (other)",)), {"hits": len(requests)}, {
        **_groups(requests),
        **_split("errors", errors, [r for r in requests if r.status < 400]),
        **_split("page_views", views, [r for r in requests if not r.is_view]),
    })  # fmt: skip


def published(requests: Sequence[Request], threshold: int = 10, rounding: int = 0) -> Tables:
    return of_day(cells_of(requests), DAY, threshold=threshold, rounding=rounding)


def daily(requests: Sequence[Request]) -> dict[str, Any]:
    (row,) = published(requests).rows["daily"]
    return dict(row)


def by_label(tables: Tables, name: str, label: str, count: str) -> dict[Any, Any]:
    return {row[label]: row[count] for row in tables.rows[name]}


def crowd(number: int, start: int = 1, **more: Any) -> list[Request]:
    return [Request(visitor, **more) for visitor in range(start, start + number)]


@pytest.mark.parametrize(("visitors", "is_shown"), [(9, False), (10, True)])
def test_a_day_of_too_few_visitors_shows_nothing_at_all(visitors: int, is_shown: bool) -> None:
    tables = published([*crowd(visitors), *crowd(50, start=100, is_bot=True)])
    assert (len(tables.suppressed) == len(OF_A_DAY)) is not is_shown
    assert bool(tables.rows["daily"]) is is_shown


def test_zero_is_blank_not_a_zero() -> None:
    row = daily(crowd(20))
    assert (row["errors"], row["bot_hits"]) == (None, None)


@pytest.mark.parametrize(("robots", "expected"), [(9, None), (10, 10)])
def test_robots_have_an_address_too(robots: int, expected: int | None) -> None:
    assert daily([*crowd(20), *crowd(robots, start=100, is_bot=True)])["bot_hits"] == expected


@pytest.mark.parametrize(("unlucky", "expected"), [(9, None), (10, 10)])
def test_errors_of_too_few_are_blank(unlucky: int, expected: int | None) -> None:
    assert daily([*crowd(40), *crowd(unlucky, status=404)])["errors"] == expected


def test_errors_are_blank_where_the_statuses_would_tell_the_hidden_ones_apart() -> None:
    """404 of 20 is shown, 500 of 2 is in (other) with 301: errors minus 404 would be those two."""
    requests = [*crowd(40), *crowd(20, status=404), *crowd(2, status=500), *crowd(12, start=20, status=301)]
    tables = published([*requests, *crowd(3, status=302)])
    assert "404" in by_label(tables, "statuses", "status", "hits")
    assert "500" not in by_label(tables, "statuses", "status", "hits")
    assert daily(requests)["errors"] is None
    assert daily([*crowd(40), *crowd(20, status=404)])["errors"] == 20


def test_page_views_are_blank_where_the_rest_of_the_hits_is_about_too_few_and_pages_do_not_add_up() -> None:
    tables = published([*crowd(40, path="/a"), *crowd(20, path="/b"), *crowd(2, is_page=False)])
    (row,) = tables.rows["daily"]
    assert row["page_views"] is None
    assert by_label(tables, "pages", "path", "views") == {"/a": 40}  # not 60, which would tell the 2


def test_visitors_of_a_row_are_blank_where_the_few_outside_it_would_follow() -> None:
    requests = [*crowd(30, hour="08"), *crowd(15, start=20, hour="09")]  # 34 in all; 4 were not there at 8
    assert by_label(published(requests), "hours", "hour", "visitors") == {"08": None, "09": 15}
    assert by_label(published(requests), "hours", "hour", "hits") == {"08": 30, "09": 15}


def test_visitors_are_shown_where_everybody_is_in_the_row() -> None:
    assert by_label(published(crowd(30)), "hours", "hour", "visitors") == {"12": 30}


def test_a_text_that_looks_like_a_person_is_never_a_row() -> None:
    requests = [*crowd(40, path="/a"), *crowd(30, path="/jane@example.org"), *crowd(30, path="/t/0612345678")]
    shown = by_label(published(requests), "pages", "path", "views")
    assert shown == {"/a": 40, "/t/(other)": 30, "(other)": 30}


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


def test_a_month_of_contacts_folds_kinds_of_few_people() -> None:
    def kind(name: str, people: range) -> Cell:
        found = np.array(people, dtype=np.int64)
        return Cell(((name,),), {"messages": 2 * len(people)}, {"contributors": found, "people": found})

    measure = BY_NAME["contact_activity"]
    cells = {
        measure: [kind("form", range(1, 31)), kind("survey", range(1, 6)), kind("chatbot", range(6, 12))]
    }
    tables = of_month(cells, date(2026, 10, 1), threshold=10, rounding=0)
    assert by_label(tables, "contact_activity", "kind", "people") == {"form": 30, "(other)": 11}
    assert tables.folded == 2


random_requests = st.lists(
    st.builds(
        Request,
        visitor=st.integers(1, 14),
        path=st.sampled_from(["/", "/a/1", "/a/2", "/b/1", "/c"]),
        status=st.sampled_from([200, 200, 200, 301, 404, 410, 500]),
        hour=st.sampled_from(["08", "09", "10"]),
        is_page=st.booleans(),
        is_bot=st.sampled_from([False, False, False, True]),
    ),
    max_size=80,
)


@settings(max_examples=40, deadline=None)
@given(requests=random_requests, threshold=st.integers(2, 5))
def test_whatever_the_day_the_gate_finds_nothing(requests: list[Request], threshold: int) -> None:
    tables = published(requests, threshold)
    with show_fresh(tables.rows) as connection:
        gate.inspect(connection, threshold=threshold, rounding=0)


@settings(max_examples=120, deadline=None)
@given(requests=random_requests, threshold=st.integers(2, 5))
def test_whatever_the_day_no_difference_of_totals_is_about_too_few_people(
    requests: list[Request], threshold: int
) -> None:
    """Attack with the truth in hand: who is behind what a reader can compute?"""
    rows = published(requests, threshold).rows
    if not rows["daily"]:
        assert not any(rows.values())
        return
    (day,) = rows["daily"]
    human = [request for request in requests if not request.is_bot]
    shown_paths = {row["path"] for row in rows["pages"]}
    if not any("(other)" in str(path) for path in shown_paths):
        _nobody_alone([r for r in human if not (r.is_view and r.path in shown_paths)], threshold)
    if day["page_views"] is not None:
        _nobody_alone([r for r in human if not r.is_view], threshold)
    if day["errors"] is not None:
        shown = {row["status"] for row in rows["statuses"]}
        classes = {str(status)[0] for status in shown if "xx" in str(status)}
        hidden = [r for r in human if str(r.status) not in shown and str(r.status)[0] not in classes]
        mixed = [r for r in hidden if r.status >= 400]
        if len(mixed) != len(hidden):
            _nobody_alone(mixed, threshold)


def _nobody_alone(requests: Sequence[Request], threshold: int) -> None:
    assert not 0 < len({request.visitor for request in requests}) < threshold
