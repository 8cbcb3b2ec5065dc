"""Expectation suites: JSON files that a non-programmer reads, loaded into rules that refuse surprises.

Only the expectations listed here may be used: none of them runs SQL of its own, and none of
them needs a value of the data to say what it found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines import catalog
from pipelines.errors import CatalogError, QualityError
from pipelines.quality.verdict import CRITICAL, WARNING


@dataclass(frozen=True)
class _Kind:
    """An expectation that a suite may use: its arguments, and whether it judges rows one by one."""

    required: frozenset[str]
    optional: frozenset[str] = frozenset()
    is_row_rule: bool = True


def _kind(required: str, optional: str = "", *, is_row_rule: bool = True) -> _Kind:
    return _Kind(frozenset(required.split()), frozenset(optional.split()), is_row_rule)


_TYPE_RULE = "expect_column_values_to_be_of_type"
_NOT_NULL_RULE = "expect_column_values_to_not_be_null"
_COLUMNS_RULE = "expect_table_columns_to_match_set"
_BOUNDS = "min_value max_value strict_min strict_max row_condition"

KINDS: Mapping[str, _Kind] = {
    _NOT_NULL_RULE: _kind("column", "row_condition"),
    "expect_column_values_to_be_null": _kind("column", "row_condition"),
    "expect_column_values_to_be_in_set": _kind("column value_set", "row_condition"),
    "expect_column_values_to_be_between": _kind("column", _BOUNDS),
    "expect_column_value_lengths_to_be_between": _kind("column", _BOUNDS),
    "expect_column_values_to_match_regex": _kind("column regex", "row_condition"),
    "expect_column_values_to_not_match_regex": _kind("column regex", "row_condition"),
    "expect_column_pair_values_a_to_be_greater_than_b": _kind("column_A column_B or_equal ignore_row_if"),
    _TYPE_RULE: _kind("column type_", is_row_rule=False),
    "expect_column_values_to_be_unique": _kind("column", is_row_rule=False),
    "expect_compound_columns_to_be_unique": _kind("column_list", is_row_rule=False),
    _COLUMNS_RULE: _kind("column_set exact_match", is_row_rule=False),
}
_SUITE_KEYS = {"name", "meta", "expectations"}
_RULE_KEYS = {"type", "kwargs", "severity", "meta"}


@dataclass(frozen=True)
class Rule:
    """One expectation of a suite, with the name and reason that the report shows."""

    name: str
    why: str
    severity: str
    type: str
    kwargs: Mapping[str, Any]
    line: int

    @property
    def is_row_rule(self) -> bool:
        """Whether it says of each row by itself if it is good."""
        return KINDS[self.type].is_row_rule

    @property
    def judged(self) -> tuple[str, ...]:
        """The columns that the rule judges."""
        single = [self.kwargs[key] for key in ("column", "column_A", "column_B") if key in self.kwargs]
        return (*single, *self.kwargs.get("column_list", ()), *self.kwargs.get("column_set", ()))

    @property
    def columns(self) -> frozenset[str]:
        """Every column that the rule reads."""
        return frozenset(self.judged) | frozenset(_condition_columns(self.kwargs.get("row_condition")))

    @property
    def shown_columns(self) -> str:
        """The columns as a reader of the report sees them; a rule on the whole table shows none."""
        return "" if self.type == _COLUMNS_RULE else ", ".join(self.judged)


@dataclass(frozen=True)
class Suite:
    """The rules of one table, in the order of the file."""

    name: str
    file_name: str
    rules: tuple[Rule, ...]


def load(expectations: Path, name: str) -> Suite:
    """Read the suite `name`; QualityError names the file and the line at fault."""
    path = expectations / f"{name}.json"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise QualityError(
            f"the expectation suite {path.name} cannot be read: restore it in {expectations.name}/."
        ) from None
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise _fault(path.name, error.lineno, f"is not JSON ({error.msg})") from None
    lines = [text.count("\n", 0, found.start()) + 1 for found in re.finditer(r'"type"\s*:\s*"expect', text)]
    return _suite(path.name, name, content, lines)


def searched(pattern: str) -> str:
    """Return what the whole of a text matches where a suite's `pattern` is found in it, as readers expect."""
    return f"(?s:.*)(?:{pattern})(?s:.*)"


def check_suites(expectations: Path) -> None:
    """Raise unless every suite loads, every name in it is declared, and the types are the catalog's."""
    names = sorted(path.stem for path in expectations.glob("*.json"))
    if not names:
        raise QualityError(f"there is no expectation suite in {expectations.name}/: restore the folder.")
    for name in names:
        suite = load(expectations, name)
        declared = _declared_columns(suite)
        for rule in suite.rules:
            if unknown := rule.columns - declared.keys():
                raise CatalogError(
                    f"{suite.file_name} line {rule.line}: rule {rule.name} names the column "
                    f"{', '.join(sorted(unknown))}, which is not declared: mend the rule or declare it."
                )
            _check_against(declared, suite, rule)


def _declared_columns(suite: Suite) -> dict[str, catalog.Column | None]:
    # A published measure is not in the catalog (it holds no personal data): its own rule on the
    # set of columns declares them.
    known = {table.name: table for table in catalog.TABLES}
    listed = [rule for rule in suite.rules if rule.type == _COLUMNS_RULE]
    if not listed:
        raise QualityError(f"{suite.file_name} has no {_COLUMNS_RULE}: add it, so that drift is seen.")
    if suite.name not in known:
        return dict.fromkeys(listed[0].judged)
    declared = {column.name: column for column in known[suite.name].columns}
    if missing := declared.keys() - set(listed[0].judged):
        raise CatalogError(
            f"{suite.file_name} line {listed[0].line}: the columns lack {', '.join(sorted(missing))}, "
            "which catalog.py declares: add it."
        )
    return dict(declared)


def _check_against(declared: Mapping[str, catalog.Column | None], suite: Suite, rule: Rule) -> None:
    column = declared.get(rule.kwargs.get("column", ""))
    if column is None:
        return
    if rule.type == _TYPE_RULE and rule.kwargs["type_"] != column.type:
        wrong = f"catalog.py declares {column.type}"
    elif rule.type == _NOT_NULL_RULE and column.nullable and "row_condition" not in rule.kwargs:
        wrong = "catalog.py lets it be null"
    else:
        return
    raise CatalogError(f"{suite.file_name} line {rule.line}: rule {rule.name} on {column.name}, but {wrong}.")


def _suite(file_name: str, name: str, content: Any, lines: list[int]) -> Suite:
    if not isinstance(content, dict) or not content.keys() <= _SUITE_KEYS or content.get("name") != name:
        raise _fault(file_name, 1, f'must be an object with "name": "{name}" and {sorted(_SUITE_KEYS)} alone')
    found = content.get("expectations")
    if not isinstance(found, list) or not found:
        raise _fault(file_name, 1, "has no list of expectations")
    # A rule whose "type" cannot be found has no line of its own: it is shown at the file's first.
    places = [*lines, *[1] * len(found)]
    rules = tuple(_rule(file_name, line, raw) for line, raw in zip(places, found, strict=False))
    seen: set[str] = set()
    for rule in rules:
        if rule.name in seen:
            raise _fault(file_name, rule.line, f"has a second rule called {rule.name}")
        seen.add(rule.name)
    return Suite(name, file_name, rules)


def _rule(file_name: str, line: int, raw: Any) -> Rule:
    def refuse(reason: str) -> QualityError:
        return _fault(file_name, line, reason)

    if not isinstance(raw, dict) or raw.keys() != _RULE_KEYS:
        raise refuse(f"has a rule whose keys are not exactly {sorted(_RULE_KEYS)}")
    kind = KINDS.get(raw["type"]) if isinstance(raw["type"], str) else None
    if kind is None:
        raise refuse("uses an expectation that pipelines/quality/suites.py does not list")
    if raw["severity"] not in (CRITICAL, WARNING):
        raise refuse(f'has a rule whose severity is neither "{CRITICAL}" nor "{WARNING}"')
    if raw["severity"] == WARNING and not kind.is_row_rule:
        raise refuse(f"has a rule on the whole table as {WARNING}: there are no rows to quarantine")
    return Rule(
        *_name_and_reason(refuse, raw["meta"]),
        raw["severity"],
        raw["type"],
        _arguments(refuse, kind, raw["kwargs"]),
        line,
    )


def _name_and_reason(refuse: Any, meta: Any) -> tuple[str, str]:
    if (
        not isinstance(meta, dict)
        or meta.keys() != {"rule", "why"}
        or not all(isinstance(text, str) and text for text in meta.values())
    ):
        raise refuse('has a rule whose "meta" is not exactly a "rule" (its name) and a "why"')
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,79}", meta["rule"]):
        raise refuse("has a rule whose name is not of the form lower_case_words")
    return meta["rule"], meta["why"]


def _arguments(refuse: Any, kind: _Kind, kwargs: Any) -> dict[str, Any]:
    if not isinstance(kwargs, dict) or not kind.required <= kwargs.keys() <= kind.required | kind.optional:
        wanted = ", ".join(sorted(kind.required))
        raise refuse(
            f"has a rule whose kwargs are not {wanted}"
            + (f" (and perhaps {', '.join(sorted(kind.optional))})" if kind.optional else "")
        )
    if "regex" in kwargs:
        try:
            re.compile(kwargs["regex"])
        except (re.error, TypeError):
            raise refuse("has a rule whose regex is not a regular expression") from None
    return dict(kwargs)


def _condition_columns(condition: Any) -> Iterator[str]:
    if isinstance(condition, dict):
        if "column" in condition:
            yield condition["column"]["name"]
        for part in condition.get("conditions", ()):
            yield from _condition_columns(part)


def _fault(file_name: str, line: int, reason: str) -> QualityError:
    return QualityError(f"{file_name} line {line} {reason}: mend the suite.")
