"""Who comes: people in households and offices, robots, each with a network address and a user agent.

Addresses come from ranges that belong to nobody: RFC 2544 and 6598 for people, RFC 5737 for robots,
RFC 3849 for IPv6.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.synthetic import agents

ROBOTS = 180
_OFFICES = 20
_SAME_HOUSEHOLD = 0.28  # how often the next visitor lives with the one before
_AT_AN_OFFICE = 0.03
_OVER_IPV6 = 0.3


@dataclass(frozen=True, slots=True)
class Visitors:
    """Addresses and user agents by visitor number: people first, then robots."""

    addresses: tuple[str, ...]
    agents: tuple[str, ...]
    people: int


def visitors(rng: np.random.Generator, people: int) -> Visitors:
    """Return as many `people`, and the robots."""
    robots = tuple(f"198.51.100.{1 + number % 250}" for number in range(ROBOTS))
    browser_names, browser_shares = agents.browsers()
    robot_names, robot_shares = agents.robots()
    return Visitors(
        addresses=(*_addresses(rng, people), *robots),
        agents=(
            *_drawn(rng, browser_names, browser_shares, people),
            *_drawn(rng, robot_names, robot_shares, ROBOTS),
        ),
        people=people,
    )


def _addresses(rng: np.random.Generator, people: int) -> list[str]:
    household = np.cumsum(rng.random(people) > _SAME_HOUSEHOLD)
    over_ipv6 = rng.random(people + 1)[household] < _OVER_IPV6  # one answer for the whole household
    network = rng.permutation(2**17)[household % 2**17]
    office = np.where(rng.random(people) < _AT_AN_OFFICE, rng.integers(1, _OFFICES + 1, people), 0)
    device = rng.integers(1, 2**62, people)
    form = rng.random(people)
    return [
        _address(*row)
        for row in zip(
            network.tolist(), office.tolist(), over_ipv6.tolist(), device.tolist(), form.tolist(), strict=True
        )
    ]


def _address(network: int, office: int, over_ipv6: bool, device: int, form: float) -> str:
    """Return an address as a web server may write it; a few come in other forms than the usual one."""
    if office:
        return f"100.64.{office}.7"
    if over_ipv6:
        groups = ":".join(f"{device >> shift & 0xFFFF:x}" for shift in (48, 32, 16, 0))
        return f"2001:db8:{network >> 8:x}:{network & 0xFF:x}:{groups}"
    address = f"198.{18 + (network >> 16)}.{network >> 8 & 0xFF}.{network & 0xFF}"
    if form < 0.003:
        return f"::ffff:{address}"
    return f"abo-{address.replace('.', '-')}.dyn.example.net" if form > 0.998 else address


def _drawn(rng: np.random.Generator, names: list[str], shares: list[float], number: int) -> list[str]:
    weights: npt.NDArray[np.float64] = np.asarray(shares)
    return [names[index] for index in rng.choice(len(names), number, p=weights / weights.sum()).tolist()]
