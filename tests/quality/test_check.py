"""What `check` finds, and what it does to the connection that it borrows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines import quality
from pipelines.errors import QualityError

MakeRule = Callable[..., dict[str, Any]]
OwnSuite = Callable[..., Path]
HITS = """
    SELECT
        md5('load')::UUID AS load_id, range + 1 AS line,
        TIMESTAMP '2026-11-21 08:00:00' + to_seconds(range) AS hit_at,
        md5('visitor')::UUID AS visitor, md5('address')::UUID AS address,
        'GET' AS method, '/offers/' || range % 7 AS path, 200::SMALLINT AS status,
        range * 10 AS sent_bytes, 'example.org' AS referrer_domain,
        NULL::VARCHAR AS campaign_source, NULL::VARCHAR AS campaign_medium, NULL::VARCHAR AS campaign_name,
        'Firefox' AS browser, '130' AS browser_version, 'Linux' AS system, 'desktop' AS device,
        false AS is_bot, 'FR' AS country, false AS is_objecting
    FROM range({rows})
"""


def _failing(*_arguments: object) -> None:
    raise duckdb.InternalException("as the database fails: with a value in the message")


@pytest.fixture
def between(make_rule: MakeRule) -> dict[str, Any]:
    return make_rule("n_is_small", "expect_column_values_to_be_between", column="n", min_value=0, max_value=9)


def test_good_hits_in_a_sealed_store_are_seen_through_a_temporary_view(
    connection: duckdb.DuckDBPyConnection, expectations: Path
) -> None:
    connection.execute(f"CREATE TABLE sealed.hits AS {HITS.format(rows=50)}")
    connection.execute("CREATE TEMP VIEW hits AS SELECT *, 'traffic/2026-11-21' AS store FROM sealed.hits")
    verdict = quality.check(
        connection, "hits", "hits", expectations=expectations, key=("load_id", "line"), failing="broken"
    )
    assert [rule for rule in verdict.rules if not rule.is_met or rule.could_not_check] == []
    assert (verdict.table, verdict.rows, verdict.failing_rows, verdict.quarantined) == ("hits", 50, 0, 0)
    assert {rule.rows for rule in verdict.rules} == {50}
    assert connection.execute("SELECT count(*) FROM broken").fetchone() == (0,)
    quality.require(verdict)


def test_rows_that_break_warnings_are_named_all_of_them_and_no_other(
    connection: duckdb.DuckDBPyConnection, expectations: Path
) -> None:
    connection.execute(f"CREATE TEMP TABLE fresh AS {HITS.format(rows=30_000)}")
    connection.execute("UPDATE fresh SET method = 'BREW' WHERE line % 3 = 0")
    connection.execute("UPDATE fresh SET sent_bytes = -1 WHERE line % 5 = 0")
    connection.execute("UPDATE fresh SET sent_bytes = NULL, method = NULL WHERE line % 7 = 0")
    verdict = quality.check(
        connection, "fresh", "hits", expectations=expectations, key=("load_id", "line"), failing="broken"
    )
    expected = connection.execute(
        "SELECT line, 'method_is_known' FROM fresh WHERE method = 'BREW' "
        "UNION ALL SELECT line, 'sent_bytes_is_plausible' FROM fresh WHERE sent_bytes < 0 ORDER BY ALL"
    ).fetchall()
    assert connection.execute("SELECT line, rule FROM broken ORDER BY ALL").fetchall() == expected
    assert verdict.failing_rows == len(expected) > 10_000
    assert verdict.quarantined == len({line for line, _rule in expected})
    assert {rule.rule for rule in verdict.rules if not rule.is_met} == {
        "method_is_known",
        "sent_bytes_is_plausible",
    }
    columns = connection.execute(
        "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'broken'"
    )
    assert columns.fetchall() == [("load_id", "UUID"), ("line", "BIGINT"), ("rule", "VARCHAR")]
    quality.require(verdict)  # warnings stop nothing


def test_a_second_check_makes_the_failing_table_anew(
    connection: duckdb.DuckDBPyConnection, own_suite: OwnSuite, between: dict[str, Any]
) -> None:
    connection.execute("CREATE TEMP TABLE t AS SELECT range AS n FROM range(12)")
    folder = own_suite(between)
    for _ in range(2):
        quality.check(connection, "t", "own", expectations=folder, key=("n",), failing="broken")
    assert connection.execute("FROM broken ORDER BY n").fetchall() == [(10, "n_is_small"), (11, "n_is_small")]


def test_an_empty_table_meets_every_rule(connection: duckdb.DuckDBPyConnection, expectations: Path) -> None:
    connection.execute(f"CREATE TEMP TABLE fresh AS {HITS.format(rows=0)}")
    verdict = quality.check(
        connection, "fresh", "hits", expectations=expectations, key=("load_id", "line"), failing="broken"
    )
    assert verdict.rows == 0
    assert all(rule.is_met and not rule.could_not_check for rule in verdict.rules)


@pytest.mark.parametrize(
    ("update", "broken", "column"),
    [
        ("path = '/from/192.0.2.77'", "path_holds_no_ip_address", "path"),
        ("campaign_name = 'jean%40example.org'", "campaign_name_holds_no_email", "campaign_name"),
        ("status = 600", "status_is_http", "status"),
        ("is_bot = NULL", "is_bot_is_present", "is_bot"),
        ("line = 2", "row_is_unique", "load_id, line"),
    ],
)
def test_a_critical_rule_stops_the_work_and_says_where(
    connection: duckdb.DuckDBPyConnection, expectations: Path, update: str, broken: str, column: str
) -> None:
    connection.execute(f"CREATE TEMP TABLE fresh AS {HITS.format(rows=5)}")
    connection.execute(f"UPDATE fresh SET {update} WHERE line IN (1, 2)")
    verdict = quality.check(connection, "fresh", "hits", expectations=expectations)
    assert [rule.rule for rule in verdict.failed_critical] == [broken]
    with pytest.raises(QualityError) as raised:
        quality.require(verdict)
    assert f"table hits (5 rows) was not taken: rule {broken} on {column} is broken by 2 of 5 rows." in str(
        raised.value
    )


def test_a_missing_column_is_never_met(connection: duckdb.DuckDBPyConnection, expectations: Path) -> None:
    connection.execute(f"CREATE TEMP TABLE fresh AS SELECT * EXCLUDE (status) FROM ({HITS.format(rows=5)})")
    verdict = quality.check(connection, "fresh", "hits", expectations=expectations)
    about_status = [rule for rule in verdict.rules if rule.column == "status"]
    assert about_status
    assert all(not rule.is_met and rule.could_not_check for rule in about_status)
    assert "columns_are_declared" in {rule.rule for rule in verdict.failed_critical}
    with pytest.raises(QualityError, match="rule status_is_http on status could not be checked"):
        quality.require(verdict)


def test_a_warning_that_could_not_be_checked_stops_the_work_too(
    connection: duckdb.DuckDBPyConnection, own_suite: OwnSuite, between: dict[str, Any]
) -> None:
    connection.execute("CREATE TEMP TABLE t AS SELECT 'no number' AS n")
    verdict = quality.check(
        connection, "t", "own", expectations=own_suite(between), key=("n",), failing="broken"
    )
    assert verdict.failed_critical == ()
    assert [rule.rule for rule in verdict.unchecked] == ["n_is_small"]
    with pytest.raises(QualityError, match="rule n_is_small on n could not be checked"):
        quality.require(verdict)


def test_rows_that_cannot_be_named_are_not_passed_over(
    connection: duckdb.DuckDBPyConnection,
    own_suite: OwnSuite,
    between: dict[str, Any],
    engine: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection.execute("CREATE TEMP TABLE t AS SELECT 10 AS n")
    monkeypatch.setattr(engine.Run, "_predicate", _failing)
    verdict = quality.check(
        connection, "t", "own", expectations=own_suite(between), key=("n",), failing="broken"
    )
    assert [rule.could_not_check for rule in verdict.rules] == [True]


def test_where_great_expectations_is_asked_and_fails_altogether_nothing_is_met(
    connection: duckdb.DuckDBPyConnection, expectations: Path, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.execute(f"CREATE TEMP TABLE fresh AS {HITS.format(rows=1)}")
    connection.execute("UPDATE fresh SET path = 'a@b.example'")
    monkeypatch.setattr(engine.Run, "_resolved", _failing)
    verdict = quality.check(connection, "fresh", "hits", expectations=expectations)
    assert all(rule.could_not_check and not rule.is_met for rule in verdict.rules)


def test_the_transaction_of_the_caller_stays_the_callers(
    connection: duckdb.DuckDBPyConnection, own_suite: OwnSuite, between: dict[str, Any]
) -> None:
    connection.execute("CREATE TEMP TABLE t (n BIGINT)")
    connection.begin()
    connection.execute("INSERT INTO t VALUES (10)")
    verdict = quality.check(
        connection, "t", "own", expectations=own_suite(between), key=("n",), failing="broken"
    )
    assert (verdict.rows, verdict.failing_rows) == (1, 1)
    connection.rollback()
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_the_connection_stays_open_and_holds_nothing_new(
    connection: duckdb.DuckDBPyConnection, own_suite: OwnSuite, between: dict[str, Any]
) -> None:
    connection.execute("CREATE TEMP TABLE t AS SELECT 10 AS n")
    quality.check(connection, "t", "own", expectations=own_suite(between))
    relations = connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY ALL").fetchall()
    assert relations == [("t",)]


def test_a_rule_can_look_at_some_rows_only(
    connection: duckdb.DuckDBPyConnection, own_suite: OwnSuite, make_rule: MakeRule
) -> None:
    connection.execute(
        "CREATE TEMP TABLE t AS SELECT * FROM (VALUES (1, 'a', 'x'), (2, 'b', 'x')) v(id, kind, value)"
    )
    condition = {"type": "comparison", "column": {"name": "kind"}, "operator": "==", "parameter": "b"}
    only_b = make_rule(
        "value", "expect_column_values_to_be_in_set", column="value", value_set=["y"], row_condition=condition
    )
    verdict = quality.check(
        connection, "t", "own", expectations=own_suite(only_b), key=("id",), failing="broken"
    )
    assert (verdict.rules[0].rows, verdict.rules[0].failing_rows) == (1, 1)
    assert connection.execute("FROM broken").fetchall() == [(2, "value")]


@pytest.mark.parametrize("relation", ["absent", "sealed", 'x"; DROP TABLE t; --', ""])
def test_a_relation_that_is_not_there_is_one_clear_error(
    connection: duckdb.DuckDBPyConnection, own_suite: OwnSuite, between: dict[str, Any], relation: str
) -> None:
    connection.execute("CREATE TEMP TABLE t AS SELECT 10 AS n")
    with pytest.raises(QualityError, match=r"there is no readable table or view|not named in lower_case"):
        quality.check(connection, relation, "own", expectations=own_suite(between))
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (1,)


@pytest.mark.parametrize(
    ("key", "failing", "message"),
    [
        ((), "broken", "need a key"),
        (("rule",), "broken", "need a key"),
        (("n",), "t", "a table of their own"),
        (("absent",), "broken", "lacks a column of its key"),
        (("n",), "taken", "in use as a view"),
    ],
)
def test_a_quarantine_that_cannot_be_is_refused(
    connection: duckdb.DuckDBPyConnection,
    own_suite: OwnSuite,
    between: dict[str, Any],
    key: tuple[str, ...],
    failing: str,
    message: str,
) -> None:
    connection.execute("CREATE TEMP TABLE t AS SELECT 10 AS n")
    connection.execute("CREATE TEMP VIEW taken AS SELECT 1 AS n")
    with pytest.raises(QualityError, match=message):
        quality.check(connection, "t", "own", expectations=own_suite(between), key=key, failing=failing)
