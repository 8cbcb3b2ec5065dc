"""JSON lines: nginx, Caddy, Traefik, and mappings of the site's own."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from pipelines.traffic.formats import FormatError, compile_directive, json_format, presets

AT = datetime.fromisoformat("2026-11-21T12:55:36")
CADDY = {
    "level": "info", "ts": 1795265736.25, "logger": "http.log.access.log0", "msg": "handled request",
    "request": {
        "remote_ip": "192.0.2.7", "remote_port": "41342", "client_ip": "192.0.2.7", "proto": "HTTP/2.0", "method": "GET",
        "host": "www.example.org", "uri": "/a?b=c",
        "headers": {"User-Agent": ["Mozilla/5.0 \"x\" \\é"], "Referer": ["https://www.example.net/"], "X-Forwarded-For": ["192.0.2.9", "10.0.0.1"]},
        "tls": {"resumed": False, "server_name": "www.example.org"},
    },
    "duration": 0.0009, "size": 12, "status": 200, "resp_headers": {"Server": ["Caddy"]},
}  # fmt: skip
TRAEFIK = {
    "ClientAddr": "192.0.2.7:53211", "ClientHost": "192.0.2.7", "ClientUsername": "-", "DownstreamContentSize": 12, "DownstreamStatus": 200,
    "Duration": 1234, "RequestAddr": "www.example.org", "RequestContentSize": 0, "RequestHost": "www.example.org", "RequestMethod": "GET",
    "RequestPath": "/a?b=c", "RequestProtocol": "HTTP/2.0", "RouterName": "x@docker", "StartLocal": "2026-11-21T13:55:36+01:00",
    "StartUTC": "2026-11-21T12:55:36.123456789Z", "request_User-Agent": "curl/8", "level": "info", "msg": "", "time": "2026-11-21T12:55:37Z",
}  # fmt: skip


def shown(row):
    return {key: value for key, value in row.items() if key not in ("file_no", "line", "raw", "reason")}


def test_caddy_is_detected_by_its_keys(read):
    (name,), (row,) = read(json.dumps(CADDY, ensure_ascii=False))
    assert name == "json:caddy"
    assert shown(row) == {
        "hit_at": AT.replace(microsecond=250000), "address": "192.0.2.7", "forwarded": "192.0.2.9, 10.0.0.1", "method": "GET",
        "target": "/a?b=c", "status": "200", "sent": "12", "referrer": "https://www.example.net/", "agent": 'Mozilla/5.0 "x" \\\\é', "signals": "",
    }  # fmt: skip


def test_a_field_that_no_line_of_the_sample_has_is_read_when_it_comes(read):
    bare = json.loads(json.dumps(CADDY))
    bare["request"]["headers"] = {}
    _, rows = read(*[json.dumps(bare)] * 70, json.dumps(CADDY))
    assert rows[0]["referrer"] is None
    assert (rows[-1]["referrer"], rows[-1]["forwarded"]) == (
        "https://www.example.net/",
        "192.0.2.9, 10.0.0.1",
    )


def test_traefik_is_detected_by_its_keys(read):
    (name,), (row,) = read(json.dumps(TRAEFIK))
    assert name == "json:traefik"
    assert row["hit_at"] == AT.replace(microsecond=123456)
    assert [row[key] for key in ("address", "method", "target", "status", "sent", "agent")] == [
        "192.0.2.7",
        "GET",
        "/a?b=c",
        "200",
        "12",
        "curl/8",
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({"@timestamp": "2026-11-21T12:55:36.000Z", "client": {"ip": "2001:db8::1"}, "http": {"request": {"method": "GET"}, "response": {"status_code": 404}}, "url": {"path": "/a", "query": "b"}, "user_agent": {"original": "x"}},
         {"address": "2001:db8::1", "method": "GET", "target": "/a?b", "status": "404", "agent": "x"}),
        ({"@timestamp": "2026-11-21T12:55:36.000Z", "clientip": "192.0.2.7", "verb": "GET", "request": "/a", "response": 200, "bytes": 12, "agent": "x", "referrer": "-"},
         {"address": "192.0.2.7", "sent": "12"}),
        ({"time": "21/Nov/2026:13:55:36 +0100", "remote_addr": "192.0.2.7", "request": "GET /a HTTP/1.1", "status": "200", "body_bytes_sent": "12"},
         {"target": "/a", "method": "GET", "sent": "12"}),
        ({"ip": "192.0.2.7", "host": "www.example.org", "path": "/a", "status": "200", "referrer": "-", "user_agent": "x", "length": 12, "date": "2026-11-21T13:55:36+01:00"},
         {"address": "192.0.2.7", "target": "/a", "sent": "12", "agent": "x"}),
        ({"timestamp": 1795265736000, "remote_ip": "192.0.2.7", "method": "GET", "uri": "https://www.example.org/a", "status": 200},
         {"target": "/a", "status": "200"}),
    ],
)  # fmt: skip
def test_common_names_of_keys_are_known(read, line, expected):
    (_,), (row,) = read(json.dumps(line))
    assert {"reason": None, "hit_at": AT, **expected} == {
        key: row[key] for key in ("reason", "hit_at", *expected)
    }


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("1795265736", AT), ("1795265736000", AT), ("1795265736000.0", AT), ("1795265736000000", AT), ("1795265736000000000", AT),
        ('"2026/11/21 12:55:36"', datetime.fromisoformat("2026-11-21T11:55:36")), ('"2026-11-21T13:55:36.000+0100"', AT), ('"2026-11-21T13:55:36+01"', AT),
        ('"2026-11-21 12:55:36 UTC"', AT), ('"2026-11-21T13:55:60,5+01:00"', datetime.fromisoformat("2026-11-21T12:56:00.500000")),
        ('"21/Nov/2026:13:55:36 +0100"', AT), ('"[21/Nov/2026:13:55:36 +0100]"', AT), ('"2026-11-21T13:55:36"', AT),
        ('"infinity"', None), ('"epoch"', None), ('"2026-02-30T00:00:00Z"', None), ("99999999999999999999999", None), ("-1", None), ("1.5e300", None),
        ("true", None), ('"2026-11-21"', None), ('"2026-11-21T25:00:00Z"', None),
    ],
)  # fmt: skip
def test_a_time_is_read_by_its_shape_and_nothing_else_is_one(fields, time, expected):
    format_ = json_format("x", {"time": "t", "address": "a"})
    (row,) = fields(format_, f'{{"t": {time}, "a": "192.0.2.7"}}')
    assert (row["reason"], row["hit_at"]) == (None, expected)


@pytest.mark.parametrize(
    "line",
    [
        '{"t": 1, "a": "x"} x', '{"t": 1, "a": "x"}{"t": 1, "a": "x"}', '{"t": 1, "a": "x", "t": 2}', '{"t": 1, "a": "x", "z": 1, "z": 2}',
        '{"t": 1, "a": "x"', '[1]', '1', 'null', '{"t": null, "a": "x"}', '{"t": 1}', '{"t": 1, "a": ""}', '{"t": 1, "a": "\\ud800"}', "{" * 500, "[" * 5000, "",
        '{"t": 1, "a": "x\ty"}', "{'t': 1}", '{"t": 01, "a": "x"}', '{"x": {"t": 1, "a": "x"}}',
    ],
)  # fmt: skip
def test_what_is_not_one_object_with_its_fields_is_refused(fields, line):
    (row,) = fields(json_format("x", {"time": "t", "address": "a"}), line)
    assert row["reason"] == "not_a_log_line"


def test_a_key_that_stands_twice_in_a_nested_object_is_refused(fields):
    format_ = json_format("x", {"time": "t", "address": "q.a.ip"})
    rows = fields(
        format_,
        '{"t": 1, "q": {"a": {"ip": "x", "ip": "y"}}}',
        '{"t": 1, "q": {"a": {"ip": "x"}, "a": {}}}',
        '{"t": 1, "q": {"a": {"ip": "x"}}}',
    )
    assert [row["reason"] for row in rows] == ["not_a_log_line", "not_a_log_line", None]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (r"a\xC3\xA9\x22b", r"a\xC3\xA9\x22b"),  # invalid bytes, as the reader of lines writes them
        (r"a\\x41", r"a\\x41"),  # a backslash of the value itself
        (r"a\\\x41", r"a\\\x41"),
        (r"C:\\", r"C:\\"),
        (r"a\"b\u00e9\u0000", 'a"bé\\x00'),
        ("a\\/b", "a/b"),
    ],
)  # fmt: skip
def test_bytes_and_backslashes_of_a_value_are_told_apart(fields, written, expected):
    format_ = json_format("x", {"time": "t", "address": "a", "agent": "u"})
    (row,) = fields(format_, f'{{"t": 1, "a": "x", "u": "{written}"}}')
    assert (row["reason"], row["agent"]) == (None, expected)


def test_a_list_is_joined_and_a_bracketed_address_is_no_list(fields):
    format_ = json_format("x", {"time": "t", "address": "a", "forwarded": "f"})
    rows = fields(
        format_,
        '{"t": 1, "a": "[2001:db8::1]:443", "f": ["192.0.2.9", "10.0.0.1"]}',
        '{"t": 1, "a": 7, "f": null}',
    )
    assert [(row["address"], row["forwarded"]) for row in rows] == [
        ("[2001:db8::1]:443", "192.0.2.9, 10.0.0.1"),
        ("7", None),
    ]


def test_keys_with_dots_and_places_in_lists(fields):
    format_ = json_format(
        "x", {"time": 'a."b.c"', "address": "l[1].ip", "uri": "u", "query": "q", "method": "m"}
    )
    (row,) = fields(
        format_,
        '{"a": {"b.c": "2026-11-21T12:55:36Z"}, "l": [{}, {"ip": "192.0.2.7"}], "u": "/a", "q": "b=c", "m": "GET"}',
    )
    assert (row["hit_at"], row["address"], row["target"]) == (AT, "192.0.2.7", "/a?b=c")


TEMPLATE = """log_format j escape=json '{'
  '"time":"$time_iso8601","peer":{"ip":"$remote_addr","chain":"$http_x_forwarded_for"},'
  '"request":"$request","status":$status,"bytes":$body_bytes_sent,'
  '"agent":"$http_user_agent","took":"$upstream_response_time"'
'}';"""


def test_a_template_of_nginx_is_read_by_key(fields):
    line = '{"status":200,"bytes":12,"time":"2026-11-21T13:55:36+01:00","peer":{"ip":"192.0.2.7","chain":""},"request":"GET /a HTTP/1.1","agent":"a\\"b","took":""}'
    (row,) = fields(compile_directive(TEMPLATE), line)
    assert (row["hit_at"], row["address"], row["target"], row["agent"], row["sent"]) == (
        AT,
        "192.0.2.7",
        "/a",
        'a"b',
        "12",
    )


def test_a_template_that_may_write_no_json_is_read_by_its_order(fields):
    directive = TEMPLATE.replace('"took":"$upstream_response_time"', '"took":$upstream_response_time')
    line = '{"time":"2026-11-21T13:55:36+01:00","peer":{"ip":"192.0.2.7","chain":""},"request":"GET /a HTTP/1.1","status":200,"bytes":12,"agent":"a\\"b","took":}'
    (row,) = fields(compile_directive(directive), line)
    assert (row["reason"], row["hit_at"], row["address"], row["target"], row["agent"]) == (
        None,
        AT,
        "192.0.2.7",
        "/a",
        'a\\"b',
    )


def test_a_template_without_address_or_with_an_unknown_variable_is_refused():
    with pytest.raises(FormatError, match="no client address"):
        compile_directive("""log_format j escape=json '{"t":"$time_iso8601","r":"$request"}';""")
    with pytest.raises(FormatError, match="mine"):
        compile_directive(
            """log_format j escape=json '{"t":"$time_iso8601","r":"$remote_addr","x":"$mine"}';"""
        )


def test_the_presets_can_be_named(fields):
    (row,) = fields(
        presets()["json:nginx"],
        '{"time_iso8601":"2026-11-21T13:55:36+01:00","remote_addr":"192.0.2.7","request":"GET /a HTTP/1.1","status":200}',
    )
    assert (row["hit_at"], row["target"], row["referrer"]) == (AT, "/a", None)
