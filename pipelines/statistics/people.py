"""Cells and the people behind them, each counted once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Label = tuple[str, ...]
People = npt.NDArray[np.int64]  # distinct contributors; below zero: one request of an unknown sender
Tally = tuple[int, int]  # how many are known, and how many requests there are of unknown senders

# Where the charter keeps no address nobody can be counted. Ten requests then stand for one person: what a
# visit commonly takes. It is an estimate, and weaker than counting.
REQUESTS_FOR_ONE_UNKNOWN = 10


@dataclass(frozen=True, slots=True)
class Cell:
    """One finest group: its label at each level from fine to coarse (None: has none), sums and people.

    `tallies` are of `groups`, for those that were counted already: then nobody needs to be looked at.
    """

    labels: tuple[Label | None, ...]
    counts: Mapping[str, int]
    groups: Mapping[str, People]
    tallies: Mapping[str, Tally] = field(default_factory=dict)


def heads(cells: Sequence[Cell], group: str = "contributors") -> int:
    """Return how many people are in `group` over all `cells`, each counted once."""
    return number(tally(cells, group))


def tally(cells: Sequence[Cell], group: str) -> Tally:
    """Return how many known people, and requests of unknown ones, are in `group` over all `cells`."""
    if len(cells) == 1 and group in cells[0].tallies:
        return cells[0].tallies[group]
    return split(union([cell.groups[group] for cell in cells]))


def count(people: People) -> int:
    """Return how many people these are: each known one, and one for so many requests of unknown ones."""
    return number(split(people))


def union(found: Sequence[People]) -> People:
    """Return the people of several groups, each once."""
    if len(found) < 2:
        return found[0] if found else np.empty(0, np.int64)
    return np.unique(np.concatenate(found))


def split(people: People) -> Tally:
    """Return how many of `people` are known, and how many are requests of unknown ones."""
    known = int(np.count_nonzero(people > 0))
    return known, len(people) - known


def number(found: Tally) -> int:
    """Return how many people a tally stands for."""
    known, unknown = found
    return known + unknown // REQUESTS_FOR_ONE_UNKNOWN
