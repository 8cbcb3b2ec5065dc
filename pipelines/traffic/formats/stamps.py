"""Which directives of a layout make up its time, and the SQL of the instant that they say."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipelines.traffic.formats import times
from pipelines.traffic.formats.model import FormatError
from pipelines.traffic.formats.strftime import is_instant

_READERS: dict[str, Callable[[str], str]] = {
    "clf": times.clf,
    "clf_any": times.clf_any,
    "iso": times.iso,
    "epoch": times.epoch,
    "epoch3": lambda text: times.epoch(text, 3),
    "epoch6": lambda text: times.epoch(text, 6),
}
NO_TIME = (
    "the log format holds no time: add %t (Apache), $time_local, $time_iso8601 or $msec (nginx);"
    " a time written by parts needs year, month, day, hour and minute."
)


@dataclass(frozen=True, eq=False)
class Stamp:
    """A directive that says something of the time.

    `form` is one of the readers above, "spec" (`spec` is DuckDB's strptime form, `shape` what it looks
    like), or "fraction" (digits of the second).
    """

    form: str
    spec: str = ""
    shape: str = ""
    rank: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether it says the instant alone."""
        return self.form in _READERS or (self.form == "spec" and is_instant(self.spec))


@dataclass(frozen=True)
class Instant:
    """The stamps taken, in order, and SQL for the instant; the n-th is the column `g.t<n>`."""

    stamps: Sequence[Stamp]
    sql: str


def instant(stamps: Sequence[Stamp]) -> Instant:
    """Return the time of a layout that has these stamps; FormatError where they say none."""
    whole = sorted((stamp for stamp in stamps if stamp.is_whole), key=lambda stamp: stamp.rank)
    parts = whole[:1] or [stamp for stamp in stamps if stamp.form == "spec"]
    if not whole and not is_instant(" ".join(stamp.spec for stamp in parts)):
        raise FormatError(NO_TIME)
    if parts[0].form == "spec" and whole and "%z" not in parts[0].spec:  # its offset stands apart
        parts += [stamp for stamp in stamps if stamp.spec.strip() == "%z"][:1]
    names = [f"g.t{number}" for number in range(len(parts))]
    sql = _READERS[parts[0].form](names[0]) if parts[0].form in _READERS else _spec(parts, names)
    fractions = [stamp for stamp in stamps if stamp.form == "fraction"][:1]
    if fractions and parts[0].form in ("spec", "epoch"):
        digits = f"rpad(g.t{len(parts)}, 6, '0')"
        sql = f"{sql} + to_microseconds(TRY_CAST({digits} AS BIGINT))"
        return Instant([*parts, *fractions], sql)
    return Instant(parts, sql)


def _spec(parts: Sequence[Stamp], names: Sequence[str]) -> str:
    text = f"trim(concat_ws(' ', {', '.join(names)}))"
    spec, shape = (" ".join(getattr(part, key) for part in parts) for key in ("spec", "shape"))
    shape = shape.replace(r"\ ", " ")
    if "%-" in spec:  # padded with blanks
        text = f"regexp_replace({text}, ' +', ' ', 'g')"
        spec, shape = (re.sub(" +", " ", form) for form in (spec, shape))
    spec, shape = spec.strip(" "), shape.strip(" ")
    read = _read(text, spec)
    if shape.count("[0-6][0-9]") == 1:  # the second :60 is a leap second
        ahead, behind = (_quoted(part) for part in shape.split("[0-6][0-9]"))
        earlier = rf"regexp_replace({text}, '^({ahead})60({behind})$', '\159\2')"
        read = f"coalesce({read}, {_read(earlier, spec)} + to_seconds(1))"
    return f"CASE WHEN regexp_full_match({text}, '{_quoted(shape)}') THEN {read} END"


def _read(text: str, spec: str) -> str:
    read = f"try_strptime({text}, '{_quoted(spec)}')"
    return f"timezone('UTC', {read if '%z' in spec else f'timezone($zone, {read})'})"


def _quoted(text: str) -> str:
    """Return a constant of the log format as it stands inside quotes of SQL; it is never a value of data."""
    return text.replace("'", "''")
