from datetime import date

import duckdb
import pytest

from pipelines.charter import Charter, load
from pipelines.contacts import expired_contracts, expired_people
from pipelines.places import SOURCE_ROOT

TABLES = """
CREATE TABLE people (person_id UUID, last_contact_at TIMESTAMP, last_written_at TIMESTAMP);
CREATE TABLE contracts (person_id UUID, source VARCHAR, contract_ref VARCHAR, ended_on DATE);
CREATE TABLE consents (person_id UUID, recorded_at TIMESTAMP, action VARCHAR)
"""
WHO = "00000000-0000-0000-0000-000000000001"


@pytest.fixture(scope="module")
def charter() -> Charter:
    return load(SOURCE_ROOT / "charter.toml")


def expired(
    charter: Charter,
    day: str,
    *,
    ends: tuple[str | None, ...] = (),
    contact: str = "2010-01-01",
    wrote: str | None = None,
    consents: tuple[tuple[str, str], ...] = (),
) -> tuple[list[str], int]:
    """Return the grounds on which the one person goes, and the number of contracts that do."""
    with duckdb.connect() as connection:
        connection.execute(TABLES)
        written = [*([wrote] if wrote else []), *(at for at, action in consents if action == "given")]
        connection.execute("INSERT INTO people VALUES (?, ?, ?)", [WHO, contact, max(written, default=None)])
        for number, end in enumerate(ends):
            connection.execute("INSERT INTO contracts VALUES (?, 'crm', ?, ?)", [WHO, str(number), end])
        for at, action in consents:
            connection.execute("INSERT INTO consents VALUES (?, ?, ?)", [WHO, at, action])
        on = date.fromisoformat(day)
        people = expired_people(connection, charter, on).fetchall()
        contracts = expired_contracts(connection, charter, on).fetchall()
        return [ground for _person, ground, *_ in people], len(contracts)


@pytest.mark.parametrize(
    ("day", "gone"),
    [("2026-03-10", []), ("2026-03-11", ["customers"])],
)
def test_a_customer_goes_five_years_after_the_end_to_the_day(
    charter: Charter, day: str, gone: list[str]
) -> None:
    assert expired(charter, day, ends=("2021-03-10",))[0] == gone


@pytest.mark.parametrize(("day", "gone"), [("2029-02-28", []), ("2029-03-01", ["customers"])])
def test_29_february_ends_on_28(charter: Charter, day: str, gone: list[str]) -> None:
    assert expired(charter, day, ends=("2024-02-29",))[0] == gone


@pytest.mark.parametrize(
    ("ends", "gone"),
    [
        (("2015-01-01", "2018-01-01"), 2),
        (("2015-01-01", "2024-01-01"), 0),  # the last end counts, for all of them
        (("2015-01-01", None), 0),  # renewed
        ((None,), 0),
        (("2099-12-31",), 0),
    ],
)
def test_the_last_contract_decides(charter: Charter, ends: tuple[str | None, ...], gone: int) -> None:
    people, contracts = expired(charter, "2026-11-22", ends=ends)
    assert contracts == gone
    assert people == (["customers"] if gone else [])


@pytest.mark.parametrize(
    ("wrote", "consents", "gone"),
    [
        ("2026-01-01", (), []),  # a prospect again: the person stays, the contracts go
        (None, (("2026-01-01", "given"),), []),
        (None, (("2026-01-01", "withdrawn"),), ["customers"]),
        ("2022-01-01", (), ["customers"]),  # wrote, but longer ago than a prospect is kept
        ("2017-01-01", (), ["customers"]),  # while still a customer
    ],
)
def test_a_former_customer_who_writes_is_a_prospect(
    charter: Charter, wrote: str | None, consents: tuple[tuple[str, str], ...], gone: list[str]
) -> None:
    # the CRM touched the record yesterday: that is no contact of the person's
    found = expired(
        charter, "2026-11-22", ends=("2018-01-01",), contact="2026-11-21", wrote=wrote, consents=consents
    )
    assert found == (gone, 1)


@pytest.mark.parametrize(
    ("contact", "gone"),
    [
        ("2023-11-22 12:00:00", []),
        ("2023-11-21 12:00:00", ["prospects"]),
        ("2023-11-21 23:30:00", []),  # 22 November in the charter's time zone
    ],
)
def test_a_prospect_goes_three_years_after_the_last_contact(
    charter: Charter, contact: str, gone: list[str]
) -> None:
    assert expired(charter, "2026-11-22", contact=contact)[0] == gone
