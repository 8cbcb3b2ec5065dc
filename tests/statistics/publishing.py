"""Sites that are measured and published as a night does it, in a home of their own: for tests that share one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from pipelines import quality, statistics
from pipelines.installation import Installation
from tests.statistics.sites import Hit, as_arrow, numbered, select


def seal_hits(installation: Installation, day: date, hits: Iterable[Hit], segment: str = "a") -> None:
    """Seal hits, moved to a day, as one segment of its store."""
    moved = [{**row, "hit_at": row["hit_at"] + (day - date(2026, 11, 21))} for row in hits]
    with installation.vault.workshop() as workshop:
        workshop.connection.register("given", as_arrow("hits", numbered(moved, f"{day}{segment}")))
        workshop.seal(f"traffic/{day}", segment, {"hits": select("hits", "given")})


@contextmanager
def without_suites() -> Iterator[None]:
    """Leave the Great Expectations out: seconds a release, and the subject of tests of their own."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("check", "keep", "require"):
            patch.setattr(quality, name, lambda *_args, **_more: None)
        yield


def publish(installation: Installation, night: date) -> statistics.Release:
    """Measure and publish what is due on a night."""
    at = datetime(night.year, night.month, night.day, 1, tzinfo=UTC)
    days = statistics.days_to_publish(installation, day=night)
    statistics.measure_days(installation, days, day=night)
    return statistics.release(installation, day=night, at=at)


def published_site(home: Path, days: Mapping[date, Iterable[Hit]], night: date | None = None) -> Installation:
    """Return a new installation in `home` whose days are published, on the night after the last where none is given."""
    home.mkdir()
    installation = Installation.create({"CHARTER_HOME": str(home)})
    for day, hits in days.items():
        seal_hits(installation, day, hits)
    with without_suites():
        publish(installation, night or max(days) + timedelta(days=1))
    return installation
