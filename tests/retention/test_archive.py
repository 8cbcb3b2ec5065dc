"""The archive: a customer leaves the active base with the last contract, and is seen only by who says why."""

from __future__ import annotations

import ast
from datetime import date, timedelta
from typing import Any

import pytest

from pipelines import contacts, retention, rights
from pipelines.installation import Installation
from pipelines.places import SOURCE_ROOT

DAY = date(2026, 11, 22)
OLD = date(2020, 1, 1)


def shown(installation: Installation, *, archive: bool = False) -> set[str]:
    with installation.vault.workshop() as workshop:
        workshop.open("contacts", archive=archive)
        rows = workshop.connection.execute(
            "SELECT people.name FROM people JOIN identifiers USING (person_id)"
        ).fetchall()
    return {row[0][-1] for row in rows}


@pytest.fixture
def base(people: Any, stories: Any) -> None:
    """A running customer, one that ended yesterday, one that ends today, one that wrote since, and a prospect."""
    yesterday = DAY - timedelta(days=1)
    people(
        stories(1, contact=OLD, contracts=[(OLD, None)]),
        stories(2, contact=OLD, contracts=[(OLD, date(2022, 1, 1)), (OLD, yesterday)]),
        stories(3, contact=OLD, contracts=[(OLD, DAY)]),
        stories(4, contact=date(2026, 11, 21), contracts=[(OLD, date(2026, 1, 1))], wrote=True),
        stories(5, contact=date(2026, 1, 1)),
    )


@pytest.mark.usefixtures("base")
def test_a_customer_leaves_the_active_base_the_day_after_the_last_contract_and_is_kept(
    installation: Installation, contents: Any, at: Any
) -> None:
    assert retention.archive(installation, day=DAY, at=at) == {"archived": 1, "reopened": 0, "in_archive": 1}
    assert shown(installation) == set("1345")
    assert shown(installation, archive=True) == set("12345")
    lines = list(installation.ledger.entries())
    assert retention.archive(installation, day=DAY, at=at) == {"archived": 0, "reopened": 0, "in_archive": 1}
    assert list(installation.ledger.entries()) == lines
    counts = retention.archive(installation, day=DAY + timedelta(days=1), at=at)
    assert counts == {"archived": 1, "reopened": 0, "in_archive": 2}
    with installation.vault.workshop() as workshop:
        workshop.open("contacts", archive=True)
        days = workshop.connection.execute("SELECT archived_on FROM archived ORDER BY 1").fetchall()
    assert days == [(DAY,), (DAY + timedelta(days=1),)]


@pytest.mark.usefixtures("base")
def test_the_archive_is_opened_by_a_request_and_the_ledger_says_so(
    installation: Installation, at: Any
) -> None:
    retention.archive(installation, day=DAY, at=at)
    request = rights.open_request(
        installation, right="access", received_on=date(2026, 11, 1), channel="post", name=None,
        email="p2@canary.example", phone=None, addresses=[], at=at,
    )  # fmt: skip
    assert rights.gather(installation, request, at).counts["contracts"] == 2
    (opened,) = installation.ledger.entries("stores_opened")
    assert "archive" in opened.facts["stores"]
    retention.hold_person(
        installation, email="p2@canary.example", phone=None, ground="legal claim", until=None, by="dpo",
        day=DAY, at=at,
    )  # fmt: skip
    (opened,) = installation.ledger.entries("archive_opened")
    assert opened.facts["reason"] == "hold"


@pytest.mark.usefixtures("base")
def test_no_table_of_the_active_base_shows_who_is_archived(installation: Installation, at: Any) -> None:
    retention.archive(installation, day=DAY, at=at)
    with installation.vault.workshop() as workshop:
        workshop.open("contacts")
        for table in ("people", "identifiers", "contracts", "messages", "consents", "cookies", "archived"):
            rows = workshop.connection.execute(f"SELECT person_id::VARCHAR FROM {table}").fetchall()
            assert all(not person.endswith(f"{1002:x}") for (person,) in rows), table


@pytest.mark.usefixtures("base")
def test_the_purge_reaches_the_archive_and_a_night_keeps_it(
    installation: Installation, purge: Any, at: Any
) -> None:
    retention.archive(installation, day=DAY, at=at)
    due_on = date(2031, 11, 22)  # 5 years after the day on which the contract ended
    assert purge(installation, at, due_on - timedelta(days=1), by_human=True).is_complete
    assert "2" in shown(installation, archive=True)
    assert "2" not in shown(installation)
    assert purge(installation, at, due_on, by_human=True).is_complete
    assert "2" not in shown(installation, archive=True)


@pytest.mark.usefixtures("base")
def test_a_new_contract_brings_the_customer_back_with_all_that_is_theirs(
    installation: Installation, at: Any
) -> None:
    retention.archive(installation, day=DAY, at=at)
    landing = installation.places.landing_contacts
    (landing / "contracts-crm.csv").write_text(
        "source,contract_ref,person_ref,recorded_at,started_on,ended_on\n"
        "crm,c9,ref2,2026-11-22T00:30:00Z,2026-11-22,\n"
    )
    (outcome,) = contacts.take_in(installation, day=DAY, at=at)
    assert (outcome.accepted, outcome.error) == (1, None)
    assert shown(installation) == set("1345")  # until the archive is brought up to date, in the same night
    counts = retention.archive(installation, day=DAY, at=at)
    assert counts == {"archived": 0, "reopened": 1, "in_archive": 0}
    assert shown(installation) == set("12345")


def test_only_these_places_open_the_archive() -> None:
    """An analysis, a mailing or an export that is written tomorrow sees the active base, unless it is listed here."""
    openers = set()
    for path in (SOURCE_ROOT / "pipelines").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and any(word.arg == "archive" for word in node.keywords):
                openers.add(path.relative_to(SOURCE_ROOT / "pipelines").as_posix())
    assert openers == {
        "backups.py", "contacts/ingest.py", "retention/archive.py", "retention/holds.py", "retention/subjects.py",
        "rights/search.py", "statistics/gate.py", "summary.py", "vault/workshop.py",
    }  # fmt: skip
