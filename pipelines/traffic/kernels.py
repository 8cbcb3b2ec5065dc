"""Loops over the bytes of many lines, compiled for the machine at hand by Numba.

The first run on a machine compiles what it calls, for some seconds, and keeps it beside this file, or in the
user's cache, or nowhere where neither can be written. All loops stand in one file: Numba compiles anew what
it kept when that file changes, and does not look at others. What is read is inside the line by construction;
`tests/traffic/test_kernels.py` runs them with Numba's own check of bounds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

import numba
import numpy as np
import numpy.typing as npt

from pipelines.traffic.content import WORD, Bytes, Mask, Numbers, Words
from pipelines.traffic.hits import KINDS

Places = npt.NDArray[np.int32]
Loop = TypeVar("Loop", bound=Callable[..., object])

METHODS: Final = ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS")  # SQL reads the others
_HOST, _PATH, _QUERY, _REFERRER, _AGENT = range(
    0, 2 * len(KINDS), 2
)  # where they stand: beginning, then length


class Found(NamedTuple):
    """What is read of n lines, an array each.

    `instant` is -1 of a line that is not read, `size` of one that is "-"; `texts` (5, n) has their numbers
    in the order of KINDS, -1 where there is none. `is_ipv4` says that the caller is an IPv4 address in
    its one form. `spans` (m, 10), `tags` and `met` (5 m) are for the m lines at hand.
    """

    instant: Numbers
    method: npt.NDArray[np.int8]
    status: npt.NDArray[np.int16]
    size: Numbers
    texts: Places
    is_ipv4: Mask
    spans: Numbers
    tags: Words
    met: Words


class Table(NamedTuple):
    """Distinct texts by number: `records` (n, 2) of begin in `heap`, and likeness (length and kind).

    `slots` have 0 where empty, else 32 bits of the hash of a text and its number plus 1, in the first place
    that is free from the hash on. `heap` is the word of 8 bytes from every place in bytes. `used` says how
    many texts there are, and bytes of them. Hashes are mixed with `secret`: a word, and an odd word.
    """

    slots: Words
    records: Numbers
    heap: Words
    used: Numbers
    secret: Words


def _text(text: bytes) -> Bytes:
    return np.frombuffer(text, np.uint8)


_QUOTE, _BACKSLASH, _SPACE, _ZERO, _DASH, _QUESTION = b'"\\ 0-?'
_DASHES, _TO_REQUEST, _PROTOCOL, _TO_QUOTED = _text(b" - - ["), _text(b'] "'), _text(b"HTTP/"), _text(b' "')
_METHODS = _text(b"".join(f"{name} ".encode() for name in METHODS))
_METHOD_ENDS = np.cumsum([len(name) + 1 for name in METHODS])
_MONTHS = _text(b"JanFebMarAprMayJunJulAugSepOctNovDec")
_TIME_MARKS = ((2, ord("/")), (6, ord("/")), (11, ord(":")), (14, ord(":")), (17, ord(":")), (20, _SPACE))
_TIME_BYTES, _PROTOCOL_BYTES, _STATUS_BYTES = 26, 8, 3
_LEAST_BYTES = 6 + 26 + 3 + 14 + 7  # behind the host: ` - - [time] "GET / HTTP/1.1" 200 -`
_LONGEST_HOST, _LONGEST_SIZE = 40, 8
_EARLIEST = 7_305 * 86_400  # 1 January 1990 in seconds since 1970: nobody wrote web logs before
_KINDS = len(KINDS)
A_BYTE = 8  # of a text, in its likeness: 8 times the length plus the kind, which is less
_HALF, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)
# Nothing is allocated here, so that no references need be counted: half of the time went there.
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}


def _compiled(loop: Loop) -> Loop:
    """Compile `loop` when it is first called; other threads of Python run meanwhile."""
    try:
        return numba.njit(cache=True, **_OPTIONS)(loop)  # type: ignore[no-any-return]
    except RuntimeError:  # there is no folder where it could be kept
        return numba.njit(**_OPTIONS)(loop)  # type: ignore[no-any-return]


def _part(loop: Loop) -> Loop:
    """Let `loop` be compiled as a function that others call."""
    return numba.njit(**_OPTIONS)(loop)  # type: ignore[no-any-return]


def _inside(loop: Loop) -> Loop:
    """Let `loop` be compiled inside those that call it: to hand over many arrays costs more than it does."""
    return numba.njit(inline="always", **_OPTIONS)(loop)  # type: ignore[no-any-return]


# -------------------------------------------------------------- lines of the Combined and Common format


@_compiled
def read_lines(
    words: Words, data: Bytes, starts: Numbers, lengths: Numbers, window: Numbers, found: Found, table: Table
) -> None:
    """Read the lines of `data` into `found`, but those of a length below 0; their texts go into `table`.

    `words` are those from every place in `data`. Texts of lines outside `window` (first and last instant)
    are let go. There is room in `table` for five texts a line.
    """
    together = len(found.spans)
    for first in range(0, len(starts), together):
        last = min(first + together, len(starts))
        for row in range(first, last):
            spans = found.spans[row - first]
            instant = -1
            if lengths[row] >= 0:
                instant = _line(data, starts[row], starts[row] + lengths[row], row, found, spans)
            found.instant[row] = instant
            found.is_ipv4[row] = instant >= 0 and _is_ipv4(data, spans[_HOST], spans[_HOST + 1])
            is_kept = instant >= 0 and window[0] <= instant <= window[1]
            for kind in range(_KINDS):
                if not is_kept:
                    spans[2 * kind + 1] = -1
                place = (row - first) * _KINDS + kind
                found.tags[place] = _tag(words, spans[2 * kind], spans[2 * kind + 1], kind, table)
        _fetch((last - first) * _KINDS, found.tags, found.met, table)
        for row in range(first, last):
            spans = found.spans[row - first]
            for kind in range(_KINDS):
                tag = found.tags[(row - first) * _KINDS + kind]
                start, length = spans[2 * kind], spans[2 * kind + 1]
                found.texts[kind, row] = _text_number(words, start, length, kind, tag, table)


@_inside
def _line(data: Bytes, start: int, end: int, row: int, found: Found, spans: Numbers) -> int:
    """Return the instant of the line, -1 where its form is not beyond doubt: then `found` means nothing."""
    at = _host(data, start, end, spans)
    if at < 0 or not _stands(data, at, _DASHES):
        return -1
    instant = _instant(data, at + len(_DASHES))
    at += len(_DASHES) + _TIME_BYTES
    if instant < _EARLIEST or not _stands(data, at, _TO_REQUEST):
        return -1
    at = _request(data, at + len(_TO_REQUEST), end, row, found, spans)
    if at >= 0:
        at = _result(data, at, end, row, found)
    return instant if at >= 0 and _is_ended(data, at, end, spans) else -1


@_inside
def _host(data: Bytes, start: int, end: int, spans: Numbers) -> int:
    """Return where the host ends: one word, and the shortest line has room behind it; else -1."""
    at = start
    while at < end and data[at] not in (_SPACE, _QUOTE, _BACKSLASH):
        at += 1
    spans[_HOST], spans[_HOST + 1] = start, at - start
    return at if 0 < at - start <= _LONGEST_HOST and at + _LEAST_BYTES <= end else -1


@_part
def _is_ipv4(data: Bytes, start: int, length: int) -> bool:
    """Return whether four numbers up to 255 stand there, no zero before any, and dots between them."""
    numbers, number, digits = 1, 0, 0
    for at in range(start, start + length):
        if _is_digit(data[at]) and (digits == 0 or number > 0):
            number, digits = number * 10 + data[at] - _ZERO, digits + 1
        elif data[at] == ord(".") and digits > 0:
            numbers, number, digits = numbers + 1, 0, 0
        else:
            return False
        if number > 255:
            return False
    return numbers == 4 and digits > 0


@_inside
def _request(data: Bytes, start: int, end: int, row: int, found: Found, spans: Numbers) -> int:
    """Return what is behind `GET /offer?page=2 HTTP/1.1"` at `start`, -1 where that is not there."""
    method, target = _method(data, start, end)
    question, quote = _cut(data, target, end)
    stop = quote - 1 - _PROTOCOL_BYTES
    if method < 0 or quote == end or stop <= target or data[target] == _SPACE or data[stop] != _SPACE:
        return -1
    version = stop + 1 + len(_PROTOCOL)
    if not _stands(data, stop + 1, _PROTOCOL) or data[version + 1] != ord("."):
        return -1
    if _number(data, version, 1) < 0 or _number(data, version + 2, 1) < 0:
        return -1
    path_end = min(question, stop)
    found.method[row] = method
    spans[_PATH], spans[_PATH + 1] = target, path_end - target
    spans[_QUERY], spans[_QUERY + 1] = path_end + 1, stop - path_end - 1
    return quote + 1


@_inside
def _method(data: Bytes, start: int, end: int) -> tuple[int, int]:
    """Return which of METHODS is at `start`, or -1, and where the target begins."""
    begin = 0
    for method in range(len(_METHOD_ENDS)):
        name = _METHODS[begin : _METHOD_ENDS[method]]
        if start + len(name) < end and _stands(data, start, name):
            return method, start + len(name)
        begin = _METHOD_ENDS[method]
    return -1, start


@_part
def _cut(data: Bytes, start: int, end: int) -> tuple[int, int]:
    """Return where the first question mark and the quote are, each `end` where it is not there."""
    question = end
    for at in range(start, end):
        if data[at] == _QUOTE:
            return question, at
        if data[at] == _BACKSLASH:
            return end, end
        if data[at] == _QUESTION and question == end:
            question = at
    return question, end


@_inside
def _result(data: Bytes, start: int, end: int, row: int, found: Found) -> int:
    """Return what is behind ` 200 512` at `start`, perhaps the line's end; -1 where that is not there."""
    at = start + 1 + _STATUS_BYTES + 1
    if at >= end or data[start] != _SPACE or data[at - 1] != _SPACE:
        return -1
    status, size = _number(data, start + 1, _STATUS_BYTES), -1
    if not 100 <= status <= 599:
        return -1
    if data[at] == _DASH:
        at += 1
    else:
        count = 0
        while at + count < end and count <= _LONGEST_SIZE and _is_digit(data[at + count]):
            count += 1
        if not 0 < count <= _LONGEST_SIZE:
            return -1
        size = _number(data, at, count)
        at += count
    found.status[row], found.size[row] = status, size
    return at


@_inside
def _is_ended(data: Bytes, start: int, end: int, spans: Numbers) -> bool:
    """Return whether the line ends at `start`, or with ` "referrer" "agent"` from there on."""
    spans[_REFERRER + 1] = spans[_AGENT + 1] = -1
    if start == end:
        return True
    referrer = start + len(_TO_QUOTED)
    if referrer >= end or not _stands(data, start, _TO_QUOTED):
        return False
    quote = _cut(data, referrer, end)[1]
    agent = quote + 1 + len(_TO_QUOTED)
    if agent >= end or not _stands(data, quote + 1, _TO_QUOTED):
        return False
    last = _cut(data, agent, end)[1]
    spans[_REFERRER], spans[_REFERRER + 1] = referrer, quote - referrer
    spans[_AGENT], spans[_AGENT + 1] = agent, last - agent
    return last == end - 1


@_part
def _instant(data: Bytes, start: int) -> int:
    """Return the seconds since 1970 that `21/Nov/2026:10:00:00 +0100` at `start` says, else -1."""
    for place, mark in _TIME_MARKS:
        if data[start + place] != mark:
            return -1
    day, month, year = _number(data, start, 2), _month(data, start + 3), _number(data, start + 7, 4)
    if month < 1 or year < 1:
        return -1
    first, following = _days(year, month), _days(year + month // 12, month % 12 + 1)
    hour, minute = _number(data, start + 12, 2), _number(data, start + 15, 2)
    second = _number(data, start + 18, 2)
    ahead_hours, ahead_minutes = _number(data, start + 22, 2), _number(data, start + 24, 2)
    if min(day - 1, hour, minute, second, ahead_hours, ahead_minutes) < 0 or day > following - first:
        return -1
    if hour > 23 or minute > 59 or second > 59 or ahead_hours > 14 or ahead_minutes > 59:
        return -1
    ahead = (ahead_hours * 60 + ahead_minutes) * 60
    seconds: int = (((first + day - 1) * 24 + hour) * 60 + minute) * 60 + second
    if data[start + 21] == ord("+"):
        return seconds - ahead
    return seconds + ahead if data[start + 21] == _DASH else -1


@_part
def _month(data: Bytes, start: int) -> int:
    """Return the month whose name is at `start`, 0 where there is none."""
    for month in range(12):
        if _stands(data, start, _MONTHS[3 * month : 3 * month + 3]):
            return month + 1
    return 0


@_part
def _days(year: int, month: int) -> int:
    """Return the days from 1 January 1970 to the first of `month`, in the Gregorian calendar."""
    shifted = year - 1 if month <= 2 else year  # years that begin in March end with their leap day
    months = (month + 9) % 12
    leap_days = shifted // 4 - shifted // 100 + shifted // 400
    return shifted * 365 + leap_days + (153 * months + 2) // 5 - 719_468


@_part
def _number(data: Bytes, start: int, count: int) -> int:
    """Return the number that `count` digits at `start` make, -1 where they are no digits."""
    number = 0
    for at in range(start, start + count):
        if not _is_digit(data[at]):
            return -1
        number = number * 10 + data[at] - _ZERO
    return number


@_part
def _is_digit(character: int) -> bool:
    return _ZERO <= character <= _ZERO + 9


@_part
def _stands(data: Bytes, start: int, text: Bytes) -> bool:
    """Return whether `text` stands at `start`."""
    for place in range(len(text)):  # noqa: SIM110 compiled, a loop is what it is
        if data[start + place] != text[place]:
            return False
    return True


# ---------------------------------------------------------------------------------------- distinct texts


@_compiled
def number_texts(
    words: Words, bounds: Places, numbers: Places, tags: Words, met: Words, table: Table
) -> None:
    """Write into `numbers` (n) those of the texts between `bounds` (n + 1), all of one kind.

    `words` are those from every place in the bytes of the texts, and one word more. `tags` and `met` are
    scratch, for as many texts as are looked for together. There is room in `table` for n texts.
    """
    for first in range(0, len(numbers), len(tags)):
        last = min(first + len(tags), len(numbers))
        for row in range(first, last):
            start = int(bounds[row])
            tags[row - first] = _tag(words, start, bounds[row + 1] - start, 0, table)
        _fetch(last - first, tags, met, table)
        for row in range(first, last):
            start = int(bounds[row])
            tag = tags[row - first]
            numbers[row] = _text_number(words, start, bounds[row + 1] - start, 0, tag, table)


@_inside
def _tag(words: Words, start: int, length: int, kind: int, table: Table) -> Any:
    """Return 32 bits of the hash of a text, 0 of one shorter than 0."""
    if length < 0:
        return np.uint64(0)
    return _hash(words, start, length, length * A_BYTE + kind, table.secret) >> _HALF


@_part
def _fetch(count: int, tags: Words, met: Words, table: Table) -> None:
    """Have in the cache what will be read of `table` for the first `count` of `tags`; `met` is scratch.

    No read here waits for another of its loop, so that memory is waited for once for all of them together.
    """
    for place in range(count):
        met[place] = table.slots[_first_slot(tags[place], len(table.slots))]
    for place in range(count):
        if met[place] > 0:
            met[place] = np.uint64(table.records[np.int64(met[place] & _LOW) - 1, 0])
    for place in range(count):
        met[place] = table.heap[np.int64(met[place])]


@_inside
def _text_number(words: Words, start: int, length: int, kind: int, tag: Any, table: Table) -> int:
    """Return the number of a text, -1 of one shorter than 0; a new one is added."""
    if length < 0:
        return -1
    likeness = length * A_BYTE + kind
    slot = _first_slot(tag, len(table.slots))
    while table.slots[slot] > 0:
        if table.slots[slot] >> _HALF == tag:
            known: Any = np.int64(table.slots[slot] & _LOW) - 1
            begin = table.records[known, 0]
            if table.records[known, 1] == likeness and _is_same(words, start, table.heap, begin, length):
                return int(known)
        slot = slot + 1 if slot + 1 < len(table.slots) else 0
    new: int = table.used[0]
    begin = table.used[1]
    _copy(words, start, table.heap, begin, length)
    table.records[new, 0], table.records[new, 1] = begin, likeness
    table.slots[slot] = tag << _HALF | np.uint64(new + 1)
    table.used[0], table.used[1] = new + 1, begin + length
    return new


@_part
def _first_slot(tag: Any, slots: int) -> int:
    slot: Any = np.int64(tag * np.uint64(slots) >> _HALF)
    return int(slot)


@_inside
def _hash(words: Words, start: int, length: int, likeness: int, secret: Words) -> Any:
    """Return 64 bits of a text, mixed by what nobody who writes lines can know."""
    mixed = secret[0] ^ np.uint64(likeness)
    if length < WORD:
        return _mixed(mixed ^ _short(words, start, length), secret)
    end = start + length - WORD
    for at in range(start, end, WORD):
        mixed = _mixed(mixed ^ words[at], secret)
    return _mixed(mixed ^ words[end], secret)


@_inside
def _mixed(word: Any, secret: Words) -> Any:
    product = word * secret[1]
    return product ^ product >> np.uint64(32)


@_inside
def _short(words: Words, start: int, length: int) -> Any:
    """Return the text of less than a word at `start`, then zeros; a word fits in from it, or to its end."""
    if length == 0:
        return np.uint64(0)
    others = np.uint64(8 * (WORD - length))
    if start < len(words):
        return words[start] << others >> others
    return words[start + length - WORD] >> others


@_inside
def _is_same(words: Words, start: int, heap: Words, begin: int, length: int) -> bool:
    if length < WORD:
        return bool(_short(words, start, length) == _short(heap, begin, length))
    for at in range(0, length - WORD, WORD):
        if words[start + at] != heap[begin + at]:
            return False
    return bool(words[start + length - WORD] == heap[begin + length - WORD])


@_inside
def _copy(words: Words, start: int, heap: Words, begin: int, length: int) -> None:
    """Copy a text to the end of the heap."""
    if length < WORD:
        heap[begin] = _short(words, start, length)
        return
    for at in range(0, length - WORD, WORD):
        heap[begin + at] = words[start + at]
    heap[begin + length - WORD] = words[start + length - WORD]


@_compiled
def move_texts(slots: Words, larger: Words) -> None:
    """Put what is in `slots` into `larger`, which are empty."""
    for entry in slots:
        if entry > 0:
            slot = _first_slot(entry >> _HALF, len(larger))
            while larger[slot] > 0:
                slot = slot + 1 if slot + 1 < len(larger) else 0
            larger[slot] = entry
