"""Who is behind each cell: rows of a measure's SQL (one person in one cell each) → cells.

    name the cells → collect the persons, part by part → count them

Few are counted in memory, in one pass. Of a large day people are counted in SQL, and only those leave it who
are too few, or too much of their cell, and are in doubt; others when the rule asks who they are. So memory
does not grow with a day's people.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache, partial
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from pipelines.statistics.disclosure import Rule
from pipelines.statistics.measures import OTHER, Measure, label_sql, sql
from pipelines.statistics.people import (
    REQUESTS_FOR_ONE_UNKNOWN,
    Cell,
    Ids,
    Label,
    People,
    Tally,
    tallies_of,
)

Parameters = Mapping[str, object]
Columns = Mapping[str, Sequence[Any]]

_FEW = 1 << 18  # persons of all cells that are read at once, whether they are in doubt or not
_PEOPLE = "people"  # the visitors among the contributors
_KIND = "kind"  # the column of labels that some measures have


def name_cells(connection: duckdb.DuckDBPyConnection, measure: Measure, parameters: Parameters) -> None:
    """Number what the cells of `measure` are called; nobody is in them yet."""
    named = f"CREATE OR REPLACE TEMP TABLE {measure.name}_labels AS {label_sql(measure.name)}"
    connection.execute(named, parameters)


def collect(
    connection: duckdb.DuckDBPyConnection, measure: Measure, parameters: Parameters, *, part: int = 0
) -> None:
    """Add the persons of one part of the requests; no contributor may be in two parts.

    Where there are several each is counted here and not together at the end, as a large table of hashes
    is far slower than some small ones.
    """
    name = measure.name
    if part == 0:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name}_people AS {sql(name)}", parameters)
        return
    if part == 1:
        counted = _count(measure, f"{name}_people")
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name}_counted AS {counted}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {name}_part AS {sql(name)}", parameters)
    connection.execute(f"INSERT INTO {name}_people FROM {name}_part")
    connection.execute(f"INSERT INTO {name}_counted {_count(measure, f'{name}_part')}")


def cells_of(
    connection: duckdb.DuckDBPyConnection, measure: Measure, *, rule: Rule, parts: int = 1
) -> Iterator[tuple[date, Cell]]:
    """Yield each cell that holds somebody, with the period that it is of.

    Who is in a group that is safe by itself may be read later, from the same connection.
    """
    row = connection.execute(f"SELECT count(*) FROM {measure.name}_people").fetchone()  # noqa: S608 declared name
    if row and row[0] <= _FEW:
        yield from _few_cells(connection, measure)
        return
    counted = _count(measure, f"{measure.name}_people") if parts == 1 else _add_up(measure)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {measure.name}_cells AS "  # noqa: S608 declared names
        f"SELECT row_number() OVER () - 1 AS nr, * FROM ({counted})"
    )
    found = connection.execute(f"FROM {measure.name}_cells ORDER BY nr").to_arrow_table()
    columns: dict[str, list[Any]] = {name: found[name].to_pylist() for name in found.column_names}
    tallies = list(_tallies(columns, (*_groups(measure), _PEOPLE)))
    groups = _Behind(connection, measure).each(tallies, rule)
    yield from _cells(connection, measure, columns, groups, tallies)


def _few_cells(connection: duckdb.DuckDBPyConnection, measure: Measure) -> Iterator[tuple[date, Cell]]:
    """Yield the cells with all of their people, counted here."""
    period = measure.period.name
    found = connection.execute(
        f"FROM {measure.name}_people ORDER BY {period}, cell, contributor, person"
    ).to_arrow_table()
    rows = {column: found[column].to_numpy() for column in found.column_names}
    is_new = np.ones(found.num_rows, dtype=bool)
    is_new[1:] = (np.diff(rows["cell"]) != 0) | (rows[period][1:] != rows[period][:-1])
    first, nr = np.flatnonzero(is_new), np.cumsum(is_new) - 1
    columns: dict[str, list[Any]] = {
        period: found[period].take(first).to_pylist(), "cell": rows["cell"][first].tolist(),
    }  # fmt: skip
    for count in measure.counts:
        sums = np.add.reduceat(rows[count.name].astype(np.int64), first) if len(first) else first
        columns[count.name] = sums.tolist()
    people = _people_of(rows, nr, _groups(measure))
    tallies = {group: tallies_of(*behind, len(first)) for group, behind in people.items()}
    split = {group: _split(*behind, np.arange(len(first) + 1)) for group, behind in people.items()}
    yield from _cells(
        connection, measure, columns, _records(split, list(split)), _records(tallies, list(tallies))
    )


def _cells(
    connection: duckdb.DuckDBPyConnection,
    measure: Measure,
    columns: Columns,
    groups: Iterable[Mapping[str, People]],
    tallies: Iterable[Mapping[str, Tally]],
) -> Iterator[tuple[date, Cell]]:
    """Yield the cells of these columns, groups and tallies with their labels and kinds."""
    called = _labels(connection, measure)
    counts = _records(columns, [column.name for column in measure.counts])
    rows = zip(columns[measure.period.name], columns["cell"], counts, groups, tallies, strict=True)
    for period, cell, summed, people, told in rows:
        labels, kind = called[cell]
        yield period, Cell(labels, summed, people, told, kind)


def _labels(
    connection: duckdb.DuckDBPyConnection, measure: Measure
) -> dict[int, tuple[tuple[Label | None, ...], str]]:
    """Return cell → its labels from fine to coarse, and its kind."""
    found = connection.execute(f"FROM {measure.name}_labels").to_arrow_table()
    columns: dict[str, list[Any]] = {name: found[name].to_pylist() for name in found.column_names}
    kinds = columns.get(_KIND, [""] * found.num_rows)
    levels = [_level(columns, level, found.num_rows) for level in measure.levels]
    return dict(zip(columns["cell"], zip(zip(*levels, strict=True), kinds, strict=True), strict=True))


def _level(columns: Columns, level: tuple[str, ...], rows: int) -> list[Label | None]:
    if not level:
        return [()] * rows
    labels = zip(*([OTHER] * rows if name == OTHER else columns[name] for name in level), strict=True)
    return [None if None in label else label for label in labels]


class _Behind:
    """Who is behind the cells of a measure: of groups in doubt read at once, of others when asked for."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, measure: Measure) -> None:
        self._connection = connection
        self._measure = measure

    def each(self, tallies: Sequence[Mapping[str, Tally]], rule: Rule) -> Iterator[Mapping[str, People]]:
        """Yield the groups of people of each cell; what the rule allows is read when asked for."""
        edges = np.arange(len(tallies) + 1)
        in_doubt = self._read(_in_doubt(self._measure, rule))
        parts = {group: _split(*found, edges) for group, found in in_doubt.items()}
        for nr, told in enumerate(tallies):
            known = {group: parts[group][nr] for group, found in told.items() if _is_read(group, found, rule)}
            yield _Groups(tuple(told), known, partial(self._of_cell, nr))

    def _of_cell(self, nr: int) -> dict[str, People]:
        found = self._read("nr = $nr", nr)
        return {group: People(ids, weights) for group, (_cells, ids, weights) in found.items()}

    def _read(self, condition: str, nr: int | None = None) -> dict[str, tuple[Ids, Ids, Ids]]:
        """Return of each group its cells, people and what they add, in the cells that meet the condition."""
        name, groups = self._measure.name, _groups(self._measure)
        found = self._connection.execute(
            f"SELECT nr, contributor, person, {', '.join(f'behind.{group}' for group in groups)} "  # noqa: S608 declared names
            f"FROM {name}_people AS behind JOIN {name}_cells USING ({self._measure.period.name}, cell) "
            f"WHERE {condition} ORDER BY nr, contributor, person",
            {"nr": nr} if nr is not None else None,
        ).to_arrow_table()
        rows = {column: found[column].to_numpy() for column in found.column_names}
        return _people_of(rows, rows["nr"], groups)


def _people_of(
    rows: Mapping[str, npt.NDArray[Any]], nr: Ids, groups: Sequence[str]
) -> dict[str, tuple[Ids, Ids, Ids]]:
    """Return of each group its cells, people and what they add; the rows are in the order of both."""
    people = {group: _distinct(nr, rows["contributor"], rows[group]) for group in groups}
    visitors = np.where(rows["person"] > 0, rows["contributors"] > 0, False)
    nrs, ids, _weights = _distinct(nr, rows["person"], visitors)
    return people | {_PEOPLE: (nrs, ids, np.ones(len(ids), np.int64))}


def _distinct(cells: Ids, ids: Ids, weights: npt.NDArray[Any]) -> tuple[Ids, Ids, Ids]:
    """Return the pairs of cell and person who add something, each once; equal ones come together."""
    is_in = weights > 0
    cells, ids, weights = cells[is_in], ids[is_in], weights[is_in].astype(np.int64)
    is_new = np.ones(len(cells), dtype=bool)
    is_new[1:] = (cells[1:] != cells[:-1]) | (ids[1:] != ids[:-1])
    first = np.flatnonzero(is_new)
    return cells[first], ids[first], np.add.reduceat(weights, first) if len(first) else weights


def _split(cells: Ids, ids: Ids, weights: Ids, edges: Ids) -> list[People]:
    places = np.searchsorted(cells, edges).tolist()
    return [People(ids[start:end], weights[start:end]) for start, end in itertools.pairwise(places)]


def _is_read(group: str, found: Tally, rule: Rule) -> bool:
    """Return whether the group was in doubt; of visitors only their number is judged."""
    if group == _PEOPLE:
        return found.heads < rule.threshold
    return found.is_empty or not rule.allows(found)


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
    """Return the columns of the measure's SQL that say what a person adds to a group of the rule."""
    return tuple(re.findall(r" AS (contributors|with_\w+|without_\w+|of_\w+)", sql(measure.name)))


def _count(measure: Measure, people: str) -> str:
    """Return the SQL of one row a cell: sums, how many are in each group, what the two largest add."""
    key, groups = f"{measure.period.name}, cell", _groups(measure)
    added = ", ".join(f"sum({group})::BIGINT AS {group}" for group in groups)
    tallies = ", ".join(
        f"count(*) FILTER ({group} > 0 AND contributor > 0) AS {group}_known, "
        f"count(*) FILTER ({group} > 0 AND contributor <= 0) AS {group}_unknown, "
        f"sum({group})::BIGINT AS {group}_total, "
        f"max({group}, 2)[1] AS {group}_first, coalesce(max({group}, 2)[2], 0) AS {group}_second"
        for group in groups
    )
    sums = ", ".join(f"sum({column.name})::BIGINT AS {column.name}" for column in measure.counts)
    return f"""
        WITH heads AS (SELECT {key}, contributor, {added} FROM {people} GROUP BY {key}, contributor),
        tallies AS (SELECT {key}, {tallies} FROM heads GROUP BY {key}),
        sums AS (
            SELECT {key}, {sums}, count(*) AS persons,
                count(*) FILTER (contributors > 0 AND person > 0) AS {_PEOPLE}_known
            FROM {people} GROUP BY {key}
        )
        SELECT * FROM sums JOIN tallies USING ({key})
    """  # noqa: S608 declared names


def _add_up(measure: Measure) -> str:
    """Return the SQL of one row a cell, over all parts."""
    key, groups = f"{measure.period.name}, cell", _groups(measure)
    largest = ", ".join(
        f"max({group}_first) AS {group}_first, "
        f"list_reverse_sort(list({group}_first) || list({group}_second))[2] AS {group}_second"
        for group in groups
    )
    lists = ", ".join(f"{group}_{each}" for group in groups for each in ("first", "second"))
    return f"""
        SELECT {key}, sum(COLUMNS(* EXCLUDE ({key}, {lists})))::BIGINT, {largest}
        FROM {measure.name}_counted GROUP BY {key}
    """  # noqa: S608 declared names


def _in_doubt(measure: Measure, rule: Rule) -> str:
    """Return the condition that a person is in a group of a cell that is not safe by itself."""
    asked = [f"(behind.{group} > 0 AND {_is_unsafe(group, rule)})" for group in _groups(measure)]
    return " OR ".join((*asked, f"(behind.contributors > 0 AND {_PEOPLE}_known < {rule.threshold})"))


def _is_unsafe(group: str, rule: Rule) -> str:
    """Return in SQL what `Rule.allows` denies, computed in the same floating numbers."""
    most = f"{group}_first + {group}_second" if rule.largest > 1 else f"{group}_first"
    return (
        f"({group}_known + {group}_unknown // {REQUESTS_FOR_ONE_UNKNOWN} < {rule.threshold} "
        f"OR {most} > {rule.share}::DOUBLE * {group}_total "
        f"OR {rule.closeness}::DOUBLE * {group}_first > {group}_total - {group}_first - {group}_second)"
    )


def _records(columns: Columns, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    return (
        dict(zip(names, values, strict=True))
        for values in zip(*(columns[name] for name in names), strict=True)
    )


def _tallies(columns: Mapping[str, Sequence[int]], groups: Sequence[str]) -> Iterator[dict[str, Tally]]:
    sides = {name: list(_tallies_of(columns, name)) for name in groups}
    return _records(sides, groups)


def _tallies_of(columns: Mapping[str, Sequence[int]], group: str) -> Iterator[Tally]:
    """Yield the tallies of a group; of people only how many they are is of interest."""
    if group == _PEOPLE:
        return (
            Tally(known, 0, known, min(known, 1), min(max(known - 1, 0), 1))
            for known in columns[f"{group}_known"]
        )
    named = (columns[f"{group}_{each}"] for each in ("known", "unknown", "total", "first", "second"))
    return itertools.starmap(Tally, zip(*named, strict=True))
