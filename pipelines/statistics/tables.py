"""One period's cells → the rows that may be published, over all its measures together.

Measures share totals: what one leaves out must not follow from another. The order is therefore
fixed: fold each measure, blank what subtraction between them would give away, then write rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from pipelines.statistics.disclosure import betrays, by_size, fold, withheld
from pipelines.statistics.measures import DAILY, OTHER, Column, Measure
from pipelines.statistics.people import Cell, Label, heads, tally
from pipelines.statistics.plain import fault

Row = dict[str, date | str | int | None]
Shown = dict[Label, list[Cell]]


@dataclass(frozen=True)
class Tables:
    """The publishable rows of one period; `folded` counts the finest cells without a row of their own."""

    rows: Mapping[str, list[Row]]
    folded: int = 0

    @property
    def suppressed(self) -> tuple[str, ...]:
        """The measures of which nothing may be published."""
        return tuple(name for name, rows in self.rows.items() if not rows)


@dataclass(frozen=True)
class _Rule:
    """The charter's thresholds, and what is known of the whole period."""

    threshold: int
    rounding: int
    everyone: int = 0  # contributors; 0 where no total of people is published
    visitors: int = 0
    blank_of_daily: frozenset[str] = field(default_factory=frozenset)


def of_day(cells: Mapping[Measure, Sequence[Cell]], day: date, *, threshold: int, rounding: int) -> Tables:
    """Return what may be published of the measures of one local day."""
    everyone = cells[DAILY]
    if heads(everyone) < threshold:
        return Tables({measure.name: [] for measure in cells})
    shown = {measure: _fold(measure, found, threshold) for measure, found in cells.items()}
    blank = _blank_of_daily(shown, threshold)
    rule = _Rule(threshold, rounding, heads(everyone), _distinct(everyone), blank)
    for measure, rows in shown.items():
        _hide_total(measure, rows, rule)
    return _tables(cells, shown, day, rule)


def of_month(
    cells: Mapping[Measure, Sequence[Cell]], month: date, *, threshold: int, rounding: int
) -> Tables:
    """Return what may be published of the measures of one local month."""
    shown = {measure: _fold(measure, found, threshold) for measure, found in cells.items()}
    return _tables(cells, shown, month, _Rule(threshold, rounding))


def rounded(count: int, rounding: int) -> int:
    """Return `count` to the nearest multiple of `rounding`, never to nothing; 0 leaves it exact."""
    if rounding < 2:
        return count
    return max(rounding, (count + rounding // 2) // rounding * rounding)


def _fold(measure: Measure, cells: Sequence[Cell], threshold: int) -> Shown:
    other: Label = (OTHER,) * len(measure.dimensions)
    labelled = [cell for cell in cells if cell.labels[0] is not None]
    return fold(labelled, threshold=threshold, other=other, may_show=_is_plain)


def _is_plain(label: Label) -> bool:
    return not any(fault(text) for text in label)


def _blank_of_daily(shown: Mapping[Measure, Shown], threshold: int) -> frozenset[str]:
    """Return the parts of `daily` that are blank: about too few, or given away by a linked measure."""
    linked = {measure.name: rows for measure, rows in shown.items()}
    blank = set()
    for part in DAILY.parts:
        rows = linked.get(part.linked, {}) if part.linked else {}
        mixed = [cell for members in rows.values() if _is_mixed(members, part) for cell in members]
        given_away = betrays(mixed, part.name, threshold=threshold)
        if given_away or withheld(shown[DAILY], part.name, threshold=threshold):
            blank.add(part.name)
    return frozenset(blank)


def _is_mixed(members: Sequence[Cell], part: Column) -> bool:
    """Return whether the row holds some of `part` and some that is not: the total then tells how much."""
    return all(
        any(sum(tally([cell], f"{side}_{part.name}")) for cell in members) for side in ("with", "without")
    )


def _hide_total(measure: Measure, rows: Shown, rule: _Rule) -> None:
    """Leave a row out where the rows would add up to a figure that `daily` keeps blank."""
    base_total = measure.totals.get(measure.base)
    if rows and base_total in rule.blank_of_daily:
        other: Label = (OTHER,) * len(measure.dimensions)
        rows.pop(other if other in rows else by_size(rows)[0])


def _tables(
    cells: Mapping[Measure, Sequence[Cell]], shown: Mapping[Measure, Shown], period: date, rule: _Rule
) -> Tables:
    rows = {measure.name: _rows(measure, cells[measure], shown[measure], period, rule) for measure in cells}
    return Tables(rows, sum(_folded(cells[measure], shown[measure]) for measure in cells))


def _folded(cells: Sequence[Cell], shown: Shown) -> int:
    labelled = [cell for cell in cells if cell.labels[0] is not None]
    return len(labelled) - sum(
        label == cell.labels[0] for label, members in shown.items() for cell in members
    )


def _rows(measure: Measure, cells: Sequence[Cell], shown: Shown, period: date, rule: _Rule) -> list[Row]:
    seen = {id(cell) for members in shown.values() for cell in members}
    unseen = [cell for cell in cells if id(cell) not in seen]
    blank = {
        part.name: withheld(shown, part.name, threshold=rule.threshold, unseen=unseen)
        for part in measure.parts
    }
    if measure is DAILY:
        blank = {
            part.name: set(shown) if part.name in rule.blank_of_daily else set() for part in measure.parts
        }
    return [_row(measure, label, shown[label], period, rule, blank) for label in sorted(shown)]


def _row(
    measure: Measure,
    label: Label,
    members: Sequence[Cell],
    period: date,
    rule: _Rule,
    blank: Mapping[str, set[Label]],
) -> Row:
    row: Row = {measure.period.name: period}
    row.update(zip((column.name for column in measure.dimensions), label, strict=True))
    for column in measure.counts:
        total = sum(cell.counts[column.name] for cell in members)
        is_blank = total == 0 or label in blank.get(column.name, ())
        row[column.name] = None if is_blank else rounded(total, rule.rounding)
    row[measure.people.name] = _people(members, rule)
    return {column.name: row[column.name] for column in measure.columns}


def _people(members: Sequence[Cell], rule: _Rule) -> int | None:
    """Return the distinct visitors of a row; None where the day's total tells of the few outside it."""
    people = _distinct(members)
    if people < rule.threshold:
        return None
    if rule.everyone:
        outside = rule.everyone - heads(members)
        if rule.visitors > people and outside < rule.threshold:
            return None
    return rounded(people, rule.rounding)


def _distinct(members: Sequence[Cell]) -> int:
    return sum(tally(members, "people"))
