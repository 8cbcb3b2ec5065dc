"""What a reader could work out where measures share totals: the kinds of hits and of visits, taken together.

All hits are page views, files (other hits of a status that a page view may have), errors, or others; all
visits are of no page, of one page, or of more. `daily` gives some of these kinds, `statuses` and `depths`
others, the entries and exits of `pages` the visits of no page; a difference gives more. So what each of
them shows is decided together: of the ways below, the first in which all that follows is safe.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipelines.statistics.disclosure import Rule, choose, is_safe
from pipelines.statistics.people import Cell, tally

Blocks = Mapping[str, tuple[str, ...]]  # name of the row of the rest → the kinds that are one block

_VIEWS, _FILES, _OTHERS, _ERRORS = "of_page_views", "of_files", "of_others", "of_errors"
_NO_PAGE, _ONE_PAGE, _MORE = "of_no_page", "of_one_page", "of_more_pages"
# What the rest of a block of statuses is called. Unknown ones are neither success nor failure, as 1xx are.
SUCCESSES, NEITHER, FAILURES = "2xx, 304 (other)", "1xx, 206, 3xx (other)", "4xx-5xx (other)"
BELOW_400, NO_SUCCESSES = "2xx-3xx (other)", "3xx-5xx (other)"

MORE_PAGES = "more pages"  # the kind of depths from two pages on


@dataclass(frozen=True)
class Hits:
    """Which figures of hits are shown; `statuses` are the blocks inside of which statuses are folded."""

    page_views: bool
    errors: bool
    statuses: Blocks = field(default_factory=dict)


@dataclass(frozen=True)
class Visits:
    """Which figures of visits are shown; `no_page` may follow from entries or exits.

    With `only_bounces` it is known of each visit that it saw one page at the most: where it began, and ended.
    """

    bounces: bool
    no_page: bool
    depths: Blocks = field(default_factory=dict)
    only_bounces: bool = False


_APART = {SUCCESSES: ("viewable",), NEITHER: ("other",), FAILURES: ("error",)}
_BELOW = {BELOW_400: ("viewable", "other"), FAILURES: ("error",)}
_NO_SUCCESS = {SUCCESSES: ("viewable",), NO_SUCCESSES: ("other", "error")}
# The most useful first: page views before errors, errors before statuses.
_HITS: tuple[tuple[Hits, Sequence[Sequence[str]]], ...] = (
    (Hits(True, True, _APART), ((_VIEWS,), (_FILES,), (_OTHERS,), (_ERRORS,))),
    (Hits(True, True, _BELOW), ((_VIEWS,), (_FILES, _OTHERS), (_ERRORS,))),
    (Hits(True, False, _NO_SUCCESS), ((_VIEWS,), (_FILES,), (_OTHERS, _ERRORS))),
    (Hits(True, False), ((_VIEWS,), (_FILES, _OTHERS, _ERRORS))),
    (Hits(False, True, _APART), ((_VIEWS, _FILES), (_OTHERS,), (_ERRORS,))),
    (Hits(False, True, _BELOW), ((_VIEWS, _FILES, _OTHERS), (_ERRORS,))),
    (Hits(False, False, _NO_SUCCESS), ((_VIEWS, _FILES), (_OTHERS, _ERRORS))),
)
_NOTHING_OF_HITS = Hits(page_views=False, errors=False)

# Views after the first of a visit: page views less bounces, or less all visits that saw a page, are of these.
_FURTHER = "of_further_views"
_VISITS: tuple[tuple[Visits, Sequence[Sequence[str]]], ...] = (
    (Visits(True, True, {"0": ("no page",), "1": ("one page",), "2+": (MORE_PAGES,)}),
     ((_NO_PAGE,), (_ONE_PAGE,), (_MORE,))),
    (Visits(True, False, {"1": ("one page",), "(other)": ("no page", MORE_PAGES)}),
     ((_ONE_PAGE,), (_NO_PAGE, _MORE))),
    (Visits(False, True, {"0": ("no page",), "(other)": ("one page", MORE_PAGES)}),
     ((_NO_PAGE,), (_ONE_PAGE, _MORE))),
    (Visits(False, False, {"2+": (MORE_PAGES,), "(other)": ("no page", "one page")}),
     ((_MORE,), (_NO_PAGE, _ONE_PAGE))),
)  # fmt: skip
NOTHING_OF_VISITS = Visits(bounces=False, no_page=False)
# As many visits as page views, or as hits: these tell as much of each visit.
_ALL_OF_ONE_PAGE = Visits(
    bounces=True, no_page=True, depths={"1": ("one page",)}, only_bounces=True
)  # fmt: skip
_ALL_OF_ONE_REQUEST = replace(_ALL_OF_ONE_PAGE, depths={"0": ("no page",), "1": ("one page",)})


def kinds_of(day: Cell, *, rule: Rule) -> tuple[Hits, Visits]:
    """Return what may be shown of the kinds of hits and of visits of a day."""
    hits = choose(_HITS, day, rule=rule) or _NOTHING_OF_HITS
    is_none = {kind: tally([day], kind).is_empty for kind in (_FILES, _OTHERS, _ERRORS, _NO_PAGE, _FURTHER)}
    # Where a log holds page views alone each visit saw one: page views less visits are the further views.
    is_known = all(is_none[kind] for kind in (_FILES, _OTHERS, _ERRORS, _NO_PAGE))
    if is_known and not is_none[_FURTHER] and not is_safe([day], rule=rule, group=_FURTHER):
        hits = replace(hits, page_views=False)
    if not is_safe([day], rule=rule, group="with_visits"):  # too few addresses are kept: visits are blank
        return hits, NOTHING_OF_VISITS
    if hits.page_views and day.counts["hits"] == day.counts["visits"]:
        return hits, _ALL_OF_ONE_REQUEST
    is_each_known = day.counts["page_views"] == day.counts["visits"]  # no view is of an unknown sender
    if is_known and is_each_known and is_none[_FURTHER] and hits.page_views:
        return hits, _ALL_OF_ONE_PAGE
    visits = _visits_of(day, page_views=hits.page_views, rule=rule)
    return hits, replace(visits, no_page=visits.no_page or is_known)


def _visits_of(day: Cell, *, page_views: bool, rule: Rule) -> Visits:
    """Return what may be shown of the kinds of visits, where page views are shown or not.

    Page views and visits together tell of those who read on: they are to be safe, or neither bounces nor
    visits without a page are known. Where nobody reads on, or all visits are of one kind, that would tell of
    everybody.
    """
    present = [kind for kind in (_NO_PAGE, _ONE_PAGE, _MORE) if not tally([day], kind).is_empty]
    is_told = page_views and not all(_may_be_told(day, kind, rule) for kind in (_MORE, _FURTHER))
    if is_told or (len(present) < 2 and rule.zeros):
        return NOTHING_OF_VISITS
    return choose(_VISITS, day, rule=rule) or NOTHING_OF_VISITS


def _may_be_told(day: Cell, kind: str, rule: Rule) -> bool:
    return is_safe([day], rule=rule, group=kind) or (not rule.zeros and tally([day], kind).is_empty)
