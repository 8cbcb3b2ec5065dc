"""How closely a hidden number can be worked out: the least and the most that it can be, exactly.

    each relation by itself → what hangs together → integer programs over it (HiGHS, in scipy)

A number is safe as soon as two possible tables are far enough apart in it: examples are found for many
numbers at once, and only what no example settles is solved for by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from pipelines.statistics.attack.system import OPEN, ContradictionError, Relation, System

Numbers = npt.NDArray[np.float64]
IsSafe = Callable[[int, int], bool]  # of the least and the most

_ROUNDS = 6  # of examples for many at once, before one is solved for by itself
_SECONDS = 5.0  # for one integer program
_INFEASIBLE = 2
_DOWN, _UP = 1, -1


@dataclass(frozen=True, slots=True)
class Target:
    """One number that an outsider would like to know, and what counts as safe.

    `is_safe` holds in any wider interval, too; `is_no_secret` is asked of exact ends alone: of a number that
    is known, and yet tells nothing of anybody.
    """

    place: int
    is_safe: IsSafe
    is_no_secret: IsSafe = lambda _least, _most: False

    def judge(self, least: int, most: int) -> bool:
        """Return whether the number is safe between ends that are exact, or as wide as it takes."""
        return self.is_safe(least, most) or self.is_no_secret(least, most)


@dataclass(frozen=True, slots=True)
class Interval:
    """What a number can be at the least and at the most; where it is safe, it may be wider than this."""

    least: int
    most: int
    is_safe: bool


def work_out(system: System, targets: Sequence[Target]) -> list[Interval]:
    """Return the interval of each target; ContradictionError where no table fits what was published."""
    system.tighten()
    checks: dict[int, list[IsSafe]] = {}
    for target in targets:
        checks.setdefault(target.place, []).append(target.is_safe)
    ends = {place: (system.least[place], system.most[place]) for place in checks}
    for places, relations in system.parts():
        asked = {place: checks[place] for place in places if place in checks}
        if asked and not _is_exact(relations):
            ends.update(_Part(system, places, relations).solve(asked))
    return [Interval(*ends[target.place], target.judge(*ends[target.place])) for target in targets]


def _is_exact(relations: Sequence[Relation]) -> bool:
    """Return whether bounds that each relation was tightened to by itself are those of all of them."""
    return len(relations) < 2 and all(abs(factor) == 1 for one in relations for factor, _place in one.terms)


class _Part:
    """Quantities that hang together, as a program for the solver."""

    def __init__(self, system: System, places: Sequence[int], relations: Sequence[Relation]) -> None:
        self._column = {place: number for number, place in enumerate(places)}
        entries = [
            (factor, row, self._column[place])
            for row, relation in enumerate(relations)
            for factor, place in relation.terms
        ]
        factors, rows, columns = zip(*entries, strict=True)
        matrix = csr_array((np.array(factors, float), (rows, columns)), shape=(len(relations), len(places)))
        least, most = (
            _sides([getattr(relation, end) for relation in relations]) for end in ("least", "most")
        )
        self._relations = LinearConstraint(matrix, least, most)
        self._bounds = Bounds(
            np.array([system.least[place] for place in places], float),
            np.array([system.most[place] for place in places], float),
        )

    def solve(self, asked: dict[int, list[IsSafe]]) -> dict[int, tuple[int, int]]:
        """Return the ends of each place: wide enough for all its checks, or exact."""
        columns = np.array([self._column[place] for place in asked])
        checks = list(asked.values())
        low = high = self._table(np.zeros(len(self._column)))[columns]
        unsettled = list(range(len(checks)))
        for seed in range(_ROUNDS):
            for sign in (_DOWN, _UP):
                example = self._table(self._aim(columns[unsettled], sign, seed))[columns]
                low, high = np.minimum(low, example), np.maximum(high, example)
            unsettled = [n for n in unsettled if not _is_safe(checks[n], low[n], high[n])]
            if not unsettled:
                break
        for number in unsettled:
            low[number], high[number] = (self._end(columns[number], sign) for sign in (_DOWN, _UP))
        ends = zip(low.tolist(), high.tolist(), strict=True)
        return {place: (round(least), round(most)) for place, (least, most) in zip(asked, ends, strict=True)}

    def _aim(self, columns: npt.NDArray[np.int64], sign: int, seed: int) -> Numbers:
        """Return an aim that pushes all of `columns` down or up, with other weights in each round."""
        aim = np.zeros(len(self._column))
        spread = np.random.default_rng(seed).uniform(1, 1 + seed * seed, len(columns))
        aim[columns] = sign * np.maximum(spread, 1)
        return aim

    def _end(self, column: int, sign: int) -> float:
        aim = np.zeros(len(self._column))
        aim[column] = sign
        return float(self._table(aim, gap=0.0)[column])

    def _table(self, aim: Numbers, gap: float = 0.05) -> Numbers:
        """Return a table of whole numbers that fits, as far towards the aim as there is one."""
        result = self._solve(aim, gap, whole=True)
        if result.x is None or (gap == 0 and result.status):
            # Out of time: the linear program, whose interval holds that of whole numbers.
            result = self._solve(aim, gap, whole=False)
        return np.asarray(result.x, float)

    def _solve(self, aim: Numbers, gap: float, *, whole: bool) -> Any:
        result = milp(
            aim,
            constraints=self._relations,
            bounds=self._bounds,
            integrality=np.full(len(aim), int(whole)),
            options={"time_limit": _SECONDS, "mip_rel_gap": gap},
        )
        if result.status == _INFEASIBLE or (not whole and result.x is None):
            raise ContradictionError
        return result


def _sides(numbers: Sequence[int]) -> Numbers:
    """Return sides of relations for the solver: those that are open without a number."""
    sides = np.array(numbers, float)
    return np.where(np.abs(sides) > OPEN / 2, np.copysign(np.inf, sides), sides)


def _is_safe(checks: Sequence[IsSafe], least: float, most: float) -> bool:
    return all(check(round(least), round(most)) for check in checks)
