"""What a user agent says about browser, system and device; the agent itself is not kept.

The families come from ua-parser. A family is kept only when it reads like a product's name: some of
ua-parser's rules copy words out of the agent, and a robot may carry its owner's e-mail address there.

Robots are told by the crawler list of the package `crawler-user-agents`, ua-parser's spiders, and words
that no browser says of itself. All patterns are one automaton of ua-parser's Rust engine, which takes
no longer for a hostile agent: Python's `re` takes 30 times as long for the words alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple, cast

import pyarrow as pa
from ua_parser.loaders import load_builtins
from ua_parser.matchers import DeviceMatcher
from ua_parser.regex import Resolver
from ua_parser_rs import UserAgentExtractor

from pipelines.traffic.escapes import unescape
from pipelines.traffic.masks import identifies

UNKNOWN = "(unknown)"
OTHER = "Other"
_LONGEST = 4096  # of an agent, what is looked at
_ROBOT = (
    # a phone is called CUBOT
    r"(?i)(?:^|[^u]|(?:^|[^c])u)bot(?:[^0-9A-Za-z]|$)",
    (
        r"(?i)crawl|spider|slurp|scrap|archiver|monitor|uptime|pingdom|validator|preview|feedfetch"
        r"|facebookexternalhit|headless|phantomjs|selenium|puppeteer|playwright|lighthouse|curl/|wget|libwww|lwp"
        r"|python|aiohttp|httpx|scrapy|java/|okhttp|go-http|httpclient|node-fetch|axios|postman|ruby|perl|php/"
        r"|zgrab|masscan|nmap|nikto|sqlmap|censys|expanse|internet-?measurement|mediapartners|apis-google"
        r"|ahrefs|semrush|dataprovider|check_http|rss|https?://"
    ),
)
# The first that matches: an Android that does not say that it is mobile is a tablet.
_DEVICES = (
    (r"(?i)ipad|tablet|kindle|silk|playbook|nexus (?:7|9|10)\b|sm-[tx]\d", "tablet"),
    (r"(?i)mobi|iphone|ipod|phone|blackberry|opera mini", "mobile"),
    (r"Android", "tablet"),
)
_PRODUCT = re.compile(r"[A-Za-z][A-Za-z0-9 .+!()/_-]{0,39}")
_VERSION = re.compile(r"\d{1,4}", re.ASCII)
_DESKTOP_SYSTEMS = re.compile(
    r"windows|mac os x|linux|ubuntu|debian|fedora|red hat|suse|gentoo|slackware|mandriva|centos|arch|mint"
    r"|chrome os|(?:free|open|net)bsd|solaris",
    re.IGNORECASE,
)


class Agent(NamedTuple):
    """What is kept of a user agent."""

    browser: str
    browser_version: str | None
    system: str
    device: str
    is_bot: bool


ABSENT = Agent(UNKNOWN, None, UNKNOWN, "other", is_bot=False)
"""Of a line whose format has no user agent: nothing says that it was a robot."""


@lru_cache(maxsize=1 << 16)
def families(agent: str) -> Agent:
    """Return what is kept of the user agent `agent`; an empty one is a robot's."""
    if agent.strip() in ("", "-"):
        return Agent(UNKNOWN, None, UNKNOWN, "bot", is_bot=True)
    text = unescape(agent)[:_LONGEST]
    found, found_system = _families().ua.extract(text), _families().os.extract(text)
    browser, version = (_product(found.family), found.major or "") if found else (OTHER, "")
    system = _product(found_system.family) if found_system else OTHER
    is_bot = _is_robot(text)
    return Agent(
        browser,
        version if browser != OTHER and _VERSION.fullmatch(version) else None,
        system,
        "bot" if is_bot else _device(text, system),
        is_bot,
    )


def make_ready() -> None:
    """Compile the patterns, which takes a while; whoever does not need them yet may be busy elsewhere."""
    families("Mozilla/5.0")


def agent_families(agents: Iterable[str]) -> pa.Table:
    """Return a table agent → browser, browser_version, system, device, is_bot."""
    raw = list(agents)
    rows = [families(agent) for agent in raw]
    columns = {
        name: pa.array([row[place] for row in rows], pa.bool_() if name == "is_bot" else pa.string())
        for place, name in enumerate(Agent._fields)
    }
    return pa.table({"agent": pa.array(raw, pa.string()), **columns})


@cache
def _families() -> Resolver:
    return Resolver(load_builtins())


@cache
def _robots() -> UserAgentExtractor:
    listed = json.loads((files("crawleruseragents") / "crawler-user-agents.json").read_text("utf-8"))
    devices = cast(Iterable[DeviceMatcher], load_builtins()[2])
    spiders = [
        f"(?i){device.regex}" if device.regex_flag else device.regex
        for device in devices
        if device.family == "Spider"
    ]
    sure = [(pattern, "robot") for pattern in (*_ROBOT, *(crawler["pattern"] for crawler in listed))]
    return _automaton([*sure, *((pattern, "spider") for pattern in spiders)])


@cache
def _devices() -> UserAgentExtractor:
    return _automaton(_DEVICES)


def _automaton(patterns: Iterable[tuple[str, str]]) -> UserAgentExtractor:
    """Return what finds the first of `patterns` (pattern, word) that matches, and gives its word."""
    return UserAgentExtractor((pattern, word, None, None, None, None) for pattern, word in patterns)


def _is_robot(text: str) -> bool:
    found = _robots().extract(text)
    if found is None or found.family == "robot":
        return found is not None
    device = _families().de.extract(text)  # a rule before that of spiders may know the device: a CUBOT
    return device is not None and device.family == "Spider"


@lru_cache(maxsize=1 << 12)
def _product(family: str) -> str:
    return family if _PRODUCT.fullmatch(family) and not identifies(family) else OTHER


def _device(text: str, system: str) -> str:
    found = _devices().extract(text)
    if found is not None:
        return found.family
    return "desktop" if _DESKTOP_SYSTEMS.match(system) else "other"
