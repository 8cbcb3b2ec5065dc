"""The command `charter`, as a user runs it."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.cli import main


@dataclass(frozen=True)
class Said:
    """What one command left: its exit code and both streams."""

    code: int
    out: str
    err: str

    @property
    def error_line(self) -> str:
        (line,) = self.err.splitlines()
        return line


Run = Callable[..., Said]
AT = datetime(2026, 11, 22, 1, tzinfo=UTC)


@pytest.fixture
def charter(home: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command `charter`, as a user runs it in an empty CHARTER_HOME."""

    def run(*words: str, typed: str = "") -> Said:
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        capfd.readouterr()
        code = 0
        try:
            main(words)
        except SystemExit as stop:
            code = int(stop.code or 0)
        streams = capfd.readouterr()
        return Said(code, streams.out, streams.err)

    return run
