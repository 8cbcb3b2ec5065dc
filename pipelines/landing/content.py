"""Landing file → its bytes, unpacked, at constant memory, or one sentence why not.

A file that is still being written is left for the next run: half of it must not pass for all of it.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from pipelines.errors import LandingError
from pipelines.landing.unpacking import PIECE_BYTES, packing_of, unpacked

HEAD_BYTES = 4096
# A link, a pipe or a device put here between discovery and now is not followed or waited for.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Stamp(NamedTuple):
    """What changes when a file is written to, or another takes its place."""

    size: int
    modified_ns: int
    inode: int


def stamp_of(found: os.stat_result) -> Stamp:
    """Return the stamp of what `os.stat` found."""
    return Stamp(found.st_size, found.st_mtime_ns, found.st_ino)


def pieces(path: Path, stamp: Stamp | None = None) -> Iterator[bytes]:
    """Yield the content of `path`, unpacked, in pieces of up to 1 MiB; LandingError where it is not whole.

    So it is where the file is no longer as `stamp` says, or changes while it is read.
    """
    with _opened(path) as file:
        before = stamp or _stamp_now(file)
        try:
            yield from _unchanged(file, before)
        except LandingError:
            _refuse_changed(file, before)  # what looks damaged may only be unfinished
            raise
        _refuse_changed(file, before)


def head(path: Path) -> bytes:
    """Return the first 4 kB of the content of `path` at most; nothing where it cannot be read."""
    found = b""
    with suppress(LandingError), _opened(path) as file:
        for piece in _content(file, HEAD_BYTES):
            found += piece
            if len(found) >= HEAD_BYTES:
                break
    return found[:HEAD_BYTES]


def is_packed(path: Path) -> bool:
    """Return whether `path` has to be unpacked; LandingError where it is packed in a way that is not read."""
    with _opened(path) as file:
        return packing_of(_beginning(file)) is not None


def size(path: Path) -> int:
    """Return the size of the content of `path`; of what is readable where it is damaged."""
    total = 0
    with suppress(LandingError), _opened(path) as file:
        if packing_of(_beginning(file)) is None:
            return _stamp_now(file).size
        for piece in _content(file, PIECE_BYTES):
            total += len(piece)
    return total


@contextmanager
def _opened(path: Path) -> Iterator[io.FileIO]:
    """Open the regular file `path`; an error of the system below becomes a LandingError."""
    try:
        with io.FileIO(os.open(path, _FLAGS), closefd=True) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise LandingError("is not a regular file: put a copy of the file itself into landing.")
            yield file
    except OSError as error:
        raise _unreadable(error) from None


def _unreadable(error: OSError) -> LandingError:
    if error.errno == errno.EIO:
        return LandingError("cannot be read, the disk fails: look at it, and deliver the file again.")
    return LandingError("cannot be read: give it to the user that runs Charter.")


def _unchanged(file: io.FileIO, before: Stamp) -> Iterator[bytes]:
    _refuse_changed(file, before)
    for piece in _content(file, PIECE_BYTES):
        if file.tell() > before.size:  # else a log written faster than it is read would never end
            raise _still_written()
        yield piece


def _content(file: io.FileIO, most: int) -> Iterator[bytes]:
    packing = packing_of(_beginning(file))
    if packing is None:
        while piece := file.read(most):
            yield piece
        return
    found = unpacked(file, packing, most)
    first = next(found, b"")
    if packing_of(first) is not None:
        raise LandingError("is packed twice: unpack it once.")
    if first:
        yield first
    yield from found


def _beginning(file: io.FileIO) -> bytes:
    return os.pread(file.fileno(), HEAD_BYTES, 0)


def _stamp_now(file: io.FileIO) -> Stamp:
    return stamp_of(os.fstat(file.fileno()))


def _refuse_changed(file: io.FileIO, before: Stamp) -> None:
    if _stamp_now(file) != before:
        raise _still_written()


def _still_written() -> LandingError:
    return LandingError(
        "is still being written: move it into landing once it is whole; the next run takes it in."
    )
