"""Landing file → its content in pieces, decompressed by us.

DuckDB's reader takes a gzip with a damaged middle and says nothing. Here the checksum of every member
is verified, a cut end is an error, and a bomb is stopped early.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from pipelines.errors import LandingError

PIECE_BYTES = 1 << 20
HEAD_BYTES = 4096
GZIP_MAGIC = b"\x1f\x8b"
# A log packs 10 to 40 times, the same line over and over some 300 times; DEFLATE ends at 1032 times.
MOST_RATIO = 500
UNSUSPECTED_BYTES = 256 << 20
_NOT_YET = {b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd", b"\xfd7zXZ": "xz", b"PK\x03\x04": "zip"}
# A link, a pipe or a device put here between discovery and now is not followed or waited for.
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_GZIP_OR_END = 31  # zlib: expect a gzip header, verify CRC and length


def pieces(path: Path) -> Iterator[bytes]:
    """Yield the content of `path`, unpacked where it is gzip; LandingError where it cannot be read whole."""
    try:
        descriptor = os.open(path, _FLAGS)
        with os.fdopen(descriptor, "rb") as file:
            head = file.read(6)
            file.seek(0)
            if head.startswith(GZIP_MAGIC):
                yield from _gzip(file)
            else:
                _refuse_other_packing(head)
                while piece := file.read(PIECE_BYTES):
                    yield piece
    except OSError:
        raise LandingError("cannot be read: give it to the user that runs Charter.") from None


def head(path: Path) -> bytes:
    """Return the first line of `path`, its first 4 kB at most; nothing where it cannot be read."""
    try:
        descriptor = os.open(path, _FLAGS)
        with os.fdopen(descriptor, "rb") as file:
            start = file.read(HEAD_BYTES)
        if start.startswith(GZIP_MAGIC):
            start = zlib.decompressobj(_GZIP_OR_END).decompress(start, HEAD_BYTES)
    except (OSError, zlib.error):
        return b""
    return start.partition(b"\n")[0]


def size(path: Path) -> int:
    """Return the size of the content of `path`; of what is readable where it is damaged."""
    total = 0
    with suppress(LandingError):
        for piece in pieces(path):
            total += len(piece)
    return total


def _refuse_other_packing(head: bytes) -> None:
    for magic, name in _NOT_YET.items():
        if head.startswith(magic):
            raise LandingError(f"is packed with {name}, which is not read: pack it with gzip, or not at all.")


def _gzip(file: BinaryIO) -> Iterator[bytes]:
    """Yield what all members of a gzip file hold; zeros after the last one are padding."""
    member, produced, rest = zlib.decompressobj(_GZIP_OR_END), 0, b""
    while packed := rest or file.read(PIECE_BYTES):
        piece = _decompress(member, packed)
        rest = member.unused_data if member.eof else member.unconsumed_tail
        produced += len(piece)
        _refuse_bomb(produced, file.tell())
        if piece:
            yield piece
        if member.eof:
            rest = _next_member(file, rest or file.read(PIECE_BYTES))
            if not rest:
                return
            member = zlib.decompressobj(_GZIP_OR_END)
    raise LandingError("ends too early (gzip): it was cut, or is still being written; deliver it again.")


def _decompress(member: zlib._Decompress, packed: bytes) -> bytes:
    try:
        return member.decompress(packed, PIECE_BYTES)
    except zlib.error:
        raise LandingError("is damaged (gzip, checksum or data): deliver it again.") from None


def _next_member(file: BinaryIO, rest: bytes) -> bytes:
    while rest and not rest.strip(b"\0"):
        rest = file.read(PIECE_BYTES)
    return rest.lstrip(b"\0") if rest[:1] == b"\0" else rest


def _refuse_bomb(produced: int, packed: int) -> None:
    if produced > UNSUSPECTED_BYTES and produced > MOST_RATIO * packed:
        raise LandingError(
            f"unpacks to more than {MOST_RATIO} times its size (gzip): no log does; look at it and remove it."
        )
