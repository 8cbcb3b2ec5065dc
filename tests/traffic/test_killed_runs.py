"""What a killed run left half done, the next night tells and ends, though nobody runs it again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines import nightly, traffic
from pipelines.installation import Installation
from pipelines.traffic import Outcome
from tests.traffic.killing import Killed, killer
from tests.traffic.replaying import (
    AT,
    DAY,
    LATER,
    MODULE,
    NEXT,
    PIPED,
    STEPS,
    killed_replay,
    piped,
    with_formats,
)

pytestmark = pytest.mark.usefixtures("few_rules")

Take = Callable[..., list[Outcome]]
Held = Callable[[str], list[tuple[Any, ...]]]
Log = Callable[..., bytes]
COUNTS = ("read", "accepted", "rejected", "expired", "duplicate")


def night(day: Any, at: Any) -> str:
    """A night of the traffic alone."""
    opened = nightly.open_night(day, at)
    for batch in nightly.traffic_batches(opened):
        nightly.take_traffic(opened, batch, at)
    nightly.close_night(opened, at)
    return opened


def told(installation: Installation) -> list[tuple[int, ...]]:
    """What the ledger says of each load."""
    entries = list(installation.ledger.entries("traffic_taken"))
    assert len({entry.facts["load"] for entry in entries}) == len(entries), "each load is told once"
    return sorted(tuple(int(str(entry.facts[name])) for name in COUNTS) for entry in entries)


@pytest.mark.parametrize(("day", "at"), [(DAY, AT), (NEXT, LATER)], ids=["the same night", "the next day's"])
def test_what_was_in_force_when_a_night_was_killed_is_told_though_its_file_is_gone(
    installation: Installation, landing: Path, held: Held, log: Log, monkeypatch: pytest.MonkeyPatch, day: Any, at: Any
) -> None:  # fmt: skip
    monkeypatch.setattr("pipelines.traffic.ingest.PORTION_LINES", 20)
    monkeypatch.setattr("pipelines.landing.content.PIECE_BYTES", 2048)
    monkeypatch.setattr("pipelines.traffic.lines._BLOCK_BYTES", 2048)
    (landing / "shop").mkdir()
    (landing / "shop" / "a.log").write_bytes(log(*range(40)) + b"bad\n" + log(*range(40, 80)))
    killed = nightly.open_night(DAY, AT)
    with monkeypatch.context() as patch:
        killer(patch, "after commit", 1)
        (batch,) = nightly.traffic_batches(killed)
        with pytest.raises(Killed):
            nightly.take_traffic(killed, batch, AT)
    (landing / "shop" / "a.log").unlink()
    before = told(installation)
    in_force = held(f"SELECT {', '.join(COUNTS)} FROM deliveries ORDER BY ALL")
    assert len(before) < len(in_force) == 2
    night(day, at)
    assert told(installation) == in_force
    night(NEXT, LATER)
    assert told(installation) == in_force


def test_an_undisturbed_night_tells_nothing_twice(
    installation: Installation, landing: Path, held: Held, log: Log
) -> None:
    (landing / "a.log").write_bytes(log(1, 2))
    night(DAY, AT)
    (landing / "b.log").write_bytes(log(3))
    night(DAY, AT)
    assert told(installation) == [(1, 1, 0, 0, 0), (2, 2, 0, 0, 0)]


@pytest.mark.parametrize("step", STEPS)
def test_a_replay_that_was_killed_is_ended_by_the_next_night(
    installation: Installation, landing: Path, take: Take, held: Held, log: Log, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:  # fmt: skip
    corrected = killed_replay(installation, landing, take, log, monkeypatch, step)
    both = "SELECT count(*) FROM hits JOIN rejects USING (load_id, line)"
    counted = "SELECT sum(read), sum(accepted), sum(rejected) FROM deliveries"
    assert held(both)[0][0] > 0, "else there is nothing to end"
    nightly.open_night(NEXT, LATER)
    assert held(both) == [(0,)]
    ((read, accepted, rejected),) = held(counted)
    assert read == accepted + rejected == 14
    assert held("SELECT count(*) FROM hits") == [(accepted,)]
    assert held("SELECT count(*) FROM rejects") == [(rejected,)]
    begun = [entry.facts["replay"] for entry in installation.ledger.entries("replay_begun")]
    assert [entry.facts["replay"] for entry in installation.ledger.entries("replay_ended")] == begun
    traffic.replay(corrected, day=NEXT, at=LATER)
    assert held(counted) == [(14, 11, 3)]
    assert held(both) == [(0,)]


def test_a_replay_that_ended_and_one_that_found_nothing_are_not_begun_again(
    installation: Installation, landing: Path, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    (landing / "1.log").write_bytes(piped(1, 2) + b"bad\n")
    take()
    traffic.replay(installation, day=NEXT, at=LATER)
    assert list(installation.ledger.entries("replay_begun")) == []
    traffic.replay(with_formats(installation, piped=PIPED), day=NEXT, at=LATER)
    assert len(list(installation.ledger.entries("replay_ended"))) == 1
    monkeypatch.setattr(MODULE, "_find_already", None)  # a night must not even look
    nightly.open_night(NEXT, LATER)
