"""A check in a process of its own: silent, offline, and late to import what is slow."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from pipelines.places import SOURCE_ROOT

WATCHED = """
import multiprocessing, os, sys
multiprocessing.get_start_method()  # from Python 3.14 on it tries once whether it can open a file without a name
seen = []
def watch(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind", "socket.sendto", "urllib.Request"):
        if args[1:] != (("::1", 0),):  # urllib3, once imported, asks the kernel whether there is IPv6
            seen.append((event, args[1:]))
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        if str(args[0]) != os.devnull:
            seen.append((event, args[0]))
sys.addaudithook(watch)
import duckdb
from pathlib import Path
from pipelines import quality
assert "great_expectations" not in sys.modules
quality.check_suites(Path("expectations"))
assert "great_expectations" not in sys.modules, "checking the suites must not cost the import"
connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
connection.execute("CREATE TEMP TABLE t AS SELECT DATE '2026-11-22' AS day, 'x' AS path")
suites = Path("expectations")
verdict = quality.check(connection, "t", "pages", expectations=suites, key=("day",), failing="broken")
assert any(rule.is_met for rule in verdict.rules)
print(seen)
"""


def test_no_warning_no_call_to_the_network_and_no_file_in_a_process_of_its_own(tmp_path: Path) -> None:
    environment = {
        name: value for name, value in os.environ.items() if not re.match("PYTEST|GX_|CHARTER_", name)
    }
    done = subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", WATCHED],  # -B: else what it imports first is compiled
        cwd=SOURCE_ROOT,
        env=environment | {"HOME": str(tmp_path), "PYTHONPATH": str(SOURCE_ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr, done.stdout.strip()) == (0, "", "[]")
    assert list(tmp_path.iterdir()) == []
