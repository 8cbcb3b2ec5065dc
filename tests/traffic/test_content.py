from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path

import pytest

from pipelines.errors import LandingError
from pipelines.traffic import content

TEXT = b"".join(b"%d some line of a log\n" % number for number in range(100_000))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.log"


@pytest.mark.parametrize(
    "packed",
    [
        TEXT,
        gzip.compress(TEXT),
        gzip.compress(TEXT[:1000]) + gzip.compress(TEXT[1000:]),
        gzip.compress(TEXT) + gzip.compress(b""),
        gzip.compress(TEXT) + bytes(512),
    ],
    ids=["plain", "gzip", "two members", "an empty member", "padded with zeros"],
)
def test_content_is_whole(file: Path, packed: bytes) -> None:
    file.write_bytes(packed)
    assert b"".join(content.pieces(file)) == TEXT
    assert content.head(file) == b"0 some line of a log"
    assert content.size(file) == len(TEXT)


def damaged(packed: bytes) -> bytes:
    middle = len(packed) // 2
    return packed[:middle] + bytes([packed[middle] ^ 1]) + packed[middle + 1 :]


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        (gzip.compress(TEXT)[:-1], "ends too early"),
        (gzip.compress(TEXT)[:5000], "ends too early"),
        (gzip.compress(TEXT) + gzip.compress(TEXT)[:100], "ends too early"),
        (damaged(gzip.compress(TEXT, compresslevel=0)), "damaged"),
        (gzip.compress(TEXT) + b"garbage", "damaged"),
        (b"BZh91AY&SY", "bzip2"),
        (b"\x28\xb5\x2f\xfd....", "zstd"),
        (b"\xfd7zXZ\x00....", "xz"),
    ],
)
def test_what_is_not_whole_is_refused(file: Path, packed: bytes, reason: str) -> None:
    file.write_bytes(packed)
    with pytest.raises(LandingError, match=reason):
        list(content.pieces(file))


def test_a_bomb_is_stopped_early(file: Path) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    file.write_bytes(b"".join(packer.compress(bytes(1 << 24)) for _ in range(32)) + packer.flush())
    read: list[int] = []
    with pytest.raises(LandingError, match="500 times"):
        read.extend(len(piece) for piece in content.pieces(file))
    assert max(read) <= content.PIECE_BYTES
    assert sum(read) <= content.UNSUSPECTED_BYTES + content.PIECE_BYTES


def test_a_link_or_a_pipe_is_not_followed(file: Path, tmp_path: Path) -> None:
    file.symlink_to("/etc/passwd")
    with pytest.raises(LandingError, match="cannot be read"):
        list(content.pieces(file))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert content.head(pipe) == b""
