"""What is left of people who go: keyed fingerprints, so that an old export cannot bring them back."""

from __future__ import annotations

import functools
from datetime import date
from pathlib import Path

import pyarrow as pa

from pipelines.contacts.tombstones import fingerprint, record_value
from pipelines.vault import Keyring, Workshop

_SOURCES = Path(__file__).with_name("tombstone_sources.sql")


def stage_tombstones(workshop: Workshop, keyring: Keyring, day: date) -> None:
    """Fill the temporary table `fresh_tombstones` for the people of the staged `due`, erased on `day`."""
    once = _KeyOnce(keyring)
    found = workshop.connection.execute(_SOURCES.read_text()).fetchall()
    prints = {
        fingerprint(once, kind, record_value(source, reference) if source else reference)
        for kind, source, reference in found
    }
    column = pa.array(sorted(prints), pa.binary())
    workshop.connection.register("fresh_fingerprints", pa.table({"fingerprint": column}))
    workshop.connection.execute(
        "CREATE OR REPLACE TEMP TABLE fresh_tombstones AS "
        "SELECT fingerprint, ?::DATE AS erased_on, 'purge' AS ground FROM fresh_fingerprints",
        [day],
    )


def with_fresh(kept: str) -> str:
    """Return the SELECT of the tombstones that stay (`kept`) with the fresh ones, each fingerprint once."""
    return (
        f"SELECT * FROM ({kept}) WHERE fingerprint NOT IN (SELECT fingerprint FROM fresh_tombstones) "  # noqa: S608
        "UNION ALL SELECT fingerprint, erased_on, ground FROM fresh_tombstones"
    )


class _KeyOnce:
    """A keyring that derives each key once: thousands of fingerprints need the same."""

    def __init__(self, keyring: Keyring) -> None:
        self._derive = functools.cache(keyring.derive)

    def derive(self, name: str, info: str) -> bytes:
        """Return the key, from memory after the first time."""
        return self._derive(name, info)
