"""What is read of a block of lines without SQL (`regular.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.traffic.content import Bytes, Mask, Numbers
from pipelines.traffic.lines import Block

KINDS: Final = ("caller", "raw_path", "query", "referrer", "agent")
"""Of texts in a line; the loops know them by their places here."""
_MICROSECONDS = 1_000_000  # a second


@dataclass(frozen=True)
class Fresh:
    """Texts that came for the first time in an epoch, in the order of their numbers; `kinds` are of KINDS."""

    epoch: int
    kinds: Bytes
    texts: pa.Array[Any]


@dataclass(frozen=True)
class Regular:
    """What was read of a block: n lines to stage, and others.

    Of the lines to stage: `lines` are their numbers, `instants` in seconds and local `days` count from 1970,
    `methods` are places in METHODS, `sizes` -1 where there is none; `texts` (5, n) are numbers in the epoch
    of `fresh`, -1 where there is none. Those at the places `unsure` may be refused: `raw` are their bytes.
    `expired`: numbers of lines whose day is over. `rest`: which lines of the block are left to SQL.
    """

    file_no: int
    lines: Numbers
    instants: Numbers
    days: Numbers
    methods: npt.NDArray[np.int8]
    statuses: npt.NDArray[np.int16]
    sizes: Numbers
    texts: npt.NDArray[np.int32]
    unsure: Numbers
    raw: Block
    fresh: Fresh
    expired: Numbers
    rest: Mask


def arriving(parts: Sequence[Regular]) -> pa.Table:
    """Return the lines to stage of all `parts`, one row each: their texts and methods are numbers."""
    sizes = np.concatenate([part.sizes for part in parts])
    instants = np.concatenate([part.instants for part in parts])
    days = np.concatenate([part.days for part in parts]).astype(np.int32)
    texts = np.concatenate([part.texts for part in parts], axis=1)
    columns: dict[str, Any] = {
        "file_no": np.repeat([part.file_no for part in parts], [len(part.lines) for part in parts]),
        "line": np.concatenate([part.lines for part in parts]),
        "hit_at": pa.array(instants * _MICROSECONDS).cast(pa.timestamp("us")),
        "hit_on": pa.array(days).cast(pa.date32()),
        "method": np.concatenate([part.methods for part in parts]),
        "status": np.concatenate([part.statuses for part in parts]),
        "sent_bytes": pa.array(sizes, mask=sizes < 0),
        # these formats hold nothing that would say so
        "is_objecting": np.zeros(len(sizes), np.bool_),
        **dict(zip(KINDS, texts, strict=True)),
    }
    return pa.table(columns)


def raw_lines(parts: Sequence[Regular]) -> pa.Array[Any]:
    """Return the bytes of each line to stage, null where the line will not be refused."""
    found: list[bytes | None] = []
    for part in parts:
        of_part: list[bytes | None] = [None] * len(part.lines)
        for place, line in zip(part.unsure.tolist(), part.raw.lines().to_pylist(), strict=True):
            of_part[place] = line
        found += of_part
    return pa.array(found, pa.binary())
