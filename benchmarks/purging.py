"""What a purge costs: a traffic day out of 13 months, of little and of much; 200,000 people rewritten."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from pipelines import catalog, retention
from pipelines.installation import Installation
from tests.literal import select_of

_DAY, _AT = date(2026, 11, 22), datetime(2026, 11, 22, 1, tzinfo=UTC)
_DAYS, _PEOPLE = 396, 200_000
_HITS = """
SELECT * REPLACE (
    i AS line, md5(i::VARCHAR)::UUID AS visitor, md5((i // 7)::VARCHAR)::UUID AS address,
    '/page-' || hash(i) % 5000 AS path, (hash(i) % 100000)::BIGINT AS sent_bytes
)
FROM ({row}) CROSS JOIN range({hits}) AS numbers(i)
"""
T = TypeVar("T")


def measure(folder: Path) -> None:
    """Build vaults of 13 months in `folder`, purge a day of each, then rewrite the people; print seconds."""
    for hits in (1_000, 131_000):
        _purge_a_day(folder / str(hits), hits)
    _rewrite_people(folder / "people")


def _purge_a_day(home: Path, hits: int) -> None:
    installation = Installation.create({"CHARTER_HOME": str(home)})
    table = catalog.table("hits")
    row = _HITS.format(row=select_of(table, [{}]), hits=hits)
    columns = ", ".join(table.column_names)
    first = date(2025, 11, 21)  # due on the day; the others are not
    with installation.vault.workshop() as workshop:
        for day in (first + timedelta(days=number) for number in range(_DAYS)):
            workshop.seal(f"traffic/{day}", "a", {"hits": f"SELECT {columns} FROM ({row})"})
    files = sum(path.stat().st_size for path in installation.vault.root.rglob("*.duckdb"))
    print(f"{_DAYS} days of {hits:,} hits, {files >> 20:,} MiB:")
    plan = _timed("plan", lambda: retention.plan(installation, day=_DAY))
    _timed("apply", lambda: retention.apply(installation, plan, token=plan.token, at=_AT, by_human=True))
    proven = _timed("verify", lambda: retention.verify(installation, day=_DAY, at=_AT))
    assert proven.is_complete, "the purge is not proven"
    assert len(installation.vault.stores("traffic")) == _DAYS - 1, "more or less than one day was purged"


def _rewrite_people(home: Path) -> None:
    installation = Installation.create({"CHARTER_HOME": str(home)})
    ids = f"SELECT md5(i::VARCHAR)::UUID AS id, i FROM range({_PEOPLE}) AS numbers(i)"
    seen = "TIMESTAMP '2026-11-01'"
    rows = {
        "people": (
            f"SELECT id AS person_id, 'name ' || i AS name, 'address ' || i AS postal_address, "
            f"{seen} AS first_seen_at, {seen} AS last_contact_at, {seen} AS last_written_at FROM ({ids})"
        ),
        "identifiers": (
            f"SELECT id AS person_id, 'crm' AS source, 'email' AS kind, i || '@people.example' AS value, "
            f"true AS is_verified, {seen} AS recorded_at FROM ({ids})"
        ),
        "messages": (
            f"SELECT id AS person_id, 'crm' AS source, i || '-' || n AS message_ref, {seen} AS recorded_at, "
            f"'form' AS kind, repeat(md5((i * n)::VARCHAR), 6) AS body FROM ({ids}), range(3) AS more(n)"
        ),
    }
    with installation.vault.workshop() as workshop:
        workshop.revise("contacts", rows)
    (sealed,) = (installation.vault.root / "contacts").rglob("*.duckdb")
    print(f"{_PEOPLE:,} people with {3 * _PEOPLE:,} messages, {sealed.stat().st_size >> 20} MiB:")
    _timed("plain copy, synced", lambda: _copy(sealed, home / "copy"))
    with installation.vault.workshop() as workshop:
        workshop.open("contacts", archive=True)
        _timed("rewrite under a fresh key", lambda: workshop.revise("contacts", {"people": "FROM people"}))


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    with target.open("rb") as file:
        os.fsync(file.fileno())


def _timed(name: str, work: Callable[[], T]) -> T:
    started = time.perf_counter()
    found = work()
    print(f"  {name:<28} {time.perf_counter() - started:6.2f} s")
    return found
