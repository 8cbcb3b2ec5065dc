"""The privacy rule: no published number is about too few people, neither by itself nor by subtraction.

`threshold` is a privacy threshold, from the charter: the fewest people behind a number. The rule for
one day (or month) of one measure; `tables.py` applies it, `gate.py` tries to break what came out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Label = tuple[str, ...]
People = npt.NDArray[np.int64]  # distinct contributors; below zero: one request of an unknown sender

# Where the charter keeps no address nobody can be counted. Ten requests then stand for one person: what a
# visit commonly takes. It is an estimate, and weaker than counting.
REQUESTS_FOR_ONE_UNKNOWN = 10


@dataclass(frozen=True, slots=True)
class Cell:
    """One finest group: its label at each level from fine to coarse (None: has none), sums and people."""

    labels: tuple[Label | None, ...]
    counts: Mapping[str, int]
    groups: Mapping[str, People]


def heads(cells: Sequence[Cell], group: str = "contributors") -> int:
    """Return how many people are in `group` over all `cells`, each counted once."""
    return count(union([cell.groups[group] for cell in cells]))


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
            if heads(members) >= threshold and may_show(label):
                shown.setdefault(label, []).extend(members)
            else:
                rest_of_level += members
        rest = rest_of_level
    rest += shown.pop(other, [])  # a value that is called like the rest is one with it
    for label in by_size(shown):
        if not rest or heads(rest) >= threshold:
            break
        rest += shown.pop(label)
    if heads(rest) >= threshold:
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
        if heads(members, f"with_{part}") < threshold or betrays(members, part, threshold=threshold)
    }
    hidden = _sides([*unseen, *(cell for label in blank for cell in shown[label])], part)
    for label in by_size({label: members for label, members in shown.items() if label not in blank}):
        if not _about_too_few(hidden, threshold):
            break
        blank.add(label)
        hidden = [union(both) for both in zip(hidden, _sides(shown[label], part), strict=False)]
    return blank


def betrays(cells: Sequence[Cell], part: str, *, threshold: int) -> bool:
    """Return whether `part` splits `cells` so that either side is somebody, but too few."""
    return _about_too_few(_sides(cells, part), threshold)


def by_size(shown: Mapping[Label, Sequence[Cell]]) -> list[Label]:
    """Return the labels, fewest people first; of equals by the alphabet."""
    return sorted(shown, key=lambda label: (heads(shown[label]), label))


def count(people: People) -> int:
    """Return how many people these are: each known one, and one for so many requests of unknown ones."""
    known = int(np.count_nonzero(people > 0))
    return known + (len(people) - known) // REQUESTS_FOR_ONE_UNKNOWN


def union(found: Sequence[People]) -> People:
    """Return the people of several groups, each once."""
    if len(found) < 2:
        return found[0] if found else np.empty(0, np.int64)
    return np.unique(np.concatenate(found))


def _sides(cells: Sequence[Cell], part: str) -> list[People]:
    """Return who has some of `part`, and who some of the whole that is not (for a part that has a whole)."""
    sides = [side for side in (f"with_{part}", f"without_{part}") if all(side in c.groups for c in cells)]
    return [union([cell.groups[side] for cell in cells]) for side in sides]


def _about_too_few(sides: Sequence[People], threshold: int) -> bool:
    return any(len(side) > 0 and count(side) < threshold for side in sides)


def _by_label(cells: Sequence[Cell], level: int) -> tuple[dict[Label, list[Cell]], list[Cell]]:
    groups, without = dict[Label, list[Cell]](), list[Cell]()
    for cell in cells:
        label = cell.labels[level]
        if label is None:
            without.append(cell)
        else:
            groups.setdefault(label, []).append(cell)
    return groups, without
