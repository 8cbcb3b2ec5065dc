"""Sealed stores: folders of immutable encrypted segments, a key each, every step crash-safe.

    vault/traffic/2026-11-21/g000001/<segment>.duckdb     one store, its generation, its segments
    keys/stores/traffic/2026-11-21/g000001.key            its key, apart

A store is revised by building the next generation beside the old, under a fresh key; the rename
of the new folder is the commit. Whatever a kill leaves behind, `settle` finishes or undoes.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from pipelines.errors import CharterError, VaultError
from pipelines.files import locked, make_private_folder, move, remove_file, remove_folder, write_whole
from pipelines.vault.commits import Built, awaited, finish, put
from pipelines.vault.keyring import Keyring
from pipelines.vault.mirror import Mirror
from pipelines.vault.workshop import Workshop, workshop

log = logging.getLogger("charter.vault")
KINDS = ("traffic", "contacts", "rights")
_DOOMED = ".shred-"
_UNFINISHED = ".new-"
_IDENTITY = "vault.id"


class Vault:
    """All sealed stores of an installation."""

    def __init__(
        self, root: Path, keyring: Keyring, backup: Path | None = None, *, least_memory_mb: int = 0
    ) -> None:
        """`backup` is the folder of a copy, refreshed before the old key of a revised store is destroyed.

        DuckDB may take `least_memory_mb` in each workshop, also where that asks for less.
        """
        self.root = root
        self.keyring = keyring
        self.backup = backup
        self._least_memory_mb = least_memory_mb

    def stores(self, kind: str) -> list[str]:
        """Return the names of the stores of `kind` that hold something, sorted."""
        if kind not in KINDS:
            raise VaultError(f"there is no such kind of store; there are {', '.join(KINDS)}.")
        self.finish_commits()  # a store whose first segment is on its way holds something
        folder = self.root / kind
        if kind != "traffic":
            return [kind] if self.segment_files(kind) else []
        days = (
            sorted(path.name for path in folder.iterdir() if path.name[0] != ".") if folder.is_dir() else []
        )
        return [f"{kind}/{day}" for day in days if self.segment_files(f"{kind}/{day}")]

    def segments(self, store: str) -> list[str]:
        """Return the names of the segments of `store`, sorted."""
        return [path.stem for path in self.segment_files(store)]

    @contextmanager
    def workshop(
        self,
        *,
        memory_mb: int = 1024,
        threads: int | None = None,
        changing: str | None = None,
        joins_as_written: bool = False,
    ) -> Iterator[Workshop]:
        """Open a hardened connection in which stores are read and written.

        `joins_as_written`: the right side of each join is the smaller one, as for Arrow tables on the left.
        `changing` names a store that is read first and revised then: nobody else does so meanwhile.
        """
        memory_mb = max(memory_mb, self._least_memory_mb)
        with ExitStack() as stack:
            if changing is not None:
                stack.enter_context(locked(self._lock_file(f"{changing}.change")))
            yield stack.enter_context(
                workshop(self, memory_mb=memory_mb, threads=threads, joins_as_written=joins_as_written)
            )

    def shred(self, store: str) -> None:
        """Destroy `store`: its keys, then its files. A store that is not there is success."""
        with self.alone(store):
            folder = self._folder(store)
            if folder.exists():
                move(folder, self._doomed(store))  # from here on nobody reads it, and a rerun finishes
            self._finish_shredding(store)

    def traces(self, store: str) -> list[str]:
        """Return what is left of `store`: "key", "files"; empty when it is gone."""
        left = []
        if self.keyring.names(self._key_prefix(store)):
            left.append("key")
        if self._folder(store).exists() or self._doomed(store).exists():
            left.append("files")
        return left

    def settle_all(self) -> None:
        """Finish or undo, in every store, what a killed process left behind.

        VaultError where the vault is not the one of the keyring: the keys of all that is not there would go.
        """
        self.recognise()
        self.finish_commits()
        for kind in KINDS:
            folder = self.root / kind
            names = (
                {path.name.removeprefix(_DOOMED) for path in folder.iterdir()} if folder.is_dir() else set()
            )
            if kind == "traffic":
                keyed = {name.split("/")[2] for name in self.keyring.names(f"stores/{kind}/")}
                stores = [f"{kind}/{name}" for name in sorted(names | keyed)]
            else:
                stores = [kind]
            for store in stores:
                with self.alone(store):
                    self.settle(store)
                    if not self.segment_files(store):
                        remove_folder(self._folder(store))
                        self._shred_keys(store, but=None)

    def recognise(self) -> None:
        """Raise VaultError unless vault and keyring belong together; they are told by an id that both hold.

        A volume that is not mounted is an empty folder: it must not pass for a vault that holds nothing.
        """
        ours, theirs = (_identity(folder) for folder in (self.root, self.keyring.folder))
        if ours is None:
            known = self.keyring.names("stores/")
            if known and (theirs is not None or not any(self.root.glob("*/**/*.duckdb"))):
                raise VaultError(
                    f"the vault is empty, and there are keys of {len(known)} stores: mount CHARTER_VAULT; "
                    "if it is lost, put it back with `charter backup restore`."
                )
            self.adopt()
        elif theirs is None:
            write_whole(self.keyring.folder / _IDENTITY, ours)
        elif ours != theirs:
            raise VaultError(
                "the vault is not the one of these keys: mount the right CHARTER_VAULT and CHARTER_KEYS."
            )

    def adopt(self) -> None:
        """Mark the vault as the one of the keyring, which gets an id where it has none."""
        identity = _identity(self.keyring.folder) or secrets.token_hex(8).encode()
        for folder in (self.keyring.folder, self.root):
            make_private_folder(folder)
            write_whole(folder / _IDENTITY, identity)

    # What follows is for Workshop.

    @property
    def commits(self) -> Path:
        """Where segments wait that are in force and not yet in their place."""
        return self.root / "commits"

    def finish_commits(self) -> None:
        """Bring to their places the segments that a killed process had put in force."""
        finish(self.commits, self._place)

    @contextmanager
    def alone(self, store: str) -> Iterator[None]:
        """Hold `store` with nobody else, and no segment on its way to it."""
        while True:
            self.finish_commits()
            with self.lock(store):
                if store not in awaited(self.commits):
                    yield
                    return

    @contextmanager
    def steady(self, store: str) -> Iterator[int]:
        """Hold `store` with others who add to it and none who changes it; gives its generation."""
        while True:
            with self.lock(store, shared=True):
                if not self._is_unsettled(store):
                    generations = self._generations(store)
                    yield generations[-1] if generations else 1
                    return
            with self.alone(store):
                self.settle(store)

    def lock(self, store: str, *, shared: bool = False) -> AbstractContextManager[None]:
        """Hold the lock of `store`, alone or with other readers."""
        return locked(self._lock_file(store), shared=shared)

    def settle(self, store: str) -> int:
        """Finish or undo what was left half done in `store`; return its generation (1 for a new store)."""
        folder = self._folder(store)
        if self._doomed(store).exists():
            self._finish_shredding(store)
        if not folder.is_dir():
            return 1
        for left in folder.glob(f"{_UNFINISHED}*"):
            remove_folder(left)
        generations = self._generations(store)
        current = generations[-1] if generations else 1
        if len(generations) > 1:
            self._refresh_backup(store)
        self._shred_keys(store, but=current)
        for old in generations[:-1]:
            remove_folder(folder / _generation_name(old))
        return current

    def generation(self, store: str) -> int:
        """Return the generation of `store` in force, 0 where there is none."""
        return (self._generations(store) or [0])[-1]

    def segment_files(self, store: str) -> list[Path]:
        """Return the sealed files of the current generation of `store`, sorted."""
        generations = self._generations(store)
        if not generations:
            return []
        return sorted((self._folder(store) / _generation_name(generations[-1])).glob("*.duckdb"))

    def segment_file(self, store: str, generation: int, segment: str) -> Path:
        """Return where the segment is, or will be."""
        return self._folder(store) / _generation_name(generation) / f"{segment}.duckdb"

    def store_key(self, store: str, generation: int) -> bytes:
        """Return the key of a generation of `store`; made on first use, KeyringError once it was lost."""
        name = self._key_name(store, generation)
        if self._folder(store).joinpath(_generation_name(generation)).is_dir():
            return self.keyring.open(name)
        return self.keyring.ensure(name)

    def begin_generation(self, store: str, generation: int) -> Path:
        """Make the folder in which the next generation is built."""
        folder = self._folder(store) / f"{_UNFINISHED}{_generation_name(generation)}"
        make_private_folder(folder)
        return folder

    def commit_generation(self, store: str, *, old: int, new: int) -> None:
        """Put the built generation `new` in force, then destroy the key and files of `old`."""
        folder = self._folder(store)
        move(folder / f"{_UNFINISHED}{_generation_name(new)}", folder / _generation_name(new))
        self._refresh_backup(store)
        self.keyring.shred(self._key_name(store, old))
        remove_folder(folder / _generation_name(old))

    def _refresh_backup(self, store: str) -> None:
        """Copy the new files of `store`, so that a backup that opens exists at every moment.

        A backup that cannot be written does not keep what is due: the purge goes on, and the backup itself
        fails and says so.
        """
        if self.backup is None:
            return
        try:
            Mirror(self.backup).take(self.root, self.segment_files(store), {})
        except (OSError, CharterError):
            log.error("the backup could not be refreshed: check its disk, then run `charter backup make`")

    def _is_unsettled(self, store: str) -> bool:
        folder = self._folder(store)
        if self._doomed(store).exists():
            return True
        return len(self._generations(store)) > 1 or next(folder.glob(f"{_UNFINISHED}*"), None) is not None

    def _place(self, file: Path, built: Built) -> None:
        """Move a committed segment to its store; one whose store was shredded meanwhile goes."""
        with self.lock(built.store, shared=True):
            if not file.exists():  # somebody else finished it, and then the store may have been shredded
                return
            if self.keyring.has(self._key_name(built.store, built.generation)):
                put(file, self.segment_file(built.store, built.generation, built.segment))
            else:
                remove_file(file)

    def _finish_shredding(self, store: str) -> None:
        self._shred_keys(store, but=None)
        remove_folder(self._doomed(store))

    def _shred_keys(self, store: str, *, but: int | None) -> None:
        kept = None if but is None else self._key_name(store, but)
        for name in self.keyring.names(self._key_prefix(store)):
            if name != kept:
                self.keyring.shred(name)

    def _generations(self, store: str) -> list[int]:
        folder = self._folder(store)
        return sorted(int(path.name[1:]) for path in folder.glob("g[0-9]*")) if folder.is_dir() else []

    def _lock_file(self, name: str) -> Path:
        return self.root / "locks" / f"{name.replace('/', '.')}.lock"

    def _folder(self, store: str) -> Path:
        return self.root / store

    def _doomed(self, store: str) -> Path:
        folder = self._folder(store)
        return folder.with_name(f"{_DOOMED}{folder.name}")

    def _key_prefix(self, store: str) -> str:
        return f"stores/{store}/"

    def _key_name(self, store: str, generation: int) -> str:
        return f"{self._key_prefix(store)}{_generation_name(generation)}"


def _identity(folder: Path) -> bytes | None:
    try:
        return (folder / _IDENTITY).read_bytes()
    except FileNotFoundError:
        return None


def _generation_name(generation: int) -> str:
    return f"g{generation:06d}"
