"""Join requests to visits: one pass over sorted columns; in SQL each question would sort them once more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Flags = npt.NDArray[np.bool_]

_PAUSE = np.timedelta64(30, "m")  # a visitor who comes back after it begins another visit


def follow(requests: pa.Table, *, most_hits: int, caps: Mapping[date, int] | None = None) -> pa.Table:
    """Return `requests` (by day, person and time) with columns more: what each is to its visit.

    What one person can move is bounded: requests after a visitor's `most_hits` of a day are left out, and
    after the `caps` of an address on a day of which it would be too much.
    `starts_visit` is the first request of a visit: a visit over local midnight is one on each day, and
    who is unknown has none. On it, `is_bounce`: the visit has exactly one page view,
    `is_visit_without_page`, `visit_pages` (page views), `visit_seconds` (null of one request),
    `visit_entry` (the first page viewed, 0 of none) and `visit_goals` (bits of the goals reached).
    `is_entry` and `is_exit` are the first and the last page view of a visit; `from_page` is the page viewed
    before this one in the visit, 0 where none was.
    """
    requests = _bounded(requests, most_hits, caps or {})
    is_known, is_page = _column(requests, "person") > 0, _column(requests, "is_page_view")
    starts = _begins(requests)
    starts[1:] |= np.diff(_column(requests, "hit_at")) >= _PAUSE
    first, visit = np.flatnonzero(starts), np.cumsum(starts) - 1
    pages = _sums(is_page.astype(np.int64), first, visit)  # of the visit that each request is in
    views = np.cumsum(is_page)
    place = views - (views - is_page)[first][visit]  # the number of each page view in its visit
    added: dict[str, Any] = {
        "starts_visit": starts & is_known,
        "is_bounce": starts & is_known & (pages == 1),
        "is_visit_without_page": starts & is_known & (pages == 0),
        "is_entry": is_page & is_known & (place == 1),
        "is_exit": is_page & is_known & (place == pages),
        "visit_pages": pages.astype(np.int32),
        "visit_seconds": _seconds(_column(requests, "hit_at"), first, visit),
        "visit_entry": _sums(np.where(is_page & (place == 1), _column(requests, "page"), 0), first, visit),
        "visit_goals": _sums(_column(requests, "goals"), first, visit, np.bitwise_or),
        "from_page": _pages_before(_column(requests, "page"), np.flatnonzero(is_page), visit),
    }
    for name, values in added.items():
        requests = requests.append_column(name, pa.array(values))
    return requests


def _sums(
    values: npt.NDArray[Any], first: npt.NDArray[Any], visit: npt.NDArray[Any], add: np.ufunc = np.add
) -> npt.NDArray[Any]:
    """Return for each request the sum of the values of its visit."""
    summed: npt.NDArray[Any] = add.reduceat(values, first)[visit] if len(first) else values
    return summed


def _bounded(requests: pa.Table, most_hits: int, caps: Mapping[date, int]) -> pa.Table:
    """Leave out what one person has more than the bounds."""
    kept = _place(_begins(requests)) < most_hits
    for day, cap in caps.items():
        kept &= ~_over_cap(requests, kept, day, cap)
    return requests if kept.all() else requests.filter(pa.array(kept))


def _over_cap(requests: pa.Table, kept: Flags, day: date, cap: int) -> Flags:
    """Return which requests of `day` come after the first `cap` of their address; robots are not counted."""
    is_asked = kept & (_column(requests, "day") == np.datetime64(day)) & ~_column(requests, "is_bot")
    asked = np.flatnonzero(is_asked & (_column(requests, "contributor") > 0))
    senders, hit_at = _column(requests, "contributor")[asked], _column(requests, "hit_at")[asked]
    order = np.lexsort((asked, hit_at, senders))
    begins = np.ones(len(order), dtype=bool)
    begins[1:] = np.diff(senders[order]) != 0
    over = np.zeros(len(kept), dtype=bool)
    over[asked[order[_place(begins) >= cap]]] = True
    return over


def _seconds(hit_at: npt.NDArray[Any], first: npt.NDArray[Any], visit: npt.NDArray[Any]) -> pa.Array[Any]:
    """Return the whole seconds between the first and the last request of each visit."""
    last = np.append(first[1:], len(hit_at)) - 1
    lasted = (hit_at[last] - hit_at[first]) // np.timedelta64(1, "s") if len(first) else np.empty(0, np.int64)
    seconds: pa.Array[Any] = pa.array(lasted.astype(np.int32)[visit], mask=(last == first)[visit])
    return seconds


def _pages_before(
    page: npt.NDArray[Any], viewed: npt.NDArray[Any], visit: npt.NDArray[Any]
) -> npt.NDArray[np.int32]:
    """Return of each page view the page of the one before it in its visit; 0 where there is none."""
    before = np.zeros(len(page), dtype=np.int32)
    is_same = visit[viewed[1:]] == visit[viewed[:-1]]
    before[viewed[1:][is_same]] = page[viewed[:-1][is_same]]
    return before


def _begins(requests: pa.Table) -> Flags:
    """Return which requests are the first of a person on a day."""
    begins = np.ones(requests.num_rows, dtype=bool)
    person, day = _column(requests, "person"), _column(requests, "day")
    begins[1:] = (person[1:] != person[:-1]) | (day[1:] != day[:-1])
    return begins


def _place(begins: Flags) -> npt.NDArray[np.int64]:
    """Return how many requests of the same person on the same day are before each."""
    first = np.flatnonzero(begins)
    place: npt.NDArray[np.int64] = np.arange(len(begins)) - first[np.cumsum(begins) - 1]
    return place


def _column(requests: pa.Table, name: str) -> npt.NDArray[Any]:
    return requests[name].to_numpy()
