"""One day of the site's web server: visits drawn in bulk, then written as Combined Log Format.

Nothing here calls Faker: lines are put together from pools of strings built once per `World`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from pipelines.synthetic.clock import Clock
from pipelines.synthetic.inventions import Inventions
from pipelines.synthetic.requests import Request, outside_referrers, own_pages, requests
from pipelines.synthetic.visitors import ROBOTS, Visitors, visitors

Numbers = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]

_ROBOT_VISITS = 0.18
_PAGE_FAILS = 0.002
_ASSET_UNCHANGED = 0.15
_NAMED_USER = 0.0008  # requests with HTTP basic authentication, whose user the log names
_REGULARS = 0.25  # visits of people who come all year; the others come for some weeks
_LINES_A_VISIT = 4
_HOUR_SHARES = (8, 5, 3, 2, 2, 3, 6, 12, 22, 32, 38, 40, 44, 42, 38, 38, 40, 44, 48, 52, 60, 58, 40, 20)
_WEEKDAY_SHARES = (0.9, 0.9, 1.0, 0.95, 1.0, 1.25, 1.3)  # an art site is looked at when the week is over


@dataclass(frozen=True, slots=True)
class World:
    """The pools that every day is drawn from; `*_shares` are cumulative and end with 1."""

    visitors: Visitors
    requests: tuple[Request, ...]
    first_shares: Shares  # of a person's first request of a visit: a page
    person_shares: Shares
    robot_shares: Shares
    referrers: tuple[str, ...]
    referrer_shares: Shares
    own_pages: tuple[str, ...]
    user_names: tuple[str, ...]
    days: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class _Drawn:
    """The requests of a day in the order of time, one element each."""

    visitor: Numbers
    elapsed: Numbers  # seconds since midnight
    request: Numbers
    is_first: npt.NDArray[np.bool_]  # of its visit
    is_robot: npt.NDArray[np.bool_]


def world(inventions: Inventions, days: tuple[date, ...], lines: int, seed: int) -> World:
    """Return the pools for `lines` lines on `days`."""
    made = requests(inventions)
    by_people = np.array([one.by_people for one in made])
    is_page = np.array([not one.is_asset and one.line.startswith("GET") for one in made])
    referrers, referrer_shares = outside_referrers(inventions)
    return World(
        visitors=visitors(np.random.default_rng((seed, 1)), max(20, lines // 7)),
        requests=made,
        first_shares=_cumulative(by_people * is_page),
        person_shares=_cumulative(by_people),
        robot_shares=_cumulative(np.array([one.by_robots for one in made])),
        referrers=tuple(referrers),
        referrer_shares=_cumulative(np.array(referrer_shares)),
        own_pages=tuple(own_pages(inventions)),
        user_names=("preview", *(one.email for one in inventions.people[90:96])),
        days=days,
    )


def lines_per_day(days: tuple[date, ...], lines: int, seed: int) -> list[int]:
    """Share `lines` out over `days`: weekends are busier, the site grows, every day differs."""
    rng = np.random.default_rng((seed, 2))
    growth = np.linspace(0.8, 1.2, len(days))
    weekday = np.array([_WEEKDAY_SHARES[day.weekday()] for day in days])
    busy = growth * weekday * rng.uniform(0.85, 1.15, len(days))
    counts: list[int] = rng.multinomial(lines, busy / busy.sum()).tolist()
    return counts


def log_lines(world: World, day: date, count: int, rng: np.random.Generator) -> list[bytes]:
    """Return `count` well-formed lines of `day` in the order of time, without line ends."""
    if count == 0:
        return []
    clock = Clock.of(day)
    drawn = _draw(world, clock, count, rng)
    status, sent_bytes = _answers(world, drawn, rng)
    text = zip(
        _picked(world.visitors.addresses, drawn.visitor),
        _user_names(world, drawn, rng),
        clock.stamps(drawn.elapsed),
        [world.requests[index].line for index in drawn.request.tolist()],
        status,
        sent_bytes,
        _referrers(world, drawn, rng),
        _picked(world.visitors.agents, drawn.visitor),
        strict=True,
    )
    return [
        f'{address} - {user} {stamp} "{request}" {code} {size} "{referrer}" "{agent}"'.encode()
        for address, user, stamp, request, code, size, referrer, agent in text
    ]


def _draw(world: World, clock: Clock, count: int, rng: np.random.Generator) -> _Drawn:
    """Draw visits, and as many requests in them as the day has lines."""
    lengths = rng.geometric(1 / _LINES_A_VISIT, count)  # more visits than needed: cut off at `count`
    visit = np.repeat(np.arange(count), lengths)[:count]
    is_first = np.diff(visit, prepend=-1) > 0
    robot_visit = rng.random(count) < _ROBOT_VISITS
    is_robot = robot_visit[visit]
    visitor = np.where(robot_visit, _robots(world, count, rng), _people(world, clock.day, count, rng))[visit]
    elapsed = _elapsed(clock, visit, is_first, robot_visit, rng)
    request = _requests(world, is_first, is_robot, rng)
    order = np.argsort(elapsed, kind="stable")
    return _Drawn(visitor[order], elapsed[order], request[order], is_first[order], is_robot[order])


def _people(world: World, day: date, count: int, rng: np.random.Generator) -> Numbers:
    """Draw a visitor per visit: a few come again and again (Zipf), most in the weeks around `day`."""
    people = world.visitors.people
    regular = (people ** rng.random(count)).astype(np.int64) * 7919 % people  # log-uniform rank, spread out
    now = people * world.days.index(day) // len(world.days)
    passing = (now + rng.exponential(people / 40, count).astype(np.int64)) % people
    return np.where(rng.random(count) < _REGULARS, regular, passing)


def _robots(world: World, count: int, rng: np.random.Generator) -> Numbers:
    rank = (ROBOTS ** rng.random(count)).astype(np.int64)
    return world.visitors.people + np.minimum(rank, ROBOTS) - 1


def _elapsed(
    clock: Clock,
    visit: Numbers,
    is_first: npt.NDArray[np.bool_],
    robot_visit: npt.NDArray[np.bool_],
    rng: np.random.Generator,
) -> Numbers:
    """Return when each request is made: visits begin at hours people keep, requests follow in seconds."""
    hour = _chosen(_cumulative(np.array(_HOUR_SHARES, dtype=float)), rng.random(len(visit)))
    within = rng.random(len(visit))
    # A day of 23 or 25 hours is a day of 24 drawn out or pressed together.
    start = np.where(robot_visit, within, (hour + within) / 24) * clock.seconds
    gap = np.where(is_first, 0, rng.exponential(1.0, len(visit)) ** 3 * 12)  # mostly at once
    run = np.cumsum(gap)
    since_first = run - run[np.flatnonzero(is_first)][visit]
    elapsed: Numbers = np.minimum(start[visit] + since_first, clock.seconds - 1).astype(np.int64)
    return elapsed


def _requests(
    world: World, is_first: npt.NDArray[np.bool_], is_robot: npt.NDArray[np.bool_], rng: np.random.Generator
) -> Numbers:
    chance = rng.random(len(is_first))
    first = _chosen(world.first_shares, chance)
    later = _chosen(world.person_shares, chance)
    robot = _chosen(world.robot_shares, chance)
    return np.where(is_robot, robot, np.where(is_first, first, later)).astype(np.int64)


def _answers(world: World, drawn: _Drawn, rng: np.random.Generator) -> tuple[list[int], list[str]]:
    """Return status and size of each answer: pages fail now and then, assets are often unchanged."""
    status = np.array([one.status for one in world.requests])[drawn.request]
    size = np.array([one.sent_bytes for one in world.requests])[drawn.request]
    is_asset = np.array([one.is_asset for one in world.requests])[drawn.request]
    chance = rng.random(len(status))
    status = np.where(is_asset & (chance < _ASSET_UNCHANGED), 304, status)
    status = np.where(~is_asset & (chance < _PAGE_FAILS), 500, status)
    size = np.where(is_asset, size, (size * rng.uniform(0.97, 1.03, len(size))).astype(np.int64))
    texts = ["-" if code == 304 else str(number) for code, number in zip(status, size.tolist(), strict=True)]
    return status.tolist(), texts


def _referrers(world: World, drawn: _Drawn, rng: np.random.Generator) -> list[str]:
    """Return where each request comes from: outside at first, then a page of the site; robots do not say."""
    outside = _chosen(world.referrer_shares, rng.random(len(drawn.visitor)))
    inside = rng.integers(0, len(world.own_pages), len(drawn.visitor)) + len(world.referrers)
    index = np.where(drawn.is_first, outside, inside)
    return _picked((*world.referrers, *world.own_pages, "-"), np.where(drawn.is_robot, -1, index))


def _user_names(world: World, drawn: _Drawn, rng: np.random.Generator) -> list[str]:
    named = rng.random(len(drawn.visitor)) < _NAMED_USER
    name = rng.integers(0, len(world.user_names), len(drawn.visitor))
    return _picked((*world.user_names, "-"), np.where(named, name, -1))


def _picked(pool: tuple[str, ...], index: Numbers) -> list[str]:
    return [pool[number] for number in index.tolist()]


def _chosen(shares: Shares, chance: Shares) -> Numbers:
    """Return the number of the share that each chance from 0 to below 1 falls into."""
    return np.searchsorted(shares, chance, side="right").astype(np.int64)


def _cumulative(shares: Shares) -> Shares:
    """Return running totals that end with exactly 1, for `_chosen`."""
    total = np.cumsum(shares / shares.sum())
    total[total >= total[-1]] = 1.0
    return total
