"""Verdicts kept between the steps of a night, which may run in different processes: names and counts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from pipelines.files import make_private_folder, write_whole
from pipelines.quality.verdict import RuleResult, Verdict


def keep(verdict: Verdict, folder: Path, part: str) -> None:
    """Keep the verdict on one part of a table; the same part judged again replaces it."""
    make_private_folder(folder)
    write_whole(folder / f"{verdict.table}.{part}.json", json.dumps(asdict(verdict)).encode())


def kept(folder: Path) -> list[Verdict]:
    """Return one verdict a table, its parts added up, by name."""
    tables: dict[str, Verdict] = {}
    for path in sorted(folder.glob("*.json")):
        fields = json.loads(path.read_bytes())
        rules = tuple(RuleResult(**rule) for rule in fields.pop("rules"))
        verdict = Verdict(rules=rules, **fields)
        known = tables.get(verdict.table)
        tables[verdict.table] = verdict if known is None else _added(known, verdict)
    return [tables[name] for name in sorted(tables)]


def _added(one: Verdict, other: Verdict) -> Verdict:
    return Verdict(
        table=one.table,
        rows=one.rows + other.rows,
        rules=tuple(_merged(one.rules, other.rules)),
        quarantined=one.quarantined + other.quarantined,
    )


def _merged(some: Sequence[RuleResult], others: Sequence[RuleResult]) -> list[RuleResult]:
    merged = {rule.rule: rule for rule in some}
    for rule in others:
        known = merged.get(rule.rule)
        merged[rule.rule] = (
            rule
            if known is None
            else replace(
                known,
                is_met=known.is_met and rule.is_met,
                rows=known.rows + rule.rows,
                failing_rows=known.failing_rows + rule.failing_rows,
                could_not_check=known.could_not_check or rule.could_not_check,
            )
        )
    return list(merged.values())
