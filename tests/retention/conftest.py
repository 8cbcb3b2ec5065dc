"""Stores with known rows, and people with known life stories."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

import pytest

from pipelines import catalog, retention
from pipelines.installation import Installation
from pipelines.traffic.pseudonym import key_name
from tests.literal import Rows, seal_rows, select_of

DAY = date(2026, 11, 22)
GONE, KEPT = date(2025, 11, 21), date(2025, 11, 22)  # the day before last year's day, and that day


def person_id(number: int) -> str:
    return str(uuid.UUID(int=number + 1000))


@pytest.fixture
def seal(installation: Installation) -> Callable[[str, Rows], None]:
    """Seal a store of literal rows."""
    return partial(seal_rows, installation)


@pytest.fixture
def traffic(installation: Installation) -> Callable[..., None]:
    """Seal one store for each day, with so many hits, and the month's pseudonym key."""

    def traffic(*days: date, hits: int = 3) -> None:
        with installation.vault.workshop() as workshop:
            for day in days:
                installation.keyring.ensure(key_name(f"{day:%Y-%m}"))
                at = datetime.combine(day, time(11))
                many = [{"line": line, "hit_at": at + timedelta(minutes=line)} for line in range(hits)]
                selects = {
                    "hits": select_of(catalog.table("hits"), many),
                    "loads": select_of(catalog.table("loads"), [{"accepted": hits}]),
                }
                workshop.seal(f"traffic/{day}", f"s{uuid.uuid4().hex}", selects)

    return traffic


def life(
    number: int,
    *,
    contact: date,
    contracts: Sequence[tuple[date, date | None]] = (),
    wrote: bool | None = None,
) -> Rows:
    """The rows of one person whose last contact was on `contact`, by writing if there were no `contracts`."""
    me, at = person_id(number), datetime.combine(contact, time(10))
    has_written = not contracts if wrote is None else wrote
    return {
        "people": [
            {"person_id": me, "name": f"canary name {number}", "first_seen_at": at, "last_contact_at": at,
             "last_written_at": at if has_written else None}
        ],
        "identifiers": [
            {"person_id": me, "source": "crm", "kind": "email", "value": f"p{number}@canary.example",
             "is_verified": True, "recorded_at": at},
            {"person_id": me, "source": "crm", "kind": "record", "value": f"ref{number}", "recorded_at": at},
        ],
        "messages": [] if contracts else [
            {"person_id": me, "source": "crm", "message_ref": f"m{number}", "recorded_at": at, "kind": "form",
             "body": f"canary body {number}"}],
        "contracts": [
            {"person_id": me, "source": "crm", "contract_ref": f"c{number}-{i}", "started_on": start,
             "ended_on": end, "recorded_at": at}
            for i, (start, end) in enumerate(contracts)
        ],
    }  # fmt: skip


def together(*lives: Rows) -> Rows:
    return {name: [row for one in lives for row in one.get(name, [])] for one in lives for name in one}


@pytest.fixture
def people(seal: Callable[[str, Rows], None]) -> Callable[..., None]:
    """Seal a contacts store of the given life stories."""

    def people(*lives: Rows, **more: Sequence[Mapping[str, Any]]) -> None:
        seal("contacts", together(*lives, more))

    return people


@pytest.fixture
def at() -> datetime:
    return datetime(2026, 11, 22, 1, tzinfo=UTC)


@pytest.fixture
def stories() -> Any:
    """The functions that tests tell life stories with."""
    return life


@pytest.fixture
def purge() -> Any:
    """The function that tests carry out a whole purge with."""

    def purge(
        installation: Installation, at: datetime, day: date = DAY, **more: Any
    ) -> retention.Verification:
        plan = retention.plan(installation, day=day)
        retention.apply(installation, plan, token=plan.token, at=at, **more)
        return retention.verify(installation, day=day, at=at)

    return purge


@pytest.fixture
def contents() -> Any:
    """The function that tests read a store with."""

    def contents(installation: Installation, store: str = "contacts") -> dict[str, list[Any]]:
        with installation.vault.workshop() as workshop:
            workshop.open(store)
            return {
                table.name: workshop.connection.execute(f"SELECT * FROM {table.name} ORDER BY ALL").fetchall()
                for table in catalog.tables_of(store.partition("/")[0])
            }

    return contents


@pytest.fixture
def mixed(
    installation: Installation, traffic: Callable[..., None], people: Callable[..., None], stories: Any
) -> None:
    """Three days due and two not; of seven people two due, and the contracts of one."""
    traffic(GONE - timedelta(days=2), GONE - timedelta(days=1), GONE, KEPT, date(2026, 11, 21))
    old, current = date(2015, 1, 1), date(2026, 10, 1)
    people(
        stories(0, contact=date(2020, 1, 1), contracts=[(old, date(2021, 11, 21))]),  # 5 years and a day ago
        stories(1, contact=date(2020, 1, 1), contracts=[(old, date(2021, 11, 22))]),  # to the day
        stories(2, contact=date(2023, 11, 21)),
        stories(3, contact=date(2023, 11, 22)),
        stories(4, contact=old, contracts=[(old, date(2016, 1, 1)), (current, None)]),
        stories(5, contact=current),
        {**stories(6, contact=current, contracts=[(old, date(2016, 1, 1))], wrote=True),
         "messages": [{"person_id": stories(6, contact=current)["people"][0]["person_id"], "source": "crm",
                       "message_ref": "late", "recorded_at": datetime(2026, 10, 1)}]},  # noqa: DTZ001
    )  # fmt: skip
