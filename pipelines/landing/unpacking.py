"""Packed content → pieces: gzip, bzip2, zstd and xz, told by their first bytes and never by a name.

DuckDB's reader takes a gzip with a damaged middle and says nothing. Here the checksum of every member
is verified, a cut end and whatever follows the last member are errors, zeros after it are padding, and
a bomb is stopped early. Nothing is held but one piece and the window of the packing.
"""

from __future__ import annotations

import bz2
import io
import lzma
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, cast

from isal import igzip_lib

from pipelines.errors import LandingError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PIECE_BYTES = 1 << 20
# Each member copies what follows it in what was read: small reads keep a file of many members linear.
_READ_BYTES = 64 << 10
# A log packs 10 to 40 times, the same line over and over some 300 times; DEFLATE ends at 1032 times.
MOST_RATIO = 500
UNSUSPECTED_BYTES = 256 << 20
# What `zstd` and `zstd --long` make, and twice what `xz -9` needs.
_MOST_WINDOW_LOG = 27
_MOST_XZ_BYTES = 128 << 20


class _Member(Protocol):
    """One member, frame or stream of a packed file, as the standard library's decompressors are."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


@dataclass(frozen=True)
class Packing:
    """One way to pack a file: how it begins, and what unpacks one member of it."""

    name: str
    begins: re.Pattern[bytes]
    start: Callable[[], _Member]


def _gzip() -> _Member:
    return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)


def _zstd() -> _Member:
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _MOST_WINDOW_LOG})


def _xz() -> _Member:
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_MOST_XZ_BYTES)


_PACKINGS = (
    Packing("gzip", re.compile(rb"\x1f\x8b"), _gzip),  # RFC 1952
    # a block, the end of an empty file, or a file cut in its first bytes
    Packing("bzip2", re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90|.{0,5}\Z)"), bz2.BZ2Decompressor),
    # RFC 8878; pzstd begins with a skippable frame
    Packing("zstd", re.compile(rb"(?:\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18)"), _zstd),
    Packing("xz", re.compile(rb"\xfd7zXZ"), _xz),
)
_OTHERS = {
    rb"PK(?:\x03\x04|\x05\x06|\x07\x08)": "zip",
    rb"7z\xbc\xaf\x27\x1c": "7-Zip",
    rb"Rar!\x1a\x07": "rar",
    rb"\x04\x22\x4d\x18": "lz4",
    rb"LZIP\x01": "lzip",
    rb"\x89LZO\x00": "lzop",
    rb"\x1f\x9d": "compress",
    rb"\xff\x06\x00\x00sNaPpY": "snappy",
    # no checksum: a damaged middle would go unseen
    rb"(?s:\x5d\x00\x00.{2}(?:\xff{8}|.{5}\x00{3}))": "lzma",
    rb"(?s:.{257}ustar(?:  )?\x00)": "tar",
}
_REFUSED = {re.compile(begins): name for begins, name in _OTHERS.items()}
_GZIP_ERROR = cast(type[Exception], igzip_lib.error)  # its stubs say that it is an instance
_ERRORS = (_GZIP_ERROR, zstd.ZstdError, lzma.LZMAError, OSError, EOFError, ValueError)
_UNAFFORDABLE = re.compile(r"memory|dictionary", re.IGNORECASE)


def packing_of(head: bytes) -> Packing | None:
    """Return how a file that begins with `head` is packed, None for not at all.

    LandingError where it is packed in a way that is not read.
    """
    for begins, name in _REFUSED.items():
        if begins.match(head):
            raise LandingError(
                f"is packed with {name}, which is not read: pack each file by itself with gzip, zstd, xz or "
                "bzip2, or not at all."
            )
    return next((packing for packing in _PACKINGS if packing.begins.match(head)), None)


def unpacked(file: io.RawIOBase, packing: Packing, most: int = PIECE_BYTES) -> Iterator[bytes]:
    """Yield what all members of `file` hold, in pieces of up to `most` bytes; else LandingError."""
    parts: list[bytes] = []
    gathered = 0
    for part in _Reader(file, packing, most).parts():
        if parts and gathered + len(part) > most:
            yield b"".join(parts)
            parts, gathered = [], 0
        parts.append(part)
        gathered += len(part)
    if parts:
        yield b"".join(parts)


class _Reader:
    """Reads one packed file from its beginning to its end."""

    def __init__(self, file: io.RawIOBase, packing: Packing, most: int) -> None:
        self._file, self._packing, self._most = file, packing, most
        self._produced = 0

    def parts(self) -> Iterator[bytes]:
        rest = self._read()
        while rest:
            member = self._packing.start()
            yield from self._parts_of(member, rest)
            rest = self._next_member(member.unused_data)

    def _parts_of(self, member: _Member, packed: bytes) -> Iterator[bytes]:
        while True:
            part = self._decompress(member, packed)
            self._produced += len(part)
            self._refuse_bomb()
            if part:
                yield part
            if member.eof:
                return
            packed = self._read() if member.needs_input else b""
            if member.needs_input and not packed:
                raise LandingError(
                    f"ends too early ({self._packing.name}): it was cut short, or is still being written; "
                    "deliver it again."
                )

    def _read(self) -> bytes:
        return self._file.read(_READ_BYTES) or b""

    def _next_member(self, rest: bytes) -> bytes:
        rest = rest or self._read()
        while rest and not rest.strip(b"\0"):
            rest = self._read()
        return rest.lstrip(b"\0")

    def _decompress(self, member: _Member, packed: bytes) -> bytes:
        try:
            return member.decompress(packed, self._most)
        except _ERRORS as error:
            if _UNAFFORDABLE.search(str(error)):
                raise LandingError(
                    f"is packed so that reading it takes a dictionary or too much memory "
                    f"({self._packing.name}): pack it with the usual options."
                ) from None
            raise LandingError(
                f"is damaged ({self._packing.name}, checksum or data): deliver it again."
            ) from None

    def _refuse_bomb(self) -> None:
        if self._produced > UNSUSPECTED_BYTES and self._produced > MOST_RATIO * self._file.tell():
            raise LandingError(
                f"unpacks to more than {MOST_RATIO} times its size ({self._packing.name}): no log does; look "
                "at it, then remove it or deliver it unpacked."
            )
