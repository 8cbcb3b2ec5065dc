r"""Content → lines, owned by us: every byte is accounted for, and no line is lost or joined.

Lines end at LF alone; one CR before it is part of the end. A line over the cap keeps its first bytes
as a reject, at constant memory. A NUL, or a byte that is not valid UTF-8, is written `\xHH`, so that
the line still parses. The strings of a block are views into the bytes read: nothing is copied, and
only odd lines are looped over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.traffic.escapes import readable

_LF, _CR = 10, 13
_INLINE_BYTES = 12  # Arrow keeps a string of up to 12 bytes in the view itself
_END_BYTES = 2  # CR LF

Positions = npt.NDArray[np.int64]
Boundary = tuple[int, bytes]


@dataclass(frozen=True)
class Block:
    """Some whole lines of a file: the first is number `first_line`, from 1.

    `raw` is bytes, `text` what to parse; `text` is null where the line is over the cap (`raw` is cut).
    """

    first_line: int
    raw: pa.Array[Any]
    text: pa.Array[Any]
    content_bytes: int

    def __len__(self) -> int:
        return len(self.raw)


@dataclass
class Extent:
    """What a content is recognised by, once it is read.

    `complete_bytes` and `complete_digest` reach up to the last LF, `tail_digest` is that of an unended
    last line. `lines_at` says for each boundary (complete_bytes, complete_digest) that this content
    begins with, how many lines end there; `digest_after` the SHA-256 of the line that follows.
    """

    content_bytes: int = 0
    content_digest: bytes = b""
    complete_bytes: int = 0
    complete_digest: bytes = b""
    tail_digest: bytes | None = None
    lines: int = 0
    lines_at: dict[Boundary, int] = field(default_factory=dict)
    digest_after: dict[Boundary, bytes] = field(default_factory=dict)


class LineReader:
    """Cuts one content into blocks of lines; afterwards `extent` says what the content was.

    `boundaries` are (complete_bytes, complete_digest) of earlier contents.
    """

    def __init__(self, max_line_bytes: int, boundaries: Iterable[Boundary] = ()) -> None:
        self.extent = Extent()
        self._cap = max_line_bytes
        self._kept = max_line_bytes + _END_BYTES  # of a line in the making: shows that it is over the cap
        self._carry = b""
        self._digest = hashlib.sha256()
        self._complete = self._digest.copy()
        self._boundaries: dict[int, set[bytes]] = {}
        for size, digest in boundaries:
            self._boundaries.setdefault(size, set()).add(digest)
        self._ahead = sorted(self._boundaries, reverse=True)

    def blocks(self, pieces: Iterable[bytes]) -> Iterator[Block]:
        """Yield the lines of `pieces`, an unended last line included."""
        for piece in pieces:
            yield from self._blocks_of(piece)
        extent = self.extent
        if self._carry:
            yield self._block(self._carry, np.array([len(self._carry)]))
            extent.tail_digest = hashlib.sha256(self._carry.removesuffix(b"\r")).digest()
        extent.content_digest, extent.complete_digest = self._digest.digest(), self._complete.digest()

    def _blocks_of(self, piece: bytes) -> Iterator[Block]:
        ends = np.flatnonzero(np.frombuffer(piece, np.uint8) == _LF)
        complete = int(ends[-1]) + 1 if len(ends) else 0
        self._digest_piece(piece, ends, complete)
        if complete:
            yield self._block(self._carry + piece[:complete], ends + len(self._carry))
            self._carry = b""
        self._carry += piece[complete : complete + self._kept - len(self._carry)]

    def _digest_piece(self, piece: bytes, ends: Positions, complete: int) -> None:
        """Digest `piece`, stopping where earlier contents ended and where its last line does."""
        begin, extent, done = self.extent.content_bytes, self.extent, 0
        stops = {complete} if complete else set()
        while self._ahead and self._ahead[-1] <= begin + len(piece):
            stops.add(self._ahead.pop() - begin)
        for stop in sorted(stops):
            self._digest.update(memoryview(piece)[done:stop])
            done = stop
            if (digest := self._digest.digest()) in self._boundaries.get(begin + stop, ()):
                extent.lines_at[begin + stop, digest] = extent.lines + int(np.searchsorted(ends, stop))
            if stop == complete and complete:
                self._complete, extent.complete_bytes = self._digest.copy(), begin + stop
        self._digest.update(memoryview(piece)[done:])
        extent.content_bytes += len(piece)

    def _block(self, data: bytes, ends: Positions) -> Block:
        extent = self.extent
        starts = np.concatenate(([0], ends[:-1] + 1))
        buffer = np.frombuffer(data, np.uint8)
        ends = ends - ((ends > starts) & (buffer[ends - 1] == _CR))
        first, over = extent.lines, ends - starts > self._cap
        for boundary, lines in extent.lines_at.items():
            if first <= lines < first + len(ends):
                line = data[starts[lines - first] : ends[lines - first]]
                extent.digest_after[boundary] = hashlib.sha256(line).digest()
        extent.lines += len(ends)
        lengths = np.minimum(ends - starts, self._cap)
        return Block(
            first + 1,
            _strings(pa.binary_view(), [data], starts, lengths),
            _text(data, starts, lengths, over),
            len(data),
        )


def _text(data: bytes, starts: Positions, lengths: Positions, over: npt.NDArray[np.bool_]) -> pa.Array[Any]:
    """Return the lines as valid text, null where `over`; those with odd bytes have a buffer of their own."""
    written: list[bytes] = []
    written_bytes, moved = 0, np.zeros(len(starts), np.int32)
    if not _is_plain(data):
        starts, lengths = starts.copy(), lengths.copy()
        for place in _suspects(data, starts):
            line = data[starts[place] : starts[place] + lengths[place]]
            text = readable(line).encode()
            if text != line:
                written.append(text)
                starts[place], lengths[place], moved[place] = written_bytes, len(text), 1
                written_bytes += len(text)
    return _strings(pa.string_view(), [data, b"".join(written)], starts, lengths, moved, over)


def _is_plain(data: bytes) -> bool:
    if b"\0" in data:
        return False
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _suspects(data: bytes, starts: Positions) -> list[int]:
    buffer = np.frombuffer(data, np.uint8)
    places = np.flatnonzero((buffer == 0) | (buffer >= 0x80))
    found: list[int] = np.unique(np.searchsorted(starts, places, side="right") - 1).tolist()
    return found


def _strings(
    type_: pa.DataType,
    buffers: list[bytes],
    starts: Positions,
    lengths: Positions,
    buffer_numbers: npt.NDArray[np.int32] | None = None,
    nulls: npt.NDArray[np.bool_] | None = None,
) -> pa.Array[Any]:
    """Return views into `buffers`: (length, prefix, buffer, start), or the short string itself."""
    count = len(starts)
    views = np.zeros((count, 4), "<i4")
    views[:, 0], views[:, 3] = lengths, starts
    if buffer_numbers is not None:
        views[:, 2] = buffer_numbers
    content = views.view(np.uint8).reshape(count, 16)
    for number, data in enumerate(buffers):
        mine = np.flatnonzero(views[:, 2] == number)
        _write_prefixes(content, data, mine, starts, lengths)
    valid = None
    if nulls is not None and nulls.any():
        valid = pa.py_buffer(np.packbits(~nulls, bitorder="little").tobytes())
    return pa.Array.from_buffers(
        type_, count, [valid, pa.py_buffer(views.tobytes()), *(pa.py_buffer(data) for data in buffers)]
    )


def _write_prefixes(
    content: npt.NDArray[np.uint8], data: bytes, rows: Positions, starts: Positions, lengths: Positions
) -> None:
    padded = np.frombuffer(data + bytes(_INLINE_BYTES), np.uint8)
    content[rows, 4:8] = padded[starts[rows, None] + np.arange(4)]
    short = rows[lengths[rows] <= _INLINE_BYTES]
    reach = np.arange(_INLINE_BYTES)
    inline = padded[starts[short, None] + reach]
    content[short, 4:16] = np.where(reach < lengths[short, None], inline, 0)
