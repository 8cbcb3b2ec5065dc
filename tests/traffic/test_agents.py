from __future__ import annotations

import time

import pytest
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from pipelines.traffic import agents
from pipelines.traffic.agents import Agent, agent_families, families

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.1 Mobile/15E148 Safari/604.1"
)
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
PIXEL = f"Mozilla/5.0 (Linux; Android 14; Pixel 8) {WEBKIT} Chrome/131.0.0.0 Mobile Safari/537.36"
TABLET = f"Mozilla/5.0 (Linux; Android 13; SM-X700) {WEBKIT} Chrome/131.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"
CUBOT = f"Mozilla/5.0 (Linux; Android 9; CUBOT_X18) {WEBKIT} Chrome/90.0.0.0 Mobile Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "kept"),
    [
        (IPHONE, Agent("Mobile Safari", "18", "iOS", "mobile", False)),
        (PIXEL, Agent("Chrome Mobile", "131", "Android", "mobile", False)),
        (TABLET, Agent("Chrome", "131", "Android", "tablet", False)),
        (FIREFOX, Agent("Firefox", "132", "Linux", "desktop", False)),
        ("-", Agent("(unknown)", None, "(unknown)", "bot", True)),
        ("", Agent("(unknown)", None, "(unknown)", "bot", True)),
    ],
)
def test_an_agent_leaves_its_families(agent: str, kept: Agent) -> None:
    assert families(agent) == kept


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        f"Mozilla/5.0 {WEBKIT}; compatible; GPTBot/1.2; +https://openai.com/gptbot",
        f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} HeadlessChrome/120.0 Safari/537.36",
        "curl/8.5.0",
        "python-requests/2.32",
        "Go-http-client/1.1",
        "facebookexternalhit/1.1",
        "AhrefsBot/7.0",
        "Mozilla/5.0 zgrab/0.x",
    ],
)
def test_robots_are_known(agent: str) -> None:
    assert families(agent)[3:] == ("bot", True)


def test_every_robot_of_the_crawler_list_is_known() -> None:
    agents = [agent for crawler in CRAWLER_USER_AGENTS_DATA for agent in crawler["instances"]]
    assert len(agents) > 2000
    assert [agent for agent in agents if not families(agent).is_bot] == []


@pytest.mark.parametrize(
    "agent",
    [
        IPHONE, PIXEL, TABLET, FIREFOX, CUBOT,
        f"Mozilla/5.0 (Linux; Android 14; SM-S918B) {WEBKIT} Version/4.0 Chrome/124.0 Mobile Safari/537.36 Instagram 330.0 Android",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/21F90 [FBAN/FBIOS;FBAV/466.0]",
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/120.0 Safari/537.36 Edg/120.0 OPR/106.0 YaBrowser/24.1",
        "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
        "Opera/9.80 (Android; Opera Mini/36.2/119.132; U; fr) Presto/2.12.423 Version/12.16",
        f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {WEBKIT} Chrome/120.0 Safari/537.36",
        f"Mozilla/5.0 (Linux; Android 10; CUBOT NOTE 20) {WEBKIT} Chrome/99.0 Mobile Safari/537.36",
    ],
)  # fmt: skip
def test_people_are_no_robots(agent: str) -> None:
    """A phone called CUBOT, a browser inside of an app."""
    assert not families(agent).is_bot


def test_a_quarter_of_a_million_agents_take_seconds_not_minutes() -> None:
    agent_families(["the patterns are read once"])
    agents = [PIXEL.replace("131.0.0.0", f"131.0.{number}.0") for number in range(2000)]
    begin = time.process_time()
    agent_families(agents)
    assert time.process_time() - begin < 2000 * 200e-6  # on a quiet machine a tenth


@pytest.mark.parametrize(
    "agent", ["bot" * 100_000, "Android " * 50_000, "(" * 200_000, "Mozilla/5.0 " + "a/1." * 50_000]
)
def test_a_hostile_agent_takes_no_longer(agent: str) -> None:
    begin = time.process_time()
    families(agent)
    assert time.process_time() - begin < 2


@pytest.mark.parametrize(
    "agent",
    [
        "joe@example.org crawler",
        "MyBot/1.0 (joe@example.org)",
        "0612345678/1.0",
        "x" * 5000,
        "\\x22\\x00",
        "Société/1.0",
        "192.0.2.7bot/2.0",
        "joe.smith-0612345678bot/99999999",
    ],
)
def test_nothing_of_a_strange_agent_is_kept(agent: str) -> None:
    kept = " ".join(str(value) for value in families(agent))
    for part in ("joe", "061", "192.0", "xxxx", "Société", "99999"):
        assert part not in kept


def test_the_table_has_a_row_for_each_agent() -> None:
    table = agent_families([IPHONE, "-"])
    assert table.column_names == ["agent", *Agent._fields]
    assert table.column("is_bot").to_pylist() == [False, True]


def test_once_ready_another_agent_compiles_no_pattern() -> None:
    compiled = (agents._families, agents._robots, agents._devices)
    for patterns in compiled:
        patterns.cache_clear()
    agents.make_ready()
    assert families.__wrapped__(IPHONE).system == "iOS"
    assert [patterns.cache_info().misses for patterns in compiled] == [1, 1, 1]
    assert all(patterns.cache_info().hits for patterns in compiled)
