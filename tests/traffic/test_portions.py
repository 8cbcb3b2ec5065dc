"""A large file goes in by portions: the same hits, each line once, wherever a run is killed."""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.traffic import Outcome
from tests.traffic.killing import Killed, contents, killer, told_once, totals

pytestmark = pytest.mark.usefixtures("few_rules", "small_portions")

Take = Callable[..., list[Outcome]]
Held = Callable[[str], list[tuple[Any, ...]]]
Log = Callable[..., bytes]
PORTION = 150
ACCEPTED, REJECTED, EXPIRED = 560, 20, 20
LINES = ACCEPTED + REJECTED + EXPIRED


@pytest.fixture
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.traffic.ingest.PORTION_LINES", PORTION)
    monkeypatch.setattr("pipelines.landing.content.PIECE_BYTES", 4096)
    monkeypatch.setattr("pipelines.traffic.lines._BLOCK_BYTES", 4096)


@pytest.fixture
def big(log: Log) -> bytes:
    """600 lines over three days, with some that are refused and some that are expired; the last has no end."""
    days = ("19/Nov/2026", "20/Nov/2026", "21/Nov/2026")
    lines = []
    for number in range(LINES):
        if number % 31 == 5:
            lines.append(b"not a log line %d\n" % number)
        elif number % 30 == 1:
            lines.append(log(number, day="21/Nov/2020"))
        else:
            host = f"192.0.2.{number % 200}"
            lines.append(
                log(number, day=days[number // 220], host=host, request=f"GET /{number % 9}?x HTTP/1.1")
            )
    return b"".join(lines)[:-1]


def pieces_of(held: Held) -> int:
    return int(held("SELECT count(*) FROM deliveries")[0][0])


def killed_intake(
    content: bytes, landing: Path, take: Take, monkeypatch: pytest.MonkeyPatch, step: str, number: int
) -> list[Outcome]:
    """Take in a file and kill that at a step; return what the ledger was told until then."""
    (landing / "big.log").write_bytes(content)
    told: list[Outcome] = []
    with monkeypatch.context() as patch:
        deadly = killer(patch, step, number)
        with pytest.raises(Killed):
            take(record=lambda outcomes: (deadly(outcomes), told.extend(outcomes)))
    return told


_IN_ONE: list[Any] = []


@pytest.fixture
def in_one(
    big: bytes, landing: Path, take: Take, held: Held, installation: Any, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """What the vault holds of the file when it is taken in by one portion."""
    if not _IN_ONE:
        with monkeypatch.context() as patch:
            patch.setattr("pipelines.traffic.ingest.PORTION_LINES", 10**9)
            (landing / "big.log").write_bytes(big)
            assert totals(take()) == (ACCEPTED, REJECTED, EXPIRED, 0)
        assert pieces_of(held) == 1
        _IN_ONE.append(contents(held))
        for store in installation.vault.stores("traffic"):
            installation.vault.shred(store)
    return _IN_ONE[0]


def test_many_portions_give_the_hits_of_one(
    big: bytes, in_one: Any, landing: Path, take: Take, held: Held
) -> None:
    (landing / "big.log").write_bytes(big)
    told: list[Outcome] = []
    (outcome,) = take(record=told.extend)
    assert outcome.read == big.count(b"\n") + 1 == LINES
    assert totals([outcome]) == totals(told) == (ACCEPTED, REJECTED, EXPIRED, 0)
    assert pieces_of(held) == len(told) >= 4
    assert held("SELECT count(*) FROM deliveries WHERE is_whole") == [(1,)]
    assert contents(held) == in_one


@pytest.mark.parametrize(
    ("step", "number"),
    [
        ("after add", 5),
        ("before commit", 1),
        ("after commit", 0),
        ("after commit", 2),
        ("before put", 4),
        ("after put", 4),
        ("before record", 2),
        ("after record", 3),
        ("before discard", 0),
    ],
    ids=str,
)
def test_killed_between_portions_and_run_again_nothing_is_lost_or_doubled(
    big: bytes,
    in_one: Any,
    landing: Path,
    take: Take,
    held: Held,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    number: int,
) -> None:
    told = killed_intake(big, landing, take, monkeypatch, step, number)
    (again,) = take(record=told.extend)
    assert again.resumed
    assert totals([again]) == (ACCEPTED, REJECTED, EXPIRED, 0)
    assert totals(told_once(told)) == (ACCEPTED, REJECTED, EXPIRED, 0)
    assert contents(held) == in_one


@pytest.mark.parametrize(("step", "number"), [("after commit", 0), ("after commit", 2), ("before record", 2)])
def test_killed_and_grown_before_the_next_run_each_line_is_taken_once(
    big: bytes,
    log: Log,
    landing: Path,
    take: Take,
    held: Held,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    number: int,
) -> None:
    told = killed_intake(big, landing, take, monkeypatch, step, number)
    grown = big + b"\n" + log(1000, 1001)
    (landing / "big.log").write_bytes(grown)
    (again,) = take(record=told.extend)
    assert again.read == grown.count(b"\n")
    first = [one for one in told_once(told) if one.delivery_id != again.delivery_id]
    assert again.duplicate == sum(one.read for one in first) > 0
    assert held("SELECT count(*), count(DISTINCT line) FROM hits") == [(ACCEPTED + 2,) * 2]
    assert held("SELECT count(*), count(DISTINCT line) FROM rejects") == [(REJECTED,) * 2]
    assert totals(told_once(told))[:3] == (ACCEPTED + 2, REJECTED, EXPIRED)
    assert all(outcome.read == sum(totals([outcome])) for outcome in told)


def test_killed_and_the_file_gone_what_is_in_force_is_told_once(
    big: bytes, log: Log, landing: Path, take: Take, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    (landing / "big.log").write_bytes(big)
    with monkeypatch.context() as patch:
        killer(patch, "after commit", 1)
        with pytest.raises(Killed):
            take()
    (landing / "big.log").unlink()
    (landing / "other.log").write_bytes(log(1200))
    told: list[Outcome] = []
    take(record=told.extend)
    loads = [outcome.load_id for outcome in told]
    assert len(loads) == len(set(loads)) == 3
    assert sum(outcome.accepted for outcome in told) == held("SELECT count(*) FROM hits")[0][0]
    assert sum(outcome.read for outcome in told) == held("SELECT sum(read) FROM deliveries")[0][0]


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bytes], ids=["gzip", "xz", "plain"])
def test_a_copy_under_another_name_and_packed_brings_nothing(
    big: bytes, in_one: Any, landing: Path, take: Take, held: Held, pack: Callable[[bytes], bytes]
) -> None:
    (landing / "big.log").write_bytes(big)
    take()
    (landing / "big.log.1.gz").write_bytes(pack(big))
    assert totals(take()) == (0, 0, 0, LINES)
    assert contents(held)["hits"] == in_one["hits"]


def test_a_copy_in_the_same_batch_brings_nothing(
    big: bytes, in_one: Any, landing: Path, take: Take, held: Held
) -> None:
    (landing / "a.log.gz").write_bytes(gzip.compress(big))
    (landing / "b.log").write_bytes(big)
    assert totals(take()) == (ACCEPTED, REJECTED, EXPIRED, LINES)
    assert contents(held) == in_one


def test_a_portion_never_ends_in_a_line_without_an_end(
    log: Log, landing: Path, take: Take, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be in force, and yet be no part of what the file is recognised by after a kill."""
    (landing / "a.log").write_bytes(log(*range(PORTION))[:-1])
    monkeypatch.setattr("pipelines.traffic.lines._BLOCK_BYTES", 1 << 20)
    monkeypatch.setattr("pipelines.landing.content.PIECE_BYTES", 1 << 20)
    with monkeypatch.context() as patch:
        killer(patch, "after commit", 0)
        with pytest.raises(Killed):
            take()
    assert totals(take()) == (PORTION, 0, 0, 0)
    assert held("SELECT count(*), count(DISTINCT line) FROM hits") == [(PORTION, PORTION)]


def test_a_file_that_fails_in_a_later_portion_keeps_what_is_in_force_and_brings_the_rest_when_mended(
    big: bytes, in_one: Any, landing: Path, take: Take, held: Held
) -> None:
    packed = gzip.compress(big[: len(big) // 2]) + gzip.compress(big[len(big) // 2 :])
    (landing / "big.log.gz").write_bytes(packed[:-9])
    told: list[Outcome] = []
    (outcome,) = take(record=told.extend)
    assert outcome.error is not None
    assert any(one.error for one in told)
    assert 0 < outcome.accepted < ACCEPTED
    assert outcome.read == sum(totals([outcome]))
    (landing / "big.log.gz").write_bytes(packed)
    (outcome,) = take(record=told.extend)
    assert outcome.read == LINES
    assert totals(told_once(told))[:3] == (ACCEPTED, REJECTED, EXPIRED)
    assert contents(held)["hits"] == in_one["hits"]


def test_several_files_share_a_portion_and_each_balances(
    big: bytes, log: Log, landing: Path, take: Take, held: Held
) -> None:
    contents_of = {
        "a.log": log(*range(40)),
        "b.log": big,
        "c.log": log(*range(1300, 1330)) + b"bad",
        "d.log": b"\n\n",
    }
    for name, content in contents_of.items():
        (landing / name).write_bytes(content)
    outcomes = take()
    assert sorted(outcome.read for outcome in outcomes) == sorted(
        content.count(b"\n") + (not content.endswith(b"\n")) for content in contents_of.values()
    )
    assert all(outcome.read == sum(totals([outcome])) for outcome in outcomes)
    assert held("SELECT sum(read), sum(accepted) FROM deliveries") == [
        (LINES + 40 + 31 + 2, ACCEPTED + 40 + 30)
    ]
    assert held("SELECT sum(accepted) FROM loads") == [(ACCEPTED + 40 + 30,)]
