"""The slow import: cut, done beside other work, safe when it fails and when the process ends early."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.places import SOURCE_ROOT

ROW = """
import sys, threading, time
from pathlib import Path
import duckdb
from pipelines import quality
connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
connection.execute("CREATE TEMP TABLE t AS SELECT DATE '2026-11-22' AS day, 'x' AS path")
def check():
    return quality.check(connection, "t", "pages", expectations=Path("expectations"))
def thread():
    return next((t for t in threading.enumerate() if t.name == "quality.warm"), None)
"""


def run(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *options, "-c", ROW + code],
        cwd=SOURCE_ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_check_after_warm_waits_for_the_thread_and_finds_all_there_but_charts_and_distributions() -> None:
    done = run(
        """
import gc
quality.warm(); quality.warm()
assert sum(t.name == "quality.warm" for t in threading.enumerate()) == 1
connection.execute("SELECT count(*) FROM range(100000)").fetchall()
verdict = check()
assert thread() is None
assert any(rule.is_met for rule in verdict.rules) and "great_expectations" in sys.modules
quality.warm()
assert thread() is None, "what is there is not imported again"
assert gc.isenabled()
assert not {"altair", "scipy.stats"} & sys.modules.keys()
import great_expectations.expectations.core.expect_column_kl_divergence_to_be_less_than as user
assert round(user.stats.norm.cdf(0), 3) == 0.5, "a stand-in hands out the library's own"
import altair, scipy.stats
assert scipy.stats.norm is user.stats.norm and altair.Chart is user.alt.Chart
""",
        "-W",
        "ignore",
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("seconds", [0, 0.5])
def test_a_process_that_ends_early_ends_quietly_and_does_not_wait_for_the_import(seconds: float) -> None:
    done = run(
        f"""
import atexit
# Called after what `warm` has to do at the exit: the last to register is the first to be called.
atexit.register(lambda: print("pipelines.quality.engine" in sys.modules or "great_expectations" in sys.modules))
quality.warm(); time.sleep({seconds}); print(thread() is not None, end=" ")
"""
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == "True False"


def test_an_early_end_by_error_says_that_error_alone() -> None:
    done = run("quality.warm(); time.sleep(0.3); raise KeyError('the only one')")
    assert done.returncode == 1
    assert done.stderr.count("Traceback") == 1
    assert done.stderr.rstrip().endswith("KeyError: 'the only one'")


def test_an_import_that_fails_is_an_error_of_the_check(tmp_path: Path) -> None:
    (tmp_path / "great_expectations.py").write_text("raise ImportError('broken installation')")
    done = run(
        f"""
sys.path.insert(0, {str(tmp_path)!r})
quality.warm()
time.sleep(1)
assert thread() is None
try:
    check()
except ImportError as error:
    print(error)
"""
    )
    assert (done.returncode, done.stderr, done.stdout.strip()) == (0, "", "broken installation")
