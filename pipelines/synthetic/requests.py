"""The requests that an art site gets, each with its weight among people's and among robots'."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

from pipelines.synthetic.inventions import Invented, Inventions

SITE = "https://okare.art"


@dataclass(frozen=True, slots=True)
class Request:
    """One request line with its answer; the weights say how often people and robots make it."""

    line: str
    status: int
    sent_bytes: int
    by_people: float
    by_robots: float = 0.0
    is_asset: bool = False


def requests(inventions: Inventions) -> tuple[Request, ...]:
    """Return every request that may be made."""
    return (
        *_pages(inventions),
        *_campaigns(),
        *_assets(inventions),
        *_forms(),
        *_robots_own(),
        *_failures(),
        *_telling(inventions.people),
    )


def own_pages(inventions: Inventions) -> list[str]:
    """Return addresses of pages of the site, as a referrer that stays on it."""
    telling = [f"{SITE}/newsletter/confirm?email={quote(one.email)}" for one in inventions.people[:40]]
    works = [f"{SITE}/works/{work}" for work in inventions.works]
    return [f"{SITE}/", f"{SITE}/works", f"{SITE}/about", f"{SITE}/exhibitions", *works, *telling]


def outside_referrers(inventions: Inventions) -> tuple[list[str], list[float]]:
    """Return where visits come from, with their shares; some of it says who came."""
    shares: dict[str, float] = {
        "-": 38,
        "https://www.google.com/": 24,
        "https://www.google.fr/": 6,
        "https://www.bing.com/": 4,
        "https://duckduckgo.com/": 4,
        "https://www.ecosia.org/": 1,
        "https://www.instagram.com/": 8,
        "https://l.facebook.com/l.php?u=https%3A%2F%2Fokare.art%2F": 4,
        "https://www.pinterest.fr/": 2,
        "https://www.linkedin.com/": 1,
        "https://t.co/9vYh2KqLmA": 0.5,
        "android-app://com.google.android.gm/": 0.5,
        "https://galeries.example.co.uk/artists/okare": 1.5,
        "https://blog.example.org/2025/les-ateliers-ouverts": 2,
        "http://203.0.113.80/": 0.1,
    }
    for one in inventions.people[40:90]:  # a webmail that puts its user's address into its own
        shares[f"https://webmail.example.net/inbox?user={quote(one.email)}&folder=INBOX"] = 0.03
    return list(shares), list(shares.values())


def _pages(inventions: Inventions) -> Iterator[Request]:
    fixed = {
        "/": (11, 6), "/works": (6, 3), "/about": (2, 1), "/exhibitions": (2.5, 1), "/blog": (1, 1),
        "/contact": (1.2, 0.5), "/appointment": (0.8, 0.3), "/newsletter": (0.7, 0.3),
        "/testimonials": (1, 0.5), "/privacy-charter": (0.3, 0.5), "/legal": (0.1, 0.3),
    }  # fmt: skip
    for path, (by_people, by_robots) in fixed.items():
        yield _get(path, 14_000, by_people, by_robots)
    for rank, work in enumerate(inventions.works, start=1):
        yield _get(f"/works/{work}", 22_000, 9 / rank**0.9, 1.0)
    for rank, article in enumerate(inventions.articles, start=1):
        yield _get(f"/blog/{article}", 18_000, 2 / rank, 1.0)
    for page in range(2, 8):
        yield _get(f"/works?page={page}&sort=recent", 14_000, 1.2 / page, 1.0)


def _campaigns() -> Iterator[Request]:
    for source, medium, name, share in (
        ("newsletter", "email", "vernissage-printemps", 1.2),
        ("newsletter", "email", "nouvelles-oeuvres", 0.8),
        ("instagram", "social", "vernissage-printemps", 0.9),
        ("facebook", "cpc", "portraits", 0.6),
        ("galerie", "qr", "exposition", 0.3),
    ):
        tags = f"utm_source={source}&utm_medium={medium}&utm_campaign={name}"
        yield _get(f"/exhibitions?{tags}", 15_000, share)
        yield _get(f"/?{tags}&fbclid=IwAR0x{share:.2f}Zq81k", 14_000, share / 3)


def _assets(inventions: Inventions) -> Iterator[Request]:
    for path, size, share in (
        ("/assets/site.3f2a9c.css", 31_000, 9.0),
        ("/assets/site.81be04.js", 96_000, 9.0),
        ("/assets/fonts/cormorant.woff2", 42_000, 5.0),
        ("/images/logo.svg", 3_200, 7.0),
        ("/favicon.ico", 1_150, 4.0),
    ):
        yield Request(f"GET {path} HTTP/2.0", 200, size, share, 0.2, is_asset=True)
    for rank, work in enumerate(inventions.works, start=1):
        yield Request(f"GET /images/works/{work}-1600.webp HTTP/2.0", 200, 240_000, 7 / rank**0.9, 0.3, True)


def _forms() -> Iterator[Request]:
    for path, by_people, by_robots in (
        ("/contact", 0.35, 0.4),  # contact forms are what spam is posted to
        ("/appointment", 0.2, 0.05),
        ("/newsletter", 0.3, 0.1),
        ("/testimonials", 0.12, 0.1),
        ("/survey", 0.1, 0.0),
        ("/chatbot/messages", 0.5, 0.0),
    ):
        yield Request(f"POST {path} HTTP/2.0", 303, 310, by_people, by_robots)
    yield Request("POST /contact HTTP/2.0", 422, 2_100, 0.05, 0.3)


def _robots_own() -> Iterator[Request]:
    for path, share in (("/robots.txt", 8.0), ("/sitemap.xml", 3.0), ("/ads.txt", 0.5)):
        yield Request(f"GET {path} HTTP/1.1", 404 if path == "/ads.txt" else 200, 420, 0.0, share)
    yield Request("HEAD / HTTP/1.1", 200, 0, 0.02, 4.0)


def _failures() -> Iterator[Request]:
    for path in ("/wp-login.php", "/.env", "/xmlrpc.php", "/admin/", "/vendor/phpunit/phpunit/src/eval.php"):
        yield Request(f"GET {path} HTTP/1.1", 404, 196, 0.0, 1.5)
    for path in ("/works/vendue-en-2019", "/expositions", "/images/works/old-header.jpg"):
        yield Request(f"GET {path} HTTP/1.1", 404, 1_900, 0.4, 0.5)
    yield Request("GET /index.html HTTP/1.1", 301, 162, 0.3, 0.5)
    yield Request("GET /works?sort=%27 HTTP/1.1", 500, 580, 0.05, 0.3)
    yield Request("POST /appointment HTTP/2.0", 502, 552, 0.03)
    yield Request("OPTIONS * HTTP/1.0", 400, 150, 0.0, 0.1)


def _telling(people: tuple[Invented, ...]) -> Iterator[Request]:
    """Yield requests that name somebody, in the query and now and then in the path."""
    share = 4.0 / max(1, len(people))
    for number, one in enumerate(people):
        phone = quote(one.phone, safe="")
        targets = (
            f"/newsletter/confirm?email={quote(one.email)}&token={number * 7919 + 104729:032x}",
            f"/newsletter/confirm?email={one.email}",
            f"/appointment?name={quote(one.name)}&phone={phone}&mail={quote(one.email, safe='')}",
            f"/contact?tel={phone}&utm_source=newsletter&utm_medium=email&utm_campaign={quote(one.email)}",
        )
        yield _get(targets[number % len(targets)], 6_400, share)
        if number % 8 == 0:
            yield _get(f"/newsletter/unsubscribe/{quote(one.email)}", 3_100, share / 4)
        if number % 16 == 4:
            yield _get(f"/appointment/{one.phone.replace(' ', '')}/confirmed", 3_300, share / 4)
        if number % 16 == 8:
            yield _get(f"/account/{number * 7919 + 104729:032x}/invoices", 5_200, share / 4)


def _get(path: str, size: int, by_people: float, by_robots: float = 0.0) -> Request:
    return Request(f"GET {path} HTTP/2.0", 200, size, by_people, by_robots)
