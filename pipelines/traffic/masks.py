"""What must never be kept of free text: anything that looks as if it pointed to a person.

One rule for path segments, campaign names, file names shown in messages and families of agents.
Masked is what looks like an e-mail address, a phone number (7 or more digits with separators; an ISO
date is let through), a number of 6 or more digits (article numbers are shorter, customer numbers are
not), a token (UUID, 16 or more hexadecimal digits, 20 or more characters of mixed kinds), an IP
address, more than 100 characters, or control characters. In doubt it is masked: a lost page name
costs a row of statistics, a kept address costs a person.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from functools import lru_cache
from urllib.parse import unquote, unquote_plus

MASKED = "(masked)"
LONGEST = 100

_EMAIL = re.compile(r"@|\w\s*[(\[{]\s*at\s*[)\]}]\s*\w", re.IGNORECASE)
_ISO_DATE = re.compile(r"(?<!\d)(?<!\d-)(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?!-?\d)")
_DIGITS_APART = re.compile(r"\d(?:[\s().+/_-]{0,3}\d){6,}")
_LONG_NUMBER = re.compile(r"\d{6}")
_HEX = re.compile(r"[0-9a-f]{16}", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z0-9+/=]{20,}")
_WORDS = re.compile(r"[A-Za-z0-9+/=_-]{20,}")
_KINDS = (re.compile(r"[a-z]"), re.compile(r"[A-Z]"), re.compile(r"[0-9]"))
_INSIDE_A_WORD = re.compile(r"[a-z][A-Z]|[0-9][A-Za-z]|[A-Za-z][0-9]")
_IPV4 = re.compile(r"(?<![\d.])\d{1,3}([.-])\d{1,3}\1\d{1,3}\1\d{1,3}(?![\d])")
_IPV6 = re.compile(r"[0-9a-f]*:[0-9a-f:.]*:[0-9a-f:.]*", re.IGNORECASE)
_ENCODED_TWICE = 2


@lru_cache(maxsize=1 << 16)
def identifies(text: str) -> bool:
    """Return whether `text`, as it stands or percent-decoded once or twice, may point to a person."""
    if len(text) > LONGEST:
        return True
    readings = {text, unquote_plus(text)}
    for _ in range(_ENCODED_TWICE):
        readings |= {unquote(reading, errors="surrogateescape") for reading in readings}
    return any(_identifies(reading) for reading in readings)


def mask(text: str) -> str:
    """Return `text`, or "(masked)" where it may point to a person."""
    return MASKED if identifies(text) else text


def _identifies(reading: str) -> bool:
    if any(unicodedata.category(character)[0] == "C" for character in reading):
        return True
    plain = unicodedata.normalize("NFKC", reading)
    # Also as it stands: normalised, a digit of another script can run into an address and hide it.
    if any(_EMAIL.search(form) or _is_address(form) for form in (reading, plain)):
        return True
    dateless = _ISO_DATE.sub("#", plain)
    return bool(_DIGITS_APART.search(dateless) or _LONG_NUMBER.search(dateless)) or _is_token(plain)


def _is_token(plain: str) -> bool:
    if _HEX.search(plain) or _UUID.search(plain):
        return True
    if any(_kinds(word) >= 2 for word in _WORD.findall(plain)):
        return True
    return any(_kinds(words) == 3 and _INSIDE_A_WORD.search(words) for words in _WORDS.findall(plain))


def _kinds(word: str) -> int:
    return sum(kind.search(word) is not None for kind in _KINDS)


def _is_address(plain: str) -> bool:
    return _IPV4.search(plain) is not None or any(_is_ipv6(match) for match in _IPV6.findall(plain))


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text.strip("."))
    except ValueError:
        return False
    return True
