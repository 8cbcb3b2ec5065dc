"""Text of a time → UTC instant, in SQL: only a strict shape is read, whatever else is no time.

`try_strptime` would read 'infinity' and 'epoch' as 1900, so a shape guards every call. The second :60
is a leap second. A time without zone is of the charter's zone (`$zone`), or of UTC where a standard says so.
"""

from __future__ import annotations

import re

# What stands for the time of a line that the quick form of a statement leaves unread.
UNREAD = "TIMESTAMP '0001-01-01'"
_SELDOM, _END = "/* seldom */", "/* end */"
_CLF_SHAPE = "[0-9]{2}/[A-Za-z]{3}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}"  # right or wrong
_CLF = (
    "[0-3][0-9]/[A-Z][a-z][a-z]/[0-9]{4}:[0-2][0-9]:[0-5][0-9]:([0-5][0-9]|60) [+-](0[0-9]|1[0-4])[0-5][0-9]"
)
_CLF_ANY = (
    "[0-3][0-9]/[A-Z][a-z][a-z]/[0-9]{4}[: ][0-2][0-9]:[0-5][0-9]:([0-5][0-9]|60)"
    "([.,][0-9]{1,9})?( ?[+-](0[0-9]|1[0-4]):?[0-5][0-9])?"
)
_ISO = (
    "[0-9]{4}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-5][0-9]:([0-5][0-9]|60)"
    "([.,][0-9]{1,9})?( ?Z|( UTC)|( GMT)| ?[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)?"
)
CLF_LENGTH = len("21/Nov/2026:13:55:36")


def clf(text: str) -> str:
    """Return SQL for `21/Nov/2026:13:55:36 +0100`: Apache's %t without brackets, nginx's $time_local.

    Other servers write fractions, no offset, or ISO 8601 in its place: they are read by an expression that is
    long, and `quick` leaves it out.
    """
    return f"""CASE WHEN regexp_full_match({text}, '{_CLF}') THEN timezone('UTC', try_strptime(
        CASE WHEN {text}[18:20] = ':60' THEN {text}[:17] || ':59' || {text}[21:] ELSE {text} END,
        '%d/%b/%Y:%H:%M:%S %z') + to_seconds(CASE WHEN {text}[18:20] = ':60' THEN 1 ELSE 0 END))
        WHEN coalesce({text}, '') = '' OR regexp_full_match({text}, '{_CLF_SHAPE}') THEN NULL
        ELSE {_SELDOM}{any_time(text)}{_END} END"""


def quick(statement: str) -> str:
    """Return `statement` without what is seldom needed: such times are UNREAD.

    Most of the work that a statement for few lines makes is its planning.
    """
    return re.sub(f"{re.escape(_SELDOM)}.*?{re.escape(_END)}", UNREAD, statement, flags=re.S)


def clf_any(text: str, zone: str = "$zone") -> str:
    """Return SQL for the same time with or without fraction, with or without offset (HAProxy has none).

    A blank may stand between date and time (Werkzeug).
    """
    whole, leap = _without_leap(text, 18)
    stamp = f"try_strptime(replace({whole}[:{CLF_LENGTH}], ' ', ':'), '%d/%b/%Y:%H:%M:%S')"
    offset = f"replace(trim(regexp_extract({text}, ' ?[+-][0-9:]+$')), ':', '')"
    seconds = (
        f"({leap} + coalesce(TRY_CAST('0' || replace(regexp_extract({text}, '[.,][0-9]+'), ',', '.')"
        " AS DECIMAL(18, 6)), 0))"
    )
    return f"""CASE WHEN regexp_full_match({text}, '{_CLF_ANY}') THEN CASE WHEN {offset} = ''
        THEN timezone('UTC', timezone({zone}, {stamp}))
        ELSE {stamp} - to_minutes(TRY_CAST({offset}[:1] || '1' AS BIGINT)
            * (TRY_CAST({offset}[2:3] AS BIGINT) * 60 + TRY_CAST({offset}[4:5] AS BIGINT))) END
        + to_microseconds(TRY_CAST({seconds} * 1000000 AS BIGINT)) END"""


def iso(text: str, zone: str = "$zone") -> str:
    """Return SQL for ISO 8601 and RFC 3339, "T" or a space between, "Z", offset or no zone."""
    whole, leap = _without_leap(f"replace({text}, ',', '.')", 17)
    zoned = f"regexp_matches({text}, '(Z|UTC|GMT|[+-][0-9:]+)$') AND {text}[20:] <> ''"
    plain = f"regexp_replace(regexp_replace({whole}, ' ?(Z|UTC|GMT)$', '+00'), ' ([+-])', '\\1')"
    return f"""CASE WHEN regexp_full_match({text}, '{_ISO}') THEN CASE WHEN {zoned}
        THEN timezone('UTC', TRY_CAST({plain} AS TIMESTAMPTZ))
        ELSE timezone('UTC', timezone({zone}, TRY_CAST({plain} AS TIMESTAMP))) END + to_seconds({leap}) END"""


def utc(day: str, clock: str) -> str:
    """Return SQL for a date and a time of day in UTC, whose shapes were checked before."""
    leap = f"{clock}[7:8] = '60'"
    return f"""TRY_CAST(concat({day}, ' ', CASE WHEN {leap} THEN {clock}[:6] || '59' || {clock}[9:]
        ELSE replace({clock}, ',', '.') END) AS TIMESTAMP) + to_seconds(CASE WHEN {leap} THEN 1 ELSE 0 END)"""


def epoch(text: str, digits: int = 0) -> str:
    """Return SQL for seconds since 1970 with or without fraction, or 10^`digits`ths of seconds."""
    if digits:
        return (
            f"CASE WHEN regexp_full_match({text}, '[0-9]{{1,{11 + digits}}}')"
            f" THEN make_timestamp(TRY_CAST({text} AS BIGINT) * {10 ** (6 - digits)}) END"
        )
    return (
        f"CASE WHEN regexp_full_match({text}, '[0-9]{{1,11}}([.,][0-9]{{1,9}})?') THEN make_timestamp("
        f"TRY_CAST(TRY_CAST(replace({text}, ',', '.') AS DECIMAL(28, 6)) * 1000000 AS BIGINT)) END"
    )


def any_time(text: str, zone: str = "$zone") -> str:
    """Return SQL for a time of any of these forms; a whole number is taken by its length (s, ms, µs, ns)."""
    whole = f"split_part({text}, '.', 1)"  # of milliseconds and finer, a further fraction says nothing
    return f"""CASE WHEN {text}[5] = '-' THEN {iso(text, zone)}
        WHEN {text}[5] = '/' THEN {iso(f"replace({text}, '/', '-')", zone)}
        WHEN {text}[3] = '/' THEN {clf_any(text, zone)}
        WHEN {text}[1] = '[' THEN {clf_any(f"trim({text}, '[]')", zone)}
        WHEN length({whole}) <= 12 THEN {epoch(text)}
        WHEN length({whole}) <= 14 THEN {epoch(whole, 3)}
        WHEN length({whole}) <= 17 THEN {epoch(whole, 6)}
        WHEN length({whole}) <= 20 THEN {epoch(f"({whole})[:-4]", 6)} END"""


def _without_leap(text: str, colon: int) -> tuple[str, str]:
    """Return SQL for `text` with :59 for :60 (whose colon stands at `colon`), and for the seconds over."""
    is_leap = f"{text}[{colon}:{colon + 2}] = ':60'"
    whole = f"CASE WHEN {is_leap} THEN {text}[:{colon - 1}] || ':59' || {text}[{colon + 3}:] ELSE {text} END"
    return f"({whole})", f"CASE WHEN {is_leap} THEN 1 ELSE 0 END"
