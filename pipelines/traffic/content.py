"""Strings of Arrow as views into the bytes that were read: nothing is copied twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

WORD = 8
_PADDING = bytes(16)
_INLINE_BYTES = 12  # Arrow keeps a string of up to 12 bytes in the view itself
_HEADS = np.array([0, 0xFF, 0xFFFF, 0xFFFFFF, -1], np.int32)  # so many bytes of a word are of the string
_TAILS = np.array([(1 << 8 * count) - 1 for count in range(8)] + [-1], np.int64)

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Mask = npt.NDArray[np.bool_]


def views(
    type_: pa.DataType,
    contents: Sequence[bytes],
    starts: Numbers,
    lengths: Numbers,
    content_numbers: Numbers | None = None,
    nulls: Mask | None = None,
) -> pa.Array[Any]:
    """Return Arrow views into `contents`: (length, prefix, buffer, start), or the short string itself."""
    count = len(starts)
    found = np.zeros((count, 4), "<i4")
    found[:, 0], found[:, 3] = lengths, starts
    if content_numbers is None:
        _write_beginnings(contents[0], found, slice(None), starts, lengths)
    else:
        found[:, 2] = content_numbers
        for number, content in enumerate(contents):
            _write_beginnings(content, found, np.flatnonzero(content_numbers == number), starts, lengths)
    valid = None
    if nulls is not None and nulls.any():
        valid = pa.py_buffer(np.packbits(~nulls, bitorder="little").data)
    buffers = [pa.py_buffer(content) for content in contents]
    return pa.Array.from_buffers(type_, count, [valid, pa.py_buffer(found.data), *buffers])


def at_every_place(type_: str, data: bytes | Bytes) -> npt.NDArray[Any]:
    """Return the number of `type_`, such as "<u8", from every place in `data` where one fits in."""
    size = np.dtype(type_).itemsize
    return np.ndarray((max(len(data) - size + 1, 0),), type_, data, strides=(1,))


def _write_beginnings(
    content: bytes, found: npt.NDArray[np.int32], rows: Any, starts: Numbers, lengths: Numbers
) -> None:
    """Write into each of `rows` the first 4 bytes of its string, and the rest of it where it is short."""
    padded = content + _PADDING
    begin, size = starts[rows], lengths[rows]
    found[rows, 1] = at_every_place("<i4", padded)[begin] & _HEADS[np.minimum(size, 4)]
    short = np.flatnonzero(size <= _INLINE_BYTES)
    target = short if isinstance(rows, slice) else rows[short]
    tails = at_every_place("<i8", padded)[begin[short] + 4]
    found.view("<i8")[target, 1] = tails & _TAILS[np.maximum(size[short] - 4, 0)]
