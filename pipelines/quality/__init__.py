"""Data quality: run a suite of rules on a table, keep counts, name the rows to quarantine.

The story of a check: load the suite, prove which rules are met, let Great Expectations count the rows that
break each of the others, write the keys of the rows that break a warning into the caller's table, and
give a verdict. `require` then stops the work where a critical rule is broken. No value of the data leaves.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from pipelines.errors import QualityError
from pipelines.quality import shortcuts
from pipelines.quality.kept import keep, kept
from pipelines.quality.report import write_report
from pipelines.quality.suites import Rule, Suite, check_suites, load
from pipelines.quality.verdict import CRITICAL, WARNING, Outcome, RuleResult, Verdict, require

if TYPE_CHECKING:
    from pipelines.quality.engine import Run

__all__ = [
    "CRITICAL",
    "WARNING",
    "RuleResult",
    "Verdict",
    "check",
    "check_suites",
    "keep",
    "kept",
    "require",
    "write_report",
]

_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def check(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    suite: str,
    *,
    expectations: Path,
    key: tuple[str, ...] = (),
    failing: str | None = None,
    texts: str | None = None,
) -> Verdict:
    """Judge `relation`, a view or temporary table that `connection` sees, by the suite of that name.

    Where `failing` is given, the temporary table of that name is made anew with the columns `key`
    and `rule`: one row for each row of `relation` and warning that it breaks, whatever their number.
    A rule that raised inside Great Expectations counts as not checked, never as met.

    `texts` may name a relation in which every text of a VARCHAR column of `relation` stands at least once,
    in a column of that name: the distinct texts need not be looked for then. Those that broke no rule of
    this suite before may be missing.
    """
    _check_identifiers(relation, failing, key if texts is None else (*key, texts))
    rules = load(expectations, suite)
    rows = _count(connection, relation)
    if failing is not None:
        _make_failing(connection, relation, failing, key)
    with closing(_Asked(connection, relation)) as asked:
        outcomes = shortcuts.outcomes(connection, relation, asked.outcomes, rules.rules, rows, texts)
        results = tuple(_result(rule, outcomes.get(rule.name), rows) for rule in rules.rules)
        if failing is None:
            return Verdict(rules.name, rows, results)
        results = tuple(_quarantine(asked, failing, key, rules, result) for result in results)
    return Verdict(rules.name, rows, results, _count_distinct(connection, failing, key))


class _Asked:
    """Great Expectations on one relation, imported when the first rule is asked of it: that takes seconds."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, relation: str) -> None:
        self._connection, self._relation = connection, relation

    @cached_property
    def run(self) -> Run:
        from pipelines.quality.engine import Run

        return Run(self._connection, self._relation)

    def outcomes(self, rules: Sequence[Rule]) -> dict[str, Outcome]:
        """Return rule → outcome; a rule that could not be checked is not there."""
        return self.run.outcomes(rules)

    def close(self) -> None:
        """Let the connection go, untouched."""
        if "run" in vars(self):
            self.run.close()


def _result(rule: Rule, outcome: Outcome | None, rows: int) -> RuleResult:
    if outcome is None:
        return RuleResult(rule.name, rule.shown_columns, rule.severity, False, rows, 0, True, rule.why)
    # A rule on the structure of the table counts no rows: it looked at all of them.
    seen = outcome.rows if rule.is_row_rule else rows
    return RuleResult(
        rule.name,
        rule.shown_columns,
        rule.severity,
        outcome.is_met,
        seen,
        outcome.failing_rows,
        False,
        rule.why,
    )


def _quarantine(
    asked: _Asked, failing: str, key: tuple[str, ...], suite: Suite, result: RuleResult
) -> RuleResult:
    if result.severity != WARNING or result.failing_rows == 0:
        return result
    rule = next(rule for rule in suite.rules if rule.name == result.rule)
    if asked.run.fill_failing(failing, key, rule) == result.failing_rows:
        return result
    return replace(result, could_not_check=True)


def _make_failing(
    connection: duckdb.DuckDBPyConnection, relation: str, failing: str, key: tuple[str, ...]
) -> None:
    columns = ", ".join(f'"{name}"' for name in key)
    done = False
    with suppress(duckdb.Error):
        connection.execute(
            f'CREATE OR REPLACE TEMP TABLE "{failing}" AS '  # noqa: S608 identifiers are checked
            f'SELECT {columns}, NULL::VARCHAR AS rule FROM "{relation}" WHERE false'
        )
        done = True
    if not done:
        raise QualityError(
            f"the rows of {relation} to quarantine cannot be named: it lacks a column of its key "
            f"({', '.join(key)}), or {failing} is in use as a view."
        )


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    row = None
    with suppress(duckdb.Error):
        row = connection.execute(f'SELECT count(*) FROM "{relation}"').fetchone()  # noqa: S608 checked
    if row is None:
        raise QualityError(
            f"there is no readable table or view {relation} to check: make it before the check."
        )
    return int(row[0])


def _count_distinct(connection: duckdb.DuckDBPyConnection, failing: str, key: tuple[str, ...]) -> int:
    columns = ", ".join(f'"{name}"' for name in key)
    row = None
    with suppress(duckdb.Error):
        row = connection.execute(
            f'SELECT count(*) FROM (SELECT DISTINCT {columns} FROM "{failing}")'  # noqa: S608 checked
        ).fetchone()
    if row is None:
        raise QualityError("the rows to quarantine cannot be counted: run again.")
    return int(row[0])


def _check_identifiers(relation: str, failing: str | None, key: tuple[str, ...]) -> None:
    for name in (relation, *key, *((failing,) if failing is not None else ())):
        if not _IDENTIFIER.fullmatch(name):
            raise QualityError("a table, view or column to check is not named in lower_case: name it so.")
    if failing is not None and (not key or "rule" in key or failing == relation):
        raise QualityError(
            f"the rows of {relation} to quarantine need a key without a column called rule, "
            "and a table of their own."
        )
