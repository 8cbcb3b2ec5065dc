"""What a user agent says about browser, system and device; the agent itself is not kept.

The families come from ua-parser. A family is kept only when it reads like a product's name: some of
ua-parser's rules copy words out of the agent, and a robot may carry its owner's e-mail address there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import pyarrow as pa
import ua_parser

from pipelines.traffic.escapes import unescape
from pipelines.traffic.masks import identifies

UNKNOWN = "(unknown)"
OTHER = "Other"
_ROBOT = re.compile(
    r"(?<!cu)bot(?:\b|_)|crawl|spider|slurp|scrap|archiver|monitor|uptime|pingdom|validator|preview|feedfetch"
    r"|facebookexternalhit|headless|phantomjs|selenium|puppeteer|playwright|lighthouse|curl/|wget|libwww|lwp"
    r"|python|aiohttp|httpx|scrapy|java/|okhttp|go-http|httpclient|node-fetch|axios|postman|ruby|perl|php/"
    r"|zgrab|masscan|nmap|nikto|sqlmap|censys|expanse|internet-?measurement|mediapartners|apis-google"
    r"|ahrefs|semrush|dataprovider|check_http|rss|http[s]?://",
    re.IGNORECASE,
)
_PRODUCT = re.compile(r"[A-Za-z][A-Za-z0-9 .+!()/_-]{0,39}")
_VERSION = re.compile(r"\d{1,4}")
_TABLET = re.compile(r"ipad|tablet|kindle|silk|playbook|nexus (?:7|9|10)\b|sm-[tx]\d", re.IGNORECASE)
_MOBILE = re.compile(r"mobi|iphone|ipod|phone|blackberry|opera mini", re.IGNORECASE)
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
    text = unescape(agent)
    found = ua_parser.parse(text).with_defaults()
    browser, system = _product(found.user_agent.family), _product(found.os.family)
    is_bot = found.device.family == "Spider" or _ROBOT.search(text) is not None
    version = found.user_agent.major or ""
    return Agent(
        browser,
        version if browser != OTHER and _VERSION.fullmatch(version) else None,
        system,
        "bot" if is_bot else _device(text, system),
        is_bot,
    )


def agent_families(agents: Iterable[str]) -> pa.Table:
    """Return a table agent → browser, browser_version, system, device, is_bot."""
    raw = list(agents)
    rows = [families(agent) for agent in raw]
    columns = {
        name: pa.array([row[place] for row in rows], pa.bool_() if name == "is_bot" else pa.string())
        for place, name in enumerate(Agent._fields)
    }
    return pa.table({"agent": pa.array(raw, pa.string()), **columns})


def _product(family: str) -> str:
    return family if _PRODUCT.fullmatch(family) and not identifies(family) else OTHER


def _device(agent: str, system: str) -> str:
    if _TABLET.search(agent) or ("Android" in agent and not _MOBILE.search(agent)):
        return "tablet"
    if _MOBILE.search(agent):
        return "mobile"
    return "desktop" if _DESKTOP_SYSTEMS.match(system) else "other"
