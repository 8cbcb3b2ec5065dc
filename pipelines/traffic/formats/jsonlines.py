r"""JSON lines: where in each object the fields stand, and the SQL that takes them out.

A key that stands twice makes a line two things at once: it is refused, as is anything behind the object.
nginx writes a byte as `\xHH`, and so are invalid bytes when a line is read: JSON knows no such escape, so
it is made one of a backslash. A backslash of the value itself is doubled, for the text stays in Apache's
escapes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipelines.traffic.formats import times
from pipelines.traffic.formats.model import Fields, Format, FormatError, fields_sql, parameters
from pipelines.traffic.formats.requests import (
    known_method,
    local_target,
    percent_decoded,
    target_of,
    with_query,
)
from pipelines.traffic.formats.signals import COOKIES, DNT, GPC, is_signal, signals_of

KEYS = (
    "address", "forwarded", "date", "time", "request", "method", "target", "uri", "query", "status", "sent",
    "referrer", "agent", DNT, GPC, COOKIES,
)  # fmt: skip
_SEGMENT = re.compile(r'\.?(?:"([^"\\]+)"|([^."\[\]\\]+))|\[([0-9]{1,4})\]')
_W3C_KEY = re.compile(
    r"c-ip|cs-.+|cs\(.+\)", re.I
)  # CloudFront writes W3C's fields as JSON too: times are UTC
Steps = tuple[str | int, ...]

# `\\` first, from the left: what is left of backslashes begins an escape.
_BACKSLASHES = """CASE WHEN contains(text, '\\') THEN regexp_replace(replace(replace(text,
        '\\\\', '\\u005c\\u005c'), '\\u0000', '\\u005cx00'), '\\\\x([0-9A-Fa-f]{2})', '\\\\u005cx\\1', 'g')
        ELSE text END"""


def json_format(name: str, mapping: Mapping[str, str]) -> Format:
    """Return the format of objects in which `mapping` says where each field stands: "request.headers.Host".

    A key with a dot is written in quotes, a place in a list in brackets. FormatError says what is amiss.
    """
    _refuse_unknown(mapping)
    steps = {key: steps_of(path) for key, path in mapping.items()}
    numbers = {key: number for number, key in enumerate(steps, start=1)}
    columns = {key: f"v[{number}]" for key, number in numbers.items()}
    parents = sorted(
        {path[:end] for path in steps.values() for end in range(len(path)) if _is_object(path, end)}
    )
    needed = _needed(mapping)
    doubled = " OR ".join(
        f"list_unique(json_keys(t, $f_parent{number})) < len(json_keys(t, $f_parent{number}))"
        for number in range(len(parents))
    )
    cut = f"""SELECT file_no, line, raw,
        CASE WHEN json_valid(t) AND NOT coalesce({doubled}, false)
            THEN json_extract_string(t, $f_paths) END AS v
        FROM (SELECT file_no, line, raw, {_BACKSLASHES} AS t FROM landed)"""  # noqa: S608 our own names
    fields = _fields(columns, is_w3c=any(_W3C_KEY.fullmatch(str(path[-1])) for path in steps.values()))
    bound: dict[str, object] = {"f_paths": [_json_path(path) for path in steps.values()]}
    bound |= {f"f_parent{number}": _json_path(parent) for number, parent in enumerate(parents)}
    is_ours = " AND ".join(_any_of([columns[key] for key in keys]) for keys in needed)
    taker = _taker([[steps[key] for key in keys] for keys in needed], parents)
    return Format(name, fields_sql(cut, is_ours, fields), parameters(fields, **bound), taker)


def steps_of(path: str) -> Steps:
    """Return the keys and list places of a path; FormatError where it is none."""
    steps: list[str | int] = []
    place = 0
    while place < len(path):
        found = _SEGMENT.match(path, place)
        if not found:
            break
        steps.append(int(found[3]) if found[3] else found[1] or found[2])
        place = found.end()
    if not steps or place < len(path):
        raise FormatError(
            "a JSON path cannot be read: write it as keys with dots between, such as"
            ' request.headers."User-Agent"[0].'
        )
    return tuple(steps)


def _refuse_unknown(mapping: Mapping[str, str]) -> None:
    if unknown := sorted(key for key in mapping if key not in KEYS and not is_signal(key)):
        raise FormatError(f"{', '.join(unknown)} is no field of a hit: use {', '.join(KEYS)}.")
    if "time" not in mapping:
        raise FormatError('the JSON mapping has no time: add time = "…", the key that holds it.')
    if not {"address", "forwarded"} & set(mapping):
        raise FormatError('the JSON mapping has no address: add address = "…", the key that holds it.')


def _needed(mapping: Mapping[str, str]) -> list[list[str]]:
    """Return what a line must have, one of each list: else it is another kind of message."""
    asked = [key for key in ("request", "target", "uri") if key in mapping]
    addresses = [key for key in ("address", "forwarded") if key in mapping]
    return [["time"], addresses, *([asked] if asked else [])]


def _any_of(columns: Sequence[str]) -> str:
    return "coalesce(" + " OR ".join(f"{column} <> ''" for column in columns) + ", false)"


def _is_object(path: Steps, end: int) -> bool:
    return isinstance(path[end], str)


def _json_path(steps: Steps) -> str:
    return "$" + "".join(f"[{step}]" if isinstance(step, int) else f'."{step}"' for step in steps)


def _fields(columns: Mapping[str, str], *, is_w3c: bool) -> Fields:
    flat = {key: _flat(column) for key, column in columns.items()}
    target = columns.get("target") or columns.get("uri")
    if target:
        target = local_target(target)
        if "query" in columns:
            whole = with_query(f"({target})", columns["query"])
            target = f"CASE WHEN contains({target}, '?') THEN {target} ELSE {whole} END"
    method, agent = columns.get("method"), flat.get("agent", "NULL")
    address = flat.get("address")
    return Fields(
        hit_at=_instant(columns, "'UTC'" if is_w3c else "$zone"),
        address=f"coalesce({address}, '')" if address else flat["forwarded"],
        forwarded=flat.get("forwarded", "NULL") if address else "NULL",
        request=columns.get("request"),
        method=known_method(method) if method else "NULL",
        target=target_of(method, target) if method and target else target or "NULL",
        status=_whole(columns["status"]) if "status" in columns else "NULL",
        sent=_whole(columns["sent"]) if "sent" in columns else "NULL",
        referrer=flat.get("referrer", "NULL"),
        agent=percent_decoded(f"({agent})", is_twice=True) if is_w3c else agent,
        signals=signals_of({role: value for role, value in flat.items() if is_signal(role)}),
    )


def _instant(columns: Mapping[str, str], zone: str) -> str:
    if "date" in columns:
        return times.iso(f"({columns['date']} || ' ' || {columns['time']})", zone)
    return times.any_time(columns["time"], zone)


def _whole(column: str) -> str:
    """Return SQL: a number without the ".0" that some writers of JSON give it."""
    return rf"regexp_replace({column}, '\.0+$', '')"


def _flat(column: str) -> str:
    """Return SQL: a list of values (a header that came twice) as one, with commas."""
    return (
        f"CASE WHEN starts_with({column}, '[') AND json_valid({column})"
        f" THEN array_to_string(json_extract_string({column}, '$[*]'), ', ') ELSE {column} END"
    )


class _Pairs(list[tuple[str, Any]]):
    """An object as its keys stand."""


def _taker(needed: Sequence[Sequence[Steps]], parents: Sequence[Steps]) -> Callable[[str], bool]:
    def takes(line: str) -> bool:
        value = read(line)
        return (
            value is not None
            and not any(_is_doubled(at(value, parent)) for parent in parents)
            and all(any(at(value, path) not in (None, "") for path in paths) for paths in needed)
        )

    return takes


def read(line: str) -> Any:
    """Return the JSON of a line, objects as pairs; None where it is none."""
    text = line.replace("\\\\", "\\u005c\\u005c").replace("\\u0000", "\\u005cx00")
    text = re.sub(r"\\x([0-9A-Fa-f]{2})", r"\\u005cx\1", text)
    try:
        value = json.loads(text, object_pairs_hook=_Pairs)
        text.encode()
        json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    except (ValueError, RecursionError):
        return None
    return value


def at(value: Any, path: Steps) -> Any:
    """Return what stands at a path of a value that `read` gave; None where nothing does."""
    for step in path:
        if isinstance(step, str) and isinstance(value, _Pairs):
            value = next((inner for key, inner in value if key == step), None)
        elif isinstance(step, int) and type(value) is list and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _is_doubled(value: Any) -> bool:
    return isinstance(value, _Pairs) and len({key for key, _ in value}) < len(value)
