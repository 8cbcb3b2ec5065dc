"""A site with people who behave like people: few pages read by most, many read by hardly anybody."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.installation import Installation
from tests.statistics.sites import pseudonym, select

_PAGES = (
    ["/", "/works/", "/contact", "/about/team", "/about/us", "/blog/", "/exhibitions/2026"]
    + [f"/works/piece-{n}" for n in range(60)]
    + [f"/blog/2026/{n % 12 + 1}/post-{n}" for n in range(40)]
    + [f"/artists/letter-{chr(97 + n % 26)}/artist-{n}" for n in range(60)]
)
_AGENTS = [
    (f"{browser}", f"{version}", system, device)
    for browser, system, device in (
        ("Chrome", "Windows", "desktop"), ("Chrome Mobile", "Android", "mobile"), ("Mobile Safari", "iOS", "mobile"),
        ("Firefox", "Windows", "desktop"), ("Safari", "macOS", "desktop"), ("Edge", "Windows", "desktop"),
        ("Firefox", "Linux", "desktop"), ("Mobile Safari", "iOS", "tablet"), ("Opera", "Windows", "desktop"),
        ("Samsung Internet", "Android", "mobile"), ("Vivaldi", "Linux", "desktop"), ("Lynx", "Linux", "other"),
    )
    for version in (140, 139, 138)
]  # fmt: skip
_SOURCES: list[tuple[str | None, str | None, str | None]] = [
    (None, None, None), ("google.com", None, None), ("bing.com", None, None), ("facebook.com", None, None),
    (None, "email", "spring"), ("artpress.com", None, None), ("okare.art", None, None), ("qwant.com", None, None),
    *((f"blog-{n}.example", None, None) for n in range(25)),
]  # fmt: skip
_COUNTRIES = ["FR", "BE", "CH", "US", "GB", "DE", "IT", "JP", "BR", "NZ", None]


@dataclass(frozen=True)
class Site:
    """A site of so many `visitors` a day; the same seed gives the same people."""

    visitors: int
    seed: int = 1

    def day(self, day: date) -> pa.Table:
        """Return the hits of a local day, with the catalog's columns."""
        rng = np.random.default_rng([self.seed, day.toordinal()])
        people = _People.of_day(self, day, rng)
        return people.hits(day, rng)

    def late(self, day: date, share: float = 0.05) -> pa.Table:
        """Return lines of `day` that come later: of some visitors whom the day has not seen yet."""
        rng = np.random.default_rng([self.seed, day.toordinal(), 7])
        number = max(1, round(self.visitors * share))
        return _People.of_day(Site(number, self.seed + 1), day, rng).hits(day, rng)


@dataclass(frozen=True)
class _People:
    """Who visits on a day: positions in the population of the month."""

    who: np.ndarray[Any, Any]
    month: str
    pages: np.ndarray[Any, Any]

    @classmethod
    def of_day(cls, site: Site, day: date, rng: np.random.Generator) -> _People:
        number = max(1, int(rng.poisson(site.visitors)))
        # Most come once a month; a core comes again and again.
        core = rng.integers(0, max(2, site.visitors), number)
        once = site.visitors + rng.integers(0, 20 * site.visitors, number)
        who = np.unique(np.where(rng.random(number) < 0.2, core, once))
        month = f"{site.seed}{day:%Y-%m}"
        weights = 1.0 / (np.arange(len(_PAGES)) + 1.0) ** 1.1
        return cls(who, month, np.cumsum(weights / weights.sum()))

    def hits(self, day: date, rng: np.random.Generator) -> pa.Table:
        visits = np.minimum(rng.geometric(0.85, len(self.who)), 4)
        depth = np.where(
            rng.random(len(self.who)) < 0.1, 0, np.minimum(rng.geometric(0.45, len(self.who)), 15)
        )
        steps = np.maximum(depth, 1) * visits
        owner = np.repeat(np.arange(len(self.who)), steps)  # the visitor of each page view
        first = np.r_[0, np.cumsum(steps)[:-1]]
        place = np.arange(len(owner)) - first[owner]
        visit, step = place // np.maximum(depth, 1)[owner], place % np.maximum(depth, 1)[owner]
        begins = rng.normal(14, 4, len(self.who)).clip(5.5, 18.5) * 3600
        seconds = begins[owner] + visit * 3600 + step * rng.integers(5, 90, len(owner))
        page = np.searchsorted(self.pages, rng.random(len(owner)))
        return self._table(day, rng, owner, seconds, page, depth, step)

    def _table(
        self, day: date, rng: np.random.Generator, owner: Any, seconds: Any, page: Any, depth: Any, step: Any
    ) -> pa.Table:
        number = len(owner)
        status = rng.choice(
            [200, 200, 304, 301, 404, 500, 206], number, p=[0.5, 0.35, 0.08, 0.03, 0.025, 0.005, 0.01]
        )
        paths = np.array(_PAGES, dtype=object)[page]
        is_file = (depth[owner] == 0) | (rng.random(number) < 0.2)
        paths = np.where(is_file, "/static/site.css", paths)
        missing = status == 404
        paths = np.where(missing, np.array([f"/gone/{n % 40}" for n in page], dtype=object), paths)
        is_form = (rng.random(number) < 0.03) & ~is_file & ~missing
        agent = _skewed(rng, len(self.who), len(_AGENTS))
        source = _skewed(rng, len(self.who), len(_SOURCES))
        country = _skewed(rng, len(self.who), len(_COUNTRIES))
        midnight = datetime.combine(day, time())
        at = [midnight + timedelta(seconds=float(value)) for value in seconds]
        visitor, address = self._pseudonyms()
        referrer = [
            _SOURCES[source[who]][0] if first == 0 else "okare.art"
            for who, first in zip(owner, step, strict=True)
        ]
        campaign = [
            _SOURCES[source[who]] if first == 0 else (None, None, None)
            for who, first in zip(owner, step, strict=True)
        ]
        return pa.table({
            "load_id": pa.array([str(pseudonym(f"load {day}"))] * number),
            "line": pa.array(range(1, number + 1)),
            "hit_at": pa.array(at, pa.timestamp("us")),
            "visitor": visitor.take(pa.array(owner)),
            "address": address.take(pa.array(owner)),
            "method": pa.array(np.where(is_form, "POST", "GET")),
            "path": pa.array(np.where(is_form, "/contact", paths)),
            "status": pa.array(status),
            "sent_bytes": pa.array(rng.integers(200, 60_000, number)),
            "referrer_domain": pa.array(referrer, pa.string()),
            "campaign_source": pa.nulls(number, pa.string()),
            "campaign_medium": pa.array([each[1] for each in campaign], pa.string()),
            "campaign_name": pa.array([each[2] for each in campaign], pa.string()),
            "browser": pa.array([_AGENTS[agent[who]][0] for who in owner]),
            "browser_version": pa.array([_AGENTS[agent[who]][1] for who in owner]),
            "system": pa.array([_AGENTS[agent[who]][2] for who in owner]),
            "device": pa.array([_AGENTS[agent[who]][3] for who in owner]),
            "is_bot": pa.array((self.who[owner] % 13) == 0),
            "country": pa.array([_COUNTRIES[country[who]] for who in owner], pa.string()),
            "is_objecting": pa.array([False] * number),
        })  # fmt: skip

    def _pseudonyms(self) -> tuple[pa.Array, pa.Array]:
        """Return the pseudonyms of each visitor: of three, two live behind one address."""
        names = uuid.UUID(int=7)
        visitor = [str(uuid.uuid5(names, f"{self.month} {who}")) for who in self.who]
        address = [
            str(uuid.uuid5(names, f"{self.month} house {who // 3 if who % 3 else who}")) for who in self.who
        ]
        return pa.array(visitor), pa.array(address)


def _skewed(rng: np.random.Generator, number: int, kinds: int) -> Any:
    """Return one of `kinds` for each: the first for most, the last for hardly anybody."""
    weights = 0.6 ** np.arange(kinds) + 0.002
    return rng.choice(kinds, number, p=weights / weights.sum())


def seal(
    installation: Installation, day: date, hits: pa.Table, *, received_on: date, segment: str = "a"
) -> None:
    """Seal the hits of a day as one segment of its store, as a load that came in on the night of `received_on`."""
    load = str(pseudonym(f"load {day} {segment}"))
    hits = hits.set_column(hits.column_names.index("load_id"), "load_id", pa.array([load] * len(hits)))
    loads = pa.table({"load_id": [load], "received_on": [received_on.isoformat()], "accepted": [len(hits)]})
    with installation.vault.workshop() as workshop:
        workshop.connection.register("given_hits", hits)
        workshop.connection.register("given_loads", loads)
        rows = {"hits": select("hits", "given_hits"), "loads": select("loads", "given_loads")}
        workshop.seal(f"traffic/{day}", segment, rows)
