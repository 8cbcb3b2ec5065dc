"""The lock files: every pin hashed, no host named, the image's a part of the whole."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ["requirements.lock", "deploy/requirements.lock"]
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[a-z0-9,._-]+\])?==([^\s;\\]+)", re.MULTILINE)


def pins(name: str) -> set[tuple[str, str]]:
    return set(PIN.findall((ROOT / name).read_text()))


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_host_and_no_path(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.search(r"://|^-|^\.|^/|\s@\s|localhost|find-links|index-url", text, re.MULTILINE)


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_of_a_lock_is_hashed(name: str) -> None:
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / name).read_text())
    assert len(entries) > 150
    for entry in entries:
        assert PIN.match(entry), entry[:60]
        assert "--hash=sha256:" in entry, entry[:60]


def test_the_image_gets_what_was_tested_and_no_tools() -> None:
    whole, image = (pins(name) for name in LOCKS)
    assert image < whole
    assert not {"pytest", "mypy", "ruff", "hypothesis", "setuptools"} & {name for name, _ in image}
    assert {"apache-airflow", "duckdb", "psycopg2-binary"} <= {name for name, _ in image}


def test_duckdb_and_its_extension_are_of_one_version() -> None:
    found = dict(pins("requirements.lock"))
    assert {found[name] for name in ("duckdb", "duckdb-extensions", "duckdb-extension-httpfs")} == {"1.5.5"}


def test_every_declared_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = project["dependencies"] + [
        d for extra in project["optional-dependencies"].values() for d in extra
    ]
    locked = {name for name, _ in pins("requirements.lock")}
    assert {re.split(r"[<>=]", dependency)[0] for dependency in declared} <= locked


def test_every_ruff_exception_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    section = text[text.index("ignore = [") : text.index("[tool.mypy]")]
    bare = [line for line in section.splitlines() if re.match(r'\s+"[A-Z]+[0-9]*",\s*$', line)]
    assert bare == []
