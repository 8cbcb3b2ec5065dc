"""Invented input for a demonstration: months of web-server logs, and the contact exports of a CRM.

The same arguments give the same bytes. Nobody in it exists; everything that happens to personal data
in real logs and exports happens here too.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from pipelines.errors import UsageError
from pipelines.files import make_private_folder, write_whole
from pipelines.synthetic import contacts, malformed, traffic
from pipelines.synthetic.clock import months_before
from pipelines.synthetic.inventions import Inventions, invent

_LINES_PER_MALFORMED = 20_000
_MALFORMED_IN_SAMPLE = 4  # the short kinds: somebody will open it in an editor
_COMPRESSION = 6  # as logrotate's gzip does

Progress = Callable[[int, int], None]  # (files written, files in all)


@dataclass(frozen=True, slots=True)
class Generated:
    """How much was written: files, log lines (malformed ones among them), contact records."""

    files: int
    lines: int
    records: int


def generate(
    landing: Path,
    *,
    day: date,
    months: int = 13,
    extra_days: int = 5,
    lines: int = 300_000,
    seed: int = 1,
    progress: Progress | None = None,
) -> Generated:
    """Write logs of the `months` and `extra_days` before `day`, and contact exports, into `landing`.

    Logs are one gzip file per local day, `traffic/www/access-YYYY-MM-DD.log.gz`, the last of the day
    before `day`. Each file appears whole, under its name, or not at all.
    """
    if min(seed, months, extra_days, lines - 1) < 0 or months + extra_days == 0:
        raise UsageError("nothing to generate: give at least one line, one day, and a seed of 0 or more.")
    days = _days_before(day, months, extra_days)
    inventions = invent(seed, max(1_000, contacts.people_needed()))
    files_in_all = len(days) + len(contacts.FILES)
    report = progress or _silent

    records = _write_contacts(landing / "contacts", inventions, day)
    make_private_folder(landing / "traffic" / "www")
    bad_lines = min(lines, max(malformed.KINDS, lines // _LINES_PER_MALFORMED))
    logs = _logs(days, lines - bad_lines, bad_lines, seed, inventions)
    for number, (on, content) in enumerate(logs, start=1):
        path = landing / "traffic" / "www" / f"access-{on}.log.gz"
        write_whole(path, gzip.compress(content, _COMPRESSION, mtime=0))
        report(len(contacts.FILES) + number, files_in_all)
    return Generated(files_in_all, lines, records)


def write_sample(folder: Path, *, day: date, lines: int = 200, seed: int = 1) -> Generated:
    """Write a small plain log of the day before `day`, and every life story once, into `folder`."""
    inventions = invent(seed, max(100, contacts.people_needed()))
    records = _write_contacts(folder / "contacts", inventions, day, share=0.0)
    make_private_folder(folder / "traffic" / "www")
    good_lines = lines - _MALFORMED_IN_SAMPLE
    ((on, content),) = _logs(_days_before(day, 0, 1), good_lines, _MALFORMED_IN_SAMPLE, seed, inventions)
    write_whole(folder / "traffic" / "www" / f"access-{on}.log", content)
    return Generated(1 + len(contacts.FILES), lines, records)


def _days_before(day: date, months: int, extra_days: int) -> tuple[date, ...]:
    first = months_before(day, months) - timedelta(days=extra_days)
    return tuple(first + timedelta(days=number) for number in range((day - first).days))


def _logs(
    days: tuple[date, ...], good_lines: int, bad_lines: int, seed: int, inventions: Inventions
) -> Iterator[tuple[date, bytes]]:
    """Yield each day with the content of its log."""
    world = traffic.world(inventions, days, good_lines, seed)
    counts = traffic.lines_per_day(days, good_lines, seed)
    for on, count, bad in zip(days, counts, malformed.scattered(days, bad_lines, seed), strict=True):
        rng = np.random.default_rng((seed, 4, on.toordinal()))
        good = traffic.log_lines(world, on, count, rng)
        yield on, b"".join(line + b"\n" for line in malformed.mixed(good, bad, rng))


def _write_contacts(folder: Path, inventions: Inventions, day: date, share: float = 1.0) -> int:
    make_private_folder(folder)
    exports = contacts.exports(inventions, day, share=share)
    for name, records in exports.items():
        write_whole(folder / name, contacts.encoded(name, records))
    return sum(map(len, exports.values()))


def _silent(_done: int, _in_all: int) -> None:
    """Report nothing."""
