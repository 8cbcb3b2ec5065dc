"""Which format the lines of a landing file are of: from their content, block by block, never line by line."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache

import numpy as np

from pipelines.traffic.formats.clf import COMBINED
from pipelines.traffic.formats.keys import json_detected
from pipelines.traffic.formats.model import Fields, Format, FormatError, fields_sql, parameters
from pipelines.traffic.formats.prefixes import behind
from pipelines.traffic.formats.presets import compiled
from pipelines.traffic.formats.w3c import compile_fields, lacks_date
from pipelines.traffic.lines import Block

SAMPLE_LINES = 64
SAMPLE_CHARACTERS = 8192  # of a line: a longer one says nothing of the format that others do not
_LOOKED_AT = 1024
_MAX_CHANGES = 1000  # of the format within one file: more is an attack, or no log
_MAX_HEADS = 64  # different ones: each costs a statement of its own, however few its lines are
_HASH = ord("#")
_MARKED_HASH = "\ufeff#".encode()  # behind a byte-order mark


class Session:
    """The formats of one landing file, whose blocks are handed in one after the other."""

    def __init__(self, named: Sequence[Format]) -> None:
        self._named = tuple(named)
        self._current: Format | None = None
        self._date: str | None = None
        self._fields = ""
        self._changes = 0
        self._seen: set[Format] = set()

    def parts(self, block: Block) -> Iterator[tuple[Format, Block]]:
        """Yield the block cut where the format changes, each part with its format."""
        start = 0
        for index, format_ in self._heads(block):
            if index > start:
                part = block.part(start, index)
                yield self._of(part, format_), part
            start, self._current = index, format_
        rest = block.part(start, len(block)) if start else block
        if len(rest):
            yield self._of(rest, None), rest

    def _of(self, block: Block, following: Format | None) -> Format:
        """Return the format of a block without head; `following` is that of the head behind it."""
        if self._current:
            return self._current
        sample = sampled(block)
        if following and (not sample or _takes(following, sample) * 2 >= len(sample)):
            return following
        if not sample:
            return COMBINED
        self._current = detected(sample, self._named)
        return self._current

    def _heads(self, block: Block) -> Iterator[tuple[int, Format]]:
        """Yield where a head of W3C says another format; its comments before #Fields belong to it."""
        first = last = -2
        for index in _comments(block):
            first = first if index == last + 1 else index
            last = index
            if format_ := self._said(_text(block, index)):
                yield first, format_

    def _said(self, comment: str) -> Format | None:
        """Return the format that a comment says, None where it says none, or the present one."""
        word, _, value = comment.lstrip("\ufeff").partition(":")
        if word.lower() == "#date":
            self._date = value.split()[0][:10] if value.split() else None
            if not (self._fields and lacks_date(self._fields)):
                return None
        elif word.lower() == "#fields":
            self._fields = value.strip()
        else:
            return None
        format_ = _from_head(self._fields, self._date if lacks_date(self._fields) else None)
        if format_ is self._current or self._changes >= _MAX_CHANGES:
            return None
        if format_ not in self._seen and len(self._seen) >= _MAX_HEADS:
            return None
        self._seen.add(format_)
        self._changes += 1
        return format_


def second_chance(lines: Sequence[str], tried: Collection[str], named: Sequence[Format]) -> Format | None:
    """Return the format that most of these refused lines are of; None where there is none."""
    sample = _sample(lines)
    found = _detected(sample, [format_ for format_ in named if format_.name not in tried]) if sample else None
    return found if found and found.name not in tried else None


def detected(lines: Sequence[str], named: Sequence[Format]) -> Format:
    """Return the format of a sample: one that takes at least half of it, else what refuses it fast."""
    found = _detected(lines, named)
    if found:
        return found
    return max(named, key=lambda format_: _takes(format_, lines), default=COMBINED)


def sampled(block: Block) -> list[str]:
    """Return some of the first data lines of a block."""
    return _sample(block.part(0, _LOOKED_AT).texts().to_pylist())


def _sample(lines: Sequence[str | None]) -> list[str]:
    data = (
        line.lstrip("\ufeff")
        for line in lines
        if line and not line.isspace() and len(line) <= SAMPLE_CHARACTERS and not line.startswith("#")
    )
    return [line for line, _ in zip(data, range(SAMPLE_LINES), strict=False)]


def _detected(lines: Sequence[str], named: Sequence[Format]) -> Format | None:
    if chosen := _most(lines, named):
        return chosen
    if _takes(COMBINED, lines) == len(lines):
        return COMBINED
    if found := _preset(lines):
        return COMBINED if found.name == COMBINED.name else found
    return behind(lines, lambda inside: _most(inside, named) or _preset(inside))


def _preset(lines: Sequence[str]) -> Format | None:
    if sum(line.startswith("{") for line in lines) * 2 >= len(lines):
        found = json_detected(lines)
        return found if found and _takes(found, lines) * 2 >= len(lines) else None
    return _most(lines, list(compiled().values()))


def _most(lines: Sequence[str], formats: Sequence[Format]) -> Format | None:
    """Return the format that takes the most lines, at least half; of equals the first."""
    best, most = None, 0
    for format_ in formats:
        count = _takes(format_, lines)
        if count > most:
            best, most = format_, count
    return best if most * 2 >= len(lines) else None


def _takes(format_: Format, lines: Sequence[str]) -> int:
    return sum(map(format_.takes, lines))


@lru_cache(maxsize=256)
def _from_head(names: str, date: str | None) -> Format:
    """Return the format of a head; where it says no time or address, one that refuses its lines."""
    try:
        return compile_fields(names, date)
    except FormatError:
        fields = Fields(hit_at="CAST(NULL AS TIMESTAMP)")
        cut = "SELECT file_no, line, raw, text FROM landed"
        sql = fields_sql(cut, "false", fields, is_directive="starts_with(text, '#')")
        return Format("w3c", sql, parameters(fields))


def _comments(block: Block) -> list[int]:
    """Return the places of lines that begin with "#", seen on their first byte alone."""
    data = np.frombuffer(block.data, np.uint8)
    begin = np.flatnonzero(block.lengths > 0)
    found: list[int] = begin[data[block.starts[begin]] == _HASH].tolist()
    if len(block) and block.data.startswith(_MARKED_HASH, int(block.starts[0])):
        found.insert(0, 0)
    return found


def _text(block: Block, index: int) -> str:
    start = int(block.starts[index])
    return block.data[start : start + int(block.lengths[index])].decode("utf-8", "replace")
