"""One person over all sources: records joined by the verified identifiers that they share.

An e-mail or phone that somebody merely typed joins nobody: it would hand one person's data to another.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import duckdb
import pyarrow as pa

Node = tuple[str, ...]
RecordKey = tuple[str, str]  # (source, person_ref)
Claim = tuple[str, str]  # (kind, value) of a verified e-mail or phone
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Known:
    """What the night's records are joined by.

    `records`: each record that arrives or is referred to, with the person that it has in the store.
    `claims`: its verified identifiers. `holders`: who holds such an identifier in the store already.
    `first_seen_at`: since when the store has known a person.
    """

    records: Mapping[RecordKey, UUID | None]
    claims: Iterable[tuple[RecordKey, Claim]]
    holders: Iterable[tuple[Claim, UUID]]
    first_seen_at: Mapping[UUID, datetime]


def components(links: Iterable[tuple[Node, Node]]) -> dict[Node, Node]:
    """Return node → the smallest node that it is linked to, over any number of links (union-find)."""
    parent: dict[Node, Node] = {}
    for one, other in links:
        parent.setdefault(one, one)
        parent.setdefault(other, other)
        first, second = _root(parent, one), _root(parent, other)
        parent[max(first, second)] = min(first, second)
    return {node: _root(parent, node) for node in parent}


def assign(known: Known, key: bytes) -> tuple[dict[RecordKey, UUID], dict[UUID, UUID]]:
    """Return record → person, and person → the older person into whom a new identifier joins them.

    Nobody changes id when more records join them; whoever is new gets one from their smallest record.
    """
    groups: dict[Node, list[Node]] = {}
    for node, root in components(_links(known)).items():
        groups.setdefault(root, []).append(node)
    persons: dict[RecordKey, UUID] = {}
    moves: dict[UUID, UUID] = {}
    for nodes in groups.values():
        stored = [UUID(node[1]) for node in nodes if node[0] == "person"]
        records = [(node[1], node[2]) for node in nodes if node[0] == "record"]
        person = _eldest(stored, known.first_seen_at) if stored else person_id(key, ("record", *min(records)))
        persons |= dict.fromkeys(records, person)
        moves |= {other: person for other in stored if other != person}
    return persons, moves


def person_id(key: bytes, node: Node) -> UUID:
    """Return the id of the person whom `node` stands for: keyed, so that it tells nothing of it."""
    return UUID(bytes=hmac.digest(key, "\x1f".join(node).encode(), "sha256")[:16])


def resolve(connection: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Fill `resolved` (source, person_ref, person_id) and `moves` (from_id, to_id) for the accepted records.

    Reads `accepted`, `kept_identifiers` and the views of the store.
    """
    persons, moves = assign(_known(connection), key)
    _stage(connection, "resolved", {
        "source": [source for source, _ref in persons],
        "person_ref": [ref for _source, ref in persons],
        "person_id": [str(person) for person in persons.values()],
    })  # fmt: skip
    _stage(connection, "moves", {
        "from_id": [str(person) for person in moves],
        "to_id": [str(person) for person in moves.values()],
    })  # fmt: skip


def _known(connection: duckdb.DuckDBPyConnection) -> Known:
    def rows(name: str) -> list[tuple[object, ...]]:
        return connection.execute((_HERE / f"{name}.sql").read_text(encoding="utf-8")).fetchall()

    records = {(str(source), str(ref)): _uuid(person) for source, ref, person in rows("named_records")}
    claims = [((str(s), str(ref)), (str(kind), str(value))) for s, ref, kind, value in rows("claims")]
    holders = [((str(kind), str(value)), person) for kind, value, person in rows("holders")]
    ages = dict(connection.execute("SELECT person_id, first_seen_at FROM people").fetchall())
    return Known(records, claims, [(claim, UUID(str(person))) for claim, person in holders], ages)


def _uuid(value: object) -> UUID | None:
    return None if value is None else UUID(str(value))


def _links(known: Known) -> Iterable[tuple[Node, Node]]:
    for (source, ref), person in known.records.items():
        record = ("record", source, ref)
        yield record, record if person is None else ("person", str(person))
    for (source, ref), claim in known.claims:
        yield ("record", source, ref), claim
    for claim, person in known.holders:
        yield claim, ("person", str(person))


def _root(parent: dict[Node, Node], node: Node) -> Node:
    while parent[node] != node:
        parent[node] = parent[parent[node]]  # halves the path for the next one to walk it
        node = parent[node]
    return node


def _eldest(persons: Iterable[UUID], first_seen_at: Mapping[UUID, datetime]) -> UUID:
    return min(persons, key=lambda person: (first_seen_at[person], person))


def _stage(connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, list[str]]) -> None:
    rows = {name: pa.array(values, pa.string()) for name, values in columns.items()}
    connection.register("staged_rows", pa.table(rows))
    ids = ", ".join(f"{name}::UUID AS {name}" for name in columns if name.endswith("_id"))
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * REPLACE ({ids}) FROM staged_rows"  # noqa: S608 own names
    )
    connection.unregister("staged_rows")
