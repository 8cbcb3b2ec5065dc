"""A daily line chart as SVG coordinates, and the hours of the week as shades; the template draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

WIDTH, HEIGHT = 900, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 44, 14, 30  # room for half a date at either end
_GRID_LINES = 4
_MOST_DATES = 8
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

Day = tuple[date, int | None, int | None]


@dataclass(frozen=True)
class Line:
    """One series: its name and an SVG path; a day without a number breaks the line."""

    name: str
    path: str


@dataclass(frozen=True)
class Mark:
    """One labelled position on an axis."""

    at: float
    label: str


@dataclass(frozen=True)
class Chart:
    """A chart to draw; `summary` says in words what it shows."""

    lines: Sequence[Line]
    across: Sequence[Mark]
    up: Sequence[Mark]
    summary: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    bottom: int = HEIGHT - _BOTTOM


def line_chart(days: Sequence[Day], names: Sequence[str]) -> Chart:
    """Return the chart of `days`, at least one, sorted, with one line for each of `names`."""
    first, last = days[0][0], days[-1][0]
    top = _round_up(max((value for day in days for value in day[1:] if value is not None), default=1))
    lines = [
        Line(name, _path([(day[0], day[1 + index]) for day in days], first, last, top))  # type: ignore[misc]
        for index, name in enumerate(names)
    ]
    levels = [top * step // _GRID_LINES for step in range(_GRID_LINES + 1)]
    up = [Mark(_y(level, top), f"{level:,}") for level in levels]
    return Chart(lines, _dates(first, last), up, _summary(days, names))


@dataclass(frozen=True)
class Shade:
    """One hour of a weekday: the number as text, and how dark it is, 0 to 9."""

    text: str
    level: int


@dataclass(frozen=True)
class Heat:
    """Requests in each hour of the week, on the average of the days of a month that show it."""

    month: str
    hours: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Shade]]]


def heat_map(month: str, cells: Sequence[tuple[str, str, float]]) -> Heat:
    """Return the picture of (weekday, hour, mean); an hour without a number of its own stays white."""
    means = {(weekday, hour): mean for weekday, hour, mean in cells}
    most = max(means.values(), default=1.0)
    hours = sorted({hour for _weekday, hour in means})
    rows = [
        (
            _WEEKDAYS[int(weekday) - 1],
            [_shade(means.get((weekday, hour)), most) for hour in hours],
        )
        for weekday in sorted({weekday for weekday, _hour in means})
    ]
    return Heat(month, hours, rows)


def _shade(mean: float | None, most: float) -> Shade:
    return Shade("", 0) if mean is None else Shade(f"{mean:,.0f}", min(9, int(10 * mean / most)))


def _path(points: Sequence[tuple[date, int | None]], first: date, last: date, top: int) -> str:
    steps: list[str] = []
    before: date | None = None
    for day, value in points:
        if value is None:
            before = None
            continue
        joined = before is not None and day - before == timedelta(days=1)
        # A single day is a dot: a line of no length with round ends.
        place = f"{_x(day, first, last):.1f} {_y(value, top):.1f}"
        steps.append(f"L{place}" if joined else f"M{place}h0")
        before = day
    return "".join(steps)


def _dates(first: date, last: date) -> list[Mark]:
    span = (last - first).days
    step = max(1, -(-span // _MOST_DATES))
    shown = [first + timedelta(days=offset) for offset in range(0, span + 1, step)]
    return [Mark(_x(day, first, last), day.isoformat()) for day in shown]


def _x(day: date, first: date, last: date) -> float:
    width = WIDTH - _LEFT - _RIGHT
    return _LEFT + width * ((day - first).days / max(1, (last - first).days))


def _y(value: int, top: int) -> float:
    return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * value / top


def _round_up(value: int) -> int:
    """Return the next number that four grid lines divide evenly: 4, 8, 20, 40, 80, 200 …"""
    scale = 4
    while True:
        for factor in (1, 2, 5):
            if scale * factor >= value:
                return scale * factor
        scale *= 10


def _summary(days: Sequence[Day], names: Sequence[str]) -> str:
    parts = [f"from {days[0][0].isoformat()} to {days[-1][0].isoformat()}"]
    for index, name in enumerate(names):
        values = [value for day in days if (value := day[1 + index]) is not None]
        if values:
            parts.append(f"{name.lower()} between {min(values)} and {max(values)}")
    return "; ".join(parts)
