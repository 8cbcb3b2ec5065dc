"""Staged lines → sealed segments, one a local day, all of a portion in force together."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import duckdb
import pyarrow as pa

from pipelines import catalog
from pipelines.errors import VaultError
from pipelines.traffic.accounting import Reading
from pipelines.vault import Keyring, Workshop

_HITS = ", ".join(catalog.table("hits").column_names)
_NAME_CHARACTERS = 32

# accepted_hits: what is staged, without the rows that broke a rule of quality.
_ACCEPTED_HITS = """
CREATE OR REPLACE TEMP VIEW accepted_hits AS
SELECT * FROM coded_hits AS h
"""
_BUT_FAILING = "ANTI JOIN failing AS f ON f.load_id = h.load_id AND f.line = h.line"
_ACCEPTED_REJECTS = """
CREATE OR REPLACE TEMP VIEW accepted_rejects AS
SELECT load_id, line, reason, raw FROM staged_rejects JOIN files USING (file_no)
"""


def name_loads(connection: duckdb.DuckDBPyConnection, readings: Sequence[Reading]) -> None:
    """Say in `files` which load each staged file is; lines of files that failed are in none of them."""
    connection.execute("CREATE OR REPLACE TEMP TABLE files (file_no INTEGER, load_id UUID)")
    connection.execute(
        "INSERT INTO files SELECT unnest($numbers), unnest($loads)",
        {
            "numbers": [reading.file_no for reading in readings],
            "loads": [reading.load_id for reading in readings],
        },
    )


def show_accepted(connection: duckdb.DuckDBPyConnection, *, has_failing: bool) -> None:
    """Show as `accepted_hits` and `accepted_rejects` what goes into the vault."""
    connection.execute(_ACCEPTED_HITS + (_BUT_FAILING if has_failing else ""))
    connection.execute(_ACCEPTED_REJECTS)


def seal(workshop: Workshop, keyring: Keyring, readings: Sequence[Reading], *, received_on: date) -> None:
    """Seal the hits of every local day, and with the day of receipt the rejects and deliveries."""
    _stage_deliveries(workshop.connection, readings, received_on)
    received = {
        "rejects": f"SELECT *, DATE '{received_on}' AS received_on FROM accepted_rejects",  # noqa: S608 a date
        "deliveries": "SELECT * FROM staged_deliveries",
    }
    rows = hits_by_day(workshop.connection, received_on)
    rows[received_on] = rows.get(received_on, {}) | received
    seal_days(workshop, segment_name(keyring, [reading.load_id for reading in readings]), rows)
    workshop.connection.unregister("staged_deliveries")


def hits_by_day(connection: duckdb.DuckDBPyConnection, received_on: date) -> dict[date, dict[str, str]]:
    """Return each local day of the accepted hits → table → SELECT of what its store gets."""
    days = connection.execute("SELECT DISTINCT hit_on FROM accepted_hits").fetchall()
    return {day: _rows_of_day(day, received_on) for (day,) in days}


def seal_days(workshop: Workshop, name: str, rows: Mapping[date, Mapping[str, str]]) -> None:
    """Seal `rows` (local day → table → SELECT) as the segment `name` of each day's store, all together."""
    with workshop.sealing() as sealing:
        for day in sorted(rows):
            if not sealing.add(f"traffic/{day}", name, rows[day]):
                raise VaultError(
                    f"the store of {day} holds the segment to write already, but not its deliveries: it was "
                    "changed from outside. Restore it from the backup and run again."
                )


def _rows_of_day(day: date, received_on: date) -> dict[str, str]:
    hits = f"FROM accepted_hits WHERE hit_on = DATE '{day}'"
    return {
        "hits": f"SELECT {_HITS} {hits}",  # in the order of `ordered`: those of one address together
        "loads": (
            f"SELECT load_id, DATE '{received_on}' AS received_on, count(*) AS accepted {hits} "
            "GROUP BY load_id"
        ),
    }


def segment_name(keyring: Keyring, loads: Sequence[UUID]) -> str:
    """Return a name for what holds `loads`: keyed, and the same whenever they are the same."""
    key = keyring.derive("fingerprint", "traffic segment")
    message = "\n".join(sorted(id_.hex for id_ in loads))
    return hmac.digest(key, message.encode(), "sha256").hex()[:_NAME_CHARACTERS]


def _stage_deliveries(
    connection: duckdb.DuckDBPyConnection, readings: Sequence[Reading], received_on: date
) -> None:
    rows: list[dict[str, Any]] = [
        {
            "delivery_id": str(reading.delivery.delivery_id),
            "load_id": str(reading.load_id),
            "source": reading.delivery.source,
            "head": reading.delivery.head,
            "received_on": received_on,
            "is_whole": reading.is_whole,
            **vars(reading.content),
            **reading.counts,
        }
        for reading in readings
    ]
    columns = catalog.table("deliveries").column_names
    table: dict[str, Any] = {name: [row[name] for row in rows] for name in columns}
    table["tail_digest"] = pa.array(table["tail_digest"], pa.binary())  # may be null in every row
    connection.register("staged_deliveries", pa.table(table))
