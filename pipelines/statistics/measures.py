"""The measures: each is declared here once and computed by the SQL file that bears its name.

Another SQL file of that name says what its cells are called. The release's tables, their comments, the
fold of small cells, the gate and the web page follow from these declarations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

OTHER = "(other)"  # the rest: cells too small to be shown by themselves, taken together
NONE = "(none)"  # there is no such value, e.g. no referrer

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

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Column:
    """One published column. `whole` names the count that this one is a part of, and is left blank with."""

    name: str
    type: str
    meaning: str
    whole: str | None = None
    is_part: bool = False
    linked: str | None = None  # measure whose rows are each all in, or all out of, this part


@dataclass(frozen=True, eq=False)  # one object each: a key of dictionaries
class Measure:
    """One published table. `one_row` completes "one row means …".

    `levels` are the label columns of the SQL file from fine to coarse (OTHER: not told apart); all OTHER
    ends every list. `counts` add up over cells, the first is the measure's own; `people` counts the
    distinct visitors or persons behind a row. `totals` names the count of `daily` that a count adds up to.
    """

    name: str
    title: str
    one_row: str
    period: Column
    dimensions: tuple[Column, ...]
    levels: tuple[tuple[str, ...], ...]
    counts: tuple[Column, ...]
    people: Column
    totals: Mapping[str, str]
    order: tuple[str, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, in the order that they are published in."""
        by_name = {column.name: column for column in (*self.counts, self.people)}
        return (self.period, *self.dimensions, *(by_name[name] for name in self.order))

    @property
    def parts(self) -> tuple[Column, ...]:
        """The counts that are a part of another, and may be blank in a row that is shown."""
        return tuple(column for column in self.counts if column.is_part)

    @property
    def base(self) -> str:
        """The count that is never blank."""
        return self.counts[0].name


_DAY = Column("day", "DATE", "local day of the site, in the charter's time zone")
_BLANK = "blank where it, or what is left of the whole, would be about too few people"
_VISITORS = Column(
    "visitors", "BIGINT",
    "distinct visitors (address and browser together) in this row; they do not add up. Blank where too few "
    "of the day's visitors are outside the row, or where no address is kept",
)  # fmt: skip


def _dimension(name: str, meaning: str) -> Column:
    return Column(name, "VARCHAR", f"{meaning}; {OTHER} for cells of too few visitors, taken together")


def _count(name: str, meaning: str) -> Column:
    return Column(name, "BIGINT", meaning)


def _part(name: str, meaning: str, *, whole: str | None, linked: str | None = None) -> Column:
    return Column(name, "BIGINT", f"{meaning}; {_BLANK}", whole, is_part=True, linked=linked)


_HITS = _count("hits", "requests, of one visitor no more than the bound of the day")
_VISITS = _count("visits", "requests of one visitor less than 30 minutes apart; blank without addresses")

MEASURES: tuple[Measure, ...] = (
    Measure(
        "daily", "Days", "one local day; robots apart", _DAY, (), ((),),
        (
            _HITS, _VISITS,
            _part("page_views", "successful GET requests for pages, not for files that a page loads",
                  whole="hits", linked="statuses"),
            _part("bounces", "visits with exactly one page view", whole="visits"),
            _count("sent_bytes", "bytes of the answers; the few visitors who were sent the most count with "
                   "no more than the next one"),
            _part("errors", "hits answered with a status of 400 or more", whole="hits", linked="statuses"),
            _part("bot_hits", "requests of known robots, of one no more than the bound of the day, in no "
                  "other count", whole=None),
        ),
        _VISITORS, {},
        ("hits", "page_views", "visits", "visitors", "bounces", "sent_bytes", "errors", "bot_hits"),
    ),
    Measure(
        "pages", "Pages", "a page, or the pages of a section that too few visitors saw each, on a day", _DAY,
        (_dimension("path", "path without query"),),
        (("path",), ("subsection",), ("section",)),
        (
            _count("views", "page views"),
            _part("entries", "visits that began here", whole="views"),
            _part("exits", "visits that ended here", whole="views"),
        ),
        _VISITORS, {"views": "page_views", "entries": "visits", "exits": "visits"},
        ("views", "visitors", "entries", "exits"),
    ),
    Measure(
        "sources", "Sources", "a way that visits came by, on a day", _DAY,
        (
            _dimension("medium", "direct, search, social, referral, or the medium of a campaign link"),
            _dimension("referrer_domain", f"registrable domain that the visit came from, {NONE} without"),
            _dimension("campaign", f"name that a campaign link states, {NONE} without"),
        ),
        (
            ("medium", "referrer_domain", "campaign"),
            ("medium", "referrer_domain", OTHER),
            ("medium", OTHER, OTHER),
        ),
        (_VISITS,), _VISITORS, {"visits": "visits"}, ("visits", "visitors"),
    ),
    Measure(
        "technology", "Technology", "a combination of browser, system and device, on a day", _DAY,
        (
            _dimension("browser", "family of the browser"),
            _dimension("system", "family of the operating system"),
            _dimension("device", "desktop, mobile, tablet or other"),
        ),
        (("browser", "system", "device"), ("browser", "system", OTHER), ("browser", OTHER, OTHER)),
        (_HITS,), _VISITORS, {"hits": "hits"}, ("hits", "visitors"),
    ),
    Measure(
        "hours", "Hours", "an hour of a day", _DAY,
        (_dimension("hour", "local hour, 00 to 23"),), (("hour",),),
        (_HITS,), _VISITORS, {"hits": "hits"}, ("hits", "visitors"),
    ),
    Measure(
        "statuses", "Statuses", "an HTTP status, on a day", _DAY,
        (_dimension("status", "HTTP status code, or its class for codes of too few visitors"),),
        (("status",), ("class",)),
        (_HITS,), _VISITORS, {"hits": "hits"}, ("hits", "visitors"),
    ),
    Measure(
        "contact_activity", "Contacts", "a kind of message in a local month",
        Column("month", "DATE", "first day of the month, in the charter's time zone"),
        (_dimension("kind", "form, appointment, newsletter, survey, chatbot, e-mail or testimonial"),),
        (("kind",),),
        (_count("messages", "messages, of one person no more than the bound of the month"),),
        Column("people", "BIGINT", "distinct people who wrote"), {}, ("messages", "people"),
    ),
)  # fmt: skip

DAILY = MEASURES[0]
OF_A_DAY = tuple(measure for measure in MEASURES if measure.period is _DAY)
OF_A_MONTH = tuple(measure for measure in MEASURES if measure.period is not _DAY)
BY_NAME: Mapping[str, Measure] = {measure.name: measure for measure in MEASURES}


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
    """Return the SQL around the measures: `requests`, `bounded_bytes` or `contact_months`."""
    return (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")
