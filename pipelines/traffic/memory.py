"""How memory is kept: the intake's threads each let go of megabytes, many times a second."""

from __future__ import annotations

import ctypes
import gc
from functools import cache

import pyarrow as pa

# of glibc's mallopt(3): M_ARENA_MAX, M_MMAP_THRESHOLD
_ARENA_MAX, _MMAP_THRESHOLD = -8, -3
_LARGE = 2 << 20  # bytes that go back to the system at once; of smaller ones that would take longer


def hold_little() -> None:
    """Let all threads of the process share what is free: less is held at the peak (`docs/benchmarks.md`).

    Arrow's own pool and an arena of malloc for each thread keep what one of them let go from the others; and
    large pieces that malloc keeps are cut up by small ones. A C library without arenas is left as it is.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENA_MAX, 1)
        mallopt(_MMAP_THRESHOLD, _LARGE)


@cache
def leave_alone_what_is_imported() -> None:
    """Let Python's search for garbage not look through what is there now, once a process: it stays."""
    gc.freeze()
