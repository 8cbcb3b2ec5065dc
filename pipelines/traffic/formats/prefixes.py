"""What syslog and containers write before a log line, and how a format is read behind it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from pipelines.traffic.formats.model import Format

_HOST = r"[^ ]+"
_ISO = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:[.,][0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})"
_BEHIND: Mapping[str, str] = {
    # RFC 3164, and what rsyslog writes in its place since Debian 12
    "syslog": r"(?s)^(?:<[0-9]{1,3}>)?(?:[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8}|"
    rf"{_ISO}) (?:{_HOST} )?[^ :]+: ?(.*)$",
    # RFC 5424
    "syslog5424": rf"(?s)^<[0-9]{{1,3}}>1 {_ISO} {_HOST} {_HOST} {_HOST} {_HOST}"
    r' (?:-|(?:\[(?:[^\]"\\]|"(?:[^"\\]|\\.)*")*\])+) ' + "\ufeff?(.*)$",
    # the logs of Kubernetes: F is a whole line, P a part of one
    "cri": rf"(?s)^{_ISO} (?:stdout|stderr) F (.*)$",
    # the same without time and host, as HAProxy's documentation has it
    "tag": r"(?s)^[A-Za-z0-9._-]+\[[0-9]+\]: (.*)$",
    # docker compose logs
    "compose": r"(?s)^[A-Za-z0-9][A-Za-z0-9._-]* +\| (.*)$",
}


@dataclass(frozen=True)
class Prefix:
    """A way in which lines are wrapped: SQL of the line inside, and the same in Python ("" for none)."""

    name: str
    inner_sql: str
    parameters: Mapping[str, object]
    inner: Callable[[str], str]


def behind(lines: Sequence[str], detect: Callable[[Sequence[str]], Format | None]) -> Format | None:
    """Return the format of what is inside lines that most are wrapped alike; None where they are not."""
    for prefix in PREFIXES:
        inside = [text for line in lines if (text := prefix.inner(line))]
        if len(inside) * 2 >= len(lines) and (inner := detect(inside)):
            return _wrapped(inner, prefix)
    return None


def _wrapped(inner: Format, prefix: Prefix) -> Format:
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

    return Prefix(name, "regexp_extract(text, $f_prefix, 1)", {"f_prefix": pattern}, inner)


def _of_docker(line: str) -> str:
    try:
        value = json.loads(line) if line.startswith('{"log":') else None
    except (ValueError, RecursionError):
        return ""
    log = value.get("log") if isinstance(value, dict) else None
    return log.rstrip("\n") if isinstance(log, str) else ""


# Docker's json-file driver: {"log":"…\n","stream":"stdout","time":"…"}
_DOCKER = Prefix(
    "docker",
    """CASE WHEN text IS NULL THEN NULL WHEN starts_with(text, '{"log":') AND json_valid(text)
        THEN coalesce(rtrim(json_extract_string(text, '$.log'), chr(10)), '') ELSE '' END""",
    {},
    _of_docker,
)
PREFIXES = (_DOCKER, *(_by_pattern(name, pattern) for name, pattern in _BEHIND.items()))
