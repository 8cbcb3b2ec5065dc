"""Refused lines read again: once, at their places, whatever kills the run, and never in plain text."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from pipelines import traffic
from pipelines.charter import LogFormat
from pipelines.cli.terminal import day_or_today, now
from pipelines.installation import Installation
from pipelines.places import SOURCE_ROOT, Places
from pipelines.traffic import Outcome
from tests.traffic.replaying import (
    DAY,
    LATER,
    MODULE,
    NEXT,
    PIPED,
    STEPS,
    WITH_ID,
    deliver,
    killed_replay,
    piped,
    with_formats,
)  # fmt: skip

pytestmark = pytest.mark.usefixtures("few_rules")

Take = Callable[..., list[Outcome]]
Held = Callable[[str], list[tuple[Any, ...]]]
Log = Callable[..., bytes]


def again(installation: Installation, *, day: date = NEXT, **more: Any) -> Any:
    return traffic.replay(installation, day=day, at=LATER, **more)


def contents(held: Held) -> dict[str, list[tuple[Any, ...]]]:
    """What the vault holds, but for what differs between two installations."""
    return {
        "hits": held("SELECT store, line, hit_at, path FROM hits ORDER BY ALL"),
        "rejects": held("SELECT store, line, reason, raw FROM rejects ORDER BY ALL"),
        "loads": held("SELECT store, sum(accepted) FROM loads GROUP BY store ORDER BY ALL"),
        "deliveries": held(
            "SELECT store, content_digest, read, accepted, rejected, expired, duplicate "
            "FROM deliveries ORDER BY ALL"
        ),
    }


def test_lines_of_a_format_that_is_named_later_go_to_their_days_at_their_places(
    installation: Installation, landing: Path, take: Take, held: Held, log: Log
) -> None:
    (landing / "a.log").write_bytes(piped(1) + b"bad\n" + piped(2) + piped(3, day="2026-11-20"))
    (landing / "b.log").write_bytes(log(5))
    take()
    before = held("SELECT load_id, line FROM rejects ORDER BY line")
    done = again(with_formats(installation, piped=PIPED))
    assert (done.read, done.accepted, done.expired, dict(done.refused)) == (4, 3, 0, {"not_a_log_line": 1})
    load = before[0][0]
    assert held(f"SELECT store, line FROM hits WHERE load_id = '{load}' ORDER BY line") == [
        ("traffic/2026-11-21", 1),
        ("traffic/2026-11-21", 3),
        ("traffic/2026-11-20", 4),
    ]
    assert held("SELECT line, reason, raw FROM rejects") == [(2, "not_a_log_line", b"bad")]
    counts = "SELECT read, accepted, rejected, expired, duplicate FROM deliveries ORDER BY read"
    assert held(counts) == [(1, 1, 0, 0, 0), (4, 3, 1, 0, 0)]
    assert held("SELECT count(*) FROM hits WHERE address IS NULL") == [(0,)]


def test_a_trial_says_the_same_and_changes_nothing(
    installation: Installation, landing: Path, take: Take, held: Held
) -> None:
    (landing / "a.log").write_bytes(piped(1, 2) + b"bad\n")
    take()
    before, segments = contents(held), installation.vault.segment_files(f"traffic/{DAY}")
    corrected = with_formats(installation, piped=PIPED)
    told = again(corrected, is_trial=True)
    assert contents(held) == before
    assert installation.vault.segment_files(f"traffic/{DAY}") == segments
    assert list(installation.ledger.entries("rejects_replayed")) == []
    assert not installation.places.verdicts(NEXT).exists()
    assert again(corrected) == told


def test_what_stays_refused_has_its_reason_of_today(
    installation: Installation, landing: Path, take: Take, held: Held
) -> None:
    (landing / "a.log").write_bytes(piped(1, day="2026-02-30") + b"bad\n")
    take()
    assert held("SELECT DISTINCT reason FROM rejects") == [("not_a_log_line",)]
    done = again(with_formats(installation, piped=PIPED))
    assert dict(done.refused) == {"bad_time": 1, "not_a_log_line": 1}
    assert held("SELECT line, reason FROM rejects ORDER BY line") == [(1, "bad_time"), (2, "not_a_log_line")]
    assert held("SELECT read, accepted, rejected, expired FROM deliveries") == [(2, 0, 2, 0)]


def test_what_has_expired_meanwhile_is_counted_and_not_stored(
    installation: Installation, landing: Path, take: Take, held: Held
) -> None:
    (landing / "a.log").write_bytes(piped(1, day="2025-11-22") + piped(2))
    take()
    done = again(with_formats(installation, piped=PIPED))
    assert (done.accepted, done.expired, dict(done.refused)) == (1, 1, {})
    assert held("SELECT read, accepted, rejected, expired FROM deliveries") == [(2, 1, 0, 1)]
    assert held("SELECT count(*) FROM rejects") == [(0,)]
    assert "traffic/2025-11-22" not in installation.vault.stores("traffic")


def test_a_line_from_the_future_does_not_become_a_hit_by_waiting(
    installation: Installation, landing: Path, take: Take, held: Held, log: Log
) -> None:
    (landing / "a.log").write_bytes(log(1) + log(2, day="25/Nov/2026") + piped(3, day="2026-11-25"))
    take()
    done = traffic.replay(
        with_formats(installation, piped=PIPED), day=date(2026, 11, 30), at=datetime(2026, 11, 30, tzinfo=UTC)
    )
    assert (done.accepted, dict(done.refused)) == (0, {"future": 2})
    assert held("SELECT count(*) FROM hits") == [(1,)]


def test_a_cut_last_line_is_not_read_again_for_it_came_again_whole(
    installation: Installation, landing: Path, take: Take, held: Held
) -> None:
    (landing / "a.log").write_bytes(piped(1, 2)[:-2])
    take()
    (landing / "a.log").write_bytes(piped(1, 2))
    take()
    done = again(with_formats(installation, piped=PIPED))
    assert done.accepted == 2
    assert held("SELECT line FROM hits ORDER BY line") == [(1,), (2,)]
    assert held("SELECT raw FROM rejects") == [(piped(2)[:-2],)]


def test_a_line_over_the_cap_was_cut_and_is_not_read_again(
    installation: Installation, landing: Path, take: Take, held: Held
) -> None:
    cap = installation.charter.traffic.max_line_bytes
    (landing / "a.log").write_bytes(b"x" * cap + b"yz\n" + b"bad\n")
    take()
    assert again(installation).read == 1
    assert held("SELECT reason FROM rejects ORDER BY line") == [("line_too_long",), ("not_a_log_line",)]


def test_header_lines_say_again_how_the_others_are_read(
    installation: Installation, landing: Path, take: Take, held: Held
) -> None:
    head = "#Fields: time cs-uri-stem c-ip date cs-method sc-status\n"
    lines = "".join(f"10:0{n}:00 /a 192.0.2.{n} 2026-11-21 GET {s}\n" for n, s in enumerate((200, 999, 200)))
    (landing / "a.log").write_text(head + lines + "10:09:00 /a 192.0.2.9 2026-12-21 GET 200\n")
    take()
    before = held("SELECT line, reason FROM rejects ORDER BY line")
    assert (5, "future") in before
    assert again(installation, reason="future").accepted == 0
    assert held("SELECT line, reason FROM rejects ORDER BY line") == before


def test_only_the_reason_asked_for_is_read_again(
    installation: Installation, landing: Path, take: Take, held: Held
) -> None:
    (landing / "a.log").write_bytes(piped(1) + b"\n")
    take()
    corrected = with_formats(installation, piped=PIPED)
    assert again(corrected, reason="empty_line").accepted == 0
    assert again(corrected, reason="not_a_log_line").accepted == 1
    assert held("SELECT reason FROM rejects") == [("empty_line",)]


def test_a_format_is_tried_on_the_sources_that_it_is_named_for(
    installation: Installation, landing: Path, take: Take, held: Held
) -> None:
    for server in ("web1", "web2"):
        (landing / server).mkdir()
        (landing / server / "a.log").write_bytes(piped(1))
    take()
    form = LogFormat("piped", directive=PIPED, sources=("web2",))
    rules = replace(installation.charter.traffic, formats=MappingProxyType({"piped": form}))
    again(replace(installation, charter=replace(installation.charter, traffic=rules)))
    assert held("SELECT source, accepted FROM deliveries ORDER BY source") == [("web1", 0), ("web2", 1)]


def test_a_hit_that_breaks_a_rule_is_refused_again_until_the_rule_is_another(
    installation: Installation, landing: Path, take: Take, held: Held, log: Log
) -> None:
    (landing / "a.log").write_bytes(log(1) + log(2, size="999999999999999"))
    take()
    assert held("SELECT line, reason FROM rejects") == [(2, "quality")]
    assert dict(again(installation).refused) == {"quality": 1}
    suite = Places.expectations / "hits.json"  # type: ignore[operator] a folder of this test
    content = json.loads(suite.read_text())
    content["expectations"] = [
        rule for rule in content["expectations"] if rule["meta"]["rule"] == "row_is_unique"
    ]
    suite.write_text(json.dumps(content))
    assert again(installation).accepted == 1
    assert held("SELECT line FROM hits ORDER BY line") == [(1,), (2,)]


@pytest.mark.parametrize(("portion", "piece"), [(2, 1), (5, 4)])
def test_portions_and_pieces_change_nothing(
    installation: Installation,
    landing: Path,
    take: Take,
    held: Held,
    log: Log,
    monkeypatch: pytest.MonkeyPatch,
    portion: int,
    piece: int,
) -> None:
    monkeypatch.setattr(MODULE, "PORTION_LINES", portion)
    monkeypatch.setattr(MODULE, "_PIECE_LINES", piece)
    deliver(landing, log)
    take()
    done = again(with_formats(installation, piped=PIPED))
    assert (done.accepted, dict(done.refused)) == (7, {"not_a_log_line": 2})
    assert held("SELECT sum(accepted), sum(rejected) FROM deliveries") == [(9, 2)]


# ---- killed anywhere


@pytest.mark.parametrize("step", STEPS)
def test_a_replay_killed_anywhere_and_run_again_is_as_one_that_was_not(
    installation: Installation,
    landing: Path,
    take: Take,
    held: Held,
    log: Log,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    corrected = killed_replay(installation, landing, take, log, monkeypatch, step)
    again(corrected)
    found = contents(held)
    assert [(store, line) for store, line, *_ in found["hits"]] == [
        ("traffic/2026-11-19", 1),
        ("traffic/2026-11-19", 2),
        ("traffic/2026-11-20", 4),
        ("traffic/2026-11-20", 6),
        *[("traffic/2026-11-21", line) for line in (1, 1, 2, 2, 3, 4, 5)],
    ]
    assert [raw for *_, raw in found["rejects"]] == [b"bad", b"worse", b"bad"]
    assert found["loads"] == [("traffic/2026-11-19", 2), ("traffic/2026-11-20", 2), ("traffic/2026-11-21", 7)]
    assert sorted(row[2:] for row in found["deliveries"]) == [
        (3, 2, 1, 0, 0),
        (5, 4, 1, 0, 0),
        (6, 5, 1, 0, 0),
    ]
    assert told(installation) == 9


@pytest.mark.long
def test_a_replay_killed_by_the_system_at_many_moments_loses_and_doubles_nothing(
    home: Path, installation: Installation, landing: Path, take: Take, held: Held
) -> None:
    today = day_or_today(None)  # the command knows no other
    days = [str(today - timedelta(days=day)) for day in range(1, 21)]
    minutes = range(240)
    for name in ("a", "b", "c"):
        lines = b"".join(piped(*minutes, day=day, tail=f"|{name}") for day in days)
        (landing / f"{name}.log").write_bytes(lines + b"bad\n")
    take(today, now())
    policy = (SOURCE_ROOT / "charter.toml").read_text()
    (home / "charter.toml").write_text(f'{policy}\n[traffic.formats.piped]\ndirective = """{WITH_ID}"""\n')
    kills = 0
    while not ran_to_its_end(after_seconds=0.5 + 0.05 * kills):
        kills += 1
    assert kills >= 10
    assert held("SELECT count(*), count(DISTINCT (load_id, line)) FROM hits") == [(14_400, 14_400)]
    assert held("SELECT line, raw FROM rejects") == [(4_801, b"bad")] * 3
    assert held("SELECT read, accepted, rejected FROM deliveries") == [(4_801, 4_800, 1)] * 3
    assert held("SELECT sum(accepted) FROM loads") == [(14_400,)]
    assert told(installation) == 14_400


def ran_to_its_end(after_seconds: float) -> bool:
    """Replay in a process of its own that is killed after so long; whether it had ended before."""
    command = [sys.executable, "-m", "pipelines.cli", "rejects", "replay"]
    with subprocess.Popen(
        command, cwd=SOURCE_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            _out, error = process.communicate(timeout=after_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            return False
        assert (process.returncode, error) == (0, b"")
        return True


def told(installation: Installation) -> int:
    """How many hits the ledger says that replays brought, each revision of a day counted once."""
    last = {
        (entry.day, entry.facts["generation"]): entry.facts["accepted"]
        for entry in installation.ledger.entries("rejects_replayed")
    }
    return sum(int(accepted) for accepted in last.values())  # type: ignore[arg-type]


def test_nothing_of_a_line_stands_in_clear_anywhere(
    home: Path, installation: Installation, landing: Path, take: Take
) -> None:
    (landing / "a.log").write_bytes(piped(1, 2, tail="|c4n4ryid"))
    take()
    assert again(with_formats(installation, piped=WITH_ID)).accepted == 2
    for path in home.rglob("*"):
        if path.is_file():
            assert not any(word in path.read_bytes() for word in (b"c4n4ry", b"198.51.100."))


def test_an_empty_vault_has_nothing_to_read_again(installation: Installation) -> None:
    assert again(installation).read == 0
