"""A large Combined log like that of a busy site, written fast: the same arguments give the same bytes.

Zipf-distributed visitors, paths and agents; quotes escaped in some agents, queries and campaigns, IPv6,
bots, and one damaged line in some seven thousand, as in logs of the real world.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

_SEED = 7
_CHUNK = 100_000
_WORDS = (
    "offer", "prices", "blog", "contact", "gallery", "studio", "about", "news", "events", "shop", "art",
    "paint", "canvas", "course", "winter", "summer", "team", "press", "help", "order",
)  # fmt: skip
_SYSTEMS = (
    "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64",
    "iPhone; CPU iPhone OS 17_5 like Mac OS X", "Linux; Android 14; Pixel 8", "Linux; Android 13; SM-T510",
)  # fmt: skip
_ROBOTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    'curl/8.5.0 \\"quoted\\"',
)
_REFERRERS = (
    "-", "-", "-", "https://www.google.com/", "https://duckduckgo.com/?q=painting+course+in+paris",
    "https://www.facebook.com/okare/posts/a-new-gallery-is-open", "https://okare.art/blog/winter-news",
    "https://news.example.org/2026/11/where-to-learn-to-paint",
)  # fmt: skip
_DAMAGED = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b'198.51.100.9 - - [21/Nov/2026:25:61:00 +0100] "GET / HTTP/1.1" 200 1 "-" "-"',
    b"not a log line",
)


def write_log(path: Path, *, lines: int, hosts: int, last_day: date, days: int, seed: int = _SEED) -> None:
    """Write `lines` lines of some 255 bytes, in the order of time, over the `days` up to `last_day`."""
    random = np.random.default_rng(seed)
    addresses = _addresses(random, hosts)
    agents = _agents(random)
    targets = _targets(random)
    start = datetime(last_day.year, last_day.month, last_day.day, tzinfo=UTC) - timedelta(days=days - 1)
    step = days * 86_400 / lines
    with path.open("wb") as out:
        for first in range(0, lines, _CHUNK):
            count = min(_CHUNK, lines - first)
            out.write(_chunk(random, count, addresses, agents, targets, start, first, step))


def _chunk(random, count, addresses, agents, targets, start, first, step) -> bytes:  # type: ignore[no-untyped-def]
    host = _zipf(random, len(addresses), count)
    # most hosts have one agent, some a second
    agent = (host * 7919 + (random.random(count) < 0.05)) % len(agents)
    target = _zipf(random, len(targets), count)
    referrer = random.integers(0, len(_REFERRERS), count)
    status = random.choice(np.array(["200", "200", "200", "304", "301", "404", "500"]), count)
    size = random.integers(100, 99_999, count)
    damaged = random.random(count) < 1 / 7_000
    rows = []
    for row in range(count):
        at = start + timedelta(seconds=(first + row) * step)
        if damaged[row]:
            rows.append(_DAMAGED[row % len(_DAMAGED)])
            continue
        rows.append(
            f'{addresses[host[row]]} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "{targets[target[row]]}" '
            f'{status[row]} {size[row]} "{_REFERRERS[referrer[row]]}" "{agents[agent[row]]}"'.encode()
        )
    rows.append(b"")
    return b"\n".join(rows)


def _zipf(random: np.random.Generator, size: int, count: int):  # type: ignore[no-untyped-def]
    """Return `count` numbers below `size`: the few first often, and every one now and then."""
    return np.minimum((size * random.random(count) ** 3).astype(np.int64), size - 1)


def _addresses(random: np.random.Generator, hosts: int) -> list[str]:
    numbers = random.choice(2**24, hosts, replace=False)
    return [
        f"2001:db8:{number >> 12:x}::{number & 0xFFF:x}" if number % 12 == 0
        else f"{20 + (number >> 19)}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        for number in numbers.tolist()
    ]  # fmt: skip


def _agents(random: np.random.Generator) -> list[str]:
    found = [
        f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) "
        f"Chrome/{90 + int(random.integers(0, 45))}.0.{int(random.integers(0, 6000))}.{build} Safari/537.36"
        for system in _SYSTEMS
        for build in range(300)
    ]
    return [*found, *_ROBOTS]


def _targets(random: np.random.Generator) -> list[str]:
    words = np.array(_WORDS)
    found = []
    for number in range(6_000):
        path = "/".join(random.choice(words, 1 + number % 4).tolist())
        campaign = f"?utm_source=letter&utm_campaign=w{number % 50}"
        end = ("", "/", f"?page={number}", campaign, ".html", ".css")[number % 6]
        found.append(f"{'POST' if number % 40 == 0 else 'GET'} /{path}-{number}{end} HTTP/1.{number % 2}")
    return found
