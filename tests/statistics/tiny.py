"""Days of small sites that are out of the ordinary: one page, nothing but files, errors or robots, and mixtures."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.statistics.sites import Hit, hit

Request = dict[str, Any]
_PATHS = ("/", "/", "/x", "/y/z", "/y/w", "/p/1/a", "/p/1/b", "/a.css")


def _mixed(rng: random.Random, who: int) -> Request:
    path = rng.choice([*_PATHS, f"/rare{who}"])
    return {"path": path, "status": rng.choice([200] * 8 + [304, 301, 404, 500, 206, None])}


_REQUESTS: Mapping[str, Callable[[random.Random, int], Request]] = {
    "one page": lambda _rng, _who: {},
    "all bounce": lambda rng, _who: {"path": rng.choice(["/", "/x", "/y/z", "/y/w"])},
    "only assets": lambda rng, _who: {"path": rng.choice(["/a.css", "/b.js"]), "status": rng.choice([200, 304])},
    "no page views": lambda rng, _who: {
        "method": rng.choice(["POST", "HEAD"]), "status": rng.choice([200, 301]),
    },
    "only errors": lambda rng, who: _mixed(rng, who) | {"status": rng.choice([404, 404, 500])},
    "only robots": lambda rng, who: _mixed(rng, who) | {"is_bot": True},
    "mixed": _mixed,
    "no files": lambda rng, _who: {"path": rng.choice(["/", "/x", "/y/z", "/y/w"])},
    "few pages": lambda rng, _who: {
        "path": rng.choice(["/", "/x", "/a.css"]), "status": rng.choice([200] * 12 + [404]),
    },
    "long visits": _mixed,
}  # fmt: skip
_ALMOST = ("one page", "only assets", "only errors")
KINDS = (*_REQUESTS, *(f"almost {kind}" for kind in _ALMOST))


@dataclass(frozen=True)
class TinySite:
    """A day of 5 to 60 visitors; the same seed gives the same requests."""

    kind: str
    seed: int

    def hits(self) -> list[Hit]:
        """Return the requests of the day."""
        rng = random.Random(f"{self.kind} {self.seed}")
        domains = rng.choice(
            [[None], [None, "bing.com"], [None, "bing.com", "rare.org", "okare.art", "t.co"]]
        )
        odd = rng.choice([1, 3, 9, 12]) if self.kind.startswith("almost") else 0
        per_home = rng.choice([1, 1, 1, 2])
        found: list[Hit] = []
        for who in range(rng.randint(5, 60)):
            kind = "mixed" if who < odd else self.kind.removeprefix("almost ")
            found += _visits(rng, kind, who, who // per_home, rng.choice(domains))
        return found


def _visits(rng: random.Random, kind: str, who: int, home: int, domain: str | None) -> list[Hit]:
    number = rng.choice([1, 1, 2, 3, 5])
    number = {"all bounce": 1, "long visits": rng.randint(3, 12)}.get(kind, number)
    minute, found = rng.randint(0, 600), []
    browser, device = (
        rng.choice(["Firefox", "Firefox", "Chrome", "Safari"]),
        rng.choice(["desktop", "mobile"]),
    )
    country = rng.choice(["FR", "FR", "BE", None])
    for step in range(number):
        minute += rng.choice([0, 1, 2, 5, 45])
        columns = {"is_bot": kind == "mixed" and who % 13 == 12} | _REQUESTS[kind](rng, who)
        found.append(hit(
            who, f"{6 + minute // 60:02}:{minute % 60:02}:{step:02}", address=home, browser=browser,
            device=device, country=country, referrer_domain="okare.art" if step else domain,
            sent_bytes=None if columns.get("status", 200) is None else rng.randint(100, 9000), **columns,
        ))  # fmt: skip
    return found
