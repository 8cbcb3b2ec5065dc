"""Measure the night on one big log beside its peers, side by side in one run, as ratios.

    make bench                          five million lines of one day, 1.3 GB: some minutes
    python -m benchmarks --lines N      as many as you like
    python -m benchmarks --memory       the intake's peak memory at 2 and at 20 million lines
    python -m benchmarks --visitor      one visitor found in 52 million stored hits
    python -m benchmarks --purge        one day of 13 months purged, small and large; 200,000 people rewritten

Each contender runs in a process of its own; seconds are the best of the rounds, memory is the peak. Ratios
are to the yardstick, the fastest correct parse (`yardstick.py`). These machines are noisy: read the ratios.
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

from benchmarks import purging, visitor
from benchmarks.biglog import write_log
from pipelines.installation import Installation
from pipelines.landing.unpacking import zstd

DAY, LOG_DAY = date(2026, 11, 22), date(2026, 11, 21)
_MOST_SECONDS = 600  # for GoAccess, which takes long with many hosts
_STOPPED = 124  # what timeout(1) says of it
_HOSTS_A_LINE = 0.059  # 295,000 hosts in 5 million lines
_INGEST = """
from datetime import UTC, date, datetime
from pipelines import nightly
night = nightly.open_night(date(2026, 11, 22), datetime.now(UTC))
for batch in nightly.traffic_batches(night):
    nightly.take_traffic(night, batch, datetime.now(UTC))
"""


@dataclass(frozen=True)
class Measured:
    """What one contender took: seconds of wall clock, peak memory in MiB."""

    name: str
    seconds: float
    memory_mib: int


def main() -> None:
    """Generate the log, run the contenders, print a table of ratios."""
    options = argparse.ArgumentParser(prog="make bench", description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--lines", type=int, default=5_000_000)
    options.add_argument("--rounds", type=int, default=1)
    options.add_argument("--memory", action="store_true")
    options.add_argument("--visitor", action="store_true")
    options.add_argument("--purge", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="charter-bench-") as name:
        folder = Path(name)
        if chosen.visitor:
            visitor.measure(folder)
        elif chosen.purge:
            purging.measure(folder)
        elif chosen.memory:
            _show([_best(rounds) for rounds in _memory(folder)])
        else:
            log = _log(folder, chosen.lines)
            print(f"{chosen.lines:,} lines, {log.stat().st_size >> 20} MiB, {os.cpu_count()} cores")
            _show([_best(contender) for contender in _rounds(folder, log, chosen.rounds)], chosen.lines)


def _show(found: list[Measured], lines: int | None = None) -> None:
    yardstick = found[0].seconds
    print(f"{'contender':<52} {'seconds':>8} {'ratio':>7} {'lines/s':>10} {'MiB':>6}")
    for measured in found:
        rate = f"{lines / measured.seconds:,.0f}" if lines else ""
        print(
            f"{measured.name:<52} {measured.seconds:>8.2f} {measured.seconds / yardstick:>7.2f} {rate:>10} "
            f"{measured.memory_mib:>6}"
        )


def _log(folder: Path, lines: int) -> Path:
    log = folder / "access.log"
    write_log(log, lines=lines, hosts=max(1_000, int(lines * _HOSTS_A_LINE)), last_day=LOG_DAY, days=1)
    return log


def _rounds(folder: Path, log: Path, rounds: int) -> Iterator[list[Measured]]:
    parse = [sys.executable, "-m", "benchmarks.yardstick", str(log)]
    yield [_run("the yardstick: parse to aggregates, nothing kept", parse) for _ in range(rounds)]
    yield [_run("wc -l", ["wc", "-l", str(log)]) for _ in range(rounds)]
    yield from _goaccess(folder, log, rounds)
    for name, pack in (("", None), (", gzip", "gzip"), (", zstd", "zstd")):
        packed = _packed(log, pack)
        named = f"Charter, landing file to sealed day stores{name}"
        yield [_night(named, folder, packed, [sys.executable, "-c", _INGEST]) for _ in range(rounds)]
    command = [str(Path(sys.executable).with_name("charter")), "nightly", "--day", DAY.isoformat()]
    yield [_night("Charter, the whole night from the CLI", folder, log, command) for _ in range(rounds)]


def _goaccess(folder: Path, log: Path, rounds: int) -> Iterator[list[Measured]]:
    if not shutil.which("goaccess"):
        print("GoAccess is not here: apt-get install goaccess, to measure beside it")
        return
    peer = ["timeout", str(_MOST_SECONDS), "goaccess", str(log), "--log-format=COMBINED", "--anonymize-ip"]
    peer += ["--no-global-config", "--no-progress", "-o", str(folder / "report.html")]
    yield [_run("GoAccess, its whole report, --anonymize-ip", peer) for _ in range(rounds)]
    help_ = subprocess.run(["goaccess", "--help"], capture_output=True, text=True, check=False).stdout
    if "--jobs" in help_:
        yield [_run("GoAccess, --anonymize-ip -j 2", [*peer, "-j", "2"]) for _ in range(rounds)]


def _memory(folder: Path) -> Iterator[list[Measured]]:
    for lines in (2_000_000, 20_000_000):
        log = _log(folder, lines)
        command = [sys.executable, "-c", _INGEST]
        yield [_night(f"Charter, {lines:,} lines to sealed day stores", folder, log, command)]


def _packed(log: Path, how: str | None) -> Path:
    if how is None:
        return log
    target = log.with_name(f"{log.name}.{'gz' if how == 'gzip' else 'zst'}")
    if how == "gzip":
        with log.open("rb") as source, gzip.open(target, "wb", compresslevel=6) as out:
            shutil.copyfileobj(source, out, 1 << 20)
    else:
        with log.open("rb") as source, zstd.open(target, "wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
    return target


def _night(name: str, folder: Path, log: Path, command: list[str]) -> Measured:
    home = folder / "home"
    home.mkdir()
    places = Installation.create({"CHARTER_HOME": str(home)}).places
    os.link(log, places.landing_traffic / log.name)
    measured = _run(name, command, CHARTER_HOME=str(home))
    assert not list(places.landing_traffic.iterdir()), "the log was not taken in"
    shutil.rmtree(home)
    return measured


def _run(name: str, command: list[str], **environment: str) -> Measured:
    # Through a shell of its own: a process begins as a copy of this one, and its peak would be ours.
    started = time.perf_counter()
    process = subprocess.Popen(
        ["/bin/sh", "-c", 'exec "$@"', "sh", *command],
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    _pid, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if os.waitstatus_to_exitcode(status) == _STOPPED:
        name += ", stopped"
    elif status != 0:
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
