"""Lines of the Combined and Common Log Format whose form is beyond doubt, read without a regular expression.

A compiled loop looks at each byte once, and numbers the texts of a line where they stand (`kernels.py`). A
line that fails any check is left to the SQL of its format, which decides: here nothing is ever refused. This
is where most of the speed of the intake comes from (`docs/benchmarks.md`).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from pipelines.traffic.content import Numbers, at_every_place
from pipelines.traffic.distinct import Distinct
from pipelines.traffic.hits import KINDS, Fresh, Regular
from pipelines.traffic.kernels import Found, read_lines
from pipelines.traffic.lines import Block
from pipelines.traffic.window import Window

MOST_TEXTS = 200_000  # of an epoch; some 30 MB, and more of them wait longer for memory
_TOGETHER = 32  # lines whose texts are looked for together
_NEVER, _MANY_QUARTERS = 1 << 62, 96
_QUARTER, _DAY = 900, 86_400  # seconds; no zone's clock was ever moved inside a quarter of an hour


class Reader:
    """Reads the regular lines of blocks, none after the window's latest day."""

    def __init__(self, window: Window) -> None:
        self._window = window
        oldest, latest = _day_number(window.oldest), _day_number(window.latest)
        self._instants = np.array([oldest - 1, latest + 2], np.int64) * _DAY  # of any zone
        self._epoch, self._distinct = 0, Distinct()

    def read(self, block: Block, file_no: int) -> Regular:
        """Read the regular lines of `block`, of the file `file_no`."""
        if len(self._distinct) > MOST_TEXTS:
            self._epoch += 1
            self._distinct.forget()
        first = len(self._distinct)
        found = self._found(block)
        days = (found.instant + _shifts(found.instant, self._window.zone)) // _DAY
        good = (found.instant >= 0) & (days <= _day_number(self._window.latest))
        kept = good & (days >= _day_number(self._window.oldest))
        rows = np.flatnonzero(kept)
        picked: slice | Numbers = slice(None) if len(rows) == len(block) else rows
        unsure = np.flatnonzero(~found.is_ipv4[picked])
        return Regular(
            file_no=file_no,
            lines=block.first_line + rows,
            instants=found.instant[picked],
            days=days[picked],
            methods=found.method[picked],
            statuses=found.status[picked],
            sizes=found.size[picked],
            texts=found.texts[:, picked],
            unsure=unsure,
            raw=block.only(rows[unsure]).copied(),
            fresh=Fresh(self._epoch, *self._distinct.since(first)),
            expired=block.first_line + np.flatnonzero(good & ~kept),
            rest=~good,
        )

    def _found(self, block: Block) -> Found:
        found = empty(len(block))
        data = np.frombuffer(block.data, np.uint8)
        lengths = np.where(block.is_over | block.is_odd, -1, block.lengths)
        table = self._distinct.table(len(KINDS) * len(block), len(data))
        read_lines(at_every_place("<u8", data), data, block.starts, lengths, self._instants, found, table)
        return found


def empty(lines: int) -> Found:
    """Return room for what is read of so many lines."""
    kinds = len(KINDS)
    return Found(
        instant=np.empty(lines, np.int64),
        method=np.empty(lines, np.int8),
        status=np.empty(lines, np.int16),
        size=np.empty(lines, np.int64),
        texts=np.empty((kinds, lines), np.int32),
        is_ipv4=np.empty(lines, np.bool_),
        spans=np.empty((_TOGETHER, 2 * kinds), np.int64),
        tags=np.empty(kinds * _TOGETHER, np.uint64),
        met=np.empty(kinds * _TOGETHER, np.uint64),
    )


def _shifts(instants: Numbers, zone: str) -> Numbers | int:
    """Return how many seconds the local clock of `zone` is ahead of UTC at each of `instants`.

    One number where it is the same for all; instants below 0 are of lines that were not read.
    """
    quarters = instants // _QUARTER
    first = int(quarters.min(initial=_NEVER, where=instants >= 0))
    last = int(quarters.max(initial=0))
    if last - first < _MANY_QUARTERS:  # the rule: a log is written as time goes on
        shifts = {_shift(zone, quarter) for quarter in range(first, last + 1)} or {0}
        if len(shifts) == 1:
            return shifts.pop()
    begins = np.flatnonzero(np.diff(quarters, prepend=quarters[0] - 1))
    each = [_shift(zone, quarter) for quarter in quarters[begins].tolist()]
    return np.repeat(np.array(each, np.int64), np.diff(begins, append=len(instants)))


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
