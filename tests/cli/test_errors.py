from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import errors
from pipelines.cli import _shown
from pipelines.installation import Installation
from pipelines.places import SOURCE_ROOT
from tests.cli.conftest import AT, Run


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["frobnicate"], "no such command"),
        (["nightly", "--day", "tomorrow"], "write it YYYY-MM-DD"),
        (["nightly", "--day", "2026-02-30"], "write it YYYY-MM-DD"),
        (["nightly", "--day", "9999-01-01"], "still to come"),
        (["purge", "plan", "--day", "9999-01-01"], "still to come"),
        (["purge", "apply"], "missing argument"),
        (["stats", "nothing_of_the_kind"], "there are daily, pages"),
        (["stats", "daily", "--since", "yesterday"], "write it YYYY-MM-DD"),
        (["stats", "daily", "--limit", "0"], "--limit"),
        (["loads", "--last", "0"], "--last"),
        (["loads", "--day", "yesterday"], "write it YYYY-MM-DD"),
        (["rejects", "list", "--limit", "0"], "--limit"),
        (["generate", "--lines", "many"], "--lines"),
        (["request", "gather"], "missing argument"),
        (["request", "refuse", "R-2222-2222"], "missing option"),
        (["request", "open", "--email=marie@example.org"], "--email"),
        (["request", "open"], "nobody can be found"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_code_2(words: list[str], says: str, charter: Run) -> None:
    charter("init")
    said = charter(*words, typed="\n" * 9)
    line = said.err.splitlines()[-1].rpartition(": charter: ")[2].removeprefix("charter: ")
    assert said.code == errors.UsageError.exit_code
    assert says in line
    assert "Traceback" not in said.err


@pytest.mark.parametrize(
    "words",
    [
        ["request", "gather", "R-2222-2222", "marie@example.org"],
        ["request", "open", "--email=marie@example.org"],
        ["request", "gather", "marie@example.org"],
        ["request", "refuse", "R-2222-2222", "--ground", "marie@example.org"],
        ["request", "open", "--received", "marie@example.org"],
        ["stats", "marie@example.org"],
        ["purge", "apply", "marie@example.org"],
    ],
)
def test_no_error_repeats_what_may_be_a_persons(words: list[str], charter: Run) -> None:
    charter("init")
    said = charter(*words)
    assert said.code
    assert "marie" not in said.out + said.err


def test_an_answer_that_breaks_off_is_no_traceback(charter: Run) -> None:
    charter("init")
    said = charter("request", "open", typed="Marie Durand\n")
    assert said.code == 1
    assert said.err.rstrip().endswith("run the command again to go on.")
    assert "Marie" not in said.err


NEEDS_A_KEY = [
    ["nightly"],
    ["vault", "list"],
    ["purge", "plan"],
    ["ledger", "verify"],
    ["ledger", "show"],
    ["ledger", "certificates"],
    ["loads"],
    ["rejects", "list"],
    ["rejects", "replay"],
    ["request", "list"],
    ["request", "gather", "R-2222-2222"],
]


@pytest.mark.parametrize("words", NEEDS_A_KEY, ids=" ".join)
def test_without_master_key_nothing_opens_and_the_cure_is_said(words: list[str], charter: Run) -> None:
    said = charter(*words)
    assert said.code == errors.KeyringError.exit_code
    assert "charter init" in said.error_line
    assert "CHARTER_MASTER_KEY" in said.error_line


@pytest.mark.parametrize("words", [["ledger", "verify"], ["purge", "plan"], ["nightly"]], ids=" ".join)
def test_the_wrong_master_key_is_one_clear_line(
    words: list[str], charter: Run, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.ledger.append("night_opened", day=None, at=AT, night="2026-11-20.1")
    installation.ledger.sign(at=AT)
    installation.keyring.ensure("fingerprint")
    monkeypatch.setenv("CHARTER_MASTER_KEY", "d3Jvbmcgd3Jvbmcgd3Jvbmcgd3Jvbmcgd3Jvbmchd3I=")
    said = charter(*words)
    assert said.code == errors.KeyringError.exit_code
    assert "master key" in said.error_line
    assert "d3Jvbm" not in said.err


def test_a_master_key_open_to_others_is_refused(charter: Run, installation: Installation) -> None:
    (installation.places.keys / "master.key").chmod(0o644)
    said = charter("ledger", "verify")
    assert (said.code, "chmod 600" in said.error_line) == (errors.KeyringError.exit_code, True)


@pytest.mark.parametrize("place", ["LANDING", "VAULT", "KEYS", "LEDGER"])
def test_a_folder_that_cannot_be_made_is_one_clear_line(
    place: str, charter: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(f"CHARTER_{place}", str(tmp_path / "file" / "below"))
    said = charter("init")
    assert said.code == errors.ConfigurationError.exit_code
    assert "cannot be written" in said.error_line


def test_a_file_system_that_takes_no_files_is_one_clear_line(
    charter: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHARTER_HOME", "/sys/charter")  # refuses root, too
    said = charter("init")
    assert said.code == errors.ConfigurationError.exit_code
    assert "read-only" in said.error_line or "permission denied" in said.error_line


def test_counts_are_whole_and_what_is_hidden_is_blank() -> None:
    assert [_shown(value) for value in (68.0, 7, float("nan"), None, "(other)")] == [
        "68",
        "7",
        "",
        "",
        "(other)",
    ]


def test_no_text_is_a_formula_in_a_spreadsheet() -> None:
    assert [_shown(text) for text in ("=1+1", "@x", "-x", "/")] == ["'=1+1", "'@x", "'-x", "/"]


def test_a_charter_file_with_a_fault_is_named_with_its_line(charter: Run, home: Path) -> None:
    text = (SOURCE_ROOT / "charter.toml").read_text(encoding="utf-8")
    (home / "charter.toml").write_text(text.replace('period = "12 months"', 'period = "for ever"'))
    said = charter("ledger", "verify")
    assert said.code == errors.CharterFileError.exit_code
    assert "line " in said.error_line


def test_a_damaged_ledger_is_named_with_its_line(charter: Run, installation: Installation) -> None:
    for _ in range(3):
        installation.ledger.append("night_opened", day=None, at=AT, night="2026-11-20.1")
    path = installation.places.ledger / "ledger.jsonl"
    first, second, third = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second.replace(b"2026-11-20.1", b"2026-11-20.2") + third)
    verified = charter("ledger", "verify")
    assert verified.code == errors.LedgerError.exit_code
    assert "line 2 was altered" in verified.error_line
    path.write_bytes(first + b"not a line\n" + third)
    for words in (["ledger", "show"], ["nightly"]):
        said = charter(*words)
        assert (said.code, "line 2" in said.error_line) == (errors.LedgerError.exit_code, True)


def test_a_fault_of_ours_tells_its_place_and_no_text(
    charter: Run, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_words: object) -> None:
        raise ValueError("marie@example.org")

    monkeypatch.setattr(type(installation.ledger), "verify", fail)
    said = charter("ledger", "verify")
    assert said.code == 1
    assert "internal fault, ValueError at pipelines/" in said.error_line
    assert "marie" not in said.err


def test_a_reader_that_has_seen_enough_is_no_error(installation: Installation) -> None:
    for _ in range(400):
        installation.ledger.append("night_opened", day=None, at=AT, night="x" * 300)
    command = f"{sys.executable} -m pipelines.cli ledger show --last 400 | head -1"
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=SOURCE_ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
