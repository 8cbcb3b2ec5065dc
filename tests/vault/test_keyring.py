"""Keys: apart from the data, wrapped, bound to their names, and destroyed for good."""

from __future__ import annotations

import base64
import secrets
import subprocess
from pathlib import Path

import pytest

from pipelines.errors import KeyringError
from pipelines.vault import Keyring, create_master_key, load_master_key


def test_key_is_made_once_and_opens_again(keyring: Keyring) -> None:
    first = keyring.ensure("stores/contacts/g000001")
    assert len(first) == 32
    assert keyring.ensure("stores/contacts/g000001") == first == keyring.open("stores/contacts/g000001")
    assert keyring.ensure("fingerprint") != first


def test_no_key_lies_on_the_disk_in_clear(keyring: Keyring) -> None:
    key = keyring.ensure("fingerprint")
    for path in keyring.folder.rglob("*.key"):
        content = path.read_bytes()
        assert key not in content
        assert base64.b64encode(key) not in content
        assert path.stat().st_mode & 0o777 == 0o600


def test_shredded_key_is_gone_from_keyring_and_disk(keyring: Keyring) -> None:
    keyring.ensure("pseudonym/2026-11")
    keyring.shred("pseudonym/2026-11")
    keyring.shred("pseudonym/2026-11")
    assert not keyring.has("pseudonym/2026-11")
    assert keyring.names("pseudonym/") == []
    with pytest.raises(KeyringError, match="not in the keyring"):
        keyring.open("pseudonym/2026-11")


def test_a_copy_that_a_killed_rotation_left_beside_is_shredded_with_its_key(keyring: Keyring) -> None:
    keyring.ensure("pseudonym/2026-11")
    path = keyring.folder / "pseudonym" / "2026-11.key"
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    (path.parent / f".{path.name}.{ended.pid}.new").write_bytes(path.read_bytes())
    keyring.shred("pseudonym/2026-11")
    assert list(path.parent.iterdir()) == []


def test_names_are_listed_by_prefix_without_the_master_key(keyring: Keyring) -> None:
    for name in ("stores/traffic/2026-11-21/g000001", "stores/traffic/2026-11-22/g000001", "ledger"):
        keyring.ensure(name)
    assert keyring.names("stores/traffic/") == [
        "stores/traffic/2026-11-21/g000001",
        "stores/traffic/2026-11-22/g000001",
    ]
    assert keyring.names() == ["ledger", *keyring.names("stores/")]


def test_wrong_master_key_opens_nothing_and_says_so(keyring: Keyring) -> None:
    keyring.ensure("ledger")
    other = Keyring(keyring.folder, secrets.token_bytes(32))
    with pytest.raises(KeyringError, match="master key is another one"):
        other.open("ledger")
    with pytest.raises(KeyringError, match="master key is another one"):
        other.ensure("ledger")


def test_key_file_moved_to_another_name_does_not_open(keyring: Keyring) -> None:
    keyring.ensure("ledger")
    keyring.ensure("fingerprint")
    (keyring.folder / "ledger.key").replace(keyring.folder / "fingerprint.key")
    with pytest.raises(KeyringError):
        keyring.open("fingerprint")


@pytest.mark.parametrize("damage", [b"", b"CK1", b"CK1" + b"x" * 60])
def test_damaged_key_file_is_a_clear_error(keyring: Keyring, damage: bytes) -> None:
    keyring.ensure("ledger")
    (keyring.folder / "ledger.key").write_bytes(damage)
    with pytest.raises(KeyringError, match="damaged"):
        keyring.open("ledger")


def test_sub_keys_differ_by_use_and_stay_the_same(keyring: Keyring) -> None:
    visitor, address = (
        keyring.derive("pseudonym/2026-11", "visitor"),
        keyring.derive("pseudonym/2026-11", "address"),
    )
    assert visitor != address
    assert visitor != keyring.open("pseudonym/2026-11")
    assert keyring.derive("pseudonym/2026-11", "visitor") == visitor


@pytest.mark.parametrize("name", ["../escape", "UPPER", "a//b", "", "/a", "canary@example.com"])
def test_name_of_another_form_is_refused_without_repeating_it(keyring: Keyring, name: str) -> None:
    with pytest.raises(KeyringError) as caught:
        keyring.ensure(name)
    assert not name or name not in str(caught.value)


def test_master_key_comes_from_the_environment_a_file_or_init(tmp_path: Path) -> None:
    text = base64.b64encode(b"m" * 32).decode()
    assert load_master_key({"CHARTER_MASTER_KEY": text}, tmp_path) == b"m" * 32
    (tmp_path / "secret").write_text(text + "\n")
    (tmp_path / "secret").chmod(0o600)
    assert load_master_key({"CHARTER_MASTER_KEY_FILE": str(tmp_path / "secret")}, tmp_path) == b"m" * 32
    assert create_master_key(tmp_path / "keys")
    made = load_master_key({}, tmp_path / "keys")
    assert not create_master_key(tmp_path / "keys")
    assert load_master_key({}, tmp_path / "keys") == made
    assert (tmp_path / "keys" / "master.key").stat().st_mode & 0o777 == 0o600


def test_missing_master_key_says_how_to_provide_it(tmp_path: Path) -> None:
    with pytest.raises(KeyringError, match="charter init"):
        load_master_key({}, tmp_path)


def test_master_key_open_to_others_is_refused(tmp_path: Path) -> None:
    create_master_key(tmp_path)
    (tmp_path / "master.key").chmod(0o644)
    with pytest.raises(KeyringError, match="chmod 600"):
        load_master_key({}, tmp_path)


@pytest.mark.parametrize("text", ["short", "!!!!", base64.b64encode(b"x" * 31).decode()])
def test_master_key_of_another_form_is_refused_without_repeating_it(text: str, tmp_path: Path) -> None:
    with pytest.raises(KeyringError, match="32 bytes") as caught:
        load_master_key({"CHARTER_MASTER_KEY": text}, tmp_path)
    assert text not in str(caught.value)
