"""SQL and Python judge each line alike, and no line, however odd, stops the SQL."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.traffic.formats import compile_directive, json_format, presets

C = '192.0.2.7 - - [21/Nov/2026:13:55:36 +0100] "GET /a?b=c HTTP/1.1" 200 12 "-" "Moz (X; Y)"'
GOOD = [
    C, f"www.example.org:443 {C}", f'{C} "192.0.2.9, 10.0.0.1" 0.003 [a] []',
    "h2 2026-11-21T13:55:36.25Z app/lb/5 [2001:db8::1]:2817 - -1 -1 -1 400 - 34 366 \"GET https://a:443/ HTTP/2.0\" \"-\" - - -",
    '192.0.2.7:33317 [21/Nov/2026:13:55:36.655] in a/b 1/0/3/6/1 200 +27 - - ---- 1/1/1/1/0 0/0 {a|b} {} "GET / HTTP/1.1"',
    '79a5 B [21/Nov/2026:13:55:36 +0000] 192.0.2.3 - 3E R.G - "GET /b HTTP/1.1" 200 - 113 - 7 - "-" "S3" -',
    "2026-11-21 13:55:36 10.0.0.1 GET /a b=c 443 - 2001:db8::1 Mozilla/5.0+(X) - 200 0 0 15",
    "2026-11-21\t13:55:36\tL\t5\t192.0.2.7\tGET\td\t/a%2520\t200\t-\tM%20\tq\t-",
    '{"time_iso8601":"2026-11-21T13:55:36+01:00","remote_addr":"192.0.2.7","request":"GET / HTTP/1.1","t":1795265736.25,"l":["\\xC3\\"","x"]}',
    '192.0.2.7|[21/Nov/2026:13:55:36 +0100]|Moz x|1795265736.250 2026-11-21 13:55:60',
]  # fmt: skip
FORMATS = {
    **presets(),
    "pipes": compile_directive('LogFormat "%h|%t|%{User-Agent}i|%{sec}t.%{msec_frac}t %{%Y-%m-%d}t %{%T}t"'),
    "free": compile_directive('LogFormat "%h %l %u %t %{User-Agent}i"'),
    "iso": compile_directive(
        "log_format x '$remote_addr:$remote_port $time_iso8601 $uri$is_args$args $upstream_addr';"
    ),
    "msec": compile_directive("log_format x escape=none '$http_x_forwarded_for [$msec] \"$request\"';"),
    "tabs": compile_directive(
        "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie)"
    ),
    "clock": compile_directive("#Fields: x-timestamp c-ip cs-uri cs(User-Agent)"),
    "local": compile_directive("#Fields: localtime c-ip cs-uri cs(User-Agent)"),
    "any": json_format("any", {"time": "t", "address": "remote_addr", "agent": "l", "forwarded": "l[0]"}),
}
PIECES = st.sampled_from(
    ['"', " ", "\\", "\\x41", "-", "[", "]", "{", "}", ",", ":", "\t", "\x00", "é", "\u2028", "\ufeff", "%", "%25", "+", "60", "99999999999999999999", "0", "e", "null", "#", "|", "T", "Z", "\\u0000", "infinity", "'", "1e9"]
) | st.text(max_size=3)  # fmt: skip


@st.composite
def damaged(draw) -> str:
    """A good line, with pieces put in, taken out, or another line joined to it."""
    line = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(line)))
        until = min(len(line), at + draw(st.integers(0, 4)))
        line = line[:at] + draw(PIECES) + line[until:]
    return line.replace("\n", "").replace("\r", "")


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(lines=st.lists(damaged(), min_size=30, max_size=60))
def test_python_and_sql_agree_on_each_line_and_nothing_stops_them(fields, name, lines):
    lines = [line for line in lines if not any("\ud800" <= character <= "\udfff" for character in line)]
    rows = fields(FORMATS[name], *lines, *GOOD, None)
    whole = FORMATS[name].parameters.get("f_line")
    for row, line in zip(rows, [*lines, *GOOD], strict=False):
        if whole and row["reason"] is None:  # the fast expressions capture what the whole one does
            found = re.fullmatch(str(whole), line)
            assert found is not None
            for field in {"address", "sent", "referrer"} & found.groupdict().keys():
                assert row[field] == (found[field] or ""), field


def test_the_lines_that_are_damaged_are_good_ones(fields):
    taken = set()
    for format_ in FORMATS.values():
        for row, line in zip(fields(format_, *GOOD), GOOD, strict=True):
            taken |= {line} if row["reason"] is None else set()
            assert row["reason"] or row["hit_at"] or format_.name == "any", format_.name
    assert taken == set(GOOD)
