"""`charter loads`, `rejects` and `formats`, as a user runs them; no word of a log line is ever said."""

from __future__ import annotations

import gzip
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines import errors, traffic
from pipelines.cli.terminal import day_or_today, now
from pipelines.installation import Installation
from pipelines.places import SOURCE_ROOT
from tests.cli.conftest import Run

CANARY = "c4n4ry"
PIPED = "log_format piped '$time_iso8601|$remote_addr|$request_method|$request_uri|$status|$bytes_sent';"
FORMAT = f"\n[traffic.formats.piped]\nsources = [{{sources}}]\ndirective = '''{PIPED}'''\n"


def piped(lines: int) -> bytes:
    """So many lines of yesterday that no known format reads."""
    day = day_or_today(None) - timedelta(days=1)
    return b"".join(
        f"{day}T12:{line:02}:00Z|198.51.100.{line}|GET|/{CANARY}|200|512\n".encode() for line in range(lines)
    )


@pytest.fixture
def taken(charter: Run, installation: Installation) -> Installation:
    """An installation that took in two logs of a format that it does not know."""
    landing = installation.places.landing_traffic
    (landing / CANARY).mkdir()
    (landing / CANARY / f"{CANARY}.log").write_bytes(piped(3))
    (landing / f"{CANARY}.log").write_bytes(b"garbage\n\n")
    files = traffic.deliveries(installation.places, installation.keyring)
    traffic.take_in(installation, files, day=day_or_today(None), at=now())
    return installation


def name_format(home: Path, sources: str = "", directive: str = PIPED) -> None:
    policy = (SOURCE_ROOT / "charter.toml").read_text()
    (home / "charter.toml").write_text(policy + FORMAT.format(sources=sources).replace(PIPED, directive))


def cells(line: str) -> list[str]:
    return line.split()


def test_refused_lines_are_found_replayed_and_accounted_for(
    charter: Run, home: Path, taken: Installation
) -> None:
    today, yesterday = str(day_or_today(None)), str(day_or_today(None) - timedelta(days=1))
    said = [cells(line) for line in charter("loads").out.splitlines()]
    assert said[0] == [
        *("received", "source", "delivery", "read"),
        *("accepted", "rejected", "expired", "duplicate", "whole"),
    ]
    assert [(row[1], *row[3:]) for row in said[1:]] == [
        (".", "2", "0", "2", "0", "0", "yes"),
        (CANARY, "3", "0", "3", "0", "0", "yes"),
    ]
    assert [cells(line)[1:] for line in charter("rejects", "list").out.splitlines()[1:]] == [
        [".", "empty_line", "1"],
        [".", "not_a_log_line", "1"],
        [CANARY, "not_a_log_line", "3"],
    ]
    name_format(home)
    trial = charter("rejects", "replay", "--dry-run")
    assert "would be accepted  3" in trial.out
    assert "charter rejects list" not in trial.err
    assert charter("loads", "--days").out == "none\n"
    done = charter("rejects", "replay")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "5 refused lines read again",
        "  accepted  3",
        "  expired   0",
        "  still refused 2: 1 empty_line, 1 not_a_log_line",
    ]
    assert cells(charter("loads", "--last", "1").out.splitlines()[1])[3:6] == ["3", "3", "0"]
    (row,) = [cells(line) for line in charter("loads", "--days").out.splitlines()[1:]]
    assert (row[0], row[1], row[4], row[5]) == (yesterday, CANARY, today, "3")
    assert charter("loads", "--day", yesterday).out == "none\n"
    assert "accepted=3" in charter("ledger", "show", "--event", "rejects_replayed").out
    assert "intact" in charter("ledger", "verify").out


def test_positions_say_where_and_never_what(charter: Run, taken: Installation) -> None:
    said = charter("rejects", "list", "--positions", "--source", CANARY)
    rows = [cells(line) for line in said.out.splitlines()]
    assert rows[0] == ["load", "line", "reason"]
    assert [row[1:] for row in rows[1:]] == [[str(line), "not_a_log_line"] for line in (1, 2, 3)]
    assert len(charter("rejects", "list", "--positions", "--limit", "2").out.splitlines()) == 1 + 2
    assert charter("rejects", "list", "--reason", "future").out == "none\n"
    here = charter("rejects", "list", "--source", ".", "--reason", "empty_line").out
    assert len(here.splitlines()) == 1 + 1
    for words in (["loads"], ["loads", "--days"], ["rejects", "list"], ["rejects", "list", "--positions"]):
        said = charter(*words)
        assert "198.51" not in said.out + said.err
        assert "garbage" not in said.out
        assert f"{CANARY}.log" not in said.out


def test_an_empty_vault_says_so(charter: Run) -> None:
    charter("init")
    for words in (["loads"], ["loads", "--days"], ["rejects", "list"], ["rejects", "list", "--positions"]):
        assert charter(*words).out == "none\n"
    assert charter("rejects", "replay").out.startswith("0 refused lines read again")


def test_the_formats_are_listed_those_of_the_charter_first(charter: Run, home: Path) -> None:
    charter("init")
    name_format(home, '"web1"')
    said = charter("formats").out.splitlines()
    assert cells(said[0]) == ["charter.toml", "piped", "directive;", "for", "web1"]
    assert {"combined", "iis", "alb", "json:caddy"} <= {cells(line)[1] for line in said[1:]}


def test_a_format_is_tried_on_a_file_and_nothing_of_it_is_stored(
    charter: Run, home: Path, tmp_path: Path
) -> None:
    charter("init")
    name_format(home, '"web1"')
    log = tmp_path / "try.log.gz"
    log.write_bytes(gzip.compress(piped(4) + b"garbage\n"))
    said = charter("formats", "--check", str(log), "--source", "web1")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        "5 lines read: 5 piped",
        "  accepted 4",
        "  expired  0",
        "  refused  1: 1 not_a_log_line",
    ]
    assert charter("formats", "--check", str(log)).out.splitlines()[1] == "  accepted 0"
    assert charter("vault", "list").out == "the vault is empty\n"
    assert log.exists()
    assert not [path for path in home.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]


def test_a_file_that_is_no_log_is_one_clear_line(charter: Run, tmp_path: Path) -> None:
    charter("init")
    damaged = tmp_path / "damaged.gz"
    damaged.write_bytes(gzip.compress(piped(9))[:-9])
    for path in (damaged, tmp_path / "missing.log", tmp_path):
        said = charter("formats", "--check", str(path))
        assert said.code == errors.LandingError.exit_code
        assert said.error_line.startswith("charter: ")


def test_only_ten_thousand_lines_are_tried(charter: Run, tmp_path: Path) -> None:
    charter("init")
    (tmp_path / "a.log").write_bytes(b"garbage\n" * 10_050)
    assert charter("formats", "--check", str(tmp_path / "a.log")).out.startswith("10,000 lines read")


def test_a_directive_that_cannot_be_read_stops_with_its_line_before_anything_is_taken_in(
    charter: Run, home: Path, installation: Installation
) -> None:
    name_format(home, directive="log_format piped '$time_iso8601 $no_such_thing $remote_addr';")
    (installation.places.landing_traffic / "a.log").write_bytes(piped(1))
    line = next(
        number
        for number, text in enumerate((home / "charter.toml").read_text().splitlines(), 1)
        if text.startswith("directive = ")
    )
    for words in (["formats"], ["nightly"]):
        said = charter(*words)
        assert said.code == errors.CharterFileError.exit_code
        assert f"charter.toml line {line}: traffic.formats.piped.directive: " in said.error_line
        assert "no_such_thing" in said.error_line
    assert (installation.places.landing_traffic / "a.log").exists()
    (missing,) = [text for text in charter("doctor").out.splitlines() if text.startswith("MISSING")]
    assert missing.split()[1:3] == ["log", "formats"]
    assert f"line {line}" in missing
