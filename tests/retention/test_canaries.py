"""What was purged is in no byte that any key still opens."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

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
