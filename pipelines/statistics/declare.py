"""What a measure is declared with: its columns, its levels from fine to coarse, and what it adds up to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

OTHER = "(other)"  # the rest: cells too small to be shown by themselves, taken together
NONE = "(none)"  # there is no such value, e.g. no referrer


@dataclass(frozen=True)
class Column:
    """One published column. `whole` names the count that this one is a part of; a part may be blank.

    `unit` says what a number counts, and is empty for labels and dates.
    """

    name: str
    type: str
    meaning: str
    unit: str = ""
    whole: str | None = None
    is_part: bool = False


@dataclass(frozen=True)
class Ratio:
    """A column worked out of two published ones of its row: it tells nothing that they do not tell."""

    column: Column
    numerator: str
    denominator: str


@dataclass(frozen=True, eq=False)  # one object each: a key of dictionaries
class Measure:
    """One published table. `one_row` completes "one row means …".

    `levels` are the label columns of the SQL file from fine to coarse (OTHER: not told apart); all OTHER
    ends every list. `counts` add up over cells, the first is the measure's own; `people` counts the
    distinct visitors or persons behind a row. `totals` names the count of `daily` that a count adds up to.
    `amounts` are no sums of cells. With `is_exclusive` a visitor is in one row only, so that people add up.
    With `tells_all` a table of one row would say something of everybody: that row loses its name.
    """

    name: str
    title: str
    one_row: str
    period: Column
    dimensions: tuple[Column, ...]
    levels: tuple[tuple[str, ...], ...]
    counts: tuple[Column, ...]
    people: Column | None
    order: tuple[str, ...]
    totals: Mapping[str, str] = field(default_factory=dict)
    amounts: tuple[Column, ...] = ()
    ratios: tuple[Ratio, ...] = ()
    is_exclusive: bool = False
    tells_all: bool = False

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, in the order that they are published in."""
        named = (*self.counts, *self.amounts, *(ratio.column for ratio in self.ratios))
        by_name = {column.name: column for column in (*named, *([self.people] if self.people else []))}
        return (self.period, *self.dimensions, *(by_name[name] for name in self.order))

    @property
    def parts(self) -> tuple[Column, ...]:
        """The counts that may be blank in a row that is shown."""
        return tuple(column for column in self.counts if column.is_part)

    @property
    def base(self) -> str:
        """The number that is never blank."""
        return self.counts[0].name if self.counts else self.order[0]

    @property
    def other(self) -> tuple[str, ...]:
        """The label of the row of the rest."""
        return (OTHER,) * len(self.dimensions)

    def period_text(self, start: date) -> str:
        """Return how the period that begins on `start` is called, as in the table coverage."""
        return start.strftime(PERIOD_FORMS[self.period.name])


DAY = Column("day", "DATE", "local day of the site, in the charter's time zone")
WEEK = Column("week", "DATE", "Monday of the local week, in the charter's time zone")
MONTH = Column("month", "DATE", "first day of the local month, in the charter's time zone")
YEAR = Column("year", "DATE", "first day of the local year, in the charter's time zone")
PERIOD_FORMS: Mapping[str, str] = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m", "year": "%Y"}

_BLANK = "blank where it, or what is left of the whole, would be about too few people"


def dimension(name: str, meaning: str) -> Column:
    """Return a column of labels."""
    return Column(name, "VARCHAR", f"{meaning}; {OTHER} for cells of too few people, taken together")


def count(name: str, meaning: str, unit: str) -> Column:
    """Return a count that is in every row."""
    return Column(name, "BIGINT", meaning, unit)


def part(name: str, meaning: str, unit: str, *, whole: str | None) -> Column:
    """Return a count that is blank where it would betray somebody."""
    return Column(name, "BIGINT", f"{meaning}; {_BLANK}", unit, whole, is_part=True)


def ratio(name: str, meaning: str, numerator: str, denominator: str) -> Ratio:
    """Return a ratio of two published numbers, blank where one of them is."""
    column = Column(name, "DOUBLE", f"{meaning}: {numerator} / {denominator}, blank where one is", "share")
    return Ratio(column, numerator, denominator)


VISITORS = Column(
    "visitors", "BIGINT",
    "distinct visitors (address and browser together) in this row; they do not add up. Blank where too few "
    "of the day's visitors are outside the row, or where no address is kept", "people",
)  # fmt: skip
