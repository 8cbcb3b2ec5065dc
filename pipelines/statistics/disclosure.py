"""The privacy rule: no published number is about too few people, neither by itself nor by subtraction.

`threshold` is a privacy threshold, from the charter: the fewest people behind a number. The rule for
one day (or month) of one measure; `tables.py` applies it, `gate.py` tries to break what came out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from pipelines.statistics.people import Cell, Label, heads, number, tally


def fold(
    cells: Iterable[Cell], *, threshold: int, other: Label, may_show: Callable[[Label], bool]
) -> dict[Label, list[Cell]]:
    """Return what may be shown: label → cells, each with `threshold` people or more; empty where nothing may.

    What is too small goes up its levels and ends in `other`; an `other` that is too small takes the
    smallest row with it, as it would follow from the total otherwise.
    """
    rest, shown = list(cells), dict[Label, list[Cell]]()
    for level in range(len(rest[0].labels) if rest else 0):
        groups, rest_of_level = _by_label(rest, level)
        for label, members in groups.items():
            if is_enough(members, threshold) and may_show(label):
                shown.setdefault(label, []).extend(members)
            else:
                rest_of_level += members
        rest = rest_of_level
    rest += shown.pop(other, [])  # a value that is called like the rest is one with it
    if rest and not is_enough(rest, threshold):
        for label in by_size(shown):
            rest += shown.pop(label)
            if is_enough(rest, threshold):
                break
    if is_enough(rest, threshold):
        shown[other] = rest
    return shown


def withheld(
    shown: Mapping[Label, Sequence[Cell]], part: str, *, threshold: int, unseen: Sequence[Cell] = ()
) -> set[Label]:
    """Return the labels whose count of `part` stays blank, as it or the rest of its row is about too few.

    What is blank, with the `unseen` cells that the total covers too, must not follow from that total:
    the smallest rows go blank with it.
    """
    blank = {
        label
        for label, members in shown.items()
        if not is_enough(members, threshold, f"with_{part}") or betrays(members, part, threshold=threshold)
    }
    away = [*unseen, *(cell for label in blank for cell in shown[label])]
    if betrays(away, part, threshold=threshold):
        for label in by_size({label: members for label, members in shown.items() if label not in blank}):
            blank.add(label)
            away += shown[label]
            if not betrays(away, part, threshold=threshold):
                break
    return blank


def betrays(cells: Sequence[Cell], part: str, *, threshold: int) -> bool:
    """Return whether `part` splits `cells` so that either side is somebody, but too few."""
    return any(
        any(sum(tally([cell], side)) for cell in cells) and not is_enough(cells, threshold, side)
        for side in _sides(cells, part)
    )


def is_enough(cells: Sequence[Cell], threshold: int, group: str = "contributors") -> bool:
    """Return whether there are `threshold` people; where one cell has as many, nobody is looked at."""
    return (
        any(number(tally([cell], group)) >= threshold for cell in cells) or heads(cells, group) >= threshold
    )


def by_size(shown: Mapping[Label, Sequence[Cell]]) -> list[Label]:
    """Return the labels, fewest people first; of equals by the alphabet."""
    return sorted(shown, key=lambda label: (heads(shown[label]), label))


def _sides(cells: Sequence[Cell], part: str) -> list[str]:
    """Return the groups of who has some of `part`, and of who has some of its whole that is not, if any."""
    return [side for side in (f"with_{part}", f"without_{part}") if cells and side in cells[0].groups]


def _by_label(cells: Sequence[Cell], level: int) -> tuple[dict[Label, list[Cell]], list[Cell]]:
    groups, without = dict[Label, list[Cell]](), list[Cell]()
    for cell in cells:
        label = cell.labels[level]
        if label is None:
            without.append(cell)
        else:
            groups.setdefault(label, []).append(cell)
    return groups, without
