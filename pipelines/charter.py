"""The charter as code: charter.toml read into objects that cannot be changed afterwards.

Each class below is one kind of entry of the file and its fields are the keys that may stand there.
A key that is not here, one that is missing, a reference that leads nowhere or a value that cannot
be is refused with its line: a rule that nobody carries out must not look as if somebody did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from ipaddress import ip_network
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipelines import catalog
from pipelines._charter_file import Between, Document, Holds, IdOf, Key, Like, decode
from pipelines.periods import Period

LawfulBasis = Literal[
    "consent", "contract", "legal obligation", "vital interests", "public task", "legitimate interests"
]
LAWFUL_BASIS_ARTICLES: Mapping[str, str] = MappingProxyType({
    "consent": "GDPR Art. 6(1)(a)",
    "contract": "GDPR Art. 6(1)(b)",
    "legal obligation": "GDPR Art. 6(1)(c)",
    "vital interests": "GDPR Art. 6(1)(d)",
    "public task": "GDPR Art. 6(1)(e)",
    "legitimate interests": "GDPR Art. 6(1)(f)",
})  # fmt: skip

# What the pipelines name in their code, and so cannot do without.
RETENTION_IDS = (
    "traffic", "customers", "prospects", "newsletter", "testimonials", "surveys", "chatbot", "requests",
    "identity_documents", "cookies_essential", "cookies_functional", "cookies_performance", "exports",
    "evidence", "erased_identifiers", "landing",
)  # fmt: skip
_REASONED = (
    "threshold", "dominance_people", "dominance_share", "dominance_closeness", "hide_all_or_nothing",
    "rounding", "publish_after_days", "coarser_attempts", "keep_releases",
)  # fmt: skip
RIGHT_IDS = ("access", "rectification", "objection", "restriction", "erasure", "portability", "withdrawal")


def _time_zone(value: str, _file: Mapping[str, Any]) -> str | None:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # unknown, malformed, or a folder of zones
        return 'no such time zone: use a name such as "Europe/Paris".'
    return None


def _within_a_lifetime(value: Period, _file: Mapping[str, Any]) -> str | None:
    return None if value.months <= 1_200 and value.days <= 36_525 else "is longer than 100 years: shorten it."


ClauseId = Annotated[str, IdOf("clauses")]
Country = Annotated[str, Like("[A-Z]{2}", "FR")]
Address = Annotated[str, Like(r"https?://[^\s]+", "https://okare.art/")]
Domain = Annotated[str, Like(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}", "okare.art")]
CampaignParameter = Literal["utm_source", "utm_medium", "utm_campaign"]  # a column of hits each


@dataclass(frozen=True, slots=True)
class Controller:
    """Who answers for the data (GDPR Art. 4(7)), and to which authority."""

    name: str
    site: Address
    contact: str
    country: Country
    supervisory_authority: str


@dataclass(frozen=True, slots=True)
class Clause:
    """One sentence of the published text, word for word, that some rule carries out."""

    id: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Category:
    """One kind of data that is collected."""

    id: str
    name: str
    examples: tuple[str, ...]
    clause: ClauseId


@dataclass(frozen=True, slots=True)
class Purpose:
    """One thing that data may be used for, and what makes that lawful."""

    id: str
    name: str
    lawful_basis: LawfulBasis
    clause: ClauseId

    @property
    def article(self) -> str:
        """The article of the GDPR that the lawful basis stands in."""
        return LAWFUL_BASIS_ARTICLES[self.lawful_basis]


@dataclass(frozen=True, slots=True)
class Retention:
    """How long one kind of data is kept: `period` counted from the day that `starts` describes.

    `clause` is None where the published text is silent; `basis` says where the number comes from.
    """

    id: str
    name: str
    period: Annotated[Period, _within_a_lifetime]
    starts: str
    basis: str
    clause: ClauseId | None = None


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who may receive data."""

    id: str
    name: str
    country_in_eu: bool
    clause: ClauseId


@dataclass(frozen=True, slots=True)
class Right:
    """Something that a person may ask of the controller."""

    id: str
    name: str
    article: Annotated[str, Like(r"GDPR Art\. \d+(\(\d+\))?", "GDPR Art. 15")]
    clause: ClauseId


SitePath = Annotated[str, Like(r"/[^\s?#*]*\*?", "/contact/thanks")]


@dataclass(frozen=True, slots=True)
class Goal:
    """Something that visits are counted for reaching: a request, with success, to one of `paths`."""

    id: str
    name: str
    paths: tuple[SitePath, ...]
    method: Literal["GET", "POST"] = "GET"


CookieValue = Annotated[str, Like(r"[A-Za-z0-9_.-]{1,64}=[^\s;\"\\]+", "statistics=no")]


@dataclass(frozen=True, slots=True)
class Objections:
    """By what a browser objects to statistics: request headers that say 1, and cookies with their value."""

    clause: ClauseId | None = None
    signals: tuple[Literal["DNT", "Sec-GPC"], ...] = ()
    cookies: tuple[CookieValue, ...] = ()

    @property
    def said(self) -> tuple[str, ...]:
        """What stands in a log where somebody objects."""
        return (*(f"{signal}: 1" for signal in self.signals), *self.cookies)


def _can_be_noisy(value: Mapping[str, Any], _file: Mapping[str, Any]) -> str | None:
    if unknown := sorted(value.keys() - {"hours"}):
        return (
            f"has {', '.join(unknown)}: noise is for measures whose rows are known beforehand, hours alone."
        )
    return None


@dataclass(frozen=True, slots=True)
class Noise:
    """A measure that is published with noise: how much of it, and what one person adds at the most.

    `epsilon` is spent on one person by each day, `budget` by all days of a calendar year. Of one person and
    day, `most_rows` rows count, and `most_hits` requests in each.
    """

    id: str
    epsilon: Annotated[float, Between(0.01, 10)]
    budget: Annotated[float, Between(0.01, 10_000)]
    most_rows: Annotated[int, Between(1, 24)]
    most_hits: Annotated[int, Between(1, 300)]
    reason: str


@dataclass(frozen=True, slots=True)
class Publication:
    """What may be published: how many people must stand behind a number, when, and why.

    A sum is not published where `dominance_people` add more than `dominance_share` of it, or where the second
    largest part tells the largest to within `dominance_closeness`; with `hide_all_or_nothing` no part that is
    nothing of its whole, or all of it.
    """

    threshold: Annotated[int, Between(2, 10_000)]
    dominance_people: Annotated[int, Between(1, 2)]
    dominance_share: Annotated[float, Between(0.1, 1)]
    dominance_closeness: Annotated[float, Between(0, 1)]
    hide_all_or_nothing: bool
    rounding: Annotated[int, Between(0, 10_000)]
    publish_after_days: Annotated[int, Between(1, 365)]
    coarser_attempts: Annotated[int, Between(0, 20)]
    keep_releases: Annotated[int, Between(1, 1_000)]
    reasons: Annotated[Mapping[str, str], Holds(*_REASONED, only=True)]
    conversions: Mapping[str, Goal] = field(default_factory=lambda: MappingProxyType({}))
    objections: Objections = field(default_factory=Objections)
    noise: Annotated[Mapping[str, Noise], _can_be_noisy] = field(default_factory=lambda: MappingProxyType({}))


def _network(value: str, _file: Mapping[str, Any]) -> str | None:
    try:
        ip_network(value)
    except ValueError:
        return 'is no network: write it as "10.0.0.0/8" or "2001:db8::/32".'
    return None


@dataclass(frozen=True, slots=True)
class LogFormat:
    """A log format of the site's own: one of `directive`, `preset` and `json`, for all sources or some."""

    id: str
    directive: str | None = None
    preset: str | None = None
    json: Mapping[str, str] | None = None
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrafficRules:
    """What becomes of a line of a web-server log on its way in."""

    address_mode: Literal["strip", "truncate", "hash"]
    ipv6_prefix: Annotated[int, Between(32, 64)]
    campaign_parameters: tuple[CampaignParameter, ...]
    own_domains: tuple[Domain, ...]
    future_tolerance_hours: Annotated[int, Between(0, 48)]
    max_line_bytes: Annotated[int, Between(1_024, 16_777_216)]
    trusted_proxies: tuple[Annotated[str, _network], ...] = ()
    formats: Mapping[str, LogFormat] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class PurgeBounds:
    """How much one purge may remove before a person must look at it."""

    max_days: Annotated[int, Between(1, 3_660)]
    max_people_share: Annotated[float, Between(0.0001, 1)]
    reasons: Annotated[Mapping[str, str], Holds("max_days", "max_people_share", only=True)]


@dataclass(frozen=True, slots=True)
class Charter:
    """One version of the charter; every rule names the clause of the published text behind it."""

    version: str
    amended_on: date
    effective_on: date
    time_zone: Annotated[str, _time_zone]
    controller: Controller
    clauses: Mapping[str, Clause]
    categories: Mapping[str, Category]
    purposes: Mapping[str, Purpose]
    retention: Annotated[Mapping[str, Retention], Holds(*RETENTION_IDS)]
    recipients: Mapping[str, Recipient]
    rights: Annotated[Mapping[str, Right], Holds(*RIGHT_IDS, only=True)]
    publication: Publication
    traffic: TrafficRules
    purge: PurgeBounds

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which a day begins and ends."""
        return ZoneInfo(self.time_zone)


def load(path: Path) -> Charter:
    """Read the policy file at `path`; CharterFileError names the line and the key at fault."""
    charter = _loaded(path.name, decode(path))
    _refuse_uncovered_tables(charter, path)
    return charter


@lru_cache(maxsize=4)  # a charter is never changed in memory; each step of a night opens the same text
def _loaded(name: str, text: str) -> Charter:
    document = Document(name, text)
    charter = document.read(Charter)
    _refuse_contradictions(charter, document)
    return charter


def refuse(path: Path, key: Key, what: str) -> NoReturn:
    """Raise CharterFileError with the line on which `key` stands in the policy file at `path`."""
    Document.at(path).fault(key, what)


def _refuse_contradictions(charter: Charter, document: Document) -> None:
    """Refuse what is wrong only taken together."""
    for name, form in charter.traffic.formats.items():
        if sum(way is not None for way in (form.directive, form.preset, form.json)) != 1:
            document.fault(
                ("traffic", "formats", name),
                "needs exactly one of directive, preset and json: see docs/formats.md.",
            )
    if charter.effective_on < charter.amended_on:
        document.fault(("effective_on",), "cannot be before amended_on: correct the date.")
    day = charter.amended_on
    if charter.retention["traffic"].period.is_over(
        day, day + timedelta(days=charter.publication.publish_after_days)
    ):
        document.fault(
            ("retention", "traffic", "period"), "is over before the day is published: lengthen it."
        )


def _refuse_uncovered_tables(charter: Charter, path: Path) -> None:
    """Refuse a charter under which some table would be kept for no purpose, or for ever."""
    for table in catalog.TABLES:
        for part, id_, known in (
            ("purposes", table.purpose, charter.purposes),
            ("retention", table.retention, charter.retention),
        ):
            if id_ not in known:
                refuse(path, (part,), f"lacks {id_}, which the table {table.name} needs: add it.")
