"""The privacy rule: what may be published is about enough people, and about none of them above all.

A block of cells is *safe* when (1) at least `threshold` people stand behind it, and (2) none of them is
most of its sum: the n largest are at most a share k of it, and the second largest cannot work out the
largest to within p of its value. (2) are the (n,k) and the p% rule of Hundepool et al., Statistical
Disclosure Control (2012), ch. 4.

Why a partition into safe blocks is enough. Let the cells of a total be divided into safe blocks, and let the
sum of each block be published, and the total. What follows exactly from such sums is the sum of a union
of blocks. A union of safe blocks is safe: it has no fewer people; and both rules of (2) are
sub-additive (ib., 4.2.2): what no block is too much of, their union is not. So nothing follows that is
about too few. A hidden cell lies between 0 and its block, which has a threshold of people and more.

Why two partitions of one total are. Say hits by hour and by browser; nobody outside knows which hour goes
with which browser, so any table with these margins may be the true one: a hidden combination of an hour's
block r and a browser's block c, of N in all, lies between max(0, r + c - N) and min(r, c), an interval
that is as wide as the smallest of r, c, N - r and N - c, which is a union of blocks. Where a combination
*is* known, by what words mean (a page view is no error; a visit of one page is a bounce), the two are
not published one by one: their common refinement is taken (`choose`), and each of its blocks is safe.

`tables.py` applies the rule; `attack/` tries to break what came out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pipelines.statistics.people import Cell, Label, Tally, by_label, heads, tally, tally_of, together

Option = TypeVar("Option")


@dataclass(frozen=True)
class Rule:
    """The thresholds, from the charter, which gives their reasons.

    `threshold`: the fewest people behind a number. `largest`, `share`: so many people add no more than this
    share of a sum, (n,k). `closeness`: nobody who knows the second largest comes closer than this
    share to the largest, p%. With `zeros` a part that is all or nothing of its whole is not safe: it tells of
    everybody. `rounding`: counts are published as multiples of it.
    """

    threshold: int
    largest: int
    share: float
    closeness: float
    zeros: bool
    rounding: int = 0

    def allows(self, found: Tally) -> bool:
        """Return whether so many people, with such sums, are safe to publish."""
        return found.heads >= self.threshold and max(self.excesses(found)) <= 0

    def excesses(self, found: Tally) -> tuple[float, float]:
        """Return by how much the largest are too much of the sum, under (n,k) and p%; sub-additive."""
        most = found.first + (found.second if self.largest > 1 else 0)
        rest = found.total - found.first - found.second
        return most - self.share * found.total, self.closeness * found.first - rest


def is_safe(cells: Sequence[Cell], *, rule: Rule, group: str = "contributors") -> bool:
    """Return whether `group` over all `cells` is safe; where single cells tell, nobody is looked at."""
    return _is_safe([(cell, group) for cell in cells], rule)


def fold(
    cells: Iterable[Cell],
    *,
    rule: Rule,
    other: Label,
    may_show: Callable[[Label], bool] = lambda _label: True,
    groups: Sequence[str] = ("contributors",),
) -> dict[Label, list[Cell]]:
    """Return what may be shown: label → cells, a partition into safe blocks; empty where there is none.

    What is not safe, in each of `groups`, goes up its levels and ends in `other`; an `other` that is not
    safe takes the smallest row with it, as it would follow from the total otherwise.
    """

    def safe(members: Sequence[Cell]) -> bool:
        return all(is_safe(members, rule=rule, group=group) for group in groups)

    rest, shown = list(cells), dict[Label, list[Cell]]()
    for level in range(len(rest[0].labels) if rest else 0):
        found, rest_of_level = by_label(rest, level)
        for label, members in found.items():
            if label not in shown and safe(members) and may_show(label):
                shown[label] = members
            else:
                rest_of_level += members
        rest = rest_of_level
    rest += shown.pop(other, [])  # a value that is called like the rest is one with it
    if rest and not safe(rest):
        for label in by_size(shown):
            rest += shown.pop(label)
            if safe(rest):
                break
    if rest and safe(rest):
        shown[other] = rest
    return shown


def choose(
    options: Iterable[tuple[Option, Sequence[Sequence[str]]]], cell: Cell, *, rule: Rule
) -> Option | None:
    """Return the first option of which each block of groups of `cell` is safe, or is nobody at all.

    The blocks of an option are what a reader could work out of all that it publishes.
    """
    for option, blocks in options:
        if all(_is_safe_or_nobody([(cell, group) for group in block], rule) for block in blocks):
            return option
    return None


def blanks(rows: Mapping[Label, Sequence[Cell]], part: str, *, rule: Rule, must_hide: bool) -> set[Label]:
    """Return the labels whose count of `part` stays blank: it, or the rest of its row, is not safe.

    What is blank follows together from the total of `part`: so the blank rows are safe together on both
    sides, and the smallest rows go blank with them until that is so, and each of them is wide (`_is_wide`).
    With `must_hide` some are, as the total leaves out what must not be known. Where there is no row left to
    take all are blank, even one that follows: a blank may, a small number must not.
    """
    blank = {label for label, members in rows.items() if not splits_safely(members, part, rule)}
    if not (blank or must_hide):
        return blank
    others = iter(by_size({label: members for label, members in rows.items() if label not in blank}))
    while not _hide_one_another([rows[label] for label in blank], part, rule, is_sum_known=not must_hide):
        one_more = next(others, None)
        if one_more is None:
            break
        blank.add(one_more)
    return blank


def _hide_one_another(rows: Sequence[Sequence[Cell]], part: str, rule: Rule, *, is_sum_known: bool) -> bool:
    """Return whether the parts of these rows stay hidden; a safe one only covers the others."""
    together = [cell for members in rows for cell in members]
    sums = _sides(together, part)
    return bool(rows) and splits_safely(together, part, rule) and all(
        _is_wide(_sides(members, part), sums, rule)
        or (not is_sum_known and splits_safely(members, part, rule))
        for members in rows
    )  # fmt: skip


def _is_wide(row: tuple[int, int], sums: tuple[int, int], rule: Rule) -> bool:
    """Return whether a row's part, with and without, may be nothing, or numbers that are far apart.

    A reader knows the total of each row, and of the part. So it lies between what the other rows have no
    room for, and the lesser of its row and of all: far apart, as these are of a threshold of people or more.
    Of large ones p% asks for more.
    """
    least = max(0, row[0] - (sums[1] - row[1]))
    most = min(sum(row), sums[0])
    return least == 0 or most - least >= max(rule.threshold, rule.closeness * most)


def _sides(members: Sequence[Cell], part: str) -> tuple[int, int]:
    found = [[tally([cell], f"{side}_{part}").total for cell in members] for side in ("with", "without")]
    return sum(found[0]), sum(found[1])


def splits_safely(members: Sequence[Cell], part: str, rule: Rule) -> bool:
    """Return whether both sides of a part, what has it and what has not, are safe."""
    is_fine = _is_safe if rule.zeros else _is_safe_or_nobody
    return all(is_fine([(cell, f"{side}_{part}") for cell in members], rule) for side in ("with", "without"))


def by_size(shown: Mapping[Label, Sequence[Cell]]) -> list[Label]:
    """Return the labels, fewest people first; of equals by the alphabet."""
    return sorted(shown, key=lambda label: (heads(shown[label]), label))


def _is_safe(members: Sequence[tuple[Cell, str]], rule: Rule) -> bool:
    """Judge groups of cells as one."""
    single = [tally([cell], group) for cell, group in members]
    excesses = [rule.excesses(found) for found in single if not found.is_empty]
    is_spread = bool(excesses) and all(sum(side) <= 0 for side in zip(*excesses, strict=True))
    if is_spread and any(found.heads >= rule.threshold for found in single):
        return True
    if len(excesses) < 2:
        return any(rule.allows(found) for found in single)
    return rule.allows(tally_of(together([cell.groups[group] for cell, group in members])))


def _is_safe_or_nobody(members: Sequence[tuple[Cell, str]], rule: Rule) -> bool:
    return all(tally([cell], group).is_empty for cell, group in members) or _is_safe(members, rule)
