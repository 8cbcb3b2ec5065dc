"""Retention periods and statutory deadlines, counted as the law counts them.

A period in months or years ends with the day of the same date, or the last day of that month
where there is none (Regulation (EEC, Euratom) No 1182/71, Art. 3(2)(c)).
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, timedelta

from pipelines.errors import CharterFileError

_TEXT = re.compile(r"([0-9]{1,4}) (day|month|year)s?")


@dataclass(frozen=True)
class Period:
    """A length of time in calendar months and days; 5 years are 60 months. `text` is how it was written."""

    months: int = 0
    days: int = 0
    text: str = field(default="", compare=False)

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read "12 months", "5 years", "30 days" or "0 days"; CharterFileError for anything else."""
        match = _TEXT.fullmatch(text)
        if match is None:
            raise CharterFileError('a period reads like "12 months", "5 years" or "30 days".')
        number, unit = int(match[1]), match[2]
        return {
            "day": cls(days=number, text=text),
            "month": cls(months=number, text=text),
            "year": cls(months=12 * number, text=text),
        }[unit]

    def __str__(self) -> str:
        if self.text:
            return self.text
        if self.months and self.months % 12 == 0:
            return _plural(self.months // 12, "year")
        return _plural(self.months, "month") if self.months else _plural(self.days, "day")

    def after(self, start: date) -> date:
        """Return the last day of the period that `start` begins: 31 August + 6 months is 28 (29) February."""
        month_index = start.year * 12 + start.month - 1 + self.months
        year, month = divmod(month_index, 12)
        last = calendar.monthrange(year, month + 1)[1]
        return date(year, month + 1, min(start.day, last)) + timedelta(days=self.days)

    def is_over(self, start: date, on: date) -> bool:
        """Return whether the period that `start` began had ended before the day `on`."""
        return self.after(start) < on


def oldest_kept(period: Period, on: date) -> date:
    """Return the earliest start whose period is not over on the day `on`."""
    start = on - timedelta(days=period.months * 31 + period.days + 4)
    while period.is_over(start, on):
        start += timedelta(days=1)
    return start


def answer_due(received_on: date, holidays: Collection[date]) -> date:
    """Return the last day to answer a request received on `received_on`.

    One month (GDPR Art. 12(3)): the same date of the next month or its last day; a weekend or
    public holiday moves it to the next working day (Regulation 1182/71; EDPB Guidelines 01/2022, 5.3).
    """
    due = Period(months=1).after(received_on)
    while due.weekday() >= 5 or due in holidays:
        due += timedelta(days=1)
    return due


def _plural(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"
