"""Who is behind each cell: rows of a measure's SQL (one person in one cell each) → cells.

    name the cells → collect and count the persons, part by part → add up

Heads are counted in SQL. Of a large day only those leave it who are too few, and are in doubt; others when
the rule asks who they are. So what a day takes of memory does not grow with its people.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache, partial
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from pipelines.statistics.measures import OTHER, Measure, label_sql, sql
from pipelines.statistics.people import REQUESTS_FOR_ONE_UNKNOWN, Cell, Label, People, Tally, number

Parameters = Mapping[str, object]
Ids = npt.NDArray[np.int64]

_FEW = 1 << 18  # persons of all cells that are read at once, whether they are in doubt or not
_EVERYBODY = 1 << 62
_PEOPLE = "people"  # the visitors among the contributors
_IN_DOUBT = f"{{is_in}} AND {{group}}_known + {{group}}_unknown // {REQUESTS_FOR_ONE_UNKNOWN} < $value"


def name_cells(connection: duckdb.DuckDBPyConnection, measure: Measure, parameters: Parameters) -> None:
    """Number what the cells of `measure` are called; nobody is in them yet."""
    named = f"CREATE OR REPLACE TEMP TABLE {measure.name}_labels AS {label_sql(measure.name)}"
    connection.execute(named, parameters)


def collect(
    connection: duckdb.DuckDBPyConnection, measure: Measure, parameters: Parameters, *, is_first: bool = True
) -> None:
    """Add and count the persons of one part of the requests; no contributor may be in two parts.

    Counted here and not together at the end, as a large table of hashes is far slower than some small ones.
    """
    name = measure.name
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name}_part AS {sql(name)}", parameters)
    for table, rows in ((f"{name}_people", f"FROM {name}_part"), (f"{name}_counted", _count(measure))):
        into = f"CREATE OR REPLACE TEMP TABLE {table} AS" if is_first else f"INSERT INTO {table}"
        connection.execute(f"{into} {rows}")


def cells_of(
    connection: duckdb.DuckDBPyConnection, measure: Measure, *, threshold: int
) -> Iterator[tuple[date, Cell]]:
    """Yield each cell that holds somebody, with the period that it is of.

    Who is in a group of `threshold` people or more may be read later, from the same connection.
    """
    connection.execute(_add_up(measure))
    found = connection.execute(f"FROM {measure.name}_cells ORDER BY nr").to_arrow_table()
    columns: dict[str, list[Any]] = {name: found[name].to_pylist() for name in found.column_names}
    in_doubt = threshold if sum(columns["persons"]) > _FEW else _EVERYBODY
    tallies = list(_tallies(columns, (*_groups(measure), _PEOPLE)))
    rows = zip(
        columns[measure.period.name],
        zip(*(_labels(columns, level, found.num_rows) for level in measure.levels), strict=True),
        _records(columns, [column.name for column in measure.counts]),
        _Behind(connection, measure, in_doubt).each(tallies),
        tallies,
        strict=True,
    )
    for period, labels, counts, people, told in rows:
        yield period, Cell(labels, counts, people, told)


class _Behind:
    """Who is behind the cells of a measure: of groups `in_doubt` read at once, of others when asked for."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, measure: Measure, in_doubt: int) -> None:
        self._connection = connection
        self._measure = measure
        self._in_doubt = in_doubt

    def each(self, tallies: Sequence[Mapping[str, Tally]]) -> Iterator[Mapping[str, People]]:
        """Yield the groups of each cell, of which `tallies` tells the people."""
        edges = np.arange(len(tallies) + 1)
        asked = {_PEOPLE: "contributors"} | {group: group for group in _groups(self._measure)}
        in_doubt = " OR ".join(_IN_DOUBT.format(group=group, is_in=is_in) for group, is_in in asked.items())
        found = self._read(in_doubt, self._in_doubt)
        parts = {
            group: _split(people, np.searchsorted(cells, edges)) for group, (cells, people) in found.items()
        }
        if self._in_doubt == _EVERYBODY:
            yield from _records(parts, list(parts)) if parts else ()
            return
        for nr, told in enumerate(tallies):
            known = {
                group: parts[group][nr] for group, tally in told.items() if number(tally) < self._in_doubt
            }
            yield _Groups(list(told), known, partial(self._of_cell, nr))

    def _of_cell(self, nr: int) -> dict[str, People]:
        return {group: people for group, (_cells, people) in self._read("nr = $value", nr).items()}

    def _read(self, condition: str, value: int) -> dict[str, tuple[Ids, Ids]]:
        """Return of each group its people in the cells that meet the condition, by cell, each once."""
        name, groups = self._measure.name, _groups(self._measure)
        found = self._connection.execute(
            f"SELECT nr, contributor, person, {', '.join(groups)} FROM {name}_people "  # noqa: S608 declared names
            f"JOIN {name}_cells USING ({self._measure.period.name}, cell) "
            f"WHERE {condition} ORDER BY nr, contributor, person",
            {"value": value},
        ).to_arrow_table()
        rows = {column: found[column].to_numpy() for column in found.column_names}
        people = {group: _distinct(rows["nr"], rows["contributor"], rows[group]) for group in groups}
        is_known = rows["contributors"] & (rows["person"] > 0)
        return people | {_PEOPLE: _distinct(rows["nr"], rows["person"], is_known)}


class _Groups(Mapping[str, People]):
    """The groups of people of a cell; all are read when one is asked for that is not known yet."""

    def __init__(
        self, names: Sequence[str], known: dict[str, People], read: Callable[[], dict[str, People]]
    ) -> None:
        self._names = names
        self._known = known
        self._read = read

    def __getitem__(self, name: str) -> People:
        if name not in self._known:
            self._known = self._read()
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@cache
def _groups(measure: Measure) -> tuple[str, ...]:
    """Return the booleans of the measure's SQL: the groups of people that the rule looks at."""
    return tuple(re.findall(r" AS (contributors|with_\w+|without_\w+)", sql(measure.name)))


def _count(measure: Measure) -> str:
    """Return the SQL of one row a cell: sums, and how many known and unknown people are in each group.

    Groups are the bits of one number, which tells in what each contributor is, once for each cell.
    """
    key, part, groups = f"{measure.period.name}, cell", f"{measure.name}_part", _groups(measure)
    bits = " | ".join(f"({group}::UTINYINT << {place})" for place, group in enumerate(groups))
    tallies = ", ".join(
        f"coalesce(sum(heads) FILTER (bits & {1 << place} <> 0 AND {known}), 0)::BIGINT AS {group}_{side}"
        for place, group in enumerate(groups)
        for side, known in (("known", "is_known"), ("unknown", "NOT is_known"))
    )
    sums = ", ".join(f"sum({column.name})::BIGINT AS {column.name}" for column in measure.counts)
    return f"""
        WITH contributors AS (
            SELECT {key}, contributor, bit_or({bits}) AS bits FROM {part} GROUP BY {key}, contributor
        ),
        alike AS (
            SELECT {key}, bits, contributor > 0 AS is_known, count(*) AS heads FROM contributors GROUP BY ALL
        ),
        tallies AS (SELECT {key}, {tallies} FROM alike GROUP BY {key}),
        sums AS (
            SELECT {key}, {sums}, count(*) AS persons,
                count(*) FILTER (contributors AND person > 0) AS {_PEOPLE}_known, 0 AS {_PEOPLE}_unknown
            FROM {part} GROUP BY {key}
        )
        SELECT * FROM sums JOIN tallies USING ({key})
    """  # noqa: S608 declared names


def _add_up(measure: Measure) -> str:
    """Return the statement that makes the table of cells, over all parts, with their labels."""
    names = dict.fromkeys(name for level in measure.levels for name in level if name != OTHER)
    return f"""
        CREATE OR REPLACE TEMP TABLE {measure.name}_cells AS
        WITH added AS (
            SELECT {measure.period.name}, cell, sum(COLUMNS(* EXCLUDE ({measure.period.name}, cell)))::BIGINT
            FROM {measure.name}_counted GROUP BY {measure.period.name}, cell
        ),
        named AS (SELECT DISTINCT {", ".join(("cell", *names))} FROM {measure.name}_labels)
        SELECT row_number() OVER () - 1 AS nr, * FROM added LEFT JOIN named USING (cell)
    """  # noqa: S608 declared names


def _distinct(cells: Ids, people: Ids, is_in: npt.NDArray[np.bool_]) -> tuple[Ids, Ids]:
    """Return the pairs of cell and person that are `is_in`, each once; equal ones come together."""
    cells, people = cells[is_in], people[is_in]
    is_new = np.ones(len(cells), dtype=bool)
    is_new[1:] = (cells[1:] != cells[:-1]) | (people[1:] != people[:-1])
    return cells[is_new], people[is_new]


def _split(people: Ids, edges: Ids) -> list[People]:
    return [people[start:end] for start, end in itertools.pairwise(edges.tolist())]


def _labels(
    columns: Mapping[str, Sequence[Any]], level: tuple[str, ...], rows: int
) -> Iterator[Label | None]:
    if not level:
        return itertools.repeat((), rows)
    labels = zip(*([OTHER] * rows if name == OTHER else columns[name] for name in level), strict=True)
    return (None if None in label else label for label in labels)


def _records(columns: Mapping[str, Sequence[Any]], names: Sequence[str]) -> Iterator[dict[str, Any]]:
    return (
        dict(zip(names, values, strict=True))
        for values in zip(*(columns[name] for name in names), strict=True)
    )


def _tallies(columns: Mapping[str, Sequence[int]], groups: Sequence[str]) -> Iterator[dict[str, Tally]]:
    sides = {
        name: list(zip(columns[f"{name}_known"], columns[f"{name}_unknown"], strict=True)) for name in groups
    }
    return _records(sides, groups)
