"""Rules proven met for less work than asking Great Expectations of every row, and without its import.

A proof is an aggregate that is true only where Great Expectations would say "met": the predicate that it
would ask of DuckDB, of all rows. It only ever says "met"; what it leaves open is asked of Great Expectations,
so the verdict is the same to the last count (`tests/quality/test_shortcuts.py` holds each against it).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime

import duckdb

from pipelines.quality.suites import Rule, searched
from pipelines.quality.verdict import Outcome

MANY_ROWS = 20_000  # so many have far fewer distinct texts: those are looked for first
# A rule that looks at one text at a time: what holds of each distinct text holds of each row.
_RULES_ON_TEXT = frozenset(
    {
        "expect_column_values_to_be_in_set",
        "expect_column_values_to_match_regex",
        "expect_column_values_to_not_match_regex",
        "expect_column_value_lengths_to_be_between",
    }
)
_UNIQUE_TOGETHER = "expect_compound_columns_to_be_unique"
_TEXTS = "texts_to_judge"
_BOUNDS = {"column", "min_value", "max_value"}
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?")
_WHOLE_NUMBERS = frozenset({"BIGINT", "INTEGER", "SMALLINT"})
_NUMBERS = _WHOLE_NUMBERS | {"DOUBLE"}
# Bits for numbers that may lie apart: at most so many a row, and never more than DuckDB counts at once.
_BITS_A_ROW = 64
_MOST_BITS = 1_000_000_000

Ask = Callable[[Sequence[Rule]], dict[str, Outcome]]


def outcomes(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    ask: Ask,
    rules: Sequence[Rule],
    rows: int,
    texts: str | None = None,
) -> dict[str, Outcome]:
    """Return rule → outcome, the very ones of `ask(rules)`; a rule that could not be checked is not there.

    `ask` asks Great Expectations.
    `texts` names a relation that holds every text of each VARCHAR column, if the caller has one; those
    that were judged by the same rules before, and broke none, may be missing.
    """
    if relation == _TEXTS:
        return ask(rules)
    types = _types(connection, relation)
    met = _met_by_texts(connection, relation, rules, types, rows, texts)
    met |= _unique(connection, relation, rules, types, rows)
    met |= _met_by_counts(connection, relation, rules, types, rows)
    asked = [rule for rule in rules if rule.name not in met]
    found = ask(asked) if asked else {}
    if len(found) + len(met) < len(rules):
        return ask(rules)  # where one cannot be checked, all are asked together, as ever
    return found | {name: Outcome(is_met=True, rows=rows, failing_rows=0) for name in met}


def _types(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    with suppress(duckdb.Error):
        described = connection.execute(f'DESCRIBE "{relation}"').fetchall()
        return {name: type_ for name, type_, *_ in described}
    return {}


def _met_by_texts(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    rules: Iterable[Rule],
    types: Mapping[str, str],
    rows: int,
    texts: str | None,
) -> set[str]:
    """Return the rules on single texts that are proven of all texts there are."""
    proofs = {rule.name: proof for rule in rules if (proof := _text_proof(rule, types)) is not None}
    columns = sorted({rule.kwargs["column"] for rule in rules if rule.name in proofs})
    if not columns:
        return set()
    is_few = texts is not None or rows < MANY_ROWS
    shown = nullcontext(texts or relation) if is_few else _distinct_texts(connection, relation, columns)
    with suppress(duckdb.Error), shown as judged:
        return _proven(connection, judged, proofs)
    return set()


def _text_proof(rule: Rule, types: Mapping[str, str]) -> str | None:
    """Return an aggregate over texts that is true only where `rule` is met; None where there is none."""
    kwargs = dict(rule.kwargs)
    column = kwargs.pop("column", None)
    if rule.type not in _RULES_ON_TEXT or types.get(str(column)) != "VARCHAR":
        return None
    if rule.type == "expect_column_value_lengths_to_be_between" and {"column", *kwargs} <= _BOUNDS:
        return _within(f'length("{column}")', kwargs, "BIGINT")
    if kwargs.keys() == {"value_set"} and kwargs["value_set"]:
        if any(not isinstance(value, str) for value in kwargs["value_set"]):
            return None
        return _all(f'"{column}" IN ({", ".join(map(_quoted, kwargs["value_set"]))})')
    if kwargs.keys() == {"regex"}:
        found = f'regexp_full_match("{column}", {_quoted(searched(kwargs["regex"]))})'
        return _all(found if rule.type == "expect_column_values_to_match_regex" else f"NOT {found}")
    return None


def _all(predicate: str) -> str:
    return f"coalesce(bool_and({predicate}), true)"  # what is null is looked at by no rule


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def _distinct_texts(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: Iterable[str]
) -> Iterator[str]:
    # texts_to_judge: the distinct texts of each column, from the top, null below. Texts that differ in
    # any byte are distinct, whatever the collation.
    distinct = " POSITIONAL JOIN ".join(
        f'(SELECT DISTINCT "{column}" COLLATE "binary" AS "{column}" FROM "{relation}")'  # noqa: S608 checked
        for column in columns
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {_TEXTS} AS SELECT * FROM {distinct}")  # noqa: S608 checked
    try:
        yield _TEXTS
    finally:
        connection.execute(f"DROP TABLE {_TEXTS}")


def _met_by_counts(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    rules: Iterable[Rule],
    types: Mapping[str, str],
    rows: int,
) -> set[str]:
    """Return the rules on types, presence and bounds that DESCRIBE and one row of aggregates prove."""
    proofs = {rule.name: proof for rule in rules if (proof := _proof(rule, types, rows)) is not None}
    return _proven(connection, relation, proofs)


def _proven(connection: duckdb.DuckDBPyConnection, relation: str, proofs: Mapping[str, str]) -> set[str]:
    """Return the names of `proofs` that are true of `relation`; none where one of them raises."""
    if proofs:
        with suppress(duckdb.Error):
            (found,) = connection.execute(f'SELECT {", ".join(proofs.values())} FROM "{relation}"').fetchall()  # noqa: S608 checked
            return {name for name, is_met in zip(proofs, found, strict=True) if is_met}
    return set()


def _proof(rule: Rule, types: Mapping[str, str], rows: int) -> str | None:
    """Return an aggregate that is true only where `rule` is met; None where there is none."""
    column, kwargs = str(rule.kwargs.get("column")), set(rule.kwargs)
    is_so = False
    if rule.type == "expect_table_columns_to_match_set":
        wanted = set(rule.kwargs["column_set"])
        is_so = wanted == types.keys() or (wanted < types.keys() and rule.kwargs.get("exact_match") is False)
    elif rule.type == "expect_column_values_to_be_of_type":
        is_so = kwargs == {"column", "type_"} and types.get(column) == rule.kwargs["type_"]
    elif rule.type == "expect_column_pair_values_a_to_be_greater_than_b":
        return _pair(rule, types)
    if is_so or column not in types:
        return "true" if is_so else None
    if rule.type == "expect_column_values_to_not_be_null" and kwargs == {"column"}:
        return f'count("{column}") = {rows:d}'
    if rule.type == "expect_column_values_to_be_between" and kwargs <= _BOUNDS:
        return _within(f'"{column}"', rule.kwargs, types[column])
    return None


def _pair(rule: Rule, types: Mapping[str, str]) -> str | None:
    """Return an aggregate that is true only where one column is above another in each row."""
    names = [str(rule.kwargs.get(name)) for name in ("column_A", "column_B")]
    if rule.kwargs.keys() - {"or_equal", "ignore_row_if"} != {"column_A", "column_B"}:
        return None
    found = {types.get(name) for name in names}
    if not (found <= _WHOLE_NUMBERS or found in ({"DATE"}, {"TIMESTAMP"})):
        return None
    sign = ">=" if rule.kwargs.get("or_equal") else ">"
    predicate = f'"{names[0]}" {sign} "{names[1]}"'
    is_ignored = rule.kwargs.get("ignore_row_if") == "either_value_is_missing"
    return _all(predicate if is_ignored else f"coalesce({predicate}, false)")


def _within(value: str, bounds: Mapping[str, object], type_: str) -> str | None:
    """Return an aggregate that is true only where all of `value` are inside `bounds`."""
    within = []
    for side in ("max", "min"):
        bound = bounds.get(f"{side}_value")
        if bound is not None:
            literal = _literal(bound, type_)
            if literal is None:
                return None
            within.append(f"coalesce({side}({value}) {'<' if side == 'max' else '>'}= {literal}, true)")
    return " AND ".join(within) or None


def _literal(bound: object, type_: str) -> str | None:
    """Return `bound` in SQL, where it compares with `type_` as it does for Great Expectations."""
    if type_ in _NUMBERS and type(bound) is int:
        return str(bound)
    if type_ == "TIMESTAMP" and isinstance(bound, str) and _TIME.fullmatch(bound):
        with suppress(ValueError):  # no day of a calendar
            return f"TIMESTAMP '{datetime.fromisoformat(bound).isoformat(' ')}'"
    return None


def _unique(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    rules: Iterable[Rule],
    types: Mapping[str, str],
    rows: int,
) -> set[str]:
    proven: set[str] = set()
    for rule in rules:
        columns = _distinct_together(rule)
        if columns and types.keys() >= set(columns):
            *others, number = columns
            is_numbered = others and rows >= MANY_ROWS and types[number] in _WHOLE_NUMBERS
            with suppress(duckdb.Error):
                if (
                    _has_distinct_numbers(connection, relation, others, number)
                    if is_numbered
                    else _has_distinct_rows(connection, relation, columns, rows)
                ):
                    proven.add(rule.name)
    return proven


def _distinct_together(rule: Rule) -> Sequence[str]:
    """Return the columns whose values are to differ from row to row; none where it is another rule."""
    if rule.type == _UNIQUE_TOGETHER and rule.kwargs.keys() == {"column_list"}:
        return [str(name) for name in rule.kwargs["column_list"]]
    if rule.type == "expect_column_values_to_be_unique" and rule.kwargs.keys() == {"column"}:
        return [str(rule.kwargs["column"])]
    return []


def _has_distinct_rows(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: Iterable[str], rows: int
) -> bool:
    """Say whether no two rows are alike in `columns`, nulls taken for alike."""
    listed = ", ".join(f'"{column}"' for column in columns)
    (distinct,) = _one_row(
        connection,
        f'SELECT count(*) FROM (SELECT DISTINCT {listed} FROM "{relation}")',  # noqa: S608 checked
    )
    return distinct == rows


def _has_distinct_numbers(
    connection: duckdb.DuckDBPyConnection, relation: str, others: Iterable[str], number: str
) -> bool:
    """Say whether `number` is distinct among the rows with equal `others`: one bit for each number seen."""
    group = ", ".join(f'"{column}"' for column in others)
    rows, numbers, groups, first, last = _one_row(
        connection,
        f"SELECT sum(n), sum(numbers), count(*), min(first), max(last) FROM (SELECT count(*) AS n, "  # noqa: S608 checked
        f'count("{number}") AS numbers, min("{number}") AS first, max("{number}") AS last '
        f'FROM "{relation}" GROUP BY {group})',
    )
    if numbers < rows or last - first >= _MOST_BITS or groups * (last - first + 1) > rows * _BITS_A_ROW:
        return False
    (distinct,) = _one_row(
        connection,
        f'SELECT sum(n) FROM (SELECT bit_count(bitstring_agg("{number}"::BIGINT, {first}::BIGINT, '  # noqa: S608 numbers
        f'{last}::BIGINT)) AS n FROM "{relation}" GROUP BY {group})',
    )
    return bool(distinct == rows)


def _one_row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    return tuple(int(value or 0) for value in connection.execute(query).fetchall()[0])
