"""The end of a replay: lines that are hits now are taken out of the rejects, and the counts are corrected.

Its hits come into force first, portion by portion. Between that and the last revision a killed replay
leaves lines that are hits and rejects at once; the ledger says that it has begun and not ended, and the
next night, or the next replay, ends it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from pipelines.installation import Installation
from pipelines.ledger import Fact, Ledger
from pipelines.vault import Workshop
from pipelines.vault.workshop import generation_of

_BEGUN, _ENDED = "replay_begun", "replay_ended"
_FATES = (
    "CREATE OR REPLACE TEMP TABLE fates "
    "(load_id UUID, line BIGINT, received_on DATE, fate VARCHAR, reason VARCHAR, was VARCHAR)"
)
_COUNTS = """
SELECT count(*) AS read, count(*) FILTER (fate = 'accepted') AS accepted,
    count(*) FILTER (fate = 'expired') AS expired, count(*) FILTER (fate = 'rejected') AS rejected
"""
# The rejects and deliveries of a day of receipt as they are afterwards.
_REVISED = {
    "rejects": """
        SELECT r.load_id, r.line, r.received_on, coalesce(f.reason, r.reason) AS reason, r.raw
        FROM rejects AS r LEFT JOIN fates AS f ON f.load_id = r.load_id AND f.line = r.line
        WHERE coalesce(f.fate, 'rejected') = 'rejected'
    """,
    "deliveries": f"""
        SELECT d.* REPLACE (
            d.accepted + coalesce(c.accepted, 0) AS accepted,
            d.expired + coalesce(c.expired, 0) AS expired,
            d.rejected - coalesce(c.accepted + c.expired, 0) AS rejected)
        FROM deliveries AS d LEFT JOIN ({_COUNTS}, load_id FROM fates GROUP BY load_id) AS c USING (load_id)
    """,  # noqa: S608 constants
}


@dataclass(frozen=True)
class Replayed:
    """What became of the lines that were read again; `refused` counts by the reason of today."""

    read: int
    accepted: int
    expired: int
    refused: Mapping[str, int]


def begin_fates(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the temporary table `fates`: one row for each line of which the fate is known."""
    connection.execute(_FATES)


def mark_begun(ledger: Ledger, *, day: date, at: datetime) -> None:
    """Write to the ledger that hits of a replay are about to come into force."""
    ledger.append(_BEGUN, day=day, at=at, replay=secrets.token_hex(8))


def unended(ledger: Ledger) -> list[str]:
    """Return the ids of replays that have begun and not ended."""
    ended = {entry.facts["replay"] for entry in ledger.entries(_ENDED)}
    begun = (str(entry.facts["replay"]) for entry in ledger.entries(_BEGUN))
    return [replay for replay in begun if replay not in ended]


def revise(installation: Installation, workshop: Workshop, *, day: date, at: datetime) -> None:
    """Take out of the rejects what is none any longer, day of receipt by day, and correct the counts."""
    changed = workshop.connection.execute(
        "SELECT received_on FROM fates GROUP BY received_on "
        "HAVING bool_or(fate <> 'rejected' OR reason <> was) ORDER BY received_on"
    ).fetchall()
    for (received_on,) in changed:
        store = f"traffic/{received_on}"
        files = installation.vault.segment_files(store)
        if files:  # else the day was purged meanwhile, and its rejects with it
            _record(installation.ledger, workshop.connection, received_on, generation_of(files[0]), at)
            workshop.revise(store, _REVISED)
    for replay in unended(installation.ledger):
        installation.ledger.append(_ENDED, day=day, at=at, replay=replay)


def replayed(connection: duckdb.DuckDBPyConnection) -> Replayed:
    """Return the counts of all lines in `fates`."""
    counts = connection.execute(
        "SELECT fate, reason, count(*) FROM fates GROUP BY ALL ORDER BY count(*) DESC, reason"
    ).fetchall()
    of = {
        fate: sum(count for one, _reason, count in counts if one == fate) for fate in ("accepted", "expired")
    }
    refused = {reason: count for fate, reason, count in counts if fate == "rejected"}
    return Replayed(sum(count for *_, count in counts), of["accepted"], of["expired"], refused)


def _record(
    ledger: Ledger, connection: duckdb.DuckDBPyConnection, received_on: date, generation: int, at: datetime
) -> None:
    """Write to the ledger what is about to be revised; a run killed in between writes it once."""
    row = connection.execute(f"{_COUNTS} FROM fates WHERE received_on = ?", [received_on]).fetchone()
    names = ("read", "accepted", "expired", "rejected")
    facts: dict[str, Fact] = {"generation": generation, **dict(zip(names, row or (), strict=True))}
    told = [
        entry.facts for entry in ledger.entries("rejects_replayed") if entry.day == received_on.isoformat()
    ]
    if facts not in told:
        ledger.append("rejects_replayed", day=received_on, at=at, **facts)
