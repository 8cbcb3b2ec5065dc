"""Differencing: the published margins as a system of equations, solved exactly, day by day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from pipelines.statistics.attack.findings import DIFFERENCING, Finding, Tried
from pipelines.statistics.attack.intervals import Interval, work_out
from pipelines.statistics.attack.knowledge import DAILY, Known
from pipelines.statistics.attack.publication import Publication, Row
from pipelines.statistics.attack.puzzle import BLANK, Riddle, Rules, write_down
from pipelines.statistics.attack.relations import relate
from pipelines.statistics.attack.system import ContradictionError

Sheets = Mapping[str, Sequence[Row]]
Solved = list[tuple[Riddle, Interval]]

_TOGETHER = 8  # days that are read at once


def solve(publication: Publication, rules: Rules) -> Iterator[Finding | Tried]:
    """Yield the hidden numbers of new days that follow from published ones, and how many were tried."""
    tried: dict[str, int] = {}
    of_days = [name for name, known in publication.measures.items() if known.period == "day"]
    days = sorted({day for name in of_days for day in publication.new[name]})
    for day, sheets in sheets_by_day(publication, days):
        try:
            solved = solve_day(sheets, publication.measures, rules)
        except ContradictionError:
            yield _contradiction(day)
            continue
        yield from _findings(day, solved)
        for riddle, _interval in solved:
            tried[riddle.measure] = tried.get(riddle.measure, 0) + 1
    yield from (Tried(DIFFERENCING, measure, number) for measure, number in tried.items())


def sheets_by_day(
    publication: Publication, days: Sequence[date]
) -> Iterator[tuple[date, dict[str, list[Row]]]]:
    """Yield the rows of each day, by table."""
    tables = [known for known in publication.measures.values() if known.period == "day"]
    for start in range(0, len(days), _TOGETHER):
        together = days[start : start + _TOGETHER]
        found = {known.name: dict(publication.rows(known, together)) for known in tables}
        for day in together:
            if sheets := {name: rows[day] for name, rows in found.items() if day in rows}:
                yield day, sheets


def solve_day(sheets: Sheets, tables: Mapping[str, Known], rules: Rules) -> Solved:
    """Return what the numbers of one day tell of each of its riddles."""
    puzzle = write_down(sheets, tables, rules)
    relate(puzzle)
    riddles = puzzle.riddles
    intervals = work_out(puzzle.system, [riddle.target for riddle in riddles])
    return list(zip(riddles, intervals, strict=True))


def _findings(day: date, solved: Solved) -> Iterator[Finding]:
    for riddle, interval in solved:
        if not interval.is_safe:
            what = "can be" if riddle.kind == BLANK else "is about too few people and can be"
            reason = f"{riddle.kind} {what} worked out from others, column {riddle.column}"
            yield Finding(DIFFERENCING, riddle.measure, "total gives back", reason, 1, (day.isoformat(),))


def _contradiction(day: date) -> Finding:
    reason = "the numbers of one day cannot all be true: their difference tells of someone"
    return Finding(DIFFERENCING, DAILY, "contradiction", reason, 1, (day.isoformat(),))
