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
KILLS_EACH = 8
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"

# Imports once, then each try is a fork: it is killed after a random time of its work, and run again, from where
# the tries before it came to. The last try in a home is left in peace, and so is the only one in the first home,
# which says how long an intake takes. Homes are begun, copies of the one that was delivered to, until there were
# kills enough.
KILLER = """
import os, random, shutil, signal, sys, time
from datetime import UTC, date, datetime
from pipelines import nightly
from pipelines.quality import engine
from pipelines.traffic import ingest

(kills_each, wanted, portion), (delivered, folder) = map(int, sys.argv[1:4]), sys.argv[4:]
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

def copied(number):
    return shutil.copytree(delivered, os.path.join(folder, f"killed-{number}"))

first, started = copied(0), time.monotonic()
tried(first, 3600)
took = time.monotonic() - started
print(first, 0, flush=True)
killed, number = 0, 0
while killed < wanted and number < wanted:
    number += 1
    home, kills = copied(number), 0
    while kills < kills_each and not tried(home, source.uniform(0, took / 4)):
        kills += 1
    tried(home, 3600)
    killed += kills
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
    ("lines", "portion", "kills"),
    [(10_000, 3_000, 5), pytest.param(200_000, 20_000, 200, marks=pytest.mark.long, id="200 kills")],
)
def test_killed_at_random_moments_no_line_is_lost_or_doubled(
    installation: Installation, home: Path, tmp_path: Path, lines: int, portion: int, kills: int
) -> None:
    expected = deliver(installation.places.landing_traffic, lines)
    folder = tmp_path / "homes"
    folder.mkdir()
    arguments = [str(KILLS_EACH), str(kills), str(portion), str(home), str(folder)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHARTER_")}
    process = subprocess.Popen(
        [sys.executable, "-c", KILLER, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    killed = homes = 0
    assert process.stdout is not None
    with process:
        for said in process.stdout:
            done, _, count = said.rpartition(" ")
            killed, homes = killed + int(count), homes + 1
            verify(Path(done), expected)
            shutil.rmtree(done)
    print(f"{killed} kills in {homes - 1} homes")
    assert process.returncode == 0
    assert not any(folder.iterdir())
    assert killed >= kills, f"{killed} kills in {homes - 1} homes: {kills} are to happen"
