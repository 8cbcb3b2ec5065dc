"""A copy of the sealed stores in another folder: files alone, never a key.

What is there opens only with the keyring of today. So a day that was purged cannot be brought back from
a copy made before: its files may be there, its key is nowhere.

    <folder>/vault/traffic/2026-11-21/g000001/<segment>.duckdb
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import VaultError
from pipelines.files import make_private_folder, move, remove_folder, sync_folder

_PIECE = 1 << 20


@dataclass(frozen=True)
class Copied:
    """One file of the copy: its size, and the SHA-256 of its (sealed) bytes in hexadecimal."""

    size: int
    sha256: str


class Mirror:
    """The copy of one vault, in `folder`/vault."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "vault"

    def take(self, vault: Path, files: Collection[Path], known: Mapping[str, Copied]) -> dict[str, Copied]:
        """Copy `files` of the vault, those that are there already left out; return name → what it is.

        A sealed file never changes, so a name with the size that was recorded is the same file. Each copy
        is read back from the disk before it counts. VaultError where one does not read back.
        """
        taken = {}
        for path in files:
            name = path.relative_to(vault).as_posix()
            target = self.root / name
            if name in known and target.is_file() and target.stat().st_size == known[name].size:
                taken[name] = known[name]
            else:
                taken[name] = copy_file(path, target)
        return taken

    def keep_only(self, names: Collection[str]) -> int:
        """Remove every file whose name is not one of `names`; return how many went."""
        gone = [path for path in self.files() if path.relative_to(self.root).as_posix() not in names]
        for path in gone:
            path.unlink()
        for folder in sorted({path.parent for path in gone}, reverse=True):
            _remove_empty(folder, self.root)
        return len(gone)

    def files(self) -> list[Path]:
        """Return all files of the copy, sorted."""
        return sorted(path for path in self.root.rglob("*") if path.is_file())


def digest_of(path: Path) -> Copied:
    """Return the size and digest of a file."""
    digest, size = hashlib.sha256(), 0
    for piece in _pieces(path):
        digest.update(piece)
        size += len(piece)
    return Copied(size, digest.hexdigest())


def copy_file(source: Path, target: Path) -> Copied:
    """Copy a file in one step, read it back, and return what it is; VaultError where it reads otherwise."""
    make_private_folder(target.parent)
    for left in target.parent.glob(f".{target.name}.*.new"):
        left.unlink()  # of a copy that was killed
    beside = target.with_name(f".{target.name}.{os.getpid()}.new")
    expected, size = hashlib.sha256(), 0
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        for piece in _pieces(source):
            expected.update(piece)
            size += file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    move(beside, target)
    copied = digest_of(target)
    if copied != Copied(size, expected.hexdigest()):
        raise VaultError("a copied file does not read back as written: check the disk.")
    return copied


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _remove_empty(folder: Path, root: Path) -> None:
    while folder != root and not any(folder.iterdir()):
        remove_folder(folder)
        folder = folder.parent
    sync_folder(folder)
