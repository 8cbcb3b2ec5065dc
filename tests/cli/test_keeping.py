"""`charter verify`, `certificate`, `backup` and `keys`, as an engineer and a DPO use them."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.installation import Installation
from tests.literal import seal_rows

DAY = "2026-11-22"


@pytest.fixture
def purged(charter: Any, installation: Installation) -> str:
    """An installation in which a day was purged; the name of its certificate."""
    for day in (date(2025, 11, 21), date(2026, 11, 21)):
        seal_rows(installation, f"traffic/{day}", {"hits": [{"line": 1}], "loads": [{"accepted": 1}]})
    token = charter("purge", "plan", "--day", DAY).out.split()[-1]
    assert charter("purge", "apply", token, "--day", DAY).code == 0
    return str(charter("certificate", "list").out.split()[-1])


def test_everything_is_checked_and_a_fault_ends_in_an_exit_code(
    charter: Any, purged: str, installation: Installation
) -> None:
    well = charter("verify", "--day", DAY)
    assert (well.code, well.err) == (0, "")
    assert [line.split()[:2] for line in well.out.splitlines()] == [
        ["well", name]
        for name in ("ledger", "certificates", "purges", "destroyed", "generations", "files", "stores", "due")
    ]
    (installation.vault.root / "stray").write_text("x")
    ill = charter("verify", "--day", DAY)
    assert ill.code != 0
    assert "ILL     files" in ill.out
    assert "1 of 8 checks are not well" in ill.error_line


def test_a_certificate_is_shown_and_checked_here_and_by_an_inspector(
    charter: Any, purged: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = charter("certificate", "show", purged, str(tmp_path))
    assert [Path(line).suffix for line in shown.out.splitlines()] == [".html", ".pdf", ".json"]
    file = tmp_path / f"{purged}.json"
    assert "known to the ledger" in charter("certificate", "verify", str(file)).out
    key = charter("certificate", "key").out.strip()
    monkeypatch.setenv("CHARTER_HOME", str(tmp_path / "a machine without an installation"))
    assert "holds: purge-2026-11-22" in charter("certificate", "verify", str(file), "--key", key).out
    file.write_text(file.read_text().replace('"still_present": 0', '"still_present": 1'))
    assert "does not hold" in charter("certificate", "verify", str(file), "--key", key).error_line
    assert "no public key" in charter("certificate", "verify", str(file), "--key", "x").error_line


def test_a_vault_is_lost_and_put_back(
    charter: Any, purged: str, installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "set CHARTER_BACKUP" in charter("backup", "make").error_line
    monkeypatch.setenv("CHARTER_BACKUP", str(tmp_path / "elsewhere"))
    assert charter("backup", "make").out == "1 files, 1 copied, 0 removed\n"
    assert "1 stores, 2 rows open" in charter("backup", "drill").out
    assert "well    backup        every file is as it was signed" in charter("verify", "--day", DAY).out
    shutil.rmtree(installation.vault.root)
    assert "mount CHARTER_VAULT" in charter("nightly", "--day", DAY).error_line
    assert charter("backup", "restore").out.startswith("1 stores are back and open.\n")
    assert charter("verify", "--day", DAY).code == 0


def test_keys_are_exchanged(charter: Any, purged: str, installation: Installation) -> None:
    before = installation.places.keys.joinpath("master.key").read_bytes()
    assert "wrapped with the new master key" in charter("keys", "rotate-master").out
    assert installation.places.keys.joinpath("master.key").read_bytes() != before
    assert charter("keys", "rotate-stores").out == "1 stores have a fresh key.\n"
    assert charter("verify", "--day", DAY).code == 0


def test_a_master_key_from_outside_is_exchanged_with_the_new_one_named(
    charter: Any, purged: str, installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, new = tmp_path / "old", tmp_path / "new"
    installation.places.keys.joinpath("master.key").rename(outside)
    monkeypatch.setenv("CHARTER_MASTER_KEY_FILE", str(outside))
    assert "provided from outside" in charter("keys", "rotate-master").error_line
    new.write_text("A" * 43 + "=")
    new.chmod(0o600)
    assert charter("keys", "rotate-master", "--new", str(new)).code == 0
    assert "another one" in charter("verify", "--day", DAY).out
    monkeypatch.setenv("CHARTER_MASTER_KEY_FILE", str(new))
    assert charter("verify", "--day", DAY).code == 0
