"""Every life story that retention and rights must tell apart is among the invented contacts."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime

import email_validator
import phonenumbers
import pytest

from pipelines import charter
from pipelines.catalog import table
from pipelines.periods import Period
from pipelines.places import SOURCE_ROOT
from pipelines.synthetic.clock import ZONE
from pipelines.synthetic.contacts import FILES, people_needed
from pipelines.synthetic.lives import STORIES

DAY = date(2026, 11, 22)
FIVE_YEARS, THREE_YEARS = Period(months=60), Period(months=36)
BAD_REFS = {"", "C90001", "C90003"}


@pytest.fixture
def terms(records):
    """The ends of each customer's contracts, None while one runs; bad records left out."""
    ends: dict[str, list[date | None]] = defaultdict(list)
    for contract in records("contracts"):
        if contract["contract_ref"] and not contract["contract_ref"].startswith("K9"):
            ends[contract["person_ref"]].append(
                date.fromisoformat(contract["ended_on"]) if contract["ended_on"] else None
            )
    return list(ends.values())


def years_ago(number: int) -> date:
    return date(DAY.year - number, DAY.month, DAY.day)


@pytest.mark.parametrize(
    "ends",
    [
        [None],
        [years_ago(4)],
        [years_ago(6)],
        [years_ago(6), None],
        [years_ago(6), years_ago(4)],
        [years_ago(3), None],
        [date(2021, 11, 22)],  # the last day of the five years
        [date(2021, 11, 21)],  # the first after it
        [date(2027, 5, 22)],  # a notice was given, and the contract still runs
    ],
)
def test_every_end_of_contracts_is_there(terms, ends):
    assert ends in terms


def test_most_customers_are_kept_and_a_few_are_not(terms):
    over = [ends for ends in terms if None not in ends and FIVE_YEARS.is_over(max(ends), DAY)]
    assert 10 <= len(over) <= 0.1 * len(terms)


def test_a_renewal_begins_on_the_day_after_the_end(records):
    contracts = {one["contract_ref"]: one for one in records("contracts")}
    renewed = [
        (date.fromisoformat(contracts[f"{ref[:-2]}-1"]["ended_on"]), date.fromisoformat(one["started_on"]))
        for ref, one in contracts.items()
        if ref.endswith("-2")
    ]
    assert any((start - end).days == 1 for end, start in renewed)


def test_prospects_are_fresh_or_silent_for_more_than_three_years(records):
    customers = {one["person_ref"] for one in records("contracts")}
    last: dict[str, date] = {}
    for one in records("messages"):
        if one["person_ref"] and one["person_ref"] not in customers:
            on = datetime.fromisoformat(one["recorded_at"]).astimezone(ZONE).date()
            last[one["person_ref"]] = max(on, last.get(one["person_ref"], on))
    silent = [ref for ref, on in last.items() if THREE_YEARS.is_over(on, DAY)]
    assert 0 < len(silent) < 0.1 * len(last)


def test_a_newsletter_is_given_then_withdrawn(records):
    actions: dict[str, list[str]] = defaultdict(list)
    for one in sorted(records("consents"), key=lambda one: one["recorded_at"]):
        if one["purpose"] == "newsletter":
            actions[one["email"]].append(one["action"])
    assert ["given"] in actions.values()
    assert ["given", "withdrawn"] in actions.values()


def test_purposes_of_consents_are_those_of_the_charter(records):
    known = {*charter.load(SOURCE_ROOT / "charter.toml").purposes, "marketing", "third_parties"}
    good = [one for one in records("consents") if not one["consent_ref"].startswith("S9")]
    assert {one["purpose"] for one in good} <= known
    assert {one["action"] for one in records("consents")} == {"given", "withdrawn", "objected"}


def test_the_same_person_is_known_to_both_systems_by_a_verified_address(records):
    sources: dict[str, set[str]] = defaultdict(set)
    for one in records("people"):
        if one["email_verified"] == "true":
            sources[one["email"].lower()].add(one["source"])
    assert sum(known == {"crm", "website"} for known in sources.values()) == 20


def test_somebody_else_typed_an_address_without_proof(records):
    owners = {one["email"].lower(): one["name"] for one in records("people") if one["source"] == "crm"}
    others = [
        one
        for one in records("people")
        if one["source"] == "website" and one["email_verified"] == "false" and one["email"].lower() in owners
    ]
    assert len(others) == 8
    assert all(owners[one["email"].lower()] != one["name"] for one in others)


@pytest.mark.parametrize(
    ("kind", "column", "values"),
    [
        (
            "messages",
            "kind",
            {"form", "appointment", "newsletter", "survey", "chatbot", "e-mail", "testimonial"},
        ),
        ("cookies", "cookie_type", {"essential", "functional", "performance"}),
        ("cookies", "choice", {"accepted", "refused"}),
    ],
)
def test_every_kind_is_there(records, kind, column, values):
    assert {one[column] for one in records(kind)} - {"telepathy"} == values


def test_some_messages_are_of_nobody_known(records):
    assert any(not one["person_ref"] and one["email"] for one in records("messages"))


def test_bad_records_are_there_to_be_refused(records):
    people, contracts = records("people"), records("contracts")
    assert {one["person_ref"] for one in people} >= BAD_REFS
    assert any(one["ended_on"] == "9999-12-31" for one in contracts)
    assert any("" != one["ended_on"] < one["started_on"] for one in contracts)
    assert any(one["ended_on"] == "2015-02-30" for one in contracts)
    assert any(one["kind"] == "telepathy" for one in records("messages"))


def test_a_column_that_no_table_takes_is_there_to_be_dropped(records):
    assert "loyalty_points" in records("people")[0]
    assert "loyalty_points" not in table("people").column_names


def test_nothing_was_recorded_on_the_day_of_the_run_or_later(records):
    for kind in ("people", "contracts", "messages", "consents", "cookies"):
        for one in records(kind):
            if one["recorded_at"] != "the day before":
                assert datetime.fromisoformat(one["recorded_at"]).astimezone(ZONE).date() < DAY


def test_good_addresses_and_numbers_are_valid_and_reach_nobody(records):
    for one in records("people"):
        if one["person_ref"] not in BAD_REFS:
            email_validator.validate_email(one["email"], check_deliverability=False)
            assert one["email"].rpartition("@")[2].endswith(("example.org", "example.net", "example.com"))
        if one["phone"]:
            assert phonenumbers.is_valid_number(phonenumbers.parse(one["phone"], one["country"])), one[
                "phone"
            ]


def test_an_address_of_several_lines_survives_the_csv(records):
    assert any("\n" in one["postal_address"] for one in records("people"))


def test_a_body_may_be_a_formula_in_a_spreadsheet(records):
    assert any(one["body"].startswith("=") for one in records("messages"))


def test_references_are_used_once(records):
    for kind, ref in (
        ("people", "person_ref"), ("contracts", "contract_ref"), ("messages", "message_ref"),
        ("consents", "consent_ref"), ("cookies", "choice_ref"),
    ):  # fmt: skip
        refs = [(one["source"], one[ref]) for one in records(kind)]
        assert len(set(refs)) == len(refs), kind


def test_a_few_hundred_people_live_every_story(records):
    assert people_needed() == sum(story.people for story in STORIES) + 8
    assert 300 < len(records("people")) < 600
    assert len({story.name for story in STORIES}) == len(STORIES)


def test_columns_are_those_of_the_contract(landing):
    for name, columns in FILES.items():
        if name.endswith(".csv"):
            header = (landing / "contacts" / name).read_bytes().split(b"\r\n", 1)[0].decode()
            assert tuple(header.split(",")) == columns
