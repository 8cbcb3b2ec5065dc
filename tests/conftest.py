"""A real installation for each test that asks for one: real keys, real sealed stores, no mocks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings

from pipelines.installation import Installation
from pipelines.vault import Keyring, Vault, create_master_key, load_master_key

# `make test` tries the same examples each time, however busy the machine is: what it says of a commit stays
# true. The long tests explore.
settings.register_profile("charter", derandomize=True, deadline=None)
settings.load_profile("charter")

# Files that take a minute and more begin first, so that no worker is left alone with one at the end.
_LONGEST_FIRST = (
    "test_airflow_local.py",
    "test_nightly.py",
    "test_readme.py",
    "test_backups.py",
    "test_nights.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the others stay as they are."""
    places = {name: place for place, name in enumerate(_LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


@pytest.fixture
def at() -> datetime:
    """The instant at which a test's work is done."""
    return datetime(2026, 11, 22, 1, 0, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty CHARTER_HOME, named in the environment, with nothing of the user's in it."""
    for name in [name for name in os.environ if name.startswith("CHARTER_")]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("CHARTER_HOME", str(home))
    return home


@pytest.fixture
def installation(home: Path) -> Installation:
    """What `charter init` makes."""
    return Installation.create(os.environ)


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    """A keyring with a master key of its own."""
    create_master_key(tmp_path / "keys")
    return Keyring(tmp_path / "keys", load_master_key({}, tmp_path / "keys"))


@pytest.fixture
def vault(tmp_path: Path, keyring: Keyring) -> Iterator[Vault]:
    """An empty vault; at the end nothing temporary may be left in it."""
    vault = Vault(tmp_path / "vault", keyring)
    vault.recognise()
    yield vault
    scratch = tmp_path / "vault" / "tmp"
    assert not scratch.exists() or [path.name for path in scratch.iterdir()] in ([], [".guard"])
