"""Holds: what is held outlives its period, is said so, and goes by itself in the night after the hold has ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from pipelines import retention, rights
from pipelines.errors import RetentionError
from pipelines.installation import Installation

DAY = date(2026, 11, 22)
GONE = date(2025, 11, 21)
Place = Callable[..., str]


@pytest.fixture
def claim(installation: Installation, at: datetime) -> dict[str, Any]:
    return {"ground": "legal claim", "by": "dpo", "day": DAY, "at": at, "until": date(2026, 11, 24)}


@pytest.mark.usefixtures("mixed")
def test_what_is_held_stays_is_named_and_goes_the_night_after_the_hold_ends(
    installation: Installation, purge: Any, contents: Any, claim: dict[str, Any], at: datetime
) -> None:
    hold = retention.hold_days(installation, GONE, GONE, **claim)
    retention.hold_person(
        installation, email="P2@canary.example", phone=None, **claim
    )  # a prospect who is due
    plan = retention.plan(installation, day=DAY)
    assert [(held.category, held.store, held.count, held.ground) for held in plan.held] == [
        ("traffic", f"traffic/{GONE}", 1, "legal claim"),
        ("prospects", "contacts", 1, "legal claim"),
    ]
    said = "\n".join(retention.describe(plan))
    assert f"HELD, though due as traffic: traffic/{GONE} (legal claim, until 2026-11-24)" in said
    assert "canary" not in said
    for night in (0, 1, 2):
        assert purge(installation, at, DAY + timedelta(days=night), by_human=True).is_complete
        assert f"traffic/{GONE}" in installation.vault.stores("traffic")
        assert "canary name 2" in {row[1] for row in contents(installation)["people"]}
    assert purge(installation, at, date(2026, 11, 25), by_human=True).is_complete
    assert f"traffic/{GONE}" not in installation.vault.stores("traffic")
    assert "canary name 2" not in {row[1] for row in contents(installation)["people"]}
    assert {
        (one.hold_id, one.on, one.is_in_force(date(2026, 11, 25))) for one in retention.holds(installation)
    } >= {(hold, str(GONE), False)}


@pytest.mark.usefixtures("mixed")
def test_an_open_request_freezes_its_own_evidence_and_no_more(
    installation: Installation, purge: Any, contents: Any, at: datetime
) -> None:
    seen_at = datetime(2025, 11, 20, 23, 40, tzinfo=UTC)  # 00:40 of the 21st in Paris
    rights.open_request(
        installation, right="access", received_on=DAY, channel="post", name=None, email="p2@canary.example",
        phone=None, addresses=[("192.0.2.7", seen_at)], at=at,
    )  # fmt: skip
    assert {held.store: held.ground for held in retention.plan(installation, day=DAY).held} == {
        "traffic/2025-11-21": "open request", "contacts": "open request",
    }  # fmt: skip
    assert purge(installation, at, by_human=True).is_complete
    assert installation.vault.stores("traffic") == [
        "traffic/2025-11-21", "traffic/2025-11-22", "traffic/2026-11-21",
    ]  # fmt: skip
    assert installation.keyring.has("pseudonym/2025-11")
    names = {row[1] for row in contents(installation)["people"]}
    assert "canary name 2" in names
    assert "canary name 0" not in names
    (waiting,) = rights.requests(installation, on=DAY)
    rights.refuse(installation, waiting.request_id, "unfounded", at)
    assert purge(installation, at, DAY + timedelta(days=1), by_human=True).is_complete
    assert "canary name 2" not in {row[1] for row in contents(installation)["people"]}
    assert "traffic/2025-11-21" not in installation.vault.stores("traffic")


def test_the_key_of_a_month_waits_for_its_held_day(
    installation: Installation, purge: Any, traffic: Callable[..., None], claim: dict[str, Any], at: datetime
) -> None:
    traffic(date(2025, 10, 30), date(2025, 10, 31))
    retention.hold_days(installation, date(2025, 10, 1), date(2025, 10, 30), **claim)
    purge(installation, at, by_human=True)
    assert installation.vault.stores("traffic") == ["traffic/2025-10-30"]
    assert installation.keyring.names("pseudonym/") == ["pseudonym/2025-10"]
    purge(installation, at, date(2026, 11, 25), by_human=True)
    assert installation.vault.stores("traffic") == []
    assert installation.keyring.names("pseudonym/") == []


def test_a_hold_follows_the_person_into_another_record(
    installation: Installation, purge: Any, contents: Any, people: Any, stories: Any, claim: dict[str, Any],
    at: datetime,
) -> None:  # fmt: skip
    """Two records that turn out to be one person get one id: the hold was placed on the one that is lost."""
    people(stories(2, contact=date(2023, 11, 21)))
    retention.hold_person(installation, email="p2@canary.example", phone=None, **claim)
    with installation.vault.workshop(changing="contacts") as workshop:
        workshop.open("contacts")
        moved = "SELECT * REPLACE ('00000000-0000-0000-0000-000000000009' AS person_id) FROM "
        workshop.revise("contacts", {name: moved + name for name in ("people", "identifiers", "messages")})
    assert purge(installation, at, by_human=True).is_complete
    assert len(contents(installation)["people"]) == 1


@pytest.mark.usefixtures("mixed")
def test_a_hold_that_comes_between_plan_and_apply_makes_the_token_stale(
    installation: Installation, claim: dict[str, Any], at: datetime
) -> None:
    plan = retention.plan(installation, day=DAY)
    retention.hold_days(installation, GONE, GONE, **claim)
    with pytest.raises(RetentionError, match="token is not that of what is due now"):
        retention.apply(installation, plan, token=plan.token, at=at, by_human=True)
    assert f"traffic/{GONE}" in installation.vault.stores("traffic")


@pytest.mark.usefixtures("mixed")
def test_a_hold_that_comes_after_a_killed_purge_saves_what_is_left(
    installation: Installation, claim: dict[str, Any], at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = retention.plan(installation, day=DAY)
    with monkeypatch.context() as killing:
        killing.setattr(type(installation.vault), "shred", _die)
        with pytest.raises(KeyboardInterrupt):
            retention.apply(installation, plan, token=plan.token, at=at, by_human=True)
    retention.hold_days(installation, GONE, GONE, **claim)
    again = retention.plan(installation, day=DAY)
    assert again.token != plan.token
    retention.apply(installation, again, token=again.token, at=at, by_human=True)
    assert f"traffic/{GONE}" in installation.vault.stores("traffic")
    assert "traffic/2025-11-20" not in installation.vault.stores("traffic")


def _die(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.usefixtures("mixed")
def test_a_lifted_hold_ends_with_its_day(
    installation: Installation, purge: Any, claim: dict[str, Any], at: datetime
) -> None:
    hold = retention.hold_days(installation, GONE, GONE, **{**claim, "until": None})
    purge(installation, at, DAY, by_human=True)
    retention.lift(installation, hold, by="dpo", day=DAY, at=at)
    retention.lift(installation, hold, by="dpo", day=DAY + timedelta(days=3), at=at)  # again: nothing changes
    assert [one.ends_on for one in retention.holds(installation)] == [DAY]
    purge(installation, at, DAY + timedelta(days=1), by_human=True)
    assert f"traffic/{GONE}" not in installation.vault.stores("traffic")
    assert [entry.event for entry in installation.ledger.entries() if entry.event.startswith("hold")] == [
        "hold_placed", "hold_lifted",
    ]  # fmt: skip


def test_what_cannot_be_held_is_refused_with_the_cure(
    installation: Installation, claim: dict[str, Any]
) -> None:
    with pytest.raises(RetentionError, match="nobody in the contact store"):
        retention.hold_person(installation, email="nobody@canary.example", phone=None, **claim)
    with pytest.raises(RetentionError, match="cannot be read") as refused:
        retention.hold_person(installation, email="no e-mail", phone=None, **claim)
    assert "no e-mail" not in str(refused.value)
    with pytest.raises(RetentionError, match="there are legal claim, legal obligation, restriction"):
        retention.hold_days(installation, GONE, GONE, **{**claim, "ground": "because"})
    with pytest.raises(RetentionError, match="before it begins"):
        retention.hold_days(installation, GONE, GONE, **{**claim, "until": GONE})
    with pytest.raises(RetentionError, match="other way round"):
        retention.hold_days(installation, DAY, GONE, **claim)
    with pytest.raises(RetentionError, match="no such request"):
        retention.hold_request(installation, "R-2222-2222", **claim)
    with pytest.raises(RetentionError, match="user id"):
        retention.hold_days(installation, GONE, GONE, **{**claim, "by": "Jane Doe"})
    with pytest.raises(RetentionError, match="no such hold"):
        retention.lift(installation, "jane", by="dpo", day=DAY, at=claim["at"])
