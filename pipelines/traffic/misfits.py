"""Lines that are not of the format that their file was taken for: which other format they are of.

Asked file by file, from some lines of each: what one file is full of says nothing of another. Files of one
format are then read together, so that many small files cost few statements.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.traffic.formats import Format, last_chance, sampled, second_chance

_SAMPLED, _LEAST_SAMPLED = 256, 4  # lines of all files together, and of each file
_CHARACTERS = 512 << 10  # of all files together: each is looked at by every format
_MOST_ATTEMPTS = 12  # formats in one file; more are found out when the file is the only one of its batch


@dataclass(frozen=True)
class Attempt:
    """Lines to read by a format, and those that refused them before."""

    format: Format
    lines: pa.Table
    before: frozenset[Format] = frozenset()


def further(misfits: pa.Table, attempt: Attempt, named: Sequence[Format]) -> tuple[list[Attempt], list[int]]:
    """Return how to go on with the lines that `attempt` refused, and the files of those that no format takes.

    `misfits` has columns file_no and text; no line is in two of the attempts.
    """
    tried = attempt.before | {attempt.format}
    files, inverse = np.unique(misfits["file_no"].to_numpy(), return_inverse=True)
    chosen: dict[Format, list[int]] = {}
    given_up: list[int] = []
    for place, sample in enumerate(_samples(misfits, inverse, len(files))):
        format_ = second_chance(sample, tried, named) if len(tried) < _MOST_ATTEMPTS else None
        format_ = format_ or last_chance(tried)
        if format_ is None:
            given_up.append(int(files[place]))
        else:
            chosen.setdefault(format_, []).append(place)
    if len(chosen) == 1 and not given_up:
        return [Attempt(format_, misfits, tried) for format_ in chosen], []
    attempts = [
        Attempt(format_, misfits.take(np.flatnonzero(np.isin(inverse, places))), tried)
        for format_, places in chosen.items()
    ]
    return attempts, given_up


def _samples(misfits: pa.Table, inverse: npt.NDArray[np.int64], count: int) -> Iterator[list[str]]:
    """Yield of each file some lines, spread over all of its misfits."""
    each = max(_LEAST_SAMPLED, _SAMPLED // max(count, 1))
    order = np.argsort(inverse, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(inverse[order])) + 1) if count else ():
        spread = rows[np.unique(np.linspace(0, len(rows) - 1, each).astype(np.int64))]
        yield _bounded(sampled(misfits["text"].take(spread).to_pylist(), each), _CHARACTERS // count)


def _bounded(lines: list[str], room: int) -> list[str]:
    """Return the first lines that have `room` together, and one at least."""
    ends = np.cumsum([len(line) for line in lines])
    return lines[: max(1, int(np.searchsorted(ends, room, side="right")))]
