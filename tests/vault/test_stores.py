"""Sealed stores: what is written is sealed, whole, once; what is shredded is gone."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from pipelines import catalog
from pipelines.errors import CatalogError, CharterError, ConfigurationError, KeyringError, VaultError
from pipelines.vault import Vault

DAY = "traffic/2026-11-21"
CANARY = "canary-7f3a"


def reject_rows(*texts: str) -> str:
    return " UNION ALL ".join(
        f"SELECT uuid() AS load_id, {line}::BIGINT AS line, DATE '2026-11-22' AS received_on, 'not_a_log_line' AS reason, "
        f"'{text}'::BLOB AS raw"
        for line, text in enumerate(texts, 1)
    )


def texts(vault: Vault, *stores: str) -> list[str]:
    with vault.workshop() as workshop:
        workshop.open(*stores)
        rows = workshop.connection.execute("SELECT raw FROM rejects ORDER BY line, raw").fetchall()
    return [bytes(row[0]).decode() for row in rows]


def seal(vault: Vault, *values: str, store: str = DAY, segment: str = "s1") -> bool:
    with vault.workshop() as workshop:
        return workshop.seal(store, segment, {"rejects": reject_rows(*values)})


def every_byte(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_sealed_rows_read_back_and_stand_nowhere_in_clear(vault: Vault) -> None:
    assert seal(vault, CANARY)
    assert texts(vault, DAY) == [CANARY]
    content = every_byte(vault.root) + every_byte(vault.keyring.folder)
    assert CANARY.encode() not in content
    assert content  # the positive control: there are bytes to search


def test_segment_sealed_twice_is_written_once(vault: Vault) -> None:
    assert seal(vault, "a")
    assert not seal(vault, "a", "b")
    assert texts(vault, DAY) == ["a"]


def test_a_day_takes_many_segments(vault: Vault) -> None:
    seal(vault, "a", segment="s1")
    seal(vault, "b", segment="s2")
    assert vault.segments(DAY) == ["s1", "s2"]
    assert texts(vault, DAY) == ["a", "b"]


def test_views_span_stores_and_name_them(vault: Vault) -> None:
    seal(vault, "a", store="traffic/2026-11-20")
    seal(vault, "b", store="traffic/2026-11-21")
    with vault.workshop() as workshop:
        workshop.open("traffic/2026-11-20", "traffic/2026-11-21", "traffic/1999-01-01")
        found = workshop.connection.execute("SELECT store FROM rejects ORDER BY store").fetchall()
        assert found == [("traffic/2026-11-20",), ("traffic/2026-11-21",)]
        assert workshop.connection.execute("SELECT count(*) FROM hits").fetchone() == (0,)


def test_store_that_is_not_there_opens_empty_and_typed(vault: Vault) -> None:
    with vault.workshop() as workshop:
        workshop.open("contacts")
        found = workshop.connection.execute("SELECT * FROM people").description
    assert [column[0] for column in found or []] == list(catalog.table("people").column_names)


def test_opening_one_kind_keeps_the_views_of_another(vault: Vault) -> None:
    seal(vault, "a")
    with vault.workshop() as workshop:
        workshop.open(DAY)
        workshop.open("contacts")
        workshop.open("rights")
        assert workshop.connection.execute("SELECT count(*) FROM rejects").fetchone() == (1,)


def test_stores_are_listed_by_kind(vault: Vault) -> None:
    assert vault.stores("traffic") == vault.stores("contacts") == []
    seal(vault, "a", store="traffic/2026-11-21")
    seal(vault, "a", store="traffic/2025-12-31")
    assert vault.stores("traffic") == ["traffic/2025-12-31", "traffic/2026-11-21"]
    with pytest.raises(VaultError, match="no such kind"):
        vault.stores("anything")


def test_revised_store_has_a_fresh_key_and_the_old_one_is_gone(vault: Vault) -> None:
    seal(vault, "keep", "erase", segment="s1")
    seal(vault, "erase", segment="s2")
    old_keys = vault.keyring.names(f"stores/{DAY}/")
    old_files = {path.name: path.read_bytes() for path in vault.segment_files(DAY)}
    with vault.workshop() as workshop:
        workshop.open(DAY)
        workshop.revise(DAY, {"rejects": "SELECT * FROM rejects WHERE raw <> 'erase'::BLOB"})
    assert texts(vault, DAY) == ["keep"]
    assert vault.segments(DAY) == ["s1", "s2"], "a rerun must still find which loads were taken in"
    new_keys = vault.keyring.names(f"stores/{DAY}/")
    assert len(old_keys) == len(new_keys) == 1
    assert old_keys != new_keys
    assert all(path.read_bytes() != old_files[path.name] for path in vault.segment_files(DAY))


def test_revision_copies_the_tables_it_does_not_name(vault: Vault) -> None:
    with vault.workshop() as workshop:
        workshop.seal(
            DAY,
            "s1",
            {
                "rejects": reject_rows("a"),
                "loads": "SELECT uuid() AS load_id, DATE '2026-11-22' AS received_on, 1::BIGINT AS accepted",
            },
        )
        workshop.revise(DAY, {"rejects": "SELECT * FROM rejects WHERE false"})
        workshop.open(DAY)
        assert workshop.connection.execute("SELECT count(*) FROM loads").fetchone() == (1,)
        assert workshop.connection.execute("SELECT count(*) FROM rejects").fetchone() == (0,)


def test_revision_of_a_new_store_makes_it(vault: Vault) -> None:
    rows = "SELECT '\\x01'::BLOB AS fingerprint, DATE '2026-11-22' AS erased_on, 'purge' AS ground"
    with vault.workshop() as workshop:
        workshop.revise("contacts", {"tombstones": rows})
        workshop.revise("contacts", {"tombstones": f"SELECT * FROM tombstones UNION ALL {rows}"})
        workshop.open("contacts")
        assert workshop.connection.execute("SELECT count(*) FROM tombstones").fetchone() == (2,)
    assert vault.stores("contacts") == ["contacts"]
    assert len(vault.keyring.names("stores/contacts/")) == 1


def test_failed_revision_leaves_the_store_as_it_was(vault: Vault) -> None:
    seal(vault, "a")
    with pytest.raises(VaultError), vault.workshop() as workshop:
        workshop.revise(DAY, {"rejects": "SELECT no_such_column FROM rejects"})
    assert texts(vault, DAY) == ["a"]
    seal(vault, "b", segment="s2")
    assert texts(vault, DAY) == ["a", "b"]
    assert len(vault.keyring.names(f"stores/{DAY}/")) == 1


def test_shredded_store_is_gone_with_its_key(vault: Vault) -> None:
    seal(vault, "a")
    assert vault.traces(DAY) == ["key", "files"]
    copy = vault.segment_files(DAY)[0].read_bytes()
    vault.shred(DAY)
    vault.shred(DAY)
    assert vault.traces(DAY) == []
    assert vault.stores("traffic") == []
    assert vault.keyring.names("stores/") == []
    assert copy  # what a backup would hold, without a key to it
    seal(vault, "b")
    assert texts(vault, DAY) == ["b"], "a day may begin anew after it was shredded"


def test_store_whose_key_was_lost_is_an_error_not_an_empty_store(vault: Vault) -> None:
    seal(vault, "a")
    vault.keyring.shred(vault.keyring.names(f"stores/{DAY}/")[0])
    with pytest.raises(KeyringError, match="not in the keyring"):
        texts(vault, DAY)
    with pytest.raises(KeyringError, match="not in the keyring"):
        seal(vault, "b", segment="s2")


def test_altered_segment_does_not_open(vault: Vault) -> None:
    seal(vault, "a" * 1000)
    path = vault.segment_files(DAY)[0]
    content = bytearray(path.read_bytes())
    for place in range(len(content) // 2, len(content) // 2 + 4096):
        content[place] ^= 0xFF
    content[4096:8192] = os.urandom(4096)
    path.write_bytes(content)
    with pytest.raises(CharterError):
        texts(vault, DAY)


def test_swapped_segments_do_not_open(vault: Vault) -> None:
    seal(vault, "a", store="traffic/2026-11-20")
    seal(vault, "b", store="traffic/2026-11-21")
    first, second = (vault.segment_files(store)[0] for store in vault.stores("traffic"))
    first.write_bytes(second.read_bytes())
    with pytest.raises(VaultError):
        texts(vault, "traffic/2026-11-20")


def test_column_that_the_catalog_does_not_declare_stops_the_run(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = catalog.ddl
    monkeypatch.setattr(
        catalog, "ddl", lambda table, schema: genuine(table, schema)[:-1] + ", shoe_size INTEGER)"
    )
    seal(vault, "a")
    monkeypatch.undo()
    with pytest.raises(CatalogError, match="does not have the columns"):
        texts(vault, DAY)


def test_duckdb_errors_never_quote_a_value(vault: Vault) -> None:
    with pytest.raises(VaultError) as caught, vault.workshop() as workshop:
        workshop.connection.execute(f"SELECT '{CANARY}'::INTEGER")
    assert CANARY not in str(caught.value)
    assert caught.value.__suppress_context__
    assert "ConversionException" in str(caught.value)


@pytest.mark.parametrize(
    "escape",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY (SELECT 1) TO '{outside}/stolen.csv'",
        "ATTACH '{outside}/other.duckdb' AS other",
        "SELECT * FROM secret_frame",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "INSTALL spatial",
        "LOAD spatial",
        "EXPORT DATABASE '{outside}/all'",
        "SELECT * FROM glob('/etc/*')",
    ],
)
def test_workshop_lets_nothing_out(vault: Vault, tmp_path: Path, escape: str) -> None:
    secret_frame = {"a": [1]}
    with pytest.raises(CharterError), vault.workshop() as workshop:
        workshop.connection.execute(escape.format(outside=tmp_path))
    assert secret_frame
    assert not (tmp_path / "stolen.csv").exists()


def test_spill_is_encrypted_and_swept_after_a_kill(vault: Vault, tmp_path: Path) -> None:
    script = (
        "import sys, pathlib, time\n"
        "from pipelines.vault import Keyring, Vault, load_master_key\n"
        "root = pathlib.Path(sys.argv[1])\n"
        "vault = Vault(root / 'vault', Keyring(root / 'keys', load_master_key({}, root / 'keys')))\n"
        "with vault.workshop(memory_mb=64, threads=1) as w:\n"
        "    w.connection.execute(\"CREATE TEMP TABLE t AS SELECT 'canary-7f3a' || (range % 7) || repeat(chr(65 + (range % 26)::INT), 60)"
        ' || range AS x FROM range(3000000)")\n'
        "    print('spilled', flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent.parent,
    )
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == b"spilled\n"
        spilled = every_byte(vault.root / "tmp")
        process.send_signal(signal.SIGKILL)
    assert len(spilled) > 1_000_000, "the test must really spill"
    assert b"canary-7f3a" not in spilled
    assert [path for path in (vault.root / "tmp").iterdir() if path.is_dir()]
    with vault.workshop():
        assert len([path for path in (vault.root / "tmp").iterdir() if path.is_dir()]) == 1


def test_unwritable_vault_is_one_clear_line(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: object, **_more: object) -> None:
        raise duckdb.IOException(f'IO Error: Could not write file "{CANARY}": No space left on device')

    with pytest.raises(ConfigurationError, match="free disk space") as caught, vault.workshop():
        full()
    assert CANARY not in str(caught.value)


def test_too_little_memory_names_the_cure(vault: Vault) -> None:
    hungry = f"SELECT len(list('{CANARY}' || range)) FROM range(1000000)"  # a list cannot be spilled
    with (
        pytest.raises(ConfigurationError, match="CHARTER_MEMORY_MB=1024") as caught,
        vault.workshop(memory_mb=16) as workshop,
    ):
        workshop.connection.execute(hungry)
    assert CANARY not in str(caught.value)
    more = Vault(vault.root, vault.keyring, least_memory_mb=1024)
    with more.workshop(memory_mb=16) as workshop:
        assert workshop.connection.execute(hungry).fetchone() == (1_000_000,)


KILLED = """
import sys, pathlib
from pipelines.vault import Keyring, Vault, load_master_key
root = pathlib.Path(sys.argv[1])
vault = Vault(root / 'vault', Keyring(root / 'keys', load_master_key({}, root / 'keys')))
row = "SELECT uuid() AS load_id, 1::BIGINT AS line, DATE '2026-11-22' AS received_on, 'r' AS reason, 'keep'::BLOB AS raw"
print('ready', flush=True)
for n in range(1000):
    with vault.workshop(threads=1) as w:
        w.seal('traffic/2026-11-21', 's1', {'rejects': row})
        w.revise('traffic/2026-11-21', {'rejects': 'SELECT * FROM rejects'})
        w.revise('contacts', {'tombstones': "SELECT 'k'::BLOB AS fingerprint, DATE '2026-11-22' AS erased_on, 'purge' AS ground"})
        w.seal('traffic/2026-11-20', 's1', {'rejects': row})
    vault.shred('traffic/2026-11-20')
"""


@pytest.mark.parametrize("wait", [0.011 * n for n in range(1, 13)])
def test_kill_at_any_moment_loses_nothing_and_leaves_nothing(
    vault: Vault, tmp_path: Path, wait: float
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent.parent,
    )
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == b"ready\n"
        while not vault.segment_files(DAY):
            time.sleep(0.001)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
    vault.settle_all()
    assert texts(vault, DAY) == ["keep"]
    for kind in ("traffic", "contacts", "rights"):
        for store in vault.stores(kind):
            assert vault.traces(store) == ["key", "files"]
    stores = {store for kind in ("traffic", "contacts") for store in vault.stores(kind)}
    keyed = {name.removeprefix("stores/").rpartition("/")[0] for name in vault.keyring.names("stores/")}
    assert keyed == stores, "no key without its store, no store without its key"
    assert len(vault.keyring.names("stores/")) == len(stores)
    assert not [path for path in vault.root.rglob("*") if path.name.startswith((".new-", ".shred-"))]
    with vault.workshop():
        pass  # sweeps the scratch of the killed process


def test_two_that_read_and_then_revise_a_store_wait_for_each_other(vault: Vault) -> None:
    row = "SELECT 'k'::BLOB AS fingerprint, DATE '2026-11-22' AS erased_on, 'purge' AS ground"

    def add() -> None:
        with vault.workshop(changing="contacts", threads=1) as workshop:
            workshop.open("contacts")
            workshop.connection.execute("CREATE TEMP TABLE seen AS SELECT * FROM tombstones")
            time.sleep(0.05)
            workshop.revise("contacts", {"tombstones": f"SELECT * FROM seen UNION ALL {row}"})

    with ThreadPoolExecutor(3) as pool:
        for future in [pool.submit(add) for _ in range(6)]:
            future.result()
    with vault.workshop() as workshop:
        workshop.open("contacts")
        assert workshop.connection.execute("SELECT count(*) FROM tombstones").fetchone() == (6,)


def test_an_unmounted_vault_destroys_no_key(vault: Vault) -> None:
    """An empty folder where the volume is not mounted looks like a vault in which nothing is left."""
    seal(vault, "a value")
    vault.settle_all()
    names = vault.keyring.names()
    away = vault.root.with_name("unmounted")
    vault.root.rename(away)
    vault.root.mkdir()
    with pytest.raises(VaultError, match="mount CHARTER_VAULT"):
        vault.settle_all()
    vault.root.joinpath("vault.id").write_text("of another installation")
    with pytest.raises(VaultError, match="not the one of these keys"):
        vault.settle_all()
    shutil.rmtree(vault.root)
    away.rename(vault.root)
    vault.settle_all()
    assert vault.keyring.names() == names
