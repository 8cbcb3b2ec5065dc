"""From the numbers that texts have where lines are read to those that they have among all that is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.traffic.hits import KINDS, Fresh
from pipelines.traffic.kernels import METHODS
from pipelines.traffic.lookups import LOOKUPS, Lookup, Lookups

_NOTHING = -1
_OF_LINES = [next(lookup for lookup in LOOKUPS if lookup.text == kind) for kind in KINDS]


class Met:
    """The texts of the epoch at hand; each is looked up once."""

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups
        self._epoch = -1
        self._fresh: list[Fresh] = []
        self.forget()

    def forget(self) -> None:
        """Look all texts up again: those of the lookups have other numbers now."""
        self._looked_up = 0
        self._places = np.zeros(0, np.int32)

    def add(self, fresh: Sequence[Fresh]) -> None:
        """Go on with the texts `fresh`, all of one epoch."""
        if fresh[0].epoch != self._epoch:
            self._epoch, self._fresh = fresh[0].epoch, []
            self.forget()
        self._fresh += fresh
        self._look_up()

    def numbers(self, lookup: Lookup, texts: pa.ChunkedArray[Any]) -> pa.Array[Any]:
        """Return for each of `texts`, numbers of the epoch, that of `lookup`; null where nothing is kept.

        Methods are no texts of the epoch, but places in METHODS.
        """
        if lookup.text not in KINDS:
            methods = pa.chunked_array([METHODS], pa.string())
            return self._lookups.numbers(lookup, methods).take(texts.combine_chunks())
        found = np.append(self._places, np.int32(_NOTHING))[texts.to_numpy()]
        numbers: pa.Array[Any] = pa.array(found, mask=found == _NOTHING)
        return numbers

    def _look_up(self) -> None:
        fresh = self._fresh[self._looked_up :]
        kinds = np.concatenate([part.kinds for part in fresh])
        texts = pa.chunked_array([part.texts for part in fresh], pa.string())
        places = np.full(len(kinds), _NOTHING, np.int32)
        for kind, lookup in enumerate(_OF_LINES):
            mine = np.flatnonzero(kinds == kind)
            numbers = self._lookups.numbers(lookup, texts.take(mine))
            places[mine] = numbers.fill_null(_NOTHING).to_numpy()
        self._places = np.concatenate([self._places, places])
        self._looked_up = len(self._fresh)
