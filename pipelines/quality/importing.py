"""The import of Great Expectations: seconds of work, cut to half.

Half of it is for two libraries that draw charts and test distributions, of which no rule that a suite
may use has need. Stand-ins take their place while Great Expectations is imported: who does ask one
for anything gets it from the library itself, which is imported then.
"""

from __future__ import annotations

import gc
import importlib
import sys
import types
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Used by expect_column_kl_divergence_to_be_less_than and by metrics of the Kolmogorov-Smirnov test alone.
_SELDOM_NEEDED = ("altair", "scipy.stats")


@contextmanager
def quiet_import() -> Iterator[None]:
    """Import within this what is slow and warns: what a library warns of at import is not ours to raise."""
    with warnings.catch_warnings(), _stand_ins(), _no_collection():
        warnings.simplefilter("ignore")
        yield


class _StandIn(types.ModuleType):
    """A module in name alone, until it is asked for something."""

    def __getattr__(self, name: str) -> Any:
        # Whoever looks through all modules asks for such names: no reason to import one.
        if name.startswith("__") and name != "__path__":
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


@contextmanager
def _stand_ins() -> Iterator[None]:
    absent = [name for name in _SELDOM_NEEDED if name not in sys.modules]
    stand_ins = {name: _StandIn(name) for name in absent}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name, stand_in in stand_ins.items():
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]


@contextmanager
def _no_collection() -> Iterator[None]:
    # An import makes what stays: to look through it for garbage takes a tenth of its time, and a twentieth
    # of that of the intake that comes after it.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
