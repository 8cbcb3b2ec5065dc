"""Numbers that are blank must stay open: rows of other measures set bounds to them, from below and above.

Page views of a day are blank where too few hits are none. Then the pages that are shown are a part of them,
visits by depth make up so many at the least, and the answers that page views can have are so many at most.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from pipelines.statistics.disclosure import Rule, by_size, splits_safely
from pipelines.statistics.kinds import MORE_PAGES, NOTHING_OF_VISITS, Hits, Visits
from pipelines.statistics.measures import DEPTHS, PAGES, STATUSES, Measure
from pipelines.statistics.people import Cell, Label, Shown, tally


def leave_one_out(measure: Measure, shown: dict[Measure, Shown]) -> None:
    """Leave a row out, that of the rest or the smallest, so that the rows do not add up to a hidden number.

    What follows from the others is that number less theirs: the row that is out, and more.
    """
    rows = shown.get(measure)
    if rows:
        rows.pop(measure.other if measure.other in rows else by_size(rows)[0])


def hide_known_ends(shown: dict[Measure, Shown], day: Cell, visits: Visits, rule: Rule) -> None:
    """Leave the pages out where their entries and exits are known, blank as they are: those of all together.

    Some visit began with a page; all views are entries but as many as there are more hits than visits. Not
    so where it is shown that no visit saw two (`only_bounces`).
    """
    pages = [cell for members in shown.get(PAGES, {}).values() for cell in members]
    views = _sum(pages, "views")
    width = min(day.counts["hits"] - day.counts["visits"], views - 1)
    if not pages or visits.only_bounces or width >= max(rule.threshold, rule.closeness * views):
        return
    if not all(splits_safely(pages, part, rule) for part in ("entries", "exits")):
        shown[PAGES] = {}


def keep_page_views_open(
    shown: dict[Measure, Shown], day: Cell, hits: Hits, visits: Visits, rule: Rule
) -> Visits:
    """Leave out what brings the page views of `day`, which are blank, too near to certain.

    Return what may still be shown of its visits.
    """
    most_answers = _most_views(shown.get(STATUSES, {}), day, hits)

    def is_open(least: int, most_seen: float = math.inf) -> bool:
        most = min(most_answers, most_seen)
        return most - least >= max(rule.threshold, rule.closeness * most) or most == 0

    leave_one_out(PAGES, shown)
    while shown.get(PAGES) and not is_open(sum(_sum(members, "views") for members in shown[PAGES].values())):
        leave_one_out(PAGES, shown)
    depths = shown.get(DEPTHS, {})
    if not is_open(_least_views_of(depths)):
        depths = _one_row_of_more(depths)
    seen = _least_views_of(depths)
    of_day = _least_views(day, visits)
    if is_open(seen, _most_seen(depths, day, seen)) and is_open(of_day, _most_seen_of_day(day, visits)):
        shown[DEPTHS] = depths
        return visits
    shown[DEPTHS] = {}
    return NOTHING_OF_VISITS


def _most_views(statuses: Shown, day: Cell, hits: Hits) -> int:
    """Return how many page views there are at the most: hits of answers that one can have, and no errors."""
    if not statuses:
        return day.counts["hits"] - (day.counts["errors"] if hits.errors else 0)
    may_be = [members for members in statuses.values() if any(cell.kind == "viewable" for cell in members)]
    return sum(_sum(members, "hits") for members in may_be)


def _least_views(day: Cell, visits: Visits) -> int:
    """Return how many page views the visits have at the least, of which it is known how many they saw."""
    bounces = day.counts["bounces"] if visits.bounces else 0
    if not visits.no_page:
        return bounces
    with_a_page = day.counts["visits"] - tally([day], "of_no_page").total
    return 2 * with_a_page - bounces if visits.bounces else with_a_page


def _most_seen_of_day(day: Cell, visits: Visits) -> float:
    """Return how many page views there are at the most where it is known that no visit saw two pages."""
    of_one_page = day.counts["visits"] - tally([day], "of_no_page").total
    is_known = visits.bounces and visits.no_page and of_one_page == day.counts["bounces"]
    return of_one_page if is_known else math.inf


def _most_seen(depths: Shown, day: Cell, least: int) -> float:
    """Return the same where the depths are those of all visits: they saw no more than these at the least."""
    is_all = sum(_sum(members, "visits") for members in depths.values()) == day.counts["visits"]
    return least if is_all and all(label[0] in ("0", "1") for label in depths) else math.inf


def _least_views_of(depths: Shown) -> int:
    return sum(_fewest_pages(label) * _sum(members, "visits") for label, members in depths.items())


def _fewest_pages(label: Label) -> int:
    """Return the page views that each visit of a depth has at the least: of 3-4, 3; of mixed ones, none."""
    found = re.match(r"\d+", label[0])
    return int(found[0]) if found else 0


def _one_row_of_more(depths: Shown) -> Shown:
    """Take all depths from two pages on together."""
    more = [cell for members in depths.values() for cell in members if cell.kind == MORE_PAGES]
    others = {label: members for label, members in depths.items() if _fewest_pages(label) < 2}
    return others | ({("2+", "(other)"): more} if len(others) < len(depths) else {})


def _sum(members: Sequence[Cell], count: str) -> int:
    return sum(cell.counts[count] for cell in members)
