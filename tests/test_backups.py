"""Backups: a vault lost is a vault back, a day purged is not, and no kill leaves less than there was."""

from __future__ import annotations

import shutil
import uuid
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines import backups, catalog, retention
from pipelines.errors import ConfigurationError, LedgerError, VaultError
from pipelines.installation import Installation
from pipelines.vault import rotate_master_key, rotate_stores
from tests.killing_steps import killed_at_every_step
from tests.literal import seal_rows

DAY, AT = date(2026, 11, 22), datetime(2026, 11, 22, 1, tzinfo=UTC)
GONE, KEPT = "traffic/2025-11-21", "traffic/2026-11-21"
OLD, NEW = datetime(2020, 1, 1), datetime(2026, 11, 1)  # noqa: DTZ001 the vault is naive UTC


def fill(installation: Installation) -> None:
    """One traffic day that is due and one that is not; one person who is due and two who are not."""
    hits = [{"line": number, "path": f"/canary/{number}"} for number in range(5)]
    for store in (GONE, KEPT):
        seal_rows(installation, store, {"hits": hits, "loads": [{"accepted": 5}]})
    people = [
        {"person_id": str(uuid.UUID(int=number)), "name": f"canary {number}", "first_seen_at": OLD,
         "last_contact_at": at, "last_written_at": at}
        for number, at in ((1, OLD), (2, NEW), (3, NEW))
    ]  # fmt: skip
    seal_rows(installation, "contacts", {"people": people})
    seal_rows(installation, "rights", {"requests": [{"request_id": "R-2222-2222", "answered_on": DAY}]})


def contents(installation: Installation) -> dict[str, Any]:
    """Everything that the vault holds."""
    found = {}
    with installation.vault.workshop() as workshop:
        for kind in ("traffic", "contacts", "rights"):
            for store in installation.vault.stores(kind):
                workshop.open(store, archive=True)
                for table in catalog.tables_of(kind):
                    rows = workshop.connection.execute(f"SELECT * FROM {table.name} ORDER BY ALL").fetchall()
                    found[f"{store} {table.name}"] = rows
    return found


def purge(installation: Installation) -> retention.Verification:
    plan = retention.plan(installation, day=DAY)
    retention.apply(installation, plan, token=plan.token, at=AT, by_human=True)
    return retention.verify(installation, day=DAY, at=AT)


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere"


def test_a_lost_vault_is_back_with_every_row(installation: Installation, backup: Path) -> None:
    fill(installation)
    before = contents(installation)
    assert backups.make(installation, backup, day=DAY, at=AT) == {"files": 4, "copied": 4, "removed": 0}
    shutil.rmtree(installation.vault.root)
    shutil.rmtree(installation.places.ledger)
    with pytest.raises(
        LedgerError, match="older than the end"
    ):  # the line of the backup itself came after it
        backups.restore(installation, backup, day=DAY, at=AT)
    assert contents(installation) == before


def test_no_key_and_nothing_readable_is_in_a_backup(installation: Installation, backup: Path) -> None:
    fill(installation)
    backups.make(installation, backup, day=DAY, at=AT)
    for path in backup.rglob("*"):
        if path.is_file():
            assert path.suffix != ".key"
            content = path.read_bytes()
            assert b"canary" not in content
            assert not any(
                installation.keyring.open(name) in content for name in installation.keyring.names()
            )


def test_what_was_purged_leaves_the_backup_and_no_older_copy_brings_it_back(
    installation: Installation, backup: Path, tmp_path: Path
) -> None:
    fill(installation)
    backups.make(installation, backup, day=DAY, at=AT)
    shutil.copytree(backup, tmp_path / "forgotten copy")
    assert purge(installation).is_complete
    counts = backups.make(installation, backup, day=DAY, at=AT)
    assert (counts["files"], counts["removed"]) == (3, 2)  # the day, and the people as they were
    left = contents(installation)
    shutil.rmtree(installation.vault.root)
    found = backups.restore(installation, tmp_path / "forgotten copy", day=DAY, at=AT)
    assert set(found.purged) == {GONE, "contacts"}
    assert found.stores == (KEPT, "rights")
    shutil.rmtree(installation.vault.root)
    found = backups.restore(installation, backup, day=DAY, at=AT)
    assert found.purged == ()
    assert contents(installation) == left


def test_a_revision_refreshes_the_backup_before_the_old_key_is_destroyed(
    installation: Installation, backup: Path
) -> None:
    """Lost between the purge and the night's backup, the people are not lost with it."""
    fill(installation)
    backups.make(installation, backup, day=DAY, at=AT)
    installation.vault.backup = backup
    assert purge(installation).is_complete
    left = {name: rows for name, rows in contents(installation).items() if name.startswith("contacts ")}
    copied = sorted(
        path.relative_to(backup / "vault").as_posix() for path in backup.rglob("contacts/**/*.duckdb")
    )
    assert len(copied) == 2
    shutil.rmtree(installation.vault.root / "contacts")
    shutil.copytree(backup / "vault" / "contacts", installation.vault.root / "contacts")
    found = contents(installation)
    assert {name: rows for name, rows in found.items() if name.startswith("contacts ")} == left


def test_a_backup_that_cannot_be_written_does_not_keep_what_is_due(
    installation: Installation, backup: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(installation)
    backup.write_text("a file where a folder is expected")
    installation.vault.backup = backup
    assert purge(installation).is_complete
    assert "backup could not be refreshed" in caplog.text
    with pytest.raises((ConfigurationError, VaultError, OSError)):
        backups.make(installation, backup, day=DAY, at=AT)


def test_a_drill_opens_everything_and_says_when_the_backup_is_behind(
    installation: Installation, backup: Path
) -> None:
    fill(installation)
    backups.make(installation, backup, day=DAY, at=AT)
    found = backups.drill(installation, backup, day=DAY, at=AT)
    assert (found.stores, found.rows, found.purged) == (4, 5 + 1 + 5 + 1 + 3 + 1, 0)
    assert not (installation.vault.root / "drill").exists()
    seal_rows(installation, "traffic/2026-11-20", {"hits": [{"line": 1}]})
    with pytest.raises(VaultError, match="1 stores are not in it"):
        backups.drill(installation, backup, day=DAY, at=AT)
    backups.make(installation, backup, day=DAY, at=AT)
    purge(installation)
    with pytest.raises(VaultError, match="contacts"):
        backups.drill(installation, backup, day=DAY, at=AT)
    assert [entry.facts["is_complete"] for entry in installation.ledger.entries("backup_drilled")] == [
        True, False, False,
    ]  # fmt: skip


def test_an_altered_backup_is_refused_and_found(installation: Installation, backup: Path) -> None:
    fill(installation)
    backups.make(installation, backup, day=DAY, at=AT)
    assert backups.faults(installation, backup) == []
    (sealed,) = (backup / "vault" / KEPT).rglob("*.duckdb")
    content = bytearray(sealed.read_bytes())
    content[-1] ^= 1
    sealed.write_bytes(content)
    (backup / "vault" / "stranger").write_text("x")
    assert backups.faults(installation, backup) == [
        f"{sealed.relative_to(backup / 'vault').as_posix()} is not the file that was backed up",
        "1 files are not of this backup",
    ]
    shutil.rmtree(installation.vault.root)
    with pytest.raises(VaultError, match="not the one that was backed up"):
        backups.restore(installation, backup, day=DAY, at=AT)
    manifest = backup / "manifest.json"
    manifest.write_text(manifest.read_text().replace("2026-11-22T", "2026-11-23T"))
    with pytest.raises(VaultError, match="not signed by this installation"):
        backups.restore(installation, backup, day=DAY, at=AT)
    assert "not signed" in backups.faults(installation, backup)[0]


def test_a_vault_that_holds_something_else_is_not_mixed_with_a_backup(
    installation: Installation, backup: Path
) -> None:
    fill(installation)
    backups.make(installation, backup, day=DAY, at=AT)
    seal_rows(installation, "traffic/2026-11-20", {"hits": [{"line": 1}]})
    with pytest.raises(VaultError, match="not empty"):
        backups.restore(installation, backup, day=DAY, at=AT)
    with pytest.raises(VaultError, match="no backup in this folder"):
        backups.restore(installation, backup / "nowhere", day=DAY, at=AT)


def test_a_backup_stays_away_from_the_keys_and_out_of_the_vault(installation: Installation) -> None:
    for folder in (
        installation.places.keys / "b",
        installation.places.keys.parent,
        installation.vault.root / "b",
    ):
        with pytest.raises(ConfigurationError, match="not made"):
            backups.make(installation, folder, day=DAY, at=AT)
    with pytest.raises(ConfigurationError, match="CHARTER_BACKUP"):
        backups.backup_folder(installation)


@pytest.mark.parametrize("each", [29, pytest.param(1, marks=pytest.mark.long)])
@pytest.mark.parametrize("operation", ["purge", "rotate_stores", "rotate_master", "backup", "restore"])
def test_killed_anywhere_nothing_is_lost_nothing_is_back_and_a_rerun_ends_it(
    tmp_path: Path, operation: str, each: int
) -> None:
    before = tmp_path / "steps" / "before"
    before.mkdir(parents=True)
    environ = {"CHARTER_HOME": str(before)}
    installation = Installation.create(environ)
    fill(installation)
    backups.make(installation, before / "backup", day=DAY, at=AT)
    if operation == "restore":
        shutil.rmtree(installation.vault.root)
    if operation == "backup":
        purge(installation)
    places = killed_at_every_step(tmp_path / "steps", operation, each)
    assert len(places) * each > 20
    expected = contents(Installation.open({"CHARTER_HOME": str(places[-1])}))
    for place in places:
        again = Installation.open({"CHARTER_HOME": str(place), "CHARTER_BACKUP": str(place / "backup")})
        _finish(again, operation, place)
        again = Installation.open({"CHARTER_HOME": str(place), "CHARTER_BACKUP": str(place / "backup")})
        assert contents(again) == expected, place.name
        found = {finding.name: finding for finding in retention.audit(again, day=DAY)}
        for name in ("destroyed", "generations", "files", "stores", "certificates"):
            assert found[name].state == "well", (place.name, found[name])
        if operation in ("purge", "backup"):
            assert not again.vault.traces(GONE)
        if operation == "backup":
            assert backups.faults(again, place / "backup") == []


def _finish(installation: Installation, operation: str, place: Path) -> None:
    """Run the killed operation again, as a person would."""
    if operation != "restore":  # what a night begins with
        installation.vault.settle_all()
    if operation == "purge":
        plan = retention.plan(installation, day=DAY)
        retention.apply(installation, plan, token=plan.token, at=AT, by_human=True)
        assert retention.verify(installation, day=DAY, at=AT).is_complete
    elif operation == "rotate_stores":
        list(rotate_stores(installation.vault))
    elif operation == "rotate_master":
        rotate_master_key(installation.places.keys)
    elif operation == "backup":
        backups.make(installation, place / "backup", day=DAY, at=AT)
    else:
        backups.restore(installation, place / "backup", day=DAY, at=AT)
