"""The evidence goes when its own period is over: to the day, with its certificates, and what is left still holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines import backups, retention
from pipelines.installation import Installation
from pipelines.ledger import CUT
from pipelines.retention.certificate import path_of

DAY = date(2026, 11, 22)
# Entries of these instants are of the local days 21 and 22 November 2021 in Paris: five years ago, and a day more.
DUE, KEPT = datetime(2021, 11, 21, 22, 59, tzinfo=UTC), datetime(2021, 11, 21, 23, tzinfo=UTC)


@pytest.fixture
def old(installation: Installation, traffic: Callable[..., None], purge: Any) -> str:
    """A ledger with a purge of more than five years ago; the name of its certificate."""
    traffic(date(2020, 10, 31))
    (first,) = purge(installation, DUE, date(2021, 11, 20), by_human=True).certificates
    traffic(date(2020, 10, 30))
    purge(installation, KEPT, date(2021, 11, 21), by_human=True)
    installation.ledger.sign(at=KEPT)
    return str(first)


def seqs(installation: Installation) -> list[int]:
    return [entry.seq for entry in installation.ledger.entries() if entry.event != CUT]


def test_lines_and_certificates_go_after_five_years_to_the_day(
    installation: Installation, old: str, purge: Any, at: datetime
) -> None:
    assert retention.plan(installation, day=DAY - timedelta(days=1)).is_empty
    before = seqs(installation)
    plan = retention.plan(installation, day=DAY)
    assert [(item.category, item.store, item.rows) for item in plan.items] == [
        ("evidence", "ledger/4", {"lines": 4, "certificates": 1})
    ]
    assert "4 lines" in "\n".join(retention.describe(plan))
    (name,) = purge(installation, at).certificates
    assert seqs(installation)[: len(before) - 4] == before[4:]
    assert not path_of(installation, old).exists()
    retention.check_certificate(installation, name)
    assert installation.ledger.verify().is_intact
    installation.ledger.sign(at=at)
    assert {finding.state for finding in retention.audit(installation, day=DAY)} == {"well"}
    assert retention.plan(installation, day=DAY).is_empty
    assert (
        purge(installation, at + timedelta(days=1), DAY + timedelta(days=1)).counts["gone"] == 1
    )  # and daily on


@pytest.mark.parametrize("step", ["pipelines.retention.evidence.remove_file", "pipelines.ledger.write_whole"])
def test_killed_it_is_finished_by_the_next_run(
    installation: Installation, old: str, at: datetime, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    plan = retention.plan(installation, day=DAY)
    with monkeypatch.context() as patch:

        def dying(path: Path, *_content: bytes) -> None:
            if path == installation.ledger.path or "certificates" in path.parts:
                raise KeyboardInterrupt

        patch.setattr(step, dying)
        with pytest.raises(KeyboardInterrupt):
            retention.apply(installation, plan, token=plan.token, at=at)
    assert installation.ledger.verify().line in (None, len(list(installation.ledger.entries())) + 1)
    retention.apply(installation, plan, token=plan.token, at=at)
    assert retention.verify(installation, day=DAY, at=at).counts["gone"] == 1
    assert installation.ledger.verify().is_intact


def test_what_began_a_purge_that_is_not_proven_stays(
    installation: Installation, old: str, traffic: Callable[..., None], purge: Any, at: datetime
) -> None:
    traffic(date(2020, 10, 29))
    plan = retention.plan(installation, day=date(2021, 11, 22))
    retention.apply(installation, plan, token=plan.token, at=KEPT)  # and no verification
    begun = seqs(installation)[-2]
    later = date(2027, 11, 22)
    due = retention.plan(installation, day=later)
    (item,) = [item for item in due.items if item.store.startswith("ledger/")]
    assert item.store == f"ledger/{begun - 1}"
    purge(installation, at + timedelta(days=365), later, by_human=True)
    assert min(seqs(installation)) == begun


def test_the_backup_forgets_the_certificates_too(
    installation: Installation, old: str, purge: Any, at: datetime, tmp_path: Path
) -> None:
    backups.make(installation, tmp_path / "backup", day=DAY, at=at)
    copy = tmp_path / "backup" / "ledger" / "certificates" / f"{old}.json"
    assert copy.exists()
    purge(installation, at)
    backups.make(installation, tmp_path / "backup", day=DAY, at=at)
    assert not copy.exists()
    assert len(list(copy.parent.iterdir())) == 2
