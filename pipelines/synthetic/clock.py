"""Local days as a web server writes them: dates before a day, and the time stamps of one day."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

ZONE = ZoneInfo("Europe/Paris")
# Common Log Format writes months in English, whatever the language of the machine.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TIMES = tuple(f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}" for s in range(86_400))


def months_before(day: date, months: int) -> date:
    """Return the same date `months` earlier, or the last day of that month where there is none."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


@dataclass(frozen=True, slots=True)
class Clock:
    """The seconds of one local day: 23, 24 or 25 hours of them."""

    day: date
    seconds: int
    offsets: tuple[int, ...]  # seconds east of UTC in each hour since midnight

    @classmethod
    def of(cls, day: date) -> Clock:
        """Return the clock of `day` in Paris, where it is changed on the hour."""
        start = _midnight(day)
        seconds = int((_midnight(day + timedelta(days=1)) - start).total_seconds())
        hours = (start + timedelta(hours=hour) for hour in range(seconds // 3600))
        return cls(day, seconds, tuple(_offset(instant) for instant in hours))

    def stamps(self, elapsed: npt.NDArray[np.int64]) -> list[str]:
        """Return the time stamp of each second `elapsed` since midnight."""
        offset = np.asarray(self.offsets)[elapsed // 3600]
        wall = elapsed + offset - self.offsets[0]
        date_text = f"{self.day.day:02}/{_MONTHS[self.day.month - 1]}/{self.day.year}"
        zones = {seconds: f"+{seconds // 3600:02}{seconds // 60 % 60:02}" for seconds in set(self.offsets)}
        return [
            f"[{date_text}:{_TIMES[second]} {zones[east]}]"
            for second, east in zip(wall.tolist(), offset.tolist(), strict=True)
        ]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZONE).astimezone(UTC)


def _offset(instant: datetime) -> int:
    offset = instant.astimezone(ZONE).utcoffset()
    return int(offset.total_seconds()) if offset else 0
