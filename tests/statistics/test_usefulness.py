"""What is left of a small site's log: four days of 1,753 addresses, of whom a naive publication singles out many.

The log is made up in the likeness of a public one of 10,000 lines: a few pages that most read, and a long tail
that hardly anybody reads (Zipf's law).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from pipelines.statistics import gate
from tests.statistics import rules
from tests.statistics.attack.judge import judge
from tests.statistics.fresh import show_fresh
from tests.statistics.measuring import DAY, Rows, measured, new_memory
from tests.statistics.sites import Hit, as_arrow, hit, numbered

ADDRESSES, LINES = 1_753, 10_000
DAYS = [DAY + timedelta(days=number) for number in range(4)]
PAGES = (
    ["/", "/blog/", "/projects/", "/about", "/blog/tags/", "/projects/tool/"]
    + [f"/blog/{topic}/post-{number}" for number in range(60) for topic in ("linux", "life", "talks")]
    + [f"/projects/tool-{number % 14}/page-{number}" for number in range(70)]
    + [f"/presentations/talk-{number}" for number in range(60)]
    + [f"/misc-{number}" for number in range(40)]
)
FILES = ["/style.css", "/reset.css", "/favicon.ico", "/logo.png", "/main.js"]


def log(seed: int) -> dict[date, list[Hit]]:
    """Return the log by day."""
    rng = np.random.default_rng(seed)
    zipf = 1 / np.arange(1, len(PAGES) + 1) ** 1.15
    home = rng.integers(0, 4, ADDRESSES)
    days: dict[date, list[Hit]] = {day: [] for day in DAYS}
    lines = Counter(np.r_[np.arange(ADDRESSES), _busy(rng, LINES - ADDRESSES)].tolist())
    for who, number in sorted(lines.items()):
        hour = float(np.clip(rng.normal(13, 4), 1, 21))
        moment = datetime.combine(DAYS[home[who]], datetime.min.time()) + timedelta(hours=hour)
        browser = str(rng.choice(["Chrome", "Firefox", "Safari"], p=[0.5, 0.3, 0.2]))
        domain = str(rng.choice(["", "google.com", "facebook.com"], p=[0.4, 0.4, 0.2])) or None
        for step in range(number):
            moment += timedelta(seconds=int(rng.integers(1, 90)))
            days[moment.date()].append(hit(
                who, moment.isoformat(sep=" ", timespec="seconds"), browser=browser, referrer_domain=None if step else domain,
                **_request(rng, zipf / zipf.sum()),
            ))  # fmt: skip
    return days


def _busy(rng: np.random.Generator, number: int) -> Any:
    """Return who sent the other lines: some send many, but none so many that some are not counted."""
    weights = np.minimum(rng.pareto(1.6, ADDRESSES) + 0.2, 30)
    return rng.choice(ADDRESSES, number, p=weights / weights.sum())


def _request(rng: np.random.Generator, zipf: Any) -> dict[str, Any]:
    if rng.random() < 0.45:
        return {"path": str(rng.choice(FILES)), "status": int(rng.choice([200, 304], p=[0.9, 0.1]))}
    status = int(rng.choice([200, 301, 404, 206, 500], p=[0.94, 0.025, 0.025, 0.008, 0.002]))
    return {"path": PAGES[int(rng.choice(len(PAGES), p=zipf))], "status": status}


@pytest.fixture(scope="module")
def days() -> Mapping[date, list[Hit]]:
    return log(seed=1)


@pytest.fixture(scope="module")
def published(days: Mapping[date, list[Hit]]) -> Mapping[date, Rows]:
    with new_memory() as connection:
        return measured(connection, days, rules.charter())


def test_a_naive_publication_by_day_and_path_singles_out_many(days: Mapping[date, list[Hit]]) -> None:
    """Else the next tests would be easy."""
    behind: dict[tuple[date, str], set[Any]] = defaultdict(set)
    for day, hits in days.items():
        for row in hits:
            behind[day, row["path"]].add(row["address"])
    everybody = set().union(*behind.values())
    alone = set().union(*(people for people in behind.values() if len(people) == 1))
    assert len(everybody) == ADDRESSES
    assert sum(len(hits) for hits in days.values()) == LINES
    assert 0.13 < len(alone) / len(everybody) < 0.2


def test_four_fifths_of_the_page_views_are_published_under_a_path_or_a_section(
    published: Mapping[date, Rows],
) -> None:
    views = sum(rows["daily"][0]["page_views"] for rows in published.values())
    named = [row for rows in published.values() for row in rows["pages"] if row["path"] != "(other)"]
    assert sum(row["views"] for row in named) >= 0.8 * views
    paths = [row for row in named if not row["path"].endswith("(other)")]
    assert sum(row["views"] for row in paths) >= 0.25 * views


def test_every_day_tells_its_figures_and_most_of_its_measures(published: Mapping[date, Rows]) -> None:
    for rows in published.values():
        (day,) = rows["daily"]
        assert None not in (day["page_views"], day["visits"], day["visitors"], day["sent_bytes"])
        assert all(rows[name] for name in ("pages", "sources", "hours", "technology", "statuses", "depths"))


def test_nobody_is_singled_out_by_what_is_published(
    days: Mapping[date, list[Hit]], published: Mapping[date, Rows]
) -> None:
    """Neither does the gate find anybody, nor a judge who has the log."""
    together = {
        name: [row for rows in published.values() for row in rows[name]] for name in published[DAYS[0]]
    }
    truth = {day: as_arrow("hits", numbered(hits)) for day, hits in days.items()}
    with show_fresh(together) as fresh:
        gate.inspect(fresh, threshold=10, rounding=0)
        fresh.execute("USE fresh")
        assert judge(fresh, truth, threshold=10) == []
