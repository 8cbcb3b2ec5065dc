"""Join requests to visits: one pass over sorted columns; in SQL each question would sort them once more."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Flags = npt.NDArray[np.bool_]

_PAUSE = np.timedelta64(30, "m")  # a visitor who comes back after it begins another visit


def follow(requests: pa.Table, *, most_hits: int) -> pa.Table:
    """Return `requests` (by day, person and time) with five columns more: what each is to its visit.

    What one person can move is bounded: requests after a visitor's `most_hits` of a day are left out.
    `starts_visit` is the first request of a visit: a visit over local midnight is one on each day, and
    who is unknown has none. On it, `is_bounce`: the visit has exactly one page view, and
    `is_visit_without_page`. `is_entry` and `is_exit` are the first and the last page view of a visit.
    """
    kept = _place(_begins(requests)) < most_hits
    if not kept.all():
        requests = requests.filter(pa.array(kept))
    is_known, is_page = _column(requests, "person") > 0, _column(requests, "is_page_view")
    starts = _begins(requests)
    starts[1:] |= np.diff(_column(requests, "hit_at")) >= _PAUSE
    first, visit = np.flatnonzero(starts), np.cumsum(starts) - 1
    pages = np.add.reduceat(is_page, first, dtype=np.int64)[visit]  # in the visit of each request
    views = np.cumsum(is_page)
    page = views - (views - is_page)[first][visit]  # the number of each page view in its visit
    marks = {
        "starts_visit": starts,
        "is_bounce": starts & (pages == 1),
        "is_visit_without_page": starts & (pages == 0),
        "is_entry": is_page & (page == 1),
        "is_exit": is_page & (page == pages),
    }
    for name, flags in marks.items():
        requests = requests.append_column(name, pa.array(flags & is_known))
    return requests


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
