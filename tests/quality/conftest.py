"""A hardened connection, as the vault makes it, and suites of a test's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from duckdb_extensions import import_extension

from pipelines.places import SOURCE_ROOT

EXPECTATIONS = SOURCE_ROOT / "expectations"


@pytest.fixture(scope="session", autouse=True)
def engine() -> Any:
    """Great Expectations, imported once: it takes seconds."""
    import pipelines.quality.engine

    return pipelines.quality.engine


@pytest.fixture
def expectations() -> Path:
    return EXPECTATIONS


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory connection with an encrypted store `sealed` attached, no access outside, locked."""
    import_extension("httpfs")
    vault = tmp_path / "vault"
    vault.mkdir()
    opened = duckdb.connect(
        ":memory:", config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )
    for statement in (
        "LOAD httpfs",
        "SET TimeZone='UTC'",
        f"SET temp_directory='{vault / 'spill'}'",
        "SET temp_file_encryption=true",
        f"SET allowed_directories=['{vault}']",
        "SET enable_external_access=false",
        "SET python_enable_replacements=false",
        "SET lock_configuration=true",
        f"ATTACH '{vault}/sealed.duckdb' AS sealed (ENCRYPTION_KEY 'test')",
    ):
        opened.execute(statement)
    yield opened
    opened.close()


@pytest.fixture
def own_suite(tmp_path: Path) -> Callable[..., Path]:
    """Write a suite called `own` of the given rules and return its folder."""

    def write(*rules: dict[str, Any]) -> Path:
        folder = tmp_path / "expectations"
        folder.mkdir(exist_ok=True)
        (folder / "own.json").write_text(json.dumps({"name": "own", "meta": {}, "expectations": list(rules)}))
        return folder

    return write


def rule(name: str, expectation: str, severity: str = "warning", **kwargs: Any) -> dict[str, Any]:
    """Return one expectation as a suite writes it."""
    return {
        "type": expectation,
        "kwargs": kwargs,
        "severity": severity,
        "meta": {"rule": name, "why": "a test"},
    }


def asked_alone(_connection: Any, _relation: str, ask: Any, rules: Any, *_more: Any) -> Any:
    """Stand where the shortcuts do, and take none."""
    return ask(rules)


@pytest.fixture
def make_rule() -> Callable[..., dict[str, Any]]:
    return rule
