"""Landing files, and what the vault holds of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines import traffic
from pipelines.installation import Installation
from pipelines.places import SOURCE_ROOT, Places
from pipelines.traffic import Outcome
from pipelines.traffic.ingest import Record

DAY = date(2026, 11, 22)
AT = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"


def _line(
    minute: int = 0,
    *,
    host: str = "192.0.2.7",
    day: str = "21/Nov/2026",
    request: str = "GET /offer HTTP/1.1",
    status: str = "200",
    size: str = "512",
    referrer: str = "-",
    agent: str = CHROME,
) -> bytes:
    """One line of the Combined Log Format, distinct for each `minute` of a day."""
    time = f"{day}:{minute // 60:02}:{minute % 60:02}:00 +0100"
    return f'{host} - - [{time}] "{request}" {status} {size} "{referrer}" "{agent}"\n'.encode()


@pytest.fixture
def log() -> Callable[..., bytes]:
    """A log with a line for each of the minutes (of 21 November, unless `day` is given)."""
    return lambda *minutes, **more: b"".join(_line(minute, **more) for minute in minutes)


@pytest.fixture
def landing(installation: Installation) -> Path:
    return installation.places.landing_traffic


@pytest.fixture
def few_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge hits by two rules of the suite, not by all: for tests that take in many times."""
    suite = json.loads((SOURCE_ROOT / "expectations" / "hits.json").read_text(encoding="utf-8"))
    kept = ("row_is_unique", "sent_bytes_is_plausible")
    suite["expectations"] = [rule for rule in suite["expectations"] if rule["meta"]["rule"] in kept]
    assert len(suite["expectations"]) == len(kept)
    folder = tmp_path / "expectations"
    folder.mkdir()
    (folder / "hits.json").write_text(json.dumps(suite), encoding="utf-8")
    monkeypatch.setattr(Places, "expectations", folder)


@pytest.fixture
def take(installation: Installation) -> Callable[..., list[Outcome]]:
    """Take in all that lies in landing, batch by batch, as the nightly run does."""

    def take(
        day: date = DAY, at: datetime = AT, max_files: int = 64, record: Record = lambda _outcomes: None
    ) -> list[Outcome]:
        files = traffic.deliveries(installation.places, installation.keyring)
        return [
            outcome
            for batch in traffic.batches(files, max_files=max_files)
            for outcome in traffic.take_in(installation, batch, day=day, at=at, record=record)
        ]

    return take


@pytest.fixture
def held(installation: Installation) -> Callable[[str], list[tuple[Any, ...]]]:
    """What a SELECT over all traffic stores of the vault gives."""

    def held(select: str) -> list[tuple[Any, ...]]:
        with installation.vault.workshop() as workshop:
            workshop.open(*(installation.vault.stores("traffic") or [f"traffic/{DAY}"]))
            return workshop.connection.execute(select).fetchall()

    return held


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(":memory:")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET python_enable_replacements = false")
    return connection


@pytest.fixture
def minutes(held: Callable[[str], list[tuple[Any, ...]]]) -> Callable[[], list[int]]:
    """The minutes of the (winter) day that the hits in the vault are of, sorted: one for each hit."""
    return lambda: sorted(((at.hour + 1) % 24) * 60 + at.minute for (at,) in held("SELECT hit_at FROM hits"))
