"""The one connection that may meet personal data: hardened, inside the vault, gone when done."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
from duckdb_extensions import import_extension

from pipelines import catalog
from pipelines.errors import ConfigurationError, VaultError
from pipelines.faults import place_of
from pipelines.files import locked, make_private_folder, remove_file, remove_folder, sync_file, try_lock
from pipelines.vault.commits import Built, commit, put
from pipelines.vault.keyring import derive

if TYPE_CHECKING:
    from pipelines.vault.stores import Vault

_GUARD = ".guard"
_FORMAT = "STORAGE_VERSION 'latest'"  # the newest compression: DuckDB is pinned
# What arranges joins by the number of rows that DuckDB expects: of an Arrow table it expects too few. And
# pushed down into one, a join asks pyarrow 26 for a filter of views, which it has not.
_CHECKED: dict[Path, tuple[int, ...]] = {}  # the extension file whose signature held, and its stamp
_JOINS_BY_SIZE = ("join_order", "build_side_probe_side", "join_filter_pushdown")


class Workshop:
    """A DuckDB connection that reads sealed stores and writes new sealed segments."""

    def __init__(
        self,
        vault: Vault,
        connection: duckdb.DuckDBPyConnection,
        folder: Path,
        numbers: Iterator[int] | None = None,
    ) -> None:
        self.connection = connection
        self._vault = vault
        self._folder = folder
        self._attached: dict[str, list[str]] = {}
        self._numbers = count() if numbers is None else numbers

    @contextmanager
    def beside(self) -> Iterator[Workshop]:
        """Open a cursor for another thread: it sees the same tables but those that are temporary."""
        with self.connection.cursor() as cursor:
            yield Workshop(self._vault, cursor, self._folder, self._numbers)

    def open(self, *stores: str, archive: bool = False) -> None:
        """Show each table of `stores`, all of one kind, as one view over all their segments.

        A store that does not exist contributes nothing. Views of traffic have a column `store` more. People
        in the archive are left out, with all that is theirs, unless `archive` opens it too.
        """
        self._vault.finish_commits()
        segments: list[tuple[str, Path, str]] = []
        for store in stores:
            with self._vault.lock(store, shared=True):
                segments += [
                    (store, path, self._attach(store, path)) for path in self._vault.segment_files(store)
                ]
        self._show(kind_of(*stores), [(store, alias) for store, _path, alias in segments], archive=archive)

    def close(self, kind: str) -> None:
        """Show nothing of the stores of `kind` any longer."""
        self._show(kind, [])

    def seal(self, store: str, segment: str, rows: Mapping[str, str]) -> bool:
        """Write one new immutable segment of `store`: table → SELECT of the catalog's columns.

        Tables not named are empty. False, and nothing done, where the segment is there already.
        """
        with self.sealing() as sealing:
            return sealing.add(store, segment, rows)

    @contextmanager
    def sealing(self) -> Iterator[Sealing]:
        """Write segments of several stores that come into force together, at the end of the block."""
        self._vault.finish_commits()
        folder = self._folder / secrets.token_hex(8)
        make_private_folder(folder)
        with ExitStack() as stack:
            sealing = Sealing(self, self._vault, folder, stack)
            yield sealing
            sealing.commit()

    def revise(self, store: str, rows: Mapping[str, str]) -> None:
        """Rebuild `store` under a fresh key: table → SELECT over its views and your temporary tables.

        Each segment is rebuilt by itself; tables not named are copied. The old key and files are
        destroyed once the new ones are in place.
        """
        with self._vault.alone(store):
            old = self._vault.settle(store)
            new = old + 1
            folder = self._vault.begin_generation(store, new)
            for path in self._vault.segment_files(store) or [self._vault.segment_file(store, old, "all")]:
                self._revise_segment(store, new, path, folder, rows)
            self._detach(kind_of(store))  # no open handle may keep the old rows readable
            self._vault.commit_generation(store, old=old, new=new)

    def _revise_segment(
        self, store: str, new: int, path: Path, folder: Path, rows: Mapping[str, str]
    ) -> None:
        kind = kind_of(store)
        aliases = [(store, self._attach(store, path))] if path.exists() else []
        self._show(kind, aliases, archive=True)  # what is not shown would be lost
        prefix = f"{aliases[0][1]}." if aliases else ""
        kept = {  # from the file itself where there is one: a text kept as a number stays one
            table.name: f"SELECT {', '.join(table.column_names)} FROM {prefix}{table.name}"  # noqa: S608 catalog names
            for table in catalog.tables_of(kind)
        }
        built = self._folder / f"{secrets.token_hex(8)}.duckdb"
        self.build(built, store, new, path.stem, kept | dict(rows))
        put(built, folder / path.name)

    def build(self, built: Path, store: str, generation: int, segment: str, rows: Mapping[str, str]) -> None:
        """Write the segment into the new file `built`, read it back, and force it to the disk."""
        key = self._segment_key(store, generation, segment)
        alias = self._next_alias()
        self.connection.execute(f"ATTACH '{built}' AS {alias} (ENCRYPTION_KEY '{key}', {_FORMAT})")
        counts = {}
        self.connection.execute("BEGIN")
        for table in catalog.tables_of(kind_of(store)):
            counts[table.name] = self._fill(alias, table, rows.get(table.name))
        if unknown := rows.keys() - counts.keys():
            raise VaultError(
                f"a store of this kind has no table {', '.join(sorted(unknown))}: see catalog.py."
            )
        self.connection.execute("COMMIT")
        self.connection.execute(f"CHECKPOINT {alias}")
        self.connection.execute(f"DETACH {alias}")
        self._verify(built, key, counts)
        with suppress(FileNotFoundError):
            built.with_name(f"{built.name}.wal").unlink()
        sync_file(built)

    def _fill(self, alias: str, table: catalog.Table, select: str | None) -> int:
        self.connection.execute(catalog.ddl(table, alias))
        if select is None:
            return 0
        self._make_codes(alias, table, select)
        columns = ", ".join(table.column_names)
        row = self.connection.execute(
            f"INSERT INTO {alias}.{table.name} ({columns}) SELECT {columns} FROM ({select})"  # noqa: S608 catalog names
        ).fetchone()
        return int(row[0]) if row else 0

    def _make_codes(self, alias: str, table: catalog.Table, select: str) -> None:
        """Keep texts that `select` gives as ENUM as such: they are written faster, and shown as text."""
        for name, type_, *_ in self.connection.execute(f"DESCRIBE {select}").fetchall():
            if catalog.is_code(type_):
                self.connection.execute(f"ALTER TABLE {alias}.{table.name} ALTER {name} TYPE {type_}")

    def _verify(self, built: Path, key: str, counts: Mapping[str, int]) -> None:
        alias = self._next_alias()
        self.connection.execute(f"ATTACH '{built}' AS {alias} (ENCRYPTION_KEY '{key}', READ_ONLY)")
        for name, expected in counts.items():
            found = self.connection.execute(f"SELECT count(*) FROM {alias}.{name}").fetchone()  # noqa: S608
            if found is None or found[0] != expected:
                raise VaultError(
                    "a sealed segment does not read back as written: check the disk and run again."
                )
        self.connection.execute(f"DETACH {alias}")

    def _attach(self, store: str, path: Path) -> str:
        alias = self._next_alias()
        key = self._segment_key(store, generation_of(path), path.stem)
        self.connection.execute(f"ATTACH '{path}' AS {alias} (ENCRYPTION_KEY '{key}', READ_ONLY)")
        self._attached.setdefault(kind_of(store), []).append(alias)
        return alias

    def _check_columns(self, kind: str, aliases: Collection[str]) -> None:
        if not aliases:
            return
        live: dict[str, dict[str, list[tuple[str, str]]]] = {alias: {} for alias in aliases}
        for alias, name, column, type_ in self.connection.execute(
            "SELECT database_name, table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE list_contains(?, database_name) ORDER BY database_name, table_name, column_index",
            [list(aliases)],
        ).fetchall():
            live[alias].setdefault(name, []).append((column, "VARCHAR" if catalog.is_code(type_) else type_))
        for tables in live.values():
            catalog.check_live(kind, tables)

    def _show(self, kind: str, aliases: list[tuple[str, str]], *, archive: bool = False) -> None:
        self._check_columns(kind, [alias for _store, alias in aliases])
        for table in catalog.tables_of(kind):
            columns = ", ".join(f"{column.name}::{column.type} AS {column.name}" for column in table.columns)
            typed = ", ".join(f"NULL::{column.type} AS {column.name}" for column in table.columns)
            named = ", ''::VARCHAR AS store" if kind == "traffic" else ""
            parts = [f"SELECT {typed}{named} WHERE false"]
            for store, alias in aliases:
                named = f", '{store}' AS store" if kind == "traffic" else ""
                parts.append(
                    f"SELECT {columns}{named} FROM {alias}.{table.name}"  # noqa: S608 catalog names
                    + ("" if archive else _but_archived(table, alias))
                )
            self.connection.execute(
                f"CREATE OR REPLACE TEMP VIEW {table.name} AS {' UNION ALL '.join(parts)}"
            )
        self._detach(kind, but={alias for _store, alias in aliases})

    def _detach(self, kind: str, but: Collection[str] = ()) -> None:
        attached = self._attached.get(kind, [])
        for alias in [alias for alias in attached if alias not in but]:
            self.connection.execute(f"DETACH {alias}")
            attached.remove(alias)

    def _segment_key(self, store: str, generation: int, segment: str) -> str:
        store_key = self._vault.store_key(store, generation)
        return base64.b64encode(derive(store_key, f"segment {segment}")).decode()

    def _next_alias(self) -> str:
        return f"sealed_{next(self._numbers)}"  # one thread at a time runs Python: no two have the same


class Sealing:
    """Segments in the making; the stores they are for cannot be revised or shredded meanwhile."""

    def __init__(self, workshop: Workshop, vault: Vault, folder: Path, stack: ExitStack) -> None:
        self._workshop, self._vault, self._folder, self._stack = workshop, vault, folder, stack
        self._generations: dict[str, int] = {}
        self._built: list[Built] = []

    def add(self, store: str, segment: str, rows: Mapping[str, str]) -> bool:
        """Build one segment, as `Workshop.seal` does."""
        generation = self._hold(store)
        if self._vault.segment_file(store, generation, segment).exists():
            return False
        one = Built(f"{len(self._built)}.duckdb", store, generation, segment)
        self._workshop.build(self._folder / one.file, store, generation, segment, rows)
        self._built.append(one)
        return True

    def commit(self) -> None:
        """Put what was added in force."""
        if self._built:
            commit(self._folder, self._vault.commits, self._built)
            self._vault.finish_commits()

    def _hold(self, store: str) -> int:
        if store not in self._generations:
            self._generations[store] = self._stack.enter_context(self._vault.steady(store))
        return self._generations[store]


@contextmanager
def workshop(
    vault: Vault, *, memory_mb: int, threads: int | None, joins_as_written: bool
) -> Iterator[Workshop]:
    """Open a workshop; a DuckDB error inside becomes a VaultError that quotes no value."""
    with _scratch(vault.root / "tmp") as folder:
        connection = _harden(
            folder, vault.root, memory_mb, threads or os.cpu_count() or 1, joins_as_written=joins_as_written
        )
        try:
            yield Workshop(vault, connection, folder)
        except duckdb.Error as error:
            raise _without_values(error) from None
        finally:
            connection.close()


def _but_archived(table: catalog.Table, alias: str) -> str:
    """Return what leaves the rows of people in the archive out."""
    if table.store != "contacts" or table.subject is None:
        return ""
    return f" WHERE {table.subject} NOT IN (SELECT {table.subject} FROM {alias}.archived)"  # noqa: S608 catalog


def kind_of(*stores: str) -> str:
    """Return the kind of `stores`: the word before the first "/"."""
    kinds = {store.split("/", 1)[0] for store in stores}
    if len(kinds) != 1:
        raise VaultError("stores of one kind can be opened together, and at least one.")
    return kinds.pop()


def generation_of(path: Path) -> int:
    """Return the generation whose folder (`g000012`) holds the segment `path`."""
    return int(path.parent.name.rpartition("g")[2])


def _harden(
    scratch: Path, root: Path, memory_mb: int, threads: int, *, joins_as_written: bool
) -> duckdb.DuckDBPyConnection:
    connection = _with_openssl()
    for setting in (
        f"temp_directory = '{scratch}'",
        "temp_file_encryption = true",
        f"memory_limit = '{memory_mb}MB'",
        f"threads = {threads}",
        "allocator_background_threads = true",  # what is free goes back to the system
        "GLOBAL TimeZone = 'UTC'",  # of cursors too
        "enable_progress_bar = false",
        f"disabled_optimizers = '{','.join(_JOINS_BY_SIZE) if joins_as_written else ''}'",
        f"allowed_directories = ['{root}']",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        connection.execute(f"SET {setting}")
    return connection


def _with_openssl() -> duckdb.DuckDBPyConnection:
    """Return a connection that has loaded httpfs: DuckDB writes no encrypted file without its OpenSSL.

    DuckDB checks the signature of the extension each time, in some 50 ms. Once it held, it is not checked
    again in this process while the file is the same.
    """
    is_checked = bool(_CHECKED) and all(_stamp(path) == stamp for path, stamp in _CHECKED.items())
    connection = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "python_enable_replacements": "false",
            "allow_unsigned_extensions": "true" if is_checked else "false",
        },
    )
    if is_checked:
        connection.execute("LOAD httpfs")
        return connection
    import_extension("httpfs", con=connection)  # its default connection is not for several threads
    installed = "SELECT install_path FROM duckdb_extensions() WHERE extension_name = 'httpfs'"
    stamps = {Path(path): _stamp(Path(path)) for (path,) in connection.execute(installed).fetchall()}
    connection.execute("LOAD httpfs")
    _CHECKED.update(stamps)
    return connection


def _stamp(path: Path) -> tuple[int, ...]:
    """Return what changes with a file: DuckDB replaces its extensions by rename."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """Give a temporary folder inside the vault; those of dead processes are swept first."""
    make_private_folder(folder)
    name = secrets.token_hex(8)
    with locked(folder / _GUARD):
        sweep_scratch(folder)
        descriptor = try_lock(folder / f"{name}.lock")
        (folder / name).mkdir(mode=0o700)
    try:
        yield folder / name
    finally:
        remove_folder(folder / name)
        remove_file(folder / f"{name}.lock")
        if descriptor is not None:
            os.close(descriptor)


def sweep_scratch(folder: Path) -> None:
    """Remove what killed processes left in `folder`; the caller holds its guard."""
    for name in {path.name.removesuffix(".lock") for path in folder.iterdir()} - {_GUARD}:
        descriptor = try_lock(folder / f"{name}.lock")
        if descriptor is None:
            continue
        remove_folder(folder / name)
        remove_file(folder / f"{name}.lock")
        os.close(descriptor)


def _without_values(error: duckdb.Error) -> VaultError | ConfigurationError:
    """Return an error that says what kind of fault DuckDB met, and where in our code, without its message."""
    place = place_of(error)
    if isinstance(error, duckdb.IOException):
        return ConfigurationError(
            f"the vault cannot be read or written ({place}): free disk space, check that the disk is "
            "writable, and run again."
        )
    if isinstance(error, duckdb.OutOfMemoryException):
        return ConfigurationError(
            f"DuckDB ran out of memory ({place}): let it take more, with CHARTER_MEMORY_MB=1024 in the "
            "environment, say, and run again."
        )
    return VaultError(
        f"DuckDB refused a step ({type(error).__name__} at {place}); its message may hold values."
    )
