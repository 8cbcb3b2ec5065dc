"""One period's cells → the rows that may be published, over all its measures together.

Measures share totals: what one leaves out must not follow from another. The order is therefore fixed: decide
together what is shown of the kinds of hits and visits, fold each measure, blank what subtraction would
give away, then write rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from pipelines.statistics.bounds import hide_known_ends, keep_page_views_open, leave_one_out
from pipelines.statistics.disclosure import Rule, blanks, fold, is_safe
from pipelines.statistics.kinds import Blocks, Hits, Visits, kinds_of
from pipelines.statistics.measures import BROKEN_LINKS, DAILY, DEPTHS, STATUSES, Measure
from pipelines.statistics.outside import NOT_FOUND, hide_few_outside, people_of_rows, people_shown
from pipelines.statistics.people import Cell, Label, Shown, heads, tally
from pipelines.statistics.plain import fault

Value = date | str | int | float | None
Row = dict[str, Value]


@dataclass(frozen=True)
class Tables:
    """The publishable rows of one period; `folded` counts the finest cells without a row of their own.

    `noise`: the measures whose numbers are not exact, and the epsilon that was spent on each.
    """

    rows: Mapping[str, list[Row]]
    folded: int = 0
    noise: Mapping[str, float] = field(default_factory=dict)

    @property
    def suppressed(self) -> tuple[str, ...]:
        """The measures of which nothing may be published."""
        return tuple(name for name, rows in self.rows.items() if not rows)


@dataclass(frozen=True)
class _Day:
    """What is known of the whole day, and decided of what its measures share."""

    rule: Rule
    cell: Cell
    hits: Hits
    visits: Visits

    @property
    def blank_of_daily(self) -> frozenset[str]:
        """The figures of `daily` that are not shown."""
        shown = {
            "page_views": self.hits.page_views,
            "errors": self.hits.errors,
            "bounces": self.visits.bounces,
            "visits": is_safe([self.cell], rule=self.rule, group="with_visits"),
            "bot_hits": tally([self.cell], "with_bot_hits").heads >= self.rule.threshold,
        }
        return frozenset(name for name, is_shown in shown.items() if not is_shown)


def of_day(cells: Mapping[Measure, Sequence[Cell]], day: date, *, rule: Rule) -> Tables:
    """Return what may be published of the measures of one local day."""
    everyone = cells[DAILY]
    if not everyone or not is_safe(everyone, rule=rule):
        return Tables({measure.name: [] for measure in cells})
    whole = everyone[0]
    about = _Day(rule, whole, *kinds_of(whole, rule=rule))
    if "visits" in about.blank_of_daily and _are_visits_told(whole, rule):
        return Tables({measure.name: [] for measure in cells})
    shown = {measure: _shown(measure, found, about) for measure, found in cells.items()}
    for measure in shown:
        hide_few_outside(measure, shown, whole, rule)
    if about.hits.page_views:
        hide_known_ends(shown, whole, about.visits, rule)
    else:
        about = replace(about, visits=keep_page_views_open(shown, whole, about.hits, about.visits, rule))
    if NOT_FOUND not in shown.get(STATUSES, {}):
        leave_one_out(BROKEN_LINKS, shown)
    return _tables(cells, shown, day, about)


def _are_visits_told(day: Cell, rule: Rule) -> bool:
    """Return whether visits follow from their bounds: no fewer than visitors, and no more than hits."""
    visitors, hits = people_shown([day], rule), day.counts["hits"]
    return visitors is not None and hits - visitors < max(rule.threshold, rule.closeness * hits)


def of_period(
    cells: Mapping[Measure, Sequence[Cell]],
    start: date,
    *,
    rule: Rule,
    groups: Sequence[str] = ("contributors",),
    everyone: int | None = None,
) -> Tables:
    """Return what may be published of measures that stand alone, in one month or year; see `fold`.

    `everyone` is how many people are around all rows, where that is published.
    """
    shown = {
        measure: fold(found, rule=rule, other=measure.other, may_show=is_plain, groups=groups)
        for measure, found in cells.items()
    }
    rows = {
        measure.name: [
            _row(measure, label, members, start, rule, people=_people_of_period(members, rule, everyone))
            for label, members in sorted(found.items())
        ]
        for measure, found in shown.items()
    }
    return Tables(rows, sum(_folded(cells[measure], shown[measure]) for measure in cells))


def rounded(count: int, rounding: int) -> int:
    """Return `count` to the nearest multiple of `rounding`, never to nothing; 0 leaves it exact."""
    if rounding < 2:
        return count
    return max(rounding, (count + rounding // 2) // rounding * rounding)


def is_plain(label: Label) -> bool:
    """Return whether no text of the label looks like something of a person."""
    return not any(fault(text) for text in label)


def _people_of_period(members: Sequence[Cell], rule: Rule, everyone: int | None) -> int | None:
    is_told = everyone is not None and everyone - heads(members) < rule.threshold
    return None if is_told else people_shown(members, rule)


def _shown(measure: Measure, cells: Sequence[Cell], about: _Day) -> Shown:
    if measure is STATUSES:
        return _fold_in_blocks(measure, cells, about.hits.statuses, about.rule)
    if measure is DEPTHS:
        return _fold_in_blocks(measure, cells, about.visits.depths, about.rule)
    rule = about.rule
    found = fold(cells, rule=rule, other=measure.other, may_show=is_plain)
    # A row that is everybody loses its name where that would tell of them.
    tells_all = rule.zeros and measure.tells_all and len(found) == 1
    return {measure.other: next(iter(found.values()))} if tells_all else found


def _fold_in_blocks(measure: Measure, cells: Sequence[Cell], blocks: Blocks, rule: Rule) -> Shown:
    """Fold the cells of each kind among themselves; kinds that must not be told apart are one row."""
    shown: Shown = {}
    for name, kinds in blocks.items():
        members = [cell for cell in cells if cell.kind in kinds]
        label = (name, *measure.other[1:])
        if len(kinds) == 1:
            shown |= fold(members, rule=rule, other=label)
        elif members:
            shown[label] = members
    return shown


def _tables(
    cells: Mapping[Measure, Sequence[Cell]], shown: Mapping[Measure, Shown], day: date, about: _Day
) -> Tables:
    rows = {measure.name: _rows(measure, shown, day, about) for measure in shown}
    return Tables(rows, sum(_folded(cells[measure], shown[measure]) for measure in cells))


def _folded(cells: Sequence[Cell], shown: Shown) -> int:
    return len(cells) - sum(label == cell.labels[0] for label, members in shown.items() for cell in members)


def _rows(measure: Measure, shown_of: Mapping[Measure, Shown], day: date, about: _Day) -> list[Row]:
    rule, shown = about.rule, shown_of[measure]
    if measure is DAILY:
        blank = {name: set(shown) for name in about.blank_of_daily}
    elif not about.hits.page_views:  # visits less the entries that are shown are so many page views and more
        blank = {part.name: set(shown) for part in measure.parts}
    elif about.visits.only_bounces:
        blank = {}
    else:
        blank = {
            part.name: blanks(shown, part.name, rule=rule, must_hide=not about.visits.no_page)
            for part in measure.parts
        }
    people = people_of_rows(measure, shown_of, about.cell, rule)
    return [
        _row(measure, label, shown[label], day, rule, blank=blank, people=people[label])
        for label in sorted(shown)
    ]


def _row(
    measure: Measure, label: Label, members: Sequence[Cell], start: date, rule: Rule, *,
    people: int | None, blank: Mapping[str, set[Label]] | None = None,
) -> Row:  # fmt: skip
    row: Row = {measure.period.name: start}
    row.update(zip((column.name for column in measure.dimensions), label, strict=True))
    for column in measure.counts:
        total = sum(cell.counts[column.name] for cell in members)
        is_blank = total == 0 or label in (blank or {}).get(column.name, ())
        row[column.name] = None if is_blank else rounded(total, rule.rounding)
    for column in measure.amounts:
        row[column.name] = sum(cell.counts.get(column.name, 0) for cell in members) or None
    if measure.people:
        row[measure.people.name] = None if people is None else rounded(people, rule.rounding)
    return finished(measure, row)


def finished(measure: Measure, row: Row) -> Row:
    """Return the row with its ratios, worked out of what is published, in the order of the columns."""
    for each in measure.ratios:
        part, whole = row[each.numerator], row[each.denominator]
        is_known = isinstance(part, int) and isinstance(whole, int) and whole > 0
        row[each.column.name] = round(part / whole, 4) if is_known else None  # type: ignore[operator]
    return {column.name: row[column.name] for column in measure.columns}
