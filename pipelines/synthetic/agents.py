"""User agents: the browsers that people use, with their share, and the robots that come by."""

from __future__ import annotations

from collections.abc import Iterator

_KIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_SAFARI_KIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_WINDOWS = "Windows NT 10.0; Win64; x64"
_MAC = "Macintosh; Intel Mac OS X 10_15_7"
_IPHONE = "iPhone; CPU iPhone OS 18_6 like Mac OS X"
_IPAD = "iPad; CPU OS 17_7 like Mac OS X"
_ANDROIDS = (
    "Linux; Android 10; K",
    "Linux; Android 13; SM-S911B",
    "Linux; Android 14; Pixel 8",
    "Linux; Android 12; moto g(30)",
    "Linux; Android 13; SM-X200",  # a tablet
)

# (template, share of visitors, versions from the newest back)
_BROWSERS: tuple[tuple[str, float, tuple[str, ...]], ...] = (
    (f"Mozilla/5.0 ({_WINDOWS}) {_KIT} Chrome/{{0}}.0.0.0 Safari/537.36", 22, ("142", "141", "140", "138")),
    (f"Mozilla/5.0 ({_MAC}) {_KIT} Chrome/{{0}}.0.0.0 Safari/537.36", 8, ("142", "141", "139")),
    (f"Mozilla/5.0 (X11; Linux x86_64) {_KIT} Chrome/{{0}}.0.0.0 Safari/537.36", 2, ("142", "120")),
    (
        f"Mozilla/5.0 ({_WINDOWS}) {_KIT} Chrome/{{0}}.0.0.0 Safari/537.36 Edg/{{0}}.0.0.0",
        7,
        ("142", "141", "138"),
    ),
    (f"Mozilla/5.0 ({_WINDOWS}) {_KIT} Chrome/{{0}}.0.0.0 Safari/537.36 OPR/118.0.0.0", 1, ("133",)),
    (f"Mozilla/5.0 ({_WINDOWS}; rv:{{0}}.0) Gecko/20100101 Firefox/{{0}}.0", 6, ("144", "143", "128")),
    ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0", 2, ("144", "140")),
    (f"Mozilla/5.0 ({_MAC}) {_SAFARI_KIT} Version/{{0}} Safari/605.1.15", 8, ("18.6", "18.5", "17.6")),
    (
        f"Mozilla/5.0 ({_IPHONE}) {_SAFARI_KIT} Version/{{0}} Mobile/15E148 Safari/604.1",
        18,
        ("18.6", "18.5", "18.1", "17.6", "16.6"),
    ),
    (
        f"Mozilla/5.0 ({_IPAD}) {_SAFARI_KIT} Version/{{0}} Mobile/15E148 Safari/604.1",
        3,
        ("17.7", "16.6"),
    ),
    *(
        (
            f"Mozilla/5.0 ({android}) {_KIT} Chrome/{{0}}.0.0.0 Mobile Safari/537.36",
            4.0,
            ("142", "141", "137"),
        )
        for android in _ANDROIDS
    ),
    (
        f"Mozilla/5.0 ({_ANDROIDS[0]}) {_KIT} SamsungBrowser/{{0}} Chrome/130.0.0.0 Mobile Safari/537.36",
        3,
        ("28.0", "27.0"),
    ),
    (
        f"Mozilla/5.0 ({_IPHONE}) {_SAFARI_KIT} Mobile/15E148 Instagram {{0}} (iPhone15,2; fr_FR)",
        2,
        ("390.0.0.28.85",),
    ),
    ("Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)", 0.1, ("",)),
    # Some put a quotation mark into their user agent; web servers write it with a backslash.
    ('Mozilla/5.0 (X11; Linux x86_64) \\"quoted\\" Gecko/20100101 Firefox/{0}.0', 0.1, ("140",)),
    ("-", 0.4, ("",)),
)

_GOOGLE_PHONE = f"Linux; Android 6.0.1; Nexus 5X Build/MMB29P) {_KIT} Chrome/141.0.0.0 Mobile Safari/537.36"
_ROBOTS: tuple[tuple[str, float], ...] = (
    ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", 20),
    (f"Mozilla/5.0 ({_GOOGLE_PHONE} (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", 15),
    ("Googlebot-Image/1.0", 6),
    ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", 15),
    ("Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", 8),
    ("Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)", 6),
    (f"Mozilla/5.0 {_KIT} (compatible; GPTBot/1.2; +https://openai.com/gptbot)", 6),
    ("Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)", 4),
    (
        f"Mozilla/5.0 ({_MAC}) {_SAFARI_KIT} (Applebot/0.1; +http://www.apple.com/go/applebot)",
        3,
    ),
    ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", 3),
    ("Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)", 4),
    # These give the address of whoever runs them: personal data in a user agent.
    ("Mozilla/5.0 (compatible; ArtCrawler/1.3; +mailto:crawler@robots.example.org)", 2),
    ("museum-link-checker/0.9 (camille.roche@example.net)", 1),
    ("curl/8.5.0", 2),
    ("python-requests/2.32.3", 3),
    ("Go-http-client/1.1", 2),
)


def browsers() -> tuple[list[str], list[float]]:
    """Return the user agents of people and their shares."""
    agents = list(_versions())
    return [agent for agent, _ in agents], [share for _, share in agents]


def robots() -> tuple[list[str], list[float]]:
    """Return the user agents of robots and their shares."""
    return [agent for agent, _ in _ROBOTS], [share for _, share in _ROBOTS]


def _versions() -> Iterator[tuple[str, float]]:
    """Yield every browser in every version; each version is half as common as the next newer one."""
    for template, share, versions in _BROWSERS:
        total = sum(0.5**age for age in range(len(versions)))
        for age, version in enumerate(versions):
            yield template.format(version), share * 0.5**age / total
