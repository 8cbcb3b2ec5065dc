"""Each promise of the charter has a test that guards it, or says that it has none, and why."""

from __future__ import annotations

import ast
import tomllib
from functools import cache
from pathlib import Path

import pytest

from pipelines.charter import Charter, load
from pipelines.places import SOURCE_ROOT

BOOK = Path(__file__).with_name("clauses.toml")
CLAIMS: dict[str, dict[str, object]] = tomllib.loads(BOOK.read_text(encoding="utf-8"))
KINDS = {"tests", "not_yet", "text_only"}


def named_by(clause: str) -> list[str]:
    named = CLAIMS[clause].get("tests", [])
    assert isinstance(named, list)
    return named


@cache
def charter() -> Charter:
    return load(SOURCE_ROOT / "charter.toml")


@cache
def functions_of(path: str) -> frozenset[str]:
    tree = ast.parse((SOURCE_ROOT / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_every_clause_is_listed_once_and_none_is_unknown() -> None:
    listed = [line.strip("[]") for line in BOOK.read_text(encoding="utf-8").splitlines() if line[:1] == "["]
    assert sorted(listed) == sorted(charter().clauses)


@pytest.mark.parametrize("clause", CLAIMS)
def test_a_clause_says_what_stands_behind_it(clause: str) -> None:
    said = CLAIMS[clause]
    assert said
    assert said.keys() <= KINDS
    assert "text_only" not in said or len(said) == 1
    assert all(said.values())


@pytest.mark.parametrize("clause", [clause for clause in CLAIMS if named_by(clause)])
def test_every_test_named_exists(clause: str) -> None:
    for named in named_by(clause):
        path, _, function = named.partition("::")
        assert (SOURCE_ROOT / path).is_file(), f"{clause} names {path}, which does not exist"
        assert function in functions_of(path), (
            f"{clause} names {named}, which does not exist: correct clauses.toml"
        )


@pytest.mark.parametrize("clause", [clause for clause in CLAIMS if "not_yet" in CLAIMS[clause]])
def test_a_reference_to_another_clause_leads_to_one_that_explains(clause: str) -> None:
    said = str(CLAIMS[clause]["not_yet"])
    if said.startswith("as for "):
        other = said.removeprefix("as for ").partition(" ")[0]
        assert not str(CLAIMS[other].get("not_yet", "as for")).startswith("as for")


def test_a_clause_that_a_rule_of_the_charter_carries_out_is_not_mere_text() -> None:
    rules = charter()
    in_force = {
        rule.clause
        for part in (rules.purposes, rules.retention, rules.recipients, rules.rights, rules.categories)
        for rule in part.values()
        if rule.clause is not None
    }
    assert [clause for clause in sorted(in_force) if "text_only" in CLAIMS[clause]] == []


def test_tests_named_for_a_clause_are_listed_under_it() -> None:
    """A test of tests/claims/test_promises.py begins with the clause that it is about."""
    promises = "tests/claims/test_promises.py"
    named = {test for clause in CLAIMS for test in named_by(clause)}
    tests = {name for name in functions_of(promises) if name.startswith("test_")}
    assert {f"{promises}::{name}" for name in tests} <= named
