"""`%{…}t`: Apache's strftime forms → what DuckDB's strptime reads, and the shape that must stand there.

Conversions of POSIX strftime, as mod_log_config hands them on. What says nothing of the instant (the name
of the day, the abbreviation of a zone) is skipped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelines.traffic.formats.model import FormatError

_LONG = {
    "D": "%m/%d/%y", "F": "%Y-%m-%d", "r": "%I:%M:%S %p", "R": "%H:%M", "T": "%H:%M:%S", "h": "%b",
    "c": "%a %b %e %H:%M:%S %Y", "x": "%m/%d/%y", "X": "%H:%M:%S", "%": "%",
}  # fmt: skip
_TWO = "[0-9]{2}"
_SHAPES: dict[str, tuple[str, str]] = {  # conversion → what DuckDB calls it, its shape
    "b": ("%b", "[A-Z][a-z]{2}"),
    "B": ("%B", "[A-Z][a-z]{2,8}"),
    "d": ("%d", "[0-3][0-9]"),
    "e": ("%-d", "[ 0-3]?[0-9]"),
    "H": ("%H", "[0-2][0-9]"),
    "I": ("%I", "[01][0-9]"),
    "j": ("%j", "[0-3][0-9]{2}"),
    "k": ("%-H", "[ 0-2]?[0-9]"),
    "l": ("%-I", "[ 01]?[0-9]"),
    "m": ("%m", "[01][0-9]"),
    "M": ("%M", "[0-5][0-9]"),
    "p": ("%p", "[AP]M"),
    "S": ("%S", "[0-6][0-9]"),
    "y": ("%y", _TWO),
    "Y": ("%Y", "[0-9]{4}"),
    "z": ("%z", "[+-](?:0[0-9]|1[0-4])[0-5][0-9]"),
}
_SKIPPED = {
    "a": "[A-Z][a-z]{2}", "A": "[A-Z][a-z]{5,8}", "Z": "[A-Z]{1,5}", "C": _TWO, "g": _TWO, "G": "[0-9]{4}",
    "u": "[1-7]", "w": "[0-6]", "U": _TWO, "V": _TWO, "W": _TWO, "n": "\n", "t": "\t",
}  # fmt: skip


@dataclass(frozen=True)
class Piece:
    """A part of a time form: what to capture (`spec` is then how DuckDB reads it), or to skip (None)."""

    shape: str
    spec: str | None


def pieces(form: str) -> list[Piece]:
    """Return the parts of a strftime form; FormatError names a conversion that is not known."""
    form = _written_out(form)
    found: list[Piece] = []
    shape = spec = ""
    for conversion, literal in re.findall(r"%[EO]?(.)|([^%]+)", form):
        if conversion in _SKIPPED:
            found += [Piece(shape, spec), Piece(_SKIPPED[conversion], None)]
            shape = spec = ""
        elif conversion:
            known = _known(conversion)
            spec, shape = spec + known[0], shape + known[1]
        else:
            spec, shape = spec + literal, shape + re.escape(literal)
    return [piece for piece in [*found, Piece(shape, spec)] if piece.shape]


def is_instant(spec: str) -> bool:
    """Return whether a DuckDB form says at least day and minute."""
    has = set(re.findall(r"%-?(.)", spec))
    day = {"Y", "y"} & has and ("j" in has or ({"m", "b", "B"} & has and "d" in has))
    return bool(day and ("H" in has or {"I", "p"} <= has) and "M" in has)


def _written_out(form: str) -> str:
    return re.sub("%([a-zA-Z])", lambda found: _LONG.get(found[1], found[0]), form)


def _known(conversion: str) -> tuple[str, str]:
    if conversion == "%":
        return "%%", "%"
    if conversion not in _SHAPES:
        raise FormatError(
            f"the time form %{conversion} is not known: write the time with %d/%b/%Y:%H:%M:%S %z or its like."
        )
    return _SHAPES[conversion]
