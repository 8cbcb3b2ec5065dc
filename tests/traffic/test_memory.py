"""How memory that was let go is kept."""

from __future__ import annotations

import subprocess
import sys

import pytest

_HELD = """
import ctypes, sys, threading
import pyarrow as pa
from pipelines.traffic.memory import hold_little
libc = ctypes.CDLL(None)
def stats():
    if hasattr(libc, "malloc_stats"): libc.malloc_stats()
    print("--", file=sys.stderr, flush=True)
def work():
    started.wait()
    return [bytearray(size) for size in range(1, 1 << 16, 64)]
started = threading.Barrier(8)
if sys.argv[1] == "held": hold_little()
stats()
threads = [threading.Thread(target=work) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
stats()
print(pa.default_memory_pool().backend_name)
"""


@pytest.mark.parametrize("how", ["held", "as it is"])
def test_threads_share_what_is_free(how: str) -> None:
    run = subprocess.run([sys.executable, "-c", _HELD, how], capture_output=True, text=True, check=True)
    before, after, _ = run.stderr.split("--")
    grown = after.count("Arena ") - before.count(
        "Arena "
    )  # glibc's own count; another C library says nothing
    if how == "held":
        assert (grown, run.stdout) == (0, "system\n")
    elif "Arena " in after:
        assert grown > 0
