"""Everything that is held about a person, found over every store by the catalog's one list.

Contacts are found by verified identifiers; traffic by an address and a moment that the person gave.
What cannot be tied to the person is other people's data: it is counted, never disclosed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from pipelines import catalog
from pipelines.charter import Charter
from pipelines.installation import Installation
from pipelines.rights.register import Request
from pipelines.traffic.pseudonym import address_pseudonym
from pipelines.vault import Workshop

AROUND = timedelta(minutes=30)  # how far from the stated moment a hit may lie: clocks and memories differ
ANSWER_ITSELF = "packages"  # the files being made: the person receives them as they are
_HERE = Path(__file__).parent

Row = Mapping[str, Any]  # column → value, of the columns that the person may see
KeyedRow = tuple[tuple[Any, ...], Row]
_NO_ROWS: list[KeyedRow] = []


@dataclass(frozen=True)
class Sighting:
    """One address and moment of the request, and what became of the search: a word of `OUTCOMES`."""

    address: str
    seen_at: datetime
    outcome: str


OUTCOMES: Mapping[str, str] = {
    "found": "one visitor was seen under this address around this moment; the requests of that day are above",
    "nothing": "nothing is held for this address around this moment",
    "shared": "more than one visitor was seen under this address around this moment: what is held cannot be "
    "tied to you and is not disclosed, because it may be about others (GDPR Art. 11)",
    "not kept": "what is held of addresses cannot tell one person from others: it cannot be tied to you "
    "(GDPR Art. 11)",
}  # fmt: skip


@dataclass
class Found:
    """What was found: table → rows with the columns that the person may see."""

    tables: dict[str, list[Row]] = field(default_factory=dict)
    possible: dict[str, int] = field(default_factory=dict)
    sightings: list[Sighting] = field(default_factory=list)
    people: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """Rows per table."""
        return {name: len(rows) for name, rows in self.tables.items()}

    @property
    def holds_nothing(self) -> bool:
        """Whether nothing is held but the request itself."""
        return not any(rows for name, rows in self.tables.items() if catalog.table(name).store != "rights")


def find_in_register(workshop: Workshop, request: Request, found: Found) -> list[tuple[str, datetime]]:
    """Add the request itself; return the addresses and moments that it names."""
    for table in _tables_of_subject("rights", but=ANSWER_ITSELF):
        found.tables[table.name] = _rows_of(workshop, table, [request.request_id])
    return [(row["address"], row["seen_at"].replace(tzinfo=UTC)) for row in found.tables["request_addresses"]]


def find_in_contacts(workshop: Workshop, request: Request, found: Found) -> None:
    """Add the rows of the person whom verified identifiers name; others are counted as possible matches."""
    workshop.open("contacts", archive=True)
    given = {"email": request.email, "phone": request.phone, "name": request.name}
    rows = workshop.connection.execute((_HERE / "matches.sql").read_text(encoding="utf-8"), given).fetchall()
    verified = [(person, has_name) for person, is_verified, _identified, has_name in rows if is_verified]
    if len(verified) > 1:  # a shared number, or somebody else's: only who bears the name of the request
        verified = [(person, has_name) for person, has_name in verified if has_name]
    people = [str(person) for person, _has_name in verified]
    others = [str(row[0]) for row in rows if str(row[0]) not in people]
    found.people = len(people)
    for table in _tables_of_subject("contacts"):
        found.tables[table.name] = _rows_of(workshop, table, people)
        if count := len(_rows_of(workshop, table, others)):
            found.possible[table.name] = count


def find_in_traffic(
    workshop: Workshop, installation: Installation, seen: Sequence[tuple[str, datetime]], found: Found
) -> None:
    """Add the hits of the one visitor that each address shows around its moment, if it shows just one."""
    hits: dict[tuple[Any, ...], Row] = {}
    stores = traffic_stores(installation, seen)
    if stores:
        workshop.open(*stores)
    for address, moment in seen:
        outcome, rows = "nothing", _NO_ROWS
        if installation.charter.traffic.address_mode != "hash":
            outcome = "not kept"
        elif stores:
            outcome, rows = _hits_around(workshop, installation, stores, address, moment)
        hits |= dict(rows)
        found.sightings.append(Sighting(address, moment, outcome))
    found.tables["hits"] = sorted(hits.values(), key=lambda row: row["hit_at"])


def traffic_stores(installation: Installation, seen: Sequence[tuple[str, datetime]]) -> list[str]:
    """Return the stores, of those there are, of the local days that the moments touch."""
    if installation.charter.traffic.address_mode != "hash":
        return []
    wanted = {
        f"traffic/{day}" for _address, moment in seen for day in _days_around(installation.charter, moment)
    }
    return sorted(wanted & set(installation.vault.stores("traffic")))


def _hits_around(
    workshop: Workshop, installation: Installation, stores: Sequence[str], address: str, moment: datetime
) -> tuple[str, list[KeyedRow]]:
    """Return the outcome for one address and moment, and the keyed rows where it is "found"."""
    # month → (address, visitor): the same ones have other pseudonyms next month
    visitors: dict[str, set[tuple[UUID, UUID]]] = {}
    days = [day for day in _days_around(installation.charter, moment) if f"traffic/{day}" in stores]
    for day in days:
        month = f"{day:%Y-%m}"
        pseudonym = address_pseudonym(installation.keyring, month, address, installation.charter)
        visitors.setdefault(month, set()).update(_visitors(workshop, f"traffic/{day}", pseudonym, moment))
    if any(len(seen) > 1 for seen in visitors.values()):
        return "shared", []
    rows = [
        row for day in days for pseudonyms in visitors[f"{day:%Y-%m}"]
        for row in _hits_of(workshop, f"traffic/{day}", *pseudonyms)
    ]  # fmt: skip
    return ("found" if rows else "nothing"), rows


def _visitors(
    workshop: Workshop, store: str, address: UUID | None, moment: datetime
) -> Iterator[tuple[UUID, UUID]]:
    if address is None:
        return
    naive = moment.astimezone(UTC).replace(tzinfo=None)
    values = {"store": store, "address": address, "earliest": naive - AROUND, "latest": naive + AROUND}
    sql = (_HERE / "visitors.sql").read_text(encoding="utf-8")
    yield from ((address, row[0]) for row in workshop.connection.execute(sql, values).fetchall())


def _hits_of(workshop: Workshop, store: str, address: UUID, visitor: UUID) -> list[KeyedRow]:
    """Return the keyed hits of `visitor`; those of one address lie together, so little else is read."""
    table = catalog.table("hits")
    shown = [column.name for column in table.exported()]
    rows = workshop.connection.execute(
        f"SELECT {', '.join([*table.key, *shown])} FROM hits WHERE store = ? AND address = ? AND visitor = ?",  # noqa: S608 catalog
        [store, address, visitor],
    ).fetchall()
    width = len(table.key)
    return [(row[:width], dict(zip(shown, row[width:], strict=True))) for row in rows]


def _days_around(charter: Charter, moment: datetime) -> list[date]:
    edges = (moment - AROUND, moment + AROUND)
    return sorted({edge.astimezone(charter.zone).date() for edge in edges})


def _tables_of_subject(kind: str, *, but: str = "") -> list[catalog.Table]:
    return [table for table in catalog.tables_of(kind) if table.subject is not None and table.name != but]


def _rows_of(workshop: Workshop, table: catalog.Table, subjects: Sequence[str]) -> list[Row]:
    """Return the rows of `subjects` in the order of the table's key, with the columns that are exported."""
    shown = [column.name for column in table.exported()]
    rows = workshop.connection.execute(
        f"SELECT {', '.join(shown)} FROM {table.name} "  # noqa: S608 names from the catalog alone
        f"WHERE {table.subject}::VARCHAR IN (SELECT unnest(?::VARCHAR[])) ORDER BY {', '.join(table.key)}",
        [list(subjects)],
    ).fetchall()
    return [dict(zip(shown, row, strict=True)) for row in rows]
