"""The proof: gone, still present, could not check; the last is never told as the first."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines import retention
from pipelines.errors import RetentionError
from pipelines.installation import Installation
from pipelines.retention import subjects
from pipelines.retention.certificate import certificate_id, path_of
from pipelines.retention.plan import plan_of

DAY = date(2026, 11, 22)
GONE, KEPT = date(2025, 10, 31), date(2025, 11, 22)
STORE = f"traffic/{GONE}"


@pytest.fixture
def applied(
    installation: Installation,
    traffic: Callable[..., None],
    people: Callable[..., None],
    stories: Any,
    at: datetime,
) -> retention.Plan:
    """A purge of a day, the key of its month, and a person; carried out and not yet verified."""
    traffic(GONE, KEPT)
    people(
        stories(0, contact=date(2020, 1, 1)),
        *[stories(number, contact=date(2026, 1, 1)) for number in range(1, 6)],
    )
    plan = retention.plan(installation, day=DAY)
    assert plan.exceeds == ()
    retention.apply(installation, plan, token=plan.token, at=at, night="2026-11-22.1")
    return plan


def verify(installation: Installation, at: datetime) -> retention.Verification:
    return retention.verify(installation, day=DAY, at=at, night="2026-11-22.1")


def answers(verification: retention.Verification) -> dict[str, str]:
    return {outcome.item.store: outcome.answer for outcome in verification.outcomes}


@pytest.mark.usefixtures("applied")
def test_all_gone_is_certified_and_recorded(installation: Installation, at: datetime) -> None:
    verification = verify(installation, at)
    assert answers(verification) == {STORE: "gone", "pseudonym/2025-10": "gone", "contacts": "gone"}
    verification.require()
    (entry,) = installation.ledger.entries("purge_verified")
    assert entry.day == DAY.isoformat()
    expected = {
        "gone": 3, "still_present": 0, "could_not_check": 0, "is_complete": True, "days": 1, "people": 1,
        "traffic_before": "2025-11-22", "night": "2026-11-22.1",
    }  # fmt: skip
    assert {name: entry.facts[name] for name in expected} == expected


@pytest.mark.usefixtures("applied")
@pytest.mark.parametrize("step", ["write_whole", "make_private_folder"])
def test_killed_before_its_certificate_the_next_run_issues_it(
    installation: Installation, at: datetime, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def dying(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"pipelines.retention.certificate.{step}", dying)
        with pytest.raises(KeyboardInterrupt):
            verify(installation, at)
    assert list(installation.ledger.entries("certificate_issued")) == []
    (name,) = verify(installation, at).certificates
    retention.check_certificate(installation, name)
    assert verify(installation, at).certificates == ()
    assert len(list(installation.ledger.entries("purge_verified"))) == 1


@pytest.mark.usefixtures("applied")
@pytest.mark.parametrize("what", ["files", "half shredded", "key", "month key"])
def test_what_is_still_there_is_said_with_its_place(
    installation: Installation, traffic: Callable[..., None], at: datetime, what: str
) -> None:
    folder = installation.vault.root / STORE
    if what == "files":
        (folder / "g000001").mkdir(parents=True)
    elif what == "half shredded":
        folder.with_name(f".shred-{GONE}").mkdir()
    elif what == "key":
        installation.keyring.ensure(f"stores/{STORE}/g000001")
    else:
        installation.keyring.ensure("pseudonym/2025-10")
    verification = verify(installation, at)
    assert verification.counts == {"gone": 2, "still_present": 1, "could_not_check": 0, "certificates": 0}
    assert not path_of(installation, certificate_id(installation_plan(installation))).exists()
    with pytest.raises(RetentionError, match="still present"):
        verification.require()
    if what != "half shredded":
        (entry,) = installation.ledger.entries("purge_verified")
        assert entry.facts["is_complete"] is False
    again = retention.plan(installation, day=DAY)  # it is due again, and goes
    retention.apply(installation, again, token=again.token, at=at)
    expected = {"gone": 4, "still_present": 0, "could_not_check": 0, "certificates": 2}
    assert verify(installation, at).counts == expected  # the first purge as well


def installation_plan(installation: Installation) -> retention.Plan:
    (entry,) = installation.ledger.entries("purge_planned")
    return plan_of(entry, installation.charter.retention)


@pytest.mark.usefixtures("applied")
def test_a_whole_day_that_came_back_is_purged_and_proven_again_under_the_same_token(
    installation: Installation, traffic: Callable[..., None], at: datetime
) -> None:
    traffic(GONE)
    assert answers(verify(installation, at))[STORE] == "still present"
    for _time in range(2):
        plan = retention.plan(installation, day=DAY)
        retention.apply(installation, plan, token=plan.token, at=at)
        assert verify(installation, at).is_complete
        traffic(GONE)
    assert len(list(installation.ledger.entries("certificate_issued"))) == 3  # and one for the first purge


def test_expired_person_that_came_back_is_still_present(
    installation: Installation,
    applied: retention.Plan,
    people: Callable[..., None],
    stories: Any,
    at: datetime,
) -> None:
    people(stories(0, contact=date(2020, 1, 1)), *[stories(n, contact=date(2026, 1, 1)) for n in range(1, 6)])
    verification = verify(installation, at)
    (outcome,) = [outcome for outcome in verification.outcomes if outcome.item.store == "contacts"]
    assert (outcome.answer, outcome.detail) == ("still present", "4 rows")


def test_rows_of_nobody_are_still_present(
    installation: Installation, applied: retention.Plan, at: datetime
) -> None:
    with installation.vault.workshop() as workshop:
        workshop.open("contacts")
        workshop.revise("contacts", {"people": "SELECT * FROM people WHERE name <> 'canary name 3'"})
    outcome = verify(installation, at).outcomes[-1]
    assert outcome.answer == "still present"
    assert "rows of nobody in identifiers" in outcome.detail
    assert "canary" not in outcome.detail


def test_earlier_generation_is_still_present(
    installation: Installation, applied: retention.Plan, at: datetime
) -> None:
    folder = installation.vault.root / "contacts"
    (current,) = folder.iterdir()
    shutil.copytree(current, folder / "g000001")
    assert verify(installation, at).outcomes[-1].detail == "earlier files"


def test_a_lost_survivor_is_no_proof(
    installation: Installation,
    people: Callable[..., None],
    stories: Any,
    at: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    people(stories(0, contact=date(2020, 1, 1)), *[stories(n, contact=date(2026, 1, 1)) for n in range(1, 6)])
    plan = retention.plan(installation, day=DAY)
    kept_rows = subjects.kept_rows

    def too_few(*asked: Any) -> dict[str, str]:
        kept = kept_rows(*asked)
        return kept | {"messages": f"SELECT * FROM ({kept['messages']}) LIMIT 4"}

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.retention.subjects.kept_rows", too_few)
        with pytest.raises(RetentionError, match="not that of what is due"):
            retention.apply(installation, plan, token=plan.token, at=at)  # the plan would say so itself
        patch.setattr("pipelines.retention.purge._confirmed", lambda *_asked: plan)
        retention.apply(installation, plan, token=plan.token, at=at)
    verification = verify(installation, at)
    assert answers(verification) == {"contacts": "could not check"}
    assert "messages holds" in verification.outcomes[-1].detail
    assert verification.certificates == ()
    assert verify(installation, at).outcomes == ()  # no later look would find it otherwise


def test_what_came_in_after_a_purge_does_not_stop_its_proof(
    installation: Installation, applied: retention.Plan, at: datetime
) -> None:
    with installation.vault.workshop() as workshop:
        workshop.open("contacts")
        workshop.revise("contacts", {"messages": "FROM messages UNION ALL FROM messages"})
    assert verify(installation, at).is_complete


def test_a_damaged_store_could_not_be_checked(
    installation: Installation, applied: retention.Plan, at: datetime
) -> None:
    for path in (installation.vault.root / "contacts").rglob("*.duckdb"):
        path.write_bytes(b"canary damage" * 4096)
    verification = verify(installation, at)
    assert answers(verification) == {
        STORE: "gone",
        "pseudonym/2025-10": "gone",
        "contacts": "could not check",
    }
    assert verification.certificates == ()
    with pytest.raises(RetentionError, match="could not check") as refusal:
        verification.require()
    assert "canary" not in str(refusal.value)
    assert verify(installation, at).counts["could_not_check"] == 1  # it stays to be proven


@pytest.mark.parametrize("place", ["keys", "vault"])
def test_an_empty_folder_in_the_place_of_a_volume_proves_nothing(
    installation: Installation, applied: retention.Plan, at: datetime, place: str
) -> None:
    folder: Path = getattr(installation.places, place)
    shutil.move(folder, folder.with_name("elsewhere"))
    if place == "keys":
        folder.mkdir()
        shutil.copy(folder.with_name("elsewhere") / "ledger.head", folder)
    verification = verify(installation, at)
    assert set(answers(verification).values()) == {"could not check"}
    assert verification.certificates == ()
    shutil.rmtree(folder, ignore_errors=True)
    shutil.move(folder.with_name("elsewhere"), folder)  # it is mounted again: the next night proves it
    assert len(verify(installation, at).certificates) == 1
    assert verify(installation, at).outcomes == ()


def test_proof_needs_nothing_of_the_process_that_purged(
    installation: Installation, applied: retention.Plan, at: datetime
) -> None:
    fresh = Installation.open({"CHARTER_HOME": str(installation.places.vault.parent.parent)})
    assert verify(fresh, at).is_complete


def test_ledger_gives_the_plan_back(installation: Installation, applied: retention.Plan) -> None:
    back = installation_plan(installation)
    assert back == applied
    assert back.token == applied.token


def test_certificate_says_what_was_destroyed_and_how_it_was_checked(
    installation: Installation, applied: retention.Plan, at: datetime
) -> None:
    (name,) = verify(installation, at).certificates
    content = path_of(installation, name).read_bytes()
    statement = json.loads(content)["statement"]
    assert b"canary" not in content
    assert statement["destroyed"][0] == {
        "category": "traffic", "store": STORE, "rows": {"hits": 3, "loads": 1},
        "oldest": GONE.isoformat(), "newest": GONE.isoformat(),
    }  # fmt: skip
    assert set(statement["categories"]) == {"traffic", "prospects"}
    assert "NIST SP 800-88 Rev. 2" in statement["method"]
    assert statement["verification"]["items_gone"] == 3
    retention.check_certificate(installation, name)


def test_altered_swapped_or_missing_certificate_is_noticed(
    installation: Installation, applied: retention.Plan, traffic: Callable[..., None], at: datetime
) -> None:
    (name,) = verify(installation, at).certificates
    traffic(GONE - timedelta(days=1))
    plan = retention.plan(installation, day=DAY)
    retention.apply(installation, plan, token=plan.token, at=at)
    (other,) = verify(installation, at).certificates
    path = path_of(installation, name)
    content = path.read_bytes()
    retention.check_certificate(installation, other)
    for damaged in (
        content.replace(b'"hits": 3', b'"hits": 2'),
        path_of(installation, other).read_bytes(),
        b"{}",
    ):
        path.write_bytes(damaged)
        with pytest.raises(RetentionError, match="altered or swapped"):
            retention.check_certificate(installation, name)
    path.unlink()
    with pytest.raises(RetentionError, match="cannot be read"):
        retention.check_certificate(installation, name)
    with pytest.raises(RetentionError, match="no such certificate"):
        retention.check_certificate(installation, "../../etc/passwd")
