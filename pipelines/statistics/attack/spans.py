"""Weeks and months beside their days: sums that must agree, and people who came on several days."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from pipelines.statistics.attack.findings import DIFFERENCING, Finding, Tried
from pipelines.statistics.attack.intervals import work_out
from pipelines.statistics.attack.knowledge import DAILY, FORMS, Known
from pipelines.statistics.attack.publication import Publication, Row
from pipelines.statistics.attack.puzzle import Puzzle, Rules
from pipelines.statistics.attack.system import OPEN, ContradictionError

SPANS = ("weeks", "months")
_SUMS = ("hits", "page_views", "visits")


def solve_spans(publication: Publication, rules: Rules) -> Iterator[Finding | Tried]:
    """Yield what follows of the people of weeks and months from those of their days."""
    for name in SPANS:
        if name not in publication.measures or DAILY not in publication.measures:
            continue
        known = publication.measures[name]
        riddles = 0
        for start, (row, *_more) in publication.rows(known, publication.new[name]):
            days = _days_of(publication, known, start)
            if rules.rounding < 2:
                yield from _sums(known, start, row, days)
            puzzle = _puzzle(known, row, days, rules)
            for measure, people in _inside(publication, known, start):
                (everybody,) = puzzle.sheets[name].cells["visitors"]
                puzzle.split(measure, "visitors", everybody, puzzle.number(people, rules.threshold))
            riddles += len(puzzle.riddles)
            yield from _unsafe(known, start, puzzle)
        yield Tried(DIFFERENCING, name, riddles)


def weekdays(publication: Publication) -> Iterator[Finding]:
    """Yield the months whose hours of the week say more than the hours of their days."""
    if not {"weekdays", "hours"} <= publication.measures.keys():
        return
    schema = publication.schema
    found = publication.connection.execute(
        f"SELECT month::VARCHAR, count(*) FROM {schema}.weekdays LEFT JOIN ("  # noqa: S608 fixed names
        "SELECT date_trunc('month', day)::DATE AS month, isodow(day)::VARCHAR AS weekday, hour, "
        f"sum(hits) AS of_days, count(*) AS days_of FROM {schema}.hours GROUP BY ALL"
        ") USING (month, weekday, hour) WHERE list_contains($starts, month) "
        "AND (hits IS DISTINCT FROM of_days OR days IS DISTINCT FROM days_of) GROUP BY month ORDER BY month",
        {"starts": publication.new["weekdays"]},
    ).fetchall()
    for month, rows in found:
        reason = "a sum differs from the days that it is made of: the difference is a number that was hidden"
        yield Finding(DIFFERENCING, "weekdays", "total gives back", reason, rows, (month[:7],))


def _days_of(publication: Publication, known: Known, start: date) -> list[Row]:
    """Return the rows of the days of a week or month."""
    after = (
        start + timedelta(days=7) if known.period == "week" else (start + timedelta(days=31)).replace(day=1)
    )
    days = [start + timedelta(days=step) for step in range((after - start).days)]
    found = publication.rows(publication.measures[DAILY], days)
    return [row for _day, rows in found for row in rows]


def _inside(publication: Publication, known: Known, start: date) -> Iterator[tuple[str, int | None]]:
    """Yield whose visitors are among those of a month: of a week in it, or who reached a goal."""
    if known.period != "month":
        return
    first = start + timedelta(days=-start.weekday() % 7)
    mondays = [first + timedelta(days=step) for step in range(0, 28, 7)]
    whole = [monday for monday in mondays if (monday + timedelta(days=6)).month == start.month]
    for name, starts in (("weeks", whole), ("conversions", [start])):
        if name in publication.measures:
            for _start, rows in publication.rows(publication.measures[name], starts):
                yield from ((name, row["visitors"]) for row in rows)


def _sums(known: Known, start: date, row: Row, days: Sequence[Row]) -> Iterator[Finding]:
    for column in _SUMS:
        shown = [day[column] for day in days if day[column] is not None]
        if row[column] is not None and row[column] != sum(shown):
            reason = (
                f"the sum of {column} differs from the days that it is made of: the difference was hidden"
            )
            yield Finding(DIFFERENCING, known.name, "total gives back", reason, 1, (_called(known, start),))


def _puzzle(known: Known, row: Row, days: Sequence[Row], rules: Rules) -> Puzzle:
    """Write down who came on how many of the days."""
    puzzle = Puzzle(rules)
    if len(days) == 1:  # a week of one day says what the day says
        row = {**row, "visitors": days[0]["visitors"]}
    sheet = puzzle.write(known, [row])
    ((people,), (returning,)) = sheet.cells["visitors"], sheet.cells["returning_visitors"]
    puzzle.split(known.name, "returning_visitors", people, returning)
    of_days = [puzzle.number(day["visitors"], 0) for day in days]
    for place in of_days:
        puzzle.split(known.name, "visitors", people, place)
    # Who came on n days is in n of the daily numbers: once for the period, and n - 1 times more.
    more = [*((1, place) for place in of_days), (-1, people)]
    puzzle.system.relate([*more, (-1, returning)], 0, OPEN)
    puzzle.system.relate([*more, (-max(1, len(days) - 1), returning)], -OPEN, 0)
    return puzzle


def _unsafe(known: Known, start: date, puzzle: Puzzle) -> Iterator[Finding]:
    try:
        solved = work_out(puzzle.system, [riddle.target for riddle in puzzle.riddles])
    except ContradictionError:
        reason = "its numbers and those of its days cannot all be true: their difference tells of someone"
        yield Finding(DIFFERENCING, known.name, "contradiction", reason, 1, (_called(known, start),))
        return
    for riddle, interval in zip(puzzle.riddles, solved, strict=True):
        if not interval.is_safe:
            reason = f"{riddle.kind} can be worked out from its days, column {riddle.column}"
            yield Finding(DIFFERENCING, known.name, "total gives back", reason, 1, (_called(known, start),))


def _called(known: Known, start: date) -> str:
    return start.strftime(FORMS[known.period])
