from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Iterator, Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.traffic.escapes import readable, unescape
from pipelines.traffic.lines import LineReader

CAP = 20
CONTENT = st.lists(
    st.sampled_from(
        [
            b"\xef\xbb\xbf",
            b"a",
            b"line of 20 characters",
            b"\n",
            b"\r",
            b"\r\n",
            b"\0",
            b"\xc3\xa9",
            b"\xff",
            b'"',
            b"\\x41",
        ]
    ),
    max_size=40,
).map(b"".join)


def cut(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


def reference(content: bytes) -> list[tuple[bytes, str | None]]:
    """Lines as anybody would cut them: at LF, one CR before it being part of the end."""
    lines = content.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    lines = [line[:-1] if line.endswith(b"\r") else line for line in lines]
    lines[:1] = [line.removeprefix(b"\xef\xbb\xbf") for line in lines[:1]]  # a byte-order mark
    return [(line[:CAP], None if len(line) > CAP else readable(line)) for line in lines]


def read(
    content: bytes, size: int, boundaries: Sequence[tuple[int, bytes]] = ()
) -> tuple[list[tuple[bytes, str | None]], LineReader]:
    reader = LineReader(CAP, boundaries)
    found = []
    for block in reader.blocks(cut(content, size)):
        block.lines().validate(full=True)
        block.texts().validate(full=True)
        assert block.first_line == len(found) + 1
        found += list(zip(block.lines().to_pylist(), block.texts().to_pylist(), strict=True))
    return found, reader


@settings(deadline=None, max_examples=300)
@given(content=CONTENT, size=st.integers(1, 50))
def test_lines_are_those_of_the_slow_reference_however_the_content_is_cut(content: bytes, size: int) -> None:
    found, reader = read(content, size)
    assert found == reference(content)
    assert reader.extent.lines == len(found)
    assert reader.extent.content_bytes == len(content)


@settings(deadline=None, max_examples=300)
@given(content=CONTENT, more=CONTENT, size=st.integers(1, 50))
def test_a_grown_content_is_recognised_at_the_last_line_end_of_the_shorter(
    content: bytes, more: bytes, size: int
) -> None:
    _, shorter = read(content, size)
    first = shorter.extent
    boundary = (first.complete_bytes, first.complete_digest)
    _, reader = read(content + more, 7, [boundary, (2, b"of something else")])
    complete = content[: content.rfind(b"\n") + 1]
    assert boundary == (len(complete), hashlib.sha256(complete).digest())
    if content + more:
        assert reader.extent.lines_at == {boundary: complete.count(b"\n")}
    assert reader.extent.content_digest == hashlib.sha256(content + more).digest()
    if more.startswith(b"\n") and first.tail_digest and len(content) - len(complete) <= CAP:
        assert reader.extent.digest_after[boundary] == first.tail_digest


def test_a_line_of_100_megabytes_is_one_reject_at_constant_memory() -> None:
    piece = b"x" * (1 << 20)
    pieces = [b"first\n", *[piece] * 100, b"\nlast\n"]
    tracemalloc.start()
    reader = LineReader(65_536)
    lines = [
        line
        for block in reader.blocks(pieces)
        for line in zip(block.lines().to_pylist(), block.texts().to_pylist(), strict=True)
    ]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [text for _, text in lines] == ["first", None, "last"]
    assert len(lines[1][0]) == 65_536
    assert peak < 8 << 20


@given(st.binary(max_size=40).filter(lambda line: b"\\" not in line))
def test_what_was_made_readable_is_read_back(line: bytes) -> None:
    text = readable(line)
    assert "\0" not in text
    try:
        expected = line.decode()
    except UnicodeDecodeError:
        return
    assert unescape(text) == expected
