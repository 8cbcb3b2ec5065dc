"""Cells and the people behind them, each counted once, with what each adds to the sum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Label = tuple[str, ...]
Ids = npt.NDArray[np.int64]

# Where the charter keeps no address nobody can be counted. Ten requests then stand for one person: what a
# visit commonly takes. It is an estimate, and weaker than counting.
REQUESTS_FOR_ONE_UNKNOWN = 10


class People(NamedTuple):
    """Distinct contributors, in order, and what each adds; below zero: a request of an unknown sender."""

    ids: Ids
    weights: Ids


class Tally(NamedTuple):
    """How many contributors are known, and how many requests unknown; their sum, and its two largest."""

    known: int
    unknown: int
    total: int
    first: int
    second: int

    @property
    def heads(self) -> int:
        """How many people these stand for."""
        return self.known + self.unknown // REQUESTS_FOR_ONE_UNKNOWN

    @property
    def is_empty(self) -> bool:
        """Return whether there is nobody at all."""
        return not (self.known or self.unknown)


NOBODY = People(np.empty(0, np.int64), np.empty(0, np.int64))
EMPTY = Tally(0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Cell:
    """One finest group: its label at each level from fine to coarse (None: has none), sums, people, kind.

    The group `people` holds visitors, address and browser together; all others hold contributors.
    `tallies` are of `groups`, for those that were counted already: then nobody needs to be looked at.
    """

    labels: tuple[Label | None, ...]
    counts: Mapping[str, int]
    groups: Mapping[str, People]
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    kind: str = ""


Shown = dict[Label, list[Cell]]  # the rows of a measure: label → the cells that are taken together


def people(ids: Iterable[int], weights: Iterable[int] | None = None) -> People:
    """Return the people with these ids; each adds one where no `weights` are given."""
    found = np.array(list(ids), dtype=np.int64)
    added = np.ones(len(found), np.int64) if weights is None else np.array(list(weights), dtype=np.int64)
    return together([People(found, added)])


def together(found: Sequence[People]) -> People:
    """Return the people of several groups, each once, with the sum of what each adds."""
    if not found:
        return NOBODY
    ids, places = np.unique(np.concatenate([each.ids for each in found]), return_inverse=True)
    weights = np.concatenate([each.weights for each in found])
    return People(ids, np.bincount(places, weights, len(ids)).astype(np.int64))


def tally_of(found: People) -> Tally:
    """Return the tally of distinct people."""
    known = int(np.count_nonzero(found.ids > 0))
    largest = np.partition(found.weights, -2)[-2:] if len(found.ids) > 1 else found.weights
    first = int(largest[-1]) if len(largest) else 0
    second = int(largest[-2]) if len(largest) > 1 else 0
    return Tally(known, len(found.ids) - known, int(found.weights.sum()), first, second)


def tallies_of(cells: Ids, ids: Ids, weights: Ids, number: int) -> list[Tally]:
    """Return the tallies of `number` cells, of people that are in the order of their cells."""
    known = np.bincount(cells[ids > 0], minlength=number)
    everybody = np.bincount(cells, minlength=number)
    total = np.bincount(cells, weights, number).astype(np.int64)
    largest = np.zeros((2, number), np.int64)
    order = np.lexsort((weights, cells))
    ends = np.cumsum(everybody)
    for place, has_one in ((0, everybody > 0), (1, everybody > 1)):
        largest[place, has_one] = weights[order[ends[has_one] - 1 - place]]
    columns = (known, everybody - known, total, *largest)
    return [Tally(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def tally(cells: Sequence[Cell], group: str = "contributors") -> Tally:
    """Return the tally of `group` over all `cells`, each person counted once."""
    if len(cells) == 1 and group in cells[0].tallies:
        return cells[0].tallies[group]
    present = [cell for cell in cells if group in cell.groups]
    return tally_of(together([cell.groups[group] for cell in present])) if present else EMPTY


def heads(cells: Sequence[Cell], group: str = "contributors") -> int:
    """Return how many people are in `group` over all `cells`, each counted once."""
    return tally(cells, group).heads


def by_label(cells: Sequence[Cell], level: int) -> tuple[dict[Label, list[Cell]], list[Cell]]:
    """Return the cells by their label at a level, and those that have none there."""
    groups, without = dict[Label, list[Cell]](), list[Cell]()
    for cell in cells:
        label = cell.labels[level]
        if label is None:
            without.append(cell)
        else:
            groups.setdefault(label, []).append(cell)
    return groups, without
