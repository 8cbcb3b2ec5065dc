"""People of the sealed contact store are looked for in published texts, and stay sealed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from pipelines import catalog
from pipelines.installation import Installation
from pipelines.statistics import gate
from tests.statistics.sites import as_arrow, pseudonym, select

SEEN = datetime.fromisoformat("2026-11-01 12:00")
Find = Callable[..., dict[tuple[str, str], list[str]]]


@pytest.fixture
def find(installation: Installation) -> Find:
    """Give a function that looks for Zoé Canary, Marie Anne Durand, Jörg Müller and others in texts."""
    names = ["Zoé Canary", "Marie Anne Durand", "Müller, Jörg", "Иван Петров", "Rose", "Li Wu", None]
    people = [
        {"person_id": pseudonym(n), "name": name, "first_seen_at": SEEN, "last_contact_at": SEEN}
        for n, name in enumerate(names)
    ]
    values = [
        ("email", "canary.person@example.org"), ("email", "contact@example.org"), ("email", "mdurand85@example.org"),
        ("email", "rose@example.org"), ("phone", "+33199006677"), ("record", "CUST-2024-17"), ("record", "9"),
    ]  # fmt: skip
    identifiers = [
        {"person_id": pseudonym(0), "source": "crm", "kind": kind, "value": value, "is_verified": True, "recorded_at": SEEN}
        for kind, value in values
    ]  # fmt: skip
    contracts = [
        {"person_id": pseudonym(1), "source": "crm", "contract_ref": "K-000123", "recorded_at": SEEN,
         "started_on": SEEN.date(), "ended_on": None},
    ]  # fmt: skip
    rows = {"people": people, "identifiers": identifiers, "contracts": contracts}
    with installation.vault.workshop() as workshop:
        for table, found in rows.items():
            workshop.connection.register(f"given_{table}", as_arrow(table, found))
        workshop.revise("contacts", {table: select(table, f"given_{table}") for table in rows})
    assert {table.name for table in catalog.tables_of("contacts")} > rows.keys()
    check = gate.people_of(installation.vault)
    return lambda *texts: dict(check({"pages.path": list(texts)}))


NAME, MAILBOX = "the name of a person", "the mailbox of a person"
WRITTEN = {
    "/team/zoe-canary": NAME, "/Canary%20Zo%C3%A9": NAME, "/marie-durand/": NAME, "/durand/marie": NAME,
    "/marie-anne-durand": NAME, "/mariedurand": NAME, "/m-durand": NAME, "/jorg-muller": NAME, "/иван-петров": NAME,
    "/u/canary.person": MAILBOX, "/u/mdurand85": MAILBOX,
    "/call/01-99-00-66-77": "the phone number of a person",
    "/cust-2024-17/order": "the reference of a person", "/k-000123": "the reference of a person",
}  # fmt: skip
NOBODY = (
    "/",
    "/rose",
    "/contact",
    "/person/zoe",
    "/canary-islands",
    "/wu",
    "/marie/a/b/c/durand",
    "/9",
    "(other)",
)


def test_a_person_of_the_contacts_is_found_however_the_name_is_written(find: Find) -> None:
    expected: dict[tuple[str, str], list[str]] = {}
    for text, kind in WRITTEN.items():
        expected.setdefault(("pages.path", kind), []).append(text)
    found = find("/", *WRITTEN, "/blog")
    assert {key: sorted(texts) for key, texts in found.items()} == {
        key: sorted(texts) for key, texts in expected.items()
    }


def test_one_word_is_nobody(find: Find) -> None:
    assert find(*NOBODY) == {}


def test_each_text_counts_once_and_places_are_told_apart(installation: Installation, find: Find) -> None:
    texts = {
        "pages.path": ["/zoe-canary", "/canary-zoe/zoe.canary"],
        "sources.campaign": ["zoe canary", "spring"],
    }
    assert gate.people_of(installation.vault)(texts) == {
        ("pages.path", "the name of a person"): texts["pages.path"],
        ("sources.campaign", "the name of a person"): ["zoe canary"],
    }  # fmt: skip


def test_without_contacts_nobody_is_found(installation: Installation) -> None:
    assert gate.people_of(installation.vault)({"pages.path": ["/zoe-canary"]}) == {}
