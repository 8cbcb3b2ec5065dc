"""Requests of a year by right, and how long their answers took."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import pytest

from pipelines.installation import Installation
from pipelines.statistics import measure_months, staging
from pipelines.statistics.measures import PRIVACY_REQUESTS
from tests.statistics.sites import as_arrow, select

RECEIVED = date(2025, 3, 3)
NIGHT = date(2026, 4, 5)  # more than three months after the year


def request(number: int, right: str = "access", days: int | None = 5, **columns: Any) -> dict[str, Any]:
    received = columns.pop("received_on", RECEIVED)
    return {
        "request_id": f"R-{number}", "requested_right": right, "received_on": received,
        "due_on": received + timedelta(days=30), "channel": "post", "name": f"Person {number}",
        "email": f"p{number}@example.org", "phone": None, "status": "answered",
        "identity_checked_on": None, "answered_on": None if days is None else received + timedelta(days=days),
    } | columns  # fmt: skip


def measured(
    installation: Installation, requests: Iterable[dict[str, Any]], night: date = NIGHT
) -> dict[tuple[str, str], tuple[int, int]] | None:
    """Right and time → requests and people of 2025; None where the year is not measured."""
    with installation.vault.workshop() as workshop:
        workshop.connection.register("given", as_arrow("requests", list(requests)))
        workshop.revise("rights", {"requests": select("requests", "given")})
    measure_months(installation, day=night)
    if "2025" not in staging.staged(installation.places.releases):
        return None
    rows = staging.rows_of(installation.places.releases, "2025", PRIVACY_REQUESTS)
    return {
        (str(row["requested_right"]), str(row["answered_within"])): (row["requests"], row["people"])  # type: ignore[misc]
        for row in rows
    }


def test_requests_are_counted_by_right_and_time(installation: Installation) -> None:
    found = measured(installation, [
        *(request(n, "access", 7) for n in range(12)), *(request(100 + n, "access", 8) for n in range(11)),
        *(request(200 + n, "erasure", 30) for n in range(10)), *(request(300 + n, "erasure", 31) for n in range(13)),
        *(request(400 + n, "objection", None) for n in range(10)),
    ])  # fmt: skip
    assert found == {
        ("access", "0-7"): (12, 12), ("access", "8-30"): (11, 11), ("erasure", "8-30"): (10, 10),
        ("erasure", "31-92"): (13, 13), ("objection", "open"): (10, 10),
    }  # fmt: skip


def test_times_of_few_are_folded_into_their_right_and_rights_of_few_into_the_time(
    installation: Installation,
) -> None:
    found = measured(installation, [
        *(request(n, "access", 3) for n in range(6)), *(request(100 + n, "access", 20) for n in range(6)),
        *(request(200 + n, "erasure", 20) for n in range(5)), *(request(300 + n, "objection", 20) for n in range(5)),
    ])  # fmt: skip
    assert found == {("access", "(other)"): (12, 12), ("(other)", "8-30"): (10, 10)}


def test_a_year_of_few_requests_shows_nothing_and_is_final(installation: Installation) -> None:
    assert measured(installation, [request(n) for n in range(9)]) == {}
    assert measured(installation, [request(n) for n in range(40)]) == {}


@pytest.mark.parametrize(("night", "is_measured"), [(date(2026, 4, 2), False), (date(2026, 4, 3), True)])
def test_a_year_waits_for_the_last_answer_that_the_law_allows(
    installation: Installation, night: date, is_measured: bool
) -> None:
    """The 92 days after 31 December end on 2 April, which is complete on the next night."""
    found = measured(installation, [request(n) for n in range(12)], night)
    assert (found is not None) is is_measured


def test_one_person_who_asks_often_counts_like_once_a_month(installation: Installation) -> None:
    often = [request(n, name="X", email="x@example.org") for n in range(40)]
    found = measured(installation, [*often, *(request(100 + n) for n in range(20))])
    assert found == {("access", "0-7"): (12 + 20, 21)}
