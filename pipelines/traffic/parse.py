"""Where a log line is parsed: Common and Combined Log Format, in bulk, in DuckDB (`parse.sql`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

_SQL = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")

_CHARACTER = r'(?:[^ "\\]|\\[^ ])'
# Words of a user name with spaces: none is "-" or holds a bracket, or a line joined to another would pass.
_NAME_CHARACTER = r'(?:[^ "\\\[\]]|\\[^ ])'
_NAME_PART = rf'(?:(?:[^ "\\\[\]-]|\\[^ ]){_NAME_CHARACTER}*|-{_NAME_CHARACTER}+)'
_USER = rf'(?:{_CHARACTER}+|""|{_NAME_PART}(?: +{_NAME_PART})*)'
_QUOTED = r'(?:[^"\\]|\\.)*'

# The whole line, of Apache and nginx alike: the user may be `""` or hold spaces, quotes are escaped.
# Capturing groups stand in the order in which `parse.sql` names them.
LINE = (
    rf'(?s)^([^ "]+) [^ "]+ {_USER} \[([^\]"]*)\] "({_QUOTED})" ([^ "]+) ([^ "]+)'
    rf'( "({_QUOTED})" "({_QUOTED})")? *$'
)

# Methods of RFC 9110, RFC 5789 and WebDAV; what a client invented is a malformed request line.
METHODS = (
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PROPFIND",
    "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH", "MKCALENDAR", "ACL",
    "PURGE", "PRI",
)  # fmt: skip
# A target may hold raw spaces; HTTP/0.9 has no version, and then no space in the target.
REQUEST = rf"(?s)^({'|'.join(METHODS)}) (?:([^ ].*) (HTTP/[0-9](?:\.[0-9])?)|([^ ]+))$"


@dataclass(frozen=True)
class Window:
    """Which local days of `zone` are accepted: up to `latest`; those before `oldest` are expired.

    Whole days, so that a rerun at another hour judges each line of a day that was sealed alike.
    """

    zone: str
    latest: date
    oldest: date


def parse(connection: duckdb.DuckDBPyConnection, window: Window) -> None:
    """Fill the temporary table `parsed` from the registered relation `landed`, one row a line."""
    connection.execute(
        _SQL,
        {
            "pattern": LINE,
            "request": REQUEST,
            "zone": window.zone,
            "latest": window.latest,
            "oldest": window.oldest,
        },
    )
