from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines import doctor
from pipelines.installation import Installation
from pipelines.places import SOURCE_ROOT

ALL = [
    "Python", "charter.toml", "log formats", "expectations", "folders", "keys apart", "master key", "encryption", "disk", "ledger",
    "stores", "landing", "release",
]  # fmt: skip


def ill() -> dict[str, str]:
    return {finding.name: finding.said for finding in doctor.examine(os.environ) if not finding.is_well}


def said(name: str) -> str:
    (found,) = [finding.said for finding in doctor.examine(os.environ) if finding.name == name]
    return found


def test_after_init_all_is_well(installation: Installation) -> None:
    assert ill() == {}
    assert [finding.name for finding in doctor.examine(os.environ)] == ALL


def test_before_init_each_thing_missing_is_said_once_with_its_cure(home: Path) -> None:
    missing = ill()
    assert "charter init" in missing["folders"]
    assert "CHARTER_MASTER_KEY_FILE" in missing["master key"]
    for name in ("keys apart", "encryption", "ledger", "stores", "landing"):
        assert missing.pop(name) == "not looked at: needs folders, above."
    assert missing.keys() == {"folders", "master key"}


def open_to_others(installation: Installation) -> None:
    installation.places.vault.chmod(0o755)


def remove_ledger(installation: Installation) -> None:
    shutil.rmtree(installation.places.ledger)


def alter_ledger(installation: Installation) -> None:
    installation.ledger.append("night_opened", day=None, at=AT, night="x")
    path = installation.places.ledger / "ledger.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"x"', b'"y"'))


def open_master_key(installation: Installation) -> None:
    (installation.places.keys / "master.key").chmod(0o644)


def break_charter(installation: Installation) -> None:
    text = (SOURCE_ROOT / "charter.toml").read_text(encoding="utf-8")
    home = Path(os.environ["CHARTER_HOME"])
    (home / "charter.toml").write_text(text.replace("threshold = 10 ", "threshold = 0 "), encoding="utf-8")


def misspell_log_format(installation: Installation) -> None:
    text = (SOURCE_ROOT / "charter.toml").read_text(encoding="utf-8")
    named = "\n[traffic.formats.own]\ndirective = 'LogFormat \"%h %t %nonsense\"'\n"
    (Path(os.environ["CHARTER_HOME"]) / "charter.toml").write_text(text + named, encoding="utf-8")


def lose_key_of_a_store(installation: Installation) -> None:
    with installation.vault.workshop(memory_mb=64, threads=1) as workshop:
        workshop.revise("contacts", {})
    for name in installation.keyring.names("stores/contacts/"):
        installation.keyring.shred(name)


def lose_release(installation: Installation) -> None:
    (installation.places.releases / "current").symlink_to("gone")


AT = datetime.fromisoformat("2026-11-22T01:00:00+00:00")


@pytest.mark.parametrize(
    ("harm", "name", "cure"),
    [
        (open_to_others, "folders", "chmod 700"),
        (remove_ledger, "folders", "charter init"),
        (alter_ledger, "ledger", "line 1 was altered"),
        (open_master_key, "master key", "chmod 600"),
        (break_charter, "charter.toml", "line "),
        (misspell_log_format, "log formats", "traffic.formats.own.directive"),
        (lose_key_of_a_store, "stores", "shredded"),
        (lose_release, "release", "another release folder"),
    ],
)
def test_what_is_wrong_is_found_with_its_cure(
    harm: Callable[[Installation], None], name: str, cure: str, installation: Installation
) -> None:
    harm(installation)
    assert cure in ill()[name]


def test_keys_inside_the_vault_are_refused(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside = installation.places.vault / "keys"
    shutil.copytree(installation.places.keys, inside)
    monkeypatch.setenv("CHARTER_KEYS", str(inside))
    assert "CHARTER_KEYS" in ill()["keys apart"]


def test_a_disk_that_is_nearly_full_is_said(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=(2 << 30) - 1))
    assert "stops the legal purge" in ill()["disk"]
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=2 << 30))
    assert ill() == {}


def test_a_check_that_fails_in_its_own_way_stops_no_other_and_quotes_nothing(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_words: object) -> None:
        raise ValueError("marie@example.org")

    monkeypatch.setattr(type(installation.ledger), "verify", fail)
    assert "ValueError" in ill()["ledger"]
    assert "marie" not in ill()["ledger"]


def test_landing_counts_what_waits_and_not_what_is_being_written(installation: Installation) -> None:
    assert said("landing") == "empty"
    (installation.places.landing_traffic / "www").mkdir()
    (installation.places.landing_traffic / "www" / "access.log").touch()
    (installation.places.landing_contacts / ".people.csv").touch()
    assert said("landing") == "1 files wait for the next night"
