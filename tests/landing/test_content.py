"""Every packing that is read, and each way in which a file may not be whole."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import random
import struct
import subprocess
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.errors import LandingError
from pipelines.landing import content, unpacking
from pipelines.landing.unpacking import zstd

TEXT = b"".join(b"%d some line of a log %d\n" % (number, number * number) for number in range(60_000))
SKIPPABLE = b"\x50\x2a\x4d\x18" + struct.pack("<I", 4) + b"skip"


def zstd_checked(data: bytes) -> bytes:
    return zstd.compress(data, options={zstd.CompressionParameter.checksum_flag: 1})


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "zstd": zstd_checked,
    "xz": lambda data: lzma.compress(data, preset=0),
}
EACH_PACKING = pytest.mark.parametrize("name", PACKERS)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.log"


def read(file: Path, packed: bytes) -> bytes:
    file.write_bytes(packed)
    return b"".join(content.pieces(file))


@pytest.mark.parametrize("data", [TEXT, b"", b"x", b"no end", b"\n", b"\0" * 10])
def test_a_plain_file_is_read_as_it_stands(file: Path, data: bytes) -> None:
    assert read(file, data) == data
    assert content.size(file) == len(data)
    assert content.head(file) == data[:4096]


@EACH_PACKING
@pytest.mark.parametrize(
    "wrap",
    [
        lambda pack: pack(TEXT),
        lambda pack: pack(TEXT[:1000]) + pack(TEXT[1000:]),
        lambda pack: pack(TEXT) + pack(b""),
        lambda pack: pack(b"") + pack(TEXT),
        lambda pack: pack(TEXT) + bytes(512),
        lambda pack: pack(TEXT[:1000]) + bytes(512) + pack(TEXT[1000:]) + bytes(1 << 20),
        lambda pack: b"".join(pack(TEXT[at : at + 4000]) for at in range(0, len(TEXT), 4000)),
    ],
    ids=["one", "two", "then empty", "empty first", "padded", "padded between", "many"],
)
def test_packed_content_is_whole(
    file: Path, name: str, wrap: Callable[[Callable[[bytes], bytes]], bytes]
) -> None:
    assert read(file, wrap(PACKERS[name])) == TEXT
    assert content.head(file) == TEXT[:4096]
    assert content.size(file) == len(TEXT)


@EACH_PACKING
def test_nothing_packed_is_nothing(file: Path, name: str) -> None:
    assert read(file, PACKERS[name](b"")) == b""


@pytest.mark.parametrize(
    "packed",
    [
        SKIPPABLE + zstd_checked(TEXT[:9]) + SKIPPABLE + zstd_checked(TEXT[9:]) + SKIPPABLE,
        zstd.compress(TEXT),
        lzma.compress(TEXT, check=lzma.CHECK_NONE),
        lzma.compress(TEXT, check=lzma.CHECK_SHA256),
        gzip.compress(TEXT, compresslevel=0),
    ],
    ids=["zstd, skippable frames", "zstd, no checksum", "xz, no check", "xz, SHA-256", "gzip, stored"],
)
def test_packings_in_other_clothes(file: Path, packed: bytes) -> None:
    assert read(file, packed) == TEXT


@pytest.mark.parametrize(
    "tool", [["gzip", "-9"], ["bzip2"], ["zstd", "-q", "--long=27"], ["xz", "-1", "-T2"]]
)
def test_what_the_tools_themselves_write_is_read(file: Path, tool: list[str]) -> None:
    try:
        packed = subprocess.run([*tool, "-c"], input=TEXT, capture_output=True, check=True).stdout
    except FileNotFoundError:
        pytest.skip(f"{tool[0]} is not installed: apt-get install {tool[0]}")
    assert read(file, packed) == TEXT


@EACH_PACKING
def test_pieces_are_bounded_and_not_crumbs(file: Path, name: str) -> None:
    pack = PACKERS[name]
    file.write_bytes(b"".join(pack(TEXT[at : at + 9000]) for at in range(0, len(TEXT), 9000)))
    sizes = [len(piece) for piece in content.pieces(file)]
    assert max(sizes) <= unpacking.PIECE_BYTES
    assert len(sizes) <= 2 * len(TEXT) / unpacking.PIECE_BYTES + 1


@EACH_PACKING
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda packed: packed[:-1], "ends too early"),
        (lambda packed: packed[: len(packed) // 2], "ends too early"),
        (lambda packed: packed[:11], "ends too early"),
        (lambda packed: packed + packed[: len(packed) // 2], "ends too early"),
        (lambda packed: packed + b"garbage that follows the end", "damaged"),
        (lambda packed: packed + bytes(64) + b"garbage that follows the end", "damaged"),
        (lambda packed: bent(packed, len(packed) // 2), "damaged"),
    ],
    ids=["last byte", "half", "header only", "second half", "garbage", "garbage after padding", "middle"],
)
def test_what_is_not_whole_is_refused(
    file: Path, name: str, damage: Callable[[bytes], bytes], reason: str
) -> None:
    with pytest.raises(LandingError, match=reason):
        read(file, damage(PACKERS[name](TEXT)))


def bent(packed: bytes, at: int) -> bytes:
    return packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :]


@EACH_PACKING
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_bent_bit_gives_other_content(file: Path, name: str, data: st.DataObject) -> None:
    """The checksum catches it, or the bit meant nothing (a time in a header)."""
    packed = bytearray(PACKERS[name](TEXT[:3000]))
    packed[data.draw(st.integers(10, len(packed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        found = read(file, bytes(packed))
    except LandingError:
        return
    assert found == TEXT[:3000]


@EACH_PACKING
def test_every_cut_is_an_error(file: Path, name: str) -> None:
    packed = PACKERS[name](TEXT[:2000])
    for end in range(9, len(packed)):
        with pytest.raises(LandingError, match="ends too early"):
            read(file, packed[:end])


@EACH_PACKING
def test_random_bytes_behind_a_header_end_in_one_sentence(file: Path, name: str) -> None:
    noise = random.Random(7)
    begin = PACKERS[name](TEXT[:9])[:10]
    for _ in range(60):
        with pytest.raises(LandingError, match=rf"\({name}"):
            read(file, begin + noise.randbytes(noise.randrange(40, 5000)))


def zipped() -> bytes:
    with zipfile.ZipFile(out := io.BytesIO(), "w") as archive:
        archive.writestr("a.log", TEXT)
    return out.getvalue()


def tarred() -> bytes:
    with tarfile.open(fileobj=(out := io.BytesIO()), mode="w") as archive:
        member = tarfile.TarInfo("a.log")
        member.size = len(TEXT)
        archive.addfile(member, io.BytesIO(TEXT))
    return out.getvalue()


@pytest.mark.parametrize(
    ("packed", "name"),
    [
        (zipped(), "zip"),
        (tarred(), "tar"),
        (gzip.compress(tarred()), "tar"),
        (gzip.compress(gzip.compress(TEXT)), "twice"),
        (lzma.compress(TEXT, format=lzma.FORMAT_ALONE), "lzma"),
        (b"\x04\x22\x4d\x18" + bytes(20), "lz4"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(20), "7-Zip"),
        (b"Rar!\x1a\x07\x01\x00", "rar"),
        (b"\x1f\x9d\x90" + bytes(20), "compress"),
    ],
)
def test_other_packings_are_refused_by_name_with_the_cure(file: Path, packed: bytes, name: str) -> None:
    with pytest.raises(LandingError, match=rf"packed (with )?{name}.*pack"):
        read(file, packed)


@pytest.mark.parametrize(
    "line", [b"BZh9 is a host name\n", b"PK - - [", b"]\0\0\n", b"P*M x", b"BZh9\n", b"x" * 257 + b"ustarx\n"]
)
def test_a_line_that_begins_somewhat_like_a_packing_is_a_line(file: Path, line: bytes) -> None:
    assert read(file, line) == line


def gzip_bomb(path: Path) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    path.write_bytes(b"".join(packer.compress(bytes(1 << 24)) for _ in range(18)) + packer.flush())


def member_bomb(pack: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(pack(bytes(1 << 25))) and path.write_bytes(path.read_bytes() * 9)


@pytest.mark.parametrize(
    "make",
    [gzip_bomb, member_bomb(lambda data: bz2.compress(data, 1)), member_bomb(zstd_checked),
     member_bomb(lambda data: lzma.compress(data, preset=0))],
    ids=["gzip", "bzip2", "zstd", "xz"],
)  # fmt: skip
def test_a_bomb_is_stopped_early_at_constant_memory(file: Path, make: Callable[[Path], None]) -> None:
    make(file)
    read: list[int] = []
    tracemalloc.start()
    with pytest.raises(LandingError, match="500 times"):
        read.extend(len(piece) for piece in content.pieces(file))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert max(read) <= unpacking.PIECE_BYTES
    assert sum(read) <= unpacking.UNSUSPECTED_BYTES + unpacking.PIECE_BYTES
    assert peak < 24 << 20


def test_a_window_of_2_gb_is_refused(file: Path) -> None:
    # RFC 8878: descriptor 0x00 (no single segment), window byte 0xA8 = 2^(10 + 21)
    with pytest.raises(LandingError, match="too much memory"):
        read(file, b"\x28\xb5\x2f\xfd\x00\xa8" + bytes(40))


def test_an_xz_that_takes_a_dictionary_of_1_gb_is_refused(file: Path) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}]
    packed = bytearray(lzma.compress(TEXT[:100], filters=filters))
    # the .xz format, 3.1 and 5.3.1: header size, flags, filter id, size of properties, dictionary size
    at = 12
    assert packed[at + 2 : at + 4] == b"\x21\x01"
    packed[at + 4] = 36  # 2^30
    end = at + (packed[at] + 1) * 4
    packed[end - 4 : end] = zlib.crc32(packed[at : end - 4]).to_bytes(4, "little")
    with pytest.raises(LandingError, match="too much memory"):
        read(file, bytes(packed))


def test_a_zstd_that_needs_a_dictionary_is_refused_with_the_cure(file: Path) -> None:
    dictionary = zstd.ZstdDict(TEXT[:4000], is_raw=True)
    trained = zstd.train_dict([TEXT[at : at + 200] for at in range(0, 200_000, 200)], 4096)
    assert trained.dict_id != 0 == dictionary.dict_id
    with pytest.raises(LandingError, match="dictionary"):
        read(file, zstd.compress(TEXT, zstd_dict=trained))


def test_a_sparse_file_costs_no_more_memory(file: Path) -> None:
    with file.open("wb") as out:
        out.truncate(200 << 20)
        out.seek(0, 2)
        out.write(b"the end\n")
    last, total = b"", 0
    tracemalloc.start()
    for piece in content.pieces(file):
        last, total = piece, total + len(piece)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (total, last[-8:]) == ((200 << 20) + 8, b"the end\n")
    assert peak < 4 << 20


def test_a_link_a_pipe_or_a_folder_is_not_read(file: Path, tmp_path: Path) -> None:
    file.symlink_to("/etc/passwd")
    pipe, folder = tmp_path / "pipe", tmp_path / "folder"
    os.mkfifo(pipe)
    folder.mkdir()
    for path, reason in (
        (file, "cannot be read"),
        (pipe, "not a regular"),
        (folder, "not a regular|cannot be read"),
    ):
        with pytest.raises(LandingError, match=reason):
            list(content.pieces(path))
        assert content.head(path) == b""
        assert content.size(path) == 0


def test_no_descriptor_is_left_open_by_a_reader_that_stops_early(file: Path) -> None:
    file.write_bytes(TEXT * 2)
    before = len(list(Path("/proc/self/fd").iterdir()))
    found = content.pieces(file)
    next(found)
    found.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def read_while(pieces: Iterator[bytes], change: Callable[[], object], *, every: bool = False) -> None:
    for number, _piece in enumerate(pieces):
        if number == 0 or every:
            change()


@pytest.mark.parametrize("name", ["plain", *PACKERS])
@pytest.mark.parametrize("moment", ["before", "during", "touched", "replaced"])
def test_a_file_that_changes_is_left_for_the_next_run(file: Path, name: str, moment: str) -> None:
    packed = PACKERS.get(name, bytes)(TEXT)
    file.write_bytes(packed)
    stamp = content.stamp_of(file.stat())
    if moment == "before":
        file.write_bytes(packed + packed)
    if moment == "replaced":
        (file.parent / "b").write_bytes(packed)
        os.utime(file.parent / "b", ns=(1, stamp.modified_ns))
        (file.parent / "b").replace(file)
    changes = {
        "during": lambda: file.write_bytes(packed + packed),
        "touched": lambda: os.utime(file, ns=(1, 1)),
    }
    with pytest.raises(LandingError, match="still being written"):
        read_while(content.pieces(file, stamp), changes.get(moment, lambda: None))


def test_a_packed_file_still_being_written_is_told_from_a_damaged_one(file: Path) -> None:
    packed = gzip.compress(os.urandom(3 << 20))
    file.write_bytes(packed[:-5])
    with pytest.raises(LandingError, match="still being written: move"):
        read_while(content.pieces(file), lambda: os.utime(file, ns=(1, 1)))


def test_a_log_written_as_fast_as_it_is_read_comes_to_an_end(file: Path) -> None:
    file.write_bytes(bytes(2 << 20))
    seen: list[int] = []

    def grow() -> None:
        seen.append(1)
        with file.open("ab") as out:
            out.write(bytes(2 << 20))

    with pytest.raises(LandingError, match="still being written"):
        read_while(content.pieces(file), grow, every=True)
    assert len(seen) <= 3
