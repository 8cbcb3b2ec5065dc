"""Lines that no reader can take in, of every kind that turns up in real logs."""

from __future__ import annotations

from datetime import date

import numpy as np

from pipelines.synthetic.clock import Clock

_NOON = 43_200
KINDS = 7


def malformed_line(kind: int, day: date) -> bytes:
    """Return the malformed line of one of the `KINDS`, as it could stand in the log of `day`."""
    stamp = Clock.of(day).stamps(np.array([_NOON]))[0]
    start, end = f'198.18.7.7 - - {stamp} "GET '.encode(), b' HTTP/1.1" 200 512 "-" "Mozilla/5.0"'
    return (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\xd9\x1b\x00\x7f\xffV\x9c",  # TLS on a plain port
        start + b"/works/portr",  # cut off where a disk was full
        start + b"/works/\xe9t\xe9" + end,  # Latin-1, not UTF-8
        b"",
        start + b"/" + b"A" * 70_000 + end,  # longer than any limit
        b'198.18.7.7 - - [31/Feb/2020:25:61:00 +0100] "GET /' + end,  # a day that never was
        b"\x00" * 64,  # a hole left by a crash
    )[kind]


def scattered(days: tuple[date, ...], number: int, seed: int) -> list[list[bytes]]:
    """Return `number` malformed lines, by day; each kind comes before one comes again."""
    rng = np.random.default_rng((seed, 3))
    by_day: list[list[bytes]] = [[] for _ in days]
    for line, index in enumerate(rng.integers(0, len(days), number).tolist()):
        by_day[index].append(malformed_line(line % KINDS, days[index]))
    return by_day


def mixed(lines: list[bytes], malformed: list[bytes], rng: np.random.Generator) -> list[bytes]:
    """Return `lines` with `malformed` ones put in at random places."""
    together = list(lines)
    for line in malformed:
        together.insert(int(rng.integers(0, len(together) + 1)), line)
    return together
