from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines import traffic
from pipelines.errors import VaultError
from pipelines.installation import Installation
from pipelines.traffic import Outcome, quarantine
from pipelines.traffic.landing import deliveries
from pipelines.traffic.staging import Staging

Take = Callable[..., list[Outcome]]
Held = Callable[[str], list[tuple[Any, ...]]]
Log = Callable[..., bytes]

ODD = (
    b'2001:db8::1 - "" [21/Nov/2026:10:00:00 +0100] "\\x16\\x03\\x01" 400 157 "-" "-"\n'
    b'192.0.2.9 - frank smith [21/Nov/2026:10:01:00 +0100] "GET /u/joe@example.org/?t=1 HTTP/1.1" 200 -\n'
    b"not a log line \xff\x00\n"
    b"\n"
    b'192.0.2.9 - - [21/Nov/2019:10:01:00 +0100] "GET / HTTP/1.1" 200 -\n'
    b'192.0.2.9 - - [21/Dec/2026:10:01:00 +0100] "GET / HTTP/1.1" 200 -\n'
)


def test_every_line_is_accounted_for(landing: Path, take: Take, held: Held) -> None:
    content = (
        ODD + b"x" * 70_000 + b"\r\n" + b'192.0.2.9 - - [22/Nov/2026:00:30:00 +0100] "GET / HTTP/1.1" 200 1'
    )
    (landing / "a.log").write_bytes(content)
    (outcome,) = take()
    assert (outcome.read, outcome.accepted, outcome.rejected, outcome.expired, outcome.duplicate) == (
        8,
        3,
        4,
        1,
        0,
    )
    assert outcome.read == content.count(b"\n") + 1
    assert outcome.days == (date(2026, 11, 21), date(2026, 11, 22))
    assert held("SELECT count(*) FROM hits") == [(3,)]
    assert held("SELECT line, reason, raw FROM rejects WHERE reason <> 'line_too_long' ORDER BY line") == [
        (3, "not_a_log_line", b"not a log line \xff\x00"),
        (4, "empty_line", b""),
        (6, "future", ODD.split(b"\n")[5]),
    ]
    assert held("SELECT line, octet_length(raw) FROM rejects WHERE reason = 'line_too_long'") == [(7, 65_536)]
    assert held("SELECT sum(accepted) FROM loads") == [(3,)]
    assert held("SELECT read, accepted, rejected, expired, duplicate FROM deliveries") == [(8, 3, 4, 1, 0)]
    assert not (landing / "a.log").exists()


def test_hits_hold_what_the_catalog_says_and_nothing_more(
    landing: Path, take: Take, held: Held, log: Log
) -> None:
    (landing / "a.log").write_bytes(
        ODD
        + log(
            1, request="GET /a?utm_source=news&q=joe HTTP/1.1", referrer="https://www.search.example.com/?q=x"
        )
    )
    take()
    columns = "method, path, status, sent_bytes, referrer_domain, campaign_source, browser, device, is_bot"
    assert held(f"SELECT {columns} FROM hits ORDER BY line") == [
        (None, "(malformed)", 400, 157, None, None, "(unknown)", "bot", True),
        ("GET", "/u/(masked)/", 200, None, None, None, "(unknown)", "other", False),
        ("GET", "/a", 200, 512, "example.com", "news", "Chrome", "desktop", False),
    ]


def test_hits_of_one_address_lie_together_in_the_order_of_time(
    installation: Installation, landing: Path, take: Take, log: Log
) -> None:
    (landing / "a.log").write_bytes(
        b"".join(log(minute, host=f"192.0.2.{minute % 3}") for minute in range(30, 0, -1))
    )
    take()
    with installation.vault.workshop() as workshop:
        workshop.open("traffic/2026-11-21")
        rows = workshop.connection.execute("SELECT address, hit_at FROM hits").fetchall()
    assert rows == sorted(rows)
    assert len({address for address, _ in rows}) == 3


@pytest.mark.usefixtures("few_rules")
def test_each_address_mode_leaves_what_it_promises(
    installation: Installation, landing: Path, held: Held, log: Log
) -> None:
    pseudonyms: dict[str, list[Any]] = {}
    for mode in ("strip", "truncate", "hash"):
        rules = replace(installation.charter.traffic, address_mode=mode)
        charter = replace(installation.charter, traffic=rules)
        under = replace(installation, charter=charter)
        (landing / mode).mkdir()
        (landing / mode / "a.log").write_bytes(log(1, host="192.0.2.7") + log(2, host="192.0.2.8"))
        (outcome,) = traffic.take_in(
            under,
            deliveries(under.places, under.keyring),
            day=date(2026, 11, 22),
            at=datetime(2026, 11, 22, tzinfo=UTC),
        )
        found = held(f"SELECT address, visitor FROM hits WHERE load_id = '{outcome.load_id}' ORDER BY line")
        pseudonyms[mode] = found
        looked_up = traffic.address_pseudonym(under.keyring, "2026-11", "192.0.2.7", charter)
        assert found[0][0] == looked_up
    assert pseudonyms["strip"] == [(None, None)] * 2
    assert len(set(pseudonyms["truncate"])) == 1
    assert len(set(pseudonyms["hash"])) == 2


def test_a_purged_day_does_not_come_back(
    installation: Installation, landing: Path, take: Take, held: Held, log: Log
) -> None:
    installation.ledger.append(
        "purge_verified",
        day=date(2026, 11, 22),
        at=datetime(2026, 11, 22, tzinfo=UTC),
        traffic_before="2026-11-21",
    )
    (landing / "a.log").write_bytes(log(1, day="20/Nov/2026") + log(2))
    (outcome,) = take()
    assert (outcome.accepted, outcome.expired) == (1, 1)
    assert held("SELECT store FROM hits") == [("traffic/2026-11-21",)]


def test_what_cannot_be_read_stays_and_the_rest_goes_on(landing: Path, take: Take, log: Log) -> None:
    (landing / "cut.log.gz").write_bytes(gzip.compress(log(*range(500)))[:-9])
    (landing / "folder.log").mkdir()
    (landing / "empty.log").write_bytes(b"")
    (landing / "good.log").write_bytes(log(1))
    outcomes = take()
    assert sorted((outcome.error is None, outcome.read) for outcome in outcomes) == [
        (False, 0), (False, 0), (True, 0), (True, 1)
    ]  # fmt: skip
    assert sorted(path.name for path in landing.iterdir()) == ["cut.log.gz", "folder.log"]


def test_a_file_mended_after_it_was_cut_is_whole(
    landing: Path, take: Take, minutes: Callable[[], list[int]], log: Log
) -> None:
    packed = gzip.compress(log(*range(500)))
    (landing / "a.log.gz").write_bytes(packed[:-9])
    take()
    (landing / "a.log.gz").write_bytes(packed)
    (outcome,) = take()
    assert (outcome.accepted, outcome.duplicate) == (500, 0)
    assert minutes() == list(range(500))


def test_a_large_file_goes_in_chunks(
    landing: Path, take: Take, held: Held, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.traffic.staging.CHUNK_BYTES", 10_000)
    monkeypatch.setattr("pipelines.landing.content.PIECE_BYTES", 5_000)
    (landing / "a.log").write_bytes(log(*range(1000)))
    (landing / "b.log").write_bytes(log(*range(1000, 1400)))
    assert sorted(outcome.accepted for outcome in take()) == [400, 1000]
    assert held("SELECT count(*), count(DISTINCT hit_at), count(DISTINCT visitor) FROM hits") == [
        (1400, 1400, 1)
    ]


def test_a_row_that_breaks_a_rule_of_quality_is_kept_as_a_reject(
    landing: Path, take: Take, held: Held, log: Log
) -> None:
    (landing / "a.log").write_bytes(log(1) + log(2, size="9" * 15) + log(3))
    (outcome,) = take()
    assert (outcome.accepted, outcome.rejected) == (2, 1)
    assert held("SELECT line, reason, raw FROM rejects") == [
        (2, quarantine.REASON, log(2, size="9" * 15)[:-1])
    ]


def test_lines_that_do_not_add_up_stop_the_batch_before_anything_is_sealed(
    installation: Installation, landing: Path, take: Take, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    (landing / "a.log").write_bytes(log(1, 2))
    monkeypatch.setattr(Staging, "flush", lambda self: None)
    with pytest.raises(VaultError, match="do not add up"):
        take()
    assert installation.vault.stores("traffic") == []
    assert (landing / "a.log").exists()


def test_outcomes_are_recorded_before_a_file_is_removed(
    installation: Installation, landing: Path, log: Log
) -> None:
    (landing / "a.log").write_bytes(log(1))
    seen: list[tuple[int, bool]] = []
    traffic.take_in(
        installation,
        traffic.deliveries(installation.places, installation.keyring),
        day=date(2026, 11, 22),
        at=datetime(2026, 11, 22, tzinfo=UTC),
        record=lambda outcomes: seen.extend((one.accepted, (landing / "a.log").exists()) for one in outcomes),
    )
    assert seen == [(1, True)]
    assert not (landing / "a.log").exists()


def test_no_raw_value_is_in_any_byte_outside_of_landing(
    installation: Installation, home: Path, landing: Path, take: Take, log: Log
) -> None:
    (landing / "joe.smith@example.org.log").write_bytes(
        log(
            1,
            host="203.0.113.77",
            request="GET /canary-path?e=joe@example.org HTTP/1.1",
            agent="canary-agent",
        )
        + b"canary-reject 203.0.113.77 joe@example.org\n"
    )
    outcomes = take()
    needles = [b"203.0.113.77", b"example.org", b"canary", b"joe.smith"]
    assert not any(needle.decode() in repr(outcomes) for needle in needles)
    written = [path for path in home.rglob("*") if path.is_file()]
    assert len(written) > 5
    for path in written:
        assert not any(needle in path.read_bytes() or needle.decode() in path.name for needle in needles)
