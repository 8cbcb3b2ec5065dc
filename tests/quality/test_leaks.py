"""No value of the data comes out: not returned, raised, logged, warned of, printed, or written."""

from __future__ import annotations

import logging
import re
import traceback
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from duckdb_sqlalchemy import CursorWrapper

from pipelines import quality
from pipelines.errors import QualityError
from pipelines.quality.suites import load
from tests.quality.conftest import asked_alone

CANARIES = ("canary.jean@okare.example", "+33600112233", "192.0.2.199", "31337004242")
MakeRule = Callable[..., dict[str, Any]]


def leaks(text: str) -> list[str]:
    return [canary for canary in CANARIES if canary in text]


class Everything(logging.Handler):
    """Keeps every record that reaches it, with arguments and traceback."""

    def __init__(self) -> None:
        super().__init__(level=0)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += self.format(record) + repr(record.__dict__)


@pytest.fixture(params=["all rows", "shortcuts"], autouse=True)
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test both ways: all asked of Great Expectations, and what is not proven alone."""
    from pipelines.quality import shortcuts

    monkeypatch.setattr(shortcuts, "MANY_ROWS", 0)
    if request.param == "all rows":
        monkeypatch.setattr(shortcuts, "outcomes", asked_alone)


@pytest.fixture
def log(engine: Any) -> Iterator[Everything]:
    """Everything that is logged in the process, each logger opened wide by somebody else."""
    handler = Everything()
    names = ("sqlalchemy.engine", "sqlalchemy.pool", "duckdb_sqlalchemy", *engine._QUOTING_LOGS)
    loggers = [logging.getLogger(), *map(logging.getLogger, names)]
    loggers += [
        logger
        for name, logger in logging.Logger.manager.loggerDict.items()
        if name.startswith("great_expectations.") and isinstance(logger, logging.Logger)
    ]
    before = [(logger, logger.level, logger.disabled, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.disabled, logger.propagate = False, True
        logger.setLevel(logging.DEBUG)
    yield handler
    for logger, level, disabled, propagate in before:
        logger.removeHandler(handler)
        logger.disabled, logger.propagate = disabled, propagate
        logger.setLevel(level)


@pytest.fixture
def planted(connection: duckdb.DuckDBPyConnection) -> str:
    """A table whose every row breaks every rule of the suite below, and makes some rules raise."""
    values = ", ".join(f"({place}, '{canary}')" for place, canary in enumerate(CANARIES))
    connection.execute(f"CREATE TABLE sealed.t AS SELECT * FROM (VALUES {values}) v(id, value)")
    connection.execute(
        "CREATE TEMP VIEW t AS "
        "SELECT id, value, value AS copy, 31337004242 AS number, value AS word FROM sealed.t "
        "UNION ALL SELECT id, value, value, 31337004242, value FROM sealed.t"
    )
    return "t"


@pytest.fixture
def folder(own_suite: Callable[..., Path], make_rule: MakeRule) -> Path:
    """One rule of each kind that a suite may use; "word" is text where a number is asked for: it raises."""
    return own_suite(
        make_rule("set", "expect_column_values_to_be_in_set", column="value", value_set=["a"]),
        make_rule("null", "expect_column_values_to_be_null", column="value"),
        make_rule("match", "expect_column_values_to_match_regex", column="value", regex="^x$"),
        make_rule("no_match", "expect_column_values_to_not_match_regex", column="value", regex="[0-9@]"),
        make_rule(
            "length",
            "expect_column_value_lengths_to_be_between",
            column="value",
            min_value=99,
            max_value=100,
        ),
        make_rule("range", "expect_column_values_to_be_between", column="number", min_value=0, max_value=9),
        make_rule(
            "pair",
            "expect_column_pair_values_a_to_be_greater_than_b",
            column_A="value",
            column_B="copy",
            or_equal=False,
            ignore_row_if="either_value_is_missing",
        ),
        make_rule("raises", "expect_column_values_to_be_between", column="word", min_value=0, max_value=9),
        make_rule("type", "expect_column_values_to_be_of_type", "critical", column="value", type_="DATE"),
        make_rule("unique", "expect_column_values_to_be_unique", "critical", column="value"),
        make_rule(
            "compound",
            "expect_compound_columns_to_be_unique",
            "critical",
            column_list=["value", "copy"],
        ),
        make_rule(
            "columns", "expect_table_columns_to_match_set", "critical", column_set=["value"], exact_match=True
        ),
    )


def test_nothing_of_the_data_is_returned_raised_logged_warned_printed_or_written(
    connection: duckdb.DuckDBPyConnection,
    planted: str,
    folder: Path,
    log: Everything,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("HOME", str(work))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        verdict = quality.check(
            connection, planted, "own", expectations=folder, key=("id",), failing="broken"
        )
        quality.write_report([verdict], work / "report.html", day=date(2026, 11, 22), at=datetime.now(UTC))
    with pytest.raises(QualityError) as raised:
        quality.require(verdict)
    chain = "".join(traceback.format_exception(raised.value))
    said = [
        repr(verdict),
        str(verdict),
        chain,
        log.text,
        *capfd.readouterr(),
        *(str(w.message) for w in warned),
    ]
    said += [path.read_text() for path in work.rglob("*") if path.is_file()]
    assert [leak for text in said for leak in leaks(text)] == []
    assert raised.value.__context__ is None
    assert [path.name for path in work.rglob("*")] == ["report.html"]
    # ... and the rules did meet the canaries:
    assert not any(rule.is_met for rule in verdict.rules)
    assert [rule.rule for rule in verdict.unchecked] == ["raises"]


def test_nothing_is_quoted_where_the_database_itself_raises(
    connection: duckdb.DuckDBPyConnection,
    planted: str,
    own_suite: Callable[..., Path],
    make_rule: MakeRule,
    log: Everything,
    capfd: pytest.CaptureFixture[str],
) -> None:
    connection.execute(f"CREATE TEMP VIEW bad AS SELECT id, value::BIGINT AS number FROM {planted}")
    with pytest.raises(duckdb.ConversionException, match=re.escape(CANARIES[0])):
        connection.execute("SELECT sum(number) FROM bad")
    folder = own_suite(
        make_rule("sum", "expect_column_values_to_be_between", column="number", min_value=0, max_value=9)
    )
    verdict = quality.check(connection, "bad", "own", expectations=folder, key=("id",), failing="broken")
    assert [rule.could_not_check for rule in verdict.rules] == [True]
    with pytest.raises(QualityError) as raised:
        quality.require(verdict)
    said = [repr(verdict), "".join(traceback.format_exception(raised.value)), log.text, *capfd.readouterr()]
    assert [leak for text in said for leak in leaks(text)] == []


def test_the_counts_are_those_of_the_rows_that_hold_the_canaries(
    connection: duckdb.DuckDBPyConnection, planted: str, own_suite: Callable[..., Path], make_rule: MakeRule
) -> None:
    folder = own_suite(
        make_rule("no_at", "expect_column_values_to_not_match_regex", column="value", regex="@")
    )
    verdict = quality.check(connection, planted, "own", expectations=folder, key=("id",), failing="broken")
    assert [(rule.rows, rule.failing_rows) for rule in verdict.rules] == [(8, 2)]


@pytest.mark.filterwarnings("default")
def test_control_great_expectations_left_to_itself_does_leak(
    connection: duckdb.DuckDBPyConnection,
    planted: str,
    folder: Path,
    engine: Any,
    log: Everything,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without this the tests above would prove nothing: the canaries are there to be found."""
    rules = load(folder, "own").rules
    monkeypatch.setattr(engine, "_COUNTS_ONLY", {"result_format": "SUMMARY"})
    monkeypatch.setattr(engine, "_shut_logs", lambda: None)
    monkeypatch.setattr(engine, "_questions", {})
    run = engine.Run(connection, planted)
    assert set(leaks(repr(run._resolved(run._asked(rules))))) == set(CANARIES)
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW t AS "
        "SELECT value, value AS copy, value::BIGINT AS number, value AS word FROM sealed.t"
    )
    run = engine.Run(connection, planted)
    graph = engine.ValidationGraph(run._engine, [e for q in run._asked(rules) for e in q.edges])
    _resolved, aborted = graph.resolve(show_progress_bars=False)
    assert leaks(repr(list(aborted.values())))
    assert leaks(log.text)


def test_no_value_is_even_fetched(
    connection: duckdb.DuckDBPyConnection, planted: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[Any] = []

    def spied(name: str) -> Callable[..., Any]:
        real = getattr(CursorWrapper, name)

        def fetch(*arguments: Any) -> Any:
            fetched.append(real(*arguments))
            return fetched[-1]

        return fetch

    for name in ("fetchone", "fetchmany", "fetchall"):
        monkeypatch.setattr(CursorWrapper, name, spied(name))
    quality.check(connection, planted, "own", expectations=folder, key=("id",), failing="broken")
    assert any(row for row in fetched)
    assert leaks(repr(fetched)) == []


@pytest.mark.parametrize("relation", CANARIES)
def test_a_wrong_name_is_not_quoted(
    connection: duckdb.DuckDBPyConnection, expectations: Path, relation: str
) -> None:
    with pytest.raises(QualityError) as raised:
        quality.check(connection, relation, "hits", expectations=expectations)
    assert leaks("".join(traceback.format_exception(raised.value))) == []


@pytest.mark.parametrize("name", ["great_expectations", "great_expectations.validator.validator"])
def test_what_great_expectations_logs_stays_inside(
    connection: duckdb.DuckDBPyConnection,
    planted: str,
    folder: Path,
    log: Everything,
    engine: Any,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setattr(engine.Run, "_resolved", lambda *_: logging.getLogger(name).critical(CANARIES[0]))
    quality.check(connection, planted, "own", expectations=folder)
    assert leaks(log.text) == []


def test_the_logs_of_others_stay_open(log: Everything) -> None:
    logging.getLogger("sqlalchemy.engine.Engine.airflow").debug("of another engine")
    assert "of another engine" in log.text
