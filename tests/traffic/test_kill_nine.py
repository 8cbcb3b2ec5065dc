"""SIGKILL at random moments of an intake, in a process of its own, and run again: no line lost or doubled."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.installation import Installation

ROOT = Path(__file__).parent.parent.parent
FILES = 5
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"

# Imports once, then each try is a fork: it is killed after a random time of its work, and run again, from where
# the tries before it came to. The last of
# a home's tries is left in peace. The first home's only try is: it says how long an intake takes.
KILLER = """
import os, random, signal, sys, time
from datetime import UTC, date, datetime
from pipelines import nightly
from pipelines.quality import engine
from pipelines.traffic import ingest

kills_each, portion, homes = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
source, at = random.Random(9), datetime(2026, 11, 22, 1, tzinfo=UTC)
ingest.PORTION_LINES = portion

def take_in(home):
    os.environ["CHARTER_HOME"] = home
    night = nightly.open_night(date(2026, 11, 22), at)
    for batch in nightly.traffic_batches(night):
        nightly.take_traffic(night, batch, at)

def tried(home, seconds):
    child = os.fork()
    if not child:
        try:
            take_in(home)
            os._exit(0)
        finally:
            os._exit(1)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if os.waitpid(child, os.WNOHANG)[0]:
            return True
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1] == 0

started = time.monotonic()
tried(homes[0], 3600)
took = time.monotonic() - started
print(homes[0], 0, flush=True)
for home in homes[1:]:
    kills = 0
    while kills < kills_each and not tried(home, source.uniform(0, took / 4)):
        kills += 1
    tried(home, 3600)
    print(home, kills, flush=True)
"""


def deliver(landing: Path, lines: int) -> dict[str, int]:
    """Write `lines` lines in several files and forms, each told from all others by path and size; count them."""
    each, accepted, rejected = lines // FILES, 0, 0
    for number in range(FILES):
        written = []
        for line in range(each):
            if line % 97 == 96:
                written.append(f"not a log line {number} {line}\n")
                rejected += 1
                continue
            stamp = (
                f"{20 + line % 2}/Nov/2026:{line // 3600 % 24:02}:{line // 60 % 60:02}:{line % 60:02} +0100"
            )
            written.append(
                f'192.0.{number}.{line % 251} - - [{stamp}] "GET /f{number} HTTP/1.1" 200 {line} "-" "{AGENT}"\n'
            )
            accepted += 1
        content = "".join(written).encode()
        folder = landing / ("www" if number % 2 else "api")
        folder.mkdir(exist_ok=True)
        packed = gzip.compress(content, 1) if number == 2 else content[:-1] if number == 3 else content
        (folder / f"{number}.log").write_bytes(packed)
    return {
        "read": accepted + rejected,
        "accepted": accepted,
        "rejected": rejected,
        "expired": 0,
        "duplicate": 0,
    }


def verify(home: Path, expected: dict[str, int]) -> None:
    """Compare what is stored, and what the ledger says, with what was delivered."""
    installation = Installation.open({"CHARTER_HOME": str(home)})
    with installation.vault.workshop() as workshop:
        workshop.open(*installation.vault.stores("traffic"))

        def one(select: str) -> tuple[int, ...]:
            return tuple(workshop.connection.execute(select).fetchall()[0])

        assert (
            one("SELECT count(*), count(DISTINCT (path, sent_bytes)) FROM hits")
            == (expected["accepted"],) * 2
        )
        assert one("SELECT count(*), count(DISTINCT raw) FROM rejects") == (expected["rejected"],) * 2
        positions = (
            "SELECT count(*), count(DISTINCT (delivery_id, line)) FROM "
            "(SELECT load_id, line FROM hits UNION ALL SELECT load_id, line FROM rejects) JOIN deliveries USING (load_id)"
        )
        assert one(positions) == (expected["read"],) * 2
        assert one("SELECT sum(accepted) FROM loads") == (expected["accepted"],)
        assert one("SELECT sum(read), sum(accepted), sum(rejected) FROM deliveries") == (
            expected["read"], expected["accepted"], expected["rejected"]
        )  # fmt: skip
    told = [entry.facts for entry in installation.ledger.entries("traffic_taken")]
    assert len({facts["load"] for facts in told}) == len(told)
    assert {name: sum(int(str(facts[name])) for facts in told) for name in expected} == expected
    assert not list(installation.ledger.entries("traffic_refused"))
    assert installation.ledger.verify().is_intact
    assert not [path for path in installation.places.landing_traffic.rglob("*") if path.is_file()]
    commits = installation.vault.commits
    assert not commits.exists() or not list(commits.iterdir())


@pytest.mark.parametrize(
    ("lines", "portion", "homes", "kills_each"),
    [(10_000, 3_000, 1, 5), pytest.param(200_000, 20_000, 25, 8, marks=pytest.mark.long, id="200 kills")],
)
def test_killed_at_random_moments_no_line_is_lost_or_doubled(
    installation: Installation,
    home: Path,
    tmp_path: Path,
    lines: int,
    portion: int,
    homes: int,
    kills_each: int,
) -> None:
    expected = deliver(installation.places.landing_traffic, lines)
    copies = [tmp_path / f"killed-{number}" for number in range(homes + 1)]
    for copy in copies:
        shutil.copytree(home, copy)
    arguments = [str(kills_each), str(portion), *map(str, copies)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHARTER_")}
    process = subprocess.Popen(
        [sys.executable, "-c", KILLER, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    killed = 0
    assert process.stdout is not None
    with process:
        for said in process.stdout:
            done, _, kills = said.rpartition(" ")
            killed += int(kills)
            verify(Path(done), expected)
            shutil.rmtree(done)
    assert process.returncode == 0
    assert not any(copy.exists() for copy in copies)
    assert killed >= homes * kills_each * 0.8, "most tries must really be killed"
