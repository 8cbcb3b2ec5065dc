"""What syslog, containers and collectors put around a log line, and how a format is read inside it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

from pipelines.traffic.formats.model import Format

_DEEPEST = 2  # wrappings around one line: a container's line that syslog carried
_HOST = r"[^ ]*[^ :]"
_ISO = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:[.,][0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})"
_WHEN = rf"(?:<[0-9]{{1,3}}>)?(?:[A-Z][a-z]{{2}} [ 0-9][0-9] (?:[0-9]{{4}} )?[0-9:]{{8}}(?:\.[0-9]+)?|{_ISO})"
# The name of a program: no address, whose colon would pass for the one behind the name.
_PROGRAM = r"[A-Za-z_/][A-Za-z0-9_./@-]*(?:\[[0-9]+\])?"
_BEHIND: Mapping[str, str] = {
    # RFC 5424; some collectors leave the priority out
    "syslog5424": rf"(?s)^(?:<[0-9]{{1,3}}>)?1 (?:{_ISO}|-) {_HOST} [^ ]+ [^ ]+ [^ ]+"
    r' (?:-|(?:\[(?:[^\]"\\]|"(?:[^"\\]|\\.)*")*\])+) ' + "\ufeff?(.*)$",
    # RFC 3164, and what rsyslog writes in its place since Debian 12
    "syslog": rf"(?s)^{_WHEN} (?:{_HOST} )?{_PROGRAM}: ?(.*)$",
    # the logs of Kubernetes: F is a whole line, P a part of one
    "cri": rf"(?s)^{_ISO} (?:stdout|stderr) F (.*)$",
    # syslog without a program, then without a host too, as `docker logs --timestamps` has it
    "syslog_host": rf"(?s)^{_WHEN} {_HOST} (.*)$",
    "stamped": rf"(?s)^{_WHEN} (.*)$",
    # the same without time and host, as HAProxy's documentation has it
    "tag": r"(?s)^[A-Za-z0-9._-]+\[[0-9]+\]: (.*)$",
    # docker compose logs
    "compose": r"(?s)^[A-Za-z0-9][A-Za-z0-9._-]* +\| (.*)$",
}
_LABEL = r"[A-Za-z0-9_.@-]+"
_LABELLED = rf"^{_LABEL}:[^\t]*(?:\t{_LABEL}:[^\t]*)+$"
_PAIR = rf'({_LABEL})=(?:"((?:[^"\\]|\\.)*)"|([^ "]*))(?: +|$)'
_PAIRS = rf'^(?:{_LABEL}=(?:"(?:[^"\\]|\\.)*"|[^ "]*)(?: +|$)){{4,}}$'


@dataclass(frozen=True)
class Prefix:
    """A way in which lines are wrapped: SQL of the line inside, and the same in Python ("" for none)."""

    name: str
    inner_sql: str
    parameters: Mapping[str, object]
    inner: Callable[[str], str]


def behind(
    lines: Sequence[str], detect: Callable[[Sequence[str]], Format | None], least: int, depth: int = _DEEPEST
) -> Format | None:
    """Return the format of what is inside `least` or more of the lines, all wrapped alike; None for none.

    `detect` says what the lines inside are.
    """
    for prefix in PREFIXES if depth else ():
        inside = [text for line in lines if (text := prefix.inner(line))]
        if len(inside) < least:
            continue
        if inner := detect(inside) or behind(inside, detect, least, depth - 1):
            return wrapped(inner, prefix.name)
    return None


def prefixes_of(name: str) -> list[str]:
    """Return the names of the wrappings that the name of a wrapped format says, the outer one first."""
    known = {prefix.name for prefix in PREFIXES}
    return [part for part in name.split(":")[:-1] if part in known]


@lru_cache(maxsize=256)  # so that many files of one format are read together
def wrapped(inner: Format, name: str) -> Format:
    """Return the format of lines that are of `inner` inside the wrapping `name`."""
    prefix = next(prefix for prefix in PREFIXES if prefix.name == name)
    source = f"(SELECT file_no, line, raw, {prefix.inner_sql} AS text FROM landed) AS unwrapped"  # noqa: S608 our own

    def takes(line: str) -> bool:
        text = prefix.inner(line)
        return bool(text) and inner.takes(text)

    return replace(
        inner,
        name=f"{prefix.name}:{inner.name}",
        fields_sql=inner.fields_sql.replace("FROM landed", f"FROM {source}"),
        parameters=MappingProxyType({**inner.parameters, **prefix.parameters}),
        takes=takes,
    )


def _by_pattern(name: str, pattern: str) -> Prefix:
    compiled = re.compile(pattern)

    def inner(line: str) -> str:
        found = compiled.fullmatch(line)
        return found[1] if found else ""

    parameter = f"f_{name}"
    return Prefix(name, f"regexp_extract(text, ${parameter}, 1)", {parameter: pattern}, inner)


def _by_key(name: str, key: str) -> Prefix:
    """Return the wrapping of objects whose `key` holds the line, perhaps with its end."""

    def inner(line: str) -> str:
        try:
            value = json.loads(line) if line.startswith("{") and f'"{key}"' in line else None
        except (ValueError, RecursionError):
            return ""
        text = value.get(key) if isinstance(value, dict) else None
        return text.rstrip("\n") if isinstance(text, str) else ""

    return Prefix(
        name,
        f"""CASE WHEN text IS NULL THEN NULL
            WHEN starts_with(text, '{{') AND contains(text, '"{key}"') AND json_valid(text)
            THEN coalesce(rtrim(json_extract_string(text, '$."{key}"'), chr(10)), '') ELSE '' END""",
        {},
        inner,
    )


def _labelled(line: str) -> str:
    if not re.fullmatch(_LABELLED, line):
        return ""
    text = line.replace("\\", "\\u005c").replace('"', '\\"')
    text = re.sub(rf"(^|\t)({_LABEL}):", r'\1\2":"', text)
    return '{"' + text.replace("\t", '","') + '"}'


def _paired(line: str) -> str:
    if not re.fullmatch(_PAIRS, line):
        return ""
    return "{" + re.sub(_PAIR, r'"\1":"\2\3",', line).removesuffix(",") + "}"


# Lines of labels become JSON, and are read by their keys. A backslash is written so that it stays one.
_LTSV = Prefix(
    "ltsv",
    rf"""CASE WHEN text IS NULL THEN NULL WHEN regexp_full_match(text, $f_ltsv) THEN
        '{{"' || replace(regexp_replace(replace(replace(text, '\', '\u005c'), '"', '\"'),
            '(^|\t)({_LABEL}):', '\1\2":"', 'g'), chr(9), '","') || '"}}' ELSE '' END""",
    {"f_ltsv": _LABELLED},
    _labelled,
)
_LOGFMT = Prefix(
    "logfmt",
    r"""CASE WHEN text IS NULL THEN NULL WHEN regexp_full_match(text, $f_logfmt) THEN
        '{' || rtrim(regexp_replace(text, $f_pair, '"\1":"\2\3",', 'g'), ',') || '}' ELSE '' END""",
    {"f_logfmt": _PAIRS, "f_pair": _PAIR},
    _paired,
)
# Docker's json-file driver, Filebeat and Vector, journald, Google Cloud Logging.
_KEYS = {"docker": "log", "message": "message", "journald": "MESSAGE", "payload": "textPayload"}
PREFIXES = (
    *(_by_key(name, key) for name, key in _KEYS.items()),
    *(_by_pattern(name, pattern) for name, pattern in _BEHIND.items()),
    _LTSV,
    _LOGFMT,
)
