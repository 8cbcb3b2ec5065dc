"""Apache's LogFormat: the directives of mod_log_config, mod_logio and mod_ssl (httpd 2.4 documentation)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.traffic.formats.layout import compile_layout
from pipelines.traffic.formats.model import Format, FormatError
from pipelines.traffic.formats.shapes import Style, Token, Value
from pipelines.traffic.formats.signals import COOKIES, DNT, GPC, cookie_role
from pipelines.traffic.formats.stamps import Stamp
from pipelines.traffic.formats.strftime import pieces

_DIRECTIVE = re.compile(r"%(?:([!0-9,<>]*)(?:\{([^}]*)\})?(\^[a-zA-Z]{2}|[a-zA-Z])|(%))")
# letter → (kind, role, rank); of two that say the same, the one of the lower rank is taken
_PLAIN: dict[str, tuple[str, str | None, int]] = {
    "a": ("address", "address", 0), "h": ("address", "address", 1), "A": ("word", None, 0),
    "b": ("word", "sent", 0), "B": ("word", "sent", 0), "O": ("word", "sent", 1),
    "I": ("number", None, 0), "S": ("number", None, 0), "D": ("number", None, 0), "T": ("number", None, 0),
    "k": ("number", None, 0), "p": ("number", None, 0), "P": ("number", None, 0),
    "f": ("text", None, 0), "H": ("word", None, 0), "l": ("word", None, 0), "L": ("word", None, 0),
    "m": ("word", "method", 0), "q": ("query", "query", 0), "r": ("request", "request", 0),
    "R": ("word", None, 0), "s": ("word", "status", 1), "u": ("user", None, 0), "U": ("path", "path", 0),
    "v": ("host", None, 0), "V": ("host", None, 0), "X": ("word", None, 0), "^FB": ("number", None, 0),
    "^FU": ("number", None, 0),
}  # fmt: skip
_WITH_NAME = {"i": "text", "o": "text", "n": "text", "e": "text", "C": "text", "x": "text", "c": "text",
              "^ti": "text", "^to": "text", "T": "number", "p": "number", "P": "word", "h": "word",
              "a": "word"}  # fmt: skip
_WORDS = {"SSL_PROTOCOL", "SSL_CIPHER", "SSL_TLS_SNI", "UNIQUE_ID", "SSL_SESSION_ID", "SSL_SESSION_RESUMED"}
# headers of the request → (kind, role, rank)
HEADERS: dict[str, tuple[str, str | None, int]] = {
    "referer": ("text", "referrer", 0),
    "user-agent": ("text", "agent", 0),
    "x-forwarded-for": ("addresses", "forwarded", 0),
    "x-real-ip": ("addresses", "forwarded", 1),
    "true-client-ip": ("addresses", "forwarded", 1),
    "cf-connecting-ip": ("addresses", "forwarded", 1),
    "host": ("host", None, 0),
    "dnt": ("text", DNT, 0),
    "sec-gpc": ("text", GPC, 0),
    "cookie": ("text", COOKIES, 0),
}
_TIME_FORMS = {
    "sec": ("number", Stamp("epoch", rank=3)),
    "msec": ("exact", Stamp("epoch3", rank=2)),
    "usec": ("exact", Stamp("epoch6", rank=1)),
    "msec_frac": ("fraction", Stamp("fraction")),
    "usec_frac": ("fraction", Stamp("fraction")),
}


def compile_apache(name: str, text: str) -> Format:
    """Return the format of a LogFormat string, as the server sees it (its quotes without backslash)."""
    return compile_layout(name, list(tokens(text)), Style())


def tokens(text: str) -> Iterator[Token]:
    """Yield literals and directives; FormatError names a directive that is not known."""
    place = 0
    for found in _DIRECTIVE.finditer(text):
        yield _literal(text[place : found.start()])
        place = found.end()
        modifiers, argument, letter, percent = found.groups()
        if percent:
            yield "%"
        else:
            yield from _directive(found[0], modifiers, argument, letter)
    yield _literal(text[place:])


def _literal(text: str) -> str:
    if "%" in text:
        raise FormatError(
            f'"{text[text.index("%") :][:20]}" is no directive of Apache\'s mod_log_config: correct it in the'
            " log format; a percent sign itself is written %%."
        )
    return text


def _directive(directive: str, modifiers: str, argument: str | None, letter: str) -> list[Token]:
    if letter == "t":
        return _time(directive, argument)
    if argument is None and letter in _PLAIN:
        kind, role, rank = _PLAIN[letter]
        if letter == "s" and ">" in modifiers:
            rank = 0
        return [Value(directive, kind, role, rank)]
    if argument is not None and letter in _WITH_NAME:
        return [_named(directive, argument, letter)]
    raise FormatError(
        f"{directive} is no directive of Apache that is known here: correct it in the log format. A value"
        " that is not needed may stand as %{own}n, which is read and skipped."
    )


def _named(directive: str, argument: str, letter: str) -> Value:
    if letter in ("i", "^ti"):
        return Value(directive, *HEADERS.get(argument.lower(), ("text", None, 0)))
    if letter == "C":
        return Value(directive, "text", cookie_role(argument))
    if letter in ("a", "h"):  # %{c}a: the peer of the connection, a proxy where mod_remoteip is in use
        return Value(directive, "address", "address", 2)
    if letter in ("x", "c", "e") and (
        argument.upper() in _WORDS or argument.upper().startswith("SSL_CIPHER")
    ):
        return Value(directive, "word")
    return Value(directive, _WITH_NAME[letter])


def _time(directive: str, argument: str | None) -> list[Token]:
    if not argument:
        return ["[", Value(directive, "exact", stamp=Stamp("clf")), "]"]
    is_end = argument.startswith("end:")
    form = argument.split(":", 1)[1] if argument.startswith(("begin:", "end:")) else argument
    if form in _TIME_FORMS:
        kind, stamp = _TIME_FORMS[form]
        return [Value(directive, kind, stamp=Stamp(stamp.form, rank=stamp.rank + 10 * is_end))]
    return [
        Value(directive, "exact", stamp=Stamp("spec", piece.spec, piece.shape, 4 + 10 * is_end))
        if piece.spec
        else Value(directive, "exact", exact=("", piece.shape, ""))
        for piece in pieces(form)
    ]
