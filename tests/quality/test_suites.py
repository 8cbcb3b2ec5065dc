"""The suites: complete, in step with the catalog, every rule able to fail; a broken file is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines import catalog, quality
from pipelines.errors import CatalogError, QualityError
from pipelines.places import SOURCE_ROOT
from pipelines.quality.suites import Rule, load
from pipelines.statistics.measures import BY_NAME

EXPECTATIONS = SOURCE_ROOT / "expectations"
TABLES = ("hits", "people", "identifiers", "contracts", "messages", "consents", "cookies")
MEASURES = (
    "daily", "pages", "flows", "sources", "depths", "hours", "technology", "countries", "statuses", "broken_links",
    "weeks", "months", "weekdays", "conversions", "contact_activity", "privacy_requests",
)  # fmt: skip

# One good row of each table; what is not named is 'x', 20, or an id.
GOOD: dict[str, dict[str, Any]] = {
    "hits": {
        "hit_at": "2026-11-21 08:00:00",
        "method": "GET",
        "path": "/offers",
        "status": 200,
        "device": "mobile",
        "is_bot": False,
        "country": "FR",
        "is_objecting": False,
        "referrer_domain": "example.org",
    },
    "people": {"first_seen_at": "2024-01-01 08:00:00", "last_contact_at": "2026-01-01 08:00:00"},
    "identifiers": {"kind": "record", "is_verified": True},
    "contracts": {"started_on": "2020-01-01", "ended_on": "2021-01-01"},
    "messages": {"kind": "form"},
    "consents": {"purpose": "newsletter", "action": "given"},
    "cookies": {"cookie_type": "functional", "choice": "accepted"},
    **{measure: {} for measure in MEASURES},
    "depths": {"pages": "3-4", "length": "1-4 min"},
    "hours": {"hour": "23"},
    "countries": {"continent": "Europe", "country": "FR"},
    "statuses": {"status": "404"},
    "broken_links": {"origin": "own site"},
    "weekdays": {"weekday": "1", "hour": "00-05 (other)"},
    "privacy_requests": {"answered_within": "8-30"},
}
SHARED = {
    "recorded_at": "2026-01-01 08:00:00", "day": "2026-11-21", "week": "2026-11-16", "month": "2026-10-01",
    "year": "2026-01-01",
}  # fmt: skip
BY_TYPE: dict[str, Any] = {
    "UUID": "00000000-0000-4000-8000-000000000000",
    "BIGINT": 20,
    "DOUBLE": 0.5,
    "SMALLINT": 20,
    "VARCHAR": "x",
}
FORBIDDEN = {
    "no_email": "a@example.org",
    "no_ip_address": "10.1.2.3",
    "no_phone": "+33 6 12 34 56 78",
    "no_query": "/a?b",
    "raw_agent": "Mozilla/5.0",
    "control_characters": "a\x07b",
    "lower_case": "A@example.org",
}


def columns_of(name: str) -> dict[str, str]:
    declared = BY_NAME[name].columns if name in BY_NAME else catalog.table(name).columns
    return {column.name: column.type for column in declared}


def good_row(name: str) -> dict[str, Any]:
    stated = SHARED | GOOD[name]
    return {column: stated.get(column, BY_TYPE.get(type_)) for column, type_ in columns_of(name).items()}


def breaking(rule: Rule) -> dict[str, Any]:
    """Return the columns of a row that breaks `rule`, a rule on rows."""
    kwargs = rule.kwargs
    condition = kwargs.get("row_condition")
    selected = {condition["column"]["name"]: condition["parameter"]} if condition else {}
    if rule.type.endswith("a_to_be_greater_than_b"):
        earlier, later = (
            ("2020-01-01", "2020-01-02") if rule.name.startswith(("contract", "last")) else (30, 31)
        )
        return {kwargs["column_A"]: earlier, kwargs["column_B"]: later}
    values = {
        "expect_column_values_to_not_be_null": lambda: None,
        "expect_column_values_to_be_in_set": lambda: "unheard of",
        "expect_column_values_to_match_regex": lambda: "not at all!\n ",
        "expect_column_values_to_not_match_regex": lambda: next(
            text for name, text in FORBIDDEN.items() if name in rule.name
        ),
        "expect_column_values_to_be_between": lambda: out_of(kwargs["min_value"]),
        "expect_column_value_lengths_to_be_between": lambda: "x" * (kwargs["max_value"] + 1),
    }
    return {kwargs["column"]: values[rule.type](), **selected}


def out_of(minimum: Any) -> Any:
    if isinstance(minimum, int):
        return minimum - 1
    return "1491-08-06 00:00:00" if "T" in minimum else "1491-08-06"


def fill(connection: duckdb.DuckDBPyConnection, name: str, rows: list[dict[str, Any]]) -> None:
    columns = columns_of(name)
    # No NOT NULL here: the rules must see what the store would refuse.
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE t (nth BIGINT, {', '.join(f'{c} {t}' for c, t in columns.items())})"
    )
    marks = ", ".join("?" * (len(columns) + 1))
    connection.executemany(
        f"INSERT INTO t VALUES ({marks})", [[nth, *(row[c] for c in columns)] for nth, row in enumerate(rows)]
    )


@pytest.fixture(params=TABLES + MEASURES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_there_is_a_suite_for_each_table_that_pipelines_fill_and_each_measure() -> None:
    assert {path.stem for path in EXPECTATIONS.iterdir()} == {*TABLES, *MEASURES}
    assert set(MEASURES) == set(BY_NAME)


def test_the_suites_are_in_step_with_the_catalog() -> None:
    quality.check_suites(EXPECTATIONS)


@pytest.mark.parametrize("measure", MEASURES)
def test_the_suite_of_a_measure_lists_what_is_published(measure: str) -> None:
    listed = next(rule for rule in load(EXPECTATIONS, measure).rules if "column_set" in rule.kwargs)
    assert set(listed.judged) == {column.name for column in BY_NAME[measure].columns}
    assert listed.kwargs["exact_match"]


def test_good_rows_meet_all_and_each_row_rule_can_fail(
    connection: duckdb.DuckDBPyConnection, name: str
) -> None:
    rules = [rule for rule in load(EXPECTATIONS, name).rules if rule.is_row_rule]
    rows = [good_row(name), *(good_row(name) | breaking(rule) for rule in rules)]
    fill(connection, name, rows)
    verdict = quality.check(connection, "t", name, expectations=EXPECTATIONS, key=("nth",), failing="broken")
    results = {result.rule: result for result in verdict.rules}
    named = set(connection.execute("SELECT rule, nth FROM broken").fetchall())
    for nth, rule in enumerate(rules, start=1):
        result = results[rule.name]
        assert (rule.name, result.is_met, result.could_not_check) == (rule.name, False, False)
        assert result.failing_rows > 0
        assert ((rule.name, nth) in named) == (rule.severity == quality.WARNING)
    assert 0 not in {nth for _rule, nth in named}
    # All of these rows bear one key.
    assert (results["row_is_unique"].is_met, results["row_is_unique"].failing_rows > 1) == (False, True)


def test_one_good_row_meets_every_rule(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    fill(connection, name, [good_row(name)])
    connection.execute("CREATE OR REPLACE TEMP TABLE t AS SELECT * EXCLUDE (nth) FROM t")
    verdict = quality.check(connection, "t", name, expectations=EXPECTATIONS)
    assert [rule for rule in verdict.rules if not rule.is_met] == []


def test_each_rule_on_structure_can_fail(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    rules = [rule for rule in load(EXPECTATIONS, name).rules if not rule.is_row_rule]
    # Of each column: another type; of the table: another column, and one less.
    columns = list(columns_of(name))
    other = {"UUID": "BLOB", "VARCHAR": "BLOB"}
    changed = ", ".join(
        f"NULL::{other.get(t, 'VARCHAR')} AS {c}" for c, t in columns_of(name).items() if c != columns[-1]
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE t AS SELECT {changed}, 1 AS unheard_of")
    found = {
        rule.rule: rule for rule in quality.check(connection, "t", name, expectations=EXPECTATIONS).rules
    }
    assert [rule.name for rule in rules if found[rule.name].is_met and rule.name != "row_is_unique"] == []


@pytest.fixture
def suite_file(tmp_path: Path) -> Path:
    shutil.copytree(EXPECTATIONS, tmp_path / "expectations")
    return tmp_path / "expectations" / "cookies.json"


def test_a_missing_suite_is_named(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    connection.execute("CREATE TEMP TABLE t AS SELECT 1 AS n")
    with pytest.raises(QualityError, match=r"suite absent\.json cannot be read"):
        quality.check(connection, "t", "absent", expectations=EXPECTATIONS)
    with pytest.raises(QualityError, match="there is no expectation suite"):
        quality.check_suites(tmp_path)


def test_broken_json_is_named_with_its_line(connection: duckdb.DuckDBPyConnection, suite_file: Path) -> None:
    lines = suite_file.read_text().splitlines()
    lines[9] = lines[9].replace("{", "", 1)
    suite_file.write_text("\n".join(lines))
    with pytest.raises(QualityError, match=r"cookies\.json line 10 is not JSON"):
        quality.check_suites(suite_file.parent)
    connection.execute("CREATE TEMP TABLE t AS SELECT 1 AS n")
    with pytest.raises(QualityError, match=r"cookies\.json line 10 is not JSON"):
        quality.check(connection, "t", "cookies", expectations=suite_file.parent)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.update(mostly=0.9), "keys are not exactly"),
        (lambda r: r["kwargs"].update(mostly=0.9), "kwargs are not"),
        (lambda r: r["kwargs"].pop("column"), "kwargs are not"),
        (lambda r: r.update(kwargs=[]), "kwargs are not"),
        (lambda r: r.update(severity="info"), "severity is neither"),
        (lambda r: r.update(type="expect_column_max_to_be_between"), "does not list"),
        (
            lambda r: r.update(type="expect_column_values_to_be_unique", kwargs={"column": "choice"}),
            "no rows to quarantine",
        ),
        (lambda r: r["meta"].pop("why"), 'not exactly a "rule"'),
        (lambda r: r["meta"].update(why=""), 'not exactly a "rule"'),
        (lambda r: r["meta"].update(rule="Has Spaces"), "lower_case_words"),
        (lambda r: r["meta"].update(rule="choice_is_known"), "second rule called choice_is_known"),
        (
            lambda r: r.update(
                type="expect_column_values_to_match_regex", kwargs={"column": "choice", "regex": "("}
            ),
            "not a regular expression",
        ),
    ],
)
def test_a_rule_that_surprises_is_refused_with_its_line(
    suite_file: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    lines = suite_file.read_text().splitlines()
    assert lines[-3].lstrip().startswith("{")
    rule = json.loads(lines[-3])
    change(rule)
    lines[-3] = json.dumps(rule)
    suite_file.write_text("\n".join(lines))
    with pytest.raises(QualityError, match=message) as raised:
        quality.check_suites(suite_file.parent)
    assert f"cookies.json line {len(lines) - 2} " in str(raised.value)


@pytest.mark.parametrize(
    "content", ["[]", '{"name": "other"}', '{"name": "cookies"}', '{"name": "cookies", "x": 1}']
)
def test_a_file_that_is_no_suite_is_refused(suite_file: Path, content: str) -> None:
    suite_file.write_text(content)
    with pytest.raises(QualityError, match=r"cookies\.json line 1 "):
        quality.check_suites(suite_file.parent)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"column": "choice", "value_set"', '"column": "chioce", "value_set"', "names the column chioce"),
        ('"column": "choice", "type_": "VARCHAR"', '"column": "choice", "type_": "DATE"', "declares VARCHAR"),
        (', "cookie_type", "choice"]', ', "choice"]', "the columns lack cookie_type"),
    ],
)
def test_a_suite_that_left_the_catalog_is_named(suite_file: Path, old: str, new: str, message: str) -> None:
    text = suite_file.read_text()
    assert text.count(old) == 1
    suite_file.write_text(text.replace(old, new))
    with pytest.raises(CatalogError, match=rf"cookies\.json line \d+: .*{message}"):
        quality.check_suites(suite_file.parent)


def test_a_rule_that_asks_more_than_the_catalog_is_named(suite_file: Path) -> None:
    path = suite_file.with_name("people.json")
    text = path.read_text().replace(
        '"expect_column_value_lengths_to_be_between", "kwargs": '
        '{"column": "name", "min_value": 1, "max_value": 300}',
        '"expect_column_values_to_not_be_null", "kwargs": {"column": "name"}',
    )
    path.write_text(text)
    with pytest.raises(CatalogError, match="lets it be null"):
        quality.check_suites(path.parent)


def test_a_suite_without_its_columns_is_refused(suite_file: Path) -> None:
    content = json.loads(suite_file.read_text())
    content["expectations"] = content["expectations"][1:]
    suite_file.write_text(json.dumps(content))
    with pytest.raises(QualityError, match="so that drift is seen"):
        quality.check_suites(suite_file.parent)
