"""W3C extended log files: the `#Fields:` line says what stands where (IIS, CloudFront, Incapsula, NetScaler).

W3C Working Draft WD-logfile-960323: fields are separated by blanks, "-" is an absent one, a string may stand
in quotes with a quote doubled, date and time are UTC. IIS writes "+" for a blank; CloudFront
percent-encodes, and a percent sign too, so that a blank of the browser's name is %2520 (or %20).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from pipelines.traffic.formats import times
from pipelines.traffic.formats.extract import extract, extraction
from pipelines.traffic.formats.model import Fields, Format, FormatError, fields_sql, parameters
from pipelines.traffic.formats.requests import known_method, percent_decoded, target_of, with_query
from pipelines.traffic.formats.signals import COOKIES, DNT, GPC, is_signal, signals_of

# field → (role, rank): of two that say the same, the one of the lower rank is taken
_FIELDS: dict[str, tuple[str, int]] = {
    name: (role, rank)
    for role, names in {
        "date": ["date"], "time": ["time"], "local_date": ["date-local x-localdate"],
        "local_time": ["time-local"], "clf": ["localtime x-localtime gmttime"],
        "stamp": ["timestamp x-timestamp", "timestamp(ms) datetime date-time x-datetime"],
        "address": ["c-ip c-ip-address", "cs-ip x-client-ip", "ip client-ip clientip remote-addr"],
        "forwarded": [
            "x-forwarded-for cs(x-forwarded-for) s-xff x-xff cs-x-forwarded-for",
            "cs(true-client-ip) cs(x-real-ip) x-real-ip true-client-ip cf-connecting-ip cs(cf-connecting-ip)",
        ],
        "method": ["cs-method", "c-method", "s-operation method"],
        "stem": ["cs-uri-stem", "cs-uri-path"], "query": ["cs-uri-query", "query"],
        "uri": ["cs-uri", "cs-url", "c-uri", "uri url"],
        "status": ["sc-status", "c-status", "cs-status", "status"],
        "sent": ["sc-bytes", "bytes", "sc(content-length)"],
        "referrer": [
            "cs(referer) cs(referrer)", "c-referrer cs-referer cs-referrer cs-referred", "referer referrer",
        ],
        "agent": [
            "cs(user-agent)", "c-user-agent cs-user-agent cs-useragent c-agent", "user-agent useragent",
        ],
        DNT: ["cs(dnt) cs-dnt"], GPC: ["cs(sec-gpc) cs-sec-gpc"], COOKIES: ["cs(cookie) cs-cookie"],
    }.items()
    for rank, listed in enumerate(names)
    for name in listed.split()
}  # fmt: skip
MORE = "..."  # any fields behind the last that is named
# A name alone, as the standard and servers write them: no value of a log line.
_NAME = re.compile(r"(?:[a-z]{1,2}|time|date)(?:-[A-Za-z0-9_-]+|\([A-Za-z0-9_-]+\))")
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?"
_TWICE = rf"(?s){_DATE}[ \t]+{_CLOCK}.*{_DATE}[ \t]+{_CLOCK}"
_SPACED = r'(?:"(?:[^"\\]|\\.|"")*"|[^ \t"][^ \t]*)'
_PLAIN = r'[^ \t"][^ \t]*'
_TABBED = r"[^\t]*"
_EXACT = {
    "date": rf'"?{_DATE}"?',
    "time": rf'"?{_CLOCK}"?',
    "stamp": rf'"?(?:[0-9]{{9,19}}(?:[.,][0-9]{{1,9}})?|{_DATE}[T ]{_CLOCK}(?:Z|[+-][0-9:]{{2,6}})?)"?',
    "clf": r'"?\[?[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9:]{8}(?: [+-][0-9]{4})?\]?"?',
} | {"local_date": "", "local_time": ""}
_EXACT |= {"local_date": _EXACT["date"], "local_time": _EXACT["time"]}
# Imperva writes a head of its own, that ends in |==|
DIRECTIVE = (
    "(?s)^\ufeff?([ \t]*#.*|\\|==\\|.*|(startTime|endTime|accountI[dD]|[fF]ormat|[cC]hecksum|publicKeyId|key"
    "|configI[dD]):[^\t]*)$"
)
_DIRECTIVE = re.compile(DIRECTIVE)


# In a file without head the values themselves must show that the columns are the right ones.
_STRICT = {
    "address": r'"?[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]+(?:%[0-9A-Za-z]+)?"?',
    "status": r'"?(?:[1-5][0-9]{2}|-)"?',
}


def compile_fields(text: str, date: str | None = None, *, is_strict: bool = False) -> Format:
    """Return the format that a `#Fields:` line says; `date` is that of `#Date:`, for logs with times only.

    `is_strict` refuses lines whose address is none, and lets MORE stand for any further fields.
    FormatError says what the line lacks.
    """
    names = re.sub("^\ufeff?[ \t]*#?fields:?", "", text.strip(), flags=re.I).split()
    roles = _roles([name.lower().strip('"') for name in names])
    return _compile(
        roles,
        names,
        date if "date" not in roles.values() else None,
        _EXACT | _STRICT if is_strict else _EXACT,
    )


def is_directive(line: str) -> bool:
    """Return whether a line is a comment or head of a W3C log, or of Imperva's."""
    return _DIRECTIVE.fullmatch(line) is not None


def is_head(line: str) -> bool:
    """Return whether a line says which fields follow."""
    return line.lstrip("\ufeff \t").lower().startswith("#fields")


def is_more_of_head(line: str) -> bool:
    """Return whether a line holds names of fields alone: a `#Fields:` line that was wrapped."""
    words = line.split()
    return bool(words) and all(_NAME.fullmatch(word) or word.lower() in _FIELDS for word in words)


def lacks_date(names: str) -> bool:
    """Return whether a `#Fields:` line has times of day, and their date in a line of its own."""
    fields = names.lower().split()
    return "time" in fields and "date" not in fields


def _roles(names: Sequence[str]) -> dict[int, str]:
    """Return which column is taken for which field."""
    best: dict[str, tuple[int, int]] = {}
    for number, name in enumerate(names):
        if name in _FIELDS:
            role, rank = _FIELDS[name]
            best[role] = min(best.get(role, (99, 0)), (rank, number))
    if "sent" not in best and "cs-vid" in names and "cs-bytes" in names:  # Imperva: the content's length
        best["sent"] = 0, names.index("cs-bytes")
    if "address" not in best and "forwarded" in best:
        best["address"] = best.pop("forwarded")
    if "address" not in best:
        raise FormatError("#Fields: holds no client address: add c-ip to the fields that the server logs.")
    if "stem" in best:
        best.pop("uri", None)
    return {number: role for role, (_, number) in best.items()}


def _compile(
    roles: Mapping[int, str], names: Sequence[str], date: str | None, exact: Mapping[str, str]
) -> Format:
    hit_at, first, used = _time(set(roles.values()), date)
    unused = set(_EXACT) - used
    taken = {number: role for number, role in roles.items() if role not in unused}
    spaced, tabbed = (_line(taken, names, exact, *shape) for shape in ((_SPACED, " +"), (_TABBED, "\t")))
    is_cloudfront = any(name.lower().startswith("x-edge-") for name in names)
    plain = _line(taken, names, exact, *((_TABBED, "\t") if is_cloudfront else (_PLAIN, " "))).replace(
        "[ \t]*$", "$"
    )
    groups = [taken[number] for number in sorted(taken)]
    whole = (
        f"CASE WHEN contains(text, chr(9)) THEN {extract('f_tabbed', groups)}"
        f" ELSE {extract('f_spaced', groups)} END"
    )
    cut, bound = extraction(groups, first, whole, plain)
    fields = _fields(set(groups), hit_at, is_cloudfront=is_cloudfront)
    more = {
        "f_tabbed": tabbed,
        "f_spaced": spaced,
        "f_directive": DIRECTIVE,
        **({"f_date": date} if date else {}),
    }
    is_ours = f"g.{first} <> '' AND NOT starts_with(ltrim(text, ' '), '#')"
    if MORE in names:  # two lines joined must not pass for one with more fields
        more["f_twice"] = _TWICE
        is_ours += " AND NOT regexp_matches(text, $f_twice)"
    sql = fields_sql(cut, is_ours, fields, is_directive="regexp_full_match(text, $f_directive)")
    columns = sum(name != MORE for name in names)
    takes = _taker(spaced, tabbed, first, _TWICE if MORE in names else "$.", columns)
    return Format("w3c", sql, parameters(fields, **bound, **more), takes)


def _time(has: set[str], date: str | None) -> tuple[str, str, set[str]]:
    """Return SQL of the instant, the group that a line must have, and the roles used for it."""
    if {"date", "time"} <= has:
        return times.utc(_plain("date"), _plain("time")), "date", {"date", "time"}
    if "time" in has and date:
        return times.utc("$f_date", _plain("time")), "time", {"time"}
    if "stamp" in has:
        return times.any_time(f"({_plain('stamp')})", "'UTC'"), "stamp", {"stamp"}
    if "clf" in has:
        return times.clf_any(f"trim({_plain('clf')}, '[]')"), "clf", {"clf"}
    if {"local_date", "local_time"} <= has:
        text = f"(({_plain('local_date')}) || 'T' || ({_plain('local_time')}))"
        return times.iso(text), "local_date", {"local_date", "local_time"}
    raise FormatError(
        "#Fields: holds no date and time: add date and time to the fields that the server logs."
    )


def _plain(role: str) -> str:
    return f"trim(g.{role}, '\"')"


def _line(
    taken: Mapping[int, str], names: Sequence[str], exact: Mapping[str, str], token: str, separator: str
) -> str:
    columns = [
        f"(?P<{taken[number]}>{exact.get(taken[number], token)})" if number in taken else token
        for number, name in enumerate(names)
        if name != MORE
    ]
    more = f"(?:{separator}{token})*" if MORE in names else ""
    return f"(?s)^{separator.join(columns)}{more}[ \t]*$"


def _fields(has: set[str], hit_at: str, *, is_cloudfront: bool) -> Fields:
    text = {role: _unquoted(f"g.{role}") for role in has}
    method = text.get("method")
    target = text.get("stem") or (_path_of(text["uri"]) if "uri" in has else None)
    if target and "query" in has:
        target = with_query(f"({target})", f"({text['query']})")
    if target and is_cloudfront:
        target = f"regexp_replace({target}, '%25([0-9A-Fa-f]{{2}})', '%\\1', 'g')"
    return Fields(
        hit_at=hit_at,
        address=text["address"],
        forwarded=f"replace({text['forwarded']}, '+', ' ')" if "forwarded" in has else "NULL",
        method=known_method(f"({method})") if method else "NULL",
        target=target_of(f"({method})", f"({target})") if method and target else target or "NULL",
        # EdgeCast writes TCP_HIT/200
        status=f"regexp_replace({text['status']}, '^[A-Z_]+/', '')" if "status" in has else "NULL",
        sent=text.get("sent", "NULL"),
        referrer=text.get("referrer", "NULL"),
        agent=_agent(text["agent"], is_cloudfront=is_cloudfront) if "agent" in has else "NULL",
        signals=signals_of(
            {role: _agent(text[role], is_cloudfront=is_cloudfront) for role in text if is_signal(role)}
        ),
    )


def _unquoted(value: str) -> str:
    return f"CASE WHEN starts_with({value}, '\"') THEN replace({value}[2:-2], '\"\"', '\"') ELSE {value} END"


def _path_of(uri: str) -> str:
    """Return SQL: the path of "https://host/path", "host/path" (Imperva) or "/path"."""
    return (
        f"CASE WHEN starts_with({uri}, '/') OR NOT contains({uri}, '/') THEN {uri}"
        f" ELSE regexp_replace({uri}, '^([A-Za-z][A-Za-z0-9+.-]*://)?[^/?]*', '') END"
    )


def _agent(agent: str, *, is_cloudfront: bool) -> str:
    """Return SQL: the browser's name with blanks for "+", percent-encoding in Apache's escapes."""
    if not is_cloudfront:
        agent = f"CASE WHEN contains({agent}, ' ') THEN {agent} ELSE replace({agent}, '+', ' ') END"
    return percent_decoded(f"({agent})", is_twice=is_cloudfront)


def _taker(spaced: str, tabbed: str, first: str, unless: str, columns: int) -> Callable[[str], bool]:
    """Judge a line that may have so many `columns`; the expressions are compiled when they are needed."""

    def takes(line: str) -> bool:
        separator, pattern = ("\t", tabbed) if "\t" in line else (" ", spaced)
        if line.count(separator) < columns - 1:
            return False
        found = re.fullmatch(pattern, line)
        is_ours = bool(found and found[first] and not re.search(unless, line))
        return is_ours and line.lstrip(" ")[0] != "#"

    return takes
