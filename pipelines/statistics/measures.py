"""The measures: each is declared once (`days.py`, `longer.py`) and computed by the SQL file of its name.

Another SQL file of that name says what its cells are called. The release's tables, their comments, the
fold of small cells and the web page follow from these declarations.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pipelines.statistics.days import (
    BROKEN_LINKS,
    COUNTRIES,
    DAILY,
    DEPTHS,
    FLOWS,
    HOURS,
    PAGES,
    SOURCES,
    STATUSES,
    TECHNOLOGY,
)
from pipelines.statistics.declare import DAY, MONTH, NONE, OTHER, WEEK, YEAR, Column, Measure
from pipelines.statistics.longer import (
    CONTACT_ACTIVITY,
    CONVERSIONS,
    MONTHS,
    PRIVACY_REQUESTS,
    WEEKDAYS,
    WEEKS,
)

__all__ = [
    "ASSET_EXTENSIONS", "BROKEN_LINKS", "BY_NAME", "CONTACT_ACTIVITY", "CONVERSIONS", "COUNTRIES", "DAILY",
    "DAY", "DEPTHS", "FLOWS", "FOLDED", "HOURS", "MEASURES", "MONTH", "MONTHS", "NONE", "OF_A_DAY", "OTHER",
    "PAGES", "PRIVACY_REQUESTS", "SEARCH_ENGINES", "SOCIAL_NETWORKS", "SOURCES", "STATUSES", "TECHNOLOGY",
    "WEEK", "WEEKDAYS", "WEEKS", "YEAR", "Column", "Measure", "label_sql", "preparation", "sql",
]  # fmt: skip

# What a page loads by itself. Anything else that is fetched with success is a page view.
ASSET_EXTENSIONS = (
    "avif", "bmp", "css", "cur", "eot", "gif", "ico", "jpeg", "jpg", "js", "json", "map", "mjs", "mp3", "mp4",
    "ogg", "otf", "png", "svg", "tif", "tiff", "ttf", "txt", "wasm", "wav", "webm", "webmanifest", "webp",
    "woff", "woff2", "xml",
)  # fmt: skip
SEARCH_ENGINES = (
    "aol", "ask", "baidu", "bing", "brave", "duckduckgo", "ecosia", "google", "lilo", "mojeek", "naver",
    "qwant", "seznam", "sogou", "startpage", "swisscows", "yahoo", "yandex",
)  # fmt: skip
SOCIAL_NETWORKS = (
    "bsky.app", "facebook.com", "fb.com", "instagram.com", "linkedin.com", "lnkd.in", "mastodon.social",
    "pinterest.com", "pinterest.fr", "reddit.com", "snapchat.com", "t.co", "threads.net", "tiktok.com",
    "tumblr.com", "twitter.com", "vk.com", "whatsapp.com", "x.com", "youtu.be", "youtube.com",
)  # fmt: skip

MEASURES: tuple[Measure, ...] = (
    DAILY, PAGES, FLOWS, SOURCES, DEPTHS, HOURS, TECHNOLOGY, COUNTRIES, STATUSES, BROKEN_LINKS,
    WEEKS, MONTHS, WEEKDAYS, CONVERSIONS, CONTACT_ACTIVITY, PRIVACY_REQUESTS,
)  # fmt: skip
OF_A_DAY = tuple(measure for measure in MEASURES if measure.period is DAY)
FOLDED = tuple(measure for measure in OF_A_DAY if measure is not FLOWS)  # made of cells that may be folded
BY_NAME: Mapping[str, Measure] = {measure.name: measure for measure in MEASURES}

_FOLDER = Path(__file__).parent


@cache
def sql(name: str) -> str:
    """Return the SQL of the measure called `name`: who is behind its cells, one row each."""
    return (_FOLDER / "measures" / f"{name}.sql").read_text(encoding="utf-8")


@cache
def label_sql(name: str) -> str:
    """Return the SQL of the labels of the measure called `name`: what its cells are called."""
    return (_FOLDER / "labels" / f"{name}.sql").read_text(encoding="utf-8")


@cache
def preparation(name: str) -> str:
    """Return the SQL around the measures: `requests`, `bounded_bytes`, `contact_months` and others."""
    return (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")
