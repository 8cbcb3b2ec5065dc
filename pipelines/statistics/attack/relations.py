"""What else must hold between the numbers of a day: how visits, pages and answers hang together."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from pipelines.statistics.attack.knowledge import DAILY, MOST_HITS, OTHER
from pipelines.statistics.attack.puzzle import OTHER_SIDE, REST, Puzzle, Sheet
from pipelines.statistics.attack.system import OPEN, Term

_PAGES = re.compile(r"(\d+)(?:-(\d+)|(\+))?")  # page views of a visit: 2, 3-4, 10+
_NOT_FOUND = "404"


def relate(puzzle: Puzzle) -> None:
    """Write down what is special to each table that the day has."""
    sheets = puzzle.sheets
    kinds = _relate_visits(puzzle, sheets[DAILY])
    if "pages" in sheets:
        _relate_pages(puzzle, sheets["pages"], kinds[0])
    if "depths" in sheets:
        _relate_depths(puzzle, sheets["depths"], kinds)
    if "statuses" in sheets:
        _relate_statuses(puzzle, sheets["statuses"])
        if "pages" in sheets:
            _relate_viewers(puzzle, sheets["statuses"], sheets["pages"])
    if "broken_links" in sheets:
        _relate_broken_links(puzzle, sheets["broken_links"])
    if "flows" in sheets and "pages" in sheets:
        _relate_flows(puzzle, sheets["flows"], sheets["pages"])


def _relate_visits(puzzle: Puzzle, day: Sheet) -> tuple[int, int, int]:
    """Say how many pages visits see, and ask; return how many see none, one (a bounce), and two or more."""
    system, count = puzzle.system, {column: cells[0] for column, cells in day.cells.items()}
    none, several = system.quantity(), system.quantity()
    kinds = (none, count["bounces"], several)
    system.relate([*_sum(kinds), (-1, count["visits"])])
    views = [(1, count["page_views"]), (-1, count["bounces"])]
    system.relate([*views, (-2, several)], 0, OPEN)
    system.relate([*views, (-MOST_HITS, several)], -OPEN, 0)
    for kind in (none, several):
        puzzle.ask(DAILY, "visits", OTHER_SIDE, [(1, kind)])
    system.at_most(count["visitors"], count["visits"])
    return kinds


def _relate_pages(puzzle: Puzzle, sheet: Sheet, none: int) -> None:
    """Say that each visit that sees a page begins on one and ends on one, and a bounce on the same."""
    count = {column: cells[0] for column, cells in puzzle.sheets[DAILY].cells.items()}
    for column in ("entries", "exits"):
        unseen = puzzle.system.quantity()
        puzzle.system.at_most(unseen, sheet.hidden["views"])
        rows = _sum([*sheet.cells[column], unseen])
        puzzle.system.relate([*rows, (1, none), (-1, count["visits"])])
        puzzle.system.relate([*rows, (-1, count["bounces"])], 0, OPEN)
        blanks = _sum([*sheet.blanks[column], unseen])
        puzzle.ask("pages", column, REST, blanks)
        puzzle.ask("pages", column, REST, [*blanks, (1, none)])


def _relate_depths(puzzle: Puzzle, sheet: Sheet, kinds: tuple[int, int, int]) -> None:
    """Say which visits see no page, one, or more; a row that mixes them is split, and asked for."""
    inside: list[list[int]] = [[], [], []]
    least: list[Term] = []
    for labels, place in [
        *zip(sheet.labels, sheet.cells["visits"], strict=True),
        ((OTHER,), sheet.hidden["visits"]),
    ]:
        bucket = _PAGES.fullmatch(labels[0])
        if bucket is None:
            parts = [puzzle.system.quantity() for _kind in kinds]
            puzzle.system.relate([*_sum(parts), (-1, place)])
        else:
            depth = int(bucket[1])
            parts = [place]
            least.append((-depth, place))
        for kind, part in zip(range(3) if bucket is None else [min(depth, 2)], parts, strict=True):
            inside[kind].append(part)
            if bucket is None:
                puzzle.ask("depths", "visits", OTHER_SIDE, [(1, part)])
    for found, kind in zip(inside, kinds, strict=True):
        puzzle.system.relate([*_sum(found), (-1, kind)])
    page_views = puzzle.sheets[DAILY].cells["page_views"][0]
    puzzle.system.relate([(1, page_views), *least], 0, OPEN)


def _relate_statuses(puzzle: Puzzle, sheet: Sheet) -> None:
    """Say which answers are errors, and which may be pages; of a row that mixes them, ask for both sides."""
    day = puzzle.sheets[DAILY]
    for column, is_of in (("errors", _is_error), ("page_views", _is_viewable)):
        inside, shown = [], []
        rows = zip(sheet.labels, sheet.cells["hits"], strict=True)
        for labels, place in [*rows, ((OTHER,), sheet.hidden["hits"])]:
            answer = is_of(labels[0])
            if answer is None:
                inside.append(puzzle.system.quantity())
                puzzle.split("statuses", "hits", place, inside[-1])
                puzzle.ask("statuses", "hits", OTHER_SIDE, [(1, inside[-1])])
            elif answer:
                shown.append(place)
        terms = [*_sum([*shown, *inside]), (-1, day.cells[column][0])]
        puzzle.ask("statuses", "hits", OTHER_SIDE, _sum(inside))
        if column == "errors":
            puzzle.system.relate(terms)
        else:  # what else is fetched with success: files that a page loads
            puzzle.ask("statuses", "hits", OTHER_SIDE, terms)
            puzzle.system.relate(terms, 0, OPEN)


def _is_error(label: str) -> bool | None:
    """Return whether a row is of errors alone; None where it may hold both."""
    if label.startswith(("4", "5")):
        return True
    return None if label.startswith(("(other)", "3xx-5xx")) else False


def _is_viewable(label: str) -> bool | None:
    """Return whether page views are among a row's answers, and it holds no others; None where it may."""
    if label in {"206", "3xx (other)"}:  # one piece of a file; moved
        return False
    if label.startswith("2xx-3xx") or label == OTHER:
        return None
    return label.startswith("2") or label == "304"


def _relate_viewers(puzzle: Puzzle, statuses: Sheet, pages: Sheet) -> None:
    """Say that who saw a page got an answer with it; where one row holds all such, ask for the others."""
    rows = zip(statuses.labels, statuses.cells["visitors"], strict=True)
    viewers = [place for labels, place in rows if _is_viewable(labels[0]) is not False]
    if len(viewers) == 1:
        for cell in pages.cells["visitors"]:
            puzzle.split("pages", "visitors", viewers[0], cell)


def _relate_broken_links(puzzle: Puzzle, sheet: Sheet) -> None:
    """Say that addresses that were not found are the answers 404; ask for those that no row shows."""
    statuses = puzzle.sheets.get("statuses")
    whole = statuses.named("hits", _NOT_FOUND) if statuses else []
    hidden = puzzle.system.quantity()
    total = whole or puzzle.sheets[DAILY].cells["errors"]
    rows = _sum([*sheet.cells["hits"], hidden])
    puzzle.system.relate([*rows, (-1, total[0])], 0 if whole else -OPEN, 0)
    puzzle.ask("broken_links", "hits", REST, [(1, hidden)])
    people = statuses.named("visitors", _NOT_FOUND) if statuses else []
    for everybody in people:
        for cell in sheet.cells["visitors"]:
            puzzle.split("broken_links", "visitors", everybody, cell)


def _relate_flows(puzzle: Puzzle, sheet: Sheet, pages: Sheet) -> None:
    """Say that who steps from a page to the next saw both; each view has one step out of it, or an exit."""
    row_of = {labels[0]: row for row, labels in enumerate(pages.labels)}
    for side, at_end in ((0, "exits"), (1, "entries")):
        takers = defaultdict[str, list[int]](list)
        for labels, place in zip(sheet.labels, sheet.cells["visitors"], strict=True):
            takers[labels[side]].append(place)
        for page in sorted(takers):
            if (
                OTHER not in page and page in row_of
            ):  # the rest of a section may be another than that of the pages
                seen, views, ends = (
                    pages.cells[name][row_of[page]] for name in ("visitors", "views", at_end)
                )
                _relate_steps(puzzle, takers[page], seen, [(1, ends), (-1, views)])


def _relate_steps(puzzle: Puzzle, takers: Sequence[int], seen: int, views: Sequence[Term]) -> None:
    """Say that of one page's steps each visitor takes one or more, and ask for those that no row shows."""
    steps = [puzzle.system.quantity() for _place in takers]
    for place, step in zip(takers, steps, strict=True):
        puzzle.split("flows", "visitors", seen, place)
        puzzle.system.at_most(place, step)
    hidden = puzzle.system.quantity()
    puzzle.system.relate([*_sum([*steps, hidden]), *views])
    puzzle.ask("flows", "visitors", REST, [(1, hidden)])


def _sum(places: Sequence[int]) -> list[Term]:
    return [(1, place) for place in places]
