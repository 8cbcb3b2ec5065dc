"""`charter hold`, as a DPO uses it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipelines.installation import Installation
from tests.literal import seal_rows


def test_a_hold_is_placed_listed_and_lifted(charter: Any, installation: Installation) -> None:
    assert charter("hold", "list").out == "nothing is held\n"
    placed = charter("hold", "days", "--first", "2025-11-20", "--last", "2025-11-21", "--by", "ana")
    hold = placed.out.strip()
    assert placed.code == 0
    assert f"charter hold lift {hold}" in placed.err
    (_names, row) = charter("hold", "list").out.splitlines()
    assert row.split()[:2] == [hold, "traffic"]
    assert "2025-11-20 to 2025-11-21" in row
    assert "until lifted" in row
    assert row.endswith("ana")
    zone = ZoneInfo(installation.charter.time_zone)  # the command's today is the charter's, not the machine's
    before = datetime.now(zone).date()
    assert charter("hold", "lift", hold).code == 0
    assert any(str(day) in charter("hold", "list").out for day in (before, datetime.now(zone).date()))
    assert len(list(installation.ledger.entries("hold_lifted"))) == 1


def test_a_person_is_asked_for_and_never_said(charter: Any, installation: Installation) -> None:
    me = {"person_id": "00000000-0000-0000-0000-000000000007"}
    seal_rows(installation, "contacts", {
        "people": [me], "identifiers": [{**me, "kind": "email", "value": "jane@canary.example"}],
    })  # fmt: skip
    placed = charter("hold", "person", "--ground", "legal obligation", typed="Jane@Canary.example\n\n")
    listed = charter("hold", "list").out
    assert placed.code == 0
    assert "1 identifier" in listed
    assert "jane" not in (placed.out + placed.err + listed).lower()
    assert "jane" not in installation.ledger.path.read_text()


@pytest.mark.usefixtures("installation")
def test_a_mistake_says_the_cure_and_no_value(charter: Any) -> None:
    assert "give one" in charter("hold", "person", typed="\n\n").error_line
    refused = charter("hold", "person", typed="jane@canary.example\n\n")
    assert "nobody in the contact store" in refused.error_line
    assert "jane" not in refused.err.replace("e-mail: ", "")
    assert "charter hold list" in charter("hold", "lift", "H-2222-2222").error_line
    assert (
        "there are legal claim"
        in charter("hold", "days", "--first", "2025-11-20", "--ground", "x").error_line
    )
