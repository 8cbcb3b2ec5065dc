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
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.traffic.content import views
from pipelines.traffic.escapes import readable

_LF, _CR = 10, 13
_END_BYTES = 2  # CR LF
_MARK = b"\xef\xbb\xbf"  # what editors and .NET write before UTF-8; it is not of the first line
_BLOCK_BYTES = 1 << 20

Positions = npt.NDArray[np.int64]
Boundary = tuple[int, bytes]


@dataclass(frozen=True)
class Block:
    """Some whole lines of a file: the first is number `first_line`, from 1.

    Line i is `data[starts[i] : starts[i] + lengths[i]]`, without its end; `is_over` where it is over the
    cap and was cut.
    """

    first_line: int
    data: bytes
    starts: Positions
    lengths: Positions
    is_over: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.starts)

    def only(self, places: Positions) -> Block:
        """Return a block of the lines at `places` alone; `first_line` says nothing of them."""
        return self._picked(self.first_line, places)

    def part(self, start: int, stop: int) -> Block:
        """Return the lines from `start` up to `stop`, counted from 0 in this block; nothing is copied."""
        return self._picked(self.first_line + start, slice(start, stop))

    def _picked(self, first_line: int, places: Positions | slice) -> Block:
        return self._of(first_line, places, self.data, self.starts[places])

    def _of(self, first_line: int, places: Positions | slice, data: bytes, starts: Positions) -> Block:
        found = Block(first_line, data, starts, self.lengths[places], self.is_over[places])
        if "is_odd" in vars(self):  # to find it out, all bytes are looked at
            vars(found)["is_odd"] = self.is_odd[places]
        return found

    def copied(self) -> Block:
        """Return a block of the same lines that keeps no bytes of others."""
        ends = self.starts + self.lengths
        data = b"".join(
            [self.data[start:end] for start, end in zip(self.starts.tolist(), ends.tolist(), strict=True)]
        )
        return self._of(self.first_line, slice(None), data, np.cumsum(self.lengths) - self.lengths)

    def lines(self) -> pa.Array[Any]:
        """Return the bytes of each line."""
        return views(pa.binary_view(), [self.data], self.starts, self.lengths)

    def texts(self) -> pa.Array[Any]:
        r"""Return each line as text to parse: odd bytes as `\xHH`, null where the line is over the cap."""
        return _texts(self)

    @cached_property
    def is_odd(self) -> npt.NDArray[np.bool_]:
        """Which lines hold a NUL or are not surely valid UTF-8: their text is not their bytes."""
        odd = np.zeros(len(self), np.bool_)
        if not _is_plain(self.data):
            odd[_suspects(self.data, self.starts)] = True
        return odd


@dataclass
class Extent:
    """What a content is recognised by, as far as it is read; `content_digest` once it is read whole.

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
        # of a line in the making: shows that it is over the cap
        self._kept = len(_MARK) + max_line_bytes + _END_BYTES
        self._carry = b""
        self._digest = hashlib.sha256()
        self.extent.complete_digest = self._digest.digest()
        self._boundaries: dict[int, set[bytes]] = {}
        for size, digest in boundaries:
            self._boundaries.setdefault(size, set()).add(digest)
        self._ahead = sorted(self._boundaries, reverse=True)

    def blocks(self, pieces: Iterable[bytes]) -> Iterator[Block]:
        """Yield the lines of `pieces`, an unended last line included."""
        for piece in _gathered(pieces):
            yield from self._blocks_of(piece)
        extent = self.extent
        if self._carry:
            yield self._block(self._carry, np.array([len(self._carry)]))
            extent.tail_digest = hashlib.sha256(self._carry.removesuffix(b"\r")).digest()
        extent.content_digest = self._digest.digest()

    def _blocks_of(self, piece: bytes) -> Iterator[Block]:
        ends = np.flatnonzero(np.frombuffer(piece, np.uint8) == _LF)
        complete = int(ends[-1]) + 1 if len(ends) else 0
        self._digest_piece(piece, ends, complete)
        if complete:
            yield self._block(b"".join((self._carry, memoryview(piece)[:complete])), ends + len(self._carry))
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
                extent.complete_digest, extent.complete_bytes = digest, begin + stop
        self._digest.update(memoryview(piece)[done:])
        extent.content_bytes += len(piece)

    def _block(self, data: bytes, ends: Positions) -> Block:
        extent = self.extent
        starts = np.concatenate(([0], ends[:-1] + 1))
        buffer = np.frombuffer(data, np.uint8)
        ends = ends - ((ends > starts) & (buffer[ends - 1] == _CR))
        first, begins = extent.lines, starts.copy()
        if not first and data.startswith(_MARK):
            starts[0] += len(_MARK)
        over = ends - starts > self._cap
        for boundary, lines in extent.lines_at.items():
            if first <= lines < first + len(ends):
                line = data[begins[lines - first] : ends[lines - first]]
                extent.digest_after[boundary] = hashlib.sha256(line).digest()
        extent.lines += len(ends)
        return Block(first + 1, data, starts, np.minimum(ends - starts, self._cap), over)


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield `pieces` joined to blocks that are worth the calls that each one costs."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= _BLOCK_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def _texts(block: Block) -> pa.Array[Any]:
    """Return the lines as valid text, null where over the cap; odd ones have a buffer of their own."""
    starts, lengths = block.starts, block.lengths
    written: list[bytes] = []
    written_bytes, moved = 0, np.zeros(len(starts), np.int64)
    if block.is_odd.any():
        starts, lengths = starts.copy(), lengths.copy()
        for place in np.flatnonzero(block.is_odd).tolist():
            line = block.data[starts[place] : starts[place] + lengths[place]]
            text = readable(line).encode()
            if text != line:
                written.append(text)
                starts[place], lengths[place], moved[place] = written_bytes, len(text), 1
                written_bytes += len(text)
    return views(pa.string_view(), [block.data, b"".join(written)], starts, lengths, moved, block.is_over)


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


def _suspects(data: bytes, starts: Positions) -> Positions:
    buffer = np.frombuffer(data, np.uint8)
    places = np.flatnonzero((buffer == 0) | (buffer >= 0x80))
    found = np.unique(np.searchsorted(starts, places, side="right") - 1)
    return found[found >= 0]
