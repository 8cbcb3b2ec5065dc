"""Rows written out in a test, sealed in a store of a vault."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from pipelines import catalog
from pipelines.installation import Installation

Rows = Mapping[str, Sequence[Mapping[str, Any]]]
_DEFAULTS = {
    "UUID": "00000000-0000-0000-0000-000000000001",
    "BIGINT": 1,
    "SMALLINT": 200,
    "BOOLEAN": False,
    "VARCHAR": "x",
    "BLOB": b"x",
    "DATE": date(2026, 1, 1),
    "TIMESTAMP": datetime(2026, 1, 1),  # noqa: DTZ001 a TIMESTAMP of the vault is naive UTC
}


def select_of(table: catalog.Table, rows: Sequence[Mapping[str, Any]]) -> str:
    """A SELECT of literal rows, with something in each column that a row does not name."""

    def literal(column: catalog.Column, row: Mapping[str, Any]) -> str:
        value = row.get(column.name, None if column.nullable else _DEFAULTS[column.type])
        if value is None:
            return f"NULL::{column.type} AS {column.name}"
        if isinstance(value, bytes):
            return f"unhex('{value.hex()}') AS {column.name}"
        return f"'{str(value).replace(chr(39), chr(39) * 2)}'::{column.type} AS {column.name}"

    return " UNION ALL ".join(
        "SELECT " + ", ".join(literal(column, row) for column in table.columns) for row in rows
    )


def seal_rows(installation: Installation, store: str, rows: Rows) -> None:
    """Seal a store that holds `rows`, each table's as a segment or, where it has one, as its next generation."""
    with installation.vault.workshop() as workshop:
        selects = {name: select_of(catalog.table(name), many) for name, many in rows.items() if many}
        if store in ("contacts", "rights"):
            workshop.revise(store, selects)
        else:
            workshop.seal(store, f"s{uuid.uuid4().hex}", selects)
