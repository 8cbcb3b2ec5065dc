"""The invented logs look like real ones: their form, their people and robots, and what they give away."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from pipelines import synthetic
from pipelines.synthetic import malformed
from pipelines.synthetic.clock import Clock, months_before

PARIS = ZoneInfo("Europe/Paris")
COMBINED = re.compile(
    r"(?P<address>\S+) - (?P<user>\S+) \[(?P<at>[^\]]+)\] "
    r'"(?P<request>[A-Z]+ \S+ HTTP/\d\.\d)" (?P<status>\d{3}) (?P<size>\d+|-) '
    r'"(?P<referrer>[^"]*)" "(?P<agent>(?:[^"\\]|\\.)*)"'
)


def parsed(line: bytes) -> dict[str, str] | None:
    """Read a line as strictly as one can; None where it is malformed."""
    try:
        match = COMBINED.fullmatch(line.decode())
        if match and len(line) < 65_536:
            datetime.strptime(match["at"], "%d/%b/%Y:%H:%M:%S %z")
            return match.groupdict()
    except ValueError:
        pass
    return None


def at(hit: dict[str, str]) -> datetime:
    return datetime.strptime(hit["at"], "%d/%b/%Y:%H:%M:%S %z")


@pytest.fixture(scope="session")
def hits(logs):
    """The well-formed lines of each day."""
    return {day: [hit for hit in map(parsed, lines) if hit] for day, lines in logs.items()}


@pytest.fixture(scope="session")
def all_hits(hits):
    return [hit for of_day in hits.values() for hit in of_day]


def test_all_lines_are_combined_but_a_handful(logs, all_hits):
    lines = [line for of_day in logs.values() for line in of_day]
    bad = [line for line in lines if parsed(line) is None]
    assert len(bad) == malformed.KINDS
    assert len(all_hits) + len(bad) == len(lines)


def test_every_kind_of_malformed_line_is_there(logs):
    lines = {line: day for day, of_day in logs.items() for line in of_day}
    for kind in range(malformed.KINDS):
        assert any(malformed.malformed_line(kind, day) in logs[day] for day in logs), kind
    assert b"" in lines
    assert any(len(line) > 65_536 for line in lines)
    assert any(b"\xe9" in line for line in lines)


def test_a_day_is_a_day_of_paris_in_the_order_of_time(hits):
    for day, of_day in hits.items():
        instants = [at(hit) for hit in of_day]
        assert {instant.astimezone(PARIS).date() for instant in instants} == {day}
        assert all(one <= next_ for one, next_ in pairwise(instants))
        assert all(
            hit["at"][-5:] == instant.astimezone(PARIS).strftime("%z")
            for hit, instant in zip(of_day, instants, strict=True)
        )


@pytest.mark.parametrize(
    ("day", "hours", "second", "stamp"),
    [
        (date(2026, 11, 21), 24, 86_399, "[21/Nov/2026:23:59:59 +0100]"),
        (date(2026, 3, 29), 23, 7_199, "[29/Mar/2026:01:59:59 +0100]"),
        (date(2026, 3, 29), 23, 7_200, "[29/Mar/2026:03:00:00 +0200]"),
        (date(2026, 3, 29), 23, 82_799, "[29/Mar/2026:23:59:59 +0200]"),
        (date(2026, 10, 25), 25, 10_799, "[25/Oct/2026:02:59:59 +0200]"),
        (date(2026, 10, 25), 25, 10_800, "[25/Oct/2026:02:00:00 +0100]"),
        (date(2026, 10, 25), 25, 89_999, "[25/Oct/2026:23:59:59 +0100]"),
    ],
)
def test_the_clock_of_a_day(day, hours, second, stamp):
    clock = Clock.of(day)
    assert clock.seconds == hours * 3600
    assert clock.stamps(np.array([second])) == [stamp]


def test_months_before_the_last_of_a_month():
    assert months_before(date(2026, 3, 31), 1) == date(2026, 2, 28)
    assert months_before(date(2026, 1, 15), 13) == date(2024, 12, 15)


def test_a_few_visitors_make_many_of_the_requests(all_hits):
    visitors = Counter((hit["address"], hit["agent"]) for hit in all_hits)
    busiest = sum(number for _, number in visitors.most_common(len(visitors) // 10))
    assert len(visitors) > 1_500
    assert busiest > 0.35 * len(all_hits)


def test_addresses_are_of_every_form_and_of_nobody(all_hits):
    addresses = {hit["address"] for hit in all_hits}
    nobody = re.compile(r"(::ffff:)?198\.1[89]\.|198\.51\.100\.|100\.64\.|2001:db8:|abo-198-1[89]-")
    assert all(nobody.match(address) for address in addresses)
    assert sum(address.startswith("2001:db8:") for address in addresses) > 0.2 * len(addresses)
    assert any(address.startswith("::ffff:") for address in addresses)
    networks = Counter(":".join(a.split(":")[:4]) for a in addresses if a.startswith("2001:"))
    assert max(networks.values()) > 1  # several devices of one household


def test_several_people_share_an_office_address(all_hits):
    people = {(hit["address"], hit["agent"]) for hit in all_hits if hit["address"].startswith("100.64.")}
    assert len(people) > 3 * len({address for address, _ in people})


def test_robots_come_and_some_say_whose_they_are(all_hits):
    agents = Counter(hit["agent"] for hit in all_hits)
    robots = sum(n for agent, n in agents.items() if "bot" in agent.lower())
    assert 0.05 * len(all_hits) < robots < 0.3 * len(all_hits)
    assert any("Googlebot/2.1" in agent for agent in agents)
    assert any("bingbot/2.0" in agent for agent in agents)
    assert any("@" in agent for agent in agents)
    assert len(agents) > 50


def test_personal_data_hides_where_it_hides_in_real_logs(all_hits):
    def some(field: str, pattern: str) -> bool:
        return any(re.search(pattern, hit[field]) for hit in all_hits)

    assert some("request", r"\?\S*email=[^&]*@example")
    assert some("request", r"\?\S*email=[^&]*%40")
    assert some("request", r"phone=(%2B33|0)")
    assert some("request", r"/unsubscribe/[^/ ]*%40")
    assert some("request", r"/appointment/0\d{9}/")
    assert some("request", r"utm_campaign=[^& ]*%40")
    assert some("referrer", r"webmail.*%40")
    assert some("user", "@")


def test_pages_forms_assets_and_failures_are_all_there(all_hits):
    statuses = Counter(hit["status"] for hit in all_hits)
    assert {"200", "301", "303", "304", "404", "500"} <= statuses.keys()
    for path in ("/contact", "/appointment", "/newsletter", "/testimonials"):
        assert any(hit["request"].startswith(f"POST {path} ") for hit in all_hits), path
    assert any("/works/" in hit["request"] for hit in all_hits)
    assert any("utm_source=newsletter" in hit["request"] for hit in all_hits)
    assert all(hit["size"] == "-" for hit in all_hits if hit["status"] == "304")


def test_people_sleep_at_night_and_look_at_art_when_the_week_is_over(hits):
    hours = Counter(int(hit["at"][12:14]) for of_day in hits.values() for hit in of_day)
    assert hours[20] > 3 * hours[3]
    weekdays: Counter[int] = Counter()
    for day, of_day in hits.items():
        weekdays[day.weekday()] += len(of_day)
    assert weekdays[6] > weekdays[0]


@pytest.mark.parametrize(("day", "files"), [(date(2015, 5, 20), 30), (date(2024, 3, 29), 29)])
def test_a_month_before_any_day_has_the_days_it_has(tmp_path, day, files):
    made = synthetic.generate(tmp_path, day=day, months=1, extra_days=0, lines=300)
    assert made.files == files + 5
