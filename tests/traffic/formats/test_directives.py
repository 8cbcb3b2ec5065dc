"""LogFormat and log_format as they stand in httpd.conf and nginx.conf."""

from __future__ import annotations

from datetime import datetime

import pytest

from pipelines.errors import CharterFileError
from pipelines.traffic.formats import FormatError, compile_directive, named_format

AGENT = "Mozilla/5.0 (X11; Linux x86_64) Firefox/132.0"
AT = datetime.fromisoformat("2026-11-21T12:55:36")
COMBINED = r'LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\"" combined'
LINE = f'192.0.2.7 - - [21/Nov/2026:13:55:36 +0100] "GET /a?b=c HTTP/1.1" 200 12 "-" "{AGENT}"'


def only(rows):
    (row,) = rows
    assert row["reason"] is None
    return {key: value for key, value in row.items() if key not in ("file_no", "line", "raw", "reason")}


def test_combined_as_it_stands_in_httpd_conf(fields):
    format_ = compile_directive(COMBINED)
    assert format_.name == "combined"
    assert only(fields(format_, LINE)) == {
        "hit_at": AT, "address": "192.0.2.7", "forwarded": None, "method": "GET", "target": "/a?b=c",
        "status": "200", "sent": "12", "referrer": "-", "agent": AGENT, "signals": None,
    }  # fmt: skip


NGINX = """
log_format  main  '$remote_addr - $remote_user [$time_local] "$request" '
                  # what the proxy said
                  '$status $body_bytes_sent "$http_referer" '
                  "\\"$http_user_agent\\" \\"$http_x_forwarded_for\\" ${request_time}";
"""


def test_log_format_of_several_quoted_parts_with_comments_and_a_semicolon(fields):
    format_ = compile_directive(NGINX)
    assert format_.name == "main"
    row = only(fields(format_, f'{LINE} "192.0.2.9, 10.0.0.1" 0.003'))
    assert (row["address"], row["forwarded"], row["hit_at"]) == ("192.0.2.7", "192.0.2.9, 10.0.0.1", AT)


@pytest.mark.parametrize(
    ("directive", "line", "expected"),
    [
        ('LogFormat "%a %t %m %U%q %H %s %>s %O" x', "2001:db8::1 [21/Nov/2026:13:55:36 +0100] GET /a?b=c HTTP/2.0 200 304 -",
         {"address": "2001:db8::1", "hit_at": AT, "method": "GET", "target": "/a?b=c", "status": "304", "sent": "-"}),
        ('LogFormat "%a:%{remote}p %t %m %U%q %>s"', "2001:db8::1:40000 [21/Nov/2026:13:55:36 +0100] HEAD /a 200",
         {"address": "2001:db8::1", "method": "HEAD", "target": "/a", "sent": None}),
        ('LogFormat "%h %t %r %>s %b"', "host-192-0-2-7.example.net [21/Nov/2026:13:55:36 +0100] GET /a HTTP/1.1 200 12",
         {"address": "host-192-0-2-7.example.net", "method": "GET", "target": "/a", "status": "200"}),
        ('LogFormat "%{X-Forwarded-For}i %l %u %t"', "192.0.2.9, 10.0.0.1 - - [21/Nov/2026:13:55:36 +0100]",
         {"address": "192.0.2.9, 10.0.0.1", "forwarded": None}),
        (r'LogFormat "%h %u %t \"%r\" %400,501{User-agent}i"', '192.0.2.7 jean van loon [21/Nov/2026:13:55:36 +0100] "GET / HTTP/1.0" -',
         {"address": "192.0.2.7", "agent": "-", "target": "/"}),
        (r'LogFormat "%h %t \"%!200,304{Referer}i\" %<s %>s 100%%"', '192.0.2.7 [21/Nov/2026:13:55:36 +0100] "https://www.example.org/\\"x" 301 200 100%',
         {"referrer": 'https://www.example.org/\\"x', "status": "200"}),
        ('LogFormat "%h\\t%t\\t%{User-Agent}i\\t%D\\t%{SSL_PROTOCOL}x\\t%{id}C"', "192.0.2.7\t[21/Nov/2026:13:55:36 +0100]\tMozilla/5.0 (X; Y)\t421\tTLSv1.3\ta b",
         {"address": "192.0.2.7", "agent": "Mozilla/5.0 (X; Y)"}),
        ('LogFormat "%h|%t|%{User-Agent}i|%>s"', "192.0.2.7|[21/Nov/2026:13:55:36 +0100]|Mozilla/5.0 (X; Y)|200",
         {"agent": "Mozilla/5.0 (X; Y)", "status": "200"}),
        ('LogFormat "%h %{sec}t.%{msec_frac}t %>s"', "192.0.2.7 1795265736.250 200", {"hit_at": datetime.fromisoformat("2026-11-21T12:55:36.250000")}),
        ('LogFormat "%h %{usec}t %>s"', "192.0.2.7 1795265736250001 200", {"hit_at": datetime.fromisoformat("2026-11-21T12:55:36.250001")}),
        ('LogFormat "%h %{begin:msec}t %{end:msec}t"', "192.0.2.7 1795265736250 1795265739250", {"hit_at": datetime.fromisoformat("2026-11-21T12:55:36.250000")}),
        ('LogFormat "%h %{%Y-%m-%d}t %{%T}t.%{usec_frac}t %>s"', "192.0.2.7 2026-11-21 13:55:36.000250 200", {"hit_at": datetime.fromisoformat("2026-11-21T12:55:36.000250")}),
        ('LogFormat "%h [%{%d/%b/%Y:%H:%M:%S}t.%{msec_frac}t %{%z}t] %>s"', "192.0.2.7 [21/Nov/2026:13:55:36.250 -0130] 200", {"hit_at": datetime.fromisoformat("2026-11-21T15:25:36.250000")}),
        ('LogFormat "%h %{%a %b %e %T %Z %Y}t %>s"', "192.0.2.7 Thu Nov  5 13:55:60 CET 2026 200", {"hit_at": datetime.fromisoformat("2026-11-05T12:56:00")}),
        ("log_format x '$remote_addr [$time_iso8601] $request_method $scheme://$host$request_uri $status $bytes_sent \"$upstream_addr\" $upstream_status';",
         '192.0.2.7 [2026-11-21T13:55:36+01:00] GET https://www.example.org/a?b 200 12 "10.0.0.1:80, unix:/run/x : -" 502, 200 : -',
         {"hit_at": AT, "target": "/a?b", "sent": "12"}),
        ("log_format x '$remote_addr $msec $request_method $uri$is_args$args $status';", "192.0.2.7 1795265736.250 GET /a- 200",
         {"target": "/a", "hit_at": datetime.fromisoformat("2026-11-21T12:55:36.250000")}),
        ("log_format x '$remote_addr $msec $request_method $uri$is_args$args $status';", "192.0.2.7 1795265736.250 GET /a?b=- 200", {"target": "/a?b=-"}),
        ("log_format x '$realip_remote_addr $remote_addr [$time_local] \"$request\"';", '10.0.0.1 192.0.2.7 [21/Nov/2026:13:55:36 +0100] ""',
         {"address": "192.0.2.7", "method": None, "target": None}),
        ("log_format x escape=none '$remote_addr [$time_local] \"$request\" \"$http_user_agent\"';", '192.0.2.7 [21/Nov/2026:13:55:36 +0100] "GET / HTTP/1.1" "C:\\x"',
         {"agent": "C:\\x"}),
        ("log_format x escape=json '$remote_addr [$time_local] \"$request\" \"$http_user_agent\"';", '192.0.2.7 [21/Nov/2026:13:55:36 +0100] "GET / HTTP/1.1" "a\\"b\\u001fc"',
         {"agent": 'a\\"b\\x1fc'}),
        ('$remote_addr - $remote_user [$time_local] "$request" $status', '192.0.2.7 -  [21/Nov/2026:13:55:36 +0100] "GET / HTTP/1.1" 200', {"status": "200"}),
        ('%h %l %u %t "%r" %>s %b', '192.0.2.7 - - [21/Nov/2026:13:55:36 +0100] "GET / HTTP/1.1" 200 -', {"sent": "-"}),
        (r'LogFormat "{ \"at\":\"%t\", \"ip\":\"%a\", \"r\":\"%r\", \"ua\":\"%{User-Agent}i\" }" j', r'{ "at":"[21/Nov/2026:13:55:36 +0100]", "ip":"192.0.2.7", "r":"GET / HTTP/1.1", "ua":"a\"b\xe9%22" }',
         {"hit_at": AT, "agent": r'a\"b\xe9"'}),
        ('CustomLog "logs/access_log" "%h %t %>s" env=!dontlog', "192.0.2.7 [21/Nov/2026:13:55:36 +0100] 200", {"status": "200"}),
    ],
)  # fmt: skip
def test_each_directive_is_read_as_its_server_writes_it(fields, directive, line, expected):
    row = only(fields(compile_directive(directive), line))
    assert {key: row[key] for key in expected} == expected


@pytest.mark.parametrize(
    "line",
    [
        LINE + LINE,
        f"{LINE} 17",
        LINE.replace(" 12 ", " 12 13 "),
        LINE.replace("7 - -", "7 - - -"),
        LINE.replace('"-"', "-"),
        LINE[:-1],
        LINE[:60] + LINE,
        LINE[60:] + LINE,
        "",
        "\\" * 200,
    ],
)
def test_a_field_too_many_or_two_joined_lines_are_refused(fields, line):
    (row,) = fields(compile_directive(COMBINED), line)
    assert row["reason"] == "not_a_log_line"


def test_two_joined_lines_are_refused_where_the_last_value_may_hold_blanks(fields):
    format_ = compile_directive('LogFormat "%h %t %>s %{User-Agent}i"')
    line = f"192.0.2.7 [21/Nov/2026:13:55:36 +0100] 200 {AGENT}"
    rows = fields(format_, line, line + line, f"{line} {line}")
    assert [row["reason"] for row in rows] == [None, "not_a_log_line", "not_a_log_line"]
    assert rows[0]["agent"] == AGENT


@pytest.mark.parametrize(
    "time",
    [
        "infinity",
        "epoch",
        "31/Feb/2026:13:55:36 +0100",
        "21/Nov/2026:13:55:36 +9900",
        "21/Nov/2026:24:00:00 +0100",
        "21/Nov/2026_13:55:36",
        "-",
    ],
)
def test_what_is_no_time_is_none(fields, time):
    (row,) = fields(compile_directive(COMBINED), LINE.replace("21/Nov/2026:13:55:36 +0100", time))
    assert (row["reason"], row["hit_at"]) == (None, None)


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("21/Nov/2026:13:55:60 +0100", datetime.fromisoformat("2026-11-21T12:56:00")),
        ("21/Nov/2026:13:55:36 -1459", datetime.fromisoformat("2026-11-22T04:54:36")),
    ],
)
def test_a_leap_second_and_the_widest_offset_are_times(fields, time, expected):
    assert (
        only(fields(compile_directive(COMBINED), LINE.replace("21/Nov/2026:13:55:36 +0100", time)))["hit_at"]
        == expected
    )


@pytest.mark.parametrize(
    ("directive", "named"),
    [
        (COMBINED.replace("%b", "%y"), "%y"),
        (COMBINED.replace("%b", "%{x}y"), "%{x}y"),
        ("log_format x '$remote_addr [$time_local] $my_own';", "$my_own"),
        ('LogFormat "%h %>s %b"', "holds no time"),
        ('LogFormat "%h %{%H:%M}t %>s"', "holds no time"),
        ('LogFormat "%t %>s %b"', "holds no client address"),
        ("log_format x '$request_uri [$time_local]';", "holds no client address"),
        ("log_format x escape=xml '$remote_addr [$time_local]';", "escape=xml"),
        ("log_format x '$remote_addr [$time_local]", "a quote is not closed"),
        ("log_format main;", "at least one text"),
        ("LogFormat combined", "only a nickname"),
        ("LogFormat", "missing"),
        ("access_log /var/log/nginx/access.log main;", "names no format"),
        ('LogFormat "%h%l %t"', "%h and %l stand side by side"),
        ('LogFormat "%h %t %{User-Agent}i %{Referer}i"', "%{User-Agent}i and %{Referer}i may both hold blanks"),
        ('LogFormat "%h %{%Q}t"', "%Q"),
        ("", "empty"),
        ("#Fields: date time cs-uri-stem", "c-ip"),
        ("#Fields: time c-ip", "date and time"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_with_the_cure(directive, named):
    with pytest.raises(FormatError) as raised:
        compile_directive(directive)
    assert named in str(raised.value)
    assert isinstance(raised.value, CharterFileError)


def test_a_format_of_charter_toml_bears_its_id(fields):
    format_ = named_format("shop", directive=COMBINED)
    assert format_.name == "shop"
    assert named_format("shop", preset="iis").name == "shop"
    assert named_format("shop", json={"time": "t", "address": "a"}).name == "shop"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "exactly one of directive, preset and json, and has none"),
        ({"directive": COMBINED, "preset": "iis"}, "has directive and preset"),
        ({"preset": "iss"}, "use one of alb"),
        ({"json": {"time": "t"}}, "no address"),
        ({"json": {"address": "t"}}, "no time"),
        ({"json": {"time": "t", "address": "a", "host": "h"}}, "host is no field"),
        ({"json": {"time": "t", "address": "a..b"}}, "JSON path"),
    ],
)
def test_charter_toml_says_one_thing_that_is_known(given, named):
    with pytest.raises(FormatError, match=named):
        named_format("shop", **given)
