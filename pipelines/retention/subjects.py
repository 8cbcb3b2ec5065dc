"""What is due of people and requests: whole ones, records with a clock of their own, and rows of nobody.

Everything here only reads. `stage_due` fills temporary tables that all the rest looks at: `due` (whose
rows go), `due_records` (which single records go), `reduced` (of whom only a refusal is remembered) and
`held_due` (what would go if nothing held it).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from pipelines import catalog
from pipelines.charter import Charter
from pipelines.contacts import expired_contracts, expired_people, expired_records
from pipelines.installation import Installation
from pipelines.periods import oldest_kept
from pipelines.retention.holds import stage_held
from pipelines.retention.plan import Held, Item
from pipelines.vault import Workshop

REVISED = ("contacts", "rights")
# Tables that tie a row to nobody: the day that starts the clock of the row itself; null, it does not run.
DATED: Mapping[str, str] = {
    "contact_rejects": "received_on",
    "imports": "received_on",
    "tombstones": "erased_on",
    "holds": "ends_on",
}
NAMES = (
    "names"  # counted beside the tables: names and addresses of people of whom only a refusal is remembered
)
_HERE = Path(__file__).parent


def stage_due(workshop: Workshop, installation: Installation, store: str, day: date) -> None:
    """Open the stores of people and requests, and stage what is due of `store` on `day`."""
    workshop.open("contacts", archive=True)
    stage_held(workshop, installation, day)
    workshop.connection.execute((_HERE / "nothing_due.sql").read_text(encoding="utf-8"))
    if store == "contacts":
        _stage_people(workshop, installation.charter, day)
    else:
        _stage_requests(workshop, installation.charter, day)
    workshop.connection.execute((_HERE / "held_due.sql").read_text(encoding="utf-8"), {"store": store})
    for name, subject in (("due", "subject"), ("due_records", "subject"), ("reduced", "person_id::VARCHAR")):
        workshop.connection.execute(
            f"DELETE FROM {name} WHERE {subject} IN (SELECT subject FROM held_due)"  # noqa: S608 our own names
        )


def subject_items(workshop: Workshop, installation: Installation, store: str, day: date) -> list[Item]:
    """Return what the staged tables and the dated ones of `store` amount to, an item a category."""
    counted: dict[str, dict[str, int]] = {}
    spans: dict[str, list[date]] = {}
    for table in catalog.tables_of(store):
        for what, category, count, oldest, newest in _gone_from(workshop, installation.charter, table, day):
            counted.setdefault(category, {})[what] = count
            spans.setdefault(category, []).extend((oldest, newest))
    return [
        Item(category, store, counted[category], min(spans[category]), max(spans[category]))
        for category in sorted(counted)
    ]


def held_items(workshop: Workshop, store: str) -> list[Held]:
    """Return what of `store` would go if nothing held it: a line a category and ground."""
    rows = workshop.connection.execute(
        "SELECT category, ? AS store, count(DISTINCT subject), ground, max(ends_on) FROM held_due "
        "GROUP BY category, ground ORDER BY category, ground",
        [store],
    ).fetchall()
    return [Held(*row) for row in rows]


def survivors(workshop: Workshop, installation: Installation, store: str, day: date) -> dict[str, int]:
    """Return "store table" → rows that will be left in `store`, before any tombstone is added."""
    kept = kept_rows(installation.charter, store, day)
    return {
        f"{store} {table.name}": _count(workshop, kept.get(table.name, f"FROM {table.name}"))
        for table in catalog.tables_of(store)
    }


def kept_rows(charter: Charter, store: str, day: date) -> dict[str, str]:
    """Return table → SELECT of the rows that stay, for every table of `store` that can lose any."""
    kept = {}
    for table in catalog.tables_of(store):
        if table.subject is not None:
            kept[table.name] = _kept_of_subjects(table)
        elif table.name in DATED:
            first = _first_kept(charter, table, day).isoformat()
            kept[table.name] = (
                f"SELECT {', '.join(table.column_names)} FROM {table.name} "  # noqa: S608 names from the catalog
                f"WHERE ifnull({DATED[table.name]} >= DATE '{first}', true)"
            )
    return kept


def subjects_digest(workshop: Workshop, key: bytes) -> str:
    """Return a keyed digest of what is staged: it tells two sets apart and names nobody."""
    staged = workshop.connection.execute(
        "SELECT subject, category, '' AS record FROM due "
        "UNION ALL SELECT table_name, category, source || chr(31) || ref FROM due_records ORDER BY ALL"
    ).fetchall()
    return hmac.new(key, repr(staged).encode(), hashlib.sha256).hexdigest()


def count_people(workshop: Workshop) -> int:
    """Return the people of the open contacts store."""
    return _count(workshop, "FROM people")


def doubts(workshop: Workshop, day: date) -> list[str]:
    """Return what cannot be right in the dates of contracts: it starts a clock too late, or never."""
    query = (_HERE / "doubts.sql").read_text(encoding="utf-8")
    return [f"{count} {what}" for what, count in workshop.connection.execute(query, {"day": day}).fetchall()]


def _stage_people(workshop: Workshop, charter: Charter, day: date) -> None:
    expired_people(workshop.connection, charter, day)
    expired_contracts(workshop.connection, charter, day)
    expired_records(workshop.connection, charter, day)
    workshop.connection.execute((_HERE / "people_due.sql").read_text(encoding="utf-8"))


def _stage_requests(workshop: Workshop, charter: Charter, day: date) -> None:
    periods = [charter.retention[category].period for category in ("requests", "exports")]
    first_kept = [oldest_kept(period, day) for period in periods]
    workshop.connection.execute((_HERE / "requests_due.sql").read_text(encoding="utf-8"), first_kept)


def _kept_of_subjects(table: catalog.Table) -> str:
    """Return the SELECT of the rows that stay; of people who are reduced, without name and address."""
    columns = ", ".join(
        f"CASE WHEN person_id NOT IN (SELECT person_id FROM reduced) THEN {name} END AS {name}"  # noqa: S608 catalog
        if table.name == "people" and name in ("name", "postal_address")
        else name
        for name in table.column_names
    )
    records = ""
    if (reference := _reference(table)) is not None:
        records = (
            f" AND (source, {reference}) NOT IN "  # noqa: S608 names from the catalog alone
            f"(SELECT (source, ref) FROM due_records WHERE table_name = '{table.name}')"
        )
    return (
        f"SELECT {columns} FROM {table.name} WHERE {table.subject}::VARCHAR NOT IN "  # noqa: S608 the same
        f"(SELECT subject FROM due WHERE ifnull(only_in, '{table.name}') = '{table.name}'){records}"
    )


def _gone_from(
    workshop: Workshop, charter: Charter, table: catalog.Table, day: date
) -> Iterator[tuple[str, str, int, date, date]]:
    """Yield what goes from `table`, and its category, rows, oldest and newest start of the clock."""
    if table.subject is not None:
        gone = _gone_subjects(table)
    elif table.name in DATED:
        gone = (
            f"SELECT '{table.name}' AS what, '{table.retention}' AS category, "  # noqa: S608 names from the catalog
            f"{DATED[table.name]} AS started_on FROM {table.name} "
            f"WHERE {DATED[table.name]} < DATE '{_first_kept(charter, table, day).isoformat()}'"
        )
    else:
        return
    yield from workshop.connection.execute(
        "SELECT what, category, count(*), min(started_on), max(started_on) "  # noqa: S608 built above
        f"FROM ({gone}) GROUP BY ALL ORDER BY ALL"
    ).fetchall()


def _gone_subjects(table: catalog.Table) -> str:
    subject = f"held.{table.subject}::VARCHAR"
    whole = f"(FROM due WHERE ifnull(only_in, '{table.name}') = '{table.name}')"
    gone = (
        f"SELECT '{table.name}' AS what, whole.category, whole.started_on FROM {table.name} AS held "  # noqa: S608 catalog
        f"JOIN {whole} AS whole ON whole.subject = {subject}"
    )
    if (reference := _reference(table)) is not None:
        gone += (
            f" UNION ALL SELECT '{table.name}', one.category, one.started_on FROM {table.name} AS held "  # noqa: S608 catalog
            f"JOIN due_records AS one ON one.table_name = '{table.name}' "
            f"AND one.source = held.source AND one.ref = held.{reference} "
            f"WHERE {subject} NOT IN (SELECT subject FROM {whole})"
        )
    if table.name == "people":
        gone += (
            f" UNION ALL SELECT '{NAMES}', reduced.category, reduced.started_on FROM people "  # noqa: S608 our own word
            "JOIN reduced USING (person_id) WHERE name IS NOT NULL OR postal_address IS NOT NULL"
        )
    return gone


def _reference(table: catalog.Table) -> str | None:
    """Return the column that names a record within its source; None where no row is a record."""
    if table.key[:1] == ("source",) and len(table.key) == 2:
        return table.key[1]
    return None


def _first_kept(charter: Charter, table: catalog.Table, day: date) -> date:
    return oldest_kept(charter.retention[table.retention].period, day)


def _count(workshop: Workshop, select: str) -> int:
    row = workshop.connection.execute(f"SELECT count(*) FROM ({select})").fetchone()  # noqa: S608 built above
    return int(row[0]) if row else 0
