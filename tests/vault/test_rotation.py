"""New keys for old: everything opens as before, and what the old keys were is nowhere."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from pipelines.errors import KeyringError
from pipelines.vault import (
    Keyring,
    Vault,
    exchange_master_key,
    load_master_key,
    next_master_key_file,
    rotate_master_key,
    rotate_stores,
    rotation,
)

DAY, OTHER = "traffic/2026-11-21", "traffic/2026-11-20"
ROW = (
    "SELECT uuid() AS load_id, 1 AS line, DATE '2026-11-22' AS received_on, 'x' AS reason, 'raw'::BLOB AS raw"
)


def seal(vault: Vault) -> None:
    with vault.workshop() as workshop:
        for store in (DAY, OTHER):
            for segment in ("one", "two"):
                workshop.seal(store, segment, {"rejects": ROW})


def rows(vault: Vault) -> list[object]:
    with vault.workshop() as workshop:
        workshop.open(DAY, OTHER)
        return workshop.connection.execute("SELECT * FROM rejects ORDER BY ALL").fetchall()


def test_every_store_has_a_fresh_key_and_the_same_rows(vault: Vault) -> None:
    seal(vault)
    before, keys = rows(vault), {vault.keyring.open(name) for name in vault.keyring.names("stores/")}
    assert list(rotate_stores(vault)) == [OTHER, DAY]
    assert rows(vault) == before
    assert len(keys) == 2
    assert not keys & {vault.keyring.open(name) for name in vault.keyring.names("stores/")}
    assert [vault.generation(store) for store in (DAY, OTHER)] == [2, 2]
    assert list(rotate_stores(vault)) == [OTHER, DAY]  # a new rotation, as the first has ended
    assert vault.generation(DAY) == 3


def test_a_killed_rotation_goes_on_where_it_stopped(vault: Vault) -> None:
    seal(vault)
    next(rotating := rotate_stores(vault))
    rotating.close()
    assert list(rotate_stores(vault)) == [OTHER, DAY]
    assert [vault.generation(store) for store in (DAY, OTHER)] == [2, 2]


def test_a_text_that_was_kept_as_a_number_stays_one(vault: Vault) -> None:
    with vault.workshop() as workshop:
        workshop.connection.execute("CREATE TYPE word AS ENUM ('x')")
        workshop.seal(DAY, "one", {"rejects": ROW.replace("'x' AS", "'x'::word AS")})
    list(rotate_stores(vault))
    with vault.workshop() as workshop:
        workshop.open(DAY)
        types = workshop.connection.execute(
            "SELECT data_type FROM duckdb_columns() WHERE table_name = 'rejects' AND column_name = 'reason' "
            "AND database_name LIKE 'sealed%'"
        ).fetchall()
    assert types == [("ENUM('x')",)]


def test_a_fresh_master_key_opens_what_the_old_one_did(vault: Vault) -> None:
    seal(vault)
    folder, before = vault.keyring.folder, rows(vault)
    old = load_master_key({}, folder)
    assert rotate_master_key(folder) == 2
    new = load_master_key({}, folder)
    assert new != old
    assert (folder / "master.key").stat().st_mode & 0o777 == 0o600
    assert next_master_key_file(folder) is None
    assert rows(Vault(vault.root, Keyring(folder, new))) == before
    with pytest.raises(KeyringError, match="another one"):
        rows(Vault(vault.root, Keyring(folder, old)))
    assert not any(base64.b64encode(old) in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_process_with_the_old_master_key_makes_no_key_that_nothing_opens(vault: Vault) -> None:
    keyring = vault.keyring
    keyring.ensure("ledger")
    rotate_master_key(keyring.folder)
    with pytest.raises(KeyringError, match="another one"):
        keyring.ensure("stores/traffic/2026-11-21/g000001")
    assert not keyring.has("stores/traffic/2026-11-21/g000001")


def test_master_keys_that_are_kept_elsewhere_are_exchanged_and_a_wrong_one_changes_nothing(
    vault: Vault,
) -> None:
    seal(vault)
    folder, before = vault.keyring.folder, rows(vault)
    old, new = load_master_key({}, folder), bytes(range(32))
    files = {path: path.read_bytes() for path in folder.rglob("*.key")}
    with pytest.raises(KeyringError, match="another one"):
        exchange_master_key(folder, bytes(32), new)
    assert {path: path.read_bytes() for path in folder.rglob("*.key")} == files
    assert exchange_master_key(folder, old, new) == 2
    assert exchange_master_key(folder, old, new) == 2  # killed and run again
    assert rows(Vault(vault.root, Keyring(folder, new))) == before


def test_between_the_two_master_keys_a_killed_rotation_is_ended(vault: Vault, tmp_path: Path) -> None:
    """Killed after the old one was destroyed and before the new one took its place."""
    seal(vault)
    folder, before = vault.keyring.folder, rows(vault)
    rotate_master_key(folder)
    (folder / "master.key").rename(folder / "master.key.next")
    assert rows(Vault(vault.root, Keyring(folder, load_master_key({}, folder)))) == before
    assert rotate_master_key(folder) == 2
    assert rows(Vault(vault.root, Keyring(folder, load_master_key({}, folder)))) == before


@pytest.mark.parametrize("step", ["move", "overwrite_and_remove"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_change_of_the_master_key_killed_near_its_end_opens_everything_and_ends(
    vault: Vault, monkeypatch: pytest.MonkeyPatch, step: str, when: str
) -> None:
    """Also killed when the old key's bytes are overwritten and its file is still there."""
    seal(vault)
    folder = vault.keyring.folder
    old, held = load_master_key({}, folder), rows(vault)
    genuine = getattr(rotation, step)

    def dying(path: Path, *more: Path) -> None:
        if when == "after":
            path.write_bytes(b"overwritten") if step == "overwrite_and_remove" else genuine(path, *more)
        raise KeyboardInterrupt

    monkeypatch.setattr(rotation, step, dying)
    with pytest.raises(KeyboardInterrupt):
        rotate_master_key(folder)
    monkeypatch.undo()
    assert rows(_opened(vault)) == held
    assert rotate_master_key(folder) == len(vault.keyring.names())
    assert rows(_opened(vault)) == held
    assert load_master_key({}, folder) != old
    assert sorted(path.name for path in folder.glob("*master*")) == ["master.key"]


def _opened(vault: Vault) -> Vault:
    """The same vault, opened as an installation opens it."""
    folder = vault.keyring.folder
    after = next_master_key_file(folder)
    coming = load_master_key({"CHARTER_MASTER_KEY_FILE": str(after)}, folder) if after else None
    return Vault(vault.root, Keyring(folder, load_master_key({}, folder), coming))
