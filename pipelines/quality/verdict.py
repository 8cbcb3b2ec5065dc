"""What a check found, in counts and names alone."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.errors import QualityError

CRITICAL = "critical"
WARNING = "warning"


@dataclass(frozen=True)
class Outcome:
    """What was found of one rule: `failing_rows` is 0 for a rule on structure."""

    is_met: bool
    rows: int
    failing_rows: int


@dataclass(frozen=True)
class RuleResult:
    """One rule on one table: never a value, only how many rows broke it.

    `rows` are the rows that the rule looked at. A rule that could not be checked is not met.
    """

    rule: str
    column: str
    severity: str
    is_met: bool
    rows: int
    failing_rows: int
    could_not_check: bool
    why: str = ""


@dataclass(frozen=True)
class Verdict:
    """All rules of one suite on one table; `quarantined` rows are named in the caller's failing table."""

    table: str
    rows: int
    rules: tuple[RuleResult, ...]
    quarantined: int = 0

    @property
    def failed_critical(self) -> tuple[RuleResult, ...]:
        """Critical rules that were broken or could not be checked."""
        return tuple(rule for rule in self.rules if rule.severity == CRITICAL and not rule.is_met)

    @property
    def unchecked(self) -> tuple[RuleResult, ...]:
        """Rules of any severity that could not be checked."""
        return tuple(rule for rule in self.rules if rule.could_not_check)

    @property
    def failing_rows(self) -> int:
        """Rows that broke a rule, summed over the rules: a row that breaks two counts twice."""
        return sum(rule.failing_rows for rule in self.rules)


def require(verdict: Verdict) -> None:
    """Raise QualityError where a critical rule was broken, or any rule could not be checked.

    A warning that could not be checked stops the work too: its rows would pass unquarantined.
    """
    blocking = [rule for rule in verdict.rules if rule in verdict.failed_critical or rule.could_not_check]
    if not blocking:
        return
    raise QualityError(
        f"table {verdict.table} ({verdict.rows} rows) was not taken: {'; '.join(map(_finding, blocking))}. "
        f"Read the run's quality report, mend the step that fills {verdict.table}, and run again."
    )


def _finding(rule: RuleResult) -> str:
    where = f"rule {rule.rule}" + (f" on {rule.column}" if rule.column else "")
    if rule.could_not_check:
        return f"{where} could not be checked"
    if rule.failing_rows:
        return f"{where} is broken by {rule.failing_rows} of {rule.rows} rows"
    return f"{where} is broken by the table's structure"
