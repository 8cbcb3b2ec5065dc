"""What looks like something of a person in a published text: addresses, numbers, tokens, in any disguise.

A text is read as it is, percent-decoded (twice: once by the site, once by a proxy), and with the words that
people hide an e-mail address behind.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import unquote, unquote_plus

import phonenumbers

LONGEST = 200

_EMAIL = re.compile(
    r"[\w.+'-]+\s*(?:@|\uff20|\(at\)|\[at\]|\{at\}|&#64;|_at_|-at-)\s*"
    r"[\w-]+\s*(?:\.|\(dot\)|\[dot\]|-dot-)\s*\w{2,}",
    re.IGNORECASE,
)
_AT = re.compile("[@\uff20]")
_ADDRESS = re.compile(r"[0-9a-f:.]{3,}(?:%\w+)?", re.IGNORECASE)
_DASHED = re.compile(r"(?<![\d.-])\d{1,3}(?:-\d{1,3}){3}(?![\d.-])")
_LONG_NUMBER = re.compile(r"\d{6}")
_SPACED_NUMBER = re.compile(r"\d(?:[\s().+_-]{0,3}\d){6,}")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}\b", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
_HEX = re.compile(r"(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{16,}", re.IGNORECASE)
_JWT = re.compile(r"eyJ[\w-]{8,}\.[\w-]+")
_WORD = re.compile(r"[A-Za-z0-9+=_]{16,}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\ud800-\udfff]")
# A day of the calendar in a page's name is the number of nobody.
_DATE = re.compile(r"(?<![\d-])(?:19|20)\d\d([-/_.])(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])(?!-?\d)")
_REGIONS = ("FR", "BE", "CH", "LU", "DE", "GB", "ES", "IT", "NL", "US")


def suspicions(text: str | None) -> set[str]:
    """Return what `text` looks like, in fixed words; empty where it is nothing of anybody."""
    if text is None:
        return {"nothing at all"}
    if len(text) > LONGEST:
        return {"a text too long to be a name"}
    return {reason for reading in _readings(text) for reason in _reasons(reading)}


def _readings(text: str) -> set[str]:
    once = unquote(text)
    return {text, once, unquote(once), unquote_plus(text)}


def _reasons(text: str) -> Iterator[str]:
    dateless = _DATE.sub("#", text)
    if _EMAIL.search(text) or _AT.search(text):
        yield "an e-mail address"
    if any(_is_address(word.group()) for word in _ADDRESS.finditer(dateless)) or _DASHED.search(dateless):
        yield "an IP address"
    if _is_phone(dateless):
        yield "a phone number"
    if _LONG_NUMBER.search(dateless) or _SPACED_NUMBER.search(dateless):
        yield "a long number"
    if any(_is_iban(found.group()) for found in _IBAN.finditer(text)):
        yield "a bank account"
    is_long = _UUID.search(text) or _HEX.search(text) or _JWT.search(text)
    if is_long or any(_is_random(word) or _hides_address(word) for word in _WORD.findall(text)):
        yield "a token"
    if _CONTROL.search(text):
        yield "control characters"


def _is_address(word: str) -> bool:
    """Return whether a word is an IPv4 address, or an IPv6 address of more than "::"."""
    for candidate in (word.strip(".:"), word.strip(".")):
        try:
            found: IPv4Address | IPv6Address = ip_address(candidate.partition("%")[0])
        except ValueError:
            continue
        return found.version == 4 or candidate.count(":") > 1
    return False


def _is_phone(text: str) -> bool:
    if sum(character.isdigit() for character in text) < 7:
        return False
    spaced = re.sub(r"[._/+-]+", " ", text)
    return any(_matches(reading, region) for reading in (text, spaced) for region in _REGIONS)


def _matches(text: str, region: str) -> bool:
    matcher: Iterable[object] = phonenumbers.PhoneNumberMatcher(text, region, phonenumbers.Leniency.VALID)
    return any(True for _match in matcher)


def _is_iban(text: str) -> bool:
    """Return whether the check digits of ISO 13616 hold."""
    plain = re.sub("[ -]", "", text).upper()
    turned = plain[4:] + plain[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1


def _is_random(word: str) -> bool:
    """Return whether a word mixes cases and digits as no word does."""
    kinds = (any(map(kind, word)) for kind in (str.islower, str.isupper, str.isdigit))
    return len(word) >= 20 and all(kinds)


def _hides_address(word: str) -> bool:
    """Return whether a word is an e-mail address in base64."""
    try:
        decoded = b64decode(word.rstrip("=") + "=" * (-len(word.rstrip("=")) % 4), validate=True)
    except ValueError:
        return False
    return _EMAIL.search(decoded.decode("latin-1")) is not None
