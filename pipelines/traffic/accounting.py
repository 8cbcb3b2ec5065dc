"""What became of the lines of each file: read = accepted + rejected + expired + duplicate, always."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from uuid import UUID

import duckdb

from pipelines.errors import VaultError
from pipelines.traffic.known import Earlier
from pipelines.traffic.landing import Delivery

FATES = ("accepted", "rejected", "expired", "duplicate")


@dataclass(frozen=True)
class Outcome:
    """What became of a delivery, or of one portion of it: counts of lines, and the local days of its hits.

    `resumed`: an earlier run had stored some of it and was killed before it could remove the file.
    `error` says why nothing more of it was taken, or why the file is still in landing.
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

    def plus(self, other: Outcome) -> Outcome:
        """Return this and another portion of the same delivery taken together."""
        counts = {name: getattr(self, name) + getattr(other, name) for name in ("read", *FATES)}
        return replace(
            self,
            **counts,
            load_id=self.load_id or other.load_id,
            days=tuple(sorted({*self.days, *other.days})),
            resumed=self.resumed or other.resumed,
            error=other.error or self.error,
        )


@dataclass
class Reading:
    """One file, or the portion of it that is staged: which lines are new, and what it is recognised by.

    `lines` are new, from number `first_new` on; `duplicates` lines before them were brought earlier.
    `is_whole`: the file ends in this portion. `tail_digest` is that of an unended last line, None where
    there is none or it was refused.
    """

    file_no: int
    delivery: Delivery
    load_id: UUID
    first_new: int
    duplicates: int = 0
    lines: int = 0
    content: Earlier | None = None
    is_whole: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    days: tuple[date, ...] = ()

    def outcome(self) -> Outcome:
        """Return what is told of the portion; VaultError where its lines do not add up."""
        return counted(
            self.delivery.delivery_id, self.load_id, self.delivery.shown_name, self.counts, self.days
        )


def counted(
    delivery_id: UUID, load_id: UUID, shown_name: str, counts: Mapping[str, int], days: tuple[date, ...]
) -> Outcome:
    """Return the outcome of a portion with its `counts` of lines: read and each of FATES."""
    read, accepted, rejected, expired, duplicate = (counts[name] for name in ("read", *FATES))
    return Outcome(delivery_id, load_id, shown_name, read, accepted, rejected, expired, duplicate, days)


def together(outcomes: Iterable[Outcome]) -> dict[UUID, Outcome]:
    """Return one outcome for each delivery."""
    found: dict[UUID, Outcome] = {}
    for outcome in outcomes:
        before = found.get(outcome.delivery_id)
        found[outcome.delivery_id] = outcome if before is None else before.plus(outcome)
    return found


def count_lines(
    connection: duckdb.DuckDBPyConnection, readings: Sequence[Reading], expired: Mapping[int, int]
) -> None:
    """Count, from what will be sealed, the lines of each of `readings` by their fate."""
    accepted: dict[UUID, int] = {}
    days: dict[UUID, list[date]] = {}
    for load_id, hit_on, count in connection.execute(
        "SELECT load_id, hit_on, count(*) FROM accepted_hits GROUP BY ALL"
    ).fetchall():
        accepted[load_id] = accepted.get(load_id, 0) + count
        days.setdefault(load_id, []).append(hit_on)
    rejected = dict(
        connection.execute("SELECT load_id, count(*) FROM accepted_rejects GROUP BY load_id").fetchall()
    )
    for reading in readings:
        reading.counts = {
            "read": reading.lines + reading.duplicates,
            "accepted": accepted.get(reading.load_id, 0),
            "rejected": rejected.get(reading.load_id, 0),
            "expired": expired.get(reading.file_no, 0),
            "duplicate": reading.duplicates,
        }
        reading.days = tuple(sorted(days.get(reading.load_id, ())))
