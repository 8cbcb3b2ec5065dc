"""What became of the lines of each file: read = accepted + rejected + expired + duplicate, always."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

import duckdb

from pipelines.errors import VaultError
from pipelines.traffic.landing import Delivery
from pipelines.traffic.lines import Extent

FATES = ("accepted", "rejected", "expired", "duplicate")


@dataclass(frozen=True)
class Outcome:
    """What became of one delivery: counts of lines, and the local days that its hits went to.

    `resumed`: an earlier run had stored all of it and was killed before it could remove the file.
    `error` says why nothing of it was taken, or why the file is still in landing.
    """

    delivery_id: UUID
    load_id: UUID | None
    shown_name: str
    read: int = 0
    accepted: int = 0
    rejected: int = 0
    expired: int = 0
    duplicate: int = 0
    days: tuple[date, ...] = ()
    resumed: bool = False
    error: str | None = None

    def __post_init__(self) -> None:
        if self.read != sum(getattr(self, fate) for fate in FATES):
            raise VaultError(
                f"the lines of {self.shown_name} do not add up: read is not accepted + rejected + expired + "
                "duplicate. Nothing of it counts as taken in; please report it."
            )


@dataclass
class Reading:
    """One file of a batch as it was read: its number there, its load, and which of its lines are new.

    `tail_digest` is that of an unended last line, None where there is none or it was refused.
    """

    file_no: int
    delivery: Delivery
    load_id: UUID
    extent: Extent
    duplicates: int = 0
    tail_digest: bytes | None = None
    counts: dict[str, int] = field(default_factory=dict)
    days: tuple[date, ...] = ()

    @property
    def has_new_lines(self) -> bool:
        """Whether the file brings anything; a repeated file shares its load with the first."""
        return self.duplicates < self.extent.lines

    def outcome(self) -> Outcome:
        """Return what is told of the file; VaultError where its lines do not add up."""
        return outcome_of(self.delivery, self.load_id, self.counts, self.days)


def outcome_of(
    delivery: Delivery,
    load_id: UUID,
    counts: Mapping[str, int],
    days: tuple[date, ...],
    *,
    resumed: bool = False,
) -> Outcome:
    """Return the outcome of `delivery` with its `counts` of lines: read and each of FATES."""
    read, accepted, rejected, expired, duplicate = (counts[name] for name in ("read", *FATES))
    known_as = (delivery.delivery_id, load_id, delivery.shown_name)
    return Outcome(*known_as, read, accepted, rejected, expired, duplicate, days, resumed)


def count_lines(connection: duckdb.DuckDBPyConnection, readings: Sequence[Reading]) -> None:
    """Count, from what will be sealed, the lines of each of `readings` by their fate."""
    accepted = _by_load(connection, "SELECT load_id, count(*) FROM accepted_hits GROUP BY load_id")
    rejected = _by_load(connection, "SELECT load_id, count(*) FROM accepted_rejects GROUP BY load_id")
    expired = _by_load(
        connection,
        """
        SELECT load_id, count(*) FROM staged_expired JOIN files USING (file_no)
        WHERE line >= first_new GROUP BY load_id
        """,
    )
    days = dict(
        connection.execute(
            "SELECT load_id, list(DISTINCT hit_on) FROM accepted_hits GROUP BY load_id"
        ).fetchall()
    )
    for reading in readings:
        load_id = reading.load_id if reading.has_new_lines else None
        reading.counts = {
            "read": reading.extent.lines,
            "accepted": accepted.get(load_id, 0),
            "rejected": rejected.get(load_id, 0),
            "expired": expired.get(load_id, 0),
            "duplicate": reading.duplicates,
        }
        reading.days = tuple(sorted(days.get(load_id, ())))


def _by_load(connection: duckdb.DuckDBPyConnection, query: str) -> Mapping[UUID | None, int]:
    return dict(connection.execute(query).fetchall())
