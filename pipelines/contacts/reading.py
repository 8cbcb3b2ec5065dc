"""Bytes → records: CSV (RFC 4180) and JSON Lines, each fault kept to the line that has it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from pipelines.errors import LandingError

MAX_RECORD_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"
_QUOTED = r'"[^"]*+(?:""[^"]*+)*+"'
_PLAIN = r'[^",\r\n]*+'
_FIELD = rf"(?:{_QUOTED}|{_PLAIN})"
_RECORD = re.compile(rf"{_FIELD}(?:,{_FIELD})*+(?=\r?\n|\r?\Z)".encode())
_FIELDS = re.compile(rf"(?:\A|,)({_FIELD})")


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of a file, from the physical line `line`: its fields, or the word for what is wrong."""

    line: int
    raw: bytes
    fields: Mapping[str, str]
    fault: str | None = None


def entries(content: bytes, *, is_csv: bool, columns: Sequence[str]) -> Iterator[Entry]:
    """Give each record of `content` with the `columns` wanted of it; all others are dropped.

    LandingError where the header of a CSV lacks one. Blank lines are no records.
    """
    content = content.removeprefix(_BOM)
    return _csv_entries(content, columns) if is_csv else _json_entries(content, columns)


def _csv_entries(content: bytes, columns: Sequence[str]) -> Iterator[Entry]:
    rows = _csv_rows(content)
    _line, raw, is_sound = next(rows, (1, b"", True))
    names = _split(_text(raw) or "") if is_sound else []
    at = _positions([name.strip().lower() for name in names], columns)
    return _csv_body(rows, at, len(names))


def _csv_body(rows: Iterator[tuple[int, bytes, bool]], at: Mapping[str, int], width: int) -> Iterator[Entry]:
    for line, raw, is_sound in rows:
        text = _text(raw)
        if not is_sound or text is None:
            yield Entry(line, raw, {}, _unsound(raw, text))
            continue
        values = _split(text)
        if len(values) != width:
            yield Entry(line, raw, {}, "columns")
        else:
            yield Entry(line, raw, {name: values[position] for name, position in at.items()})


def _unsound(raw: bytes, text: str | None) -> str:
    if len(raw) >= MAX_RECORD_BYTES:
        return "too long"
    return "encoding" if text is None else "quotes"


def _positions(names: Sequence[str], columns: Sequence[str]) -> dict[str, int]:
    for column in columns:
        if column not in names:
            raise LandingError(
                f"line 1 lacks the column {column}: export it with all columns, separated by commas, UTF-8."
            )
        if names.count(column) > 1:
            raise LandingError(f"line 1 names the column {column} twice: export it with each column once.")
    return {column: names.index(column) for column in columns}


def _csv_rows(content: bytes) -> Iterator[tuple[int, bytes, bool]]:
    """Give (line, bytes, whether they are a record of RFC 4180) for each record.

    Where a quote is never closed, or closes in the wrong place, the fault is that one physical line's:
    the next line is read as a record again.
    """
    position, line = 0, 1
    while position < len(content):
        limit = position + MAX_RECORD_BYTES
        match = _RECORD.match(content, position, limit)
        is_sound = match is not None and (match.end() < limit or limit >= len(content))
        end = match.end() if match is not None and is_sound else _line_end(content, position)
        raw = content[position:end]
        if raw.strip(b" \t\r"):
            yield line, raw.removesuffix(b"\r"), is_sound
        line += raw.count(b"\n") + 1
        position = _line_end(content, end) + 1


def _line_end(content: bytes, position: int) -> int:
    found = content.find(b"\n", position)
    return len(content) if found < 0 else found


def _split(text: str) -> list[str]:
    if '"' not in text:
        return text.split(",")
    return [
        field[1:-1].replace('""', '"') if field.startswith('"') else field
        for field in (match[1] for match in _FIELDS.finditer(text))
    ]


def _text(raw: bytes) -> str | None:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _json_entries(content: bytes, columns: Sequence[str]) -> Iterator[Entry]:
    position, line = 0, 0
    while position < len(content):
        end = _line_end(content, position)
        raw = content[position:end].removesuffix(b"\r")
        position, line = end + 1, line + 1
        if raw.strip(b" \t\r"):
            yield _json_entry(line, raw, columns)


def _json_entry(line: int, raw: bytes, columns: Sequence[str]) -> Entry:
    if len(raw) > MAX_RECORD_BYTES:
        return Entry(line, raw, {}, "too long")
    text = _text(raw)
    if text is None:
        return Entry(line, raw, {}, "encoding")
    try:
        # numbers stay as they were written: a reference 007 or 1.10 must not be counted with
        found = json.loads(
            text, parse_int=str, parse_float=str, parse_constant=_refuse, object_pairs_hook=_unique
        )
        fields = {column: _plain(found.get(column)) for column in columns}
        "".join(fields.values()).encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair
        return Entry(line, raw, {}, "encoding")
    except (ValueError, AttributeError, RecursionError):
        return Entry(line, raw, {}, "json")
    return Entry(line, raw, fields)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError  # which of the two would be meant?
    return found


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    raise ValueError


def _refuse(_constant: str) -> NoReturn:
    raise ValueError
