"""Records with a clock of their own go though their person stays; what they stood for does not come back."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from pipelines import retention
from pipelines.installation import Installation

DAY = date(2026, 11, 22)
YESTERDAY = datetime(2026, 11, 21, 12)  # noqa: DTZ001 the vault is naive UTC
LATER, EARLIER = datetime(2026, 11, 1, 10), datetime(2022, 1, 1, 10)  # noqa: DTZ001 the vault is naive UTC


def record(person: str, column: str, ref: str, at: datetime, **more: str) -> dict[str, Any]:
    return {"person_id": person, "source": "crm", column: ref, "recorded_at": at, **more}


def test_each_record_goes_with_its_own_period_and_the_customer_stays(
    installation: Installation, purge: Any, contents: Any, people: Any, stories: Any, at: datetime
) -> None:
    me = stories(1, contact=date(2026, 1, 1))["people"][0]["person_id"]
    kinds = ("survey", "chatbot", "testimonial", "form")
    people(
        stories(1, contact=date(2026, 1, 1), contracts=[(date(2020, 1, 1), None)]),
        messages=[record(me, "message_ref", f"{kind}-{when.year}", when, kind=kind)
                  for kind in kinds for when in (EARLIER, LATER)],
        cookies=[record(me, "choice_ref", f"{kind}-{when.year}", when, cookie_type=kind)
                 for kind in ("essential", "functional", "performance") for when in (EARLIER, LATER)],
        consents=[
            record(me, "consent_ref", "g1", datetime(2021, 1, 1), purpose="newsletter", action="given"),  # noqa: DTZ001
            record(me, "consent_ref", "w1", EARLIER, purpose="newsletter", action="withdrawn"),
            record(me, "consent_ref", "g2", LATER, purpose="newsletter", action="given"),
            record(me, "consent_ref", "o1", EARLIER, purpose="marketing", action="objected"),
        ],
    )  # fmt: skip
    assert {item.category: dict(item.rows or {}) for item in retention.plan(installation, day=DAY).items} == {
        "surveys": {"messages": 1}, "chatbot": {"messages": 1}, "testimonials": {"messages": 1},
        "cookies_essential": {"cookies": 2}, "cookies_functional": {"cookies": 1},
        "cookies_performance": {"cookies": 1}, "newsletter": {"consents": 2},
    }  # fmt: skip
    assert purge(installation, at).is_complete
    left = contents(installation)
    assert {row[2] for row in left["messages"]} == {
        "survey-2026", "chatbot-2026", "testimonial-2026", "form-2022", "form-2026",
    }  # fmt: skip
    assert {row[2] for row in left["cookies"]} == {"functional-2026", "performance-2026"}
    assert {row[2] for row in left["consents"]} == {"g2", "o1"}  # an objection lasts as long as its person
    assert [row[1] for row in left["people"]] == ["canary name 1"]
    assert len(left["tombstones"]) == 9
    assert purge(installation, at).outcomes == ()


def test_a_testimonial_goes_once_its_author_no_longer_agrees(
    installation: Installation, purge: Any, contents: Any, people: Any, stories: Any, at: datetime
) -> None:
    me = stories(1, contact=date(2026, 1, 1))["people"][0]["person_id"]
    people(
        stories(1, contact=date(2026, 11, 1)),
        messages=[record(me, "message_ref", "t", LATER, kind="testimonial")],
        consents=[record(me, "consent_ref", "w", YESTERDAY, purpose="testimonials", action="withdrawn")],
    )
    purge(installation, at, date(2026, 11, 21))
    assert "t" in {row[2] for row in contents(installation)["messages"]}
    purge(installation, at, date(2026, 11, 22))
    assert {row[2] for row in contents(installation)["messages"]} == {"m1"}


def test_who_withdrew_is_remembered_by_that_alone_until_its_period_is_over(
    installation: Installation, purge: Any, contents: Any, people: Any, stories: Any, at: datetime
) -> None:
    """Without the withdrawal and the e-mail address it holds for, the next export would write to them again."""
    me = stories(1, contact=date(2020, 1, 1))["people"][0]["person_id"]
    withdrawn_at = datetime(2024, 5, 1, 10)  # noqa: DTZ001
    people(
        stories(1, contact=date(2020, 1, 1)),
        stories(2, contact=date(2026, 11, 1)), stories(3, contact=date(2026, 11, 1)),
        stories(4, contact=date(2026, 11, 1)), stories(5, contact=date(2026, 11, 1)),
        consents=[
            record(me, "consent_ref", "g", EARLIER, purpose="newsletter", action="given"),
            record(me, "consent_ref", "w", withdrawn_at, purpose="newsletter", action="withdrawn"),
        ],
    )  # fmt: skip
    (item,) = retention.plan(installation, day=DAY).items
    assert dict(item.rows or {}) == {"consents": 1, "messages": 1, "names": 1}
    assert purge(installation, at).is_complete
    left = contents(installation)
    (row,) = [row for row in left["people"] if row[0] == uuid.UUID(me)]
    assert row[1:3] == (None, None)
    assert "p1@canary.example" in {row[3] for row in left["identifiers"]}
    assert [row[2] for row in left["consents"]] == ["w"]
    assert purge(installation, at).outcomes == ()
    assert purge(installation, at, date(2027, 5, 1)).outcomes == ()
    assert purge(installation, at, date(2027, 5, 2)).is_complete
    assert "p1@canary.example" not in {row[3] for row in contents(installation)["identifiers"]}


def test_dates_that_cannot_be_right_are_reported_and_nothing_of_them_is_destroyed(
    installation: Installation, people: Any, stories: Any
) -> None:
    current = date(2026, 10, 1)
    people(
        stories(1, contact=current, contracts=[(date(2020, 1, 1), date(2250, 1, 1))]),
        stories(2, contact=date(2019, 1, 1), contracts=[(date(2019, 1, 1), None)]),
        stories(3, contact=current, contracts=[(date(1920, 1, 1), None)]),
        stories(4, contact=current, contracts=[(date(2020, 1, 1), None)]),
    )
    plan = retention.plan(installation, day=DAY)
    assert plan.is_empty
    said = retention.describe(plan)[1:]
    assert [line.split()[2] for line in said] == ["1", "1", "1"]
    assert all("IN DOUBT" in line and "correct the end at the source" in line for line in said)
