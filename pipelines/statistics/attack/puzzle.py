"""One day's published numbers, written down as a puzzle: what is known, what is hidden, what must hold.

The riddles are the numbers that an outsider would like to know: each blank, the rest that the rows of a table
leave of the day's total, and the other side of each number (the whole without it).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.statistics.attack.intervals import IsSafe, Target
from pipelines.statistics.attack.knowledge import DAILY, MOST_HITS, Known
from pipelines.statistics.attack.publication import Row
from pipelines.statistics.attack.system import OPEN, System, Term

BLANK = "a blank number"
REST = "what the rows leave of a total"
OTHER_SIDE = "a total without a number that is shown"

# An interval is wide enough from a tenth of what is hidden on: the p% rule of statistical offices, p = 10
# (Hundepool et al., Statistical Disclosure Control, 2012, section 4.2.2).
_SHARE = 10
_DIGITS = 10_000  # a ratio is published to the fourth digit


@dataclass(frozen=True, slots=True)
class Rules:
    """What a release says of its own rules: people behind a number, and rounding."""

    threshold: int
    rounding: int = 0

    def is_few_safe(self, least: int, most: int) -> bool:
        """Return whether nobody need be behind a number, or enough may be."""
        return least <= 0 or most >= self.threshold

    def is_blank_safe(self, least: int, most: int) -> bool:
        """Return whether a number that was hidden stays hidden: it may be nothing, or is far from certain."""
        return least <= 0 or most - least >= max(self.threshold, -(-most // _SHARE))

    def is_head_count_safe(self, least: int, most: int) -> bool:
        """Return whether a hidden number of people is open; a row that is shown has enough of them anyway."""
        return least < most or most <= self.threshold


@dataclass(frozen=True, slots=True)
class Riddle:
    """One number to work out: of which table and column, and what kind of number it is."""

    measure: str
    column: str
    kind: str
    target: Target


@dataclass
class Sheet:
    """The cells of one table in one period: a quantity for each, and one for what no row shows."""

    known: Known
    labels: list[tuple[str, ...]] = field(default_factory=list)
    cells: dict[str, list[int]] = field(default_factory=dict)
    blanks: dict[str, list[int]] = field(default_factory=dict)
    hidden: dict[str, int] = field(default_factory=dict)

    def named(self, column: str, *labels: str) -> list[int]:
        """Return the cells of the rows that begin with these labels."""
        rows = zip(self.labels, self.cells[column], strict=True)
        return [place for found, place in rows if found[: len(labels)] == labels]


class Puzzle:
    """The quantities of one period, and the riddles that they set."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.system = System()
        self.riddles: list[Riddle] = []
        self.sheets: dict[str, Sheet] = {}

    def ask(self, measure: str, column: str, kind: str, terms: Sequence[Term], *checks: IsSafe) -> None:
        """Set the riddle of the number that is the sum of `terms`; `checks` as a Target has them."""
        is_one = len(terms) == 1 and terms[0][0] == 1
        place = terms[0][1] if is_one else self.system.total(terms)
        target = Target(place, *(checks or [self.rules.is_few_safe]))
        self.riddles.append(Riddle(measure, column, kind, target))

    def split(self, measure: str, column: str, whole: int, part: int) -> None:
        """Say that one quantity is a part of another, and ask for the other side."""
        self.ask(measure, column, OTHER_SIDE, [(1, whole), (-1, part)])
        self.system.at_most(part, whole)

    def write(self, known: Known, rows: Sequence[Row], everybody: int | None = None) -> Sheet:
        """Write down the rows of one table, and what holds in each; `everybody` are the day's visitors."""
        sheet = Sheet(known, [tuple(row[label] for label in known.labels) for row in rows])
        for column in known.numbers:
            sure = self.rules.threshold if column in {known.base, known.people} else 0
            sheet.cells[column] = [self.number(row[column], sure) for row in rows]
            sheet.blanks[column] = [
                place for place, row in zip(sheet.cells[column], rows, strict=True) if row[column] is None
            ]
        self._ask_blanks(sheet, everybody)
        self._relate_columns(sheet)
        self._relate_ratios(sheet, rows)
        self.sheets[known.name] = sheet
        return sheet

    def number(self, value: int | None, sure: int) -> int:
        """Return the quantity of a published number, as exact as its rounding; of a blank, from `sure` on."""
        if value is None:
            return self.system.quantity(sure)
        if self.rules.rounding < 2:
            return self.system.quantity(value, value)
        half = self.rules.rounding // 2
        lowest = 1 if value <= self.rules.rounding else value - half  # nothing is rounded down to none
        return self.system.quantity(max(lowest, sure), max(value + self.rules.rounding - 1 - half, sure))

    def _ask_blanks(self, sheet: Sheet, everybody: int | None) -> None:
        """Ask for each blank of a sheet; `everybody` is what a hidden number of people is a part of."""
        known, cells = sheet.known, sheet.cells
        for column, blanks in sheet.blanks.items():
            wholes = cells.get(known.parts.get(column) or "", [None] * len(cells[column]))
            of_column = set(blanks)
            for place, whole in zip(cells[column], wholes, strict=True):
                if place not in of_column:
                    continue
                is_people = column == known.people
                is_safe = self.rules.is_head_count_safe if is_people else self.rules.is_blank_safe
                all_of_it = self._is_all(everybody if is_people else whole)
                self.ask(known.name, column, BLANK, [(1, place)], is_safe, all_of_it)

    def _is_all(self, whole: int | None) -> IsSafe:
        """Return what asks whether a part is the whole, of which we know the size: that leaves nobody out."""

        def is_all(least: int, _most: int) -> bool:
            return whole is not None and self.system.is_known(whole) and least >= self.system.least[whole]

        return is_all

    def _relate_columns(self, sheet: Sheet) -> None:
        known, cells = sheet.known, sheet.cells
        for part, whole in known.parts.items():
            if whole in cells:
                for smaller, larger in zip(cells[part], cells[whole], strict=True):
                    self.split(known.name, part, larger, smaller)
        lower = [*known.within.items(), *([(known.people, known.base)] if known.people else [])]
        for part, whole in lower:
            if part != whole:
                for smaller, larger in zip(cells[part], cells[whole], strict=True):
                    self.system.at_most(smaller, larger)
                    if known.period == "day" and part == known.people:
                        self.system.relate([(MOST_HITS, smaller), (-1, larger)], 0, OPEN)

    def _relate_ratios(self, sheet: Sheet, rows: Sequence[Row]) -> None:
        """Say what a ratio tells of a number that is blank: all of it, where it has digits enough."""
        slack = 2 * _DIGITS * self.rules.rounding if self.rules.rounding > 1 else 0
        for ratio, (numerator, denominator) in sheet.known.ratios.items():
            for number, row in enumerate(rows):
                if row[ratio] is None or not (row[numerator] is None or row[denominator] is None):
                    continue
                part, whole = sheet.cells[numerator][number], sheet.cells[denominator][number]
                share = 2 * round(row[ratio] * _DIGITS)
                self.system.relate([(2 * _DIGITS, part), (-share - 1, whole)], -OPEN, slack)
                self.system.relate([(2 * _DIGITS, part), (-share + 1, whole)], -slack, OPEN)


def write_down(rows: Mapping[str, Sequence[Row]], tables: Mapping[str, Known], rules: Rules) -> Puzzle:
    """Return the puzzle of the tables of one day."""
    puzzle = Puzzle(rules)
    day = puzzle.write(tables[DAILY], rows.get(DAILY, ()))
    for cells in day.cells.values():
        if not cells:  # the day as a whole is hidden
            cells.append(puzzle.system.quantity())
    for name, found in rows.items():
        if name != DAILY and found:
            everybody = day.cells[day.known.people][0] if day.known.people else None
            sheet = puzzle.write(tables[name], found, everybody)
            _relate_totals(puzzle, sheet, day)
            _relate_people(puzzle, sheet, day)
    return puzzle


def _relate_totals(puzzle: Puzzle, sheet: Sheet, day: Sheet) -> None:
    """Say that rows and what they hide add up to the day, and ask for what they hide."""
    for column, total in sheet.known.totals.items():
        sheet.hidden[column] = hidden = puzzle.system.quantity()
        terms = [(1, place) for place in sheet.cells[column]]
        puzzle.system.relate([*terms, (1, hidden), (-1, day.cells[total][0])])
        blanks = [(1, place) for place in sheet.blanks[column]]
        puzzle.ask(sheet.known.name, column, REST, [(1, hidden), *blanks])


def _relate_people(puzzle: Puzzle, sheet: Sheet, day: Sheet) -> None:
    """Say how the people of rows relate to those of the day, and ask who is outside of a row."""
    known, system = sheet.known, puzzle.system
    if known.people is None or day.known.people is None:
        return
    everybody = day.cells[day.known.people][0]
    for cell in sheet.cells[known.people]:
        puzzle.split(known.name, known.people, everybody, cell)
    if known.is_everybody:
        hidden = system.quantity()
        if known.base in sheet.hidden:
            system.at_most(hidden, sheet.hidden[known.base])
        rows = [(1, place) for place in sheet.cells[known.people]]
        system.relate([*rows, (1, hidden), (-1, everybody)], 0, 0 if known.is_once else OPEN)
        puzzle.ask(known.name, known.people, REST, [(1, hidden)])
