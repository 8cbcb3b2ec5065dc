"""Differential privacy: noise is drawn once, costs what the account says, and ends with the budget."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest

from pipelines import nightly, quality, statistics
from pipelines.errors import CharterFileError
from pipelines.installation import Installation
from pipelines.places import SOURCE_ROOT
from pipelines.statistics import attack, gate, noise, risk, staging
from pipelines.statistics.measures import preparation
from tests.statistics.attack.population import Site, seal
from tests.statistics.fresh import show_fresh
from tests.statistics.sites import crowd, hit

DAYS = [date(2026, 11, 3) + timedelta(days=number) for number in range(3)]
NOISE = """
[publication.noise.{measure}]
epsilon = 2.0
budget = {budget}
most_rows = 3
most_hits = 10
reason = "a test"
"""


def with_noise(home: Path, measure: str = "hours", budget: float = 100.0) -> Installation:
    policy = (SOURCE_ROOT / "charter.toml").read_text(encoding="utf-8")
    (home / "charter.toml").write_text(
        policy + NOISE.format(measure=measure, budget=budget), encoding="utf-8"
    )
    return Installation.create(os.environ)


@dataclass(frozen=True)
class Played:
    """Three nights whose budget is for two days, the second killed between staging and the ledger."""

    installation: Installation
    releases: list[Path]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("CHARTER_")]:
            patch.delenv(name)
        for name in ("check", "keep", "require"):
            patch.setattr(quality, name, lambda *_args, **_more: None)
        home = tmp_path_factory.mktemp("noise")
        patch.setenv("CHARTER_HOME", str(home))
        installation = with_noise(home, budget=5.0)
        yield Played(installation, [publish(installation, day, is_killed=day == DAYS[1]) for day in DAYS])


def publish(installation: Installation, day: date, *, is_killed: bool) -> Path:
    night, at = day + timedelta(days=1), datetime(2026, 11, 22, 1, tzinfo=UTC)
    seal(installation, day, Site(400).day(day), received_on=night)
    opened = nightly.open_night(night, at)
    if is_killed:
        statistics.measure_days(installation, [day], day=night)
    for _again in range(2):
        nightly.publish_days(opened, [str(day)], at)
    release = statistics.release(installation, day=night, at=at)
    return installation.places.releases / release.release_id


def hours(folder: Path, day: date) -> list[tuple[str, int, int]]:
    with duckdb.connect(str(folder / "charter.duckdb"), read_only=True) as release:
        query = "SELECT hour, hits, visitors FROM hours WHERE day = ? ORDER BY hour"
        return release.execute(query, [day]).fetchall()


def state(folder: Path, period: str, measure: str) -> str:
    with duckdb.connect(str(folder / "charter.duckdb"), read_only=True) as release:
        ((found,),) = release.execute(
            "SELECT state FROM coverage WHERE period = ? AND measure = ?", [period, measure]
        ).fetchall()
    return str(found)


def test_numbers_are_noisy_near_the_truth_and_never_drawn_again(played: Played) -> None:
    first, *_later, last = played.releases
    shown = hours(first, DAYS[0])
    assert state(first, str(DAYS[0]), "hours") == "published with noise"
    assert state(first, str(DAYS[0]), "sources") == "published"
    assert all(visitors >= 10 and hits >= visitors for _hour, hits, visitors in shown)
    exact = exact_hours(played.installation, DAYS[0])
    assert any(exact.get(hour) != (hits, visitors) for hour, hits, visitors in shown)
    assert all(
        abs(exact.get(hour, (0, 0))[1] - visitors) < 60 for hour, _hits, visitors in shown
    )  # 20 times the mean
    assert hours(last, DAYS[0]) == shown


def exact_hours(installation: Installation, day: date) -> dict[str, tuple[int, int]]:
    """What is counted before noise is drawn, by the same bounds."""
    with installation.vault.workshop() as workshop:
        workshop.open(f"traffic/{day}")
        return exact_of(workshop.connection, day)


def exact_of(connection: duckdb.DuckDBPyConnection, day: date) -> dict[str, tuple[int, int]]:
    connection.execute("CREATE OR REPLACE TEMP VIEW taken AS SELECT * FROM hits")
    bounds = {"store": f"traffic/{day}", "time_zone": "Europe/Paris", "most_rows": 3, "most_hits": 10}
    rows = connection.execute(preparation("noisy_hours"), bounds).fetchall()
    return {hour: (hits, people) for hour, hits, people in rows}


def test_the_budget_of_the_year_ends_it_and_nothing_exact_takes_its_place(played: Played) -> None:
    last = played.releases[-1]  # two days of 2.0 are within 5.0, a third is not
    assert [state(last, str(day), "hours") for day in DAYS] == [*["published with noise"] * 2, "suppressed"]
    assert hours(last, DAYS[2]) == []
    releases = played.installation.places.releases
    assert noise.spent_in(releases, "hours", 2026) == pytest.approx(4.0)
    assert noise.spent_in(releases, "hours", 2027) == 0


def test_the_ledger_keeps_the_account_once_also_of_what_a_killed_run_had_staged(played: Played) -> None:
    entries = [entry.facts for entry in played.installation.ledger.entries("noise_drawn")]
    assert [(each["period"], each["measure"]) for each in entries] == [
        (str(day), "hours") for day in DAYS[:2]
    ]  # fmt: skip
    assert [each["of_the_year_thousandths"] for each in entries] == [2000, 4000]
    assert played.installation.ledger.verify().is_intact


def test_the_account_is_in_the_risk_report_and_the_size_of_errors_in_the_release(played: Played) -> None:
    last, places = played.releases[-1], played.installation.places
    account = risk.report(places, last.name).noise["hours"]
    assert (account["spent_this_year"], account["epsilon_of_a_year_at_most"]) == (pytest.approx(4.0), 5.0)
    assert "What noise cost" in (places.risks / f"{last.name}.html").read_text(encoding="utf-8")
    told = json.loads((last / "release.json").read_bytes())["noise"]["hours"]
    assert (told["mean_error_of_hits"], told["mean_error_of_visitors"]) == (30, 3)
    assert "With noise, and none of them exact: hours" in (last / "index.html").read_text(encoding="utf-8")


def test_a_draw_that_was_not_staged_was_seen_by_nobody_and_costs_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = with_noise(home)
    seal(installation, DAYS[0], Site(60).day(DAYS[0]), received_on=DAYS[0] + timedelta(days=1))

    def killed(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(staging, "move", killed)
        with pytest.raises(KeyboardInterrupt):
            statistics.measure_days(installation, [DAYS[0]], day=DAYS[0] + timedelta(days=1))
    assert noise.account(installation.places.releases) == []
    statistics.measure_days(installation, [DAYS[0]], day=DAYS[0] + timedelta(days=1))
    (spent,) = noise.account(installation.places.releases)
    assert (spent.period, spent.epsilon) == (str(DAYS[0]), pytest.approx(2.0))


def test_one_person_moves_what_is_counted_by_no_more_than_the_noise_is_made_for(
    memory: Callable[..., duckdb.DuckDBPyConnection],
) -> None:
    day = date(2026, 11, 21)
    others = [each for hour in range(8, 20) for each in crowd(12, f"{hour:02}:00")]
    zealot = [hit("zealot", f"{hour:02}:{minute:02}") for hour in range(1, 23) for minute in range(40)]
    phone = [hit("zealot's phone", f"{hour:02}:30", address="zealot") for hour in range(1, 23)]
    without = exact_of(memory(others), day)
    beside = exact_of(memory([*others, *zealot, *phone]), day)
    moved = np.array([
        np.subtract(beside.get(hour, (0, 0)), without.get(hour, (0, 0))) for hour in beside.keys() | without
    ])  # fmt: skip
    assert np.abs(moved).sum(axis=0).tolist() == [3 * 10, 3]


def test_noise_is_as_large_as_epsilon_asks_and_costs_no_more() -> None:
    drawn, cost = noise._drawn([1000] * 20_000, most=30, epsilon=1.0)
    errors = np.array(drawn) - 1000
    assert cost == pytest.approx(1.0)
    assert abs(errors.mean()) < 2  # the standard error is 0.3
    assert np.abs(errors).mean() == pytest.approx(30, rel=0.1)  # of a Laplace distribution: its scale


def test_the_gate_refuses_numbers_that_call_themselves_noisy_without_a_charter_that_says_so() -> None:
    day = date(2026, 11, 21)
    rows = {
        "daily": [{"day": day, "hits": 500, "visitors": 100}],
        "hours": [{"day": day, "hour": "10", "hits": 3, "visitors": 1}],
        "coverage": [
            {"period": str(day), "measure": "daily", "state": "published"},
            {"period": str(day), "measure": "hours", "state": "published with noise"},
        ],
    }
    with show_fresh(rows) as connection:
        publication = attack.Publication(connection, gate.FRESH)
        assert list(attack.noise_that_nobody_asked_for(publication, ("hours",))) == []
        with pytest.raises(gate.RefusedError, match="called noisy"):
            gate.inspect(connection, threshold=10, rounding=0)


def test_a_measure_whose_rows_depend_on_people_cannot_have_noise(home: Path) -> None:
    with pytest.raises(CharterFileError, match=r"publication\.noise: has pages"):
        with_noise(home, "pages")


def test_without_a_word_in_the_charter_nothing_is_noisy(installation: Installation) -> None:
    assert installation.charter.publication.noise == {}
    assert noise.measures_with_noise(installation.charter) == ()
