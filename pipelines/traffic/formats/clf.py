"""Common and Combined Log Format: what of them is not regular, read by one expression (`clf.sql`)."""

from __future__ import annotations

import re
from pathlib import Path
from types import MappingProxyType

from pipelines.traffic.formats import times
from pipelines.traffic.formats.model import Format
from pipelines.traffic.formats.requests import REQUEST

_SQL = (
    Path(__file__)
    .with_suffix(".sql")
    .read_text(encoding="utf-8")
    .replace("{hit_at}", times.clf("field.time"))
)
_CHARACTER = r'(?:[^ "\\]|\\[^ ])'
# Words of a user name with spaces: none is "-" or holds a bracket, or a line joined to another would pass.
_NAME_CHARACTER = r'(?:[^ "\\\[\]]|\\[^ ])'
_NAME_PART = rf'(?:(?:[^ "\\\[\]-]|\\[^ ]){_NAME_CHARACTER}*|-{_NAME_CHARACTER}+)'
USER = rf'(?:{_CHARACTER}+|""|{_NAME_PART}(?: +{_NAME_PART})*)'
QUOTED = r'(?:[^"\\]|\\.)*'

# The whole line, of Apache and nginx alike: the user may be `""` or hold spaces, quotes are escaped.
# Capturing groups stand in the order in which `clf.sql` names them.
LINE = (
    rf'(?s)^([^ "]+) [^ "]+ {USER} \[([^\]"]*)\] "({QUOTED})" ([^ "]+) ([^ "]+)'
    rf'( "({QUOTED})" "({QUOTED})")? *$'
)
_LINE = re.compile(LINE)

COMBINED = Format(
    "combined",
    _SQL,
    MappingProxyType({"pattern": LINE, "request": REQUEST}),
    lambda line: _LINE.match(line) is not None,
)
"""Takes the lines of the Common Log Format too: their referrer and user agent are absent."""
