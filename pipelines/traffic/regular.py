"""Lines of the Combined and Common Log Format whose form is beyond doubt, read without a regular expression.

Every check and every number is computed for all lines of a block at once; strings are views into the
bytes read. A line that fails any check is left to the SQL of its format, which decides: here nothing is
ever refused. This is where most of the speed of the intake comes from (`docs/benchmarks.md`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.traffic.content import WORD, Content, Mask, Words, views
from pipelines.traffic.lines import Block
from pipelines.traffic.window import Window

METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS")  # the frequent ones; SQL reads the others
_COMBINED, _COMMON = 6, 2  # so many quotes stand in a line
_BEFORE, _TIME, _AFTER = b" - - [", 26, b"] "  # what stands between the address and the request
_LONGEST_HOST = 40
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EARLIEST = (date(1990, 1, 1) - date(1970, 1, 1)).days * 86_400  # nobody wrote web logs before
_QUARTER, _DAY = 900, 86_400  # seconds; no zone's clock was ever moved inside a quarter of an hour

Numbers = npt.NDArray[np.int64]
Span = tuple[Numbers, Numbers]  # where strings begin, and where they end


@dataclass(frozen=True)
class Regular:
    """What was read of a block.

    `hits`: one row a line to stage. `expired`: numbers of lines whose day is over. `rest`: which lines
    of the block are left to SQL.
    """

    hits: tuple[pa.RecordBatch, ...]
    expired: Numbers
    rest: Mask


@dataclass(frozen=True)
class _Fields:
    """Lines of a block with the same number of quotes: what is in them, and which are as they should be."""

    rows: Numbers
    instants: Numbers
    host: Span
    method: npt.NDArray[np.int8]
    target: Span
    status: npt.NDArray[np.int16]
    size: Numbers
    referrer: Span | None
    agent: Span | None
    is_good: Mask


@dataclass(frozen=True)
class _Marks:
    """Where the characters stand that cut a line, found in one pass over a block."""

    quotes: Numbers
    questions: Numbers
    backslashes: Numbers


def read_regular(block: Block, file_no: int, window: Window) -> Regular:
    """Read the regular lines of `block`, of the file `file_no`; none after the window's latest day."""
    buffer = block.content
    marks = _marks(block.data)
    first = np.searchsorted(marks.quotes, block.starts)
    counts = np.searchsorted(marks.quotes, block.starts + block.lengths) - first
    is_plain = ~(block.is_over | block.is_odd | _holds(block, marks.backslashes))
    rest = np.ones(len(block), np.bool_)
    hits: list[pa.RecordBatch] = []
    expired: list[Numbers] = []
    for count in (_COMBINED, _COMMON):
        rows = np.flatnonzero((counts == count) & is_plain)
        if not len(rows):
            continue
        fields = _fields(block, buffer, rows, [marks.quotes[first[rows] + place] for place in range(count)])
        days = (fields.instants + _shifts(fields.instants, window.zone)) // _DAY
        good = fields.is_good & (days <= _day_number(window.latest))
        kept = good & (days >= _day_number(window.oldest))
        rest[fields.rows[good]] = False
        expired.append(block.first_line + fields.rows[good & ~kept])
        if kept.any():
            hits.append(_batch(block, file_no, fields, days, np.flatnonzero(kept), marks.questions))
    return Regular(tuple(hits), np.concatenate([np.zeros(0, np.int64), *expired]), rest)


def _marks(data: bytes) -> _Marks:
    content = np.frombuffer(data, np.uint8)
    is_mark, is_other = content == ord('"'), np.empty(len(content), np.bool_)
    for character in "?\\":
        np.equal(content, ord(character), out=is_other)
        np.logical_or(is_mark, is_other, out=is_mark)
    places = np.flatnonzero(is_mark)
    found = content[places]
    return _Marks(places[found == ord('"')], places[found == ord("?")], places[found == ord("\\")])


def _holds(block: Block, places: Numbers) -> Mask:
    """Return which lines one of `places` is in, or behind."""
    found = np.zeros(len(block), np.bool_)
    lines = np.searchsorted(block.starts, places, side="right") - 1
    found[lines[lines >= 0]] = True
    return found


def _fields(block: Block, buffer: Content, rows: Numbers, at: list[Numbers]) -> _Fields:
    starts, ends = block.starts[rows], block.starts[rows] + block.lengths[rows]
    has_agent = len(at) == _COMBINED
    host = (starts, at[0] - len(_BEFORE) - _TIME - len(_AFTER))
    instants, is_timed = _instants(buffer, host[1] + len(_BEFORE))
    status, size, is_result = _result(buffer, at[1] + 1, at[2] - 1 if has_agent else ends)
    method, target, is_request = _request(buffer, at[0] + 1, at[1])
    good = is_timed & is_result & is_request & _is_host(buffer, host)
    good &= _reads(buffer, host[1], _BEFORE) & _reads(buffer, at[0] - len(_AFTER), _AFTER)
    if has_agent:
        good &= (buffer.at(at[2] - 1) == ord(" ")) & _reads(buffer, at[3], b'" "') & (at[4] == at[3] + 2)
        good &= at[5] + 1 == ends
    referrer = (at[2] + 1, at[3]) if has_agent else None
    agent = (at[4] + 1, at[5]) if has_agent else None
    return _Fields(rows, instants, host, method, target, status, size, referrer, agent, good)


def _is_host(buffer: Content, host: Span) -> Mask:
    """Return which hosts are one word of up to 40 bytes."""
    lengths = host[1] - host[0]
    good = (lengths > 0) & (lengths <= _LONGEST_HOST)
    for offset in range(0, _LONGEST_HOST, WORD):
        rows = np.flatnonzero(good & (lengths > offset))
        if not len(rows):
            break
        word = buffer.words(host[0][rows] + offset) ^ _SPACES
        is_space = (word - _ONES) & ~word & _TOPS & _first_bytes(lengths[rows] - offset)
        good[rows[is_space != 0]] = False
    return good


def _instants(buffer: Content, start: Numbers) -> tuple[Numbers, Mask]:
    """Return the seconds since 1970 that `21/Nov/2026:10:00:00 +0100` at `start` says, and which are read."""
    words = [buffer.words(start + offset) for offset in (0, 8, 16, 18)]
    good = _follows(words[0], "dd/   /d") & _follows(words[1], "ddd:dd:d")
    good &= _follows(words[2], "d:dd    ") & _follows(words[3], "dd  dddd")
    good &= (words[2] >> _bits(4)) & _LOW_BYTE == ord(" ")
    day, year = _number(words[0], 0, 1), _number(words[0], 7) * 1000 + _number(words[1], 0, 1, 2)
    hour, minute = _number(words[1], 4, 5), _number(words[1], 7) * 10 + _number(words[2], 0)
    second = _number(words[2], 2, 3)
    zone_hour, zone_minute = _number(words[3], 4, 5), _number(words[3], 6, 7)
    letters = (words[0] >> _bits(3)) & np.uint64(0xFFFFFF)
    month = np.zeros(len(start), np.int64)
    for place, name in enumerate(_MONTHS, start=1):
        month[letters == int.from_bytes(name.encode(), "little")] = place
    good &= (month > 0) & (hour < 24) & (minute < 60) & (second < 60) & (zone_hour < 15) & (zone_minute < 60)
    months = (year - 1970) * 12 + month - 1
    first, following = _first_days(months), _first_days(months + 1)
    good &= (day > 0) & (day <= following - first)
    sign = 44 - ((words[3] >> _bits(3)) & _LOW_BYTE).astype(np.int64)  # "+" is 43, "-" is 45
    good &= np.abs(sign) == 1
    seconds = (((first + day - 1) * 24 + hour) * 60 + minute) * 60 + second
    seconds -= sign * (zone_hour * 60 + zone_minute) * 60
    return seconds, good & (seconds >= _EARLIEST)


def _first_days(months: Numbers) -> Numbers:
    found: Numbers = months.astype("M8[M]").astype("M8[D]").astype(np.int64)
    return found


def _result(buffer: Content, start: Numbers, end: Numbers) -> tuple[npt.NDArray[np.int16], Numbers, Mask]:
    """Return status, size (-1 for "-") of ` 200 512` from `start` to `end`, and which are read."""
    word = buffer.words(start)
    good = (
        _follows(word, " ddd    ")
        & (word & _LOW_BYTE == ord(" "))
        & ((word >> _bits(4)) & _LOW_BYTE == ord(" "))
    )
    status = _number(word, 1, 2, 3).astype(np.int16)
    good &= (status >= 100) & (status <= 599)
    length = end - start - 5
    good &= (length > 0) & (length <= WORD)
    is_absent = (length == 1) & (buffer.at(start + 5) == ord("-"))
    # right-aligned, with zeros before it
    is_padding = ~_last_bytes(length)
    digits = (buffer.words(end - WORD) & ~is_padding) | (_ZEROS & is_padding)
    good &= _is_digits(digits, _TOPS) | is_absent
    return status, np.where(is_absent, -1, _number(digits, *range(WORD))), good


def _request(buffer: Content, start: Numbers, end: Numbers) -> tuple[npt.NDArray[np.int8], Span, Mask]:
    """Return method, target of `GET /offer HTTP/1.1` from `start` to `end`, and which are read."""
    method = np.full(len(start), -1, np.int8)
    length = np.zeros(len(start), np.int64)
    begin = buffer.words(start)
    for number, name in enumerate(METHODS):
        mine = _begins(begin, f"{name} ".encode())
        method[mine], length[mine] = number, len(name) + 1
    protocol = buffer.words(end - WORD)  # HTTP/1.1
    good = (
        _follows(protocol, "     d d")
        & _begins(protocol, b"HTTP/")
        & ((protocol >> _bits(6)) & _LOW_BYTE == ord("."))
    )
    target = (start + length, end - WORD - 1)
    good &= (method >= 0) & (target[1] > target[0]) & (buffer.at(target[0]) != ord(" "))
    return method, target, good & (buffer.at(target[1]) == ord(" "))


_LOW_BYTE = np.uint64(0xFF)
_ONES = np.uint64(0x0101_0101_0101_0101)
_TOPS = np.uint64(0x8080_8080_8080_8080)
_SPACES, _ZEROS = _ONES * np.uint64(ord(" ")), _ONES * np.uint64(ord("0"))
_MASKS = np.array([(1 << 8 * count) - 1 for count in range(WORD + 1)], np.uint64)


def _bits(count: int) -> np.uint64:
    return np.uint64(8 * count)


def _first_bytes(counts: Numbers) -> Words:
    """Return words in which the first `counts` bytes are set."""
    return _MASKS[np.clip(counts, 0, WORD)]


def _last_bytes(counts: Numbers) -> Words:
    return ~_MASKS[np.clip(WORD - counts, 0, WORD)]


def _reads(buffer: Content, places: Numbers, text: bytes) -> Mask:
    """Return where `text`, of up to 8 bytes, stands at `places`."""
    return _begins(buffer.words(places), text)


def _begins(words: Words, text: bytes) -> Mask:
    found: Mask = words & _MASKS[len(text)] == np.uint64(int.from_bytes(text, "little"))
    return found


def _follows(words: Words, pattern: str) -> Mask:
    """Return which words have digits where `pattern` has "d", and its "/" and ":" at their places."""
    is_digit, marked, marks = 0, 0, 0
    for place, wanted in enumerate(pattern):
        if wanted == "d":
            is_digit |= 0x80 << 8 * place
        elif wanted != " ":
            marked |= 0xFF << 8 * place
            marks |= ord(wanted) << 8 * place
    found = _is_digits(words, np.uint64(is_digit))
    return found & (words & np.uint64(marked) == np.uint64(marks)) if marked else found


def _is_digits(words: Words, tops: np.uint64) -> Mask:
    """Return which words have a digit in each byte whose top bit is in `tops`."""
    low = words & ~_TOPS  # without the top bits no sum runs over into the next byte
    above = low + _ONES * np.uint64(0x80 - ord("9") - 1)
    below = low + _ONES * np.uint64(0x80 - ord("0"))
    found: Mask = (words | above | ~below) & tops == 0
    return found


def _number(words: Words, *places: int) -> Numbers:
    """Return the number that the digits at `places` of each word make."""
    number = np.zeros(len(words), np.int64)
    for place in places:
        number *= 10
        number += ((words >> _bits(place)) & np.uint64(15)).astype(np.int64)
    return number


def _shifts(instants: Numbers, zone: str) -> Numbers:
    """Return how many seconds the local clock of `zone` is ahead of UTC at each of `instants`."""
    if not len(instants):
        return instants
    quarters, place = np.unique(instants // _QUARTER, return_inverse=True)
    return np.array([_shift(zone, quarter) for quarter in quarters.tolist()], np.int64)[place]


@lru_cache(maxsize=1 << 17)
def _shift(zone: str, quarter: int) -> int:
    try:
        at = datetime.fromtimestamp(quarter * _QUARTER, UTC)
    except (ValueError, OverflowError, OSError):  # no year of a calendar: the line is not regular
        return 0
    shift = at.astimezone(ZoneInfo(zone)).utcoffset()
    return 0 if shift is None else int(shift.total_seconds())


def _day_number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def _batch(
    block: Block, file_no: int, fields: _Fields, days: Numbers, kept: Numbers, questions: Numbers
) -> pa.RecordBatch:
    """Return one row a line: what SQL stages as hits."""
    rows, count = fields.rows[kept], len(kept)
    path, query = _cut_query((fields.target[0][kept], fields.target[1][kept]), questions)
    size = fields.size[kept]
    method = pa.DictionaryArray.from_arrays(fields.method[kept], pa.array(METHODS))
    return pa.RecordBatch.from_pydict(
        {
            "file_no": pa.array(np.full(count, file_no, np.int32)),
            "line": pa.array(block.first_line + rows),
            "raw": views(pa.binary_view(), [block.content], block.starts[rows], block.lengths[rows]),
            "hit_at": pa.array(fields.instants[kept] * 1_000_000).cast(pa.timestamp("us")),
            "hit_on": pa.array(days[kept].astype(np.int32)).cast(pa.date32()),
            "caller": _texts(block, fields.host, kept),
            "method": method,
            "raw_path": _strings(block, *path),
            "query": _strings(block, *query, nulls=query[1] < query[0]),
            "status": pa.array(fields.status[kept]),
            "sent_bytes": pa.array(size, mask=size < 0),
            "referrer": _texts(block, fields.referrer, kept),
            "agent": _texts(block, fields.agent, kept),
            "is_objecting": pa.array(
                np.zeros(count, np.bool_)
            ),  # these formats hold nothing that would say so
        }
    )


def _cut_query(target: Span, questions: Numbers) -> tuple[Span, Span]:
    """Return path and query of `target`; a query that ends before it begins is none."""
    found = np.append(questions, np.iinfo(np.int64).max)[np.searchsorted(questions, target[0])]
    end = np.minimum(found, target[1])
    return (target[0], end), (end + 1, target[1])


def _texts(block: Block, span: Span | None, kept: Numbers) -> pa.Array[Any]:
    if span is None:
        return pa.nulls(len(kept), pa.string_view())
    return _strings(block, span[0][kept], span[1][kept])


def _strings(block: Block, starts: Numbers, ends: Numbers, nulls: Mask | None = None) -> pa.Array[Any]:
    lengths = np.maximum(ends - starts, 0)
    return views(pa.string_view(), [block.content], np.minimum(starts, len(block.data)), lengths, nulls=nulls)
