"""Look for the people of the contact store in published texts, inside the vault.

What comes out is which of the texts match, and how: nothing of the people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

import duckdb
import pyarrow as pa

_ROLES = (
    "abonnement", "accueil", "admin", "billing", "bonjour", "commercial", "comptabilite", "contact",
    "direction", "facturation", "feedback", "galerie", "gallery", "hello", "hostmaster", "lettre",
    "marketing", "newsletter", "noreply", "office", "orders", "postmaster", "presse", "privacy", "reception",
    "recrutement", "sales", "secretariat", "security", "service", "support", "webmaster",
)  # fmt: skip
_COLUMNS: Mapping[str, pa.DataType] = {"nr": pa.int64(), "text": pa.string()}


def known_people(
    connection: duckdb.DuckDBPyConnection, texts: Mapping[str, Sequence[str]]
) -> dict[tuple[str, str], list[str]]:
    """Return which texts tell of somebody that the connection shows: place and kind of match → texts."""
    given = [(place, text) for place, found in texts.items() for text in found]
    rows = [{"nr": nr, "text": unquote(unquote(text))} for nr, (_place, text) in enumerate(given)]
    connection.register("published", pa.Table.from_pylist(rows, schema=pa.schema(_COLUMNS)))
    try:
        query = Path(__file__).with_name("names.sql").read_text(encoding="utf-8")
        matches = connection.execute(query, {"roles": list(_ROLES)}).fetchall()
    finally:
        connection.unregister("published")
    known: dict[tuple[str, str], list[str]] = {}
    for kind, nr in matches:
        place, text = given[nr]
        known.setdefault((place, kind), []).append(text)
    return known
