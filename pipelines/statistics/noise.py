"""Differential privacy, for measures that the charter names: numbers with noise in the place of exact ones.

    bound what one person adds → count every label there is → draw noise (OpenDP) → leave out what is small

Noise is drawn once, while the period is staged, and is final with it: drawn again at each release it would
average out. What is spent stands in the staged file; the ledger's account is written from there.
(Dwork and Roth, The Algorithmic Foundations of Differential Privacy, 2014: section 3.3; composition, 3.5.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from pipelines.charter import Charter, Noise
from pipelines.errors import DisclosureError
from pipelines.statistics import staging
from pipelines.statistics.measures import DAILY, HOURS, WEEKDAYS, preparation
from pipelines.statistics.tables import Row, Tables

# The labels are known before anybody comes: which of them are shown may depend on noisy numbers alone.
_HOURS = tuple(f"{hour:02}" for hour in range(24))
_TOLERANCE = 1 + 1e-9  # of what OpenDP computes upwards


@dataclass(frozen=True)
class Spent:
    """Epsilon that was spent on one person in one period, and in its calendar year so far."""

    period: str
    measure: str
    epsilon: float
    of_the_year: float


def with_noise(
    connection: duckdb.DuckDBPyConnection, day: date, found: Tables, *, charter: Charter, releases: Path
) -> Tables:
    """Return the tables of a day, those that the charter names with noise; the connection shows its `taken`.

    Nothing is published of a measure whose budget of the year is spent, or of a day that is hidden.
    """
    rules = charter.publication.noise
    if HOURS.name not in rules:
        return found
    rule, is_day_shown = rules[HOURS.name], bool(found.rows[DAILY.name])
    left = rule.budget - spent_in(releases, HOURS.name, day.year)
    rows: list[Row] = []
    epsilon = 0.0
    if is_day_shown and rule.epsilon <= left * _TOLERANCE:
        rows, epsilon = _hours(connection, day, charter, rule)
    noise = {HOURS.name: epsilon} if epsilon else {}
    return replace(found, rows={**found.rows, HOURS.name: rows}, noise=noise)


def measures_with_noise(charter: Charter) -> tuple[str, ...]:
    """Return the measures that may be published with noise, those made of them too."""
    return (HOURS.name, WEEKDAYS.name) if HOURS.name in charter.publication.noise else ()


def facts(charter: Charter) -> dict[str, dict[str, float]]:
    """Return what a reader may know of the noise in each measure: how much of it, and what it is for."""
    return {
        name: {
            "epsilon_of_a_day": rule.epsilon,
            "epsilon_of_a_year_at_most": rule.budget,
            "rows_of_a_person_a_day_at_most": rule.most_rows,
            "requests_of_a_person_a_row_at_most": rule.most_hits,
            "mean_error_of_hits": 2 * rule.most_rows * rule.most_hits / rule.epsilon,
            "mean_error_of_visitors": 2 * rule.most_rows / rule.epsilon,
        }
        for name, rule in charter.publication.noise.items()
    }


def accounts(charter: Charter, releases: Path, year: int) -> dict[str, dict[str, float]]:
    """Return the facts of each measure with noise, and what a calendar year has cost so far."""
    return {
        name: {**told, "spent_this_year": spent_in(releases, name, year)}
        for name, told in facts(charter).items()
    }


def of_sums(found: Tables, days: Sequence[str], releases: Path) -> Tables:
    """Return the tables of a month: sums of noisy hours are noisy, and cost nothing more."""
    is_noisy = any(HOURS.name in staging.noise_of(releases, day) for day in days)
    return replace(found, noise={WEEKDAYS.name: 0.0}) if is_noisy else found


def spent_in(releases: Path, measure: str, year: int) -> float:
    """Return the epsilon that was spent on one person by a measure in a calendar year."""
    of_the_year = [period for period in staging.staged(releases) if period.startswith(f"{year}-")]
    return sum(staging.noise_of(releases, period).get(measure, 0.0) for period in of_the_year)


def account(releases: Path) -> list[Spent]:
    """Return what was ever spent, by period: noise adds up, as somebody may come every day."""
    totals: dict[tuple[str, str], float] = {}
    spent = []
    for period in sorted(staging.staged(releases)):
        for measure, epsilon in staging.noise_of(releases, period).items():
            if epsilon:
                key = (measure, period[:4])
                totals[key] = totals.get(key, 0.0) + epsilon
                spent.append(Spent(period, measure, epsilon, totals[key]))
    return spent


def _hours(
    connection: duckdb.DuckDBPyConnection, day: date, charter: Charter, rule: Noise
) -> tuple[list[Row], float]:
    """Return the hours of a day with noise, and the epsilon that they cost."""
    bounds = {
        "store": f"traffic/{day}", "time_zone": charter.time_zone,
        "most_rows": rule.most_rows, "most_hits": rule.most_hits,
    }  # fmt: skip
    counted = {row[0]: row[1:] for row in connection.execute(preparation("noisy_hours"), bounds).fetchall()}
    exact = [counted.get(hour, (0, 0)) for hour in _HOURS]
    half = rule.epsilon / 2
    hits, spent_on_hits = _drawn([hits for hits, _people in exact], rule.most_rows * rule.most_hits, half)
    people, spent_on_people = _drawn([people for _hits, people in exact], rule.most_rows, half)
    rows: list[Row] = [
        {DAILY.period.name: day, "hour": hour, "hits": max(drawn, visitors), "visitors": visitors}
        for hour, drawn, visitors in zip(_HOURS, hits, people, strict=True)
        if visitors >= charter.publication.threshold  # the noisy number alone decides
    ]
    return rows, spent_on_hits + spent_on_people


def _drawn(counts: Sequence[int], most: int, epsilon: float) -> tuple[list[int], float]:
    """Return `counts`, in which one person is `most` in all, with noise; and the epsilon that this cost."""
    import opendp.prelude as dp  # noqa: PLC0415 takes half a second, and only where a charter asks for noise

    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T=int)), dp.l1_distance(T=int)
    mechanism: Any = dp.m.make_laplace(*space, scale=most / epsilon)
    cost = float(mechanism.map(d_in=most))
    if cost > epsilon * _TOLERANCE:
        raise DisclosureError("noise would cost more than the charter gives: report this as a fault.")
    return list(mechanism(list(counts))), cost
