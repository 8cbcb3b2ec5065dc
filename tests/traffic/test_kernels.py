"""The compiled loops: no place outside their arrays is read, whatever stands in a line and wherever a block ends."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.traffic.addresses import full_form, is_refused_address
from pipelines.traffic.content import at_every_place
from pipelines.traffic.distinct import Distinct
from pipelines.traffic.hits import KINDS
from pipelines.traffic.kernels import Found, read_lines
from pipelines.traffic.regular import empty

ROOT = Path(__file__).parents[2]
TIME = b"21/Nov/2026:13:55:36 +0100"
BYTES = b'\n"\\ ?-[]:/+.019GETHPJanv\xc3\xa9\x00'
ALWAYS = np.array([-(1 << 62), 1 << 62], np.int64)


def read(lines: list[bytes], distinct: Distinct) -> tuple[Found, list[list[bytes | None]]]:
    """What is read of `lines`, and the texts of each of them, in the order of KINDS."""
    data = np.frombuffer(b"".join(lines), np.uint8)
    lengths = np.array([len(line) for line in lines], np.int64)
    starts = np.cumsum(lengths) - lengths
    found = empty(len(lines))
    table = distinct.table(len(KINDS) * len(lines), len(data))
    read_lines(at_every_place("<u8", data), data, starts, lengths, ALWAYS, found, table)
    known = distinct.since(0)[1].cast(pa.binary()).to_pylist()
    return found, [[known[number] if number >= 0 else None for number in row] for row in found.texts.T]


def whole(texts: Sequence[bytes | None]) -> bytes:
    """A line of these texts, in the order of KINDS."""
    host, path, query, referrer, agent = texts
    target = path if query is None else b"%s?%s" % (path, query)
    said = b"" if agent is None else b' "%s" "%s"' % (referrer, agent)
    return b'%s - - [%s] "GET %s HTTP/1.1" 200 12%s' % (host, TIME, target, said)


def some(chance: random.Random) -> list[bytes | None]:
    """Texts of a line, of all lengths that are read in another way, and few enough to come again."""
    host, *others = (bytes(chance.choices(b"ab", k=chance.randrange(20))) for _ in range(5))
    path, query, referrer, agent = (chance.choice((text, b"", None)) for text in others)
    is_common = agent is None or referrer is None
    return [host or b"::1", b"/" + (path or b""), query, *((None, None) if is_common else (referrer, agent))]


def mangled(line: bytes, chance: random.Random) -> bytes:
    """`line` cut, or with some bytes that are others, or gone."""
    found = bytearray(line)
    for _ in range(chance.choice((0, 0, 1, 1, 2, 5))):
        place = chance.randrange(len(found) + 1)
        found[place : place + chance.choice((0, 1, 1, 3))] = bytes(
            chance.choices(BYTES, k=chance.choice((0, 1, 2)))
        )
    return bytes(found[: chance.choice((len(found), len(found), chance.randrange(len(found) + 1)))])


def mangle_and_read(rounds: int) -> int:
    """Read blocks of mangled lines; return how many lines were read after all."""
    chance, read_at_all, distinct = random.Random(1), 0, Distinct()
    for _ in range(rounds):
        lines = [mangled(whole(some(chance)), chance) for _ in range(chance.randrange(1, 6))]
        found, texts = read(lines, distinct)
        for line, instant, of_line in zip(lines, found.instant, texts, strict=True):
            assert all(text is None or text in line for text in of_line)
            assert (of_line[0] is not None) == (instant >= 0)
            read_at_all += int(instant >= 0)
    return read_at_all


def test_no_loop_reads_outside_its_arrays(tmp_path: Path) -> None:
    checked = os.environ | {
        "NUMBA_BOUNDSCHECK": "1",
        "NUMBA_CACHE_DIR": str(tmp_path),
        "PYTHONPATH": str(ROOT),
    }
    code = f"import runpy; print(runpy.run_path({str(Path(__file__))!r})['mangle_and_read'](4_000))"
    run = subprocess.run(
        [sys.executable, "-c", code], env=checked, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) == mangle_and_read(4_000) > 500


def test_texts_are_those_of_the_line_and_the_same_text_of_a_kind_has_one_number() -> None:
    chance, distinct, numbers = random.Random(2), Distinct(), dict[tuple[int, bytes], int]()
    for _ in range(2_000):
        wanted = [some(chance) for _ in range(chance.randrange(1, 9))]
        found, texts = read([whole(of_line) for of_line in wanted], distinct)
        assert texts == wanted
        for row, of_line in zip(found.texts.T.tolist(), wanted, strict=True):
            for kind, (number, text) in enumerate(zip(row, of_line, strict=True)):
                assert number == (-1 if text is None else numbers.setdefault((kind, text), len(numbers)))
    kinds, _texts = distinct.since(0)
    assert kinds.tolist() == [kind for kind, _text in numbers]
    assert len(numbers) > 3_000  # the tables were made larger several times


@given(st.text("0123456789.:a", max_size=16) | st.ip_addresses().map(str))
def test_a_caller_is_ipv4_where_it_is_an_address_that_is_never_refused(host: str) -> None:
    line = whole([host.encode() or b"-", b"/", None, None, None])
    is_ipv4 = bool(read([line], Distinct())[0].is_ipv4[0])
    assert is_ipv4 == (re.fullmatch(r"[0-9.]+", host) is not None and full_form(host) == host)
    assert not (is_ipv4 and is_refused_address(host))


def test_a_file_is_taken_in_whole_when_texts_are_forgotten_again_and_again(
    log: Callable[..., bytes], landing: Path, take: Callable[..., Any], held: Callable[[str], list[Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("pipelines.traffic.regular.MOST_TEXTS", 40)
    monkeypatch.setattr("pipelines.traffic.staging.MOST_TEXTS", 90)
    monkeypatch.setattr("pipelines.traffic.lines._BLOCK_BYTES", 4096)
    monkeypatch.setattr("pipelines.landing.content.PIECE_BYTES", 4096)
    monkeypatch.setattr("pipelines.traffic.ingest.PORTION_LINES", 150)
    lines = [
        log(number, host=f"192.0.{number % 7}.{number % 200}", request=f"GET /page-{number % 90} HTTP/1.1")
        for number in range(900)
    ]
    (landing / "site.log").write_bytes(b"".join(lines))
    take()
    pages = held("SELECT line, path FROM hits ORDER BY line")
    assert pages == [(number + 1, f"/page-{number % 90}") for number in range(900)]
    callers = held("SELECT line % 7, line % 200, count(DISTINCT address) FROM hits GROUP BY ALL")
    assert {count for _, _, count in callers} == {1}
    assert held("SELECT count(DISTINCT address) FROM hits") == [(900,)]
