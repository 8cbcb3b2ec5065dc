"""What a published text may not look like: an e-mail address, IP, phone, long number or token.

The traffic side masks these on arrival. Here they are looked for again, as a page name that slipped
through must not be published: first when cells are folded, then by the gate on what came out.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote

LONGEST_TEXT = 200

# Days of the calendar in a page's name are no numbers of anybody.
_ISO_DATE = re.compile(r"(?<![\d-])(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?!-?\d)")
_FAULTS = (
    ("an e-mail address", re.compile(r"@")),
    ("an IP address", re.compile(r"(?<![\d.])\d{1,3}(?:[.-]\d{1,3}){3}(?![\d.])|:[0-9a-f]*:", re.IGNORECASE)),
    ("a phone number", re.compile(r"\d(?:[\s().+_-]{0,3}\d){6,}")),
    ("a long number", re.compile(r"\d{6}")),
    ("a token", re.compile(r"[0-9a-f]{16}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}", re.IGNORECASE)),
    ("control characters", re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")),
)
_WORD = re.compile(r"[A-Za-z0-9+=_]{20,}")
_KINDS = (re.compile(r"[a-z]"), re.compile(r"[A-Z]"), re.compile(r"[0-9]"))


@lru_cache(maxsize=1 << 15)
def fault(text: str) -> str | None:
    """Return what of a person `text` looks like, or None; it is read percent-decoded too."""
    if len(text) > LONGEST_TEXT:
        return "a text too long to be a name"
    once = unquote(text)
    for reading in {text, once, unquote(once)}:
        dateless = _ISO_DATE.sub("#", reading)
        for reason, pattern in _FAULTS:
            if pattern.search(dateless):
                return reason
        if any(_is_random(word) for word in _WORD.findall(reading)):
            return "a token"
    return None


def _is_random(word: str) -> bool:
    return all(kind.search(word) for kind in _KINDS)
