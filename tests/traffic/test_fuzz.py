"""Random lines of many formats: no crash, no hang, and every line is accounted for."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.traffic import Outcome
from tests.traffic.fuzzing import fuzzed
from tests.traffic.killing import totals

Take = Callable[..., list[Outcome]]
Held = Callable[[str], list[tuple[Any, ...]]]


@pytest.mark.parametrize(
    ("files", "lines", "seed"),
    [(4, 5_000, 1), pytest.param(20, 50_000, 100, marks=pytest.mark.long, id="a million lines")],
)
def test_fuzzed_lines_neither_stop_the_intake_nor_get_lost(
    landing: Path, take: Take, held: Held, files: int, lines: int, seed: int
) -> None:
    expected = []
    for number in range(files):
        content = b"".join(fuzzed(lines, seed + number))
        content = content[:-1] if number % 3 == 1 else content
        (landing / f"{number}.log").write_bytes(gzip.compress(content) if number % 3 == 2 else content)
        expected.append(content.count(b"\n") + (not content.endswith(b"\n")))
    started = time.monotonic()
    outcomes = take()
    assert time.monotonic() - started < 60 + sum(expected) / 1000, "it must not hang on any line"
    assert [outcome.error for outcome in outcomes] == [None] * files
    assert sorted(outcome.read for outcome in outcomes) == sorted(expected)
    accepted, rejected, expired, duplicate = totals(outcomes)
    assert accepted + rejected + expired == sum(expected)
    assert duplicate == 0
    assert accepted > sum(expected) / 4, f"{accepted} of {sum(expected)}: three in seven are well-formed"
    assert rejected > sum(expected) / 20
    both = "(SELECT load_id, line FROM hits UNION ALL SELECT load_id, line FROM rejects)"
    assert held(f"SELECT count(*), count(DISTINCT (load_id, line)) FROM {both}") == [
        (accepted + rejected,) * 2
    ]
    assert held("SELECT sum(read), sum(accepted), sum(rejected), sum(expired) FROM deliveries") == [
        (sum(expected), accepted, rejected, expired)
    ]
    assert list(landing.iterdir()) == []
