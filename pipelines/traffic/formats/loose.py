"""Lines of the Common and Combined family that their own format refuses: what of them is sure, is read.

Icecast, Tomcat, IIS and many application servers write quotes of the client as they came; others put tabs,
a host or a number where none is expected, or leave out the quotes of a value that is absent.
Address, time, request, status and size are still told by what they look like. A line in which a second
time stands is two lines, and is refused.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from pipelines.traffic.formats import times
from pipelines.traffic.formats.clf import USER
from pipelines.traffic.formats.layouts import VHOST
from pipelines.traffic.formats.model import Fields, Format, fields_sql, parameters

_BLANK = r"[ \t]+"
_WORD = r'[^ \t"\[\]]+'
_IP = r"(?:\[?[0-9A-Fa-f]*:[0-9A-Fa-f:.]+(?:%[A-Za-z0-9]+)?\]?|[0-9]{1,3}(?:\.[0-9]{1,3}){3})(?::[0-9]{1,5})?"
_TIME = (
    r"[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}[: ][0-9:]{8}(?:[.,][0-9]{1,9})?(?: ?[+-][0-9]{2}:?[0-9]{2})?"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:]{8}(?:[.,][0-9]{1,9})?(?:Z| ?[+-][0-9]{2}:?[0-9]{2})?"
)
# The client, behind a virtual host where it is an address; then perhaps some words, then the request. It
# ends at the first quote with a status and a size behind it.
LINE = (
    rf'(?s)^[ \t]*(?:(?:{VHOST}{_BLANK})?"?(?P<ip>{_IP}(?:, ?{_IP})*)"?|"?(?P<name>{_WORD})"?)'
    rf"{_BLANK}{_WORD}{_BLANK}{USER}{_BLANK}\[?(?P<time>{_TIME})\]?{_BLANK}"
    rf'(?:(?:{_WORD}|"[^ \t"]*"){_BLANK}){{0,4}}(?:"(?P<request>.*?)"|(?P<bare>[A-Z]+ [^ "]+ HTTP/[0-9.]+))'
    rf"{_BLANK}(?P<status>[1-5][0-9]{{2}}|0|000|-){_BLANK}(?P<sent>[0-9]+|-)(?P<rest>[ \t].*)?$"
)
# What stands behind the size: the browser ends at a quote with a blank and another value, or nothing, behind
# it. A line that was cut off in there is refused: its last line may still come, whole.
REST = (
    rf'(?s)^(?P<all>(?:{_BLANK}{_WORD})*?{_BLANK}(?:"(?P<referrer>.*?)"|-)'
    rf'{_BLANK}(?:"(?P<agent>.*?)"(?:[ \t]+"|[ \t]+[^"]*$|[ \t]*$)|-(?:[ \t]|$))|[ \t]*$)'
)
_SECOND_TIME = r"[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}[: ][0-9]{2}:[0-9]{2}"
_GROUPS = ("ip", "name", "time", "request", "bare", "status", "sent", "rest")


def _format() -> Format:
    names = ", ".join(f"'{name}'" for name in _GROUPS)
    cut = f"""SELECT *, regexp_extract(g.rest, $f_rest, ['all', 'referrer', 'agent']) AS r
        FROM (SELECT file_no, line, raw, regexp_extract(text, $f_loose, [{names}]) AS g FROM landed) AS cut"""  # noqa: S608 our own names
    fields = Fields(
        hit_at=times.clf("g.time"),
        address="g.ip || g.name",
        request="(g.request || g.bare)",
        is_url=False,
        status="g.status",
        sent="g.sent",
        referrer="nullif(r.referrer, '')",
        agent="nullif(r.agent, '')",
    )
    is_whole = "(trim(g.rest, ' \t') = '' OR r.all <> '')"
    is_ours = f"g.time <> '' AND {is_whole} AND NOT regexp_matches(g.request || g.rest, $f_second)"
    bound = {"f_loose": LINE, "f_rest": REST, "f_second": _SECOND_TIME}
    sql = fields_sql(cut, is_ours, fields)
    return Format("loose", sql, MappingProxyType({**parameters(fields), **bound}), _takes)


_LINE, _REST, _SECOND = re.compile(LINE), re.compile(REST), re.compile(_SECOND_TIME)


def _takes(line: str) -> bool:
    found = _LINE.fullmatch(line)
    rest = (found["rest"] or "") if found else ""
    return bool(found and _REST.match(rest) and not _SECOND.search((found["request"] or "") + rest))


LOOSE = _format()
