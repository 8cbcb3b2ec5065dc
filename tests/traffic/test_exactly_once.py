"""Renamed, re-compressed, repeated, grown, killed anywhere: each line once."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import traffic
from pipelines.installation import Installation
from pipelines.traffic import Outcome
from pipelines.traffic.known import Earlier, Known
from pipelines.traffic.lines import LineReader
from pipelines.vault import Workshop

pytestmark = pytest.mark.usefixtures("few_rules")

Take = Callable[..., list[Outcome]]
Minutes = Callable[[], list[int]]
Log = Callable[..., bytes]
TOTALS = ("accepted", "rejected", "expired", "duplicate")


def totals(outcomes: list[Outcome]) -> tuple[int, ...]:
    return tuple(sum(getattr(outcome, name) for outcome in outcomes) for name in TOTALS)


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


STEPS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)), min_size=1, max_size=6)


@settings(deadline=None, max_examples=200)
@given(steps=STEPS)
def test_a_growing_log_yields_each_line_once_however_often_it_is_delivered(
    steps: list[tuple[int, int]],
) -> None:
    """Each step delivers the log up to some byte; the lines that are new add up to the log, in order."""
    log = b"".join(b"line %d\n" % number for number in range(12))
    known, taken = Known(), []
    for end in sorted(end for end, _size in steps):
        content = log[:end]
        reader = LineReader(100, known.of(""))
        lines = [
            raw
            for block in reader.blocks(content[i : i + 5] for i in range(0, end, 5))
            for raw in block.raw.to_pylist()
        ]
        extent = reader.extent
        same = known.same("", extent)
        duplicates = extent.lines if same else known.duplicates("", extent)
        is_whole = extent.tail_digest is None or lines[-1] + b"\n" in log.splitlines(keepends=True)
        taken += [line for line in lines[duplicates:] if line + b"\n" in log.splitlines(keepends=True)]
        tail = extent.tail_digest if is_whole else None
        known.add("", Earlier(extent.content_digest, extent.complete_bytes, extent.complete_digest, tail))
    assert len(taken) == len(set(taken))
    last = max(end for end, _size in steps)
    assert taken[: log[:last].count(b"\n")] == log[:last].split(b"\n")[: log[:last].count(b"\n")]


# ---- killed anywhere


class Killed(BaseException):
    """Stands for kill -9: nothing of ours may catch it."""


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


def contents(held: Callable[[str], list[tuple[Any, ...]]]) -> list[list[tuple[Any, ...]]]:
    """All that the vault holds of the logs, but for ids and pseudonyms, whose keys differ."""
    return [
        held(f"SELECT {columns} FROM {table} ORDER BY ALL")
        for table, columns in (
            ("hits", "store, line, hit_at, path"),
            ("rejects", "store, line, reason, raw"),
            ("loads", "store, accepted"),
            (
                "deliveries",
                "store, content_digest, read, accepted, rejected, expired, duplicate, tail_digest",
            ),
        )
    ]


def killer(monkeypatch: pytest.MonkeyPatch, landing: Path, step: str, number: int) -> None:
    """Kill the run when it comes to `step` for the time `number`, from 0."""
    calls = iter(range(100))
    seal, unlink = Workshop.seal, Path.unlink

    def kill(doing: str) -> None:
        if step == doing and next(calls) == number:
            raise Killed

    def sealing(self: Workshop, *arguments: Any) -> bool:
        kill("before seal")
        done = seal(self, *arguments)
        kill("after seal")
        return done

    def unlinking(self: Path, *arguments: Any, **more: Any) -> None:
        if self.parent == landing:
            kill("before unlink")
        unlink(self, *arguments, **more)

    monkeypatch.setattr(Workshop, "seal", sealing)
    monkeypatch.setattr(Path, "unlink", unlinking)


SEALS, FILES = 4, 4


_UNDISTURBED: list[list[tuple[Any, ...]]] = []


@pytest.fixture
def undisturbed(installation: Installation, landing: Path, take: Take, log: Log, held: Any) -> Any:
    """What a run that nobody kills leaves of the four days; it is the same for every test."""
    if not _UNDISTURBED:
        deliver_four_days(landing, log)
        assert totals(take()) == (8 + 4 + 2, 1, 0, 4 + 9)
        found = contents(held)
        found[2] = _sum_by_store(found[2])
        _UNDISTURBED.extend(found)
        shutil.rmtree(installation.places.vault)
    return _UNDISTURBED


@pytest.mark.parametrize(
    "kill",
    [
        *(("before seal", number, 64) for number in range(SEALS)),
        *(("before seal", number, 1) for number in range(1, SEALS)),
        ("after seal", SEALS - 1, 64),
        *(("before unlink", number, 1) for number in range(FILES)),
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
    deliver_four_days(landing, log)
    with monkeypatch.context() as patch:
        killer(patch, landing, step, number)
        with pytest.raises(Killed):
            take()
    assert len(list(landing.iterdir())) == FILES - (number if step == "before unlink" else 0)
    again = take(max_files=max_files)
    assert list(landing.iterdir()) == []
    assert all(outcome.resumed == (step != "before seal") for outcome in again)
    if len(again) == FILES:
        assert totals(again) == (8 + 4 + 2, 1, 0, 4 + 9)
    disturbed = contents(held)
    disturbed[2] = _sum_by_store(disturbed[2])
    assert disturbed == undisturbed


def _sum_by_store(loads: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    stores = sorted({store for store, _ in loads})
    return [(store, sum(accepted for of, accepted in loads if of == store)) for store in stores]


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
