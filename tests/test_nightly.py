"""The whole night, on files that differ in every way that landing files do; killed anywhere, it ends the same."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from pipelines import files, nightly
from pipelines.errors import CharterError, DisclosureError, KeyringError, LandingError
from pipelines.installation import Installation
from pipelines.summary import Summary
from tests.whole import CANARIES, NightMaker, hits_of, state_of

ROOT = Path(__file__).parent.parent
DAY = date(2026, 11, 22)


@pytest.fixture
def maker(installation: Installation) -> NightMaker:
    return NightMaker(installation)


@pytest.fixture
def run(at: datetime) -> Callable[[date], Summary]:
    return lambda day: nightly.run(day, lambda: at)


def test_a_night_accounts_for_every_line_and_record(
    installation: Installation, maker: NightMaker, run: Callable[[date], Summary]
) -> None:
    maker.put_everything(DAY)
    summary = run(DAY)
    assert summary.traffic.is_balanced
    assert summary.contacts.is_balanced
    assert summary.traffic.read == maker.lines
    assert summary.traffic.accepted == sum(hits_of(installation).values())
    assert summary.traffic.expired == maker.expired
    assert summary.traffic.rejected == maker.malformed
    assert summary.is_new_release
    assert summary.could_not_check == summary.still_present == 0
    assert installation.ledger.verify().is_intact
    assert not [path for path in installation.places.landing.rglob("*") if path.is_file()]


def test_the_same_night_again_changes_nothing(
    installation: Installation, maker: NightMaker, run: Callable[[date], Summary]
) -> None:
    maker.put_everything(DAY)
    first = run(DAY)
    before = state_of(installation)
    maker.put_everything(DAY)
    second = run(DAY)
    assert second.night == f"{DAY}.2"
    assert second.traffic.duplicate + second.traffic.expired == second.traffic.read == maker.lines / 2
    assert (
        second.contacts.duplicate + second.contacts.expired + second.contacts.rejected == second.contacts.read
    )
    assert not second.is_new_release
    assert second.release == first.release
    assert state_of(installation) == before


def test_a_purged_day_does_not_come_back_with_its_old_log(
    installation: Installation, maker: NightMaker, run: Callable[[date], Summary]
) -> None:
    maker.put_everything(DAY)
    run(DAY)
    oldest = installation.vault.stores("traffic")[0]
    later = date(2026, 12, 24)
    purged = run(later)
    assert purged.purged_days > 0
    assert oldest not in installation.vault.stores("traffic")
    maker.put_everything(DAY)
    for day in (later, DAY):  # not even where the clock is set back
        again = run(day)
        assert again.traffic.accepted == 0
        assert oldest not in installation.vault.stores("traffic")
        maker.put_everything(DAY)


BAD_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated.log.gz": (
        lambda path: path.write_bytes(gzip.compress(b"x" * 100_000)[:-20]),
        "truncated|damaged|ends",
    ),
    "damaged.log.gz": (
        lambda path: path.write_bytes(gzip.compress(os.urandom(5_000))[:2_000] + b"\0" * 500),
        "truncated|damaged|ends",
    ),
    "folder.log": (lambda path: (path / "deeper").mkdir(parents=True), "folder|director"),
}


def test_a_bad_file_is_one_clear_line_and_the_rest_is_taken(
    installation: Installation, maker: NightMaker, run: Callable[[date], Summary]
) -> None:
    paths = [installation.places.landing_traffic / "www" / name for name in BAD_FILES]
    paths[0].parent.mkdir(parents=True, exist_ok=True)
    for path in paths:
        BAD_FILES[path.name][0](path)
    maker.put_everything(DAY)
    summary = run(DAY)
    assert all(path.exists() for path in paths), "nothing is lost"
    assert summary.traffic.read == maker.lines
    assert len(summary.refusals) == len(BAD_FILES)
    for said in {said for _make, said in BAD_FILES.values()}:  # the files are not named: names are values
        of_a_kind = [line for line in summary.refusals if re.search(said, line)]
        assert len(of_a_kind) == [said for _make, said in BAD_FILES.values()].count(said)
    with pytest.raises(LandingError, match="3 landing file"):
        nightly.require_all_taken(summary)


def test_an_empty_file_is_a_delivery_of_no_lines(
    installation: Installation, run: Callable[[date], Summary]
) -> None:
    (installation.places.landing_traffic / "empty.log").touch()
    summary = run(DAY)
    assert (summary.traffic.files, summary.traffic.read, summary.refused) == (1, 0, 0)


def test_a_csv_without_a_column_is_refused_and_says_which(
    installation: Installation, maker: NightMaker, run: Callable[[date], Summary]
) -> None:
    maker.put_everything(DAY)
    (installation.places.landing_contacts / "people-2.csv").write_text("source,person_ref\ncrm,7\n")
    summary = run(DAY)
    assert len(summary.refusals) == 1
    assert "recorded_at" in summary.refusals[0]
    assert summary.contacts.read == maker.records


def test_a_wrong_master_key_stops_the_night_before_it_touches_anything(
    installation: Installation,
    maker: NightMaker,
    run: Callable[[date], Summary],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    maker.put_everything(DAY)
    run(DAY)
    maker.put_everything(DAY)
    landed = sorted(path for path in installation.places.landing.rglob("*"))
    monkeypatch.setenv("CHARTER_MASTER_KEY", "d3Jvbmcga2V5IHdyb25nIGtleSB3cm9uZyBrZXkgd3I=")
    with pytest.raises(KeyringError, match="master key is another one"):
        run(DAY)
    assert sorted(path for path in installation.places.landing.rglob("*")) == landed


def test_a_refused_release_does_not_stop_the_purge(
    installation: Installation,
    maker: NightMaker,
    run: Callable[[date], Summary],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    maker.put_everything(DAY)
    run(DAY)

    def refuse(*_args: object, **_more: object) -> None:
        raise DisclosureError("planted by the test: the gate refuses.")

    monkeypatch.setattr("pipelines.statistics.release", refuse)
    before = len(installation.vault.stores("traffic"))
    with pytest.raises(DisclosureError):
        run(date(2026, 11, 25))
    assert len(installation.vault.stores("traffic")) < before
    verified = list(installation.ledger.entries("purge_verified"))[-1]
    assert verified.facts["gone"]


def test_no_planted_value_stands_in_any_byte_that_a_night_leaves(
    installation: Installation,
    maker: NightMaker,
    run: Callable[[date], Summary],
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    maker.put_everything(DAY)
    landed = b"".join(_plain(path) for path in installation.places.landing.rglob("*") if path.is_file())
    for canary in CANARIES:
        assert canary.encode() in landed, "the positive control"
    with caplog.at_level("DEBUG"):
        run(DAY)
    said = "".join(capfd.readouterr()) + caplog.text
    kept = b"".join(
        path.read_bytes() for path in installation.places.vault.parent.rglob("*") if path.is_file()
    )
    for canary in CANARIES:
        assert canary not in said
        assert canary.encode() not in kept
    for canary in CANARIES:  # nor, in clear, in what anybody may read
        for path in installation.places.releases.rglob("*.duckdb"):
            with duckdb.connect(str(path), read_only=True) as connection:
                for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
                    assert canary not in str(connection.execute(f"SELECT * FROM {table}").fetchall())


def _plain(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def test_unwritable_disk_is_one_clear_line_and_nothing_is_lost(
    installation: Installation,
    maker: NightMaker,
    run: Callable[[date], Summary],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    maker.put_everything(DAY)
    landed = {path: path.read_bytes() for path in installation.places.landing.rglob("*") if path.is_file()}
    genuine = files.sync_file

    def full(path: Path) -> None:
        if path.suffix == ".duckdb":
            raise OSError(28, "No space left on device", str(path))
        genuine(path)

    monkeypatch.setattr("pipelines.vault.workshop.sync_file", full)
    with pytest.raises(CharterError) as caught:
        run(DAY)
    assert "\n" not in str(caught.value)
    assert "disk is full" in str(caught.value)
    monkeypatch.undo()
    for path, content in landed.items():
        assert path.read_bytes() == content
    os.environ["CHARTER_HOME"] = str(installation.places.vault.parent.parent)
    assert run(DAY).traffic.read == maker.lines


KILLED = (
    "import os, sys\nfrom datetime import date, datetime, UTC\nfrom pipelines import nightly\n"
    "print('go', flush=True)\n"
    "nightly.run(date(2026, 11, 22), lambda: datetime(2026, 11, 22, 1, 0, tzinfo=UTC))\n"
)


def kill_after(home: Path, seconds: float) -> None:
    """Start a night in a process of its own and kill it, without mercy, after so many seconds of work."""
    environment = os.environ | {"CHARTER_HOME": str(home)}
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=ROOT,
    )
    assert process.stdout is not None
    with process:
        process.stdout.readline()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)


def make_keys(installation: Installation) -> None:
    """Make the keys that ids and pseudonyms come from, so that two nights can be compared to the letter."""
    for name in ("fingerprint", "contacts", "pseudonym/2026-11", "pseudonym/2025-11", "pseudonym/2025-10"):
        installation.keyring.ensure(name)


def copy_of(home: Path, target: Path) -> Path:
    shutil.copytree(home, target, copy_function=shutil.copy2)
    return target


def undisturbed(home: Path, at: datetime, monkeypatch: pytest.MonkeyPatch) -> tuple[object, float]:
    """Return what an undisturbed night leaves, and the seconds that it takes."""
    monkeypatch.setenv("CHARTER_HOME", str(home))
    started = time.monotonic()
    summary = nightly.run(DAY, lambda: at)
    took = time.monotonic() - started
    return (state_of(Installation.open(os.environ)), _counts(summary)), took


def _counts(summary: Summary) -> object:
    return (
        summary.traffic,
        summary.contacts,
        summary.released_rows,
        summary.purged_days,
        summary.purged_people,
    )


def test_killed_and_run_again_a_night_ends_as_if_undisturbed(
    installation: Installation,
    maker: NightMaker,
    at: datetime,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Killed early, while the logs are taken in, and late, while days are published."""
    maker.put_everything(DAY)
    make_keys(installation)
    early, late = (copy_of(home, tmp_path / name) for name in ("early", "late"))
    expected, took = undisturbed(home, at, monkeypatch)
    for killed, part in ((early, 0.25), (late, 0.75)):
        kill_after(killed, took * part)
        monkeypatch.setenv("CHARTER_HOME", str(killed))
        summary = nightly.run(DAY, lambda: at)
        assert (state_of(Installation.open(os.environ)), _counts(summary)) == expected
        assert Installation.open(os.environ).ledger.verify().is_intact


@pytest.mark.long
def test_killed_at_forty_moments_a_night_ends_as_if_undisturbed(
    installation: Installation,
    maker: NightMaker,
    at: datetime,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    maker.put_everything(DAY)
    make_keys(installation)
    fresh = copy_of(home, tmp_path / "fresh")
    expected, took = undisturbed(home, at, monkeypatch)
    for moment in range(40):
        killed = copy_of(fresh, tmp_path / f"killed-{moment}")
        for part in (0.025 * moment, 0.4):  # and once more, while it mends what the first kill left
            kill_after(killed, took * part)
        monkeypatch.setenv("CHARTER_HOME", str(killed))
        summary = nightly.run(DAY, lambda: at)
        assert (state_of(Installation.open(os.environ)), _counts(summary)) == expected, moment
        shutil.rmtree(killed)
