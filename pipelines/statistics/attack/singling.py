"""Singling out: published numbers and rows behind which too few people can stand, in every period."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from pipelines.statistics.attack.findings import SINGLING_OUT, Finding, Tried
from pipelines.statistics.attack.knowledge import DAILY, Known
from pipelines.statistics.attack.publication import Publication
from pipelines.statistics.attack.system import UNKNOWN

STEPS = (1, 10, 20, 50, 100, 500)  # rows are counted by the people behind them, from so many on
# Where nobody was counted an outsider takes a visitor for this many requests.
_REQUESTS_OF_A_VISITOR = 10


@dataclass(frozen=True)
class _Rule:
    """What no row may be: a condition in SQL, in which {} stands for the release."""

    name: str
    reason: str
    condition: str


def single_out(publication: Publication, *, least: int) -> Iterator[Finding]:
    """Yield what is about fewer than `least` people by itself."""
    for name, known in publication.measures.items():
        if publication.new[name]:
            yield from _broken(publication, known, list(_rules(known, least)))
            yield from _twice(publication, known)


def numbers(publication: Publication) -> Iterator[Tried]:
    """Yield how many numbers each table publishes, and the fewest people behind one."""
    for known in publication.measures.values():
        counts = " + ".join(f"count({column})" for column in known.numbers)
        people = known.people or "NULL"
        figures = {"rows": "count(*)", "fewest_people": f"min({people})"}
        for least, most in itertools.pairwise((*STEPS, UNKNOWN)):
            figures[f"rows_from_{least}"] = f"count(*) FILTER ({people} >= {least} AND {people} < {most})"
        found = publication.connection.execute(
            f"SELECT {counts}, {', '.join(figures.values())} "  # noqa: S608 fixed names
            f"FROM {publication.schema}.{known.name}"
        ).fetchall()
        for published, *values in found:
            told = {name: value for name, value in zip(figures, values, strict=True) if value is not None}
            yield Tried(SINGLING_OUT, known.name, published, told)


def _rules(known: Known, least: int) -> Iterator[_Rule]:
    small = " OR ".join(f"coalesce({column} < {least}, false)" for column in known.numbers)
    yield _Rule("small cell", f"a published number is under {least}", small)
    yield _Rule("small cell", "a row is shown although its own number is hidden", f"{known.base} IS NULL")
    if known.period != "day" and known.people is not None and not known.parts:
        yield _Rule("small cell", "a row does not say how many people it is about", f"{known.people} IS NULL")
    if known.period == "day" and known.name != DAILY:
        yield from _rules_of_a_day(known, least)
    for amount, step in known.steps.items():
        yield _Rule("too exact", f"an amount is no multiple of {step}", f"{amount} % {step} <> 0")
    for amount, digits in known.digits.items():
        unit = f"pow(10, greatest(0, len({amount}::VARCHAR) - {digits}))::BIGINT"
        yield _Rule("too exact", f"an amount has more than {digits} digits", f"{amount} % {unit} <> 0")


def _rules_of_a_day(known: Known, least: int) -> Iterator[_Rule]:
    days = f"SELECT day FROM {{}}.{DAILY}"  # noqa: S608 fixed names
    reason = "rows of a day that is hidden as a whole are shown"
    yield _Rule("day without total", reason, f"day NOT IN ({days})")
    few = least * _REQUESTS_OF_A_VISITOR
    reason = f"nobody was counted, and a row has fewer than {few} requests"
    yield _Rule("small cell", reason, f"{known.base} < {few} AND day IN ({days} WHERE visitors IS NULL)")


def _broken(publication: Publication, known: Known, rules: Sequence[_Rule]) -> Iterator[Finding]:
    judged = ", ".join(
        f"({rule.condition.format(publication.schema)}) AS is_broken_{number}"
        for number, rule in enumerate(rules)
    )
    counts = ", ".join(f"count_if(is_broken_{number})" for number in range(len(rules)))
    found = publication.connection.execute(
        f"SELECT period, {counts} FROM (SELECT {known.period}::VARCHAR AS period, {judged} "  # noqa: S608
        f"FROM {publication.schema}.{known.name} WHERE list_contains($starts, {known.period})) "
        "GROUP BY period ORDER BY period",
        {"starts": publication.new[known.name]},
    ).fetchall()
    for period, *broken in found:
        if publication.is_noisy(known, date.fromisoformat(period)):
            continue
        for rule, rows in zip(rules, broken, strict=True):
            if rows:
                yield Finding(SINGLING_OUT, known.name, rule.name, rule.reason, rows, (period,))


def _twice(publication: Publication, known: Known) -> Iterator[Finding]:
    key = ", ".join((known.period, *known.labels))
    found = publication.connection.execute(
        f"SELECT {known.period}::VARCHAR FROM {publication.schema}.{known.name} "  # noqa: S608 fixed names
        f"WHERE list_contains($starts, {known.period}) GROUP BY {key} HAVING count(*) > 1",
        {"starts": publication.new[known.name]},
    ).fetchall()
    for (period,) in found:
        yield Finding(SINGLING_OUT, known.name, "row twice", "two rows have the same name", 1, (period,))
