"""What could still be read elsewhere: copies of keys, strange files, the erased in plain text.

It is looked for in every folder that the product writes to: the vault, the keyring, landing, the releases,
the reports, the ledger, the backup, and Airflow's own, with its task logs and its database if it is SQLite.
A sealed file whose key is destroyed is no readable copy; a copy of that key would make it one again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.contacts import identifier
from pipelines.contacts.tombstones import fingerprint_under
from pipelines.errors import CharterError
from pipelines.installation import Installation
from pipelines.landing import content
from pipelines.statistics.database import reading
from pipelines.statistics.shelf import DATABASE
from pipelines.vault import Workshop, is_key_file

SEALED = re.compile(r"(traffic/\d{4}-\d{2}-\d{2}|contacts|rights)/g\d{6}/[A-Za-z0-9_.-]+\.duckdb")
OWN = ("tmp", "locks", "commits", "drill", "vault.id")
# Being built or shredded at this moment; what a killed run left of it, the next night finishes.
_UNDER_WAY = re.compile(r"(.+/)?\.(new|shred)-.+")
_OF_BACKUP = re.compile(
    rf"vault/{SEALED.pattern}|ledger/.+\.jsonl?|manifest\.json|\.lock|(.+/)?\..+\.\d+\.new"
)
_SEALED_PLACES = ("vault", "keyring", "backup")  # where nothing is in plain text, but strange files
_AIRFLOW_DATABASE = "airflow.db"
_OF_FILE_SYSTEM = "lost+found"  # made with the file system, and closed to everybody but root
_PIECE, _OVERLAP = 1 << 20, 512
_AT = re.compile(rb"@|%40|\\u0040", re.IGNORECASE)
_BEFORE_AT = re.compile(rb"[^\s\"'<>()\[\]{},;:|=&?/\\]{1,128}\Z")
_AFTER_AT = re.compile(rb"[^\s\"'<>()\[\]{},;:|=&?/\\]{3,255}")
_PHONE = re.compile(rb"(?<![\w.+-])(?:\+|%2B|0)\d[\d .()/-]{5,24}", re.IGNORECASE)


@dataclass(frozen=True)
class Copies:
    """What was found: `readable` says which copies and where, `unread` what could not be looked at."""

    readable: tuple[str, ...]
    unread: tuple[str, ...]


class Search:
    """One look through all the places of an installation; OSError where a folder cannot be read."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._places = {name: list(_files(folder)) for name, folder in _folders(installation)}

    @property
    def places(self) -> dict[str, int]:
        """Place → files there; a place that this installation does not have is not in it."""
        return {name: len(files) for name, files in self._places.items()}

    def for_keys(self) -> Copies:
        """Look for what would make sealed files readable again, or may be a copy of anything."""
        return Copies(
            tuple(_copies_of_keys(self._installation, self._places)),
            tuple(_strange(self._installation, self._places)),
        )

    def for_erased(self, workshop: Workshop, erased_on: date) -> Copies:
        """Look for the people erased on `erased_on`, by e-mail and phone, wherever text is in the clear.

        The contacts store is open in `workshop`.
        """
        erased = _Erased(self._installation, workshop, erased_on)
        readable, unread = [], []
        for name, files in self._places.items():
            if name in _SEALED_PLACES:
                continue
            found, failed = erased.counted_in(files)
            readable += [f"an identifier of the erased in {found} files of {name}"] if found else []
            unread += [f"{failed} files of {name} cannot be read"] if failed else []
        return Copies(tuple(readable), tuple(unread))


def strange_files(root: Path) -> Iterator[Path]:
    """Yield the files of the vault at `root` that Charter did not put there."""
    return (path for path in _files(root) if _is_strange(root, path))


def _is_strange(root: Path, path: Path) -> bool:
    name = path.relative_to(root).as_posix()
    return name.partition("/")[0] not in OWN and not (SEALED.fullmatch(name) or _UNDER_WAY.fullmatch(name))


def not_searched(installation: Installation) -> list[str]:
    """Return what this installation does not say where it is, or has in a server of its own."""
    places = installation.places
    found = ["a backup"] if places.backup is None or not places.backup.exists() else []
    has_own_database = any((folder / _AIRFLOW_DATABASE).exists() for folder in places.airflow)
    return found if has_own_database else [*found, "Airflow's database"]


def _folders(installation: Installation) -> Iterator[tuple[str, Path]]:
    places = installation.places
    yield "vault", places.vault
    yield "keyring", places.keys
    yield "landing", places.landing_contacts
    yield "releases", places.releases
    yield "reports", places.reports
    yield "ledger", places.ledger
    if places.backup is not None and places.backup.exists():
        yield "backup", places.backup
    for name, folder in zip(("Airflow's folder", "Airflow's logs"), places.airflow, strict=False):
        if folder.exists():
            yield name, folder


def _files(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # a folder of logs that was cleared meanwhile
            raise error

    for root, folders, names in os.walk(folder, onerror=refuse):
        if _OF_FILE_SYSTEM in folders:
            folders.remove(_OF_FILE_SYSTEM)
        yield from (path for name in sorted(names) if (path := Path(root, name)).is_file())


def _copies_of_keys(installation: Installation, places: Mapping[str, Collection[Path]]) -> Iterator[str]:
    for name, files in places.items():
        count = (
            installation.keyring.astray(files)
            if name == "keyring"
            else sum(is_key_file(path) for path in files)
        )
        if count:
            yield f"{count} copies of keys in the {name}"


def _strange(installation: Installation, places: Mapping[str, Collection[Path]]) -> Iterator[str]:
    """Yield how many files are where only sealed ones belong: each may be a copy, of anything."""
    counts = {"vault": sum(_is_strange(installation.places.vault, path) for path in places["vault"])}
    if installation.places.backup is not None and "backup" in places:
        names = (path.relative_to(installation.places.backup).as_posix() for path in places["backup"])
        counts["backup"] = sum(_OF_BACKUP.fullmatch(name) is None for name in names)
    for name, count in counts.items():
        if count:
            yield f"{count} files in the {name} that Charter did not put there: look at them, remove them"


class _Erased:
    """The people of one purge, by what remains of them: fingerprints of their e-mails and phones."""

    def __init__(self, installation: Installation, workshop: Workshop, erased_on: date) -> None:
        query = "SELECT fingerprint FROM tombstones WHERE erased_on = ?"
        rows = workshop.connection.execute(query, [erased_on]).fetchall()
        self._prints = {bytes(row[0]) for row in rows}
        self._key = installation.keyring.derive("contacts", "tombstone")
        self._country = installation.charter.controller.country
        self._workshop = workshop
        self._known: dict[tuple[str, str], bool] = {}

    def counted_in(self, files: Collection[Path]) -> tuple[int, int]:
        """Return how many of `files` hold an identifier of the erased, and how many cannot be read."""
        found = failed = 0
        for path in files:
            try:
                found += any(self._is_in(piece) for piece in _texts(path))
            except (CharterError, OSError, duckdb.Error, pa.ArrowException):
                failed += path.exists()  # else a log that was cleared meanwhile
        return found, failed

    def _is_in(self, text: bytes) -> bool:
        return any(self._is_erased(kind, said) for kind, said in _candidates(text))

    def _is_erased(self, kind: str, said: str) -> bool:
        if (kind, said) not in self._known:
            value = identifier(kind, said, self._country)
            is_print = value is not None and fingerprint_under(self._key, kind, value) in self._prints
            self._known[kind, said] = is_print and not self._is_somebodys(kind, str(value))
        return self._known[kind, said]

    def _is_somebodys(self, kind: str, value: str) -> bool:
        """Return whether somebody who is there bears the identifier too, as who shares a telephone does."""
        query = "SELECT count(*) FROM identifiers WHERE kind = ? AND value = ?"
        row = self._workshop.connection.execute(query, [kind, value]).fetchone()
        return bool(row and row[0])


def _candidates(text: bytes) -> Iterator[tuple[str, str]]:
    """Yield what may be an e-mail or a phone in `text`, of which the beginning and the end may be cut."""
    for at in _AT.finditer(text):
        before = _BEFORE_AT.search(text, max(0, at.start() - 128), at.start())
        after = _AFTER_AT.match(text, at.end(), at.end() + 255)
        if before and after:
            said = b"@".join((before[0], after[0])).decode(errors="replace")
            yield "email", unquote(said).rstrip(".")
    for phone in _PHONE.finditer(text):
        groups = unquote(phone[0].decode()).split(" ")
        for end in range(len(groups), 0, -1):
            yield "phone", " ".join(groups[:end])


def _texts(path: Path) -> Iterator[bytes]:
    """Yield the content of `path`, unpacked, in pieces that overlap; of a table the texts of its columns."""
    if path.name == DATABASE:
        yield from _texts_of_release(path.parent)
        return
    if path.suffix == ".parquet":
        yield from _texts_of_parquet(path)
        return
    rest = b""
    for piece in content.pieces(path) if content.is_packed(path) else _pieces(path):
        yield rest + piece
        rest = piece[-_OVERLAP:]


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:  # other than landing's, a log may grow while it is read
        while piece := file.read(_PIECE):
            yield piece


def _texts_of_release(folder: Path) -> Iterator[bytes]:
    with reading(folder) as connection:
        texts = "FROM duckdb_columns() WHERE data_type = 'VARCHAR' AND NOT internal"
        for table, column in connection.execute(f"SELECT table_name, column_name {texts}").fetchall():
            query = f'SELECT DISTINCT "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL'  # noqa: S608 a measure's
            rows = connection.execute(query)
            while batch := rows.fetchmany(10_000):
                yield "\n".join(row[0] for row in batch).encode()


def _texts_of_parquet(path: Path) -> Iterator[bytes]:
    for batch in pq.ParquetFile(path).iter_batches():
        for column in (column for column in batch.columns if pa.types.is_string(column.type)):
            yield "\n".join(map(str, column.drop_null().unique().to_pylist())).encode()
