"""What a value of a log line may look like, by its kind and by what stands around it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from pipelines.traffic.formats.clf import USER
from pipelines.traffic.formats.stamps import Stamp

# What ends a value that may hold blanks, where it is not in quotes.
SOLID = '"[]|{}()<>;\t,^~'
CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}|(?:^|[^0-9])[0-9]{10}(?:[^0-9]|$)"
_SPACED = ("text", "user", "request", "addresses", "list")
_CLOSING = {"[": "]", "(": ")", "{": "}", "<": ">"}

_BARE_REQUEST = r'(?:[^ "]+ [^ "]+ HTTP/[0-9.]+|-)'
_PLAIN_REQUEST = r'[^ "\\]+ [^ "\\]+ HTTP/[0-9.]+'
_PLAIN_ISO = r'[^ "\]|,;\t]+'
_TIMES = {
    "clf": r'[^\]"\[|]+',
    "iso": r'[^ "\]|,;\t]+(?: (?:[0-9:.,]+|UTC|GMT|[+-][0-9:]+)){0,2}',
    "epoch": "[0-9.]+",
    "epoch3": "[0-9]+",
    "epoch6": "[0-9]+",
    "fraction": "[0-9]{3,6}",
}


@dataclass(frozen=True, eq=False)
class Value:
    """One directive: `kind` says its shape, `role` which field it may be; the lowest `rank` is taken.

    `exact` is its shape where it is known to the letter: what stands before, what is captured, what
    behind; `is_plain` whether the next character always decides in it. `check` is what the value must be.
    """

    name: str
    kind: str = "word"
    role: str | None = None
    rank: int = 0
    stamp: Stamp | None = None
    exact: tuple[str, str, str] | None = None
    is_plain: bool = True
    check: str = ""


Token = str | Value


@dataclass(frozen=True)
class Style:
    """How a server writes values: `escape` is "apache", "json" or "none"; an absent one may be empty.

    `is_url` says that requests are logged with scheme and host.
    """

    escape: str = "apache"
    may_be_empty: bool = False
    is_url: bool = False


@dataclass(frozen=True)
class Place:
    """Where a value stands: the literals around it, and the kind of the value after the next literal."""

    value: Value
    before: str
    after: str
    next_kind: str
    is_quoted: bool
    style: Style
    is_plain: bool = False

    @property
    def end(self) -> str:
        """The character that ends a value with blanks; "" where only a blank or the line's end does."""
        text = self.after.lstrip(" ")[:1]
        return text if text and text in SOLID else ""

    @property
    def is_free(self) -> bool:
        """Whether the value may run on over blanks, with nothing but the next values to end it."""
        return self.value.kind == "text" and not self.end

    def shape(self) -> tuple[str, str, str]:
        """Return the regular expression of the value: before what is captured, that, and behind it."""
        value = self.value
        if value.exact:
            return value.exact
        if value.stamp:
            return "", value.stamp.shape or self._time(value.stamp.form), ""
        if self.is_quoted and self.end == '"' and value.kind in _SPACED:
            return "", f"{self._inside()}*", ""
        return "", getattr(self, f"_{value.kind}")(), ""

    def plain(self) -> tuple[str, str, str] | None:
        """Return the shape of most lines, in which the next character always decides; None: there is none."""
        if self.is_free or not self.value.is_plain:
            return None
        return replace(self, is_plain=True).shape()

    def _time(self, form: str) -> str:
        if form == "iso" and self.is_plain and self.after.startswith(" "):
            return _PLAIN_ISO
        if form == "clf" and self.end not in ('"', "]", "|"):
            return r'[^ "\[\]]+ [+-][0-9]{4}'
        return _TIMES[form]

    def _word(self, more: str = " ") -> str:
        return f"{self._inside(more)}{'*' if self.style.may_be_empty else '+'}"

    def _host(self) -> str:
        return self._word(" /,:" if self.is_plain and self.after.startswith(":") else " /,")

    def _address(self) -> str:
        """A port may follow an address, and IPv6 has colons of its own."""
        return self._word(" :" if self.is_plain and self.after.startswith(":") else " ")

    _path = _uri = _word

    def _query(self) -> str:
        return f"{self._inside(' ')}*"

    def _number(self) -> str:
        return "[0-9.-]*" if self.style.may_be_empty else "[0-9.-]+"

    def _text(self) -> str:
        return f"{self._inside()}*"

    def _request(self) -> str:
        if self.end:
            return self._text()
        return _PLAIN_REQUEST if self.is_plain else _BARE_REQUEST

    def _user(self) -> str:
        if not self.end or self.is_plain:
            return self._word()
        return f"(?:{USER})?" if self.style.may_be_empty else USER

    def _addresses(self) -> str:
        if self.end == ",":
            return self._word()
        item = f"{self._inside(' ,')}+"
        return f"(?:{item}(?:, ?{item})*){'?' if self.style.may_be_empty else ''}"

    def _list(self) -> str:
        if self.end == "," or self.is_plain:
            return self._word(" ,")
        item = f"{self._inside(' ,')}*"
        return f"{item}(?:(?:, | : ){item})*"

    def _inside(self, more: str = "") -> str:
        """Return one character of the value, which is ended by what follows and by each of `more`."""
        refused = set(more) | ({'"'} if self.style.escape != "none" or self.is_quoted else set())
        if " " not in more or not self.after.startswith(" "):
            refused |= set(self.end + _CLOSING.get(self.end, ""))
            first = self.after[:1]
            if " " in more and first not in ("", ":") and not first.isalnum():
                refused.add(first)
        if self.next_kind == "query" and self.value.kind in ("path", "uri"):
            refused.add("?")
        excluded = "".join(re.escape(character) for character in sorted(refused))
        if self.style.escape == "none":
            return f"[^{excluded}]" if refused else "."
        if self.is_plain:  # a line with a backslash is no plain one
            return rf"[^{excluded}\\]"
        return rf"(?:[^{excluded}\\]|\\{'[^ ]' if ' ' in refused else '.'})"
