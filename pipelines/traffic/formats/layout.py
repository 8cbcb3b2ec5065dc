"""Literals and directives in a row → one regular expression for the whole line, and SQL for its fields.

The expression is valid in RE2 (DuckDB) and in Python. Where one value ends is never guessed: a bare value
ends at the next blank, a quoted one at its quote. A line with a field too many, or two lines joined,
matches nothing and is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.traffic.formats.extract import extract, extraction
from pipelines.traffic.formats.model import Fields, Format, FormatError, fields_sql, parameters
from pipelines.traffic.formats.requests import known_method, target_of, with_query
from pipelines.traffic.formats.shapes import CLOCK, SOLID, Place, Style, Token, Value
from pipelines.traffic.formats.signals import is_signal, signals_of
from pipelines.traffic.formats.stamps import Instant, instant

NO_ADDRESS = (
    "the log format holds no client address: add %h or %a (Apache), $remote_addr (nginx), or the header"
    " X-Forwarded-For."
)


_Check = tuple[str, str, bool]  # a group, an expression, and whether it must be found there


@dataclass
class _Layout:
    """What is being compiled: the values taken, by identity, and the groups so far."""

    instant: Instant
    taken: Mapping[int, str]
    groups: list[str] = field(default_factory=list)
    checks: list[_Check] = field(default_factory=list)


def compile_layout(name: str, tokens: Sequence[Token], style: Style) -> Format:
    """Return the format of lines that are `tokens` in a row; FormatError says what cannot be told apart."""
    tokens = list(_merged(tokens))
    layout = _choose([token for token in tokens if isinstance(token, Value)])
    places = list(_places(tokens, style))
    _refuse_two_open(places)
    line = "".join(_group(part, layout) for part in places)
    blanks = sum(part.count(" ") for part in places if isinstance(part, str))
    return _format(name, line, _plain(places, layout), layout, style, blanks)


def _refuse_two_open(parts: Sequence[str | Place]) -> None:
    """Refuse two values that may hold blanks with nothing solid between them."""
    open_end = ""
    for part in parts:
        if isinstance(part, str):
            open_end = "" if any(character in SOLID for character in part) else open_end
        elif part.is_free:
            _refuse_second(open_end, part)
            open_end = part.value.name


def _refuse_second(open_end: str, place: Place) -> None:
    if open_end:
        raise FormatError(
            f"{open_end} and {place.value.name} may both hold blanks, and nothing shows where one ends:"
            " write them in quotes in the log format of the server, and name that."
        )


def _merged(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield the tokens with neighbouring literals as one."""
    held = ""
    for token in tokens:
        if isinstance(token, str):
            held += token
            continue
        if held:
            yield held
        held = ""
        yield token
    if held.rstrip(" "):
        yield held.rstrip(" ")


def _choose(values: Sequence[Value]) -> _Layout:
    """Choose the values to capture: of each role that of the lowest rank, and what makes up the time."""
    best: dict[str, Value] = {}
    for value in values:
        if value.role and (value.role not in best or value.rank < best[value.role].rank):
            best[value.role] = value
    if "address" not in best and "forwarded" in best:
        best["address"] = best.pop("forwarded")
    if "address" not in best:
        raise FormatError(NO_ADDRESS)
    if "request" in best:
        best = {role: value for role, value in best.items() if role not in ("method", "uri", "path", "query")}
    time = instant([value.stamp for value in values if value.stamp])
    numbers = {id(stamp): f"t{number}" for number, stamp in enumerate(time.stamps)}
    taken = {id(value): role for role, value in best.items()}
    taken |= {id(value): numbers[id(value.stamp)] for value in values if id(value.stamp) in numbers}
    return _Layout(time, taken)


def _places(tokens: Sequence[Token], style: Style) -> Iterator[str | Place]:
    """Yield each literal, and each value with what stands around it."""
    quotes = 0
    for number, token in enumerate(tokens):
        if isinstance(token, str):
            quotes += token.count('"')
            yield token
            continue
        before = tokens[number - 1] if number else ""
        after = tokens[number + 1] if number + 1 < len(tokens) else ""
        if isinstance(after, Value):
            _refuse_neighbours(token, after)
        yield Place(
            value=token,
            before=before if isinstance(before, str) else "",
            after=after if isinstance(after, str) else "",
            next_kind=after.kind if isinstance(after, Value) else _kind_behind(tokens, number),
            is_quoted=quotes % 2 == 1,
            style=style,
        )


def _kind_behind(tokens: Sequence[Token], number: int) -> str:
    behind = tokens[number + 2] if number + 2 < len(tokens) else ""
    return behind.kind if isinstance(behind, Value) else ""


_NEIGHBOURS = {
    ("path", "query"), ("path", "is_args"), ("is_args", "query"), ("host", "path"), ("host", "uri"),
    ("number", "fraction"), ("exact", "exact"), ("exact", "fraction"),
}  # fmt: skip


def _refuse_neighbours(left: Value, right: Value) -> None:
    if right.kind != "tail" and (left.kind, right.kind) not in _NEIGHBOURS:
        raise FormatError(
            f"{left.name} and {right.name} stand side by side, and nothing shows where one ends:"
            " put a blank between them in the log format of the server, and name that."
        )


def _group(part: str | Place, layout: _Layout) -> str:
    """Return the expression of a part, with its group where it is taken; its name joins the layout's."""
    if isinstance(part, str):
        return re.escape(part)
    name = layout.taken.get(id(part.value))
    if part.is_free:
        name = name or f"free{len(layout.groups)}"
        layout.checks.append((name, CLOCK, False))  # what runs on over blanks must not hold another line
    if name and part.value.check:
        layout.checks.append((name, part.value.check, True))
    if name:
        layout.groups.append(name)
    return _written(part.shape(), name)


def _plain(parts: Sequence[str | Place], layout: _Layout) -> str | None:
    """Return the plain form of the whole line; None where some value has none."""
    written = ""
    for part in parts:
        if isinstance(part, str):
            written += re.escape(part)
            continue
        shape = part.plain()
        if shape is None:
            return None
        written += _written(shape, layout.taken.get(id(part.value)))
    return f"(?s)^{written}$"


def _written(shape: tuple[str, str, str], name: str | None) -> str:
    ahead, inner, behind = shape
    if name:
        return f"{ahead}(?P<{name}>{inner}){behind}"
    return f"{ahead}(?:{inner}){behind}" if "|" in inner else ahead + inner + behind


def _format(name: str, line: str, plain: str | None, layout: _Layout, style: Style, blanks: int) -> Format:
    whole = f"(?s)^{line} *$"
    fields = _fields(layout, style)
    cut, bound = extraction(layout.groups, "t0", extract("f_line", layout.groups), plain)
    is_ours, checks = "g.t0 <> ''", {}
    for number, (group, pattern, wanted) in enumerate(layout.checks):
        found = f"regexp_matches(g.{group}, $f_check{number})"
        is_ours += f" AND {found if wanted else f'NOT {found}'}"
        checks[f"f_check{number}"] = pattern
    sql = fields_sql(cut, is_ours, fields)
    return Format(
        name, sql, parameters(fields, f_line=whole, **bound, **checks), _taker(whole, layout.checks, blanks)
    )


def _taker(whole: str, checks: Sequence[_Check], blanks: int) -> Callable[[str], bool]:
    """Judge a line by what has so many `blanks` at least; the rest is compiled when it is needed."""

    def takes(line: str) -> bool:
        found = re.fullmatch(whole, line) if line.count(" ") >= blanks else None
        if found is None or not found["t0"]:
            return False
        value = found.groupdict("")
        return all(bool(re.search(pattern, value[group])) is wanted for group, pattern, wanted in checks)

    return takes


def _fields(layout: _Layout, style: Style) -> Fields:
    has = {group: _readable(f"g.{group}", style) for group in layout.groups}
    agent = f"replace({has['agent']}, '%22', '\"')" if "agent" in has else "NULL"
    return Fields(
        hit_at=layout.instant.sql,
        address=has["address"],
        forwarded=has.get("forwarded", "NULL"),
        request=has.get("request"),
        is_url=style.is_url,
        method=known_method(has["method"]) if "method" in has else "NULL",
        target=_target(has),
        status=f"nullif({has['status']}, '-1')" if "status" in has else "NULL",  # HAProxy: no answer was sent
        sent=has.get("sent", "NULL"),
        referrer=has.get("referrer", "NULL"),
        agent=agent,
        signals=signals_of({role: value for role, value in has.items() if is_signal(role)}),
    )


def _target(has: Mapping[str, str]) -> str:
    if "request" in has:
        return "NULL"
    uri = has.get("uri") or (
        with_query(has["path"], has["query"]) if {"path", "query"} <= has.keys() else has.get("path", "NULL")
    )
    return target_of(has["method"], uri) if "method" in has else f"nullif(nullif({uri}, '-'), '')"


def _readable(value: str, style: Style) -> str:
    """Return SQL for a value in Apache's escapes, whatever the server's own are."""
    if style.escape == "json":
        return rf"regexp_replace({value}, '\\u00([0-9a-fA-F]{{2}})', '\\x\1', 'g')"
    return value
