"""Logs of a format that is named later, and kills at chosen steps of a replay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from importlib import import_module
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from pipelines import traffic
from pipelines.charter import LogFormat
from pipelines.installation import Installation
from pipelines.vault import Vault, Workshop
from pipelines.vault.workshop import Sealing
from tests.traffic.killing import Killed

Log = Callable[..., bytes]
MODULE = import_module("pipelines.traffic.replay")  # whose name in the package is that of its function
DAY, NEXT = date(2026, 11, 22), date(2026, 11, 23)
AT, LATER = datetime(2026, 11, 22, 1, tzinfo=UTC), datetime(2026, 11, 23, 1, tzinfo=UTC)
PIPED = "log_format piped '$time_iso8601|$remote_addr|$request_method|$request_uri|$status|$bytes_sent';"
WITH_ID = PIPED.replace("$bytes_sent", "$bytes_sent|$request_id")
CANARY = "c4n4ryc4n4ry"


def piped(*minutes: int, day: str = "2026-11-21", tail: str = "") -> bytes:
    """Lines that no known format reads, one for each minute."""
    return b"".join(
        f"{day}T{minute // 60:02}:{minute % 60:02}:00Z|198.51.100.{minute}|GET|/{CANARY}/x|200|512{tail}\n".encode()
        for minute in minutes
    )


def with_formats(installation: Installation, **directives: str) -> Installation:
    """The same installation after charter.toml was corrected."""
    forms = {id_: LogFormat(id_, directive=text) for id_, text in directives.items()}
    rules = replace(installation.charter.traffic, formats=MappingProxyType(forms))
    return replace(installation, charter=replace(installation.charter, traffic=rules))


def deliver(landing: Path, log: Log) -> None:
    """Two logs of two formats over three days, each with a line that nothing reads."""
    (landing / "1.log").write_bytes(piped(1, 2) + b"bad\n" + piped(3, day="2026-11-20") + log(4))
    (landing / "2.log").write_bytes(
        piped(11, 12, day="2026-11-19") + piped(13, 14) + b"worse\n" + log(15, day="20/Nov/2026")
    )


STEPS: Mapping[str, tuple[type, str, int, bool]] = {
    "before the second commit": (Sealing, "commit", 1, False),
    "after the first commit": (Sealing, "commit", 0, True),
    "before the second revision": (Workshop, "revise", 1, False),
    "before a generation is in force": (Vault, "commit_generation", 0, False),
    "after the first generation": (Vault, "commit_generation", 0, True),
}


def kill_at(monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    owner, name, number, is_after = STEPS[step]
    real, calls = getattr(owner, name), count()

    def killing(self: object, *arguments: Any, **more: Any) -> Any:
        is_due = next(calls) == number
        if is_due and not is_after:
            raise Killed
        found = real(self, *arguments, **more)
        if is_due:
            raise Killed
        return found

    monkeypatch.setattr(owner, name, killing)


def killed_replay(
    installation: Installation,
    landing: Path,
    take: Callable[..., Any],
    log: Log,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> Installation:
    """Deliver on two days, and kill at `step` the replay of what was refused; return the corrected installation."""
    monkeypatch.setattr(MODULE, "PORTION_LINES", 6)
    monkeypatch.setattr(MODULE, "_PIECE_LINES", 3)
    deliver(landing, log)
    take()
    (landing / "3.log").write_bytes(piped(21, 22) + b"bad\n")
    take(NEXT, LATER)
    corrected = with_formats(installation, piped=PIPED)
    with monkeypatch.context() as patch:
        kill_at(patch, step)
        with pytest.raises(Killed):
            traffic.replay(corrected, day=NEXT, at=LATER)
    return corrected
