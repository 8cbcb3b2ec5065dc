"""Visitors of rows: blank where a reader could tell few visitors from a row and a number around it.

Those outside of a row are the visitors around it less the row's. Around it are all visitors of the day, and
of some measures those of a row of another measure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipelines.statistics.disclosure import Rule
from pipelines.statistics.measures import BROKEN_LINKS, DAILY, DEPTHS, PAGES, STATUSES, Measure
from pipelines.statistics.people import Cell, Label, Shown, heads, tally

NOT_FOUND = ("404",)


def people_shown(members: Sequence[Cell], rule: Rule) -> int | None:
    """Return the distinct people of a row, None where too few of them are known."""
    people = tally(members, "people").known
    return people if people >= rule.threshold else None


def hide_few_outside(measure: Measure, shown: dict[Measure, Shown], day: Cell, rule: Rule) -> None:
    """Take the rows together, or away, where one of them has fewer requests than there are visitors.

    A row has a threshold of visitors, and no more than requests. So even where its visitors are blank it is
    known that somebody is outside of it; and that these are few where all are less than two thresholds.
    """

    def tells(rows: Shown) -> bool:
        least = min(sum(cell.counts[measure.base] for cell in members) for members in rows.values())
        around = [tally(whole, "people").known for whole in _around(measure, shown, day)]
        return any(least < visitors < 2 * rule.threshold for visitors in around)

    if measure is DAILY or not shown[measure] or not tells(shown[measure]):
        return
    together = {measure.other: [cell for members in shown[measure].values() for cell in members]}
    may_be_one = measure not in (STATUSES, DEPTHS)  # of which kinds are told apart, or not, with the day's
    shown[measure] = together if may_be_one and not tells(together) else {}


def people_of_rows(
    measure: Measure, shown_of: Mapping[Measure, Shown], day: Cell, rule: Rule
) -> dict[Label, int | None]:
    """Return the distinct visitors of each row; None where a number around it would tell of few.

    Those in several rows are what the rows have more than are around them. A blank tells nothing by itself:
    nobody outside is blank as few are.
    """
    shown, around = shown_of[measure], _around(measure, shown_of, day)
    people = {label: people_shown(members, rule) for label, members in shown.items()}
    if measure is DAILY:
        return people
    if measure.is_exclusive:  # they add up: one that is blank would follow from the others
        return people if None not in people.values() else dict.fromkeys(people)
    for whole in around:
        for label, members in shown.items():
            if _tells_of_few(whole, members, rule):
                people[label] = None
        if _adds_up(measure, shown, whole, around) and _is_told(whole, shown_of, day, rule):
            _hide_overlap(measure, shown, people, whole, rule)
    return people


def _tells_of_few(whole: Sequence[Cell], members: Sequence[Cell], rule: Rule) -> bool:
    """Return whether few of the whole are not among the members: of visitors, or of households."""
    visitors = tally(whole, "people").known - tally(members, "people").known
    if visitors == 0 and not rule.zeros:
        return False
    return min(visitors, heads(whole) - heads(members)) < rule.threshold


def _around(measure: Measure, shown: Mapping[Measure, Shown], day: Cell) -> list[Sequence[Cell]]:
    """Return the published sets of visitors that all visitors of the measure are known to be among.

    Those of the day; of what was not found, those of the status 404 or of the row that it is in; of pages,
    those of the one status that a page view can have had.
    """
    statuses = shown.get(STATUSES, {})
    kinds = {
        BROKEN_LINKS: [members for members in statuses.values() if any(_is_404(cell) for cell in members)],
        PAGES: [members for members in statuses.values() if any(cell.kind == "viewable" for cell in members)],
    }.get(measure, [])
    return [[day], *(kinds if len(kinds) == 1 else [])]


def _is_404(cell: Cell) -> bool:
    return cell.labels[0] == NOT_FOUND


def _hide_overlap(
    measure: Measure, shown: Shown, people: dict[Label, int | None], whole: Sequence[Cell], rule: Rule
) -> None:
    """Blank rows until those who are in several may be as many as the threshold, as far as a reader knows.

    A blank row has no more people than requests (or visits): so much room it gives. Where all rows together
    give too little, each person made one request, and the requests tell what a blank would hide. So a blank
    without any room is shown.
    """
    everybody = tally(whole, "people").known
    found = {label: tally(members, "people").known for label, members in shown.items()}
    room = {
        label: sum(cell.counts[measure.base] for cell in members) - found[label]
        for label, members in shown.items()
    }
    overlap = sum(found.values()) - everybody
    blank = [label for label in people if people[label] is None]
    if overlap < rule.threshold <= overlap + sum(room.values()):
        for label in sorted(room, key=lambda label: (-room[label], label)):
            if overlap + sum(room[each] for each in blank) >= rule.threshold:
                break
            people[label] = None
            blank = list(dict.fromkeys((*blank, label)))
    if overlap + sum(room[label] for label in blank) == 0:
        people |= {label: people_shown(shown[label], rule) for label in blank}


def _is_told(whole: Sequence[Cell], shown_of: Mapping[Measure, Shown], day: Cell, rule: Rule) -> bool:
    """Return whether the visitors of all these are shown: those of the day are, of a status perhaps."""
    statuses = shown_of.get(STATUSES, {})
    labels = [label for label, members in statuses.items() if members is whole]
    people = people_of_rows(STATUSES, shown_of, day, rule) if labels else {}
    return all(people[label] is not None for label in labels)


def _adds_up(measure: Measure, shown: Shown, whole: Sequence[Cell], around: Sequence[Sequence[Cell]]) -> bool:
    """Return whether each of these visitors is in some row of the measure."""
    if measure is BROKEN_LINKS:
        rows = sum(cell.counts["hits"] for members in shown.values() for cell in members)
        return whole is not around[0] and rows == sum(cell.counts["hits"] for cell in whole)
    return measure.totals.get(measure.base) in ("hits", "visits")
