"""nginx's log_format whose text is JSON: read by key where each value stands alone, else by its order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pipelines.traffic.formats.jsonlines import Steps, json_format
from pipelines.traffic.formats.model import Format
from pipelines.traffic.formats.nginx import VARIABLE, compile_nginx, value
from pipelines.traffic.formats.shapes import Value

# Without quotes these are always numbers; another variable may be empty or "-", which is then no JSON.
_NUMBERS = {
    "status", "body_bytes_sent", "bytes_sent", "msec", "request_time", "request_length", "connection", "pid",
    "connection_requests", "server_port", "remote_port",
}  # fmt: skip
_KEYS = {"uri": "uri", "path": "uri", "query": "query"}


def json_template(name: str, text: str, escape: str) -> Format:
    """Return the format of a log_format whose text is a JSON object."""
    compiled = compile_nginx(name, text, escape)  # says what is unknown or lacking
    mapping = _mapping(text) if escape != "none" else None
    return json_format(name, mapping) if mapping else compiled


def _mapping(text: str) -> dict[str, str] | None:
    """Return canonical field → JSON path; None where the template must be read by its order."""
    names: list[str] = []
    parts, place, is_quoted = [], 0, False
    for found in VARIABLE.finditer(text):
        parts.append(text[place : found.start()])
        is_quoted ^= parts[-1].replace('\\"', "").count('"') % 2 == 1
        names.append(found[1] or found[2])
        if not is_quoted and names[-1] not in _NUMBERS:
            return None
        parts.append(f"@{len(names) - 1}@" if is_quoted else f'"@{len(names) - 1}@"')
        place = found.end()
    try:
        document = json.loads("".join([*parts, text[place:]]))
    except ValueError:
        return None
    alone = {names[int(leaf[1:-1])]: path for path, leaf in _leaves(document, ()) if _is_alone(leaf)}
    return _best(names, alone)


def _best(names: list[str], alone: dict[str, Steps]) -> dict[str, str] | None:
    best: dict[str, tuple[int, Steps]] = {}
    for name in names:
        known = value(name)
        role = "time" if known.stamp else _KEYS.get(known.role or "", known.role)
        if role is None:
            continue
        if name not in alone:
            return None
        rank = _rank(known)
        if role not in best or rank < best[role][0]:
            best[role] = rank, alone[name]
    if "request" in best:
        best = {role: found for role, found in best.items() if role not in ("method", "uri", "query")}
    return {role: _path(steps) for role, (_, steps) in best.items()}


def _rank(known: Value) -> int:
    rank = known.stamp.rank if known.stamp else known.rank
    return rank + 10 * (known.role == "path")  # $request_uri before $uri


def _leaves(value: Any, path: Steps) -> Iterator[tuple[Steps, str]]:
    """Yield (path, text) of every text in a JSON value."""
    if isinstance(value, str):
        yield path, value
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in inside:
        yield from _leaves(inner, (*path, step))


def _is_alone(leaf: str) -> bool:
    return leaf.startswith("@") and leaf.endswith("@") and leaf[1:-1].isdigit()


def _path(steps: Steps) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f'."{step}"' for step in steps).removeprefix(".")
