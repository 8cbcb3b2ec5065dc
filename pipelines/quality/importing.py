"""The import of Great Expectations: seconds of work, cut to half and, where wanted, done beside other work.

Half of it is for two libraries that draw charts and test distributions, of which no rule that a suite
may use has need. Stand-ins take their place while Great Expectations is imported: who does ask one
for anything gets it from the library itself, which is imported then.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import sys
import threading
import types
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.machinery import ModuleSpec
from typing import Any

# Used by expect_column_kl_divergence_to_be_less_than and by metrics of the Kolmogorov-Smirnov test alone.
_SELDOM_NEEDED = ("altair", "scipy.stats")
_SLOW = (
    "great_expectations",
    "great_expectations.execution_engine.sqlalchemy_execution_engine",
    "duckdb_sqlalchemy",
)


def warm() -> None:
    """Start the import of Great Expectations in a thread, so that the first check need not wait for it.

    An import that fails is tried again by the check, where its error is seen. At the exit of the
    process an import under way is given up.
    """
    global _warming  # noqa: PLW0603 one import a process
    with _lock:
        if _warming is None and "pipelines.quality.engine" not in sys.modules:
            _warming = threading.Thread(target=_import_slow, name="quality.warm", daemon=True)
            sys.meta_path.insert(0, _GivingUp(_warming))
            _warming.start()


def wait() -> None:
    """Wait for the end of an import that `warm` began."""
    if _warming is not None and _warming is not threading.current_thread():
        _warming.join()


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


class _GivingUp:
    """An importer of nothing that ends the thread of `warm` at the exit of the process.

    A thread that is still importing C++ while the interpreter goes away takes the process down with it.
    """

    def __init__(self, thread: threading.Thread) -> None:
        self._thread = thread
        self._is_exit = False
        atexit.register(self._give_up)

    def find_spec(
        self, _name: str, _path: Sequence[str] | None = None, _target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find nothing; at the exit, end the thread at its next import."""
        if self._is_exit and threading.current_thread() is self._thread:
            raise SystemExit  # of the thread; no `except ImportError` catches it
        return None

    def _give_up(self) -> None:
        self._is_exit = True
        self._thread.join()


def _import_slow() -> None:
    # No filter of warnings here: filters are of the process, and changing them is not safe in a thread.
    with suppress(Exception), _stand_ins(), _no_collection():
        for name in _SLOW:
            importlib.import_module(name)


_lock = threading.Lock()
_warming: threading.Thread | None = None
