from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from pipelines.errors import CharterFileError, ConfigurationError, KeyringError
from pipelines.installation import Installation
from pipelines.places import SOURCE_ROOT, Places

FOLDERS = ["keys", "landing", "ledger", "releases", "reports", "vault"]


def test_init_makes_private_folders_and_a_private_master_key(home: Path) -> None:
    installation = Installation.create(os.environ)
    assert sorted(path.name for path in (home / "data").iterdir()) == FOLDERS
    for folder in (home / "data").rglob("*"):
        if folder.is_dir():
            assert folder.stat().st_mode & 0o777 == 0o700, folder
    master = installation.places.keys / "master.key"
    assert master.stat().st_mode & 0o777 == 0o600
    assert len(base64.b64decode(master.read_bytes())) == 32


def test_init_again_keeps_the_key_and_what_it_sealed(installation: Installation) -> None:
    key = installation.keyring.ensure("fingerprint")
    again = Installation.create(os.environ)
    assert again.keyring.open("fingerprint") == key


def test_two_installations_have_two_master_keys(home: Path, tmp_path: Path) -> None:
    one, other = (Installation.create({"CHARTER_HOME": str(tmp_path / name)}) for name in ("one", "other"))
    first, second = ((i.places.keys / "master.key").read_bytes() for i in (one, other))
    assert first != second


def test_without_master_key_nothing_opens(home: Path) -> None:
    with pytest.raises(KeyringError, match="charter init"):
        Installation.open(os.environ)


def test_without_charter_nothing_opens(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARTER_FILE", str(installation.places.reports / "none.toml"))
    with pytest.raises(CharterFileError):
        Installation.open(os.environ)


@pytest.mark.parametrize("name", FOLDERS)
def test_each_folder_can_be_moved_by_itself(name: str, home: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "volume"
    places = Installation.create({**os.environ, f"CHARTER_{name.upper()}": str(elsewhere)}).places
    assert getattr(places, name) == elsewhere
    assert elsewhere.is_dir()
    assert not (home / "data" / name).exists()


def test_the_policy_of_the_home_comes_before_that_of_the_checkout(home: Path) -> None:
    assert Places.from_environment(os.environ).charter_file == SOURCE_ROOT / "charter.toml"
    (home / "charter.toml").touch()
    assert Places.from_environment(os.environ).charter_file == home / "charter.toml"
    named = {**os.environ, "CHARTER_FILE": str(home / "other.toml")}
    assert Places.from_environment(named).charter_file == home / "other.toml"


def test_the_ledger_head_is_kept_beside_the_keys(installation: Installation) -> None:
    from datetime import UTC, datetime

    installation.ledger.append("night_opened", day=None, at=datetime(2026, 11, 22, tzinfo=UTC), night="x")
    assert (installation.places.keys / "ledger.head").is_file()
    assert not (installation.places.ledger / "ledger.head").exists()


def test_more_memory_may_be_given_to_each_step(installation: Installation) -> None:
    def limit(environ: dict[str, str]) -> str:
        with Installation.open({**os.environ, **environ}).vault.workshop(memory_mb=64) as workshop:
            return str(workshop.connection.execute("SELECT current_setting('memory_limit')").fetchall()[0][0])

    assert limit({}) == limit({"CHARTER_MEMORY_MB": "16"}) == "61.0 MiB"  # 64 MB
    assert limit({"CHARTER_MEMORY_MB": "128"}) == "122.0 MiB"


@pytest.mark.parametrize("text", ["1 GB", "-1", "0.5", "²"])
def test_memory_that_is_no_number_says_what_is_to_be_written(installation: Installation, text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"CHARTER_MEMORY_MB is to be a whole number of megabytes"):
        Installation.open({**os.environ, "CHARTER_MEMORY_MB": text})
