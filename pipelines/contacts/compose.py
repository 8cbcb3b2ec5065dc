"""Tonight's arrivals and the store as it is → the store as it will be, in temporary tables `new_…`.

The order is that of `compose`: what each record is, whose it is, what that makes of every table,
what came too late. Run again after a record was refused, it starts from `arrivals` anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import duckdb

from pipelines import catalog
from pipelines.charter import Charter
from pipelines.contacts.clocks import expired_contracts, expired_people, expired_records
from pipelines.contacts.resolve import resolve

FACTS = ("contracts", "messages", "consents", "cookies")  # tables of which one row is one record
JUDGED = ("people", "identifiers", *FACTS)  # tables that a suite of expectations/ judges
_RENAMED: Mapping[str, str] = {
    "kind": "message_kind",
    "contract_ref": "ref",
    "message_ref": "ref",
    "consent_ref": "ref",
    "choice_ref": "ref",
}
_HERE = Path(__file__).parent


def compose(connection: duckdb.DuckDBPyConnection, charter: Charter, day: date, person_key: bytes) -> None:
    """Fill `judged`, `judged_refusals` and a `new_…` table for each of `JUDGED`."""
    run(connection, "judged")
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW accepted AS SELECT * FROM judged WHERE verdict = 'accepted'"
    )
    run(connection, "kept_identifiers")
    resolve(connection, person_key)
    _fill(connection)
    expired_people(connection, charter, day, prefix="new_")
    expired_contracts(connection, charter, day, prefix="new_")
    expired_records(connection, charter, day, prefix="new_")
    run(connection, "too_late")
    connection.execute(
        "UPDATE judged SET verdict = 'expired' WHERE arrival IN (SELECT arrival FROM too_late)"
    )
    _fill(connection)
    run(connection, "judged_refusals")


def run(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Carry out the statement of `name`.sql."""
    connection.execute((_HERE / f"{name}.sql").read_text(encoding="utf-8"))


def has_changes(connection: duckdb.DuckDBPyConnection) -> bool:
    """Return whether anything of tonight's is new to the store."""
    row = connection.execute(
        "SELECT EXISTS (FROM accepted) OR EXISTS (FROM judged_refusals WHERE is_fresh)"
    ).fetchone()
    return bool(row and row[0])


def verdict_counts(connection: duckdb.DuckDBPyConnection) -> dict[int, dict[str, int]]:
    """Return position of the export → verdict → number of its records."""
    counts: dict[int, dict[str, int]] = {}
    query = (_HERE / "verdict_counts.sql").read_text(encoding="utf-8")
    for delivery, verdict, number in connection.execute(query).fetchall():
        counts.setdefault(delivery, {})[verdict] = number
    return counts


def _fill(connection: duckdb.DuckDBPyConnection) -> None:
    run(connection, "owned")
    run(connection, "new_identifiers")
    for name in FACTS:
        connection.execute(_facts(catalog.table(name)))
    run(connection, "new_people")


def _facts(table: catalog.Table) -> str:
    """Return the statement for a table of records: those held, unless they come anew, and those that come."""
    reference = next(name for name in table.key if name != "source")
    others = [name for name in table.column_names if name != "person_id"]
    held = ", ".join(f"held.{name}" for name in others)
    arriving = ", ".join(_RENAMED.get(name, name) for name in others)
    return (
        f"CREATE OR REPLACE TEMP TABLE new_{table.name} AS "  # noqa: S608 identifiers from the catalog
        f"SELECT coalesce(moves.to_id, held.person_id) AS person_id, {held} FROM {table.name} AS held "
        f"LEFT JOIN moves ON moves.from_id = held.person_id "
        f"WHERE NOT EXISTS (SELECT 1 FROM owned WHERE owned.kind = '{table.name}' "
        f"AND owned.source = held.source AND owned.ref = held.{reference}) "
        f"UNION ALL SELECT person_id, {arriving} FROM owned WHERE kind = '{table.name}'"
    )
