"""Where the adversary succeeds, what he found is withheld, and the rest is tried again; so often and no more."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import quality, statistics
from pipelines.installation import Installation
from pipelines.statistics import gate, staging
from pipelines.statistics.attack import Finding
from tests.statistics.sites import crowd

DAY, NIGHT = date(2026, 11, 21), date(2026, 11, 22)


@pytest.fixture
def staged(
    installation: Installation, seal: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> Installation:
    """An installation with one measured day, not published yet."""
    for name in ("check", "keep", "require"):
        monkeypatch.setattr(quality, name, lambda *_args, **_more: None)
    seal(DAY, [*crowd(40, "09:00"), *crowd(20, "10:00", path="/blog/a"), *crowd(15, "11:00", path="/blog/b")])
    statistics.measure_days(installation, [DAY], day=NIGHT)
    return installation


def spoil(installation: Installation, measure: str, **values: Any) -> None:
    """Write other values into the staged rows of a measure, as a fault in the suppression would."""
    path = staging.file(installation.places.releases, str(DAY))
    table = pq.read_table(path)
    rows = [row | values if row["measure"] == measure else row for row in table.to_pylist()]
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)


def states_of(installation: Installation) -> dict[str, str]:
    with duckdb.connect(
        str(installation.places.releases / "current" / "charter.duckdb"), read_only=True
    ) as release:
        return dict(release.execute("SELECT measure, state FROM coverage").fetchall())


def attempts_of(installation: Installation) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in sorted(installation.places.risks.glob("*.json"))]


def with_attempts(installation: Installation, attempts: int) -> None:
    publication = dataclasses.replace(installation.charter.publication, coarser_attempts=attempts)
    charter = dataclasses.replace(installation.charter, publication=publication)
    object.__setattr__(installation, "charter", charter)


def test_what_was_found_is_withheld_and_the_rest_is_published(staged: Installation, at: datetime) -> None:
    spoil(staged, "pages", visitors=3)
    release = statistics.release(staged, day=NIGHT, at=at)
    assert release.is_new
    states = states_of(staged)
    assert (states["pages"], states["daily"], states["hours"]) == ("suppressed", "published", "published")
    refused, passed = sorted(attempts_of(staged), key=lambda attempt: -len(attempt["findings"]))
    assert {finding["measure"] for finding in refused["findings"]} == {"pages"}
    assert passed["findings"] == []
    assert passed["release_id"] == release.release_id


def test_a_day_whose_own_figures_betray_somebody_is_withheld_as_a_whole(
    staged: Installation, at: datetime
) -> None:
    spoil(staged, "daily", visitors=3)
    statistics.release(staged, day=NIGHT, at=at)
    assert set(states_of(staged).values()) == {"suppressed"}


def test_where_the_charter_allows_no_attempt_the_release_is_refused(
    staged: Installation, at: datetime
) -> None:
    with_attempts(staged, 0)
    spoil(staged, "pages", visitors=3)
    with pytest.raises(gate.RefusedError, match="measure pages, rule small cell"):
        statistics.release(staged, day=NIGHT, at=at)
    assert not (staged.places.releases / "current").exists()
    (refused,) = attempts_of(staged)
    assert refused["sentences"]
    assert (staged.places.risks / f"{refused['release_id']}.html").is_file()


def found(attack: str, rule: str) -> Finding:
    return Finding(attack, "hours", rule, "planted by the test", 1, (str(DAY),))


def test_attempts_end(staged: Installation, at: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    with_attempts(staged, 2)
    seen: list[Finding] = []

    def never(*_args: Any, **_more: Any) -> None:
        seen.append(found("differencing", "total gives back"))
        raise gate.RefusedError(seen[-1:])

    monkeypatch.setattr(gate, "inspect", never)
    monkeypatch.setattr(staging, "withhold", lambda *_args: True)  # as if there were always more to withhold
    with pytest.raises(gate.RefusedError):
        statistics.release(staged, day=NIGHT, at=at)
    assert len(seen) == 3


def test_what_a_release_has_shown_is_never_withheld(staged: Installation, at: datetime) -> None:
    """A published day is final: a finding in it stops the next release instead."""
    statistics.release(staged, day=NIGHT, at=at)
    assert not gate.withhold(staged.places.releases, [found("releases compared", "published period changed")])
    assert states_of(staged)["hours"] == "published"
