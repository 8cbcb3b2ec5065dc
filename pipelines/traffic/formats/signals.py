"""What a browser says of being counted: Do-Not-Track, Global Privacy Control, a cookie that the site set.

A format gives what it has of them as one text, "DNT: 1; Sec-GPC: 1; statistics=no"; only the charter knows
which of it is an objection. Of most formats it is nothing, and costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

DNT, GPC, COOKIES = "dnt", "gpc", "cookies"  # roles: two headers, and the header Cookie as a whole
_HEADERS: Mapping[str, str] = {DNT: "DNT", GPC: "Sec-GPC"}
_COOKIE = "cookie_"
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def cookie_role(name: str) -> str | None:
    """Return the role of the cookie `name`, which may name a group; None for one that no charter can list."""
    return f"{_COOKIE}{name.encode().hex()}" if _NAME.fullmatch(name) else None


def is_signal(role: str) -> bool:
    """Return whether what has this role may be an objection."""
    return role in (DNT, GPC, COOKIES) or role.startswith(_COOKIE)


def signals_of(has: Mapping[str, str]) -> str:
    """Return SQL of all that is said, from expressions by role; NULL where the format has none of it."""
    parts = [_pair(f"{name}: ", has[role]) for role, name in _HEADERS.items() if role in has]
    parts += [
        _pair(f"{bytes.fromhex(role.removeprefix(_COOKIE)).decode()}=", value)
        for role, value in has.items()
        if role.startswith(_COOKIE)
    ]
    if COOKIES in has:
        parts.append(has[COOKIES])
    return f"concat_ws(';', {', '.join(parts)})" if parts else "NULL"


def _pair(ahead: str, value: str) -> str:
    return f"'{ahead}' || ({value})"
