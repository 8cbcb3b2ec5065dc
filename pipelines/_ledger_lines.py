"""The file of the ledger, a line each: the last one, new ones after it, and those of some events.

A ledger grows for years and each step of a night asks it something, so a process reads the whole file
once. Where the lines of each event begin is kept, and read on from the end that was known.
"""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Iterator
from heapq import merge
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from pipelines.errors import LedgerError
from pipelines.files import PRIVATE_FILE, unwritable

# A line as the ledger writes it, so that its event is known without parsing it.
_LINE = re.compile(
    rb'\{"at":"[^"]*","day":(?:null|"[^"]*"),"event":"([a-z_]+)","facts":\{[^{}]*\},'
    rb'"hash":"[0-9a-f]{64}","previous":"[0-9a-f]{64}","seq":[0-9]+\}'
)
_BLOCK = 1 << 16


class Lines:
    """The lines of the file at `path`, without their ends; one that a kill left without an end is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()
        self._file, self._last, self._end = -1, b"", 0
        self._starts = array("Q")
        self._numbers: dict[str, array[int]] = {}

    def all(self) -> list[bytes]:
        """Return every line, oldest first."""
        try:
            return _whole(self.path.read_bytes())
        except FileNotFoundError:
            return []

    def last(self) -> tuple[bytes, int]:
        """Return the last line, empty where there is none, and the number of bytes up to its end."""
        try:
            with self.path.open("rb") as file:
                size, block = file.seek(0, os.SEEK_END), _BLOCK
                while True:
                    start = file.seek(max(0, size - block))
                    lines = _whole(text := file.read(size - start))
                    if start == 0 or len(lines) > 1:
                        return lines[-1] if lines else b"", start + text.rfind(b"\n") + 1
                    block *= 2
        except FileNotFoundError:
            return b"", 0

    def append(self, text: bytes, *, at: int) -> None:
        """Write whole lines from byte `at`, the end of the last one; on the disk before this returns."""
        try:
            with os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE), "r+b") as file:
                file.seek(at)
                # A kill in mid-write leaves a last line without an end: it was never promised to anyone.
                file.truncate()
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise unwritable(error) from None

    def of(self, events: tuple[str, ...]) -> Iterator[tuple[int, bytes]]:
        """Yield number (from 1) and bytes of each line, or of each of `events`, oldest first.

        LedgerError where any line, of these events or not, does not look like one: it may be one of them.
        """
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return
        with file:
            with self._lock:
                self._read_on(file)
                known = [self._numbers.get(event, array("Q"))[:] for event in events or self._numbers]
                starts = self._starts[:]
            for number in merge(*known):
                file.seek(starts[number - 1])
                yield number, file.readline()[:-1]

    def _read_on(self, file: BinaryIO) -> None:
        if not self._is_as_known(file):
            self._last, self._end, self._starts, self._numbers = b"", 0, array("Q"), {}
            self._file = os.fstat(file.fileno()).st_ino
        file.seek(self._end)
        for line in file:
            if not line.endswith(b"\n"):
                return
            number = len(self._starts) + 1
            if (shape := _LINE.fullmatch(line, 0, len(line) - 1)) is None:
                raise damaged(number)
            self._starts.append(self._end)
            self._numbers.setdefault(shape[1].decode(), array("Q")).append(number)
            self._last, self._end = line, self._end + len(line)

    def _is_as_known(self, file: BinaryIO) -> bool:
        """Return whether the lines known are those of `file`: the hash in the last is of all before it."""
        file.seek(self._end - len(self._last))
        return self._file == os.fstat(file.fileno()).st_ino and file.read(len(self._last)) == self._last


def damaged(number: int) -> LedgerError:
    """Return the error of a line that is none, by its number."""
    return LedgerError(f"ledger line {number} is damaged: run `charter ledger verify`.")


def _whole(text: bytes) -> list[bytes]:
    return text[: text.rfind(b"\n") + 1].split(b"\n")[:-1]
