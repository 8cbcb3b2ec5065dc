"""The keys, apart from the data, each wrapped by the master key.

A key is a file `<name>.key`: version, nonce and AES-256-GCM of 32 random bytes, bound to its
name, so that a key file moved to another name does not open. To shred a store is to destroy its
key here; no backup holds these files.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pipelines.errors import KeyringError
from pipelines.files import destroy_unfinished, locked, make_private_folder, overwrite_and_remove, write_whole

KEY_BYTES = 32
_VERSION = b"CK1"
_NONCE_BYTES = 12
_FILE_BYTES = len(_VERSION) + _NONCE_BYTES + KEY_BYTES + 16  # and the tag of GCM
_UNFINISHED = re.compile(r"\..+\.\d+\.new")
_OLDEST = "ledger"  # a key that is there from the first night on
_NAME = re.compile(r"[a-z0-9-]+(/[a-z0-9-]+)*")
_HOW_TO_PROVIDE = (
    "run `charter init` to make one, or set CHARTER_MASTER_KEY_FILE to a file of mode 0600, "
    "or CHARTER_MASTER_KEY to 32 bytes in base64"
)


def load_master_key(environ: Mapping[str, str], folder: Path) -> bytes:
    """Return the master key that `environ` names, or that of `folder`; KeyringError says the cure."""
    if text := environ.get("CHARTER_MASTER_KEY"):
        return _decode(text.encode())
    path = Path(environ.get("CHARTER_MASTER_KEY_FILE") or folder / "master.key")
    if not path.exists() and (after := next_master_key_file(folder)) is not None:
        path = after  # a change of the master key was killed after the end of the old one
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()
    except FileNotFoundError:
        raise KeyringError(f"there is no master key: {_HOW_TO_PROVIDE}.") from None
    except OSError:
        raise KeyringError(
            "the master key file cannot be read: give it to the user that runs Charter."
        ) from None
    if mode & (stat.S_IRWXO | stat.S_IWGRP):
        raise KeyringError("the master key file is open to others: chmod 600 it.")
    return _decode(content)


def next_master_key_file(folder: Path) -> Path | None:
    """Return the master key to come, where a change to it has not ended."""
    path = folder / "master.key.next"
    return path if path.exists() else None


def create_master_key(folder: Path, name: str = "master.key") -> bool:
    """Make the file `name` in `folder` with mode 0600; False where there is one already."""
    make_private_folder(folder)
    path = folder / name
    if path.exists():
        return False
    write_whole(path, base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
    return True


class Keyring:
    """Named keys of 32 bytes; a name is lower-case words and digits with "/" between."""

    def __init__(self, folder: Path, master_key: bytes, next_key: bytes | None = None) -> None:
        """`next_key` is the master key to come, while the change to it has not ended."""
        self.folder = folder
        self._wraps = [AESGCM(key) for key in (master_key, next_key) if key is not None]

    def ensure(self, name: str) -> bytes:
        """Return the key `name`, made on first use."""
        path = self._path(name)
        if path.exists():
            return self.open(name)
        with locked(self.folder / ".lock"):
            if not path.exists():
                if self.has(_OLDEST):
                    self.open(_OLDEST)  # a master key that was exchanged meanwhile must wrap nothing more
                self._write(name, secrets.token_bytes(KEY_BYTES))
        return self.open(name)

    def open(self, name: str) -> bytes:
        """Return the key `name`; KeyringError where it is absent, damaged or of another master key."""
        try:
            content = self._path(name).read_bytes()
        except FileNotFoundError:
            raise KeyringError(
                f"the key {name} is not in the keyring: it was shredded, or CHARTER_KEYS is another folder."
            ) from None
        except OSError:
            raise KeyringError(f"the key {name} cannot be read: give CHARTER_KEYS to this user.") from None
        for wrap in self._wraps:
            if (key := _unwrapped(wrap, name, content)) is not None:
                return key
        raise KeyringError(
            f"the key {name} does not open: the master key is another one than it was wrapped with "
            "(provide the right one), or the key file is damaged (restore CHARTER_KEYS)."
        )

    def has(self, name: str) -> bool:
        """Return whether the key `name` is there."""
        return self._path(name).exists()

    def shred(self, name: str) -> None:
        """Destroy the key `name` for good: overwrite, fsync, unlink, fsync; absent is success."""
        destroy_unfinished(self._path(name))
        overwrite_and_remove(self._path(name))

    def names(self, prefix: str = "") -> list[str]:
        """Return the names that begin with `prefix`, sorted."""
        within = self.folder / prefix.rpartition("/")[0]
        found = (path.relative_to(self.folder).as_posix()[: -len(".key")] for path in within.rglob("*.key"))
        return sorted(name for name in found if name != "master" and name.startswith(prefix))

    def astray(self, files: Iterable[Path]) -> int:
        """Return how many of `files`, in the keyring's folder, are a key under another name than its own."""
        return sum(is_key_file(path) and not self._is_in_its_place(path) for path in files)

    def _is_in_its_place(self, path: Path) -> bool:
        if _UNFINISHED.fullmatch(path.name):
            return True  # being written; what is left of a killed writer goes with the key
        name = path.relative_to(self.folder).as_posix().removesuffix(".key")
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return True  # shredded meanwhile
        opens = any(_unwrapped(wrap, name, content) is not None for wrap in self._wraps)
        return path.suffix == ".key" and opens

    def derive(self, name: str, info: str) -> bytes:
        """Return a sub-key of 32 bytes of the key `name` for the use `info` (HKDF-SHA256, RFC 5869)."""
        return derive(self.ensure(name), info)

    def _write(self, name: str, key: bytes) -> None:
        path = self._path(name)
        make_private_folder(path.parent)
        write_whole(path, _wrapped(self._wraps[-1], name, key))

    def _path(self, name: str) -> Path:
        if _NAME.fullmatch(name) is None:
            raise KeyringError("a key has a name of another form than lower-case words with / between.")
        return self.folder / f"{name}.key"


def is_key_file(path: Path) -> bool:
    """Return whether `path` is a wrapped key, whatever it is called."""
    try:
        if path.stat().st_size != _FILE_BYTES:
            return False
        with path.open("rb") as file:
            return file.read(len(_VERSION)) == _VERSION
    except FileNotFoundError:  # shredded meanwhile
        return False


def rewrap(folder: Path, old: bytes, new: bytes) -> int:
    """Wrap each key in `folder` with the master key `new`; return how many there are. Run again, it goes on.

    KeyringError where one opens with neither, and then it is as it was.
    """
    both, target = Keyring(folder, old, new), AESGCM(new)
    names = both.names()
    for name in names:
        path = folder / f"{name}.key"
        if _unwrapped(target, name, path.read_bytes()) is None:
            write_whole(path, _wrapped(target, name, both.open(name)))
    return len(names)


def _wrapped(wrap: AESGCM, name: str, key: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return _VERSION + nonce + wrap.encrypt(nonce, key, name.encode())


def _unwrapped(wrap: AESGCM, name: str, content: bytes) -> bytes | None:
    nonce, sealed = content[len(_VERSION) :][:_NONCE_BYTES], content[len(_VERSION) + _NONCE_BYTES :]
    try:
        return wrap.decrypt(nonce, sealed, name.encode())
    except (InvalidTag, ValueError):
        return None


def derive(key: bytes, info: str) -> bytes:
    """Return a sub-key of 32 bytes of `key` for the use `info` (HKDF-SHA256, RFC 5869)."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=info.encode()).derive(key)


def _decode(text: bytes) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyringError(f"the master key is not 32 bytes in base64: {_HOW_TO_PROVIDE}.")
    return key
