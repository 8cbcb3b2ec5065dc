"""What an outsider knows of the published tables: from their comments, and from how websites work.

Written by hand, from the side of the attacker: it follows from no declaration of the measures, so that a
mistake there is not repeated here. A table or column that is not known here cannot be attacked: the gate
refuses it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

Value = TypeVar("Value")

OTHER = "(other)"
DAILY = "daily"
MOST_HITS = 300  # of a visitor on a day are counted, as release.json says
# How the table of coverage calls the period that begins on a date, for strftime.
FORMS = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m", "year": "%Y"}


@dataclass(frozen=True)
class Known:
    """What an outsider knows of one table.

    `base` is the number that every row has, `people` the distinct people behind it. `parts`: count → the
    count of the same row that it is a part of, so that what is left is about people, too; `within`: the count
    that it is merely not above. `totals`: count → the count of the day that rows add up to. `is_everybody`:
    each visitor of the day is in a row, shown or not; `is_once`: in one row only, so that people add up.
    `ratios`: ratio → numerator and denominator. `steps`: amount → it is a multiple of this; `digits`: amount
    → so many of its digits are told. `plain` are columns that count nobody.
    """

    name: str
    period: str
    labels: tuple[str, ...]
    base: str
    people: str | None
    parts: Mapping[str, str | None] = field(default_factory=dict)
    within: Mapping[str, str] = field(default_factory=dict)
    totals: Mapping[str, str] = field(default_factory=dict)
    is_everybody: bool = False
    is_once: bool = False
    ratios: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    steps: Mapping[str, int] = field(default_factory=dict)
    digits: Mapping[str, int] = field(default_factory=dict)
    plain: tuple[str, ...] = ()

    @property
    def numbers(self) -> tuple[str, ...]:
        """Return the columns that count: requests, visits, people."""
        people = () if self.people is None else (self.people,)
        return tuple(dict.fromkeys((self.base, *self.totals, *self.parts, *self.within, *people)))

    @property
    def columns(self) -> tuple[str, ...]:
        """Return all columns that the outsider has an understanding of."""
        others = (*self.ratios, *self.steps, *self.digits, *self.plain)
        return (self.period, *self.labels, *self.numbers, *others)

    def of_columns(self, there: Collection[str]) -> Known:
        """Return what is known of a table that has no columns but those: of an older release, perhaps."""
        return replace(
            self,
            labels=tuple(label for label in self.labels if label in there),
            people=self.people if self.people in there else None,
            parts=_only(self.parts, there),
            within=_only(self.within, there),
            totals=_only(self.totals, there),
            ratios=_only(self.ratios, there),
            steps=_only(self.steps, there),
            digits=_only(self.digits, there),
            plain=tuple(column for column in self.plain if column in there),
        )


def _only(mapping: Mapping[str, Value], there: Collection[str]) -> dict[str, Value]:
    return {column: value for column, value in mapping.items() if column in there}


_TABLES = (
    Known(
        DAILY, "day", (), "hits", "visitors",
        {"page_views": "hits", "errors": "hits", "bounces": "visits", "bot_hits": None}, {"visits": "hits"},
        ratios={"bounce_rate": ("bounces", "visits"), "pages_per_visit": ("page_views", "visits")},
        steps={"median_seconds": 5}, digits={"sent_bytes": 3},
    ),
    Known(
        "pages", "day", ("path",), "views", "visitors", {"entries": "views", "exits": "views"},
        totals={"views": "page_views"},
    ),
    Known(
        "sources", "day", ("medium", "referrer_domain", "campaign"), "visits", "visitors",
        totals={"visits": "visits"}, is_everybody=True,
    ),
    Known(
        "technology", "day", ("browser", "version", "system", "device"), "hits", "visitors",
        totals={"hits": "hits"}, is_everybody=True, is_once=True,
    ),
    Known(
        "countries", "day", ("continent", "country"), "hits", "visitors",
        totals={"hits": "hits"}, is_everybody=True, is_once=True,
    ),
    Known("hours", "day", ("hour",), "hits", "visitors", totals={"hits": "hits"}, is_everybody=True),
    Known("statuses", "day", ("status",), "hits", "visitors", totals={"hits": "hits"}, is_everybody=True),
    Known("broken_links", "day", ("path", "origin"), "hits", "visitors"),
    Known("flows", "day", ("from_page", "to_page"), "visitors", "visitors"),
    Known(
        "depths", "day", ("pages", "length"), "visits", "visitors",
        totals={"visits": "visits"}, is_everybody=True,
    ),
    Known("weekdays", "month", ("weekday", "hour"), "hits", None, plain=("days",)),
    Known(
        "weeks", "week", (), "hits", "visitors", {"returning_visitors": "visitors"},
        {"page_views": "hits", "visits": "hits"},
        ratios={"returning_share": ("returning_visitors", "visitors")}, plain=("days",),
    ),
    Known(
        "months", "month", (), "hits", "visitors", {"returning_visitors": "visitors"},
        {"page_views": "hits", "visits": "hits"},
        ratios={"returning_share": ("returning_visitors", "visitors")}, plain=("days",),
    ),
    Known("conversions", "month", ("goal", "medium", "entry_page"), "conversions", "visitors"),
    Known("contact_activity", "month", ("kind",), "messages", "people"),
    Known("privacy_requests", "year", ("requested_right", "answered_within"), "requests", "people"),
)  # fmt: skip
KNOWN: Mapping[str, Known] = {known.name: known for known in _TABLES}
