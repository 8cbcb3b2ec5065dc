"""The charter as code: charter.toml read into objects that cannot be changed afterwards.

Each class below is one kind of entry of the file and its fields are the keys that may stand there.
A key that is not here, one that is missing, a reference that leads nowhere or a value that cannot
be is refused with its line: a rule that nobody carries out must not look as if somebody did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from ipaddress import ip_network
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipelines import catalog
from pipelines._charter_file import Between, Document, Holds, IdOf, Key, Like
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


@dataclass(frozen=True, slots=True)
class Publication:
    """What may be published: how many people must stand behind a number, when, and why."""

    threshold: Annotated[int, Between(2, 10_000)]
    rounding: Annotated[int, Between(0, 10_000)]
    publish_after_days: Annotated[int, Between(1, 365)]
    keep_releases: Annotated[int, Between(1, 1_000)]
    reasons: Annotated[
        Mapping[str, str], Holds("threshold", "rounding", "publish_after_days", "keep_releases", only=True)
    ]


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
    document = Document(path)
    charter = document.read(Charter)
    _refuse_contradictions(charter, document)
    _refuse_uncovered_tables(charter, document)
    return charter


def refuse(path: Path, key: Key, what: str) -> NoReturn:
    """Raise CharterFileError with the line on which `key` stands in the policy file at `path`."""
    Document(path).fault(key, what)


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


def _refuse_uncovered_tables(charter: Charter, document: Document) -> None:
    """Refuse a charter under which some table would be kept for no purpose, or for ever."""
    for table in catalog.TABLES:
        for part, id_, known in (
            ("purposes", table.purpose, charter.purposes),
            ("retention", table.retention, charter.retention),
        ):
            if id_ not in known:
                document.fault((part,), f"lacks {id_}, which the table {table.name} needs: add it.")
