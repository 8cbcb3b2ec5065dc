"""Bytes that logs really hold, packed in each way that is read: nothing is lost, joined, or read twice."""

from __future__ import annotations

import bz2
import gzip
import lzma
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.landing.unpacking import zstd
from pipelines.traffic import Outcome
from tests.traffic.killing import totals

pytestmark = pytest.mark.usefixtures("few_rules")

Take = Callable[..., list[Outcome]]
Held = Callable[[str], list[tuple[Any, ...]]]
Log = Callable[..., bytes]
PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "zstd": zstd.compress,
    "xz": lzma.compress,
    "gzip, two members": lambda content: gzip.compress(content[:777]) + gzip.compress(content[777:]),
}


def with_path(log: Log, path: bytes, minute: int) -> bytes:
    return log(minute).replace(b"/offer", path)


@pytest.mark.parametrize("packing", PACKINGS)
def test_odd_bytes_are_read_alike_however_they_are_packed(
    landing: Path, take: Take, held: Held, log: Log, packing: str
) -> None:
    lines = [
        b"\xef\xbb\xbf" + with_path(log, b"/bom", 1),
        with_path(log, b"/crlf", 2)[:-1] + b"\r\n",
        with_path(log, b"/caf\xe9", 3),  # Latin-1
        with_path(log, b"/caf\xc3\xa9", 4),  # UTF-8
        with_path(log, b"/broken\xc3", 5),
        with_path(log, b"/nul\x00", 6),
        with_path(log, b"/cr\rinside", 7),
        b"\r\n",
        b"\x00\x00\x00\n",
        b"\xff\xfe\n",
        b"x" * 70_000 + b"\n",
        with_path(log, b"/last", 8)[:-1],
    ]
    content = b"".join(lines)
    (landing / "a.log").write_bytes(PACKINGS[packing](content))
    (outcome,) = take()
    assert outcome.read == len(lines) == content.count(b"\n") + 1 == sum(totals([outcome]))
    assert outcome.rejected == 4
    paths = dict(held("SELECT line, path FROM hits"))
    assert {line: paths[line] for line in (2, 3, 4, 12)} == {2: "/crlf", 3: "/café", 4: "/café", 12: "/last"}
    assert sorted(paths) == [1, 2, 3, 4, 5, 6, 7, 12]
    assert held("SELECT line, reason FROM rejects ORDER BY line") == [
        (8, "empty_line"), (9, "not_a_log_line"), (10, "not_a_log_line"), (11, "line_too_long")
    ]  # fmt: skip
    assert dict(held("SELECT line, raw FROM rejects WHERE line < 11")) == {
        8: b"",
        9: b"\0\0\0",
        10: b"\xff\xfe",
    }


@pytest.mark.parametrize("packing", ["plain", "gzip", "zstd"])
def test_a_line_of_100_megabytes_is_one_reject_and_its_neighbours_are_hits(
    landing: Path, take: Take, held: Held, log: Log, packing: str
) -> None:
    noise = bytes(range(32, 127)) * (1 << 20)
    assert len(noise) > 99_000_000
    content = log(1) + noise + b"\n" + log(2)
    pack = {"gzip": lambda text: gzip.compress(text, 1)}.get(packing, PACKINGS[packing])
    (landing / "a.log").write_bytes(_not_too_well_packed(pack, content) if packing != "plain" else content)
    started = time.monotonic()
    (outcome,) = take()
    assert totals([outcome]) == (2, 1, 0, 0)
    assert held("SELECT line, reason, octet_length(raw) FROM rejects") == [(2, "line_too_long", 65_536)]
    assert time.monotonic() - started < 60


def _not_too_well_packed(pack: Callable[[bytes], bytes], content: bytes) -> bytes:
    """Return `content` packed in members, one of them of bytes that do not pack, so that it is no bomb."""
    import random

    noise = random.Random(3).randbytes(4 << 20).replace(b"\n", b"")
    middle = len(content) // 2
    return pack(content[:middle]) + pack(noise) + pack(content[middle:])
