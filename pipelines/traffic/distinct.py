"""The distinct texts of many lines, each with a number; compared byte for byte and not by hash alone."""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.traffic.content import WORD, Bytes, Numbers, Words, at_every_place
from pipelines.traffic.kernels import A_BYTE, Places, Table, move_texts, number_texts

_FIRST_TEXTS, _FIRST_BYTES = 1 << 10, 1 << 16
_SLOTS_A_TEXT = 2
_PADDING = bytes(WORD)
_TOGETHER = 128  # texts that are looked for together
_AT_ONCE = 1 << 14  # texts for which room is made: most of them may be known


class Distinct:
    """Texts numbered from 0 on in the order in which they came: of all kinds that a line has, or of one."""

    def __init__(self) -> None:
        # so that whoever writes lines cannot choose texts of one hash
        self._secret: Words = np.array([secrets.randbits(64), secrets.randbits(64) | 1], np.uint64)
        self._used: Numbers = np.zeros(2, np.int64)
        self._slots: Words = np.zeros(_SLOTS_A_TEXT * _FIRST_TEXTS, np.uint64)
        self._records: Numbers = np.zeros((_FIRST_TEXTS, 2), np.int64)
        self._heap: Bytes = np.zeros(_FIRST_BYTES, np.uint8)

    def __len__(self) -> int:
        return int(self._used[0])

    def forget(self) -> None:
        """Begin again at 0; the room stays."""
        self._slots[:] = 0
        self._used[:] = 0

    def table(self, texts: int, size: int) -> Table:
        """Return what a loop writes new texts to, with room for so many of them, of `size` bytes in all."""
        count, used = self._used.tolist()
        self._heap = _grown(self._heap, used + size + WORD)
        self._records = _grown(self._records, count + texts)
        if len(self._slots) < _SLOTS_A_TEXT * len(self._records):
            larger = np.zeros(_SLOTS_A_TEXT * len(self._records), np.uint64)
            move_texts(self._slots, larger)
            self._slots = larger
        return Table(self._slots, self._records, at_every_place("<u8", self._heap), self._used, self._secret)

    def numbers(self, texts: pa.Array[Any]) -> Places:
        """Return the number of each of `texts` (string, none null), all of one kind; new ones are added."""
        found = np.empty(len(texts), np.int32)
        tags, scratch = np.empty((2, _TOGETHER), np.uint64)
        for first in range(0, len(texts), _AT_ONCE):
            bounds, content = _content(texts.slice(first, _AT_ONCE))
            table = self.table(len(bounds) - 1, len(content))
            words = at_every_place("<u8", content)
            number_texts(words, bounds, found[first : first + _AT_ONCE], tags, scratch, table)
        return found

    def since(self, first: int) -> tuple[Bytes, pa.Array[Any]]:
        """Return kinds and texts from number `first` on."""
        begins, likeness = self._records[first : len(self)].T
        bounds = np.append(begins, self._used[1])
        offsets = pa.py_buffer((bounds - bounds[0]).astype(np.int32).data)
        heap = pa.py_buffer(self._heap[bounds[0] : bounds[-1]].tobytes())
        texts = pa.Array.from_buffers(pa.string(), len(begins), [None, offsets, heap])
        return (likeness % A_BYTE).astype(np.uint8), texts


def _content(texts: pa.Array[Any]) -> tuple[Places, Bytes]:
    """Return where each of `texts` begins, and where the last one ends, in the bytes of all; and these."""
    some: Any = texts
    _valid, bounds, content = some.buffers()
    places = np.frombuffer(bounds, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    stored = memoryview(content)[places[0] : places[-1]]
    return places - places[0], np.frombuffer(b"".join((stored, _PADDING)), np.uint8)


def _grown(array: npt.NDArray[Any], wanted: int) -> npt.NDArray[Any]:
    """Return `array` with room for `wanted`: itself, or one that is a power of two long."""
    if wanted <= len(array):
        return array
    larger = np.zeros((1 << (wanted - 1).bit_length(), *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger
