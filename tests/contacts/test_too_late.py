from datetime import date
from typing import Any

import pytest

from pipelines.contacts import fingerprint, record_value

JANE = {"person_ref": "1", "name": "Jane Doe", "email": "Jane@Example.com", "email_verified": "true"}


def contract(ref: str, person: str, start: str, end: str = "", **more: str) -> dict[str, str]:
    return {"contract_ref": ref, "person_ref": person, "started_on": start, "ended_on": end, **more}


def message(ref: str, **more: str) -> dict[str, str]:
    return {"message_ref": ref, "kind": "form", "source": "site", **more}


def counts(outcome: Any) -> tuple[int, int, int, int]:
    return outcome.accepted, outcome.rejected, outcome.expired, outcome.duplicate


@pytest.mark.parametrize("kind", ["record", "email", "contracts"])
def test_the_erased_stay_out(house: Any, kind: str) -> None:
    value = {
        "record": record_value("crm", "1"),
        "email": "jane@example.com",
        "contracts": record_value("crm", "c1"),
    }
    mark = fingerprint(house.installation.keyring, kind, value[kind]).hex()
    house.revise(
        {"tombstones": f"SELECT unhex('{mark}') fingerprint, DATE '2026-11-01' erased_on, 'erasure' ground"}
    )
    house.export("people", JANE)  # written on the day of the erasure
    house.export("contracts", contract("c1", "1", "2026-01-01"))
    contracts, people = house.night()
    assert counts(people) == ((1, 0, 0, 0) if kind == "contracts" else (0, 0, 1, 0))
    assert counts(contracts) == ((1, 0, 0, 0) if kind == "email" else (0, 0, 1, 0))
    house.export("people", {**JANE, "recorded_at": "2026-11-02T10:00:00Z"})  # a new relationship
    assert counts(house.night()[0]) == (1, 0, 0, 0)


def test_whoever_shares_an_email_with_the_erased_is_not_erased(house: Any) -> None:
    house.export("people", {**JANE, "email_verified": ""})
    house.night()
    mark = fingerprint(house.installation.keyring, "email", "jane@example.com").hex()
    house.revise(
        {"tombstones": f"SELECT unhex('{mark}') fingerprint, DATE '2026-11-20' erased_on, 'erasure' ground"}
    )
    house.export(
        "people", {**JANE, "email_verified": "", "name": "Jane Roe", "recorded_at": "2026-11-05T10:00:00Z"}
    )
    assert counts(house.night()[0]) == (1, 0, 0, 0)


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        (("2015-01-01", "2019-01-01"), (0, 0, 2, 0)),
        (("2015-01-01", "2024-01-01"), (2, 0, 0, 0)),
        (("2015-01-01", ""), (2, 0, 0, 0)),
    ],
)
def test_a_customer_long_gone_is_never_stored(
    house: Any, ends: tuple[str, str], expected: tuple[int, ...]
) -> None:
    house.export("people", JANE)
    house.export("contracts", *(contract(f"c{n}", "1", "2010-01-01", end) for n, end in enumerate(ends)))
    contracts, people = house.night()
    assert counts(contracts) == expected
    assert counts(people) == ((0, 0, 1, 0) if expected[2] else (1, 0, 0, 0))
    assert house.one("SELECT count(*) FROM people") == (0 if expected[2] else 1)


def test_a_former_customer_who_wrote_is_stored_without_old_contracts(house: Any) -> None:
    house.export("people", JANE)
    house.export("contracts", contract("c1", "1", "2010-01-01", "2015-01-01"))
    house.export("messages", message("m", source="crm", person_ref="1"))
    assert [counts(o) for o in house.night()] == [(0, 0, 1, 0), (1, 0, 0, 0), (1, 0, 0, 0)]


def test_a_correction_of_a_known_contract_is_taken_though_it_expires(house: Any) -> None:
    house.export("people", JANE)
    house.export("contracts", contract("c1", "1", "2010-01-01"))
    house.night()
    house.export(
        "contracts", contract("c1", "1", "2010-01-01", "2015-01-01", recorded_at="2026-11-05T00:00:00Z")
    )
    assert counts(house.night()[0]) == (1, 0, 0, 0)  # dropping it would leave the contract open for ever
    assert house.one("SELECT ended_on FROM contracts") == date(2015, 1, 1)


def test_contacts_move_the_clock_and_touched_records_do_not(house: Any) -> None:
    house.export("people", {**JANE, "recorded_at": "2026-01-01T00:00:00Z"})
    house.export("messages", message("m", source="crm", person_ref="1", recorded_at="2026-03-01T00:00:00Z"))
    house.night()
    house.export("people", {**JANE, "recorded_at": "2026-11-01T00:00:00Z"})
    house.night()
    assert house.select("SELECT first_seen_at::DATE, last_contact_at::DATE FROM people") == [
        (date(2026, 1, 1), date(2026, 3, 1))
    ]
