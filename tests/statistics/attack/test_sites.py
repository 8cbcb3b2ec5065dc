"""Nights of invented sites, published as they come, and judged with the truth in hand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import quality, statistics
from pipelines.installation import Installation
from pipelines.statistics import attack
from pipelines.statistics.attack.knowledge import KNOWN
from tests.statistics.attack.judge import judge
from tests.statistics.attack.population import Site, seal

FIRST = date(2026, 10, 28)  # a Wednesday: the nights have an end of a week and of a month
Play = Callable[[Site, int], "Played"]


class Played:
    """What the nights left: the truth of each day when it was measured, and every release as a reader kept it."""

    def __init__(
        self, installation: Installation, releases: list[Path], truth: dict[date, pa.Table], gone: int
    ) -> None:
        self.installation = installation
        self.gone = gone  # visitors who were erased from a day after it was published
        self.releases = releases
        self.truth = truth

    @property
    def attacks(self) -> list[dict[str, Any]]:
        """What was kept of the adversary's attacks, one for each attempt."""
        return [json.loads(path.read_bytes()) for path in self.installation.places.risks.glob("*.json")]

    def share_of_views_with_a_name(self) -> float:
        with duckdb.connect(str(self.releases[-1] / "charter.duckdb"), read_only=True) as connection:
            ((share,),) = connection.execute(
                "SELECT sum(views) FILTER (path <> '(other)') / (SELECT sum(page_views) FROM daily) FROM pages"
            ).fetchall()
        return float(share)


@pytest.fixture
def play(installation: Installation, tmp_path: Path, at: datetime, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Give a function that plays the nights of a site, with late lines, one erasure and one purge between them."""
    for name in (
        "check",
        "keep",
        "require",
    ):  # Great Expectations take seconds a night, and have tests of their own
        monkeypatch.setattr(quality, name, lambda *_args, **_more: None)

    def play(site: Site, nights: int) -> Played:
        truth: dict[date, pa.Table] = {}
        releases = []
        gone = 0
        for number in range(nights):
            day = FIRST + timedelta(days=number)
            night = day + timedelta(days=1)
            truth[day] = site.day(day)
            seal(installation, day, truth[day], received_on=night)
            before = day - timedelta(days=1)
            if number:
                seal(installation, before, site.late(before), received_on=night, segment="late")
            if number == nights // 2:
                gone = erase_somebody(installation, before)
            if number and number == nights - 1:
                installation.vault.shred(f"traffic/{FIRST}")
            days = statistics.days_to_publish(installation, day=night)
            statistics.measure_days(installation, days, day=night)
            release = statistics.release(installation, day=night, at=at)
            kept = tmp_path / "kept" / str(night)
            shutil.copytree(installation.places.releases / release.release_id, kept)
            releases.append(kept)
        return Played(installation, releases, truth, gone)

    return play


def erase_somebody(installation: Installation, day: date) -> int:
    """Leave all requests of one address out of the store of a day; return how many visitors that were."""
    with installation.vault.workshop() as workshop:
        workshop.open(f"traffic/{day}")
        columns = ", ".join(
            name
            for (name, *_more) in workshop.connection.execute("DESCRIBE hits").fetchall()
            if name != "store"
        )
        somebody = "(SELECT min(address) FROM hits)"
        ((gone,),) = workshop.connection.execute(
            f"SELECT count(DISTINCT visitor) FROM hits WHERE address = {somebody} AND NOT is_bot"
        ).fetchall()
        workshop.revise(f"traffic/{day}", {"hits": f"SELECT {columns} FROM hits WHERE address <> {somebody}"})
    return int(gone)


def require_nothing_betrayed(played: Played) -> None:
    """Judge the last release by the truth, and each by the one before it."""
    with duckdb.connect(str(played.releases[-1] / "charter.duckdb"), read_only=True) as connection:
        assert judge(connection, played.truth, threshold=10, gone=played.gone) == []
        ((days,),) = connection.execute("SELECT count(*) FROM daily").fetchall()
    assert days == len(played.truth)
    for older, newer in zip(played.releases, played.releases[1:], strict=False):
        with duckdb.connect() as connection:
            for alias, folder in (("older", older), ("newer", newer)):
                connection.execute(f"ATTACH '{folder / 'charter.duckdb'}' AS {alias} (READ_ONLY)")
            now, then = (attack.Publication(connection, alias) for alias in ("newer", "older"))
            assert list(attack.compare(now, then)) == []


def require_the_suppression_was_right(played: Played) -> None:
    """What the gate would have caught must not have been let through to it."""
    assert [attempt["sentences"] for attempt in played.attacks if attempt["findings"]] == []


@pytest.mark.parametrize(("visitors", "nights"), [(50, 5), (500, 3)])
def test_no_visitor_is_singled_out_and_no_hidden_number_recovered(
    visitors: int, nights: int, play: Play
) -> None:
    played = play(Site(visitors), nights)
    require_nothing_betrayed(played)
    require_the_suppression_was_right(played)
    if visitors >= 500:
        assert played.share_of_views_with_a_name() > 0.8


@pytest.mark.long
@pytest.mark.parametrize(("visitors", "nights"), [(50, 30), (500, 30), (50_000, 30)])
def test_thirty_nights_betray_nobody(visitors: int, nights: int, play: Play) -> None:
    played = play(Site(visitors, seed=2), nights)
    require_nothing_betrayed(played)
    require_the_suppression_was_right(played)


def test_the_judge_finds_what_a_naive_publication_betrays(play: Play) -> None:
    """A judge who finds nothing anywhere would prove nothing."""
    played = play(Site(50), 1)
    (hits,) = played.truth.values()
    with duckdb.connect(str(played.releases[-1] / "charter.duckdb")) as connection:
        connection.register("hits", hits)
        connection.execute(
            "INSERT INTO pages SELECT $day, path, count(*), NULL, NULL, NULL FROM hits "
            "WHERE status = 200 AND method = 'GET' AND path LIKE '/works/piece%' AND NOT is_bot "
            "GROUP BY path ORDER BY count(*), path LIMIT 1",
            {"day": FIRST},
        )
        connection.execute("DELETE FROM hours WHERE hour = (SELECT min(hour) FROM hours)")  # now a difference
        faults = judge(connection, played.truth, threshold=10)
    assert any("pages: a row of" in fault for fault in faults), faults


def test_files_tell_no_more_than_their_rows(play: Play) -> None:
    """Neither the order of rows, nor what Parquet's footers say, nor the sizes that are kept for the DPO."""
    played = play(Site(60), 3)
    folder = played.releases[-1]
    with duckdb.connect(str(folder / "charter.duckdb"), read_only=True) as release:
        for name, known in KNOWN.items():
            key = ", ".join((known.period, *known.labels))
            rows = release.execute(f"SELECT {key} FROM {name}").fetchall()
            assert rows == release.execute(f"SELECT {key} FROM {name} ORDER BY {key}").fetchall()
            file = pq.ParquetFile(folder / f"{name}.parquet")
            assert file.read().select(key.split(", ")).to_pylist() == [
                dict(zip(key.split(", "), row, strict=True)) for row in rows
            ]
            assert not (file.metadata.metadata or {}).keys() - {b"ARROW:schema"}
            for group in range(file.num_row_groups):
                for column in range(file.metadata.num_columns):
                    told = file.metadata.row_group(group).column(column).statistics
                    values = set(file.read_row_group(group).column(column).to_pylist())
                    if told is not None and told.has_min_max:
                        assert {told.min, told.max} <= values
