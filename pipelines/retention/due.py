"""What is due: traffic days past their period, and the rows of people, requests and records past theirs.

Everything here only reads. `sweep` is used twice: to count what would go, and to say what stays.
"""

from __future__ import annotations

import calendar
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

import duckdb

from pipelines import catalog
from pipelines.charter import Charter
from pipelines.contacts.clocks import expired_contracts, expired_people
from pipelines.errors import CharterError
from pipelines.installation import Installation
from pipelines.periods import Period, oldest_kept
from pipelines.retention.plan import Item
from pipelines.vault import Vault, Workshop

HERE = Path(__file__).parent
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
REVISED = ("contacts", "rights")
# Tables that tie a row to nobody: the column whose day starts the clock of the row itself.
DATED: Mapping[str, str] = {
    "contact_rejects": "received_on",
    "imports": "received_on",
    "tombstones": "erased_on",
}


def expired_days(vault: Vault, period: Period, day: date) -> list[str]:
    """Return the traffic stores whose local day is over, whatever is left of them: files, keys, or both."""
    return [store for store in _traffic_traces(vault) if period.is_over(day_of(store), day)]


def expired_months(vault: Vault, period: Period, day: date) -> list[str]:
    """Return the pseudonym keys ("pseudonym/2025-10") of months none of whose days can be kept any more."""
    return [name for name in vault.keyring.names("pseudonym/") if period.is_over(_last_day_of(name), day)]


def traffic_items(workshop: Workshop, installation: Installation, day: date) -> list[Item]:
    """Return an item for each traffic day that is due, and one for each month key that follows it."""
    period = installation.charter.retention["traffic"].period
    stores = expired_days(installation.vault, period, day)
    rows = _traffic_rows(workshop, stores)
    items = [Item("traffic", store, rows[store], day_of(store), day_of(store)) for store in stores]
    months = expired_months(installation.vault, period, day)
    return items + [Item("traffic", name, {}, None, _last_day_of(name)) for name in months]


def count_traffic(workshop: Workshop, stores: list[str]) -> dict[str, dict[str, int]]:
    """Return store → table → rows of traffic `stores`; one that is not there has no rows."""
    counted: dict[str, dict[str, int]] = {store: {} for store in stores}
    workshop.open(*stores)
    rows = workshop.connection.execute((HERE / "traffic_rows.sql").read_text()).fetchall()
    for store, table, count in rows:
        counted[store][table] = count
    return counted


def stage_due(workshop: Workshop, installation: Installation, store: str, day: date) -> None:
    """Open `store` and fill the temporary table `due`: whose rows go, in which category, since when.

    `only_in` names the one table in which they go; null means every table that knows the subject.
    """
    workshop.open(store)
    workshop.connection.execute(
        "CREATE OR REPLACE TEMP TABLE due "
        "(subject VARCHAR, category VARCHAR, started_on DATE, only_in VARCHAR)"
    )
    if store == "contacts":
        _stage_people(workshop, installation.charter, day)
    else:
        _stage_requests(workshop, installation.charter, day)


def subject_items(workshop: Workshop, installation: Installation, store: str, day: date) -> list[Item]:
    """Return what the staged `due` and the dated tables of `store` amount to, an item a category."""
    counted: dict[str, dict[str, int]] = {}
    span: dict[str, tuple[date, date]] = {}
    for table in catalog.tables_of(store):
        for category, count in _due_rows(workshop, installation.charter, table, day):
            counted.setdefault(category, {})[table.name] = count
    for category, oldest, newest in _spans(workshop, installation.charter, store, day):
        earlier = span.get(category, (oldest, newest))
        span[category] = (min(oldest, earlier[0]), max(newest, earlier[1]))
    return [Item(category, store, counted[category], *span[category]) for category in sorted(counted)]


def survivors(workshop: Workshop, installation: Installation, store: str, day: date) -> dict[str, int]:
    """Return "store table" → rows that will be left in `store`, before any tombstone is added."""
    kept = kept_rows(installation.charter, store, day)
    return {
        f"{store} {table.name}": _count(workshop, kept.get(table.name, f"FROM {table.name}"))
        for table in catalog.tables_of(store)
    }


def kept_rows(charter: Charter, store: str, day: date) -> dict[str, str]:
    """Return table → SELECT of the rows that stay, for every table of `store` that can lose any."""
    kept = {}
    for table in catalog.tables_of(store):
        columns = ", ".join(table.column_names)
        if table.subject is not None:
            kept[table.name] = (
                f"SELECT {columns} FROM {table.name} "  # noqa: S608 names from the catalog alone
                f"WHERE {table.subject}::VARCHAR NOT IN "
                f"(SELECT subject FROM due WHERE ifnull(only_in, '{table.name}') = '{table.name}')"
            )
        elif table.name in DATED:
            first_kept = _first_kept(charter, table, day)
            kept[table.name] = (
                f"SELECT {columns} FROM {table.name} "  # noqa: S608 names from the catalog, a date from periods.py
                f"WHERE {DATED[table.name]} >= DATE '{first_kept.isoformat()}'"
            )
    return kept


def people_digest(workshop: Workshop, key: bytes) -> str:
    """Return a keyed digest of the staged subjects: it tells two sets apart and names nobody."""
    subjects = workshop.connection.execute("SELECT subject, category FROM due ORDER BY ALL").fetchall()
    return hmac.new(key, repr(subjects).encode(), hashlib.sha256).hexdigest()


def day_of(store: str) -> date:
    """Return the local day of the traffic store "traffic/2026-11-21"."""
    return date.fromisoformat(store.rpartition("/")[2])


def _stage_people(workshop: Workshop, charter: Charter, day: date) -> None:
    expired_people(workshop.connection, charter, day)
    expired_contracts(workshop.connection, charter, day)
    workshop.connection.execute((HERE / "people_due.sql").read_text())


def _stage_requests(workshop: Workshop, charter: Charter, day: date) -> None:
    periods = [charter.retention[category].period for category in ("requests", "exports")]
    first_kept = [oldest_kept(period, day) for period in periods]
    workshop.connection.execute((HERE / "requests_due.sql").read_text(), first_kept)


def _due_rows(
    workshop: Workshop, charter: Charter, table: catalog.Table, day: date
) -> Iterator[tuple[str, int]]:
    if table.subject is not None:
        yield from workshop.connection.execute(
            f"SELECT due.category, count(*) FROM {table.name} AS held "  # noqa: S608 names from the catalog
            f"JOIN due ON due.subject = held.{table.subject}::VARCHAR AND ifnull(due.only_in, ?1) = ?1 "
            "GROUP BY due.category ORDER BY ALL",
            [table.name],
        ).fetchall()
    elif table.name in DATED:
        gone = _dated_span(workshop, charter, table, day)
        if gone is not None:
            yield table.retention, gone[0]


def _spans(workshop: Workshop, charter: Charter, store: str, day: date) -> Iterator[tuple[str, date, date]]:
    yield from workshop.connection.execute(
        "SELECT category, min(started_on), max(started_on) FROM due GROUP BY category ORDER BY category"
    ).fetchall()
    for table in catalog.tables_of(store):
        gone = _dated_span(workshop, charter, table, day) if table.name in DATED else None
        if gone is not None:
            yield table.retention, gone[1], gone[2]


def _dated_span(
    workshop: Workshop, charter: Charter, table: catalog.Table, day: date
) -> tuple[int, date, date] | None:
    """Return how many rows of a dated table are due, the oldest and the newest; None where none is."""
    column = DATED[table.name]
    row = workshop.connection.execute(
        f"SELECT count(*), min({column}), max({column}) FROM {table.name} WHERE {column} < ?",  # noqa: S608 catalog
        [_first_kept(charter, table, day)],
    ).fetchone()
    return (row[0], row[1], row[2]) if row and row[0] else None


def _first_kept(charter: Charter, table: catalog.Table, day: date) -> date:
    return oldest_kept(charter.retention[table.retention].period, day)


def _traffic_traces(vault: Vault) -> list[str]:
    folder = vault.root / "traffic"
    # A killed shredding leaves ".shred-<day>": that day is as due as one that is whole.
    named = {path.name.removeprefix(".shred-") for path in folder.iterdir()} if folder.is_dir() else set()
    keyed = {name.split("/")[2] for name in vault.keyring.names("stores/traffic/")}
    return [f"traffic/{name}" for name in sorted(named | keyed) if _DAY.fullmatch(name)]


def _traffic_rows(workshop: Workshop, stores: list[str]) -> dict[str, Mapping[str, int] | None]:
    """Return store → rows per table, None for a store that does not open: it is shredded unread."""
    if not stores:
        return {}
    try:
        return dict(count_traffic(workshop, stores))
    except (CharterError, duckdb.Error):
        if len(stores) == 1:
            return {stores[0]: None}
    half = len(stores) // 2
    return _traffic_rows(workshop, stores[:half]) | _traffic_rows(workshop, stores[half:])


def _last_day_of(name: str) -> date:
    first = date.fromisoformat(f"{name.rpartition('/')[2]}-01")
    return first.replace(day=calendar.monthrange(first.year, first.month)[1])


def _count(workshop: Workshop, select: str) -> int:
    row = workshop.connection.execute(f"SELECT count(*) FROM ({select})").fetchone()  # noqa: S608 built above
    return int(row[0]) if row else 0
