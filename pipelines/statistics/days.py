"""The measures of a local day."""

from __future__ import annotations

from pipelines.statistics.declare import (
    DAY,
    NONE,
    OTHER,
    VISITORS,
    Column,
    Measure,
    count,
    dimension,
    part,
    ratio,
)

_HITS = count("hits", "requests, of one visitor no more than the bound of the day", "hits")
_VISITS = count("visits", "requests of one visitor less than 30 minutes apart, on one day", "visits")

DAILY = Measure(
    "daily", "Days", "one local day; robots apart", DAY, (), ((),),
    counts=(
        _HITS,
        part("page_views", "successful GET requests for pages, not for files that a page loads", "views",
             whole="hits"),
        part("visits", "requests of one visitor less than 30 minutes apart; none without addresses", "visits",
             whole=None),
        part("bounces", "visits with exactly one page view", "visits", whole="visits"),
        part("errors", "hits answered with a status of 400 or more", "hits", whole="hits"),
        part("bot_hits", "requests of known robots, of one no more than the bound of the day, in no other "
             "count", "robots", whole=None),
    ),
    people=VISITORS,
    amounts=(
        Column("median_seconds", "BIGINT", "how long a visit of two requests or more lasts: mean of the "
               "visitors in the middle, each with their own middle visit, to the nearest 5 seconds; blank "
               "where they are fewer than twice the people that must stand behind a number", "seconds"),
        Column("sent_bytes", "BIGINT", "bytes of the answers, in three significant digits; the few visitors "
               "who were sent the most count with no more than the next one", "bytes"),
    ),
    ratios=(
        ratio("bounce_rate", "share of visits with exactly one page view", "bounces", "visits"),
        ratio("pages_per_visit", "page views for each visit", "page_views", "visits"),
    ),
    order=("hits", "page_views", "visits", "visitors", "bounces", "bounce_rate", "pages_per_visit",
           "median_seconds", "sent_bytes", "errors", "bot_hits"),
)  # fmt: skip

PAGES = Measure(
    "pages", "Pages", "a page, or the pages of a section that too few visitors saw each, on a day", DAY,
    (dimension("path", "path without query, or its section"),),
    (("path",), ("subsection",), ("section",)),
    counts=(
        count("views", "page views", "views"),
        part("entries", "visits that began here", "visits", whole="views"),
        part("exits", "visits that ended here", "visits", whole="views"),
    ),
    people=VISITORS,
    totals={"views": "page_views", "entries": "visits", "exits": "visits"},
    order=("views", "visitors", "entries", "exits"),
)  # fmt: skip

SOURCES = Measure(
    "sources", "Sources", "a way that visits came by, on a day", DAY,
    (
        dimension("medium", "direct, search, social, referral, or the medium of a campaign link"),
        dimension("referrer_domain", f"registrable domain that the visit came from, {NONE} without"),
        dimension("campaign", f"name that a campaign link states, {NONE} without"),
    ),
    (("medium", "referrer_domain", "campaign"), ("medium", "referrer_domain", OTHER),
     ("medium", OTHER, OTHER)),
    counts=(_VISITS,), people=VISITORS, totals={"visits": "visits"}, tells_all=True,
    order=("visits", "visitors"),
)  # fmt: skip

TECHNOLOGY = Measure(
    "technology", "Technology", "a browser, its version, a system and a device together, on a day", DAY,
    (
        dimension("browser", "family of the browser"),
        dimension("version", f"major version of the browser, {NONE} where it says none"),
        dimension("system", "family of the operating system"),
        dimension("device", "desktop, mobile, tablet or other"),
    ),
    (("browser", "version", "system", "device"), ("browser", OTHER, "system", "device"),
     ("browser", OTHER, "system", OTHER), ("browser", OTHER, OTHER, OTHER)),
    counts=(_HITS,), people=VISITORS, totals={"hits": "hits"}, is_exclusive=True, tells_all=True,
    order=("hits", "visitors"),
)  # fmt: skip

COUNTRIES = Measure(
    "countries", "Countries", "a country, on a day", DAY,
    (
        dimension("continent", "continent (ISO 3166 region), (unknown) where the address tells no country"),
        dimension("country", "ISO 3166-1 alpha-2 code, (unknown) where the address tells none"),
    ),
    (("continent", "country"), ("continent", OTHER)),
    counts=(_HITS,), people=VISITORS, totals={"hits": "hits"}, is_exclusive=True, tells_all=True,
    order=("hits", "visitors"),
)  # fmt: skip

HOURS = Measure(
    "hours", "Hours", "an hour, or a part of a day whose other hours were too quiet, on a day", DAY,
    (dimension("hour", "local hour, 00 to 23, or the quarter of the day that it is in"),),
    (("hour",), ("quarter",)),
    counts=(_HITS,), people=VISITORS, totals={"hits": "hits"}, tells_all=True,
    order=("hits", "visitors"),
)  # fmt: skip

STATUSES = Measure(
    "statuses", "Statuses", "an HTTP status, on a day", DAY,
    (dimension("status", "HTTP status code, or its class for codes of too few visitors"),),
    (("status",), ("class",)),
    counts=(_HITS,), people=VISITORS, totals={"hits": "hits"},
    order=("hits", "visitors"),
)  # fmt: skip

BROKEN_LINKS = Measure(
    "broken_links", "Broken links", "an address that was asked for and not found (404), on a day", DAY,
    (
        dimension("path", "path without query, or its section"),
        dimension("origin", f"where the link stands: own site, elsewhere, {NONE} where the log does not say"),
    ),
    (("path", "origin"), ("path", OTHER), ("subsection", OTHER), ("section", OTHER)),
    counts=(_HITS,), people=VISITORS,
    order=("hits", "visitors"),
)  # fmt: skip

FLOWS = Measure(
    "flows", "Flows", "a step from one page to the next within visits, on a day", DAY,
    (
        Column("from_page", "VARCHAR", "page, or the other pages of its section, taken together"),
        Column("to_page", "VARCHAR", "the next page, or the other pages of its section, taken together"),
    ),
    (("from_page", "to_page"), ("from_section", "to_section")),
    counts=(),
    people=Column(
        "visitors", "BIGINT", "distinct visitors who took this step; they do not add up, and steps that are "
        "not here may have been taken too", "people",
    ),
    order=("visitors",),
)  # fmt: skip

DEPTHS = Measure(
    "depths", "Depth of visits", "visits of so many pages and such a length, on a day", DAY,
    (
        dimension("pages", "page views of the visit: 0, 1, 2, 3-4, 5-9, 10+, or 2+ for some of these"),
        dimension("length", "time from its first request to its last; one request has none"),
    ),
    (("pages", "length"), ("pages", OTHER)),
    counts=(_VISITS,), people=VISITORS, totals={"visits": "visits"}, tells_all=True,
    order=("visits", "visitors"),
)  # fmt: skip
