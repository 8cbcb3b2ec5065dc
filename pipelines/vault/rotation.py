"""New keys for old: a fresh master key around every key, or a fresh key for every store.

Both can be killed anywhere and run again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from pipelines.files import locked, move, overwrite_and_remove, remove_file, write_whole
from pipelines.vault.keyring import Keyring, create_master_key, load_master_key, rewrap
from pipelines.vault.stores import Vault

_NEXT, _BEFORE, _JOURNAL = "master.key.next", "master.key.before", "rotation.json"


def rotate_master_key(folder: Path) -> int:
    """Wrap every key in `folder` with a fresh master key, destroy the old one; return the number of keys.

    For a master key that is the file master.key of `folder`. Until it has ended, both open what they wrap.
    The old one is out of use, and the new one in its place, before its bytes are overwritten.
    """
    current, after, before = (folder / name for name in ("master.key", _NEXT, _BEFORE))
    with locked(folder / ".lock"):
        is_begun = after.exists() or not before.exists()  # else killed while the old one was destroyed
        if is_begun and current.exists():
            create_master_key(folder, name=_NEXT)
            rewrap(folder, load_master_key({}, folder), _load_next(folder))
            move(current, before)
        if is_begun:
            move(after, current)
        overwrite_and_remove(before)
    return len(Keyring(folder, load_master_key({}, folder)).names())


def exchange_master_key(folder: Path, old: bytes, new: bytes) -> int:
    """Wrap every key in `folder` with `new` instead of `old`, for master keys that are kept elsewhere."""
    with locked(folder / ".lock"):
        return rewrap(folder, old, new)


def rotate_stores(vault: Vault) -> Iterator[str]:
    """Rebuild every store under a fresh key and destroy the old one, and yield each store as it is done.

    What is to be done is written down first, so that a killed rotation goes on with what is left.
    """
    journal = vault.keyring.folder / _JOURNAL
    if not journal.exists():
        stores = [store for kind in ("traffic", "contacts", "rights") for store in vault.stores(kind)]
        write_whole(journal, json.dumps({store: vault.generation(store) for store in stores}).encode())
    begun: dict[str, int] = json.loads(journal.read_bytes())
    for store, generation in begun.items():
        if vault.generation(store) == generation:
            with vault.workshop(changing=store) as workshop:
                workshop.revise(store, {})
        yield store
    remove_file(journal)


def _load_next(folder: Path) -> bytes:
    return load_master_key({"CHARTER_MASTER_KEY_FILE": str(folder / _NEXT)}, folder)
