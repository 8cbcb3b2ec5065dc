"""The slow import: cut, and done only where a rule is not proven without it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipelines.places import SOURCE_ROOT

MakeRule = Callable[..., dict[str, Any]]
OwnSuite = Callable[..., Path]

ROW = """
import sys
from pathlib import Path
import duckdb
from pipelines import quality
connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
connection.execute("CREATE TEMP TABLE t AS SELECT DATE '2026-11-22' AS day, 'x' AS path")
def check():
    return quality.check(connection, "t", "pages", expectations=Path("expectations"))
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


def test_what_is_proven_costs_no_import(tmp_path: Path, own_suite: OwnSuite, make_rule: MakeRule) -> None:
    own_suite(
        make_rule("known", "expect_column_values_to_be_in_set", column="path", value_set=["x"]),
        make_rule("once", "expect_column_values_to_be_unique", "critical", column="day"),
    )
    done = run(
        f"""
verdict = quality.check(connection, "t", "own", expectations=Path({str(tmp_path / "expectations")!r}))
assert [(rule.is_met, rule.rows) for rule in verdict.rules] == [(True, 1)] * 2
assert "great_expectations" not in sys.modules
connection.execute("INSERT INTO t VALUES (DATE '2026-11-23', 'y')")
verdict = quality.check(connection, "t", "own", expectations=Path({str(tmp_path / "expectations")!r}))
assert [(rule.is_met, rule.failing_rows) for rule in verdict.rules] == [(False, 1), (True, 0)]
assert "great_expectations" in sys.modules
""",
        "-W",
        "ignore",
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_check_finds_all_there_but_charts_and_distributions() -> None:
    done = run(
        """
import gc
verdict = check()
assert any(rule.is_met for rule in verdict.rules) and "great_expectations" in sys.modules
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


def test_an_import_that_fails_is_an_error_of_the_check(tmp_path: Path) -> None:
    (tmp_path / "great_expectations.py").write_text("raise ImportError('broken installation')")
    done = run(
        f"""
sys.path.insert(0, {str(tmp_path)!r})
try:
    check()
except ImportError as error:
    print(error)
"""
    )
    assert (done.returncode, done.stderr, done.stdout.strip()) == (0, "", "broken installation")
