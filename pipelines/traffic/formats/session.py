"""Which format the lines of a landing file are of: from their content, block by block, never line by line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import takewhile

import numpy as np

from pipelines.traffic.formats.clf import COMBINED
from pipelines.traffic.formats.detection import detected, sampled, takes
from pipelines.traffic.formats.model import Fields, Format, FormatError, fields_sql, parameters
from pipelines.traffic.formats.w3c import compile_fields, is_head, is_more_of_head, lacks_date
from pipelines.traffic.lines import Block

_LOOKED_AT = 1024
_MAX_CHANGES = 1000  # of the format within one file: more is an attack, or no log
_MAX_HEADS = 64  # different ones: each costs a statement of its own, however few its lines are
_MOST_WRAPPED = 4  # lines of one head
_HASH = ord("#")
_MARKED_HASH = "\ufeff#".encode()  # behind a byte-order mark
_INDENTED, _HEAD_BYTES = (b" #Fields", b"\t#Fields"), 1 << 16  # looked for at the beginning of a file alone


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
        sample = sampled(block.part(0, _LOOKED_AT).texts().to_pylist())
        if following and (not sample or takes(following, sample) * 2 >= len(sample)):
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
            if format_ := self._said(_head(block, index)):
                yield first, format_

    def _said(self, comment: str) -> Format | None:
        """Return the format that a comment says, None where it says none, or the present one."""
        word, _, value = comment.lstrip("\ufeff \t").partition(":")
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
    first = data[block.starts[begin]]
    found: list[int] = begin[first == _HASH].tolist()
    if len(block) and block.data.startswith(_MARKED_HASH, int(block.starts[0])):
        found.insert(0, 0)
    if block.first_line == 1 and any(word in block.data[:_HEAD_BYTES] for word in _INDENTED):
        indented = begin[(first == ord(" ")) | (first == ord("\t"))].tolist()
        found = sorted([*found, *(index for index in indented if is_head(_text(block, index)))])
    return found


def _head(block: Block, index: int) -> str:
    """Return a comment, a #Fields line with those behind it that go on with its names."""
    text = _text(block, index)
    if not is_head(text):
        return text
    behind = (_text(block, place) for place in range(index + 1, min(index + 1 + _MOST_WRAPPED, len(block))))
    return " ".join([text, *takewhile(is_more_of_head, behind)])


def _text(block: Block, index: int) -> str:
    start = int(block.starts[index])
    return block.data[start : start + int(block.lengths[index])].decode("utf-8", "replace")
