"""Where CI=true, a test that is left out is a failure; elsewhere it says what it lacks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = "import pytest\n\ndef test_it():\n    pytest.skip('nginx is not installed')\n"
NEVER_COLLECTED = "import pytest\n\npytest.importorskip('no_such_module')\n"
EXPECTED_TO_FAIL = "import pytest\n\n@pytest.mark.xfail\ndef test_it():\n    assert False\n"


def run(tmp_path: Path, test: str, ci: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "conftest.py").write_text((ROOT / "conftest.py").read_text())
    (tmp_path / "test_it.py").write_text(test)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        "-c",
        "/dev/null",
    ]
    return subprocess.run(
        [*command, str(tmp_path)], capture_output=True, text=True, check=False, env=os.environ | {"CI": ci}
    )


@pytest.mark.parametrize(
    ("test", "ci", "code"),
    [
        (LEFT_OUT, "", 0),
        (LEFT_OUT, "true", 1),
        (NEVER_COLLECTED + LEFT_OUT, "true", 5),  # pytest's own code for "no test was run"
        (EXPECTED_TO_FAIL, "true", 0),
    ],
)
def test_what_is_left_out(tmp_path: Path, test: str, ci: str, code: int) -> None:
    assert run(tmp_path, test, ci).returncode == code


def test_a_module_left_out_beside_others_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text("def test_it():\n    pass\n")
    done = run(tmp_path, NEVER_COLLECTED, "true")
    assert done.returncode == 1
    assert "which CI=true does not allow" in done.stdout


def test_ci_runs_what_the_makefile_runs() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    assert "set -euo pipefail" in script.read_text()
    assert "CI=true make test\n" in script.read_text()
