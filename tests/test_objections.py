"""Who objects to statistics is left out of them from then on: by a browser's signal, or by an address given."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from pipelines import nightly, rights, statistics
from pipelines.installation import Installation
from pipelines.places import SOURCE_ROOT
from pipelines.statistics import staging
from pipelines.statistics.measures import DAILY

FIRST = date(2026, 11, 18)
FORMAT = """
[traffic.formats.ours]
directive = '''
log_format ours '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
                '"$http_referer" "$http_user_agent" "$http_dnt" "$http_sec_gpc" "$cookie_statistics"';
'''
"""
PHONE, LAPTOP = "Mozilla/5.0 (iPhone) Safari/604.1", "Mozilla/5.0 (X11; Linux x86_64) Firefox/132.0"
HOMES = [f"192.0.2.{number}" for number in range(1, 61)]
Count = Callable[[date], int]


def line(address: str, day: date, minute: int = 0, *, agent: str = LAPTOP, said: str = '"-" "-" "-"') -> str:
    time = f"{day:%d/%b/%Y}:12:{minute:02}:00 +0100"
    return f'{address} - - [{time}] "GET / HTTP/1.1" 200 512 "-" "{agent}" {said}\n'


@pytest.fixture
def installation(home: Path) -> Installation:
    """An installation whose log says what browsers ask for, and whose charter lists a cookie, too."""
    policy = (SOURCE_ROOT / "charter.toml").read_text(encoding="utf-8")
    assert "cookies = [] " in policy
    policy = policy.replace("cookies = [] ", 'cookies = ["statistics=no"] ') + FORMAT
    (home / "charter.toml").write_text(policy, encoding="utf-8")
    return Installation.create(os.environ)


@pytest.fixture
def put(installation: Installation) -> Callable[..., None]:
    """Put a log of a day into landing: a request of each home, and more lines."""

    def put(day: date, *more: str) -> None:
        everyone = [line(address, day) for address in HOMES]
        path = installation.places.landing_traffic / f"{day}.log"
        path.write_text("".join([*everyone, *more]), encoding="utf-8")

    return put


@pytest.fixture
def count(installation: Installation) -> Count:
    """Take in what lies in landing on the night after a day, measure the day, and say how many visitors it had."""

    def count(day: date) -> int:
        night, at = day + timedelta(days=1), datetime(2026, 11, 22, 1, tzinfo=UTC)
        opened = nightly.open_night(night, at)
        for batch in nightly.traffic_batches(opened):
            assert nightly.take_traffic(opened, batch, at)["rejected"] == 0
        nightly.publish_days(opened, [day.isoformat()], at)
        (row,) = staging.rows_of(installation.places.releases, day.isoformat(), DAILY)
        visitors = row["visitors"]
        assert isinstance(visitors, int)
        return visitors

    return count


def test_a_browser_that_says_it_objects_is_not_counted_on_that_day(
    put: Callable[..., None], count: Count
) -> None:
    dnt, gpc, cookie = ('"1" "-" "-"', '"-" "1" "-"', '"-" "-" "no"')
    put(
        FIRST,
        line("198.51.100.1", FIRST, said=dnt),
        line("198.51.100.2", FIRST, said=gpc),
        line("198.51.100.3", FIRST, said=cookie),
        line("198.51.100.4", FIRST, said='"0" "0" "yes"'),  # none of these is an objection
    )
    assert count(FIRST) == len(HOMES) + 1


def test_all_requests_of_a_visitor_who_objects_once_are_left_out_and_no_other_visitor_of_the_house(
    put: Callable[..., None], count: Count
) -> None:
    objects = line("198.51.100.1", FIRST, 5, said='"1" "-" "-"')
    put(FIRST, line("198.51.100.1", FIRST, 1), objects, line("198.51.100.1", FIRST, 9, agent=PHONE))
    assert count(FIRST) == len(HOMES) + 1  # the phone is another visitor


def test_who_objected_on_one_day_is_counted_on_another_without_it(
    put: Callable[..., None], count: Count
) -> None:
    second = FIRST + timedelta(days=1)
    put(FIRST, line("198.51.100.1", FIRST, said='"1" "-" "-"'))
    assert count(FIRST) == len(HOMES)
    put(second, line("198.51.100.1", second))
    assert count(second) == len(HOMES) + 1


def test_an_address_that_objects_is_left_out_from_the_day_of_receipt_on_and_was_counted_before(
    installation: Installation, put: Callable[..., None], count: Count, at: datetime
) -> None:
    days = [FIRST + timedelta(days=number) for number in range(3)]
    open_objection(installation, received_on=days[1], at=at)
    visitors = []
    for day in days:
        put(day, line("203.0.113.9", day), line("203.0.113.9", day, agent=PHONE))
        visitors.append(count(day))
    assert visitors == [len(HOMES) + 2, len(HOMES), len(HOMES)]


def test_days_measured_together_each_leave_out_who_objects_on_them(
    installation: Installation, put: Callable[..., None], at: datetime
) -> None:
    days = [FIRST + timedelta(days=number) for number in range(2)]
    open_objection(installation, received_on=days[1], at=at)
    for day in days:
        put(day, line("203.0.113.9", day))
    night = nightly.open_night(days[1] + timedelta(days=1), at)
    for batch in nightly.traffic_batches(night):
        nightly.take_traffic(night, batch, at)
    nightly.publish_days(night, [day.isoformat() for day in days], at)
    rows = [staging.rows_of(installation.places.releases, day.isoformat(), DAILY)[0] for day in days]
    assert [row["visitors"] for row in rows] == [len(HOMES) + 1, len(HOMES)]


@pytest.mark.parametrize(
    ("step", "is_left_out"), [("refused", False), ("gathered", True), ("answered", True)]
)
def test_an_objection_holds_until_it_is_refused(
    installation: Installation, at: datetime, step: str, is_left_out: bool
) -> None:
    installation.keyring.ensure("pseudonym/2026-11")
    request_id = open_objection(installation, received_on=FIRST, at=at)
    if step == "refused":
        rights.refuse(installation, request_id, "objection_refusal", at)
    else:
        rights.gather(installation, request_id, at)
    if step == "answered":
        rights.approve(installation, request_id, "dpo", at)
        rights.answer(installation, request_id, at)
    assert (len(rights.objecting(installation)(FIRST)) == 1) is is_left_out


def test_another_right_is_no_objection_and_an_address_stands_nowhere_outside_the_vault(
    installation: Installation, at: datetime
) -> None:
    installation.keyring.ensure("pseudonym/2026-11")
    open_objection(installation, received_on=FIRST, at=at, right="access")
    assert rights.objecting(installation)(FIRST) == []
    open_objection(installation, received_on=FIRST, at=at)
    assert len(rights.objecting(installation)(FIRST)) == 1
    for path in installation.places.charter_file.parent.rglob("*"):
        assert not path.is_file() or b"203.0.113.9" not in path.read_bytes()


def test_the_release_of_weeks_and_months_asks_who_objects_too(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, at: datetime
) -> None:
    given: Mapping[str, object] = {}

    def release(_installation: Installation, **more: object) -> statistics.Release:
        nonlocal given
        given = more
        return statistics.Release(statistics.NO_RELEASE, False, {}, (), (), 0)

    monkeypatch.setattr(statistics, "release", release)
    installation.keyring.ensure("pseudonym/2026-11")
    open_objection(installation, received_on=FIRST, at=at)
    nightly.publish_release(nightly.open_night(FIRST + timedelta(days=1), at), at)
    asked = given["objecting"]
    assert callable(asked)
    assert len(asked(FIRST)) == 1


def open_objection(
    installation: Installation, *, received_on: date, at: datetime, right: str = "objection"
) -> str:
    seen = datetime(2026, 11, 17, 9, tzinfo=UTC)
    return rights.open_request(
        installation, right=right, received_on=received_on, channel="form", name=None, email=None,
        phone=None, addresses=[("203.0.113.9", seen)], at=at,
    )  # fmt: skip
