"""Tonight's exports → temporary tables `arrivals` and `refused`, through Arrow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from pipelines.contacts.exports import Export, Refusal
from pipelines.contacts.records import Arrival, Reader
from pipelines.contacts.resolve import person_id

_TEXTS = (
    "kind", "source", "ref", "person_ref", "name", "email", "phone", "postal_address", "message_kind", "body",
    "purpose", "action", "cookie_type", "choice",
)  # fmt: skip
_FLAGS = ("is_email_verified", "is_phone_verified")
_DAYS = ("started_on", "ended_on")
_ARRIVAL_FIELDS: list[tuple[str, pa.DataType]] = [
    ("arrival", pa.int64()), ("delivery", pa.int64()), ("line", pa.int64()),
    *((name, pa.string()) for name in _TEXTS), *((name, pa.bool_()) for name in _FLAGS),
    *((name, pa.date32()) for name in _DAYS),
    ("recorded_at", pa.timestamp("us")), ("recorded_on", pa.date32()), ("lone_id", pa.string()),
    ("content", pa.binary()), ("own_marks", pa.list_(pa.binary())), ("shared_marks", pa.list_(pa.binary())),
]  # fmt: skip
_REFUSAL_FIELDS: list[tuple[str, pa.DataType]] = [
    ("delivery", pa.int64()), ("load_id", pa.string()), ("line", pa.int64()), ("reason", pa.string()),
    ("raw", pa.binary()),
]  # fmt: skip
_ARRIVALS, _REFUSED = pa.schema(_ARRIVAL_FIELDS), pa.schema(_REFUSAL_FIELDS)


@dataclass(frozen=True)
class Keys:
    """The derived keys under which people and tombstones are known."""

    person: bytes
    tombstone: bytes


@dataclass
class Batch:
    """All records of a night, by position: `exports[delivery]` is the file that brought one."""

    keys: Keys
    zone: ZoneInfo
    exports: list[Export] = field(default_factory=list)
    arrivals: list[tuple[int, int, Arrival]] = field(default_factory=list)  # (delivery, line, record)
    refusals: list[tuple[int, Refusal]] = field(default_factory=list)

    def add(self, export: Export, reader: Reader) -> int:
        """Read all records of `export` and return how many; a refused header leaves nothing behind."""
        records = list(export.records(reader))
        delivery = len(self.exports)
        self.exports.append(replace(export, content=b""))
        for record in records:
            if isinstance(record, Refusal):
                self.refusals.append((delivery, record))
            else:
                self.arrivals.append((delivery, *record))
        return len(records)

    def stage(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Fill the temporary tables `arrivals` and `refused`."""
        typed = "* REPLACE (lone_id::UUID AS lone_id), false AS is_refused"
        _create(connection, "arrivals", self._arrivals(), typed)
        _create(connection, "refused", self._refused(), "* REPLACE (load_id::UUID AS load_id)")

    def refuse(self, connection: duckdb.DuckDBPyConnection, arrivals: list[int], reason: str) -> None:
        """Turn staged arrivals into refusals; their bytes are no longer at hand, so they are kept as JSON."""
        for position in arrivals:
            delivery, line, arrival = self.arrivals[position]
            self.refusals.append((delivery, Refusal(line, reason, arrival.as_json())))
        _create(connection, "refused", self._refused(), "* REPLACE (load_id::UUID AS load_id)")
        connection.execute(
            "UPDATE arrivals SET is_refused = true WHERE arrival IN (SELECT unnest($arrivals))",
            {"arrivals": arrivals},
        )

    def _arrivals(self) -> pa.Table:
        columns: Mapping[str, list[Any]] = {name: [] for name in _ARRIVALS.names}
        for position, (delivery, line, arrival) in enumerate(self.arrivals):
            for name in (*_TEXTS, *_FLAGS, *_DAYS):
                columns[name].append(getattr(arrival, name))
            for name, value in self._about(arrival).items():
                columns[name].append(value)
            columns["arrival"].append(position)
            columns["delivery"].append(delivery)
            columns["line"].append(line)
        return pa.table([pa.array(columns[field.name], field.type) for field in _ARRIVALS], schema=_ARRIVALS)

    def _about(self, arrival: Arrival) -> dict[str, Any]:
        lone_key = arrival.lone_key
        return {
            "recorded_at": arrival.recorded_at.replace(tzinfo=None),
            "recorded_on": _local_day(arrival, self.zone),
            "lone_id": None if lone_key is None else str(person_id(self.keys.person, lone_key)),
            "content": arrival.content,
            "own_marks": arrival.own_marks(self.keys.tombstone),
            "shared_marks": arrival.shared_marks(self.keys.tombstone),
        }

    def _refused(self) -> pa.Table:
        rows = [
            {"delivery": delivery, "load_id": str(self.exports[delivery].load_id), "line": refusal.line,
             "reason": refusal.reason, "raw": refusal.raw}
            for delivery, refusal in self.refusals
        ]  # fmt: skip
        return pa.Table.from_pylist(rows, schema=_REFUSED)


def _local_day(arrival: Arrival, zone: ZoneInfo) -> date:
    return arrival.recorded_at.astimezone(zone).date()


def _create(connection: duckdb.DuckDBPyConnection, table: str, rows: pa.Table, select: str) -> None:
    connection.register("staged_rows", rows)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT {select} FROM staged_rows")  # noqa: S608 own
    connection.unregister("staged_rows")
