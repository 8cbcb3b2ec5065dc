"""What is read of a block of lines without SQL (`regular.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from pipelines.traffic.content import Bytes, Mask, Numbers

KINDS: Final = ("caller", "raw_path", "query", "referrer", "agent")
"""Of texts in a line; the loops know them by their places here."""


@dataclass(frozen=True)
class Fresh:
    """Texts that came for the first time in an epoch, in the order of their numbers; `kinds` are of KINDS."""

    epoch: int
    kinds: Bytes
    texts: pa.Array[Any]


@dataclass(frozen=True)
class Regular:
    """What was read of a block.

    `hits`: one row a line to stage, its texts by their numbers in the epoch of `fresh`, -1 where there is
    none; `raw` is null where the line will not be refused. `expired`: numbers of lines whose day is over.
    `rest`: which lines of the block are left to SQL.
    """

    hits: pa.RecordBatch
    fresh: Fresh
    expired: Numbers
    rest: Mask
