"""What is due of traffic: days past their period, and the keys of months that no day needs any longer.

Everything here only reads.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path

import duckdb

from pipelines.errors import CharterError
from pipelines.installation import Installation
from pipelines.periods import Period
from pipelines.retention.plan import Held, Item
from pipelines.vault import Vault, Workshop

_HERE = Path(__file__).parent
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def expired_days(vault: Vault, period: Period, day: date) -> list[str]:
    """Return the traffic stores whose local day is over, whatever is left of them: files, keys, or both."""
    return [store for store in _traffic_traces(vault) if period.is_over(day_of(store), day)]


def expired_months(vault: Vault, period: Period, day: date, held: Collection[str] = ()) -> list[str]:
    """Return the pseudonym keys ("pseudonym/2025-10") of months none of whose days can be kept any more.

    The key of a month with a store that is `held` stays: a person's traffic is found by it.
    """
    needed = {f"pseudonym/{day_of(store):%Y-%m}" for store in held}
    names = [name for name in vault.keyring.names("pseudonym/") if period.is_over(_last_day_of(name), day)]
    return [name for name in names if name not in needed]


def traffic_items(workshop: Workshop, installation: Installation, day: date) -> tuple[list[Item], list[Held]]:
    """Return an item for each traffic day that is due and each month key that follows it, and what is held.

    The temporary table `held` is staged.
    """
    period = installation.charter.retention["traffic"].period
    grounds = {
        store: (ground, ends_on)  # of several the one that lasts longest, as it comes last
        for store, ground, ends_on in workshop.connection.execute(
            "SELECT store, ground, ends_on FROM held WHERE subject IS NULL "
            "ORDER BY ends_on NULLS LAST, ground"
        ).fetchall()
    }
    expired = expired_days(installation.vault, period, day)
    stores = [store for store in expired if store not in grounds]
    rows = _traffic_rows(workshop, stores)
    items = [Item("traffic", store, rows[store], day_of(store), day_of(store)) for store in stores]
    kept = [store for store in expired if store in grounds]
    months = expired_months(installation.vault, period, day, held=kept)
    items += [Item("traffic", name, {}, None, _last_day_of(name)) for name in months]
    return items, [Held("traffic", store, 1, *grounds[store]) for store in kept]


def count_traffic(workshop: Workshop, stores: list[str]) -> dict[str, dict[str, int]]:
    """Return store → table → rows of traffic `stores`; one that is not there has no rows."""
    counted: dict[str, dict[str, int]] = {store: {} for store in stores}
    workshop.open(*stores)
    rows = workshop.connection.execute((_HERE / "traffic_rows.sql").read_text()).fetchall()
    for store, table, count in rows:
        counted[store][table] = count
    return counted


def day_of(store: str) -> date:
    """Return the local day of the traffic store "traffic/2026-11-21"."""
    return date.fromisoformat(store.rpartition("/")[2])


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
