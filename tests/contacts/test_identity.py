from itertools import permutations
from typing import Any

import pytest

from pipelines.contacts.resolve import Known, assign

JANE = {"person_ref": "1", "name": "Jane Doe", "email": "Jane@Example.com", "email_verified": "true"}
PEOPLE = "SELECT name, count(*) FROM people GROUP BY name ORDER BY name"


def contract(ref: str, person: str, start: str, end: str = "", **more: str) -> dict[str, str]:
    return {"contract_ref": ref, "person_ref": person, "started_on": start, "ended_on": end, **more}


def message(ref: str, **more: str) -> dict[str, str]:
    return {"message_ref": ref, "kind": "form", "source": "site", **more}


def counts(outcome: Any) -> tuple[int, int, int, int]:
    return outcome.accepted, outcome.rejected, outcome.expired, outcome.duplicate


EXPORTS: dict[str, tuple[str, list[dict[str, str]]]] = {
    "people-1.csv": (
        "people",
        [JANE, {"person_ref": "2", "name": "Bo", "phone": "+32470123456", "phone_verified": "true"}],
    ),
    "people-2.csv": (
        "people",
        [
            {
                "source": "shop",
                "person_ref": "7",
                "name": "J.",
                "email": "jane@example.com",
                "email_verified": "true",
                "phone": "+32470123456",
                "phone_verified": "true",
            }
        ],
    ),
    "people-3.csv": ("people", [{"person_ref": "3", "name": "Cy", "email": "jane@example.com"}]),
    "messages.csv": (
        "messages",
        [message("m", email="jane@example.com"), message("n", source="shop", person_ref="7")],
    ),
}


def groups(house: Any) -> set[frozenset[str]]:
    return {
        frozenset(refs)
        for (refs,) in house.select(
            "SELECT list(source || value) FROM identifiers WHERE kind <> 'phone' GROUP BY person_id"
        )
    }


def test_a_newer_version_replaces_what_its_record_said(house: Any) -> None:
    house.export("people", {**JANE, "postal_address": "Old Street 1"})
    house.night()
    person = house.one("SELECT person_id FROM people")
    house.export(
        "people",
        {
            "person_ref": "1",
            "name": "Jane Roe",
            "email": "new@example.com",
            "recorded_at": "2026-11-03T00:00:00Z",
        },
    )
    assert counts(house.night()[0]) == (1, 0, 0, 0)
    assert house.select("SELECT person_id, name, postal_address FROM people") == [(person, "Jane Roe", None)]
    assert house.select("SELECT value FROM identifiers WHERE kind = 'email'") == [("new@example.com",)]


def test_verified_identifiers_join_sources_and_the_older_id_survives(judged_house: Any) -> None:
    judged_house.export("people", JANE)
    judged_house.export("contracts", contract("c1", "1", "2026-01-01"))
    judged_house.night()
    older = judged_house.one("SELECT person_id FROM people")
    shop = {
        "source": "shop",
        "person_ref": "9",
        "name": "J. Doe",
        "phone": "+32470123456",
        "phone_verified": "true",
        "recorded_at": "2026-11-05T00:00:00Z",
    }
    judged_house.export("people", shop)
    judged_house.export(
        "contracts", contract("s1", "9", "2026-02-01", source="shop", recorded_at=shop["recorded_at"])
    )
    judged_house.night()
    assert judged_house.one("SELECT count(*) FROM people") == 2
    # the CRM learns the phone: two known people turn out to be one
    judged_house.export(
        "people",
        {
            **JANE,
            "phone": "0470 12 34 56",
            "country": "BE",
            "phone_verified": "true",
            "recorded_at": "2026-11-06T00:00:00Z",
        },
    )
    judged_house.night()
    assert judged_house.select("SELECT person_id, name FROM people") == [(older, "Jane Doe")]
    for table in ("contracts", "identifiers"):
        assert judged_house.select(f"SELECT DISTINCT person_id FROM {table}") == [(older,)]


def test_an_unverified_identifier_joins_nobody(house: Any) -> None:
    house.export(
        "people",
        JANE,
        {**JANE, "person_ref": "2", "name": "Mallory", "email_verified": "false", "source": "shop"},
    )
    house.export(
        "messages",
        message("m1", email="jane@example.com"),
        message("m2", email="JANE@example.com"),
        message("m3", person_ref="1", source="crm", email="other@example.com"),
        message("m4"),
    )
    house.night()
    assert house.select(PEOPLE) == [("Jane Doe", 1), ("Mallory", 1), (None, 2)]
    owners = dict(house.select("SELECT message_ref, person_id FROM messages"))
    assert owners["m1"] == owners["m2"]
    jane = house.one("SELECT person_id FROM people WHERE name = 'Jane Doe'")
    assert owners["m3"] == jane
    assert len(set(owners.values())) == 3


def test_a_desk_behind_a_shared_number_joins_nobody(house: Any) -> None:
    for ref in ("1", "2"):
        phone = {"phone": f"+32 2 555 12 12 ext. {ref}", "phone_verified": "true"}
        house.export("people", {"person_ref": ref, "name": ref, **phone}, name=f"people-{ref}.csv")
    house.night()
    assert house.one("SELECT count(*) FROM people") == 2


def test_two_people_may_share_an_unverified_email(judged_house: Any) -> None:
    judged_house.export(
        "people",
        {"person_ref": "1", "name": "A", "email": "us@example.com"},
        {"person_ref": "2", "name": "B", "email": "us@example.com"},
    )
    assert counts(judged_house.night()[0]) == (2, 0, 0, 0)
    assert (
        judged_house.one("SELECT count(DISTINCT person_id) FROM identifiers WHERE value = 'us@example.com'")
        == 2
    )


def test_what_refers_to_a_record_waits_for_it(house: Any) -> None:
    house.export("contracts", contract("c1", "1", "2026-01-01", recorded_at="2026-11-10T00:00:00Z"))
    house.night()
    person = house.one("SELECT person_id FROM contracts")
    house.export("people", JANE)  # written before the contract, and yet no duplicate
    assert counts(house.night()[0]) == (1, 0, 0, 0)
    assert house.select("SELECT person_id, name FROM people") == [(person, "Jane Doe")]


@pytest.mark.parametrize("order", list(permutations(EXPORTS))[::5])
def test_files_on_any_night_in_any_order_give_the_same_people(house: Any, order: tuple[str, ...]) -> None:
    for name in order:
        kind, rows = EXPORTS[name]
        house.export(kind, *rows, name=name)
        if name != order[0]:  # the first two come together
            house.night()
    assert groups(house) == {
        frozenset({"crm1", "crm2", "shop7", "crmjane@example.com", "shopjane@example.com"}),
        frozenset({"crm3", "crmjane@example.com"}),
        frozenset({"sitejane@example.com"}),
    }


def test_the_names_of_files_do_not_matter_within_a_night(house: Any) -> None:
    rows = []
    for prefix in ("", "z"):
        for number, (name, (kind, records)) in enumerate(EXPORTS.items()):
            position = 9 - number if prefix else number
            house.export(kind, *records, name=f"{kind}{position}-{name}")
        house.night()
        rows.append(house.select("SELECT * FROM people ORDER BY ALL"))
        house.installation.vault.shred("contacts")
    assert rows[0] == rows[1]


def test_two_hundred_thousand_records_are_resolved_in_bulk() -> None:
    records = {("crm", str(n)): None for n in range(200_000)}
    claims = [((s, r), ("email", f"{int(r) // 2}@example.com")) for s, r in records]
    persons, moves = assign(Known(records, claims, [], {}), b"k" * 32)
    assert len(set(persons.values())) == 100_000
    assert moves == {}
