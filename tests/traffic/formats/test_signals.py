"""What a browser says of being counted, in the formats that carry it; and that no other format pays for it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from pipelines.traffic.formats import compile_directive, json_format, presets
from pipelines.traffic.formats.clf import COMBINED

C = '192.0.2.7 - - [21/Nov/2026:13:55:36 +0100] "GET /a HTTP/1.1" 200 12 "-" "Moz"'
NGINX = (
    'log_format main \'$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
    '"$http_referer" "$http_user_agent" '
)
APACHE = r'LogFormat "%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\" '
CADDY = {
    "ts": 1795265736.3, "request": {"client_ip": "192.0.2.7", "method": "GET", "uri": "/a", "headers": {"User-Agent": ["Moz"]}},
    "status": 200, "size": 12,
}  # fmt: skip


def said(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(";") if part.strip()]


@pytest.mark.parametrize(
    ("directive", "line", "expected"),
    [
        (NGINX + '"$http_dnt" "$http_sec_gpc"\';', C + ' "1" "-"', ["DNT: 1", "Sec-GPC: -"]),
        (NGINX + '$http_dnt "$cookie_statistics"\';', C + ' - "no"', ["DNT: -", "statistics=no"]),
        (NGINX + '"$cookie_consent" "$cookie_statistics"\';', C + ' "" "no"', ["consent=", "statistics=no"]),
        (NGINX + '"$http_cookie"\';', C + ' "a=b; statistics=no"', ["a=b", "statistics=no"]),
        (APACHE + r'\"%{DNT}i\" \"%{Sec-GPC}i\" \"%{statistics}C\"" x', C + ' "1" "1" "no"', ["DNT: 1", "Sec-GPC: 1", "statistics=no"]),
        (APACHE + r'\"%{Cookie}i\"" x', C + ' "statistics=no"', ["statistics=no"]),
        ("#Fields: date time c-ip cs-method cs-uri-stem sc-status cs(Cookie) cs(DNT) cs(Sec-GPC)",
         "2026-11-21 13:55:36 192.0.2.7 GET /a 200 a=b;+statistics=no 1 -", ["DNT: 1", "Sec-GPC: -", "a=b", "statistics=no"]),
        ("log_format j escape=json '{\"ip\":\"$remote_addr\",\"t\":\"$time_iso8601\",\"r\":\"$request\",\"d\":\"$http_dnt\",\"c\":\"$cookie_statistics\"}';",
         '{"ip":"192.0.2.7","t":"2026-11-21T13:55:36+01:00","r":"GET /a HTTP/1.1","d":"1","c":"no"}', ["DNT: 1", "statistics=no"]),
    ],
)  # fmt: skip
def test_what_the_log_has_of_it_is_read(
    directive: str, line: str, expected: list[str], fields: Callable[..., list[dict[str, object]]]
) -> None:
    (row,) = fields(compile_directive(directive), line)
    assert row["reason"] is None
    assert said(str(row["signals"])) == expected


def test_a_json_log_says_it_by_its_keys_also_where_no_line_of_the_sample_has_them(
    fields: Callable[..., list[dict[str, object]]],
) -> None:
    request = {**CADDY["request"], "headers": {"User-Agent": ["Moz"], "Dnt": ["1"], "Cookie": ["REDACTED"]}}  # type: ignore[dict-item]
    objecting = json.dumps({**CADDY, "request": request})
    plain, other = fields(presets()["json:caddy"], json.dumps(CADDY), objecting)
    assert said(plain["signals"] and str(plain["signals"])) == []
    assert said(str(other["signals"])) == ["DNT: 1", "REDACTED"]
    named = json_format("x", {"time": "t", "address": "a", "gpc": "g"})
    (row,) = fields(named, '{"t":"2026-11-21T13:55:36Z","a":"192.0.2.7","g":"1"}')
    assert said(str(row["signals"])) == ["Sec-GPC: 1"]


def test_a_cookie_that_no_charter_can_name_is_not_even_read() -> None:
    format_ = compile_directive(APACHE + r'\"%{it\'s}C\"" x')
    assert "it's" not in format_.fields_sql
    assert "CAST(NULL AS VARCHAR) AS signals" in format_.fields_sql


def test_formats_without_such_fields_have_a_constant_in_their_place() -> None:
    without = [
        COMBINED,
        presets()["vhost_combined"],
        presets()["haproxy_http"],
        compile_directive(NGINX + "'; "),
    ]
    assert all("CAST(NULL AS VARCHAR) AS signals" in format_.fields_sql for format_ in without)
