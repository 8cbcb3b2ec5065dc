"""Backups: the sealed files and the ledger in a folder elsewhere, never a key; and the way back.

A backup is a copy of what the vault holds now. What was purged has left it, and in a copy of the copy that
somebody made before, it is sealed under a key that no longer exists.

    <folder>/vault/…            sealed files, as they are in the vault
    <folder>/ledger/…           the evidence, and the certificates
    <folder>/manifest.json      size and SHA-256 of each of them, signed (Ed25519)
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pipelines import catalog
from pipelines.errors import ConfigurationError, LedgerError, VaultError
from pipelines.files import locked, make_private_folder, remove_file, remove_folder, write_whole
from pipelines.installation import Installation
from pipelines.vault import KINDS, Copied, Mirror, Vault, copy_file, digest_of

_MANIFEST = "manifest.json"
_CURE = "make a new backup with `charter backup make`, or use another one."


@dataclass(frozen=True)
class Restored:
    """What a restore did: stores that are back, and stores of the backup whose key was destroyed since."""

    stores: tuple[str, ...]
    purged: tuple[str, ...]
    ledger_restored: bool


@dataclass(frozen=True)
class Drill:
    """What a rehearsed restore found: stores and rows that opened, and files that no key opens any longer."""

    stores: int
    rows: int
    purged: int
    made_at: str


def backup_folder(installation: Installation) -> Path:
    """Return the folder of `CHARTER_BACKUP`; ConfigurationError where none is named."""
    if installation.places.backup is None:
        raise ConfigurationError(
            "no folder for the backup is named: set CHARTER_BACKUP to a folder on another disk, "
            "apart from the keys."
        )
    return installation.places.backup


def make(installation: Installation, folder: Path, *, day: date, at: datetime) -> dict[str, int]:
    """Bring the backup in `folder` up to date and return how many files it has, got and lost.

    Killed anywhere, it is run again; until the new manifest is written, the old one stands.
    """
    _refuse_near_keys(installation, folder)
    make_private_folder(folder)
    vault, mirror = installation.vault, Mirror(folder)
    with locked(folder / ".lock"):
        vault.settle_all()
        known = {name: Copied(*file) for name, file in _files_said(folder).items()}
        taken: dict[str, Copied] = {}
        for store in _stores(vault):
            with vault.lock(store, shared=True):  # nobody shreds or revises what is being copied
                taken |= mirror.take(vault.root, vault.segment_files(store), known)
        _copy_ledger(installation, folder)
        _write_manifest(installation, folder, taken, at)
        removed = mirror.keep_only(taken.keys())
    counts = {"files": len(taken), "copied": len(taken.keys() - known.keys()), "removed": removed}
    installation.ledger.append("backup_made", day=day, at=at, **counts)
    return counts


def restore(installation: Installation, folder: Path, *, day: date, at: datetime) -> Restored:
    """Put the stores of the backup in `folder` back into an empty vault; killed anywhere, run it again.

    A store whose key was destroyed since is left out: it was purged. VaultError where a file is not the one
    that the manifest was signed for, or where the vault holds something else.
    """
    files = _signed_files(installation, folder)
    _refuse_other_content(installation, files)
    with_key = {name: file for name, file in files.items() if installation.keyring.has(_key_of(name))}
    purged = {_store_of(name) for name in files.keys() - with_key.keys()}
    mirror = Mirror(folder)
    for name, file in sorted(with_key.items()):
        _put_back(mirror.root / name, installation.vault.root / name, file)
    installation.vault.adopt()
    ledger_restored = _restore_ledger(installation, folder)
    stores = tuple(_stores(installation.vault))
    _count_rows(installation.vault, stores)  # each of them opens, or this raises
    installation.ledger.append(
        "backup_restored",
        day=day,
        at=at,
        stores=len(stores),
        purged=len(purged),
        ledger_restored=ledger_restored,
    )
    return Restored(stores, tuple(sorted(purged)), ledger_restored)


def drill(installation: Installation, folder: Path, *, day: date, at: datetime) -> Drill:
    """Rehearse a restore into a scratch folder: what is live opens and counts the same as in the vault.

    What was purged has no key, and is counted. The result goes to the ledger. VaultError where the backup
    could not stand in for the vault.
    """
    files = _signed_files(installation, folder)
    scratch = installation.vault.root / "drill"
    remove_folder(scratch)  # of a drill that was killed
    try:
        for name, file in files.items():
            _put_back(folder / "vault" / name, scratch / name, file)
        rehearsed = Vault(scratch, installation.keyring)
        purged = {_store_of(name) for name in files if not installation.keyring.has(_key_of(name))}
        stores = [store for store in _stores(rehearsed) if store not in purged]
        rows = _count_rows(rehearsed, stores)
        live = _count_rows(installation.vault, stores)
        differing = [store for store in stores if rows[store] != live[store]]
        missing = sorted(set(_stores(installation.vault)) - set(stores))
    finally:
        remove_folder(scratch)
    if differing or missing:
        installation.ledger.append(
            "backup_drilled",
            day=day,
            at=at,
            is_complete=False,
            differing=len(differing),
            missing=len(missing),
        )
        raise VaultError(
            f"the backup could not stand in for the vault: {len(missing)} stores are not in it and "
            f"{len(differing)} have other rows than the vault ({', '.join([*missing, *differing][:5])}). "
            "Run `charter backup make`, then the drill again."
        )
    found = Drill(len(stores), sum(rows.values()), len(purged), str(_manifest(folder)["statement"]["at"]))
    installation.ledger.append(
        "backup_drilled",
        day=day,
        at=at,
        is_complete=True,
        stores=found.stores,
        rows=found.rows,
        purged=found.purged,
    )
    return found


def faults(installation: Installation, folder: Path) -> list[str]:
    """Return what is wrong with the backup in `folder`, read whole; nothing where it is as it was signed."""
    try:
        files = _signed_files(installation, folder)
    except VaultError as error:
        return [str(error)]
    root = Mirror(folder).root
    found = [f"{name} is missing" for name in files if not (root / name).is_file()]
    found += [
        f"{name} is not the file that was backed up"
        for name, file in files.items()
        if (root / name).is_file() and digest_of(root / name) != file
    ]
    strange = [path for path in Mirror(folder).files() if path.relative_to(root).as_posix() not in files]
    return found + ([f"{len(strange)} files are not of this backup"] if strange else [])


def _stores(vault: Vault) -> list[str]:
    return [store for kind in KINDS for store in vault.stores(kind)]


def _refuse_near_keys(installation: Installation, folder: Path) -> None:
    keys, vault = installation.places.keys, installation.places.vault
    if any(one == other or one in other.parents for one, other in ((folder, keys), (keys, folder))):
        raise ConfigurationError("the backup is not made beside the keys: whoever has both reads everything.")
    if any(one == other or one in other.parents for one, other in ((folder, vault), (vault, folder))):
        raise ConfigurationError("the backup is not made inside of the vault: name a folder on another disk.")


def _copy_ledger(installation: Installation, folder: Path) -> None:
    source, target = installation.places.ledger, folder / "ledger"
    copies = set()
    for path in sorted(source.rglob("*")):
        if path.is_file() and path.suffix in (".jsonl", ".json"):
            copy = target / path.relative_to(source)
            make_private_folder(copy.parent)
            write_whole(copy, path.read_bytes())
            copies.add(copy)
    for path in target.rglob("*.json"):
        if path not in copies:
            remove_file(path)  # a certificate whose period is over


def _restore_ledger(installation: Installation, folder: Path) -> bool:
    """Put the ledger back where there is none; one that is there goes on."""
    if installation.ledger.path.exists():
        return False
    for path in sorted((folder / "ledger").rglob("*")):
        if path.is_file():
            copy = installation.places.ledger / path.relative_to(folder / "ledger")
            make_private_folder(copy.parent)
            write_whole(copy, path.read_bytes())
    found = installation.ledger.verify()
    if not found.is_intact:
        raise LedgerError(
            f"the ledger of the backup is older than the end that is kept beside the keys ({found.fault}). "
            "The stores are back. Tell the DPO which lines are lost; `charter ledger verify` says so too."
        )
    return True


def _put_back(source: Path, target: Path, expected: Copied) -> None:
    try:
        copied = copy_file(source, target)
    except OSError:
        raise VaultError(f"a file of the backup cannot be read: {_CURE}") from None
    if copied != expected:
        target.unlink()
        raise VaultError(f"a file of the backup is not the one that was backed up: {_CURE}")


def _refuse_other_content(installation: Installation, files: Mapping[str, Copied]) -> None:
    root = installation.vault.root
    there = [path.relative_to(root).as_posix() for kind in KINDS for path in (root / kind).rglob("*.duckdb")]
    if any(name not in files for name in there):
        raise VaultError(
            "the vault is not empty: a restore would mix two states. "
            "Move the folder CHARTER_VAULT away first."
        )


def _count_rows(vault: Vault, stores: list[str] | tuple[str, ...]) -> dict[str, int]:
    """Return store → rows of all its tables; an error where one does not open."""
    counts = {}
    with vault.workshop() as workshop:
        for store in stores:
            workshop.open(store, archive=True)
            tables = catalog.tables_of(store.partition("/")[0])
            query = " UNION ALL ".join(f"SELECT count(*) FROM {table.name}" for table in tables)  # noqa: S608 catalog
            counts[store] = sum(row[0] for row in workshop.connection.execute(query).fetchall())
    return counts


def _write_manifest(
    installation: Installation, folder: Path, files: Mapping[str, Copied], at: datetime
) -> None:
    statement = {
        "at": at.astimezone(UTC).isoformat(timespec="seconds"),
        "files": {name: [file.size, file.sha256] for name, file in sorted(files.items())},
    }
    signature = base64.b64encode(installation.ledger.sign_bytes(_canonical(statement))).decode()
    write_whole(folder / _MANIFEST, json.dumps({"statement": statement, "ed25519": signature}).encode())


def _manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / _MANIFEST).read_bytes())
    return found


def _files_said(folder: Path) -> dict[str, list[Any]]:
    """Return what the manifest says of an earlier backup; nothing where it cannot be read."""
    try:
        return dict(_manifest(folder)["statement"]["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _signed_files(installation: Installation, folder: Path) -> dict[str, Copied]:
    try:
        manifest = _manifest(folder)
    except FileNotFoundError:
        raise VaultError(f"there is no backup in this folder: {_CURE}") from None
    except (OSError, ValueError):
        raise VaultError(f"the manifest of the backup cannot be read: {_CURE}") from None
    try:
        key = Ed25519PublicKey.from_public_bytes(installation.ledger.public_key_bytes)
        key.verify(base64.b64decode(manifest["ed25519"]), _canonical(manifest["statement"]))
        return {name: Copied(*file) for name, file in manifest["statement"]["files"].items()}
    except (InvalidSignature, ValueError, KeyError, TypeError):
        raise VaultError(
            f"the manifest of the backup is not signed by this installation, or was altered: {_CURE}"
        ) from None


def _key_of(name: str) -> str:
    return f"stores/{name.rpartition('/')[0]}"


def _store_of(name: str) -> str:
    return name.rpartition("/g")[0]


def _canonical(statement: Mapping[str, Any]) -> bytes:
    return json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()


def restored_lines(found: Restored) -> Iterator[str]:
    """Yield what a restore did, as lines for a person."""
    yield f"{len(found.stores)} stores are back and open."
    if found.purged:
        yield f"{len(found.purged)} stores of the backup were purged since and stay gone: they have no key."
    yield "The ledger was put back." if found.ledger_restored else "The ledger was there, and goes on."
