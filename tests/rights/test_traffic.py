"""A person's traffic: found by address and moment, and never somebody else's."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from pipelines import rights
from pipelines.installation import Installation

WHEN = datetime(2026, 10, 3, 12, 0, tzinfo=UTC)
THAT_DAY = date(2026, 10, 3)


def test_traffic_of_the_one_visitor_of_that_day(
    hits: Callable[..., None], ask: Callable[..., str], files: Callable[[str], dict[str, str]]
) -> None:
    hits(
        (THAT_DAY, WHEN, "203.0.113.7", 1, "/mine"),
        (THAT_DAY, WHEN + timedelta(hours=5), "203.0.113.7", 1, "/mine-later"),
        (THAT_DAY, WHEN + timedelta(hours=5), "203.0.113.7", 2, "/canary-other-browser-later"),
        (THAT_DAY, WHEN, "203.0.113.8", 3, "/canary-other-address"),
        (THAT_DAY + timedelta(days=1), WHEN + timedelta(days=1), "203.0.113.7", 1, "/canary-other-day"),
    )
    out = files(ask(addresses=[("203.0.113.7", WHEN + timedelta(minutes=30)), ("203.0.113.7", WHEN)]))
    rows = json.loads(out["data.json"])["tables"]["hits"]["rows"]
    assert [row["path"] for row in rows] == ["/mine", "/mine-later"]  # once, though asked twice
    assert "canary" not in "".join(out.values())
    assert json.loads(out["data.json"])["tables"]["hits"]["kept_until"] == "2027-10-03"


@pytest.mark.parametrize(("minutes", "outcome"), [(29, "shared"), (30, "shared"), (31, "found")])
def test_shared_address_is_not_disclosed(
    installation: Installation, hits: Callable[..., None], ask: Callable[..., str],
    files: Callable[[str], dict[str, str]], at: datetime, minutes: int, outcome: str,
) -> None:  # fmt: skip
    hits(
        (THAT_DAY, WHEN, "203.0.113.7", 1, "/mine"),
        (THAT_DAY, WHEN + timedelta(minutes=minutes), "203.0.113.7", 2, "/canary-theirs"),
    )
    request_id = ask(addresses=[("203.0.113.7", WHEN)])
    assert rights.gather(installation, request_id, at).outcomes == (outcome,)
    out = files(request_id)
    assert "/canary-theirs" not in "".join(out.values())
    assert ("/mine" in "".join(out.values())) is (outcome == "found")
    assert ("GDPR Art. 11)" in out["answer.html"]) is (outcome == "shared")
    assert ("hits.csv" in out) is (outcome == "found")


def test_moment_near_midnight_looks_at_both_local_days_and_months(
    installation: Installation, hits: Callable[..., None], ask: Callable[..., str], at: datetime
) -> None:
    before = datetime(2026, 10, 31, 22, 50, tzinfo=UTC)  # 23:50 in Paris, winter time
    hits(
        (date(2026, 10, 31), before, "203.0.113.7", 1, "/before"),
        (
            date(2026, 11, 1),
            before + timedelta(minutes=20),
            "203.0.113.7",
            9,
            "/after",
        ),  # the key of November
    )
    gathered = rights.gather(installation, ask(addresses=[("203.0.113.7", before)]), at)
    assert gathered.outcomes == ("found",)
    assert gathered.counts["hits"] == 2


@pytest.mark.parametrize("address", ["198.51.100.1", "2001:db8::1"])
def test_address_that_was_not_seen(
    installation: Installation, hits: Callable[..., None], ask: Callable[..., str], at: datetime, address: str
) -> None:
    hits((THAT_DAY, WHEN, "203.0.113.7", 1, "/canary"))
    request_id = ask(addresses=[(address, WHEN), (address, WHEN - timedelta(days=40))])
    assert rights.gather(installation, request_id, at).outcomes == ("nothing", "nothing")


def test_every_opening_is_in_the_ledger_under_the_request(
    installation: Installation, hits: Callable[..., None], ask: Callable[..., str], at: datetime
) -> None:
    hits((THAT_DAY, WHEN, "203.0.113.7", 1, "/x"))
    request_id = ask(addresses=[("203.0.113.7", WHEN)])
    rights.gather(installation, request_id, at)
    (entry,) = installation.ledger.entries("stores_opened")
    assert dict(entry.facts) == {
        "request": request_id, "reason": "request", "stores": ["contacts", "archive", "rights", "traffic/2026-10-03"],
    }  # fmt: skip
    assert installation.ledger.verify().is_intact
