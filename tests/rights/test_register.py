"""The register: deadlines as the law counts them, steps in order, and only opaque ids outside."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from pipelines import rights
from pipelines.errors import LedgerError, RightsError
from pipelines.installation import Installation

CANARIES = ("Zoé Canary", "zoe@canary.example", "+33612345678", "203.0.113.77", "2001:db8:77::1")


def zoe(ask: Callable[..., str], at: datetime, **more: Any) -> str:
    moment = at - timedelta(days=30)
    return ask(
        name=CANARIES[0], email=" ZOE@Canary.example ", phone="06 12 34 56 78",
        addresses=[(CANARIES[3], moment), (CANARIES[4], moment)], **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("received_on", "due_on"),
    [
        (date(2026, 3, 5), date(2026, 4, 7)),  # 5 April 2026 is Easter Sunday, the 6th Easter Monday
        (date(2021, 8, 31), date(2021, 9, 30)),  # no 31st: the last day of the month
        (date(2024, 1, 31), date(2024, 2, 29)),
        (date(2026, 4, 1), date(2026, 5, 4)),  # 1 May is a holiday in France, then a weekend
        (date(2026, 11, 25), date(2026, 12, 28)),  # Christmas Day, then a weekend
        (date(2026, 12, 1), date(2027, 1, 4)),  # New Year's Day of the year after, then a weekend
    ],
)
def test_due_day(installation: Installation, received_on: date, due_on: date) -> None:
    assert rights.due_on(installation.charter, received_on) == due_on


def test_request_is_held_sealed_and_only_its_id_is_seen(
    installation: Installation, ask: Callable[..., str], at: datetime
) -> None:
    request_id = zoe(ask, at)
    assert re.fullmatch(r"R-[2-9A-Z]{4}-[2-9A-Z]{4}", request_id)
    with installation.vault.workshop() as workshop:
        workshop.open("rights")
        held = repr(workshop.connection.execute("FROM requests").fetchall())
        held += repr(workshop.connection.execute("FROM request_addresses").fetchall())
    for canary in CANARIES:
        assert canary in held  # normalised, and the positive control of what follows
    everything = b"".join(
        path.read_bytes() for path in installation.places.vault.parent.rglob("*") if path.is_file()
    )
    for canary in CANARIES:
        assert canary.encode() not in everything
    (entry,) = installation.ledger.entries("request_opened")
    assert dict(entry.facts) == {"request": request_id, "right": "access", "due_on": "2026-12-21"}


def test_ids_tell_nothing_and_differ(ask: Callable[..., str]) -> None:
    assert ask(email="a@b.example") != ask(email="a@b.example")


@pytest.mark.parametrize(
    "wrong",
    [
        {"right": "rubbish"},
        {"channel": "pigeon"},
        {"received_on": date(2026, 11, 23)},
        {"email": "zoe canary.example"},
        {"phone": "canary"},
        {"addresses": [("canary", datetime(2026, 1, 1))]},  # noqa: DTZ001
        {"addresses": [("203.0.113.77", datetime(2026, 1, 1))]},  # noqa: DTZ001 no time zone
        {"addresses": [("203.0.113.77", datetime.fromisoformat("2026-12-01T00:00+00:00"))]},
    ],
)
def test_what_cannot_be_is_refused_without_quoting_it(ask: Callable[..., str], wrong: dict[str, Any]) -> None:
    with pytest.raises(RightsError) as refusal:
        ask(**wrong)
    for word in ("canary", "203.0.113.77", "rubbish", "pigeon"):
        assert word not in str(refusal.value)


def test_pending_and_overdue_count_the_days(installation: Installation, ask: Callable[..., str]) -> None:
    late = ask(
        email="a@b.example", received_on=date(2026, 10, 1)
    )  # due Monday 2 November: All Saints' was a Sunday
    soon = ask(email="c@d.example", received_on=date(2026, 11, 20))
    on = date(2026, 11, 22)
    assert [(one.request_id, one.days_left) for one in rights.requests(installation, on=on)] == [
        (late, -20),
        (soon, 29),
    ]
    assert [one.request_id for one in rights.overdue(installation, on=on)] == [late]
    assert rights.overdue(installation, on=date(2026, 11, 2)) == []


def test_steps_go_in_order_and_can_be_repeated(
    installation: Installation, ask: Callable[..., str], at: datetime
) -> None:
    request_id = ask(email="a@b.example")
    for step in (lambda: rights.approve(installation, request_id, "dpo", at),
                 lambda: rights.answer(installation, request_id, at)):  # fmt: skip
        with pytest.raises(RightsError, match=f"{request_id} is received"):
            step()
    rights.gather(installation, request_id, at)
    rights.gather(installation, request_id, at)
    rights.approve(installation, request_id, by="dpo", at=at)
    rights.approve(installation, request_id, by="dpo", at=at)
    rights.answer(installation, request_id, at)
    rights.answer(installation, request_id, at)
    assert rights.requests(installation, on=date(2026, 11, 22)) == []
    with pytest.raises(RightsError, match="answered"):
        rights.gather(installation, request_id, at)
    events = [entry.event for entry in installation.ledger.entries()]
    assert events == [
        "request_opened", "stores_opened", "request_gathered", "stores_opened", "request_gathered",
        "request_approved", "request_answered",
    ]  # fmt: skip
    assert all(entry.facts["request"] == request_id for entry in installation.ledger.entries())


def test_new_gathering_takes_the_approval_back(
    installation: Installation, ask: Callable[..., str], at: datetime
) -> None:
    request_id = ask(email="a@b.example")
    rights.gather(installation, request_id, at)
    rights.approve(installation, request_id, "dpo", at)
    rights.gather(installation, request_id, at)
    with pytest.raises(RightsError, match="is gathered"):
        rights.answer(installation, request_id, at)


def test_dates_of_identity_and_answer_are_kept(
    installation: Installation, ask: Callable[..., str], at: datetime
) -> None:
    request_id = ask(email="a@b.example")
    rights.gather(installation, request_id, at)
    rights.approve(installation, request_id, "dpo", at)
    rights.answer(installation, request_id, at + timedelta(days=1))
    with installation.vault.workshop() as workshop:
        workshop.open("rights")
        row = workshop.connection.execute(
            "SELECT status, identity_checked_on, answered_on FROM requests"
        ).fetchone()
    assert row == ("answered", date(2026, 11, 22), date(2026, 11, 23))


def test_who_approves_is_a_user_id(installation: Installation, ask: Callable[..., str], at: datetime) -> None:
    request_id = ask(email="a@b.example")
    rights.gather(installation, request_id, at)
    for by in ("dpo@canary.example", "", "Zoé Canary"):
        with pytest.raises((RightsError, LedgerError), match="user id"):
            rights.approve(installation, request_id, by, at)


@pytest.mark.parametrize("wrong", ["R-2222-2222", "zoe@canary.example", "../../etc"])
def test_unknown_request_is_an_error_that_quotes_no_value(
    installation: Installation, at: datetime, wrong: str
) -> None:
    with pytest.raises(RightsError) as refusal:
        rights.gather(installation, wrong, at)
    assert ("R-2222-2222" in str(refusal.value)) is wrong.startswith("R-")
    assert "canary" not in str(refusal.value)


def test_one_request_changes_no_other(
    installation: Installation, ask: Callable[..., str], at: datetime
) -> None:
    first, second = ask(email="a@b.example"), ask(email="c@d.example")
    rights.gather(installation, first, at)
    assert {one.request_id: one.status for one in rights.requests(installation, on=date(2026, 11, 22))} == {
        first: "gathered", second: "received",
    }  # fmt: skip
