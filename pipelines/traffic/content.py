"""Bytes of many lines, read by words of 8 bytes, and strings as views into them: nothing is copied twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

WORD = 8
_PADDING = 64
_INLINE_BYTES = 12  # Arrow keeps a string of up to 12 bytes in the view itself
_HEADS = np.array([0, 0xFF, 0xFFFF, 0xFFFFFF, -1], np.int32)  # so many bytes of a word are of the string
_TAILS = np.array([(1 << 8 * count) - 1 for count in range(8)] + [-1], np.int64)

Bytes = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]


class Content:
    """Bytes, and the little-endian word of 8 bytes from every place in them; zeros stand on both sides."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._padded = b"".join((bytes(_PADDING), data, bytes(_PADDING)))
        self._bytes: Bytes = np.frombuffer(self._padded, np.uint8)
        self._words: Words = self._at_every_place("<u8")

    def at(self, places: Positions) -> Bytes:
        """Return the byte at each of `places`."""
        return self._bytes[places + _PADDING]

    def words(self, places: Positions) -> Words:
        """Return the 8 bytes from each of `places` on."""
        return self._words[places + _PADDING]

    def write_beginnings(self, views: Bytes, rows: Any, starts: Positions, lengths: Positions) -> None:
        """Write into each of `rows` the first 4 bytes of its string, and the rest of it where it is short."""
        begin, size = starts[rows] + _PADDING, lengths[rows]
        heads = self._at_every_place("<i4")[begin]
        views.view("<i4")[rows, 1] = heads & _HEADS[np.minimum(size, 4)]
        short = np.flatnonzero(size <= _INLINE_BYTES)
        target = short if isinstance(rows, slice) else rows[short]
        tails = self._at_every_place("<i8")[begin[short] + 4]
        views.view("<i8")[target, 1] = tails & _TAILS[np.maximum(size[short] - 4, 0)]

    def _at_every_place(self, type_: str) -> npt.NDArray[Any]:
        return np.ndarray((len(self._padded) - WORD,), type_, self._padded, strides=(1,))


def views(
    type_: pa.DataType,
    contents: list[Content],
    starts: Positions,
    lengths: Positions,
    content_numbers: npt.NDArray[np.int32] | None = None,
    nulls: Mask | None = None,
) -> pa.Array[Any]:
    """Return Arrow views into `contents`: (length, prefix, buffer, start), or the short string itself."""
    count = len(starts)
    found = np.zeros((count, 4), "<i4")
    found[:, 0], found[:, 3] = lengths, starts
    inside = found.view(np.uint8).reshape(count, 16)
    if content_numbers is None:
        contents[0].write_beginnings(inside, slice(None), starts, lengths)
    else:
        found[:, 2] = content_numbers
        for number, content in enumerate(contents):
            mine = np.flatnonzero(content_numbers == number)
            content.write_beginnings(inside, mine, starts, lengths)
    valid = None
    if nulls is not None and nulls.any():
        valid = pa.py_buffer(np.packbits(~nulls, bitorder="little").data)
    buffers = [pa.py_buffer(content.data) for content in contents]
    return pa.Array.from_buffers(type_, count, [valid, pa.py_buffer(found.data), *buffers])
