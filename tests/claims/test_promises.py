"""Promises of the charter, kept end to end: each test begins with the clause that it is about."""

from __future__ import annotations

import html
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

from pipelines import catalog, retention, rights, statistics
from pipelines.charter import load
from pipelines.places import SOURCE_ROOT
from pipelines.retention.certificate import path_of
from tests.claims.conftest import AGENT, CONTRACT_ENDS, EMAIL, Nights, people_of

AT = datetime(2025, 3, 15, 9, tzinfo=UTC)


def test_retention_traffic_12_months_and_not_a_day_more(nights: Nights) -> None:
    now = nights.installation.vault.stores("traffic")
    assert "traffic/2024-03-13" not in nights.after_first  # over before it arrived: never stored
    assert {"traffic/2024-03-14", "traffic/2024-03-15"} <= set(nights.after_first)
    assert set(nights.after_first) - set(now) == {"traffic/2024-03-14"}
    assert nights.installation.vault.traces("traffic/2024-03-14") == []
    assert "5 expired" in nights.printed  # the lines of 13 March are counted


def test_retention_customers_5_years_after_the_last_contract(nights: Nights) -> None:
    assert nights.people_after_first >= CONTRACT_ENDS.keys()
    left = people_of(nights.installation)
    assert left == nights.people_after_first - {"gone"}


def test_retention_end_is_proven_by_a_certificate_that_holds(nights: Nights) -> None:
    (issued,) = nights.installation.ledger.entries("certificate_issued")
    name = str(issued.facts["certificate"])
    retention.check_certificate(nights.installation, name)
    certificate = path_of(nights.installation, name).read_text()
    assert "traffic/2024-03-14" in certificate
    assert "retention_customers" in certificate
    assert nights.installation.ledger.verify().is_intact


def test_collected_non_personal_statistics_identify_nobody(nights: Nights) -> None:
    places = nights.installation.places
    published = b"".join(path.read_bytes() for path in places.releases.rglob("*") if path.is_file())
    for value in (EMAIL, "203.0.113.", AGENT, "Durand", "seldom"):
        assert value.encode() not in published
    threshold = nights.installation.charter.publication.threshold
    shown = 0
    for measure in statistics.measures(places):
        found = statistics.read(places, measure.name)
        shown += len(found)
        # hours of the week hold sums of published hours alone, and nobody is counted
        people = found[measure.base if measure.people is None else measure.people.name].dropna()
        assert (people >= threshold).all(), measure.name
    assert shown  # there is something to look at


def test_no_transfer_outside_eu_a_night_calls_nobody(nights: Nights) -> None:
    assert nights.calls == ""


def test_purposes_each_table_serves_one_that_the_text_names() -> None:
    charter = load(SOURCE_ROOT / "charter.toml")
    clauses = {table.name: charter.purposes[table.purpose].clause for table in catalog.TABLES}
    by_law = {"answer_deadline"}  # what the text promises to people, and the law asks for
    assert {clause for clause in clauses.values() if not clause.startswith("purpose_")} == by_law
    assert {"purpose_questions", "purpose_improvement", "purpose_statistics"} <= set(clauses.values())


def test_right_access_is_answered_with_purposes_recipients_and_periods(
    nights: Nights, tmp_path: Path
) -> None:
    installation, charter = nights.installation, nights.installation.charter
    request_id = rights.open_request(
        installation, right="access", received_on=date(2025, 3, 14), channel="post",
        name="Marie Durand", email=EMAIL, phone=None, addresses=[], at=AT,
    )  # fmt: skip
    rights.gather(installation, request_id, AT)
    rights.approve(installation, request_id, "dpo", AT)
    page = page_of(rights.deliver(installation, request_id, tmp_path, AT))
    assert EMAIL in page
    assert "Customer " not in page  # nobody else
    for recipient in charter.recipients.values():
        assert recipient.name in page
    for right in charter.rights.values():
        assert right.name in page
    for kept in ("people", "contracts"):
        table = catalog.table(kept)
        assert charter.purposes[table.purpose].name in page
        assert str(charter.retention[table.retention].period) in page
    assert charter.controller.contact in page
    assert charter.controller.supervisory_authority in page


def test_objection_refusal_and_answer_deadline_a_refusal_names_its_ground(
    nights: Nights, tmp_path: Path
) -> None:
    installation, charter = nights.installation, nights.installation.charter
    request_id = rights.open_request(
        installation, right="objection", received_on=date(2025, 3, 14), channel="post",
        name="Marie Durand", email=None, phone=None, addresses=[], at=AT,
    )  # fmt: skip
    (waiting,) = [
        r for r in rights.requests(installation, on=date(2025, 3, 15)) if r.request_id == request_id
    ]
    assert waiting.due_on == date(2025, 4, 14)
    rights.refuse(installation, request_id, "objection_refusal", AT)
    page = page_of(rights.deliver(installation, request_id, tmp_path, AT))
    assert charter.clauses["objection_refusal"].sentence.rstrip(".") in page
    assert charter.controller.supervisory_authority in page


def page_of(answer: Path) -> str:
    with zipfile.ZipFile(answer) as archive:
        return " ".join(html.unescape(archive.read("answer.html").decode()).split())
