"""A shortcut changes no verdict: the same counts, the same rows named, the same rules not checked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipelines import quality
from pipelines.quality import shortcuts
from tests.quality.conftest import asked_alone

MakeRule = Callable[..., dict[str, Any]]
OwnSuite = Callable[..., Path]
RANDOM = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXT = st.none() | st.sampled_from(["", "a", "A", "b", "a\n", "ab", "abcd", "é", "@", "%", "NULL", "a\x00"])
NUMBER = st.none() | st.integers(-2, 6) | st.sampled_from([-(2**63), 2**63 - 1, 2**40])
ROWS = st.lists(st.tuples(st.none() | st.integers(0, 2), NUMBER, TEXT, TEXT), max_size=25)


@pytest.fixture
def folder(own_suite: OwnSuite, make_rule: MakeRule) -> Path:
    """Rules that a shortcut may prove, and rules that none may: with a condition, on numbers, that raise."""
    condition = {"type": "comparison", "column": {"name": "t"}, "operator": "==", "parameter": "a"}
    return own_suite(
        make_rule("listed", "expect_column_values_to_be_in_set", column="s", value_set=["a", "b", "é"]),
        make_rule("short", "expect_column_value_lengths_to_be_between", column="s", min_value=1, max_value=3),
        make_rule("matches", "expect_column_values_to_match_regex", column="t", regex="[a-zA-Z%]"),
        make_rule("misses", "expect_column_values_to_not_match_regex", column="t", regex="^a$|b|\\n"),
        make_rule("no_at", "expect_column_values_to_not_match_regex", "critical", column="s", regex="@"),
        make_rule(
            "with_condition",
            "expect_column_values_to_be_in_set",
            column="s",
            value_set=["a"],
            row_condition=condition,
        ),
        make_rule("between", "expect_column_values_to_be_between", column="n", min_value=0, max_value=5),
        make_rule("present", "expect_column_values_to_not_be_null", "critical", column="k"),
        make_rule("once", "expect_compound_columns_to_be_unique", "critical", column_list=["k", "n"]),
        make_rule("once_as_text", "expect_compound_columns_to_be_unique", "critical", column_list=["k", "s"]),
        make_rule("number_once", "expect_column_values_to_be_unique", "critical", column="n"),
        make_rule("text_once", "expect_column_values_to_be_unique", "critical", column="t"),
        make_rule(
            "above",
            "expect_column_pair_values_a_to_be_greater_than_b",
            column_A="n",
            column_B="k",
            or_equal=True,
            ignore_row_if="either_value_is_missing",
        ),
        make_rule(
            "above_both",
            "expect_column_pair_values_a_to_be_greater_than_b",
            column_A="n",
            column_B="k",
            or_equal=False,
            ignore_row_if="both_values_are_missing",
        ),
        make_rule(
            "columns",
            "expect_table_columns_to_match_set",
            "critical",
            column_set=["id", "k", "n", "s", "t"],
            exact_match=True,
        ),
        make_rule("type", "expect_column_values_to_be_of_type", "critical", column="s", type_="VARCHAR"),
    )


def judged(
    connection: duckdb.DuckDBPyConnection, relation: str, folder: Path, name: str, value: object
) -> tuple[quality.Verdict, list[Any]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shortcuts, name, value)
        verdict = quality.check(
            connection, relation, "own", expectations=folder, key=("id",), failing="broken"
        )
    return verdict, connection.execute("FROM broken ORDER BY ALL").fetchall()


def all_ways(connection: duckdb.DuckDBPyConnection, folder: Path, relation: str = "t") -> quality.Verdict:
    """Return the verdict, after making sure that it is the same with shortcuts, of few rows and of many."""
    plain = judged(connection, relation, folder, "outcomes", asked_alone)
    assert judged(connection, relation, folder, "MANY_ROWS", 10**9) == plain
    assert judged(connection, relation, folder, "MANY_ROWS", 0) == plain
    return plain[0]


@RANDOM
@given(rows=ROWS)
@example(rows=[])
@example(rows=[(None, None, None, None)])
@example(rows=[(0, 1, "a", "A"), (0, 2, "b", "A")])
@example(rows=[(0, 1, "a", "A"), (0, 1, "a", "A")])
@example(rows=[(None, 1, "a", "A"), (None, 1, "a", "A")])
@example(rows=[(0, -(2**63), "a", "A"), (0, 2**63 - 1, "a", "A")])
def test_shortcuts_change_nothing(
    connection: duckdb.DuckDBPyConnection, folder: Path, rows: list[tuple[Any, ...]]
) -> None:
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE t (id BIGINT, k INTEGER, n BIGINT, s VARCHAR, t VARCHAR)"
    )
    if rows:
        connection.executemany(
            "INSERT INTO t VALUES (?, ?, ?, ?, ?)", [(i, *row) for i, row in enumerate(rows)]
        )
    verdict = all_ways(connection, folder)
    assert verdict.unchecked == ()
    pairs = [(k, n) for k, n, _s, _t in rows if k is not None and n is not None]
    once = next(rule for rule in verdict.rules if rule.rule == "once")
    assert once.failing_rows == sum(pairs.count(pair) > 1 for pair in pairs)


@pytest.mark.parametrize(
    ("earliest", "latest"),
    [
        ("1991-08-06T00:00:00", "2100-01-01T00:00:00"),
        ("2026-11-21", None),
        ("2026-W47-6", None),
        ("2026-02-30 00:00:00", None),
        (None, "2026-11-21 10:00:00.000001"),
        ("2026-11-21T10:00:00+01:00", None),
        ("infinity", None),
        (None, "no time"),
    ],
)
@pytest.mark.parametrize(
    "times",
    [
        [],
        [None],
        ["2026-11-21 10:00:00", None],
        ["2026-11-20 23:59:59.999999", "2026-11-21 00:00:00"],
        ["2026-11-21 10:00:00.000001", "2026-11-21 10:00:00.000002"],
        ["2100-01-01 00:00:00", "infinity"],
        ["1991-08-05 23:59:59", "-infinity"],
    ],
)
def test_bounds_of_time_are_those_of_great_expectations(
    connection: duckdb.DuckDBPyConnection,
    own_suite: OwnSuite,
    make_rule: MakeRule,
    times: list[str | None],
    earliest: str | None,
    latest: str | None,
) -> None:
    bounds = {"min_value": earliest, "max_value": latest}
    rule = make_rule(
        "plausible",
        "expect_column_values_to_be_between",
        column="logged_at",
        **{name: bound for name, bound in bounds.items() if bound is not None},
    )
    connection.execute("CREATE TEMP TABLE t (id BIGINT, logged_at TIMESTAMP)")
    for number, at in enumerate(times):
        connection.execute("INSERT INTO t VALUES (?, ?::TIMESTAMP)", [number, at])
    all_ways(connection, own_suite(rule))


@RANDOM
@given(
    numbers=st.lists(
        st.none() | st.sampled_from([-0.0, 0.5, -0.5, 5.0, 5.5, float("nan"), float("inf"), -float("inf")])
    )
)
@example(numbers=[float("nan")])
def test_bounds_of_fractions_are_those_of_great_expectations(
    connection: duckdb.DuckDBPyConnection,
    own_suite: OwnSuite,
    make_rule: MakeRule,
    numbers: list[float | None],
) -> None:
    between = "expect_column_values_to_be_between"
    folder = own_suite(
        make_rule("least", between, column="share", min_value=0),
        make_rule("most", between, column="share", max_value=5),
        make_rule(
            "named", "expect_table_columns_to_match_set", "critical", column_set=["share"], exact_match=False
        ),
        make_rule(
            "absent",
            "expect_table_columns_to_match_set",
            "critical",
            column_set=["share", "more"],
            exact_match=False,
        ),
    )
    connection.execute("CREATE OR REPLACE TEMP TABLE t (id BIGINT, share DOUBLE)")
    if numbers:
        connection.executemany("INSERT INTO t VALUES (?, ?)", list(enumerate(numbers)))
    is_met = {rule.rule: rule.is_met for rule in all_ways(connection, folder).rules}
    assert (is_met["named"], is_met["absent"]) == (True, False)


@RANDOM
@given(lines=st.lists(st.tuples(st.integers(0, 1), st.integers(1, 70)), min_size=1, max_size=60))
def test_a_bit_for_each_number_finds_every_double(
    connection: duckdb.DuckDBPyConnection, lines: list[tuple[int, int]]
) -> None:
    connection.execute("CREATE OR REPLACE TEMP TABLE t (k INTEGER, n BIGINT)")
    connection.executemany("INSERT INTO t VALUES (?, ?)", lines)
    assert shortcuts._has_distinct_numbers(connection, "t", ["k"], "n") == (len(set(lines)) == len(lines))


def test_of_good_rows_only_what_has_no_proof_is_asked(
    connection: duckdb.DuckDBPyConnection, folder: Path, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.execute(
        "CREATE TEMP TABLE t AS SELECT range AS id, range % 3 AS k, range AS n, 'a' AS s, 'A' AS t "
        f"FROM range({shortcuts.MANY_ROWS})"
    )
    asked: dict[str, set[str]] = {}
    outcomes = engine.Run.outcomes

    def spied(run: Any, rules: Any) -> Any:
        rules = list(rules)
        asked[run._relation] = {rule.name for rule in rules}
        return outcomes(run, rules)

    monkeypatch.setattr(engine.Run, "outcomes", spied)
    quality.check(connection, "t", "own", expectations=folder)
    broken = {"between", "once_as_text", "text_once", "above_both"}  # 0 is not above 0
    assert asked == {"t": {"with_condition"} | broken}


def test_texts_that_were_judged_before_need_not_be_among_the_texts(
    connection: duckdb.DuckDBPyConnection, folder: Path, engine: Any
) -> None:
    connection.execute(
        "CREATE TEMP TABLE t AS SELECT range AS id, range % 3 AS k, range AS n, 'a' AS s, 'A' AS t "
        f"FROM range({shortcuts.MANY_ROWS})"
    )
    verdicts = {}
    for name, rows in (("none", "WHERE false"), ("bad", "")):
        connection.execute(f"CREATE TEMP TABLE {name} AS SELECT 'é@' AS s, '1' AS t {rows}")
        verdict = quality.check(connection, "t", "own", expectations=folder, texts=name)
        verdicts[name] = {rule.rule: (rule.is_met, rule.failing_rows) for rule in verdict.rules}
    # what the texts say is only ever taken for "met": a bad one has the rows themselves asked
    assert verdicts["none"] == verdicts["bad"]
    assert verdicts["none"]["no_at"] == (True, 0)


def test_a_rule_that_cannot_be_checked_is_so_with_shortcuts_too(
    connection: duckdb.DuckDBPyConnection, own_suite: OwnSuite, make_rule: MakeRule
) -> None:
    folder = own_suite(
        make_rule("no_column", "expect_column_values_to_match_regex", column="absent", regex="a"),
        make_rule("no_number", "expect_column_values_to_be_between", column="s", min_value=0, max_value=9),
        make_rule("good", "expect_column_values_to_match_regex", column="s", regex="a"),
        make_rule("no_key", "expect_compound_columns_to_be_unique", "critical", column_list=["gone", "id"]),
    )
    connection.execute("CREATE TEMP TABLE t AS SELECT 1 AS id, 'a' AS s")
    assert {rule.rule for rule in all_ways(connection, folder).unchecked} == {
        "no_column",
        "no_number",
        "no_key",
    }


def test_a_view_that_raises_is_unchecked_with_shortcuts_too(
    connection: duckdb.DuckDBPyConnection, folder: Path
) -> None:
    connection.execute("CREATE TEMP TABLE bad AS SELECT range AS id, 'x' || range AS word FROM range(9)")
    connection.execute(
        "CREATE TEMP VIEW t AS SELECT id, 1 AS k, word::BIGINT AS n, 'a' AS s, word AS t FROM bad"
    )
    assert "between" in {rule.rule for rule in all_ways(connection, folder).unchecked}


@pytest.mark.parametrize("texts", [["a", "A"], ["A", "a"], ["a", "B"]])
def test_texts_that_a_collation_takes_for_equal_are_judged_each(
    connection: duckdb.DuckDBPyConnection, own_suite: OwnSuite, make_rule: MakeRule, texts: list[str]
) -> None:
    connection.execute("CREATE TEMP TABLE t (id BIGINT, s VARCHAR COLLATE nocase)")
    connection.executemany("INSERT INTO t VALUES (?, ?)", list(enumerate(texts)))
    folder = own_suite(
        make_rule("lower", "expect_column_values_to_match_regex", column="s", regex="^[a-z]$"),
        make_rule("a", "expect_column_values_to_be_in_set", column="s", value_set=["a"]),
    )
    assert all_ways(connection, folder).rules[0].failing_rows == 1


def test_numbers_too_far_apart_for_bits_are_left_to_great_expectations(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute("CREATE TEMP TABLE t AS SELECT 1 AS k, unnest([1, 2::BIGINT ** 40])::BIGINT AS n")
    assert shortcuts._has_distinct_numbers(connection, "t", ["k"], "n") is False


def test_what_was_known_of_a_relation_is_not_taken_for_true_of_the_next_of_its_name(
    connection: duckdb.DuckDBPyConnection, folder: Path
) -> None:
    connection.execute("CREATE TEMP TABLE t AS SELECT 0 AS id, 1 AS k, 2::BIGINT AS n, 'a' AS s, 'A' AS t")
    assert all(rule.is_met for rule in all_ways(connection, folder).rules)
    connection.execute("CREATE OR REPLACE TEMP TABLE t AS SELECT 0 AS id, 1 AS k, 7::BIGINT AS n, 8 AS s")
    again = {rule.rule: rule for rule in all_ways(connection, folder).rules}
    assert (again["between"].failing_rows, again["type"].is_met) == (1, False)
    assert again["misses"].could_not_check


@pytest.mark.parametrize("relation", ["t", "texts_to_judge"])
def test_nothing_stays_behind_and_a_table_of_that_name_is_left_alone(
    connection: duckdb.DuckDBPyConnection, folder: Path, relation: str
) -> None:
    connection.execute(f"CREATE TEMP TABLE {relation} AS SELECT 0 AS id, 1 AS k, 2 AS n, 'a' AS s, 'A' AS t")
    all_ways(connection, folder, relation)
    tables = connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY ALL").fetchall()
    assert tables == [("broken",), (relation,)]
