"""`charter releases`: what was published, and its risk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest

from pipelines import quality, statistics
from pipelines.installation import Installation
from tests.cli.conftest import Run
from tests.statistics.attack.population import Site, seal

DAY, NIGHT = date(2026, 11, 21), date(2026, 11, 22)


@pytest.fixture
def publish(installation: Installation, at: datetime, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    def publish() -> str:
        for name in ("check", "keep", "require"):
            monkeypatch.setattr(quality, name, lambda *_args, **_more: None)
        seal(installation, DAY, Site(60).day(DAY), received_on=NIGHT)
        statistics.measure_days(installation, [DAY], day=NIGHT)
        return statistics.release(installation, day=NIGHT, at=at).release_id

    return publish


def test_releases_are_listed_with_what_was_tried_on_them(charter: Run, publish: Callable[[], str]) -> None:
    release_id = publish()
    heading, row = charter("releases", "list").out.splitlines()
    assert heading.split()[:2] == ["release", "night"]
    name, night, periods, numbers, hidden, in_force = row.split()
    assert (name, night, in_force) == (release_id, str(NIGHT), "yes")
    assert int(periods) == 1
    assert int(numbers) > 20
    assert int(hidden) > 20


def test_the_risk_of_the_latest_release_is_said_and_the_report_written_again(
    charter: Run, publish: Callable[[], str]
) -> None:
    release_id = publish()
    first = charter("releases", "risk")
    assert first.code == 0
    lines = first.out.splitlines()
    assert lines[0] == f"release {release_id}: nothing found"
    report = Path(lines[-1].removeprefix("report: "))
    assert report.is_file()
    report.unlink()
    assert charter("releases", "risk", release_id).out == first.out
    assert report.is_file()


def test_without_a_release_each_command_says_so(charter: Run, installation: Installation) -> None:
    assert charter("releases", "list").out == "no release was published yet\n"
    said = charter("releases", "risk")
    assert said.code == 13
    assert "charter nightly" in said.error_line


def test_an_unknown_release_is_a_wrong_call(charter: Run, installation: Installation) -> None:
    said = charter("releases", "risk", "2026-01-01-00000000")
    assert said.code == 2
    assert "charter releases list" in said.error_line
