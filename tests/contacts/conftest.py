"""Exports written into the landing of a real installation, and what the vault holds afterwards."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines import contacts
from pipelines.contacts import ingest
from pipelines.contacts.compose import JUDGED
from pipelines.contacts.records import COLUMNS
from pipelines.installation import Installation

DAY = date(2026, 11, 22)


@pytest.fixture
def judged_house(installation: Installation) -> House:
    """An installation with its landing and its vault at hand."""
    return House(installation)


@pytest.fixture
def house(judged_house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """The same without Great Expectations, which takes a second a night: nothing breaks a rule.

    Tests in which a rule could be broken, and one of each journey, take `judged_house`.
    """
    monkeypatch.setattr(ingest, "check", _find_nothing)
    return judged_house


def _find_nothing(connection: duckdb.DuckDBPyConnection, *_where: object) -> None:
    for table in JUDGED:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE failing_{table} AS FROM new_{table} WHERE false")


class House:
    """What a test does to an installation, in one word each."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.landing = installation.places.landing_contacts

    def put(self, name: str, content: bytes | str) -> Path:
        """Put a file into landing."""
        path = self.landing / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def export(self, kind: str, *rows: Mapping[str, str], name: str = "") -> Path:
        """Put a CSV of `rows` into landing; columns not given are empty, but for source and time."""
        return self.put(name or f"{kind}.csv", as_csv(kind, rows))

    def night(self, day: date = DAY, at: datetime | None = None) -> list[contacts.Outcome]:
        """Take everything in; every file must balance."""
        at = at or datetime.fromisoformat(f"{day}T01:00:00+00:00")
        outcomes = contacts.take_in(self.installation, day=day, at=at)
        for o in outcomes:
            assert o.read == o.accepted + o.rejected + o.expired + o.duplicate
        return outcomes

    def select(self, query: str) -> list[tuple[Any, ...]]:
        """Return rows of the sealed store."""
        with self.installation.vault.workshop() as workshop:
            workshop.open("contacts")
            return workshop.connection.execute(query).fetchall()

    def one(self, query: str) -> Any:
        """Return the one value of `query`."""
        rows = self.select(query)
        assert len(rows) == 1
        return rows[0][0]

    def revise(self, rows: Mapping[str, str]) -> None:
        """Revise the sealed store, as a purge or an erasure does."""
        with self.installation.vault.workshop() as workshop:
            workshop.open("contacts")
            workshop.revise("contacts", rows)

    def sealed(self) -> list[str]:
        """Return the sealed files as they lie: another name is another revision."""
        root = self.installation.vault.root / "contacts"
        return sorted(f"{p.relative_to(root)} {p.stat().st_ino}" for p in root.rglob("*.duckdb"))


def as_csv(kind: str, rows: Iterable[Mapping[str, str]], columns: Sequence[str] = ()) -> str:
    """Return an export as its source would write it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns or COLUMNS[kind], restval="", extrasaction="ignore")  # type: ignore[index]
    writer.writeheader()
    for row in rows:
        writer.writerow({"source": "crm", "recorded_at": "2026-11-01T10:00:00Z", **row})
    return text.getvalue()
