"""Staged lines → sealed segments, a day at a time; the segment of the day of receipt is the commit.

A killed run may have sealed some days of a load already. `loads` of those days says so: what is there
is skipped, so that a rerun gives the same hits, whatever files share its batch.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
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

# staged_hits: one row a new hit of the batch, as the catalog declares it, and its local day.
_STAGED_HITS = f"""
CREATE OR REPLACE TEMP VIEW staged_hits AS
SELECT {_HITS}, hit_on FROM staged JOIN files USING (file_no) WHERE line >= first_new
"""  # noqa: S608 catalog names
# accepted_hits: those without the rows that broke a rule of quality.
_ACCEPTED_HITS = """
CREATE OR REPLACE TEMP VIEW accepted_hits AS
SELECT h.* FROM staged_hits AS h ANTI JOIN failing AS f ON f.load_id = h.load_id AND f.line = h.line
"""
_ACCEPTED_REJECTS = """
CREATE OR REPLACE TEMP VIEW accepted_rejects AS
SELECT load_id, line, reason, raw FROM staged_rejects JOIN files USING (file_no) WHERE line >= first_new
"""
# sealable: those of days that hold nothing of their load yet.
_SEALABLE = """
CREATE OR REPLACE TEMP VIEW sealable AS
SELECT h.* FROM accepted_hits AS h ANTI JOIN stored AS s ON s.load_id = h.load_id AND s.hit_on = h.hit_on
"""
_STORED = """
CREATE OR REPLACE TEMP TABLE stored AS
SELECT DISTINCT load_id, CAST(substr(store, 9) AS DATE) AS hit_on FROM loads
"""


def show_staged(connection: duckdb.DuckDBPyConnection, readings: Sequence[Reading]) -> None:
    """Show as `staged_hits` what is new in `readings`; lines of files that failed are in none of them."""
    connection.execute("CREATE OR REPLACE TEMP TABLE files (file_no INTEGER, load_id UUID, first_new BIGINT)")
    new = [reading for reading in readings if reading.has_new_lines]
    connection.execute(
        "INSERT INTO files SELECT unnest($numbers), unnest($loads), unnest($first_new)",
        {
            "numbers": [reading.file_no for reading in new],
            "loads": [reading.load_id for reading in new],
            "first_new": [reading.duplicates + 1 for reading in new],
        },
    )
    connection.execute(_STAGED_HITS)


def show_accepted(connection: duckdb.DuckDBPyConnection) -> None:
    """Show as `accepted_hits` and `accepted_rejects` what goes into the vault, and what of it is there."""
    for statement in (_STORED, _ACCEPTED_HITS, _ACCEPTED_REJECTS, _SEALABLE):
        connection.execute(statement)


def seal_days(workshop: Workshop, keyring: Keyring, *, received_on: date) -> None:
    """Seal the hits of every local day but that of receipt, one segment each."""
    days = workshop.connection.execute(
        """
        SELECT hit_on, list(DISTINCT load_id) FROM sealable
        WHERE hit_on <> $day GROUP BY hit_on ORDER BY hit_on
        """,
        {"day": received_on},
    ).fetchall()
    for day, loads in days:
        _seal(workshop, day, segment_name(keyring, "day", loads), _rows_of_day(day, received_on))


def commit(workshop: Workshop, keyring: Keyring, readings: Sequence[Reading], *, received_on: date) -> None:
    """Seal the day of receipt: its hits, the rejects, and the deliveries, which are now taken in."""
    _stage_deliveries(workshop.connection, readings, received_on)
    rows = {
        **_rows_of_day(received_on, received_on),
        "rejects": f"SELECT *, DATE '{received_on}' AS received_on FROM accepted_rejects",  # noqa: S608 a date
        "deliveries": "SELECT * FROM staged_deliveries",
    }
    ids = [reading.delivery.delivery_id for reading in readings]
    _seal(workshop, received_on, segment_name(keyring, "commit", ids), rows)
    workshop.connection.unregister("staged_deliveries")


def _rows_of_day(day: date, received_on: date) -> dict[str, str]:
    hits = f"FROM sealable WHERE hit_on = DATE '{day}'"
    return {
        # sorted, so that the hits of one visitor are found without reading the day
        "hits": f"SELECT {_HITS} {hits} ORDER BY visitor, hit_at, load_id, line",
        "loads": (
            f"SELECT load_id, DATE '{received_on}' AS received_on, count(*) AS accepted {hits} "
            "GROUP BY load_id"
        ),
    }


def _seal(workshop: Workshop, day: date, segment: str, rows: dict[str, str]) -> None:
    if not workshop.seal(f"traffic/{day}", segment, rows):
        raise VaultError(
            f"the store of {day} holds the segment to write already, but not its loads: it was changed from "
            "outside. Restore it from the backup and run again."
        )


def segment_name(keyring: Keyring, use: str, ids: Sequence[UUID]) -> str:
    """Return a name for what holds `ids`: keyed, and the same whenever they are the same."""
    key = keyring.derive("fingerprint", "traffic segment")
    message = "\n".join([use, *sorted(id_.hex for id_ in ids)])
    return hmac.digest(key, message.encode(), "sha256").hex()[:_NAME_CHARACTERS]


def _stage_deliveries(
    connection: duckdb.DuckDBPyConnection, readings: Sequence[Reading], received_on: date
) -> None:
    rows: list[dict[str, Any]] = [
        {
            "delivery_id": str(reading.delivery.delivery_id),
            "load_id": str(reading.load_id),
            "source": reading.delivery.source,
            "received_on": received_on,
            "content_bytes": reading.extent.content_bytes,
            "content_digest": reading.extent.content_digest,
            "complete_bytes": reading.extent.complete_bytes,
            "complete_digest": reading.extent.complete_digest,
            "tail_digest": reading.tail_digest,
            **reading.counts,
        }
        for reading in readings
    ]
    columns = catalog.table("deliveries").column_names
    table: dict[str, Any] = {name: [row[name] for row in rows] for name in columns}
    table["tail_digest"] = pa.array(table["tail_digest"], pa.binary())  # may be null in every row
    connection.register("staged_deliveries", pa.table(table))
