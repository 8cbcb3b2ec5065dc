"""Lines as the vendors' documentation has them: one alone is enough to find out what it is, and its fields."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

AGENT = "Mozilla/5.0 (X11; Linux x86_64) Firefox/132.0"
UTC_AT = datetime.fromisoformat("2026-11-21T13:55:36")
AT = datetime.fromisoformat("2026-11-21T12:55:36")
C = f'192.0.2.7 - - [21/Nov/2026:13:55:36 +0100] "GET /a?b=c HTTP/1.1" 200 12 "-" "{AGENT}"'
CLOUDFRONT = (
    "2026-11-21\t13:55:36\tLAX1\t392\t192.0.2.7\tGET\td111111abcdef8.cloudfront.net\t/index.html\t200\t-\tMozilla/5.0%20(X11)\tb=c\t-\tHit"
    "\tSOX4xwn4XV6Q4rgb7XiVGOHms_BGlTAC4KyHmureZmBNrjGdRLiNIQ==\td111111abcdef8.cloudfront.net\thttps\t23\t0.001\t-\tTLSv1.2\tECDHE-RSA"
    "\tHit\tHTTP/2.0\t-\t-\t11040\t0.001\tHit\ttext/html\t78\t-\t-"
)
ENVOY = '[2026-11-21T13:55:36.310Z] "GET /a?b=c HTTP/1.1" 200 - '
IIS = "2026-11-21 13:55:36 {site}10.0.0.1 GET /a b=c 443 - 2001:db8::1 {version}Mozilla/5.0+(X11;+Linux) {more}200 0 0 {sizes}15{end}"


def iis(site="", version="", more="", sizes="", end=""):
    return IIS.format(site=site, version=version, more=more, sizes=sizes, end=end)


IIS_FIELDS = {"hit_at": UTC_AT, "address": "2001:db8::1", "method": "GET", "target": "/a?b=c", "status": "200",
              "agent": "Mozilla/5.0 (X11; Linux)"}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "line", "expected"),
    [
        ("envoy", ENVOY + '0 12 226 100 "192.0.2.7, 10.0.35.28" "Moz (x)" "cc21d9b0" "www.example.org" "10.0.2.1:80"',
         {"hit_at": UTC_AT.replace(microsecond=310000), "address": "192.0.2.7, 10.0.35.28", "target": "/a?b=c", "status": "200", "sent": "12", "agent": "Moz (x)"}),
        ("envoy", ENVOY.replace("200 -", "0 DC") + '0 12 226 - "-" "Moz" "cc21d9b0" "www.example.org" "-"', {"address": "-", "status": "0"}),
        ("istio", ENVOY + 'via_upstream - "-" 0 12 226 100 "-" "Moz (x)" "cc21" "www.example.org" "10.0.2.1:80" outbound|80||x 10.0.0.1:3 10.0.0.2:80 192.0.2.7:333 - default',
         {"address": "192.0.2.7:333", "forwarded": "-", "sent": "12", "agent": "Moz (x)"}),
        ("iis", iis(more="- "), {**IIS_FIELDS, "referrer": "-", "sent": None}),
        ("iis7", iis(), {**IIS_FIELDS, "referrer": None}),
        ("iis_forwarded", iis(more="- ", end=" 192.0.2.9,+10.0.0.2"), {**IIS_FIELDS, "forwarded": "192.0.2.9, 10.0.0.2"}),
        ("iis_sizes", iis(more="- ", sizes="3223 163 "), {**IIS_FIELDS, "sent": "3223"}),
        ("iis_host", iis(more="- www.example.org "), {**IIS_FIELDS, "referrer": "-"}),
        ("iis_host_sizes", iis(more="- www.example.org ", sizes="3223 163 "), {**IIS_FIELDS, "sent": "3223"}),
        ("iis_site_sizes", iis("W3SVC1 WEB1 ", more="- ", sizes="3223 163 "), {**IIS_FIELDS, "sent": "3223"}),
        ("iis_all", iis("W3SVC1 WEB1 ", "HTTP/2 ", "a=b https://x/ www.example.org ", "3223 163 "), {**IIS_FIELDS, "referrer": "https://x/"}),
        ("iis6", "2026-11-21 13:55:36 W3SVC1 10.0.0.1 GET /a b=c 80 - 192.0.2.7 Mozilla/5.0+(X11) 200 0 0", {"address": "192.0.2.7", "target": "/a?b=c"}),
        ("azure_app_service", "2026-11-21 13:55:36 SHOP GET /a b=c 443 - 192.0.2.7 Mozilla/5.0 ARRAffinity=x - shop.example.org 200 0 0 3223 163 15",
         {"address": "192.0.2.7", "sent": "3223", "referrer": "-"}),
        ("iis_native", "192.0.2.7, anonymous, 11/21/2026, 13:55:36, W3SVC2, SALES1, 172.21.13.45, 4502, 163, 3223, 200, 0, GET, /a.gif, -,",
         {"hit_at": AT, "address": "192.0.2.7", "method": "GET", "target": "/a.gif", "status": "200", "sent": "3223"}),
        ("iis_native_short", "192.0.2.7, -, 03/20/26, 7:55:20, W3SVC2, SALES1, 172.21.13.45, 4502, 163, 3223, 200, 0, GET, /a.gif, b=c,",
         {"hit_at": datetime.fromisoformat("2026-03-20T06:55:20"), "target": "/a.gif?b=c"}),
        ("google_storage", '"1795265736250000","192.0.2.7","1","","GET","/b/a.html","200","0","1234","5","www.example.org","https://x/","Moz ""x","AE","GET_Object","b","a.html"'.replace('""x', ""),
         {"hit_at": AT.replace(microsecond=250000), "address": "192.0.2.7", "target": "/b/a.html", "sent": "1234", "referrer": "https://x/"}),
        ("cloudfront", CLOUDFRONT, {"hit_at": UTC_AT, "address": "192.0.2.7", "target": "/index.html?b=c", "status": "200", "sent": "392", "agent": "Mozilla/5.0\\x20(X11)"}),
        ("cloudfront", CLOUDFRONT.rpartition("\t-\t-\t11040")[0] + "\t-\t-", {"address": "192.0.2.7"}),  # before December 2019
        ("cloudfront_old", CLOUDFRONT.partition("\t-\tHit")[0], {"address": "192.0.2.7", "target": "/index.html?b=c"}),
        ("netscaler", "2026-11-21 13:55:36 192.0.2.7 - HTTP 10.0.0.1 80 GET /a b=c 200 301 5120 0 HTTP/1.1 Mozilla/5.0+(X11) - -",
         {"address": "192.0.2.7", "target": "/a?b=c", "status": "200", "sent": "5120"}),
        ("windows_media", "192.0.2.7 2026-11-21 13:55:36 - /test 0 26 1 200 {3300AD50-2C39} 9.0.0.2980 en-GB WMFSDK/9.0 -", {"hit_at": UTC_AT, "target": "/test", "status": "200"}),
        ("s3_unescaped", '79a5 b [21/Nov/2026:13:55:36 +0000] 192.0.2.7 - 3E57 REST.GET.OBJECT a.html "GET /b/a.html HTTP/1.1" 404 NoSuchKey 297 - 38 - "-" "Moz "x" y" - s9lz= SigV4 ECDHE',
         {"hit_at": UTC_AT, "target": "/b/a.html", "status": "404", "sent": "297", "agent": 'Moz "x" y'}),
        ("combined_forwarded", C + ' "-" "www.example.org" sn="x" rt=0.003 ua="10.0.0.1:80" us="200" ul="12" cs=-', {"agent": AGENT}),
        ("combined", C.replace("36 +0100", "36.250 +0100"), {"hit_at": AT.replace(microsecond=250000)}),
        ("combined", C.replace(" +0100]", "]"), {"hit_at": AT}),
        ("combined", C.replace("21/Nov/2026:13:55:36 +0100", "21/Nov/2026 13:55:36"), {"hit_at": AT}),  # Werkzeug
        ("combined", C.replace("21/Nov/2026:13:55:36 +0100", "2026-11-21T13:55:36+01:00"), {"hit_at": AT}),
        ("combined", C.replace("GET /a?b=c HTTP/1.1", "get /a?b=c http/1.1"), {"method": "GET", "target": "/a?b=c"}),
        ("combined_extra", C.replace('GET /a?b=c HTTP/1.1" 200', 'SOURCE /a.mp3 HTTP/1.0" 401') + " 264", {"method": "SOURCE", "target": "/a.mp3"}),
        ("syslog:haproxy_http", "<134>Nov 21 13:55:36 haproxy[14389]: 192.0.2.7:33317 [21/Nov/2026:13:55:36.655] http-in~ static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {|||} \"GET /a HTTP/1.1\"",
         {"address": "192.0.2.7:33317", "target": "/a"}),
        ("syslog:combined", "Nov 21 13:55:37.003 web-1 nginx: " + C, {"address": "192.0.2.7"}),
        ("syslog5424:combined", "1 2026-11-21T13:55:37.003Z web-1 nginx 8710 ID47 - " + C, {"address": "192.0.2.7"}),
        ("syslog_host:combined", "Nov 21 13:55:37 web-1 " + C, {"address": "192.0.2.7"}),
        ("syslog_host:vhost_combined", "2026-11-21T13:55:37+01:00 web-1 www.example.org " + C, {"address": "192.0.2.7"}),
        ("stamped:combined", "Nov 21 13:55:37 " + C, {"address": "192.0.2.7"}),
        ("stamped:combined", "2026-11-21T13:55:37.123456789Z " + C, {"address": "192.0.2.7"}),
        ("cri:docker:combined", "2026-11-21T13:55:37.1Z stdout F " + json.dumps({"log": C + "\n", "stream": "stdout"}), {"agent": AGENT}),
        ("message:combined", json.dumps({"@timestamp": "2026-11-21T13:55:37Z", "message": C, "log": {"file": {"path": "/x"}}}), {"agent": AGENT}),
        ("journald:combined", json.dumps({"__REALTIME_TIMESTAMP": "1795265736250000", "MESSAGE": C}), {"agent": AGENT}),
        ("ltsv:json", "time:21/Nov/2026:13:55:36 +0100\thost:192.0.2.7\tforwardedfor:-\treq:GET /a HTTP/1.1\tstatus:200\tsize:12\treferer:-\tua:Moz \"x\" \\x22",
         {"hit_at": AT, "address": "192.0.2.7", "target": "/a", "status": "200", "sent": "12", "agent": 'Moz "x" \\x22'}),
        ("logfmt:json", 'ts=2026-11-21T12:55:36Z level=info msg="x y" remote_ip=192.0.2.7 method=GET uri=/a?b=c status=200 size=12 user_agent="Moz \\"x\\" y"',
         {"hit_at": AT, "address": "192.0.2.7", "target": "/a?b=c", "sent": "12", "agent": 'Moz "x" y'}),
    ],
)  # fmt: skip
def test_one_line_alone_says_its_format_and_its_fields(read, name, line, expected):
    names, rows = read(line)
    assert names == [name]
    assert [{key: row[key] for key in ("reason", *expected)} for row in rows] == [
        {"reason": None, **expected}
    ]
    names, rows = read(line, line)
    assert names == [name]
    assert [row["reason"] for row in rows] == [None, None]


GOOGLE = {"httpRequest": {"remoteIp": "192.0.2.7", "requestMethod": "GET", "requestUrl": "https://www.example.org/a?b=c", "responseSize": "12", "status": 200, "userAgent": "Moz", "referer": "https://x/"},
          "timestamp": "2026-11-21T12:55:36Z", "severity": "INFO", "resource": {"type": "http_load_balancer"}}  # fmt: skip
AZURE = {"time": "2026-11-21T12:55:36Z", "category": "ApplicationGatewayAccessLog", "operationName": "ApplicationGatewayAccess",
         "properties": {"clientIP": "192.0.2.7", "clientPort": 46886, "httpMethod": "GET", "requestUri": "/a", "requestQuery": "b=c", "userAgent": "Moz",
                        "httpStatus": 200, "receivedBytes": 65, "sentBytes": 12, "referer": "https://x/"}}  # fmt: skip
FRONT_DOOR = {"time": "2026-11-21T12:55:36Z", "properties": {"clientIp": "192.0.2.7", "socketIp": "10.0.0.1", "httpMethod": "GET", "httpStatusCode": "200", "responseBytes": "12",
              "requestUri": "https://www.example.org:443/a?b=c", "userAgent": "Moz", "referer": "https://x/"}}  # fmt: skip
CLOUDFLARE = {"ClientIP": "192.0.2.7", "ClientRequestMethod": "GET", "ClientRequestURI": "/a?b=c", "ClientRequestUserAgent": "Moz", "ClientRequestReferer": "https://x/",
              "EdgeEndTimestamp": 1795265737000000000, "EdgeStartTimestamp": 1795265736000000000, "EdgeResponseBytes": 12, "EdgeResponseStatus": 200}  # fmt: skip
CLOUDFRONT_JSON = {"date": "2026-11-21", "time": "12:55:36", "x-edge-location": "LAX1", "sc-bytes": "12", "c-ip": "192.0.2.7", "cs-method": "GET", "cs-uri-stem": "/a",
                   "cs-uri-query": "b=c", "sc-status": "200", "cs(Referer)": "https://x/", "cs(User-Agent)": "Mo%20z"}  # fmt: skip
GATEWAY = {
    "requestId": "x",
    "ip": "192.0.2.7",
    "requestTime": "21/Nov/2026:12:55:36 +0000",
    "httpMethod": "GET",
    "resourcePath": "/a",
    "status": "200",
    "responseLength": "12",
}
ENVOY_JSON = {"start_time": "2026-11-21T12:55:36.001Z", "method": "GET", "path": "/a?b=c", "response_code": 200, "bytes_sent": 12, "bytes_received": 0, "x_forwarded_for": None,
              "user_agent": "Moz", "downstream_remote_address": "192.0.2.7:3333"}  # fmt: skip
ECS = {"@timestamp": "2026-11-21T12:55:36Z", "source": {"ip": "192.0.2.7"}, "http": {"request": {"method": "get"}, "response": {"status_code": 200.0, "bytes": 12.0}},
       "url": {"original": "/a?b=c", "path": "/a", "query": "b=c"}, "user_agent": {"original": "Moz"}, "log": {"file": {"path": "/x"}}}  # fmt: skip

AWS_WAF = {
    "timestamp": 1795265736000,
    "action": "ALLOW",
    "httpRequest": {
        "clientIp": "192.0.2.7",
        "country": "FR",
        "uri": "/a",
        "args": "b=c",
        "httpMethod": "GET",
    },
}
VERCEL = {"id": "x", "timestamp": 1795265736000, "proxy": {"timestamp": 1795265736000, "method": "GET", "host": "www.example.org", "path": "/a?b=c", "userAgent": ["Moz"],
          "referer": "https://x/", "statusCode": 200, "clientIp": "192.0.2.7"}}  # fmt: skip


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (AWS_WAF, {"status": None, "sent": None, "referrer": None, "agent": None}), (VERCEL, {"sent": None}),
        (GOOGLE, {}), (AZURE, {}), (FRONT_DOOR, {}), (CLOUDFLARE, {}), (CLOUDFRONT_JSON, {"agent": "Mo\\x20z"}),
        (GATEWAY, {"target": "/a", "agent": None, "referrer": None}), (ENVOY_JSON, {"address": "192.0.2.7:3333", "referrer": None, "hit_at": AT.replace(microsecond=1000)}),
        (ECS, {"referrer": None}),
    ],
)  # fmt: skip
def test_json_of_the_clouds_is_found_out_by_its_keys(read, line, expected):
    wanted = {"hit_at": AT, "address": "192.0.2.7", "method": "GET", "target": "/a?b=c", "status": "200", "sent": "12", "referrer": "https://x/", "agent": "Moz"}  # fmt: skip
    _, (row,) = read(json.dumps(line))
    assert row["reason"] is None
    assert {key: row[key] for key in wanted} == wanted | expected


def test_a_url_with_its_query_gets_it_but_once(read):
    line = {"time": "2026-11-21T12:55:36Z", "remote_addr": "192.0.2.7", "request_method": "GET", "request_uri": "/a?b", "args": "b", "status": ""}  # fmt: skip
    _, (row,) = read(json.dumps(line))
    assert (row["target"], row["status"]) == ("/a?b", "")
