"""Killed anywhere, damaged, or half done: the purge still reaches its one end."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from pipelines import files, retention
from pipelines.installation import Installation
from pipelines.vault import Keyring, Vault

DAY = date(2026, 11, 22)
GONE, KEPT = date(2025, 11, 21), date(2025, 11, 22)  # the day before last year's day, and that day


def test_a_day_that_no_longer_opens_is_shredded_unread(
    purge: Any, installation: Installation, traffic: Callable[..., None], at: datetime
) -> None:
    traffic(GONE - timedelta(days=1), GONE, KEPT)
    for path in (installation.vault.root / f"traffic/{GONE}").rglob("*.duckdb"):
        path.write_bytes(b"damaged" * 4096)
    plan = retention.plan(installation, day=DAY)
    assert [item.rows for item in plan.items] == [{"hits": 3, "loads": 1}, None]
    assert purge(installation, at).counts["gone"] == 2
    assert installation.vault.stores("traffic") == [f"traffic/{KEPT}"]


def test_left_over_key_and_half_shredded_day_are_due_too(
    purge: Any, installation: Installation, traffic: Callable[..., None], at: datetime
) -> None:
    traffic(GONE, KEPT)
    installation.keyring.ensure("stores/traffic/2025-11-01/g000001")
    folder = installation.vault.root / "traffic"
    (folder / str(GONE)).rename(folder / f".shred-{GONE}")
    assert purge(installation, at).counts["gone"] == 2
    assert sorted(path.name for path in folder.iterdir()) == [str(KEPT)]
    assert installation.keyring.names("stores/traffic/") == [f"stores/traffic/{KEPT}/g000001"]


class _Killed(BaseException):
    """Stands for kill -9: nothing in the product catches it."""


KILL_POINTS = [
    (Keyring, "shred", "before"),
    (Keyring, "shred", "after"),
    (Vault, "shred", "after"),
    (Vault, "commit_generation", "before"),
    (Vault, "commit_generation", "after"),
]


@pytest.mark.usefixtures("mixed")
@pytest.mark.parametrize(("owner", "method", "when"), KILL_POINTS)
def test_killed_anywhere_a_rerun_reaches_the_same_end(
    contents: Any,
    installation: Installation,
    at: datetime,
    monkeypatch: pytest.MonkeyPatch,
    owner: type,
    method: str,
    when: str,
) -> None:
    original = getattr(owner, method)
    for nth in itertools.count(1):
        calls = itertools.count(1)

        def dying(*args: Any, nth: int = nth, calls: Any = calls, **more: Any) -> Any:
            is_last = next(calls) == nth
            if is_last and when == "before":
                raise _Killed
            result = original(*args, **more)
            if is_last:
                raise _Killed
            return result

        monkeypatch.setattr(owner, method, dying)
        try:
            plan = retention.plan(installation, day=DAY)
            retention.apply(installation, plan, token=plan.token, at=at, by_human=True)
        except _Killed:
            continue  # the next round is the rerun, which dies one call later, if there is one
        finally:
            monkeypatch.setattr(owner, method, original)
        break
    verification = retention.verify(installation, day=DAY, at=at)
    assert verification.is_complete
    assert verification.counts["gone"] == 5  # the purge that was begun is proven whole, not its last rest
    assert installation.vault.stores("traffic") == ["traffic/2025-11-22", "traffic/2026-11-21"]
    assert {row[1][-1] for row in contents(installation)["people"]} == set("13456")
    assert [entry.event for entry in installation.ledger.entries()] == [
        "purge_planned", "purge_applied", "purge_verified", "certificate_issued",
    ]  # fmt: skip


@pytest.mark.usefixtures("mixed")
def test_killed_before_its_record_it_is_finished_under_the_old_token(
    installation: Installation, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = retention.plan(installation, day=DAY)
    monkeypatch.setattr("pipelines.retention.purge._record_applied", _die)
    with pytest.raises(_Killed):
        retention.apply(installation, plan, token=plan.token, at=at, by_human=True)
    monkeypatch.undo()
    counts = retention.apply(installation, plan, token=plan.token, at=at)
    assert counts["people"] == 2
    assert len(list(installation.ledger.entries("purge_applied"))) == 1


def _die(*_args: Any) -> None:
    raise _Killed


def test_a_purge_left_unproven_is_proven_the_next_night(
    purge: Any, installation: Installation, traffic: Callable[..., None], at: datetime
) -> None:
    traffic(GONE, KEPT)
    plan = retention.plan(installation, day=DAY)
    retention.apply(installation, plan, token=plan.token, at=at)  # and no verify
    verification = purge(installation, at, DAY + timedelta(days=1))
    assert verification.counts == {"gone": 2, "still_present": 0, "could_not_check": 0, "certificates": 2}


def test_two_purges_at_once_are_kept_apart(
    purge: Any, installation: Installation, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[str] = []
    original = files.locked
    monkeypatch.setattr(
        "pipelines.retention.purge.locked",
        lambda path, **more: taken.append(path.name) or original(path, **more),
    )
    purge(installation, at)
    assert taken == ["purge.lock"]
