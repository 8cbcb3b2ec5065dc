"""The purge: due to the day, confirmed by content, and no survivor lost."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from dateutil.relativedelta import relativedelta

from pipelines import retention
from pipelines.contacts.tombstones import fingerprint, record_value
from pipelines.errors import RetentionError
from pipelines.installation import Installation
from pipelines.retention import due

DAY = date(2026, 11, 22)
GONE, KEPT = date(2025, 11, 21), date(2025, 11, 22)  # the day before last year's day, and that day


@pytest.mark.usefixtures("mixed")
def test_plan_names_what_is_due_and_nothing_else(installation: Installation) -> None:
    plan = retention.plan(installation, day=DAY)
    assert [item.store for item in plan.items_of("traffic")] == [
        "traffic/2025-11-19", "traffic/2025-11-20", "traffic/2025-11-21",
    ]  # fmt: skip
    assert plan.items_of("pseudonym") == []  # the 22nd still needs the key of November
    assert {item.category: dict(item.rows or {}) for item in plan.items_of("contacts")} == {
        "customers": {"people": 1, "identifiers": 2, "contracts": 2},  # one contract of somebody who stays
        "prospects": {"people": 1, "identifiers": 2, "messages": 1},
    }
    assert plan.traffic_before == KEPT
    assert plan.survivors["contacts people"] == 5
    assert plan.counts == {"days": 3, "month_keys": 0, "people": 2, "rows": 3 * 4 + 5 + 4}


@pytest.mark.usefixtures("mixed")
def test_purge_removes_what_is_due_and_leaves_every_other_row_as_it_was(
    contents: Any, purge: Any, installation: Installation, at: datetime
) -> None:
    before = contents(installation)
    verification = purge(installation, at, by_human=True)
    after = contents(installation)
    assert verification.is_complete
    assert verification.counts == {"gone": 5, "still_present": 0, "could_not_check": 0, "certificates": 1}
    assert installation.vault.stores("traffic") == ["traffic/2025-11-22", "traffic/2026-11-21"]
    names = {row[1] for row in after["people"]}
    assert names == {f"canary name {number}" for number in (1, 3, 4, 5, 6)}
    assert set(after["people"]) < set(before["people"])
    assert {row[2] for row in after["contracts"]} == {"c1-0", "c4-0", "c4-1"}
    assert set(after["contracts"]) < set(before["contracts"])


@pytest.mark.usefixtures("mixed")
def test_those_who_went_are_known_by_fingerprint_alone(
    contents: Any, purge: Any, installation: Installation, at: datetime
) -> None:
    purge(installation, at, by_human=True)
    stones = {row[0]: (row[1], row[2]) for row in contents(installation)["tombstones"]}
    keyring = installation.keyring
    expected = {
        fingerprint(keyring, "email", "p0@canary.example"),
        fingerprint(keyring, "record", record_value("crm", "ref0")),
        fingerprint(keyring, "contracts", record_value("crm", "c0-0")),
        fingerprint(keyring, "email", "p2@canary.example"),
        fingerprint(keyring, "record", record_value("crm", "ref2")),
        fingerprint(keyring, "messages", record_value("crm", "m2")),
        fingerprint(keyring, "contracts", record_value("crm", "c6-0")),  # of somebody who stays
    }
    assert set(stones) == expected
    assert set(stones.values()) == {(DAY, "purge")}


@pytest.mark.usefixtures("mixed")
def test_rerun_with_nothing_left_is_no_certificate_and_no_new_line(
    purge: Any, installation: Installation, at: datetime
) -> None:
    assert purge(installation, at, by_human=True).certificates
    purge(installation, at)
    lines = list(installation.ledger.entries())
    verification = purge(installation, at)
    assert verification.outcomes == ()
    assert verification.certificates == ()
    assert "No purge waits for its proof" in verification.describe()[0]
    assert list(installation.ledger.entries()) == lines


def test_empty_installation_has_nothing_due(purge: Any, installation: Installation, at: datetime) -> None:
    plan = retention.plan(installation, day=DAY)
    assert plan.is_empty
    assert retention.describe(plan) == ["Nothing is due on 2026-11-22."]
    assert purge(installation, at).counts["certificates"] == 0
    entry = list(installation.ledger.entries("purge_applied"))[-1]
    assert entry.facts["traffic_before"] == "2025-11-22"


def test_month_key_goes_with_the_last_day_that_needs_it(
    purge: Any, installation: Installation, traffic: Callable[..., None], at: datetime
) -> None:
    traffic(date(2025, 10, 31), date(2025, 11, 1))
    assert purge(installation, at, date(2026, 10, 31)).counts["gone"] == 0
    assert purge(installation, at, date(2026, 11, 1)).counts["gone"] == 2
    assert installation.keyring.names("pseudonym/") == ["pseudonym/2025-11"]
    assert installation.vault.stores("traffic") == ["traffic/2025-11-01"]


def test_clock_moved_day_by_day_over_14_months_is_never_early_nor_late(
    installation: Installation, traffic: Callable[..., None]
) -> None:
    """Against dateutil, over a leap day and four clock changes; days are named, so empty stores will do."""
    first = date(2023, 1, 1)
    days = [first + timedelta(days=n) for n in range(430)]
    for day in days:
        (installation.vault.root / f"traffic/{day}").mkdir(parents=True)
    period = installation.charter.retention["traffic"].period
    last = {f"traffic/{day}": day + relativedelta(months=12) for day in days}
    for clock in (date(2024, 1, 1) + timedelta(days=n) for n in range(430)):
        expected = [store for store, kept_until in last.items() if kept_until < clock]
        assert due.expired_days(installation.vault, period, clock) == expected


def test_people_leave_on_their_day_whatever_the_calendar(
    installation: Installation, people: Callable[..., None], stories: Any
) -> None:
    """Ends on and around 29 February, each watched over the days around its fifth anniversary."""
    ends = [date(2024, 2, 28) + timedelta(days=n) for n in range(3)]
    people(
        *[
            stories(n, contact=date(2020, 1, 1), contracts=[(date(2019, 1, 1), end)])
            for n, end in enumerate(ends)
        ]
    )
    for clock in (date(2029, 2, 26) + timedelta(days=n) for n in range(6)):
        expected = sum(end + relativedelta(years=5) < clock for end in ends)
        assert retention.plan(installation, day=clock).counts["people"] == expected


@pytest.mark.usefixtures("mixed")
def test_stale_token_destroys_nothing(
    installation: Installation, traffic: Callable[..., None], at: datetime
) -> None:
    plan = retention.plan(installation, day=DAY)
    traffic(GONE, hits=1)  # one row more in one day that is due
    with pytest.raises(RetentionError, match="not that of what is due now"):
        retention.apply(installation, plan, token=plan.token, at=at, by_human=True)
    assert f"traffic/{GONE}" in installation.vault.stores("traffic")
    assert list(installation.ledger.entries()) == []


@pytest.mark.usefixtures("mixed")
def test_token_hashes_the_content_and_not_the_arguments(
    installation: Installation, people: Callable[..., None], stories: Any
) -> None:
    plan = retention.plan(installation, day=DAY)
    assert retention.plan(installation, day=DAY).token == plan.token
    assert dataclasses.replace(plan, day=date(2026, 11, 23)).token == plan.token
    assert dataclasses.replace(plan, traffic_before=GONE).token != plan.token
    assert dataclasses.replace(plan, items=plan.items[1:]).token != plan.token
    people(  # the same counts, other people
        stories(10, contact=date(2020, 1, 1), contracts=[(date(2015, 1, 1), date(2021, 11, 21))]),
        stories(12, contact=date(2023, 11, 21)),
    )
    assert retention.plan(installation, day=DAY).token != plan.token


@pytest.mark.usefixtures("mixed")
def test_out_of_bounds_stops_the_night_with_the_cure_and_a_human_may_confirm(
    installation: Installation, at: datetime
) -> None:
    plan = retention.plan(installation, day=DAY)  # 2 people of 7, and the charter allows a fifth
    with pytest.raises(RetentionError, match=f"2 of 7 people .*charter purge apply {plan.token}"):
        retention.apply(installation, plan, token=plan.token, at=at)
    assert any("OUT OF BOUNDS" in line for line in retention.describe(plan))
    assert len(installation.vault.stores("traffic")) == 5
    retention.apply(installation, plan, token=plan.token, at=at, by_human=True)
    assert len(installation.vault.stores("traffic")) == 2


@pytest.mark.parametrize(("days", "exceeds"), [(31, False), (32, True)])
def test_bound_of_days_is_where_the_charter_says(
    installation: Installation, days: int, exceeds: bool
) -> None:
    for number in range(days):
        (installation.vault.root / "traffic" / str(GONE - timedelta(days=number))).mkdir(parents=True)
    assert bool(retention.plan(installation, day=DAY).exceeds) is exceeds


def test_records_that_belong_to_nobody_have_a_clock_too(
    contents: Any,
    purge: Any,
    installation: Installation,
    people: Callable[..., None],
    stories: Any,
    at: datetime,
) -> None:
    people(
        stories(0, contact=date(2026, 1, 1)),
        contact_rejects=[{"received_on": date(2023, 11, 21)}, {"received_on": date(2023, 11, 22)}],
        imports=[{"received_on": date(2021, 11, 21)}, {"received_on": date(2021, 11, 22)}],
        tombstones=[{"fingerprint": b"a", "erased_on": date(2023, 11, 21)},
                    {"fingerprint": b"b", "erased_on": date(2023, 11, 22)}],
    )  # fmt: skip
    assert purge(installation, at).is_complete
    after = contents(installation)
    assert [len(after[name]) for name in ("people", "contact_rejects", "imports", "tombstones")] == [
        1,
        1,
        1,
        1,
    ]
    assert after["tombstones"][0][0] == b"b"


def test_answered_requests_lose_first_their_files_then_everything(
    contents: Any, purge: Any, installation: Installation, seal: Callable[..., None], at: datetime
) -> None:
    answers = {"R-1": date(2021, 11, 21), "R-2": date(2021, 11, 22), "R-3": date(2026, 10, 24), "R-4": None}
    seal("rights", {
        "requests": [{"request_id": key, "answered_on": day} for key, day in answers.items()],
        "request_addresses": [{"request_id": key} for key in answers],
        "packages": [{"request_id": key} for key in answers],
    })  # fmt: skip
    assert purge(installation, at).is_complete
    after = contents(installation, "rights")
    assert [row[0] for row in after["requests"]] == ["R-2", "R-3", "R-4"]
    assert [row[0] for row in after["packages"]] == ["R-3", "R-4"]
    assert purge(installation, at, DAY + timedelta(days=2)).counts["gone"] == 2
    assert [row[0] for row in contents(installation, "rights")["packages"]] == ["R-4"]


def test_describe_says_what_how_many_since_when_and_why(installation: Installation, mixed: None) -> None:
    text = "\n".join(retention.describe(retention.plan(installation, day=DAY)))
    for part in (
        "9 hits",
        "3 days",
        "2025-11-19 to 2025-11-21",
        "1 people",
        "clause retention_customers",
        "kept 12 months",
    ):
        assert part in text
