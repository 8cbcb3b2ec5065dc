"""What was purged is in no byte that any key still opens."""

from __future__ import annotations

import base64
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from duckdb_extensions import import_extension

from pipelines import backups
from pipelines.installation import Installation

DAY = date(2026, 11, 22)
GONE, KEPT = date(2025, 11, 21), date(2025, 11, 22)  # the day before last year's day, and that day


@pytest.mark.usefixtures("mixed")
def test_canaries_are_in_no_byte_that_any_key_still_opens(
    contents: Any, purge: Any, installation: Installation, at: datetime
) -> None:
    assert b"canary body 2" in every_readable_byte(installation, contents)  # the positive control
    purge(installation, at, by_human=True)
    readable = every_readable_byte(installation, contents)
    assert b"canary body 3" in readable
    for canary in (b"canary body 2", b"canary name 0", b"canary name 2", b"p2@canary.example", b"c6-0"):
        assert canary not in readable


@pytest.mark.usefixtures("mixed")
def test_old_files_of_contacts_do_not_open_with_the_keyring_of_after(
    contents: Any, purge: Any, installation: Installation, at: datetime
) -> None:
    store = installation.vault.root / "contacts"
    backup = {path.relative_to(store): path.read_bytes() for path in store.rglob("*.duckdb")}
    purge(installation, at, by_human=True)
    for path in store.rglob("*.duckdb"):
        path.write_bytes(next(iter(backup.values())))
    with pytest.raises(Exception, match=r"refused a step|cannot be read"):
        contents(installation)


@pytest.mark.usefixtures("mixed")
def test_a_backup_taken_before_the_purge_opens_with_no_key_of_after(
    purge: Any, installation: Installation, at: datetime, tmp_path: Path
) -> None:
    """Every file that there is and that there was, tried with every key that still exists, by a reader of our own."""
    backup = tmp_path / "backup"
    backups.make(installation, backup, day=DAY, at=at)
    before = dump(installation, backup, installation.vault.root)
    assert {"canary body 2", "canary name 0", "p2@canary.example"} <= before
    assert str(GONE) in before
    purge(installation, at, by_human=True)
    after = dump(installation, backup, installation.vault.root)
    assert {"canary body 3", "canary name 3", str(KEPT)} <= after
    assert (
        not {"canary body 2", "canary name 0", "canary name 2", "p2@canary.example", "c6-0", str(GONE)}
        & after
    )


def dump(installation: Installation, *folders: Path) -> set[str]:
    """Every value of every file in `folders` that opens with any key of the keyring; of times the day."""
    master = AESGCM(base64.b64decode((installation.places.keys / "master.key").read_bytes()))
    keys = []
    for path in installation.places.keys.rglob("*.key"):
        if path.name != "master.key":
            name = path.relative_to(installation.places.keys).as_posix().removesuffix(".key").encode()
            content = path.read_bytes()
            keys.append(master.decrypt(content[3:15], content[15:], name))
    found: set[str] = set()
    with duckdb.connect() as connection:
        import_extension("httpfs", con=connection)
        connection.execute("LOAD httpfs")
        for path in (path for folder in folders for path in folder.rglob("*.duckdb")):
            for key in keys:
                derived = HKDF(SHA256(), 32, salt=None, info=f"segment {path.stem}".encode()).derive(key)
                with suppress(duckdb.Error):
                    secret = base64.b64encode(derived).decode()
                    connection.execute(f"ATTACH '{path}' AS tried (ENCRYPTION_KEY '{secret}', READ_ONLY)")
                    for (table,) in connection.execute(
                        "SELECT table_name FROM duckdb_tables() WHERE database_name = 'tried'"
                    ).fetchall():
                        rows = connection.execute(f"SELECT * FROM tried.{table}").fetchall()
                        found |= {
                            str(v.date()) if isinstance(v, datetime) else str(v) for row in rows for v in row
                        }
                    connection.execute("DETACH tried")
    return found


def every_readable_byte(installation: Installation, contents: Any) -> bytes:
    """All bytes of the installation as they are, and every row that the keys of now open."""
    plain = b"".join(
        path.read_bytes() for path in installation.places.vault.parent.rglob("*") if path.is_file()
    )
    rows = [
        contents(installation),
        *(contents(installation, day) for day in installation.vault.stores("traffic")),
    ]
    return plain + repr(rows).encode()
