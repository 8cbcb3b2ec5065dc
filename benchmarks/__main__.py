"""Measure the night on one big log beside `wc -l` and GoAccess, side by side in one run, as ratios.

    make bench                          a million lines
    python -m benchmarks --lines N      as many as you like

Each contender runs in a process of its own; seconds are the best of the rounds, memory is the peak (a dash:
less than this program itself, of which a new process is a copy at first).
These machines are noisy: read the ratios.
"""

from __future__ import annotations

import argparse
import gzip
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pipelines import synthetic
from pipelines.installation import Installation

DAY = date(2026, 11, 22)
_INGEST = """
import os, sys
from datetime import UTC, date, datetime
from pipelines import nightly
night = nightly.open_night(date(2026, 11, 22), datetime.now(UTC))
for batch in nightly.traffic_batches(night):
    nightly.take_traffic(night, batch, datetime.now(UTC))
"""
_NIGHT = """
from datetime import UTC, date, datetime
from pipelines import nightly
nightly.run(date(2026, 11, 22), lambda: datetime.now(UTC))
"""


@dataclass(frozen=True)
class Measured:
    """What one contender took: seconds of wall clock, peak memory in MiB."""

    name: str
    seconds: float
    memory_mib: int


def main() -> None:
    """Generate the log, run the contenders, print a table of ratios."""
    options = argparse.ArgumentParser(prog="make bench", description=__doc__.partition("\n")[0])
    options.add_argument("--lines", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=2)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="charter-bench-") as folder:
        log, lines = _log(Path(folder), chosen.lines)
        print(f"{lines:,} lines, {log.stat().st_size >> 20} MiB, {os.cpu_count()} cores")
        found = [_best(contender) for contender in _rounds(Path(folder), log, chosen.rounds)]
    yardstick, own_mib = found[0].seconds, _mebibytes(resource.getrusage(resource.RUSAGE_SELF)) + 1
    print(f"{'contender':<44} {'seconds':>8} {'ratio':>7} {'lines/s':>10} {'MiB':>6}")
    for measured in found:
        rate = f"{lines / measured.seconds:,.0f}"
        ratio = f"{measured.seconds / yardstick:.1f}"
        memory = measured.memory_mib if measured.memory_mib > own_mib else "-"
        print(f"{measured.name:<44} {measured.seconds:>8.2f} {ratio:>7} {rate:>10} {memory:>6}")


def _log(folder: Path, lines: int) -> tuple[Path, int]:
    """Write one plain Combined log of all the days that are within the retention period."""
    synthetic.generate(folder / "days", day=DAY, months=11, extra_days=0, lines=lines)
    log = folder / "access.log"
    with log.open("wb") as out:
        for path in sorted((folder / "days").rglob("*.log.gz")):
            with gzip.open(path) as source:
                shutil.copyfileobj(source, out)
    return log, log.read_bytes().count(b"\n")


def _rounds(folder: Path, log: Path, rounds: int) -> Iterator[list[Measured]]:
    python = sys.executable
    yield [_run("wc -l", ["wc", "-l", str(log)]) for _ in range(rounds)]
    if shutil.which("goaccess"):
        report = str(folder / "report.html")
        peer = [
            "goaccess",
            str(log),
            "--log-format=COMBINED",
            "--anonymize-ip",
            "--no-global-config",
            "-o",
            report,
        ]
        yield [_run("GoAccess, --anonymize-ip", peer) for _ in range(rounds)]
        if (
            "--jobs"
            in subprocess.run(["goaccess", "--help"], capture_output=True, text=True, check=False).stdout
        ):
            yield [_run("GoAccess, --anonymize-ip -j 2", [*peer, "-j", "2"]) for _ in range(rounds)]
    else:
        print("GoAccess is not here: apt-get install goaccess, to measure beside it")
    for name, program in (
        ("Charter, landing file to sealed day stores", _INGEST),
        ("Charter, the whole night: statistics too", _NIGHT),
    ):
        measured = []
        for number in range(rounds):
            home = folder / f"home-{len(name)}-{number}"
            _put(home, log)
            measured.append(_run(name, [python, "-c", program], CHARTER_HOME=str(home)))
            shutil.rmtree(home)
        yield measured


def _put(home: Path, log: Path) -> None:
    home.mkdir()
    places = Installation.create({"CHARTER_HOME": str(home)}).places
    os.link(log, places.landing_traffic / "access.log")


def _run(name: str, command: list[str], **environment: str) -> Measured:
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _pid, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status != 0:
        said = process.stderr.read().decode(errors="replace") if process.stderr else ""
        sys.exit(f"{name} failed: {said[-2000:]}")
    if process.stderr:
        process.stderr.close()
    return Measured(name, seconds, _mebibytes(usage))


def _mebibytes(usage: resource.struct_rusage) -> int:
    return usage.ru_maxrss >> 10  # Linux gives KiB


def _best(rounds: list[Measured]) -> Measured:
    return min(rounds, key=lambda measured: measured.seconds)


if __name__ == "__main__":
    main()
