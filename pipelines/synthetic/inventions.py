"""What Faker invents, once per seed: people, places and titles that later steps draw from.

Every e-mail address stands under example.org, .net or .com (RFC 2606) and every phone number in a range
that regulators keep for films and books, so that nothing invented reaches anybody.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faker import Faker

_LOCALES = {"FR": "fr_FR", "DE": "de_DE", "GB": "en_GB", "IT": "it_IT"}
_SHARES = {"FR": 80, "DE": 8, "GB": 7, "IT": 5}
_DOMAINS = ("example.org", "example.net", "example.com", "courriel.example.org", "mail.example.net")


@dataclass(frozen=True, slots=True)
class Invented:
    """One invented person."""

    name: str
    email: str
    phone: str
    postal_address: str
    country: str


@dataclass(frozen=True, slots=True)
class Inventions:
    """Everything that Faker was asked for."""

    people: tuple[Invented, ...]
    works: tuple[str, ...]  # slugs of works of art
    articles: tuple[str, ...]  # slugs of the blog
    sentences: tuple[str, ...]


def invent(seed: int, people: int) -> Inventions:
    """Return the inventions of `seed`, with as many `people` (each e-mail address once)."""
    import faker  # noqa: PLC0415  # takes a second, and only a demonstration needs it

    fakers = {country: faker.Faker(locale) for country, locale in _LOCALES.items()}
    for number, one in enumerate(fakers.values()):
        one.seed_instance(seed * 31 + number)
    countries = [country for country, share in _SHARES.items() for _ in range(share)]
    french = fakers["FR"]
    return Inventions(
        people=tuple(
            _person(fakers[country], country, number)
            for number in range(people)
            for country in (countries[number * 37 % 100],)  # 37 and 100 share no divisor: all get their turn
        ),
        works=tuple(slug(french.sentence(nb_words=3)) for _ in range(60)),
        articles=tuple(slug(french.sentence(nb_words=5)) for _ in range(25)),
        sentences=tuple(french.sentence(nb_words=12) for _ in range(200)),
    )


def slug(text: str) -> str:
    """Return `text` as it would stand in an address: small letters and hyphens."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain).strip("-")


def _person(fake: Faker, country: str, number: int) -> Invented:
    first, last = fake.first_name(), fake.last_name()
    domain = _DOMAINS[number % len(_DOMAINS)]
    return Invented(
        name=f"{first} {last}",
        email=f"{slug(first)}.{slug(last)}{number}@{domain}",
        phone=_phone(country, number),
        postal_address=fake.address(),
        country=country,
    )


def _phone(country: str, number: int) -> str:
    """Return a number as people write it, from the ranges kept for fiction (Arcep, Ofcom)."""
    if country == "GB":
        return f"020 7946 0{number % 1000:03}"
    pair = f"{number // 100 % 100:02} {number % 100:02}"
    return f"+33 5 36 49 {pair}" if country != "FR" else f"{('01 99 00', '02 61 91')[number % 2]} {pair}"
