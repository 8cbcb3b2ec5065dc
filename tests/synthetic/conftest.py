"""One small but complete generation, shared by the tests that only read it."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from pipelines import synthetic

DAY = date(2026, 11, 22)
LINES = 20_000

Record = dict[str, str]


@pytest.fixture(scope="session")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Landing with 13 months and 5 days of logs, and contacts, before `DAY`."""
    landing = tmp_path_factory.mktemp("landing")
    synthetic.generate(landing, day=DAY, lines=LINES)
    return landing


@pytest.fixture(scope="session")
def logs(landing: Path) -> dict[date, list[bytes]]:
    """The lines of each day's log."""
    return {
        date.fromisoformat(path.name[7:17]): gzip.decompress(path.read_bytes()).split(b"\n")[:-1]
        for path in sorted((landing / "traffic" / "www").iterdir())
    }


@pytest.fixture(scope="session")
def records(landing: Path) -> Callable[[str], list[Record]]:
    """Read the records of a kind of contacts."""

    def read(kind: str) -> list[Record]:
        (path,) = (landing / "contacts").glob(f"{kind}.*")
        with path.open(encoding="utf-8", newline="") as file:
            return list(
                map(json.loads, file) if path.suffix == ".jsonl" else csv.DictReader(file, strict=True)
            )

    return read
