"""The truth of a day, for the adversary: who really is behind the rows that will be published.

While a day is measured its hits are open. He counts again, in his own way, how many people are behind each
row that has a name, and draws visitors of whom he knows some facts: how many are alone with them in the
log, and whether any number that fits them would be about too few. Only counts are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

People = npt.NDArray[np.uint64]  # sorted, each once
Fact = tuple[str, str]

MOST_FACTS = 4
_SAMPLE = 200
_MOST_HITS = 300_000  # on a larger day hardly anybody is alone with anything, and counting again takes long
# Table → the column that names its rows, and the kind of fact that this is.
_NAMED: Mapping[str, tuple[str, str]] = {
    "pages": ("path", "page"), "hours": ("hour", "hour"), "statuses": ("status", "status"),
    "countries": ("country", "country"),
}  # fmt: skip


@dataclass(frozen=True)
class Witnessed:
    """What was seen of one day; shares are of its people, or of a sample of them.

    `recognisable`: alone with a fact, in the log as it is; `alone_with`: with so many facts together, of a
    sample. `rows` with a name were counted again; `small_rows`: table → how many of them are about too few.
    """

    people: int
    recognisable: float
    alone_with: Mapping[str, float]
    sample: int
    rows: int
    small_rows: Mapping[str, int]


def witness(
    connection: duckdb.DuckDBPyConnection,
    day: date,
    rows: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    time_zone: str,
    threshold: int,
) -> Witnessed | None:
    """Return what an attacker with the hits of `day` open sees of the `rows` that are about to be staged.

    None where the day is too large to be counted again in a moment, or somebody's address is not kept.
    """
    ((hits, unknown),) = connection.execute(
        "SELECT count(*), count(*) FILTER (coalesce(address, visitor) IS NULL) "
        "FROM taken WHERE store = $store",
        {"store": f"traffic/{day.isoformat()}"},
    ).fetchall()
    if hits > _MOST_HITS or unknown:
        return None
    facts = _facts(connection, day, time_zone)
    everybody = np.unique(np.concatenate(list(facts.values()))) if facts else np.empty(0, np.uint64)
    counted = [
        (table, len(facts.get((kind, str(row[column])), ())))
        for table, (column, kind) in _NAMED.items()
        for row in rows.get(table, ())
        if (kind, str(row[column])) in facts
    ]
    small: dict[str, int] = {}
    for table, people in counted:
        if people < threshold:
            small[table] = small.get(table, 0) + 1
    alone = [people for people in facts.values() if len(people) == 1]
    sample = _sample(everybody, day)
    return Witnessed(
        people=len(everybody),
        recognisable=_share(len(np.unique(np.concatenate(alone))) if alone else 0, len(everybody)),
        alone_with=_alone_with(facts, sample, day),
        sample=len(sample),
        rows=len(counted),
        small_rows=small,
    )


def _facts(connection: duckdb.DuckDBPyConnection, day: date, time_zone: str) -> dict[Fact, People]:
    """Return each fact of the day with the people that it is true of."""
    query = Path(__file__).with_name("facts.sql").read_text(encoding="utf-8")
    parameters = {"store": f"traffic/{day.isoformat()}", "time_zone": time_zone}
    found = connection.execute(query, parameters).to_arrow_table()
    facts: dict[Fact, People] = {}
    for kind, value, people in zip(*(found[name] for name in ("kind", "value", "people")), strict=True):
        facts[str(kind), str(value)] = np.unique(people.values.to_numpy())
    return facts


def _sample(everybody: People, day: date) -> People:
    """Return some of the people of a day; the same each time."""
    if len(everybody) <= _SAMPLE:
        return everybody
    return np.sort(np.random.default_rng(day.toordinal()).choice(everybody, _SAMPLE, replace=False))


def _alone_with(facts: Mapping[Fact, People], sample: People, day: date) -> dict[str, float]:
    """Return the share of the sample that so many facts, drawn from their day, tell from everybody else."""
    known = _facts_of(facts, sample)
    rng = np.random.default_rng(day.toordinal())
    alone = dict.fromkeys(map(str, range(1, MOST_FACTS + 1)), 0)
    for own in known.values():
        drawn = [own[place] for place in rng.permutation(len(own))[:MOST_FACTS]]
        for number, others in enumerate(_narrowing(facts, drawn), start=1):
            alone[str(number)] += len(others) == 1
        for number in range(len(drawn) + 1, MOST_FACTS + 1):  # who did less is as alone with all of it
            alone[str(number)] += len(drawn) > 0 and len(others) == 1
    return {number: _share(count, len(known)) for number, count in alone.items()}


def _facts_of(facts: Mapping[Fact, People], sample: People) -> dict[int, list[Fact]]:
    known: dict[int, list[Fact]] = {int(person): [] for person in sample}
    for fact, people in facts.items():
        for person in _both(sample, people).tolist():
            known[person].append(fact)
    return known


def _narrowing(facts: Mapping[Fact, People], drawn: Sequence[Fact]) -> Iterator[People]:
    """Yield who is left after each fact."""
    left = facts[drawn[0]] if drawn else np.empty(0, np.uint64)
    for fact in drawn:
        left = _both(left, facts[fact])
        yield left


def _both(some: People, others: People) -> People:
    """Return which of `some` are among `others`; both are in order."""
    place = np.minimum(np.searchsorted(others, some), len(others) - 1)
    among: People = some[others[place] == some]
    return among


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
