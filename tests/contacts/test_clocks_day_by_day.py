"""Every clock of people and their records, moved day by day over 14 months, beside an independent reference.

The reference is Python with dateutil and zoneinfo, one life at a time; it shares nothing with the SQL. The 14
months hold 29 February 2028 and three changes of the clock.
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import pytest
from dateutil.relativedelta import relativedelta

from pipelines import catalog
from pipelines.charter import Charter, load
from pipelines.contacts import expired_contracts, expired_people, expired_records
from pipelines.places import SOURCE_ROOT

FIRST, DAYS = date(2027, 3, 1), 430
PARIS = ZoneInfo("Europe/Paris")
# What the charter says, written down once more: retention → years of its period (0: that same day).
YEARS = {"customers": 5, "prospects": 3, "newsletter": 3, "testimonials": 3, "surveys": 1, "chatbot": 1,
         "cookies_essential": 0, "cookies_functional": 1, "cookies_performance": 4}  # fmt: skip
CLOCKS = {"survey": "surveys", "chatbot": "chatbot", "testimonial": "testimonials"}


@dataclass
class Life:
    """One person: contracts (start, end), messages (kind, at), consents (purpose, action, at), cookies (type, at)."""

    person: str
    last_contact_at: datetime
    last_written_at: datetime | None
    contracts: list[tuple[date, date | None]] = field(default_factory=list)
    messages: list[tuple[str, datetime]] = field(default_factory=list)
    consents: list[tuple[str, str, datetime]] = field(default_factory=list)
    cookies: list[tuple[str, datetime]] = field(default_factory=list)


def local(at: datetime) -> date:
    return at.replace(tzinfo=UTC).astimezone(PARIS).date()


def over(category: str, start: date, on: date) -> bool:
    return start + relativedelta(years=YEARS[category]) < on


def person_goes(life: Life, on: date) -> tuple[str, bool] | None:
    """The ground on which a person goes, and whether a refusal of theirs is remembered."""
    contact: date | None = local(life.last_contact_at)
    if life.contracts:
        ends = [end for _start, end in life.contracts]
        if None in ends or not over("customers", max(end for end in ends if end), on):
            return None
        wrote = local(life.last_written_at) if life.last_written_at else None
        contact = wrote if wrote and wrote > max(end for end in ends if end) else None
    if contact is not None and not over("prospects", contact, on):
        return None
    refusals = [local(at) for _purpose, action, at in life.consents if action != "given"]
    remembered = any(not over("newsletter", day, on) for day in refusals)
    return ("customers" if life.contracts else "prospects"), remembered


def records_that_go(life: Life, on: date) -> set[tuple[str, int]]:
    gone = {
        ("messages", number)
        for number, (kind, at) in enumerate(life.messages)
        if kind in CLOCKS and over(CLOCKS[kind], local(at), on)
    }
    for number, (kind, at) in enumerate(life.messages):
        ends = [
            when for purpose, action, when in life.consents if purpose == "testimonials" and action != "given"
        ]
        if kind == "testimonial" and any(when >= at and local(when) < on for when in ends):
            gone.add(("messages", number))
    gone |= {
        ("cookies", number)
        for number, (kind, at) in enumerate(life.cookies)
        if over(f"cookies_{kind}", local(at), on)
    }
    for number, (purpose, action, at) in enumerate(life.consents):
        later = [local(w) for p, a, w in life.consents if p == purpose and a == "withdrawn" and w >= at]
        if action != "objected" and later and over("newsletter", max(later), on):
            gone.add(("consents", number))
    return gone


def moment(source: random.Random, years: int) -> datetime:
    """An instant so many years before one of the 14 months, often near midnight, 29 February or a change of clocks."""
    day = FIRST + timedelta(days=source.randrange(-20, DAYS + 20)) - relativedelta(years=years)
    if source.random() < 0.15:
        day = date(2024, 2, 29) if source.random() < 0.5 else date(2024, 2, 28)
    hour = source.choice([0, 1, 12, 21, 22, 23])
    return datetime(day.year, day.month, day.day, hour, source.randrange(60))  # noqa: DTZ001 the vault is naive UTC


def random_life(source: random.Random) -> Life:
    life = Life(str(uuid.UUID(int=source.getrandbits(128))), moment(source, 3), None)
    if source.random() < 0.5:
        for _ in range(source.randrange(1, 4)):
            end = moment(source, source.choice([5, 5, 5, 7, 2])).date()
            life.contracts.append((end - timedelta(days=400), None if source.random() < 0.1 else end))
    for kind in source.choices(["form", *CLOCKS], k=source.randrange(4)):
        years = YEARS[CLOCKS[kind]] if kind in CLOCKS else 3
        life.messages.append((kind, moment(source, years)))
    for _ in range(source.randrange(4)):
        purpose = source.choice(["newsletter", "testimonials", "marketing"])
        action = source.choice(["given", "withdrawn", "objected"])
        life.consents.append((purpose, action, moment(source, source.choice([3, 3, 5]))))
    for _ in range(source.randrange(3)):
        kind = source.choice(["essential", "functional", "performance"])
        life.cookies.append((kind, moment(source, YEARS[f"cookies_{kind}"])))
    written = [at for _kind, at in life.messages] + [
        at for _p, action, at in life.consents if action == "given"
    ]
    life.last_written_at = max(written, default=None)
    life.last_contact_at = max([life.last_contact_at, *written])
    return life


@pytest.fixture(scope="module")
def charter() -> Charter:
    return load(SOURCE_ROOT / "charter.toml")


def store(connection: duckdb.DuckDBPyConnection, lives: list[Life]) -> None:
    rows: dict[str, list[list[object]]] = {}
    for life in lives:
        me = life.person
        early = datetime(2000, 1, 1)  # noqa: DTZ001
        rows.setdefault("people", []).append(
            [me, "name", "address", early, life.last_contact_at, life.last_written_at]
        )
        for n, (start, end) in enumerate(life.contracts):
            rows.setdefault("contracts", []).append([me, "crm", f"{me} {n}", early, start, end])
        for n, (kind, at) in enumerate(life.messages):
            rows.setdefault("messages", []).append([me, "crm", f"{me} {n}", at, kind, "body"])
        for n, (purpose, action, at) in enumerate(life.consents):
            rows.setdefault("consents", []).append([me, "crm", f"{me} {n}", at, purpose, action])
        for n, (kind, at) in enumerate(life.cookies):
            rows.setdefault("cookies", []).append([me, "crm", f"{me} {n}", at, kind, "accepted"])
    for table in catalog.tables_of("contacts"):
        connection.execute(catalog.ddl(table, "memory.main"))
        if table.name in rows:
            marks = ", ".join("?" for _ in table.columns)
            connection.executemany(f"INSERT INTO {table.name} VALUES ({marks})", rows[table.name])


@pytest.mark.parametrize("lives", [60, pytest.param(1_000, marks=pytest.mark.long)])
def test_never_a_day_late_and_never_a_day_early_over_14_months(charter: Charter, lives: int) -> None:
    source = random.Random(lives)
    told = [random_life(source) for _ in range(lives)]
    seen: set[str] = set()
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        store(connection, told)
        for on in (FIRST + timedelta(days=number) for number in range(DAYS)):
            people = {
                str(person): (ground, remembered)
                for person, ground, _started, remembered in expired_people(connection, charter, on).fetchall()
            }
            assert people == {
                life.person: gone for life in told if (gone := person_goes(life, on)) is not None
            }, on
            records = {
                (table, ref)
                for table, _source, ref, *_ in expired_records(connection, charter, on).fetchall()
            }
            expected = {
                (table, f"{life.person} {number}")
                for life in told
                for table, number in records_that_go(life, on)
            }
            assert records == expected, on
            seen |= {ground for ground, _ in people.values()} | {table for table, _ref in records}
            contracts = {
                ref for _source, ref, _person in expired_contracts(connection, charter, on).fetchall()
            }
            assert contracts == {
                f"{life.person} {number}"
                for life in told
                for number, _contract in enumerate(life.contracts)
                if all(end for _start, end in life.contracts)
                and over("customers", max(end for _start, end in life.contracts if end), on)
            }, on
    assert seen == {"customers", "prospects", "messages", "consents", "cookies"}
