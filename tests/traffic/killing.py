"""Kills at chosen steps of the intake, inside this process, and what the vault holds afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipelines.traffic import Outcome, ingest
from pipelines.vault import stores, workshop

TOTALS = ("accepted", "rejected", "expired", "duplicate")
_STEPS: dict[str, tuple[Any, str]] = {
    "add": (workshop.Sealing, "add"),
    "commit": (workshop, "commit"),
    "put": (stores, "put"),
    "discard": (ingest, "discard"),
}


class Killed(BaseException):
    """Stands for kill -9: nothing of ours may catch it."""


def totals(outcomes: list[Outcome]) -> tuple[int, ...]:
    """Return the lines of `outcomes` by their fate."""
    return tuple(sum(getattr(outcome, name) for outcome in outcomes) for name in TOTALS)


def told_once(outcomes: list[Outcome]) -> list[Outcome]:
    """Return what a ledger keeps of what it was told: each load once."""
    return list({outcome.load_id: outcome for outcome in outcomes if outcome.error is None}.values())


def killer(patch: pytest.MonkeyPatch, step: str, number: int) -> Callable[[list[Outcome]], None]:
    """Kill the run when it comes to `step` ("before put") for the time `number`, from 0; return a `record`."""
    calls = iter(range(10_000))
    when, name = step.split()

    def deadly(action: Callable[..., Any]) -> Callable[..., Any]:
        def act(*arguments: Any, **more: Any) -> Any:
            mine = next(calls) == number
            if mine and when == "before":
                raise Killed
            done = action(*arguments, **more)
            if mine:
                raise Killed
            return done

        return act

    if name == "record":
        return deadly(lambda _outcomes: None)
    owner, attribute = _STEPS[name]
    patch.setattr(owner, attribute, deadly(getattr(owner, attribute)))
    return lambda _outcomes: None


def contents(held: Callable[[str], list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """Return what the vault holds of the logs, but for ids and pseudonyms, whose keys differ."""
    found = {
        table: held(f"SELECT {columns} FROM {table} ORDER BY ALL")
        for table, columns in (
            ("hits", "store, line, hit_at, method, path, status, sent_bytes, browser, is_bot"),
            ("rejects", "store, line, reason, raw"),
        )
    }
    found["loads"] = held("SELECT store, sum(accepted) FROM loads GROUP BY store ORDER BY store")
    return found
