"""Reading the release in force."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines import statistics
from pipelines.errors import ConfigurationError, UsageError
from pipelines.installation import Installation
from pipelines.places import Places
from pipelines.statistics import database, shelf
from tests.statistics.publishing import published_site
from tests.statistics.sites import crowd

FIRST = date(2026, 11, 18)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    """A published site of three days."""
    days = {
        FIRST + timedelta(days=offset): [*crowd(20 + offset, "09:00"), *crowd(12, "09:05", path="/b")]
        for offset in range(3)
    }
    return published_site(tmp_path_factory.mktemp("read") / "home", days, date(2026, 11, 22)).places


@pytest.fixture
def own_places(places: Places, tmp_path: Path) -> Places:
    """The same site in a folder of the test's own, to be damaged."""
    shutil.copytree(places.releases, tmp_path / "copy", symlinks=True)
    return replace(places, releases=tmp_path / "copy")


def test_a_measure_is_read_the_latest_day_first(places: Places) -> None:
    found = statistics.read(places, "daily")
    assert list(found["day"]) == [date(2026, 11, 20), date(2026, 11, 19), date(2026, 11, 18)]
    assert list(found["visitors"]) == [22, 21, 20]
    assert list(found.columns) == [column.name for column in statistics.MEASURES[0].columns]
    assert found["hits"].sum() == 20 + 21 + 22 + 36


def test_counts_are_whole_numbers_and_blanks_are_none(places: Places) -> None:
    row = statistics.read(places, "daily").iloc[0]
    assert str(row["hits"]) == "34"
    assert row["errors"] is None
    assert ",34," in statistics.read(places, "daily").to_csv(index=False)


def test_since_until_and_limit(places: Places) -> None:
    second = date(2026, 11, 19)
    assert len(statistics.read(places, "daily", since=second)) == 2
    assert list(statistics.read(places, "daily", until=second, since=second)["day"]) == [second]
    assert list(statistics.read(places, "pages", limit=1)["path"]) == ["/"]


def test_a_measure_that_is_not_declared_is_refused_without_repeating_it(places: Places) -> None:
    with pytest.raises(UsageError, match="there are daily, pages") as refusal:
        statistics.read(places, "daily; DROP TABLE daily")
    assert "DROP" not in str(refusal.value)


def test_before_the_first_release_the_error_says_the_cure(installation: Installation) -> None:
    with pytest.raises(ConfigurationError, match="no statistics are published yet"):
        statistics.read(installation.places, "daily")
    with pytest.raises(ConfigurationError, match="no statistics are published yet"):
        statistics.measures(installation.places)


def test_the_measures_are_listed_with_a_title(places: Places) -> None:
    assert [(m.name, m.title) for m in statistics.measures(places)][:2] == [
        ("daily", "Days"),
        ("pages", "Pages"),
    ]


def test_a_release_that_is_not_whole_is_said_so(own_places: Places) -> None:
    folder = shelf.newest(own_places.releases)
    assert folder is not None
    (folder / shelf.FACTS).unlink()
    with pytest.raises(ConfigurationError, match="not whole"):
        statistics.read(own_places, "daily")


def test_a_damaged_database_is_said_so_without_a_path(own_places: Places) -> None:
    folder = shelf.newest(own_places.releases)
    assert folder is not None
    (folder / shelf.DATABASE).write_bytes(b"x")
    with pytest.raises(ConfigurationError, match="cannot be opened") as refusal:
        statistics.read(own_places, "daily")
    assert str(folder) not in str(refusal.value)


def test_a_reader_cannot_write_nor_reach_outside(places: Places) -> None:
    folder = shelf.newest(places.releases)
    assert folder is not None
    with database.reading(folder) as connection:
        for statement in (
            "DELETE FROM daily",
            "SELECT * FROM read_text('/etc/hostname')",
            f"COPY daily TO '{folder}/out.csv'",
            "INSTALL httpfs",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(statement)
