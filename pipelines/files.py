"""Files that survive a power cut, and files that are gone for good."""

from __future__ import annotations

import errno
import fcntl
import glob
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipelines.errors import ConfigurationError, VaultError

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
_LOCK_POLL_SECONDS = 0.02


def make_private_folder(folder: Path) -> None:
    """Create `folder` and its missing parents with mode 0700, each name durable."""
    if folder.is_dir():
        return
    make_private_folder(folder.parent)
    try:
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        sync_folder(folder.parent)
    except OSError as error:
        raise unwritable(error) from None


def sync_file(path: Path) -> None:
    """Force the content of `path` to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


sync_folder = sync_file


def write_whole(path: Path, content: bytes, *, mode: int = PRIVATE_FILE) -> None:
    """Write `path` in one step: a reader finds the old content or the new, never a part."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        destroy_unfinished(path)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        move(beside, path)
    except OSError as error:
        raise unwritable(error) from None


def destroy_unfinished(path: Path) -> None:
    """Destroy what killed processes left when they wrote `path`: it may be a key."""
    for beside in path.parent.glob(f".{glob.escape(path.name)}.*.new"):
        pid = beside.name.removeprefix(f".{path.name}.").removesuffix(".new")
        if pid.isdigit() and not _is_running(int(pid)):
            overwrite_and_remove(beside)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True


def move(source: Path, target: Path) -> None:
    """Rename `source` to `target`, durably; both are on one file system."""
    source.replace(target)
    sync_folder(target.parent)
    if source.parent != target.parent:
        sync_folder(source.parent)


def remove_file(path: Path) -> None:
    """Unlink `path` durably; a file that is not there is success."""
    with suppress(FileNotFoundError):
        path.unlink()
        sync_folder(path.parent)


def remove_folder(folder: Path) -> None:
    """Remove `folder` with all it holds, durably; a folder that is not there is success."""
    if folder.exists():
        shutil.rmtree(folder)
        sync_folder(folder.parent)


def overwrite_and_remove(path: Path) -> None:
    """Overwrite the bytes of `path`, then unlink it, each step on the disk before the next.

    For key material only: it is what NIST SP 800-88 Rev. 2 calls cryptographic erase of all
    that the key had sealed. A file that is not there is success.
    """
    try:
        with path.open("r+b") as file:
            file.write(os.urandom(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
    except FileNotFoundError:
        return
    remove_file(path)


@contextmanager
def locked(path: Path, *, shared: bool = False, wait_seconds: float = 120.0) -> Iterator[None]:
    """Hold the advisory lock `path`; VaultError when another process keeps it for too long."""
    make_private_folder(path.parent)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    except OSError as error:
        raise unwritable(error) from None
    try:
        _acquire(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX, wait_seconds)
        yield
    finally:
        os.close(descriptor)


def try_lock(path: Path) -> int | None:
    """Take the lock `path` without waiting and return its descriptor, or None where it is held."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def unwritable(error: OSError) -> ConfigurationError:
    """Return the error to raise where the system refused to write, with the cure and no path."""
    cure = {
        errno.ENOSPC: "the disk is full: free space and run again",
        errno.EDQUOT: "the disk quota is used up: raise it and run again",
        errno.EROFS: "the file system is read-only: mount it writable and run again",
        errno.EACCES: "permission denied: give the folders of CHARTER_HOME to the user that runs Charter",
        errno.EPERM: "permission denied: give the folders of CHARTER_HOME to the user that runs Charter",
    }.get(error.errno or 0, f"the system said {errno.errorcode.get(error.errno or 0, 'nothing')}")
    return ConfigurationError(f"a file of this installation cannot be written: {cure}.")


def _acquire(descriptor: int, kind: int, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise VaultError(
                    "a store is in use by another process: wait for it to end, or stop it, and run again."
                ) from None
            time.sleep(_LOCK_POLL_SECONDS)
        else:
            return
