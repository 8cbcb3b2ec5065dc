"""Renamed, re-compressed, repeated, grown, killed anywhere: each line once."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines import traffic
from pipelines.installation import Installation
from pipelines.landing.content import stamp_of
from pipelines.traffic import Outcome
from pipelines.traffic.known import Earlier, Known, known_lines
from pipelines.traffic.landing import Delivery, pieces
from pipelines.traffic.lines import LineReader
from tests.traffic.killing import Killed, contents, killer, told_once, totals

pytestmark = pytest.mark.usefixtures("few_rules")

Take = Callable[..., list[Outcome]]
Minutes = Callable[[], list[int]]
Log = Callable[..., bytes]


@pytest.mark.parametrize("at_once", [True, False], ids=["in one batch", "one after the other"])
def test_the_same_log_again_in_other_clothes_and_grown(
    landing: Path, take: Take, minutes: Minutes, log: Log, at_once: bool
) -> None:
    outcomes: list[Outcome] = []
    for name, content in (
        ("access.log", log(1, 2, 3)),
        ("renamed.log", log(1, 2, 3)),
        ("packed.log.gz", gzip.compress(log(1, 2, 3))),
        ("packed-again.log.gz", gzip.compress(log(1), 1) + gzip.compress(log(2, 3), 9)),
        ("grown.log.gz", gzip.compress(log(1, 2, 3, 4, 5))),
        ("a-grown-again.log", log(1, 2, 3, 4, 5, 6)),
    ):
        (landing / name).write_bytes(content)
        if not at_once:
            outcomes += take()
    outcomes += take()
    assert minutes() == [1, 2, 3, 4, 5, 6]
    assert totals(outcomes) == (6, 0, 0, 3 * 3 + 3 + 5)
    assert list(landing.iterdir()) == []


def test_two_servers_with_the_same_lines_are_two_sources(
    landing: Path, take: Take, minutes: Minutes, log: Log
) -> None:
    for server in ("web1", "web2"):
        (landing / server).mkdir()
        (landing / server / "access.log").write_bytes(log(1, 2))
    assert totals(take()) == (4, 0, 0, 0)
    assert minutes() == [1, 1, 2, 2]


def test_a_log_truncated_in_place_begins_anew(landing: Path, take: Take, minutes: Minutes, log: Log) -> None:
    (landing / "access.log").write_bytes(log(1, 2, 3))
    take()
    (landing / "access.log").write_bytes(log(4, 5))
    (landing / "access.log.1").write_bytes(log(1, 2, 3))
    assert totals(take()) == (2, 0, 0, 3)
    assert minutes() == [1, 2, 3, 4, 5]


def test_a_last_line_without_an_end_that_was_whole_is_taken_once(
    landing: Path, take: Take, minutes: Minutes, log: Log
) -> None:
    first = log(1, 2)[:-1]
    for content in (first, first + b"\n", first + b"\r\n"[1:] + log(3), first):
        (landing / "access.log").write_bytes(content)
        take()
    assert minutes() == [1, 2, 3]


def test_a_last_line_that_was_cut_is_taken_when_it_is_whole(
    landing: Path, take: Take, minutes: Minutes, log: Log
) -> None:
    (landing / "access.log").write_bytes(log(1, 2)[:-20])
    assert totals(take()) == (1, 1, 0, 0)
    (landing / "renamed.log").write_bytes(log(1, 2)[:-20])
    assert totals(take()) == (0, 0, 0, 2)
    (landing / "access.log").write_bytes(log(1, 2))
    assert totals(take()) == (1, 0, 0, 1)
    assert minutes() == [1, 2]


def test_a_cut_last_line_and_the_whole_one_in_one_batch(
    landing: Path, take: Take, minutes: Minutes, log: Log
) -> None:
    (landing / "z.log").write_bytes(log(1, 2)[:-20])
    (landing / "a.log").write_bytes(log(1, 2))
    assert totals(take()) == (2, 1, 0, 1)
    assert minutes() == [1, 2]


def test_a_first_line_without_an_end_grows(landing: Path, take: Take, minutes: Minutes, log: Log) -> None:
    (landing / "a.log").write_bytes(log(1)[:-1])
    take()
    (landing / "a.log").write_bytes(log(1, 2))
    assert totals(take()) == (1, 0, 0, 1)
    assert minutes() == [1, 2]


STEPS = st.lists(st.integers(0, 60), min_size=1, max_size=6)


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ends=STEPS, piece=st.integers(1, 70))
def test_a_growing_log_yields_each_line_once_however_often_it_is_delivered(
    tmp_path: Path, ends: list[int], piece: int
) -> None:
    """Each step delivers the log up to some byte; the lines that are new add up to the log, in order."""
    log = b"".join(b"line %d\n" % number for number in range(12))
    known, taken = Known(), []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.landing.content.PIECE_BYTES", piece)
        patch.setattr("pipelines.traffic.lines._BLOCK_BYTES", piece)
        for end in sorted(ends):
            file = delivered(tmp_path / "growing.log", log[:end])
            reader = LineReader(100)
            lines = [raw for block in reader.blocks(pieces(file)) for raw in block.lines().to_pylist()]
            brought = known_lines(file, known.of(file), 100)
            whole = [line for line in lines[brought:] if line + b"\n" in log.splitlines(keepends=True)]
            taken += whole
            extent = reader.extent  # a last line that is cut is refused, and may come again
            tail = (
                extent.tail_digest if lines and lines[-1] + b"\n" in log.splitlines(keepends=True) else None
            )
            known.add("", b"", Earlier(extent.content_bytes, extent.content_digest, extent.complete_bytes,
                                       extent.complete_digest, tail))  # fmt: skip
    assert len(taken) == len(set(taken))
    last = max(ends)
    assert taken[: log[:last].count(b"\n")] == log[:last].split(b"\n")[: log[:last].count(b"\n")]


def delivered(path: Path, content: bytes) -> Delivery:
    path.write_bytes(content)
    return Delivery(path, uuid4(), "growing.log", stamp_of(path.stat()), source="", head=b"")


# ---- killed anywhere


def deliver_four_days(landing: Path, log: Log) -> None:
    """Two logs over four days, the second also grown, the first also packed."""
    days = ("19/Nov/2026", "20/Nov/2026", "21/Nov/2026", "22/Nov/2026")
    (landing / "1.log").write_bytes(
        b"".join(log(minute, minute + 1, day=day) for minute, day in enumerate(days, 1)) + b"bad\n"
    )
    (landing / "2.log").write_bytes(
        b"".join(log(minute + 100, day=day) for minute, day in enumerate(days, 1))
    )
    (landing / "3.log").write_bytes((landing / "2.log").read_bytes() + log(200, 201))
    (landing / "4.log.gz").write_bytes(gzip.compress((landing / "1.log").read_bytes()))


def deliveries(held: Callable[[str], list[tuple[Any, ...]]]) -> list[tuple[Any, ...]]:
    return held(
        "SELECT store, content_digest, read, accepted, rejected, expired, duplicate, tail_digest "
        "FROM deliveries ORDER BY ALL"
    )


SEALS, FILES = 4, 4
IN_FORCE = ("after commit", "before put", "after put", "before discard", "after discard")


_UNDISTURBED: list[Any] = []


@pytest.fixture
def undisturbed(installation: Installation, landing: Path, take: Take, log: Log, held: Any) -> Any:
    """What a run that nobody kills leaves of the four days; it is the same for every test."""
    if not _UNDISTURBED:
        deliver_four_days(landing, log)
        assert totals(take()) == (8 + 4 + 2, 1, 0, 4 + 9)
        _UNDISTURBED.extend((contents(held), deliveries(held)))
        shutil.rmtree(installation.places.vault)
    return tuple(_UNDISTURBED)


@pytest.mark.parametrize(
    "kill",
    [
        *(("before add", number, 64) for number in range(SEALS)),
        ("after add", SEALS - 1, 64),
        ("before commit", 0, 64),
        ("after commit", 0, 1),
        *(("before put", number, 64) for number in range(SEALS)),
        ("after put", SEALS - 1, 64),
        ("before record", 1, 64),  # the first time it is told of what earlier runs did
        ("after record", 1, 64),
        *(("before discard", number, 1) for number in range(FILES)),
        ("after discard", FILES - 1, 64),
    ],
    ids=str,
)
def test_a_run_killed_anywhere_and_run_again_is_as_one_that_was_not(
    landing: Path,
    take: Take,
    log: Log,
    undisturbed: Any,
    held: Any,
    monkeypatch: pytest.MonkeyPatch,
    kill: tuple[str, int, int],
) -> None:
    step, number, max_files = kill
    told: list[Outcome] = []
    deliver_four_days(landing, log)
    with monkeypatch.context() as patch:
        deadly = killer(patch, step, number)
        with pytest.raises(Killed):
            take(record=lambda outcomes: (deadly(outcomes), told.extend(outcomes)))
    gone = number + step.startswith("after") if "discard" in step else 0
    assert len(list(landing.iterdir())) == FILES - gone
    again = take(max_files=max_files, record=told.extend)
    assert list(landing.iterdir()) == []
    is_in_force = step in IN_FORCE or "record" in step
    assert all(outcome.resumed == is_in_force for outcome in again)
    if len(again) == FILES:
        assert totals(again) == (8 + 4 + 2, 1, 0, 4 + 9)
    if again:  # else nobody was there to be told; the first run had told it all
        assert totals(told_once(told)) == (8 + 4 + 2, 1, 0, 4 + 9)
    assert (contents(held), deliveries(held)) == undisturbed


def test_the_outcome_is_told_again_after_a_kill_between_seal_and_removal(
    installation: Installation, landing: Path, take: Take, log: Log
) -> None:
    (landing / "a.log").write_bytes(log(1, 2) + b"bad\n")
    kept = (landing / "a.log").stat()
    content = (landing / "a.log").read_bytes()
    os.link(landing / "a.log", landing.parent / "same-inode")
    (first,) = take()
    os.link(landing.parent / "same-inode", landing / "a.log")
    assert (landing / "a.log").read_bytes() == content
    assert (landing / "a.log").stat().st_ino == kept.st_ino
    (again,) = take()
    assert again.resumed
    assert (again.load_id, again.days, totals([again])) == (first.load_id, first.days, totals([first]))
    assert not (landing / "a.log").exists()


def test_a_day_sealed_late_on_another_night_is_not_sealed_twice(
    installation: Installation, landing: Path, take: Take, minutes: Minutes, log: Log
) -> None:
    (landing / "a.log").write_bytes(log(1, 2))
    take()
    (landing / "a.log").write_bytes(log(1, 2, 3))
    take(date(2026, 11, 23), datetime(2026, 11, 23, 1, tzinfo=UTC))
    assert minutes() == [1, 2, 3]
    assert installation.vault.stores("traffic") == [
        "traffic/2026-11-21",
        "traffic/2026-11-22",
        "traffic/2026-11-23",
    ]
    assert len(installation.vault.segments("traffic/2026-11-21")) == 2


def test_a_batch_of_ids_that_are_gone_is_nothing(installation: Installation) -> None:
    assert (
        traffic.take_in(installation, [], day=date(2026, 11, 22), at=datetime(2026, 11, 22, tzinfo=UTC)) == []
    )
