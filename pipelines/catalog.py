"""Every table and column that personal data may live in, and the duties that come with it.

Declared once; DDL, validation, documentation, export, erasure and purge all walk this list.
What is not listed here is dropped at the door, and a live column that is not listed stops the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from pipelines.errors import CatalogError


class Export(Enum):
    """What a person who asks for their data sees of a column (GDPR Art. 15 and 20)."""

    SHOWN = "shown as it is"
    WITHHELD = "withheld: internal key or pseudonym, meaningless outside the vault"


class Correct(Enum):
    """How a column is rectified (GDPR Art. 16)."""

    REPLACED = "replaced by the value that the person states"
    DERIVED = "follows from other columns"
    FACT = "a recorded fact: annotated, not rewritten"


class Erase(Enum):
    """How a column is erased (GDPR Art. 17)."""

    WITH_ROW = "the row is left out of a rebuilt store"
    SHREDDED = "the key of the store is destroyed"
    KEPT = "holds no personal data"


@dataclass(frozen=True)
class Column:
    """One column: `type` is DuckDB's, `unit` is empty where the type says it all."""

    name: str
    type: str
    meaning: str
    unit: str = ""
    nullable: bool = False
    personal: bool = True
    export: Export = Export.SHOWN
    correct: Correct = Correct.FACT
    erase: Erase = Erase.WITH_ROW


@dataclass(frozen=True)
class Table:
    """One table of a store. `one_row` completes "one row means …".

    `subject` is the column that ties a row to a person or visitor (None: to nobody);
    `key` identifies a row; `purpose` and `retention` are ids of `charter.toml`.
    """

    name: str
    store: str
    one_row: str
    purpose: str
    retention: str
    subject: str | None
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns in the order of the DDL."""
        return tuple(column.name for column in self.columns)

    def exported(self) -> tuple[Column, ...]:
        """Columns that a person sees of themselves."""
        return tuple(column for column in self.columns if column.export is Export.SHOWN)


def _pseudonym(name: str, meaning: str) -> Column:
    return Column(name, "UUID", meaning, nullable=True, export=Export.WITHHELD, erase=Erase.SHREDDED)


def _internal(name: str, type_: str, meaning: str, **more: object) -> Column:
    return Column(name, type_, meaning, personal=False, export=Export.WITHHELD, erase=Erase.KEPT, **more)  # type: ignore[arg-type]


def _count(name: str, meaning: str) -> Column:
    return _internal(name, "BIGINT", meaning, unit="lines")


_LOAD = _internal("load_id", "UUID", "fingerprint (keyed) of the load that brought the row")
_LINE = _internal("line", "BIGINT", "position in that load, from 1", unit="line number")
_RECEIVED_ON = _internal("received_on", "DATE", "local day of the nightly run that took it in")
_REASON = _internal("reason", "VARCHAR", "why it was refused, a fixed word, never a value")
_RAW = Column("raw", "BLOB", "the bytes as they came", export=Export.WITHHELD)
_PERSON = Column("person_id", "UUID", "the person, one id over all sources", export=Export.WITHHELD)
_SOURCE = Column("source", "VARCHAR", "system that the record was exported from", correct=Correct.FACT)
_RECORDED_AT = Column("recorded_at", "TIMESTAMP", "when the source last wrote the record", unit="UTC")


def _text(name: str, meaning: str, *, nullable: bool = True) -> Column:
    return Column(name, "VARCHAR", meaning, nullable=nullable, correct=Correct.REPLACED)


def _derived(name: str, type_: str, meaning: str, *, nullable: bool = False, unit: str = "") -> Column:
    return Column(name, type_, meaning, unit=unit, nullable=nullable, correct=Correct.DERIVED)


TABLES: tuple[Table, ...] = (
    Table(
        "hits", "traffic", "one request to the site", "statistics", "traffic", "address", ("load_id", "line"),
        (
            _LOAD, _LINE,
            Column("hit_at", "TIMESTAMP", "when the server logged the request", unit="UTC"),
            _pseudonym("visitor", "keyed pseudonym of address and user agent, key of the month; null under strip"),
            _pseudonym("address", "keyed pseudonym of the address alone, key of the month; null under strip"),
            Column("method", "VARCHAR", "HTTP method; null where the request line was malformed", nullable=True),
            Column("path", "VARCHAR", "path without query, identifying segments masked"),
            Column("status", "SMALLINT", "HTTP status code; null where the log format has none", nullable=True),
            Column("sent_bytes", "BIGINT", "size of the answer", unit="bytes", nullable=True),
            Column("referrer_domain", "VARCHAR", "registrable domain that the visitor came from", nullable=True),
            Column("campaign_source", "VARCHAR", "utm_source, masked like a path segment", nullable=True),
            Column("campaign_medium", "VARCHAR", "utm_medium, masked like a path segment", nullable=True),
            Column("campaign_name", "VARCHAR", "utm_campaign, masked like a path segment", nullable=True),
            _derived("browser", "VARCHAR", "family of the browser, from the user agent"),
            _derived("browser_version", "VARCHAR", "major version of the browser", nullable=True),
            _derived("system", "VARCHAR", "family of the operating system"),
            _derived("device", "VARCHAR", "desktop, mobile, tablet, bot or other"),
            _derived("is_bot", "BOOLEAN", "whether the agent is a known robot"),
            _derived("country", "VARCHAR", "ISO 3166-1 alpha-2 code", nullable=True),
            _derived("is_objecting", "BOOLEAN", "whether the browser said that its visitor objects to statistics, by a signal that the charter lists"),
        ),
    ),
    Table(
        "rejects", "traffic", "one log line that could not be taken in", "statistics", "traffic", None,
        ("load_id", "line"), (_LOAD, _LINE, _RECEIVED_ON, _REASON, _RAW),
    ),
    Table(
        "loads", "traffic", "one load's share of this day", "statistics", "traffic", None, ("load_id",),
        (_LOAD, _RECEIVED_ON, _count("accepted", "lines of the load stored for this day")),
    ),
    Table(
        "deliveries", "traffic", "one landing file, or a portion of a large one, as it was received on this day", "statistics", "traffic",
        None, ("load_id",),
        (
            _internal("delivery_id", "UUID", "fingerprint (keyed) of the file's name, size and time"),
            _LOAD,
            _internal("source", "VARCHAR", "web server that wrote it: the sub-folder of landing"),
            _RECEIVED_ON,
            _internal("head", "BLOB", "SHA-256 of its first line, shortened: what may be a copy has the same"),
            _internal("is_whole", "BOOLEAN", "whether the file ends here; a large one is taken in by portions"),
            _internal("content_bytes", "BIGINT", "size after decompression", unit="bytes"),
            _internal("content_digest", "BLOB", "SHA-256 of the decompressed content"),
            _internal("complete_bytes", "BIGINT", "size up to the last line end", unit="bytes"),
            _internal("complete_digest", "BLOB", "SHA-256 up to the last line end"),
            _internal("tail_digest", "BLOB", "SHA-256 of an unended last line that was taken in", nullable=True),
            _count("read", "lines in the file"),
            _count("accepted", "lines stored as hits"),
            _count("rejected", "lines kept as rejects"),
            _count("expired", "lines older than the retention period, not stored"),
            _count("duplicate", "lines that an earlier load had brought"),
        ),
    ),
    Table(
        "people", "contacts", "one person, over all sources", "questions", "prospects", "person_id", ("person_id",),
        (
            _PERSON,
            _text("name", "name, Unicode NFC"),
            _text("postal_address", "postal address as given"),
            Column("first_seen_at", "TIMESTAMP", "earliest record of the person", unit="UTC", correct=Correct.DERIVED),
            Column("last_contact_at", "TIMESTAMP", "last message, contract or form; opening an e-mail is none",
                   unit="UTC", correct=Correct.DERIVED),
            Column("last_written_at", "TIMESTAMP", "last message or consent given; null where there was none",
                   unit="UTC", nullable=True, correct=Correct.DERIVED),
        ),
    ),
    Table(
        "identifiers", "contacts", "one e-mail address, phone number or source record of a person", "questions",
        "prospects", "person_id", ("person_id", "source", "kind", "value"),
        (
            _PERSON, _SOURCE,
            Column("kind", "VARCHAR", "email, phone or record (the source's own reference)"),
            _text("value", "normalised: lower-case NFC e-mail, E.164 phone, or the reference", nullable=False),
            Column("is_verified", "BOOLEAN", "whether the source had proof that it belongs to the person"),
            _RECORDED_AT,
        ),
    ),
    Table(
        "contracts", "contacts", "one contract of a customer", "offers", "customers", "person_id",
        ("source", "contract_ref"),
        (
            _PERSON, _SOURCE, _text("contract_ref", "the source's contract number", nullable=False), _RECORDED_AT,
            Column("started_on", "DATE", "first day of the contract", correct=Correct.REPLACED),
            Column("ended_on", "DATE", "last day; null while it runs", nullable=True, correct=Correct.REPLACED),
        ),
    ),
    Table(
        "messages", "contacts", "one message from a person", "questions", "prospects", "person_id",
        ("source", "message_ref"),
        (
            _PERSON, _SOURCE, _text("message_ref", "the source's message number", nullable=False), _RECORDED_AT,
            Column("kind", "VARCHAR", "form, appointment, newsletter, survey, chatbot, e-mail or testimonial"),
            _text("body", "what the person wrote"),
        ),
    ),
    Table(
        "consents", "contacts", "one consent given, withdrawn, or objection", "newsletter", "newsletter", "person_id",
        ("source", "consent_ref"),
        (
            _PERSON, _SOURCE, _text("consent_ref", "the source's number", nullable=False), _RECORDED_AT,
            Column("purpose", "VARCHAR", "purpose of charter.toml that it is about"),
            Column("action", "VARCHAR", "given, withdrawn or objected"),
        ),
    ),
    Table(
        "cookies", "contacts", "one cookie choice", "improvement", "cookies_functional", "person_id",
        ("source", "choice_ref"),
        (
            _PERSON, _SOURCE, _text("choice_ref", "the source's number", nullable=False), _RECORDED_AT,
            Column("cookie_type", "VARCHAR", "essential, functional or performance"),
            Column("choice", "VARCHAR", "accepted or refused"),
        ),
    ),
    Table(
        "archived", "contacts", "one former customer who left the active base", "offers", "customers", "person_id",
        ("person_id",),
        (_PERSON, Column("archived_on", "DATE", "day on which they left it", correct=Correct.DERIVED)),
    ),
    Table(
        "contact_rejects", "contacts", "one record that could not be taken in", "questions", "prospects", None,
        ("load_id", "line"), (_LOAD, _LINE, _RECEIVED_ON, _REASON, _RAW),
    ),
    Table(
        "imports", "contacts", "one contact export as it was received", "questions", "evidence", None,
        ("delivery_id",),
        (
            _internal("delivery_id", "UUID", "fingerprint (keyed) of the file's name, size and time"),
            _LOAD, _RECEIVED_ON,
            _internal("kind", "VARCHAR", "people, contracts, messages, consents or cookies"),
            _count("read", "records in the file"), _count("accepted", "records new or newer than what was known"),
            _count("rejected", "records kept as rejects"),
            _count("expired", "records past their period, or of somebody erased; not stored"),
            _count("duplicate", "records already known"),
        ),
    ),
    Table(
        "tombstones", "contacts", "one record or identifier that was purged or erased", "rights",
        "erased_identifiers", None, ("fingerprint",),
        (
            Column("fingerprint", "BLOB", "HMAC-SHA256 of kind and value under the keyring's own key",
                   export=Export.WITHHELD),
            Column("erased_on", "DATE", "an export's record written on or before this day stays out",
                   export=Export.WITHHELD),
            Column("ground", "VARCHAR", "purge or erasure", export=Export.WITHHELD),
        ),
    ),
    Table(
        "requests", "rights", "one exercise of a right by a person", "rights", "requests", "request_id",
        ("request_id",),
        (
            Column("request_id", "VARCHAR", "opaque id, the only thing said of the request outside the vault"),
            Column("requested_right", "VARCHAR", "the right exercised (GDPR chapter III)"),
            Column("received_on", "DATE", "day of receipt, starts the clock"),
            Column("due_on", "DATE", "last day to answer (GDPR Art. 12(3), Regulation 1182/71)"),
            Column("channel", "VARCHAR", "post, e-mail, form or counter"),
            Column("name", "VARCHAR", "name that the person gave", nullable=True, correct=Correct.REPLACED),
            Column("email", "VARCHAR", "e-mail that the person gave, normalised", nullable=True,
                   correct=Correct.REPLACED),
            Column("phone", "VARCHAR", "phone that the person gave, E.164", nullable=True, correct=Correct.REPLACED),
            Column("status", "VARCHAR", "received, gathered, approved, refused or answered"),
            Column("identity_checked_on", "DATE", "day the identity was checked; null until then", nullable=True),
            Column("answered_on", "DATE", "day the answer left; null until then", nullable=True),
        ),
    ),
    Table(
        "request_addresses", "rights", "one network address and time that a person gave to find their traffic",
        "rights", "requests", "request_id", ("request_id", "address", "seen_at"),
        (
            Column("request_id", "VARCHAR", "the request"),
            Column("address", "VARCHAR", "IP address that the person says was theirs"),
            Column("seen_at", "TIMESTAMP", "a moment when it was theirs", unit="UTC"),
        ),
    ),
    Table(
        "packages", "rights", "one file of the answer to a request", "rights", "exports", "request_id",
        ("request_id", "file_name"),
        (
            Column("request_id", "VARCHAR", "the request"),
            Column("file_name", "VARCHAR", "name inside the answer, without values", personal=False),
            Column("content", "BLOB", "the file", export=Export.WITHHELD),
        ),
    ),
    Table(
        "holds", "rights", "one thing that is kept although it may be due, and why", "rights", "requests", None,
        ("hold_id", "target"),
        (
            _internal("hold_id", "VARCHAR", "opaque id of the hold"),
            _internal("store", "VARCHAR", "what is held: traffic, contacts or rights"),
            Column("target", "VARCHAR", "a local day, an identifier of a person, or a request", export=Export.WITHHELD),
            _internal("ground", "VARCHAR", "legal claim, legal obligation or restriction"),
            _internal("starts_on", "DATE", "first day on which it holds"),
            _internal("ends_on", "DATE", "last day on which it holds; null until it is lifted", nullable=True),
            _internal("placed_by", "VARCHAR", "user id of who placed it"),
        ),
    ),
)

_BY_NAME: Mapping[str, Table] = {table.name: table for table in TABLES}
if len(_BY_NAME) != len(TABLES):
    raise CatalogError("catalog.py declares a table twice: give each a name of its own.")


def table(name: str) -> Table:
    """Return the table called `name`; CatalogError where it is not declared."""
    if name not in _BY_NAME:
        raise CatalogError("a table is not declared in catalog.py: declare it, with its duties, or drop it.")
    return _BY_NAME[name]


def tables_of(kind: str) -> tuple[Table, ...]:
    """Return the tables of a kind of store: `traffic`, `contacts` or `rights`."""
    return tuple(table for table in TABLES if table.store == kind)


def ddl(table: Table, schema: str) -> str:
    """Return the CREATE TABLE of `table` in `schema` (an attached database)."""
    columns = ", ".join(
        f"{column.name} {column.type}{'' if column.nullable else ' NOT NULL'}" for column in table.columns
    )
    return f"CREATE TABLE {schema}.{table.name} ({columns})"


def is_code(type_: str) -> bool:
    """Return whether the type of a live column is one of texts kept as numbers, which counts as VARCHAR."""
    return type_.startswith("ENUM(")


def check_live(kind: str, live: Mapping[str, Iterable[tuple[str, str]]]) -> None:
    """Raise CatalogError unless `live` (table → (column, type) in order) is what the catalog declares."""
    declared = {table.name: [(c.name, c.type) for c in table.columns] for table in tables_of(kind)}
    for name, columns in live.items():
        if name not in declared:
            raise CatalogError(
                f"a {kind} store holds a table that catalog.py does not declare: declare it or remove it."
            )
        if list(columns) != declared[name]:
            raise CatalogError(
                f"table {name} of a {kind} store does not have the columns that catalog.py declares: "
                "declare the new column with its duties, or migrate the store."
            )
    if missing := declared.keys() - live.keys():
        raise CatalogError(f"a {kind} store lacks the tables {', '.join(sorted(missing))}: migrate the store.")
