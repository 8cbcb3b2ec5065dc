"""The record of each night's imports: what became of a file, and the one revision that stores it all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

import duckdb

from pipelines.contacts.compose import JUDGED
from pipelines.vault import Workshop


@dataclass(frozen=True)
class Outcome:
    """What became of one landing file: read = accepted + rejected + expired + duplicate.

    `error` says why it stays in landing, without its values; `resumed` that a killed run had stored it.
    """

    delivery_id: UUID
    load_id: UUID | None
    shown_name: str
    kind: str | None
    read: int = 0
    accepted: int = 0
    rejected: int = 0
    expired: int = 0
    duplicate: int = 0
    resumed: bool = False
    error: str | None = None


def is_new(outcome: Outcome) -> bool:
    """Return whether a file was taken tonight, and is not on record yet."""
    return outcome.error is None and not outcome.resumed


def with_counts(outcome: Outcome, counts: Mapping[str, int]) -> Outcome:
    """Return `outcome` with the number of its records by verdict."""
    return replace(
        outcome,
        accepted=counts.get("accepted", 0),
        rejected=counts.get("rejected", 0),
        expired=counts.get("expired", 0),
        duplicate=counts.get("duplicate", 0),
    )


def recorded_imports(connection: duckdb.DuckDBPyConnection) -> dict[UUID, Outcome]:
    """Return delivery → what became of it, for all deliveries on record; no record holds a name."""
    rows = connection.execute(
        "SELECT delivery_id, load_id, '', kind, read, accepted, rejected, expired, duplicate FROM imports"
    ).fetchall()
    return {row[0]: Outcome(*row) for row in rows}


def seal(workshop: Workshop, taken: Sequence[Outcome], day: date) -> None:
    """Store the composed tables, the fresh rejects and the imports of `taken` in one revision."""
    _stage_imports(workshop.connection, taken, day)
    _stage_rejects(workshop.connection, day)
    rows = {table: f"SELECT * FROM new_{table}" for table in JUDGED}  # noqa: S608 names of the catalog
    rows["archived"] = (
        "SELECT archived.* FROM archived SEMI JOIN new_people USING (person_id)"  # joined: gone
    )
    for table in ("imports", "contact_rejects"):
        rows[table] = f"SELECT * FROM {table} UNION ALL BY NAME SELECT * FROM fresh_{table}"  # noqa: S608 the same
    workshop.revise("contacts", rows)


def _stage_imports(connection: duckdb.DuckDBPyConnection, taken: Sequence[Outcome], day: date) -> None:
    connection.execute("CREATE OR REPLACE TEMP TABLE fresh_imports AS SELECT * FROM imports WHERE false")
    connection.executemany(
        "INSERT INTO fresh_imports "
        "(delivery_id, load_id, received_on, kind, read, accepted, rejected, expired, duplicate) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            [o.delivery_id, o.load_id, day, o.kind, o.read, o.accepted, o.rejected, o.expired, o.duplicate]
            for o in taken
        ],
    )


def _stage_rejects(connection: duckdb.DuckDBPyConnection, day: date) -> None:
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE fresh_contact_rejects AS "
        "SELECT load_id, line, $day::DATE AS received_on, reason, raw FROM judged_refusals WHERE is_fresh",
        {"day": day},
    )
