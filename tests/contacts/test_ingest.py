import gzip
import json
from typing import Any

import pytest

from pipelines.contacts import ingest
from pipelines.errors import VaultError

JANE = {"person_ref": "1", "name": "Jane Doe", "email": "Jane@Example.com", "email_verified": "true"}
PEOPLE = "SELECT name, count(*) FROM people GROUP BY name ORDER BY name"


def contract(ref: str, person: str, start: str, end: str = "", **more: str) -> dict[str, str]:
    return {"contract_ref": ref, "person_ref": person, "started_on": start, "ended_on": end, **more}


def counts(outcome: Any) -> tuple[int, int, int, int]:
    return outcome.accepted, outcome.rejected, outcome.expired, outcome.duplicate


def test_every_kind_is_stored_and_landing_is_empty(judged_house: Any) -> None:
    judged_house.export(
        "people", {**JANE, "phone": "0470 12 34 56", "country": "BE", "postal_address": "=HYPERLINK()"}
    )
    judged_house.export("contracts", contract("c1", "1", "2026-01-01"))
    judged_house.put(
        "messages.jsonl.gz",
        gzip.compress(
            json.dumps(
                {
                    "source": "crm",
                    "message_ref": 7,
                    "person_ref": 1,
                    "recorded_at": "2026-11-02T10:00:00+01:00",
                    "kind": "chatbot",
                    "body": "two\nlines, and =1+1",
                    "hobby": "dropped",
                }
            ).encode()
        ),
    )
    judged_house.export(
        "consents", {"consent_ref": "k", "person_ref": "1", "purpose": "newsletter", "action": "given"}
    )
    judged_house.export(
        "cookies", {"choice_ref": "w", "person_ref": "1", "cookie_type": "functional", "choice": "refused"}
    )
    assert [counts(o) for o in judged_house.night()] == [(1, 0, 0, 0)] * 5
    assert list(judged_house.landing.iterdir()) == []
    assert (
        judged_house.one(
            "SELECT count(DISTINCT person_id) FROM (FROM people SELECT person_id UNION ALL FROM contracts "
            "SELECT person_id UNION ALL FROM messages SELECT person_id UNION ALL FROM consents SELECT "
            "person_id UNION ALL FROM cookies SELECT person_id)"
        )
        == 1
    )
    assert judged_house.select("SELECT kind, value, is_verified FROM identifiers ORDER BY kind") == [
        ("email", "jane@example.com", True),
        ("phone", "+32470123456", False),
        ("record", "1", True),
    ]
    assert judged_house.one("SELECT postal_address FROM people") == "=HYPERLINK()"
    assert judged_house.select("SELECT message_ref, body, recorded_at::VARCHAR FROM messages") == [
        ("7", "two\nlines, and =1+1", "2026-11-02 09:00:00")
    ]


def test_the_same_export_again_changes_nothing_at_all(house: Any) -> None:
    house.export("people", JANE, {"person_ref": ""})
    house.night()
    before = house.sealed()
    house.export("people", JANE, {"person_ref": ""}, name="people-again.csv")
    (again,) = house.night()
    assert (again.read, *counts(again)) == (2, 0, 0, 0, 2)
    # the same records in other bytes, the bad one among them
    house.export("people", {"person_ref": ""}, JANE, name="people-full.csv")
    assert counts(house.night()[0]) == (0, 0, 0, 2)
    assert house.sealed() == before
    assert list(house.landing.iterdir()) == []


def test_one_content_twice_in_a_night_counts_once(house: Any) -> None:
    house.export("people", JANE, name="people-1.csv")
    house.export("people", JANE, name="people-2.csv")
    assert [counts(o) for o in house.night()] == [(1, 0, 0, 0), (0, 0, 0, 1)]


def test_an_old_export_never_undoes_newer_facts(house: Any) -> None:
    old = {**JANE, "name": "Jane Old", "email": "old@example.com", "recorded_at": "2026-01-01T00:00:00Z"}
    house.export("people", JANE)
    house.export("contracts", contract("c1", "1", "2020-01-01"))
    house.night()
    house.export("people", old)
    house.export(
        "contracts", contract("c1", "1", "2020-01-01", "2020-06-01", recorded_at="2026-01-01T00:00:00Z")
    )
    assert [counts(o) for o in house.night()] == [(0, 0, 0, 1)] * 2
    assert house.select("SELECT name FROM people") == [("Jane Doe",)]
    assert house.one("SELECT ended_on FROM contracts") is None


def test_an_empty_json_export_is_taken(house: Any) -> None:
    house.put("people.jsonl", "")
    (outcome,) = house.night()
    assert (outcome.read, outcome.error) == (0, None)
    assert house.sealed() == []


@pytest.mark.parametrize("moment", ["before the seal", "before the unlink"])
def test_killed_and_run_again_it_ends_the_same(
    house: Any, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def die(*_arguments: object) -> None:
        raise VaultError("killed")

    house.export("people", JANE, {"person_ref": ""})
    with monkeypatch.context() as patch:
        patch.setattr(ingest, "seal" if moment == "before the seal" else "discard", die)
        with pytest.raises(VaultError):
            house.night()
    sealed = house.sealed()
    (outcome,) = house.night()
    assert counts(outcome) == (1, 1, 0, 0)
    assert outcome.resumed == (moment == "before the unlink")
    assert outcome.shown_name == "people.csv"
    assert (house.sealed() == sealed) == outcome.resumed
    assert house.select(PEOPLE) == [("Jane Doe", 1)]
    assert house.one("SELECT count(*) FROM imports") == 1
    assert list(house.landing.iterdir()) == []


def test_nothing_in_landing_is_nothing_to_do(house: Any) -> None:
    assert house.night() == []
    assert house.sealed() == []
