"""What a published text may not look like: an e-mail address, IP, phone, number or token, in any disguise.

The traffic side masks these on arrival. Here they are looked for again, as a page name that slipped
through must not be published: first when cells are folded, then by the gate on what came out.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import unquote, unquote_plus

import phonenumbers

LONGEST_TEXT = 200

# Days of the calendar in a page's name are no numbers of anybody.
_DATE = re.compile(r"(?<![\d-])(?:19|20)\d\d([-/_.])(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])(?!-?\d)")
_AT = r"(?:@|\uff20|[(\[{]at[)\]}]|&#64;|[_-]at[_-])"
_DOT = r"(?:\.|[(\[{]dot[)\]}]|[_-]dot[_-])"
_EMAIL = re.compile(rf"@|\uff20|{_AT}\s*[\w-]+?\s*{_DOT}\s*\w{{2}}", re.IGNORECASE)
_FAULTS = (
    ("an IP address", re.compile(r"(?<!\d)(?<!\d\.)\d{1,3}(?:[.-]\d{1,3}){3}(?!\.?\d)|:[0-9a-f]*:", re.I)),
    ("a phone number", re.compile(r"\d(?:[\s().+_-]{0,3}\d){6,}")),
    ("a long number", re.compile(r"\d{6}")),
)
_TOKEN = re.compile(
    r"[0-9a-f]{16}|[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{4}|eyJ[\w-]{8,}\.[\w-]", re.IGNORECASE
)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\ud800-\udfff]")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}\b", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z0-9+=_]{16,}")
_KINDS = (re.compile(r"[a-z]"), re.compile(r"[A-Z]"), re.compile(r"[0-9]"))
_FEWEST_DIGITS = 7  # of a phone number
# Where the people of a European site have their phones.
_REGIONS = ("FR", "BE", "CH", "LU", "DE", "GB", "ES", "IT", "NL", "US")


@lru_cache(maxsize=1 << 15)
def fault(text: str) -> str | None:
    """Return what of a person `text` looks like, or None; it is read percent-decoded too."""
    if len(text) > LONGEST_TEXT:
        return "a text too long to be a name"
    once = unquote(text)
    readings = dict.fromkeys((text, once, unquote(once), unquote_plus(text)))
    return next((reason for reading in readings for reason in _reasons(reading)), None)


def _reasons(text: str) -> Iterator[str]:
    dateless = _DATE.sub("#", text)
    if _EMAIL.search(text):
        yield "an e-mail address"
    yield from (reason for reason, pattern in _FAULTS if pattern.search(dateless))
    if _is_phone(dateless):
        yield "a phone number"
    if any(_is_iban(found.group()) for found in _IBAN.finditer(text)):
        yield "a bank account"
    if _TOKEN.search(text) or any(_is_random(word) or _hides_address(word) for word in _WORD.findall(text)):
        yield "a token"
    if _CONTROL.search(text):
        yield "control characters"


def _is_phone(text: str) -> bool:
    """Return whether some digits are a number that a telephone has, whatever stands between them."""
    if sum(character.isdigit() for character in text) < _FEWEST_DIGITS:
        return False
    spaced = re.sub(r"[._/+-]+", " ", text)
    return any(
        any(True for _found in phonenumbers.PhoneNumberMatcher(reading, region))
        for reading in (text, spaced)
        for region in _REGIONS
    )


def _is_iban(text: str) -> bool:
    """Return whether the check digits hold (ISO 13616)."""
    plain = re.sub("[ -]", "", text).upper()
    return int("".join(str(int(character, 36)) for character in plain[4:] + plain[:4])) % 97 == 1


def _is_random(word: str) -> bool:
    """Return whether a word mixes cases and digits as no word does."""
    return len(word) >= 20 and all(kind.search(word) for kind in _KINDS)


def _hides_address(word: str) -> bool:
    """Return whether a word is an e-mail address in base64."""
    bare = word.rstrip("=")
    try:
        decoded = b64decode(bare + "=" * (-len(bare) % 4), validate=True).decode("latin-1")
    except ValueError:
        return False
    return _EMAIL.search(decoded) is not None
