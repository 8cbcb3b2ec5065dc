from __future__ import annotations

import pytest

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


def test_a_phone_called_cubot_is_no_robot() -> None:
    assert not families(CUBOT).is_bot


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
