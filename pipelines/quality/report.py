"""The run's quality report: one HTML page without a host, a script or a value of the data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from html import escape
from pathlib import Path

from pipelines.files import PRIVATE_FILE, make_private_folder, write_whole
from pipelines.quality.verdict import CRITICAL, RuleResult, Verdict

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --good: #197a3d; --bad: #b3261e; --warn: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --good: #6fd08c; --bad: #ff8a80; --warn: #f0b952; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 2rem; }
caption { text-align: left; padding: .3rem 0; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid var(--line); }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
.why { font-size: .875rem; opacity: .85; } code { font-size: .9em; overflow-wrap: anywhere; }
summary { cursor: pointer; } @media print { details { display: block; } }
"""


def write_report(verdicts: Sequence[Verdict], path: Path, *, day: date, at: datetime) -> None:
    """Write the page of the run of `day`, finished `at` (an instant), to `path` in one step, mode 0600."""
    make_private_folder(path.parent)
    write_whole(path, _page(verdicts, day, at).encode(), mode=PRIVATE_FILE)


def _page(verdicts: Sequence[Verdict], day: date, at: datetime) -> str:
    sections = "".join(_section(number, verdict) for number, verdict in enumerate(verdicts, start=1))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>Data quality, run of {day.isoformat()}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>Data quality, run of {day.isoformat()}</h1>\n"
        f"<p>Written {escape(at.isoformat(sep=' ', timespec='seconds'))}. Counts only: the rows that broke "
        "a rule are in the vault's quarantine, with the rule's name.</p>\n"
        f"{_summary(verdicts)}{sections}</body>\n</html>\n"
    )


def _summary(verdicts: Sequence[Verdict]) -> str:
    if not verdicts:
        return "<p>No table was checked in this run.</p>\n"
    rows = "".join(
        f'<tr><th scope="row"><a href="#{number}-{escape(verdict.table)}">{escape(verdict.table)}</a></th>'
        f"{_number(verdict.rows)}{_number(len(verdict.rules))}{_number(verdict.quarantined)}"
        f"<td>{_judgement(verdict)}</td></tr>\n"
        for number, verdict in enumerate(verdicts, start=1)
    )
    return (
        '<table>\n<caption>All tables of the run</caption>\n<thead><tr><th scope="col">Table</th>'
        '<th scope="col" class="number">Rows</th><th scope="col" class="number">Rules</th>'
        '<th scope="col" class="number">Rows to quarantine</th><th scope="col">Verdict</th></tr></thead>\n'
        f"<tbody>\n{rows}</tbody>\n</table>\n"
    )


def _judgement(verdict: Verdict) -> str:
    if verdict.failed_critical or verdict.unchecked:
        stopped = len({rule.rule for rule in (*verdict.failed_critical, *verdict.unchecked)})
        return f'<strong class="bad">✗ stopped by {_counted(stopped, "rule")}</strong>'
    if warned := sum(not rule.is_met for rule in verdict.rules):
        return f'<span class="warn">! taken, {_counted(warned, "warning")}</span>'
    return '<span class="good">✓ all rules met</span>'


def _section(number: int, verdict: Verdict) -> str:
    broken = [rule for rule in verdict.rules if not rule.is_met or rule.could_not_check]
    met = [rule for rule in verdict.rules if rule not in broken]
    parts = [f'<h2 id="{number}-{escape(verdict.table)}">{escape(verdict.table)}</h2>\n']
    if broken:
        parts.append(_rules("Rules that were broken or not checked", broken))
    if met:
        opened = "" if broken else " open"
        parts.append(
            f"<details{opened}><summary>{_counted(len(met), 'rule')} met</summary>\n"
            f"{_rules('Rules met', met)}</details>\n"
        )
    return "".join(parts)


def _rules(caption: str, rules: Sequence[RuleResult]) -> str:
    rows = "".join(
        f'<tr><th scope="row"><code>{escape(rule.rule)}</code><div class="why">{escape(rule.why)}</div></th>'
        f"<td><code>{escape(rule.column)}</code></td><td>{escape(rule.severity)}</td>"
        f"{_number(rule.rows)}{_number(rule.failing_rows)}<td>{_finding(rule)}</td></tr>\n"
        for rule in rules
    )
    return (
        f'<table>\n<caption>{caption}</caption>\n<thead><tr><th scope="col">Rule, and why it is there</th>'
        '<th scope="col">Column</th><th scope="col">Severity</th><th scope="col" class="number">Rows '
        'seen</th><th scope="col" class="number">Rows failing</th><th scope="col">Finding</th></tr></thead>\n'
        f"<tbody>\n{rows}</tbody>\n</table>\n"
    )


def _finding(rule: RuleResult) -> str:
    if rule.could_not_check:
        return '<strong class="bad">? could not be checked</strong>'
    if rule.is_met:
        return '<span class="good">✓ met</span>'
    if rule.severity == CRITICAL:
        return '<strong class="bad">✗ broken</strong>'
    return '<span class="warn">! broken</span>'


def _number(number: int) -> str:
    return f'<td class="number">{number:,}</td>'


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
