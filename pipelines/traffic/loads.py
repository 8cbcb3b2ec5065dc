"""What was taken in, and what was refused, told from the vault: counts, ids and fixed words only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from pipelines.installation import Installation


@dataclass(frozen=True)
class Load:
    """One landing file: `is_whole` where all of it is in the vault, in `portions` portions."""

    delivery_id: UUID
    source: str
    received_on: date
    is_whole: bool
    portions: int
    read: int
    accepted: int
    rejected: int
    expired: int
    duplicate: int


@dataclass(frozen=True)
class DayOfLoad:
    """The hits of one local day that one portion of a landing file brought."""

    hit_on: date
    delivery_id: UUID | None
    load_id: UUID
    source: str
    received_on: date
    accepted: int


@dataclass(frozen=True)
class RejectCount:
    """Lines of one web server, received on one local day, that are refused for one reason."""

    received_on: date
    source: str
    reason: str
    lines: int


@dataclass(frozen=True)
class RejectPosition:
    """Where a refused line stood: `line` counts from 1 in the landing file that `load_id` is a portion of."""

    load_id: UUID
    line: int
    reason: str


def loads(installation: Installation, *, day: date | None = None, last: int | None = None) -> list[Load]:
    """Return the landing files that were received, all or those of one `day`, the newest last."""
    query = """
        SELECT delivery_id, first(source), min(received_on) AS received_on, bool_or(is_whole), count(*),
            sum(read)::BIGINT, sum(accepted)::BIGINT, sum(rejected)::BIGINT, sum(expired)::BIGINT,
            sum(duplicate)::BIGINT
        FROM deliveries WHERE $day IS NULL OR received_on = $day
        GROUP BY delivery_id ORDER BY received_on DESC, first(source) DESC, delivery_id DESC LIMIT $last
    """
    found = _rows(installation, query, day=day, last=last)
    return [Load(*row) for row in reversed(found)]


def days_of_loads(
    installation: Installation, *, day: date | None = None, last: int | None = None
) -> list[DayOfLoad]:
    """Return what each load brought of each local day, of all days or of one, the newest last."""
    query = """
        SELECT CAST(substr(l.store, 9) AS DATE) AS hit_on, d.delivery_id, l.load_id, coalesce(d.source, ''),
            min(l.received_on) AS received_on, sum(l.accepted)::BIGINT
        FROM loads AS l LEFT JOIN deliveries AS d ON d.load_id = l.load_id
        WHERE $day IS NULL OR l.store = 'traffic/' || CAST($day AS VARCHAR)
        GROUP BY ALL ORDER BY hit_on DESC, received_on DESC, l.load_id DESC LIMIT $last
    """
    found = _rows(installation, query, day=day, last=last)
    return [DayOfLoad(*row) for row in reversed(found)]


def count_rejects(
    installation: Installation, *, reason: str | None = None, source: str | None = None
) -> list[RejectCount]:
    """Return how many lines are refused, by day of receipt, web server and reason."""
    columns = "r.received_on, coalesce(d.source, '') AS source, r.reason, count(*)"
    query = f"SELECT {columns} {_REJECTS} GROUP BY ALL ORDER BY ALL"
    return [RejectCount(*row) for row in _rows(installation, query, reason=reason, source=source)]


def find_rejects(
    installation: Installation,
    *,
    reason: str | None = None,
    source: str | None = None,
    limit: int | None = None,
) -> list[RejectPosition]:
    """Return where the refused lines stood, those received first before the others."""
    order = "ORDER BY r.received_on, r.load_id, r.line LIMIT $limit"
    query = f"SELECT r.load_id, r.line, r.reason {_REJECTS} {order}"
    found = _rows(installation, query, reason=reason, source=source, limit=limit)
    return [RejectPosition(*row) for row in found]


_REJECTS = """
FROM rejects AS r LEFT JOIN deliveries AS d ON d.load_id = r.load_id
WHERE ($reason IS NULL OR r.reason = $reason) AND ($source IS NULL OR d.source = $source)
"""


def _rows(installation: Installation, query: str, **parameters: object) -> list[tuple[Any, ...]]:
    """Return what a query of all traffic stores gives."""
    with installation.vault.workshop() as workshop:
        workshop.open(*(installation.vault.stores("traffic") or ["traffic/none"]))
        return workshop.connection.execute(query, parameters).fetchall()
