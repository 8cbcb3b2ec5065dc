"""A directive as it stands in httpd.conf, nginx.conf or a W3C log → the format that it means."""

from __future__ import annotations

import re

from pipelines.traffic.formats.apache import compile_apache
from pipelines.traffic.formats.model import Format, FormatError
from pipelines.traffic.formats.nginx import VARIABLE, compile_nginx
from pipelines.traffic.formats.templates import json_template
from pipelines.traffic.formats.w3c import compile_fields

_NGINX_PART = re.compile(
    r"""\s+|\#[^\n]*|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|((?:[^\s;'"\\{]|\\.|\$\{)+)""", re.S
)
_APACHE_PART = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|((?:[^\s\\]|\\.)+))""", re.S)
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r"}


def compile_directive(text: str) -> Format:
    """Return the format that a LogFormat, log_format or #Fields line means, or a bare format string.

    FormatError names the directive that is not known, or what the format lacks, and the cure.
    """
    text = text.strip()
    word = text.split(None, 1)[0].lower() if text else ""
    if word == "log_format":
        return _nginx(text.split(None, 1)[1] if " " in text or "\n" in text or "\t" in text else "")
    if word in ("logformat", "customlog", "globallog"):
        return _apache(text, is_path_first=word != "logformat")
    if word.startswith(("access_log", "transferlog")):
        raise FormatError(
            f"{text.split()[0]} names no format: give the log_format or LogFormat that it uses."
        )
    if word.startswith("#fields"):
        return compile_fields(text)
    return _bare(text)


def _bare(text: str) -> Format:
    if not text:
        raise FormatError("the log format is empty: give the LogFormat or log_format as the server has it.")
    text = text.replace(r"\"", '"')
    is_nginx = bool(VARIABLE.search(text)) and not re.search(r"%[<>!0-9,]*(\{[^}]*\})?[hatrsub]", text)
    if is_nginx:
        return nginx_format("custom", text, "default")
    return compile_apache("custom", _unescaped(text))


def nginx_format(name: str, text: str, escape: str) -> Format:
    """Return the format of an nginx text: lines of JSON are read by key, others by their order."""
    if text.lstrip().startswith("{"):
        return json_template(name, text, escape)
    return compile_nginx(name, text, escape)


def _nginx(text: str) -> Format:
    """Read `name [escape=…] 'part' "part" …;`: comments and line ends may stand between the parts."""
    place, parts = 0, []
    while place < len(text) and text[place] != ";":
        found = _NGINX_PART.match(text, place)
        if not found:
            raise FormatError(
                "log_format: a quote is not closed: copy the whole directive, up to its semicolon."
            )
        place = found.end()
        if found.lastindex:
            parts.append(re.sub(r"\\(.)", _nginx_escape, found[found.lastindex], flags=re.S))
    name, parts = (parts[0] if parts else ""), parts[1:]
    escape = "default"
    if parts and parts[0].startswith("escape="):
        escape, parts = parts[0].removeprefix("escape="), parts[1:]
    if escape not in ("default", "json", "none"):
        raise FormatError(f"log_format: escape={escape} is not known: it is default, json or none.")
    if not parts:
        raise FormatError("log_format: the name and at least one text are needed: copy the whole directive.")
    return nginx_format(name, "".join(parts), escape)


def _nginx_escape(found: re.Match[str]) -> str:
    character = found[1]
    return _CONTROLS.get(character, character if character in "'\"\\" else found[0])


def _apache(text: str, *, is_path_first: bool) -> Format:
    """Read `LogFormat "…" [name]`; a backslash at a line's end continues it."""
    text = re.sub(r"\\\r?\n\s*", " " if '"' not in text.split("\\\n", maxsplit=1)[0] else "", text)
    words = [next(part for part in found if part) for found in _APACHE_PART.findall(text) if any(found)]
    words = words[2 if is_path_first else 1 :]
    if not words:
        raise FormatError('LogFormat: the format is missing: give it whole, LogFormat "…" name.')
    written = re.sub(r"\\([\"'\\])", r"\1", words[0])
    name = words[1] if len(words) > 1 and not words[1].startswith("env=") else "custom"
    if "%" not in written:
        raise FormatError("LogFormat: only a nickname is given: give the format that it stands for.")
    return compile_apache(name, _unescaped(written))


def _unescaped(text: str) -> str:
    return re.sub(r"\\([ntr\\])", lambda found: _CONTROLS.get(found[1], found[1]), text)
