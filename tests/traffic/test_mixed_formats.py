"""Logs whose format is said by a head, changes midway, or is named for one source only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from pipelines import traffic
from pipelines.charter import LogFormat
from pipelines.installation import Installation
from pipelines.traffic import Outcome
from tests.traffic.killing import Killed, killer, totals

pytestmark = pytest.mark.usefixtures("few_rules")

Take = Callable[..., list[Outcome]]
Held = Callable[[str], list[tuple[Any, ...]]]
Log = Callable[..., bytes]
HEAD = b"#Version: 1.0\n#Fields: date time c-ip cs-method cs-uri-stem cs-uri-query sc-status sc-bytes cs(User-Agent)\n"
OTHER_HEAD = b"#Fields: c-ip sc-status time date cs-method cs-uri-stem\n"


def w3c(minute: int, path: str = "/iis") -> bytes:
    return f"2026-11-21 10:{minute:02}:00 192.0.2.7 GET {path} - 200 10 Mozilla/5.0+(X11)\n".encode()


def other(minute: int) -> bytes:
    return f"192.0.2.8 404 11:{minute:02}:00 2026-11-21 POST /other\n".encode()


def json_line(minute: int) -> bytes:
    return (
        f'{{"time_local":"21/Nov/2026:13:{minute:02}:00 +0100","remote_addr":"192.0.2.9","request":"GET /json HTTP/1.1",'
        '"status":"200","body_bytes_sent":"5","http_referer":"-","http_user_agent":"x"}\n'
    ).encode()


def test_a_log_grown_behind_its_head_is_read_by_it(landing: Path, take: Take, held: Held) -> None:
    (landing / "u_ex.log").write_bytes(HEAD + w3c(1) + w3c(2))
    assert totals(take()) == (2, 2, 0, 0)
    (landing / "u_ex.log").write_bytes(HEAD + w3c(1) + w3c(2) + w3c(3))
    assert totals(take()) == (1, 0, 0, 4)
    assert held("SELECT line, path, minute(hit_at) FROM hits ORDER BY line") == [
        (3, "/iis", 1), (4, "/iis", 2), (5, "/iis", 3)
    ]  # fmt: skip
    assert held("SELECT line, reason FROM rejects ORDER BY line") == [(1, "directive"), (2, "directive")]


def test_two_logs_with_the_same_head_are_two_logs(landing: Path, take: Take) -> None:
    (landing / "a.log").write_bytes(HEAD + w3c(1) + w3c(2))
    (landing / "b.log").write_bytes(HEAD + w3c(3))
    assert totals(take()) == (3, 4, 0, 0)


def test_a_log_killed_between_portions_is_read_on_by_its_head(
    landing: Path, take: Take, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.traffic.ingest.PORTION_LINES", 10)
    monkeypatch.setattr("pipelines.landing.content.PIECE_BYTES", 600)
    monkeypatch.setattr("pipelines.traffic.lines._BLOCK_BYTES", 600)
    (landing / "u_ex.log").write_bytes(HEAD + b"".join(w3c(minute) for minute in range(40)))
    with monkeypatch.context() as patch:
        killer(patch, "after commit", 1)
        with pytest.raises(Killed):
            take()
    assert totals(take()) == (40, 2, 0, 0)
    assert held("SELECT count(*), count(DISTINCT hit_at), min(path), max(path) FROM hits") == [
        (40, 40, "/iis", "/iis")
    ]


def test_a_log_whose_format_changes_midway_is_read_by_each(
    landing: Path, take: Take, held: Held, log: Log
) -> None:
    content = (
        log(1, 2) + HEAD + w3c(1) + w3c(2) + OTHER_HEAD + other(1) + HEAD + w3c(3) + b"neither of them\n"
        + b"".join(json_line(minute) for minute in range(3))
    )  # fmt: skip
    (landing / "all.log").write_bytes(content)
    (outcome,) = take()
    assert outcome.read == content.count(b"\n") == sum(totals([outcome]))
    assert held("SELECT path, count(*) FROM hits GROUP BY path ORDER BY path") == [
        ("/iis", 3), ("/json", 3), ("/offer", 2), ("/other", 1)
    ]  # fmt: skip
    assert held("SELECT reason, count(*) FROM rejects GROUP BY reason ORDER BY reason") == [
        ("directive", 5), ("not_a_log_line", 1)
    ]  # fmt: skip
    assert held("SELECT status FROM hits WHERE path = '/other'") == [(404,)]


@pytest.fixture
def named(installation: Installation) -> Callable[..., Installation]:
    """An installation whose charter names the format `directive` for `sources`."""

    def named(directive: str, *sources: str) -> Installation:
        form = LogFormat("own", directive=directive, sources=sources)
        rules = replace(installation.charter.traffic, formats=MappingProxyType({"own": form}))
        return replace(installation, charter=replace(installation.charter, traffic=rules))

    return named


def test_a_format_named_for_one_source_reads_that_source_alone(
    named: Callable[..., Installation], landing: Path, held: Held, log: Log
) -> None:
    """The same lines: behind a balancer the first address is the balancer's, at the other server the client's."""
    under = named(r'LogFormat "%h %{X-Forwarded-For}i [%t] \"%r\" %>s" own', "balanced")
    own = b'10.0.0.1 192.0.2.7 [[21/Nov/2026:10:00:00 +0100]] "GET /own HTTP/1.1" 200\n'
    for source in ("balanced", "direct"):
        (landing / source).mkdir()
        (landing / source / "a.log").write_bytes(own * 2 + log(1))
    files = traffic.deliveries(under.places, under.keyring)
    from tests.traffic.conftest import AT, DAY

    outcomes = traffic.take_in(under, files, day=DAY, at=AT)
    assert [totals([one]) for one in outcomes] == [(3, 0, 0, 0), (1, 2, 0, 0)]
    assert held("SELECT path, count(*) FROM hits GROUP BY path ORDER BY path") == [("/offer", 2), ("/own", 2)]
    assert held("SELECT reason, raw FROM rejects") == [("not_a_log_line", own[:-1])] * 2
