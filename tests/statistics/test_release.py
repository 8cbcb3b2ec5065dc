"""A release: complete, immutable, switched in one step, the same after a kill."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import quality, statistics
from pipelines.errors import DisclosureError, QualityError
from pipelines.installation import Installation
from pipelines.statistics import shelf, staging
from pipelines.statistics.measures import MEASURES, OF_A_DAY
from tests.statistics.publishing import published_site, seal_hits
from tests.statistics.sites import Hit, crowd, hit

NIGHT = date(2026, 11, 22)
FIRST = date(2026, 11, 21)
Seal = Callable[..., None]


def site(number: int = 12) -> list[Hit]:
    """A day of `number` visitors who read two pages each, and two who read a rare one."""
    return [
        *crowd(number, "09:00"),
        *crowd(number, "09:10", path="/blog/a"),
        *[hit(f"v{index}", "09:20", path="/rare") for index in range(2)],
    ]


@pytest.fixture
def without_suites(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the Great Expectations out: seconds a release, and the subject of tests of its own."""
    monkeypatch.setattr(quality, "check", lambda *_args, **_more: None)
    monkeypatch.setattr(quality, "keep", lambda *_args, **_more: None)
    monkeypatch.setattr(quality, "require", lambda _verdict: None)


@pytest.fixture
def publish(installation: Installation, at: datetime) -> Callable[..., statistics.Release]:
    def publish(night: date = NIGHT) -> statistics.Release:
        days = statistics.days_to_publish(installation, day=night)
        statistics.measure_days(installation, days, day=night)
        return statistics.release(installation, day=night, at=at)

    return publish


def content(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table of the release in `folder`."""
    with duckdb.connect(str(folder / "charter.duckdb"), read_only=True) as connection:
        names = [row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        return {name: connection.execute(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for name in names}


@pytest.mark.usefixtures("without_suites")
def test_a_release_is_complete_documented_and_readable_by_anyone(
    installation: Installation, seal: Seal, publish: Callable[..., statistics.Release]
) -> None:
    seal(FIRST, site())
    release = publish()
    folder = installation.places.releases / "current"
    assert folder.is_symlink()
    assert release.is_new
    assert release.days == release.new_days == (FIRST,)
    assert release.release_id.startswith("2026-11-22-")
    assert len(release.release_id) == len("2026-11-22-") + 8
    assert {path.name for path in folder.iterdir()} == {
        "charter.duckdb", "index.html", "release.json", "coverage.parquet", *(f"{m.name}.parquet" for m in MEASURES),
    }  # fmt: skip
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in folder.iterdir())
    assert folder.stat().st_mode & 0o777 == 0o755
    facts = json.loads((folder / "release.json").read_text())
    assert facts["rows"] == dict(release.measures)
    assert facts["thresholds"]["people_behind_a_number"] == installation.charter.publication.threshold
    assert facts["charter_version"] == installation.charter.version
    with duckdb.connect(str(folder / "charter.duckdb"), read_only=True) as connection:
        undocumented = connection.execute(
            "SELECT count(*) FROM duckdb_columns() WHERE comment IS NULL AND NOT internal "
            "UNION ALL SELECT count(*) FROM duckdb_tables() WHERE comment IS NULL AND NOT internal"
        ).fetchall()
        assert undocumented == [(0,), (0,)]
        for measure in MEASURES:
            rows = connection.execute(f"SELECT * FROM {measure.name} ORDER BY ALL").fetchall()
            parquet = connection.execute(
                f"SELECT * FROM read_parquet('{folder}/{measure.name}.parquet') ORDER BY ALL"
            ).fetchall()
            assert rows == parquet
            assert len(rows) == release.measures[measure.name]


@pytest.mark.usefixtures("without_suites")
def test_what_is_hidden_is_in_no_byte_of_the_releases(
    installation: Installation, seal: Seal, publish: Callable[..., statistics.Release]
) -> None:
    seal(FIRST, [*site(), hit("v1", "10:00", path="/canary-page", browser="Canarybrowser")])
    publish()
    files = [path for path in installation.places.releases.rglob("*") if path.is_file()]
    assert any(b"/blog/a" in path.read_bytes() for path in files)  # what is shown is found so
    assert not any(b"anary" in path.read_bytes() or b"/rare" in path.read_bytes() for path in files)


@pytest.mark.usefixtures("without_suites")
def test_nothing_new_keeps_the_release(
    installation: Installation, seal: Seal, publish: Callable[..., statistics.Release]
) -> None:
    seal(FIRST, site())
    first = publish(NIGHT + timedelta(days=1))  # with the week that ended on the eve
    stamp = (installation.places.releases / "current").lstat().st_mtime_ns
    again = publish(NIGHT + timedelta(days=2))
    assert not again.is_new
    assert (again.release_id, again.days, again.new_days) == (first.release_id, first.days, ())
    assert (installation.places.releases / "current").lstat().st_mtime_ns == stamp


@pytest.mark.usefixtures("without_suites")
def test_a_new_day_is_added_and_older_days_stay_as_they_were(
    installation: Installation, seal: Seal, publish: Callable[..., statistics.Release]
) -> None:
    seal(FIRST, site())
    first = content(installation.places.releases / publish().release_id)
    seal(FIRST, site(40), segment="late")  # a late file
    seal(NIGHT, site(20))
    release = publish(NIGHT + timedelta(days=1))
    second = content(installation.places.releases / release.release_id)
    assert release.days == (FIRST, NIGHT)
    assert set(first["daily"]) < set(second["daily"])
    assert all(set(first[name]) <= set(second[name]) for name in first)
    assert len(second["daily"]) == 2


@pytest.mark.usefixtures("without_suites")
def test_a_day_of_too_few_visitors_is_covered_once_and_shows_nothing(
    installation: Installation, seal: Seal, publish: Callable[..., statistics.Release]
) -> None:
    seal(FIRST, site(9))
    release = publish()
    assert sum(release.measures.values()) == 0
    assert release.suppressed == len(OF_A_DAY)
    assert release.days == (FIRST,)
    seal(FIRST, site(40), segment="late")
    assert not publish().is_new


@pytest.mark.usefixtures("without_suites")
def test_without_anything_to_publish_there_is_no_release(publish: Callable[..., statistics.Release]) -> None:
    release = publish()
    assert (release.release_id, release.is_new, release.days) == ("", False, ())
    assert set(release.measures.values()) == {0}


def under(installation: Installation, **publication: int) -> Installation:
    """Put the same installation under a charter with other figures."""
    asked = dataclasses.replace(installation.charter.publication, **publication)  # type: ignore[arg-type]
    charter = dataclasses.replace(installation.charter, publication=asked)
    object.__setattr__(installation, "charter", charter)
    return installation


@pytest.fixture
def keep_two(installation: Installation) -> Installation:
    """The same installation under a charter that keeps two releases."""
    return under(installation, keep_releases=2)


@pytest.mark.usefixtures("without_suites", "keep_two")
def test_old_releases_are_removed_but_not_the_one_in_force(
    installation: Installation, seal: Seal, publish: Callable[..., statistics.Release]
) -> None:
    ids = []
    for offset in range(installation.charter.publication.keep_releases + 1):
        seal(FIRST + timedelta(days=offset), site())
        ids.append(publish(NIGHT + timedelta(days=offset)).release_id)
    kept = installation.charter.publication.keep_releases
    found = sorted(path.name for path in installation.places.releases.glob("2026-*"))
    assert found == sorted(ids[-kept:])
    assert (installation.places.releases / "current").readlink() == Path(ids[-1])


@pytest.mark.usefixtures("without_suites")
def test_returning_to_an_older_release_publishes_the_same_numbers_again(
    installation: Installation, seal: Seal, publish: Callable[..., statistics.Release]
) -> None:
    seal(FIRST, site())
    old = publish().release_id
    seal(NIGHT, site(20))
    newer = publish(NIGHT + timedelta(days=1)).release_id
    shelf.switch(installation.places.releases, old)
    installation.vault.shred(f"traffic/{NIGHT}")
    again = publish(NIGHT + timedelta(days=1))
    assert again.is_new
    assert again.release_id == newer


@pytest.mark.usefixtures("without_suites", "keep_two")
def test_a_reader_in_another_process_keeps_the_old_release_open(
    installation: Installation, seal: Seal, publish: Callable[..., statistics.Release]
) -> None:
    seal(FIRST, site())
    old = publish().release_id
    reader = subprocess.Popen(
        [sys.executable, "-c", _READER, str(installation.places.releases / "current" / "charter.duckdb")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        assert reader.stdout.readline() == "1\n"
        for offset in range(1, installation.charter.publication.keep_releases + 1):
            seal(FIRST + timedelta(days=offset), site())
            publish(NIGHT + timedelta(days=offset))
        assert not (installation.places.releases / old).exists()
        reader.stdin.write("again\n")
        reader.stdin.flush()
        assert reader.stdout.readline() == "1\n"
        reader.stdin.close()
    assert reader.returncode == 0


_READER = """
import duckdb, sys
with duckdb.connect(sys.argv[1], read_only=True) as connection:
    while True:
        print(connection.execute("SELECT count(*) FROM daily").fetchone()[0], flush=True)
        if not sys.stdin.readline():
            break
"""


@pytest.mark.usefixtures("without_suites")
def test_a_reader_always_finds_a_whole_release(
    installation: Installation, seal: Seal, publish: Callable[..., statistics.Release]
) -> None:
    seal(FIRST, site())
    publish()
    stop, seen, faults = threading.Event(), set(), []

    def look() -> None:
        while not stop.is_set():
            try:
                found = statistics.read(installation.places, "daily")
                seen.add(len(found))
            except Exception as error:  # noqa: BLE001 any fault is a finding
                faults.append(type(error).__name__)
            time.sleep(0.02)

    thread = threading.Thread(target=look)
    thread.start()
    for offset in range(1, 3):
        seal(FIRST + timedelta(days=offset), site())
        publish(NIGHT + timedelta(days=offset))
    stop.set()
    thread.join()
    assert faults == []
    assert seen <= {1, 2, 3}


STEPS = ["measure_months", "build", "inspect", "write_page", "put", "switch", "tidy"]
MOMENTS = [("before", STEPS[0]), *(("after", step) for step in STEPS)]


class _KilledError(BaseException):
    """Stands for a kill: no handler of ours may catch it."""


@pytest.fixture(scope="module")
def second_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a site with one published day, and another that is measured and waits."""
    home = tmp_path_factory.mktemp("second") / "home"
    installation = published_site(home, {FIRST: site()})
    seal_hits(installation, NIGHT, site(20))
    statistics.measure_days(installation, [NIGHT], day=NIGHT + timedelta(days=1))
    return home


@pytest.mark.usefixtures("without_suites")
@pytest.mark.parametrize(("moment", "step"), MOMENTS)
def test_stopped_at_any_step_and_run_again_gives_the_same_release(
    step: str, moment: str, second_night: Path, tmp_path: Path, at: datetime
) -> None:
    home = tmp_path / "copy"
    shutil.copytree(second_night, home, symlinks=True)
    installation = Installation.open({"CHARTER_HOME": str(home)})
    releases = installation.places.releases
    old = (releases / "current").readlink().name
    with pytest.MonkeyPatch.context() as patch:
        _stop_at(step, moment, patch)
        with pytest.raises(_KilledError):
            statistics.release(installation, day=NIGHT + timedelta(days=1), at=at)
    switched = STEPS.index(step) * 2 + (moment == "after") > STEPS.index("switch") * 2
    assert ((releases / "current").readlink().name == old) is not switched
    statistics.release(installation, day=NIGHT + timedelta(days=1), at=at)
    assert len(content(releases / "current")["daily"]) == 2
    assert sorted(path.name for path in releases.iterdir() if path.name.startswith(".b")) == []
    assert len(list(releases.glob("2026-*"))) == 2


def _stop_at(step: str, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["pipelines.statistics.release"]
    owner = {
        "build": module.database,
        "inspect": module.gate,
        "put": shelf,
        "switch": shelf,
        "tidy": shelf,
    }.get(  # type: ignore[attr-defined]
        step, module
    )
    real = getattr(owner, step)

    def stopped(*args: object, **more: object) -> object:
        if moment == "after":
            real(*args, **more)
        raise _KilledError

    monkeypatch.setattr(owner, step, stopped)


@pytest.mark.parametrize(
    "waits",
    [(0.0, 0.1, 0.3), pytest.param((0.05, 0.1, 0.15, 0.2, 0.25, 0.4, 0.5, 0.6), marks=pytest.mark.long)],
)
def test_kill_nine_at_random_moments_ends_the_same(
    waits: tuple[float, ...],
    installation: Installation,
    seal: Seal,
    publish: Callable[..., statistics.Release],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for offset in range(6):
        seal(FIRST - timedelta(days=offset), site(12 + offset))
    releases = installation.places.releases
    for wait in waits:
        child = subprocess.Popen([sys.executable, "-c", _NIGHT], stdout=subprocess.PIPE, env=dict(os.environ))
        with child:
            assert child.stdout is not None
            child.stdout.readline()  # it has begun
            time.sleep(wait)
            child.send_signal(signal.SIGKILL)
        if (releases / "current").exists():
            assert len(content(releases / "current")["daily"]) == 6
    for name in ("check", "keep", "require"):
        monkeypatch.setattr(quality, name, lambda *_args, **_more: None)
    publish()
    rows = content(releases / "current")["daily"]
    assert [row[4] for row in rows] == [17, 16, 15, 14, 13, 12]
    assert len(list(releases.glob("2026-*"))) == 1


_NIGHT = """
import os
from datetime import UTC, date, datetime
from pipelines import quality, statistics
from pipelines.installation import Installation
quality.check = quality.keep = quality.require = lambda *args, **more: None
installation, night = Installation.open(os.environ), date(2026, 11, 22)
print("begun", flush=True)
statistics.measure_days(installation, statistics.days_to_publish(installation, day=night), day=night)
statistics.release(installation, day=night, at=datetime(2026, 11, 22, tzinfo=UTC))
"""


def test_the_suites_of_great_expectations_pass_and_are_kept_for_the_report(
    installation: Installation, seal: Seal, publish: Callable[..., statistics.Release],
    write_messages: Callable[..., None],
) -> None:  # fmt: skip
    seal(FIRST, [*site(), *crowd(12, path="/x/y/z", referrer_domain="google.fr", status=404, name="w")])
    write_messages([(f"p{index}", "form", "2026-10-05 10:00") for index in range(11)])
    release = publish()
    assert release.is_new
    assert release.measures["contact_activity"] == 1
    verdicts = quality.kept(installation.places.verdicts(NIGHT))
    assert {verdict.table for verdict in verdicts} == {measure.name for measure in MEASURES}
    assert not any(verdict.failed_critical or verdict.unchecked for verdict in verdicts)


def test_a_broken_suite_keeps_the_old_release_in_force(
    installation: Installation,
    seal: Seal,
    publish: Callable[..., statistics.Release],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_verdict: object) -> None:
        raise QualityError("refused")

    seal(FIRST, site())
    monkeypatch.setattr(quality, "check", lambda *_args, **_more: None)
    monkeypatch.setattr(quality, "keep", lambda *_args, **_more: None)
    monkeypatch.setattr(quality, "require", refuse)
    with pytest.raises(QualityError):
        publish()
    assert shelf.newest(installation.places.releases) is None
    assert staging.staged(installation.places.releases) == {"2026-11-21"}
    assert not list(installation.places.releases.glob("2026-*"))


@pytest.mark.usefixtures("without_suites")
def test_a_day_that_was_tampered_with_is_refused_and_the_old_release_stays(
    installation: Installation, seal: Seal, publish: Callable[..., statistics.Release]
) -> None:
    under(installation, coarser_attempts=0)
    seal(FIRST, site())
    old = publish().release_id
    seal(NIGHT, site(20))
    night = NIGHT + timedelta(days=1)
    statistics.measure_days(installation, [NIGHT], day=night)
    file = staging.area(installation.places.releases) / "2026-11-22" / "rows.parquet"
    table = pq.read_table(file)
    rows = [row | {"visitors": 3} if row["path"] == "/blog/a" else row for row in table.to_pylist()]
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file)
    with pytest.raises(DisclosureError, match=r"measure pages, rule small cell, 1 found"):
        publish(night)
    assert (installation.places.releases / "current").readlink().name == old
