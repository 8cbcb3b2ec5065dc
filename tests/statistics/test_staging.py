"""Staged periods: final once staged; one measure may be withheld until a release has shown it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from pipelines.installation import Installation
from pipelines.statistics import measure_days, staging
from pipelines.statistics.measures import BY_NAME, DAILY, OF_A_DAY
from pipelines.statistics.tables import Tables
from tests.statistics.publishing import publish, without_suites
from tests.statistics.sites import crowd

DAY, NIGHT = date(2026, 11, 18), date(2026, 11, 19)
PERIOD = str(DAY)
Seal = Callable[..., None]


@pytest.fixture
def staged(installation: Installation, seal: Seal) -> Installation:
    """An installation with one measured day, in no release yet."""
    seal(DAY, [*crowd(40, "09:00"), *crowd(20, "10:00", path="/blog/a")])
    measure_days(installation, [DAY], day=NIGHT)
    return installation


def rows(installation: Installation) -> dict[str, int]:
    releases = installation.places.releases
    return {measure.name: len(staging.rows_of(releases, PERIOD, measure)) for measure in OF_A_DAY}


def test_a_withheld_measure_has_no_row_left_and_the_others_stay(staged: Installation) -> None:
    releases = staged.places.releases
    before, states, night = (
        rows(staged),
        staging.states(releases, PERIOD),
        staging.measured_on(releases, PERIOD),
    )
    assert staging.withhold(releases, PERIOD, "hours")
    assert before["hours"] > 0
    assert rows(staged) == before | {"hours": 0}
    assert staging.states(releases, PERIOD) == states | {"hours": staging.SUPPRESSED}
    assert staging.measured_on(releases, PERIOD) == night == NIGHT


def test_of_a_day_whose_own_figures_are_withheld_nothing_is_left(staged: Installation) -> None:
    assert staging.withhold(staged.places.releases, PERIOD, DAILY.name)
    assert not any(rows(staged).values())
    assert set(staging.states(staged.places.releases, PERIOD).values()) == {staging.SUPPRESSED}


@pytest.mark.parametrize(
    ("period", "measure"),
    [
        ("2026-11-17", "hours"),
        (PERIOD, "flows"),
        (PERIOD, "weeks"),
    ],  # not staged; suppressed already; not of a day
)
def test_what_is_not_there_is_not_withheld(staged: Installation, period: str, measure: str) -> None:
    before = rows(staged)
    assert not staging.withhold(staged.places.releases, period, measure)
    assert rows(staged) == before


def test_what_is_withheld_twice_is_withheld_once(staged: Installation) -> None:
    assert staging.withhold(staged.places.releases, PERIOD, "hours")
    assert not staging.withhold(staged.places.releases, PERIOD, "hours")


def test_what_a_release_has_shown_is_final(staged: Installation) -> None:
    with without_suites():
        publish(staged, NIGHT)
    before = rows(staged)
    assert not staging.withhold(staged.places.releases, PERIOD, "hours")
    assert rows(staged) == before


def test_a_killed_withholding_leaves_the_day_whole(
    staged: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the new file is written and before it takes the old one's place."""
    before = rows(staged)

    class KilledError(BaseException):
        """Stands for a kill."""

    def kill(_path: object) -> None:
        raise KilledError

    monkeypatch.setattr(staging, "sync_file", kill)
    with pytest.raises(KilledError):
        staging.withhold(staged.places.releases, PERIOD, "hours")
    monkeypatch.undo()
    assert rows(staged) == before
    assert staging.withhold(staged.places.releases, PERIOD, "hours")


def test_a_staged_period_is_never_staged_again(staged: Installation) -> None:
    releases = staged.places.releases
    before = rows(staged)
    nothing = Tables({measure.name: [] for measure in OF_A_DAY})
    assert not staging.stage(releases, PERIOD, nothing, measured_on=NIGHT)
    assert rows(staged) == before


def test_periods_are_called_as_in_the_table_of_coverage() -> None:
    shown = {
        staging.shown_period(name)
        for name in ("2026-11-21", "2026-W47", "2026-10.visitors", "2026-10", "2026")
    }
    assert shown == {"2026-11-21", "2026-W47", "2026-10", "2026"}
    assert BY_NAME["weeks"].period_text(date(2026, 11, 16)) == "2026-W47"
