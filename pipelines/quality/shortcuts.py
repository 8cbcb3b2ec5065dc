"""Rules proven met for less work than asking Great Expectations of every row.

A shortcut only ever says "met", and only where that is certain; what it leaves out is asked of the
whole relation, so the verdict is the same to the last count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from datetime import datetime

import duckdb

from pipelines.quality.engine import Outcome, Run
from pipelines.quality.suites import Rule

# Below this a second batch of questions costs more than it saves.
WORTHWHILE_ROWS = 20_000
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
# Bits for numbers that may lie apart: at most so many a row, and never more than DuckDB counts at once.
_BITS_A_ROW = 64
_MOST_BITS = 1_000_000_000


def outcomes(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    run: Run,
    rules: Sequence[Rule],
    rows: int,
    texts: str | None = None,
) -> dict[str, Outcome]:
    """Return rule → outcome, the very ones of `run.outcomes(rules)`; a rule not checked is not there.

    `texts` names a relation that holds every text of each VARCHAR column, if the caller has one; those
    that were judged by the same rules before, and broke none, may be missing.
    """
    if rows < WORTHWHILE_ROWS or relation == _TEXTS:
        return run.outcomes(rules)
    types = _types(connection, relation)
    met = _met_by_texts(connection, relation, rules, types, texts)
    met |= _unique(connection, relation, rules, types)
    met |= _met_by_counts(connection, relation, rules, types, rows)
    asked = [rule for rule in rules if rule.name not in met]
    found = run.outcomes(asked) if asked else {}
    if len(found) + len(met) < len(rules):
        return run.outcomes(rules)  # where one cannot be checked, all are asked together, as ever
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
    texts: str | None,
) -> set[str]:
    by_text = [rule for rule in rules if _is_on_text(rule, types)]
    columns = sorted({rule.kwargs["column"] for rule in by_text})
    if not columns:
        return set()
    if texts is not None and _is_empty(connection, texts):
        return {rule.name for rule in by_text}
    with (
        suppress(duckdb.Error),
        nullcontext(texts) if texts else _distinct_texts(connection, relation, columns) as judged,
        closing(Run(connection, judged)) as run,
    ):
        return {name for name, outcome in run.outcomes(by_text).items() if outcome.is_met}
    return set()


def _is_on_text(rule: Rule, types: Mapping[str, str]) -> bool:
    return (
        rule.type in _RULES_ON_TEXT
        and "row_condition" not in rule.kwargs
        and types.get(rule.kwargs["column"]) == "VARCHAR"
    )


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


def _is_empty(connection: duckdb.DuckDBPyConnection, relation: str) -> bool:
    with suppress(duckdb.Error):
        return _one_row(connection, f'SELECT count(*) FROM "{relation}"') == (0,)  # noqa: S608 checked
    return False


def _met_by_counts(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    rules: Iterable[Rule],
    types: Mapping[str, str],
    rows: int,
) -> set[str]:
    """Return the rules on types, presence and bounds that DESCRIBE and one row of aggregates prove."""
    proofs = {rule.name: proof for rule in rules if (proof := _proof(rule, types, rows)) is not None}
    if not proofs:
        return set()
    with suppress(duckdb.Error):
        (found,) = connection.execute(f'SELECT {", ".join(proofs.values())} FROM "{relation}"').fetchall()  # noqa: S608 checked
        return {name for name, is_met in zip(proofs, found, strict=True) if is_met}
    return set()


def _proof(rule: Rule, types: Mapping[str, str], rows: int) -> str | None:
    """Return an aggregate that is true only where `rule` is met; None where there is none."""
    column, kwargs = str(rule.kwargs.get("column")), set(rule.kwargs)
    if rule.type == "expect_table_columns_to_match_set" and kwargs == {"column_set"}:
        return "true" if set(rule.kwargs["column_set"]) == types.keys() else None
    if column not in types:
        return None
    if rule.type == "expect_column_values_to_be_of_type" and kwargs == {"column", "type_"}:
        return "true" if types[column] == rule.kwargs["type_"] else None
    if rule.type == "expect_column_values_to_not_be_null" and kwargs == {"column"}:
        return f'count("{column}") = {rows:d}'
    if rule.type == "expect_column_values_to_be_between" and kwargs <= _BOUNDS:
        return _between(column, types[column], rule)
    return None


def _between(column: str, type_: str, rule: Rule) -> str | None:
    """Return an aggregate that is true only where all of `column` are inside the bounds of `rule`."""
    bounds = {"max": rule.kwargs.get("max_value"), "min": rule.kwargs.get("min_value")}
    within = []
    for side, bound in bounds.items():
        if bound is not None:
            literal = _literal(bound, type_)
            if literal is None:
                return None
            within.append(f'coalesce({side}("{column}") {"<" if side == "max" else ">"}= {literal}, true)')
    return " AND ".join(within) or None


def _literal(bound: object, type_: str) -> str | None:
    """Return `bound` in SQL, where it compares with `type_` as it does for Great Expectations."""
    if type_ in _WHOLE_NUMBERS and type(bound) is int:
        return str(bound)
    if type_ == "TIMESTAMP" and isinstance(bound, str) and _TIME.fullmatch(bound):
        with suppress(ValueError):  # no day of a calendar
            return f"TIMESTAMP '{datetime.fromisoformat(bound).isoformat(' ')}'"
    return None


def _unique(
    connection: duckdb.DuckDBPyConnection, relation: str, rules: Iterable[Rule], types: Mapping[str, str]
) -> set[str]:
    proven: set[str] = set()
    for rule in rules:
        if rule.type == _UNIQUE_TOGETHER and "row_condition" not in rule.kwargs:
            *others, number = rule.kwargs["column_list"]
            if types.get(number) in _WHOLE_NUMBERS and types.keys() >= set(others):
                with suppress(duckdb.Error):
                    if _has_distinct_numbers(connection, relation, others, number):
                        proven.add(rule.name)
    return proven


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
