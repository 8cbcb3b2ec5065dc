import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import QualityError
from pipelines.places import SOURCE_ROOT, Places

JANE = {"person_ref": "1", "name": "Jane Doe", "email": "Jane@Example.com", "email_verified": "true"}
PEOPLE = "SELECT name, count(*) FROM people GROUP BY name ORDER BY name"


def contract(ref: str, person: str, start: str, end: str = "", **more: str) -> dict[str, str]:
    return {"contract_ref": ref, "person_ref": person, "started_on": start, "ended_on": end, **more}


def message(ref: str, **more: str) -> dict[str, str]:
    return {"message_ref": ref, "kind": "form", "source": "site", **more}


def counts(outcome: Any) -> tuple[int, int, int, int]:
    return outcome.accepted, outcome.rejected, outcome.expired, outcome.duplicate


@pytest.mark.parametrize(
    ("kind", "row", "reason"),
    [
        ("contracts", contract("c", "1", "2020-02-30"), "started_on"),
        ("contracts", contract("c", "1", "2020-01-02", "2020-01-01"), "ended before started"),
        ("contracts", contract("c", "1", "2020-01-02", "9999-12-31"), "ended_on out of range"),
        ("contracts", contract("c", "1", "1800-01-01"), "started_on out of range"),
        ("contracts", contract("c", "", "2020-01-01"), "person_ref"),
        ("people", {**JANE, "recorded_at": "2026-12-24T00:00:00Z"}, "recorded_at out of range"),
        ("people", {**JANE, "recorded_at": "infinity"}, "recorded_at"),
        ("people", {**JANE, "recorded_at": "0001-01-01T00:00:00+14:00"}, "recorded_at"),
        ("people", {**JANE, "email": "=cmd()"}, "email"),
        ("people", {**JANE, "phone": "ask"}, "phone"),
        ("people", {**JANE, "email_verified": "perhaps"}, "email_verified"),
        ("messages", message("m", kind="letter"), "kind"),
        ("consents", {"consent_ref": "k", "purpose": "newsletter", "action": "given"}, "nobody"),
        (
            "consents",
            {"consent_ref": "k", "email": "a@example.com", "purpose": "?", "action": "given"},
            "purpose",
        ),
        (
            "cookies",
            {"choice_ref": "k", "email": "a@example.com", "cookie_type": "x", "choice": "x"},
            "cookie_type",
        ),
    ],
)
def test_a_bad_record_is_kept_with_its_reason(
    house: Any, kind: str, row: dict[str, str], reason: str
) -> None:
    house.export(kind, row)
    (outcome,) = house.night()
    assert counts(outcome) == (0, 1, 0, 0)
    assert house.select("SELECT reason, line, octet_length(raw) > 5 FROM contact_rejects") == [
        (reason, 2, True)
    ]
    assert house.one("SELECT count(*) FROM people") == 0


def test_bad_files_stay_and_the_others_go_on(house: Any) -> None:
    house.export("people", JANE)
    house.put("contracts.csv", "source,contract_ref,person_ref,recorded_at,ended_on\n")
    house.put("messages.jsonl.gz", gzip.compress(b"{}")[:-4])
    house.put("consents.csv", "")
    house.put("jane.doe@example.com.csv", "a")
    (house.landing / "cookies.csv").mkdir()
    outcomes = {o.shown_name: o for o in house.night()}
    assert outcomes.pop("people.csv").accepted == 1
    said = [outcome.error for outcome in outcomes.values()]
    assert any("line 1 lacks the column started_on" in error for error in said)
    assert any("cut short" in error for error in said)
    assert any("line 1 lacks the column source" in error for error in said)
    assert any("not named for what it holds" in error for error in said)
    assert any("is a folder" in error for error in said)
    assert not any("jane" in f"{error} {name}" for name, error in zip(outcomes, said, strict=True))
    assert len(list(house.landing.iterdir())) == 5


def test_a_row_that_breaks_a_rule_is_refused_with_its_record_alone(judged_house: Any) -> None:
    judged_house.export("people", {**JANE, "name": "x" * 301}, {"person_ref": "2", "name": "Bo"})
    judged_house.export("contracts", contract("c1", "1", "2026-01-01"), contract("c2", "2", "1930-01-01"))
    assert [counts(o) for o in judged_house.night()] == [(1, 1, 0, 0), (1, 1, 0, 0)]
    assert judged_house.select(PEOPLE) == [("Bo", 1), (None, 1)]
    assert judged_house.select("SELECT DISTINCT reason FROM contact_rejects") == [("quality",)]
    kept = {json.loads(raw)["kind"] for (raw,) in judged_house.select("SELECT raw FROM contact_rejects")}
    assert kept == {"people", "contracts"}
    before = judged_house.sealed()
    judged_house.export(
        "people", {"person_ref": "2", "name": "Bo"}, {**JANE, "name": "x" * 301}, name="people-2.csv"
    )
    assert counts(judged_house.night()[0]) == (0, 0, 0, 2)
    assert judged_house.sealed() == before


def test_a_broken_critical_rule_stores_nothing_and_keeps_landing(
    judged_house: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suites = shutil.copytree(SOURCE_ROOT / "expectations", tmp_path / "expectations")
    people = suites / "people.json"
    text = people.read_text()
    amended = text.replace('"expect_column_values_to_be_unique"', '"expect_column_values_to_be_null"')
    assert amended != text
    people.write_text(amended)
    monkeypatch.setattr(Places, "expectations", suites)
    judged_house.export("people", JANE)
    with pytest.raises(QualityError):
        judged_house.night()
    assert judged_house.sealed() == []
    assert len(list(judged_house.landing.iterdir())) == 1
