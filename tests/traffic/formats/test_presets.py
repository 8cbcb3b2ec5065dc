"""The formats that are known by themselves, on lines as their vendors' documentation has them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from pipelines.traffic.formats import presets

AGENT = "Mozilla/5.0 (X11; Linux x86_64) Firefox/132.0"
UTC_AT = datetime.fromisoformat("2026-11-21T13:55:36")
AT = UTC_AT - timedelta(hours=1)
C = f'192.0.2.7 - - [21/Nov/2026:13:55:36 +0100] "GET /a?b=c HTTP/1.1" 200 12 "-" "{AGENT}"'
COMMON = C.split(' "-"', maxsplit=1)[0]
ALB = (
    "https 2026-11-21T13:55:36.250000Z app/my-lb/50dc6c495c0c9188 192.0.2.7:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 366 "
    f'"GET https://www.example.org:443/a?b=c HTTP/2.0" "{AGENT}" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 arn:aws:elasticloadbalancing:x:targetgroup/t/73e2 '
    '"Root=1-58337262-36d228ad5d99923122bbe354" "www.example.org" "arn:aws:acm:x" 0 2026-11-21T13:55:36.364000Z "forward" "-" "-"'
)
ALB_BAD = 'http 2026-11-21T13:55:36.250000Z app/my-lb/50dc [2001:db8::1]:2817 - -1 -1 -1 400 - 34 366 "- http://www.example.org:80- -" "-" - - - "-" "-" "-" - 2026-11-21T13:55:36.250000Z "-" "-" "-"'
ELB = '2026-11-21T13:55:36.250000Z my-lb 192.0.2.7:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 "GET http://www.example.org:80/ HTTP/1.1"'
S3 = (
    "79a59df900b949e5 DOC-EXAMPLE-BUCKET1 [21/Nov/2026:13:55:36 +0000] 192.0.2.7 79a59df900b949e5 3E57427F3EXAMPLE REST.GET.OBJECT "
    'photos/2026/a%2520b.jpg "GET /photos/2026/a%20b.jpg?x=1 HTTP/1.1" 200 - 113 114 7 6 "https://www.example.net/" "S3Console/0.4" -'
)
HAPROXY = "192.0.2.7:33317 [21/Nov/2026:13:55:36.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0"


@pytest.mark.parametrize(
    ("name", "line", "expected"),
    [
        ("combined", C, {"hit_at": AT, "address": "192.0.2.7", "method": "GET", "target": "/a?b=c", "status": "200", "sent": "12", "referrer": "-", "agent": AGENT}),
        ("combined", COMMON, {"hit_at": AT, "address": "192.0.2.7", "target": "/a?b=c", "sent": "12"}),
        ("combined", C.replace("192.0.2.7", "2001:db8::1"), {"address": "2001:db8::1"}),
        ("combined", C.replace("7 - - [", "7 www.example.org frank ["), {"address": "192.0.2.7"}),  # OVH
        ("combined", COMMON + ' "-" ""', {"agent": ""}),
        ("vhost_combined", "www.example.org:443 " + C, {"hit_at": AT, "address": "192.0.2.7", "agent": AGENT}),
        ("vhost_combined", "www.example.org " + C.replace("- -", "- frank"), {"address": "192.0.2.7"}),
        ("vhost_combined", "203.0.113.5:80 " + C, {"address": "192.0.2.7"}),
        ("vhost_common", "www.example.org:443 " + COMMON, {"address": "192.0.2.7", "sent": "12", "agent": None}),
        ("second_vhost_combined", C.replace("192.0.2.7", "192.0.2.7 www.example.org"), {"address": "192.0.2.7"}),
        ("combined_forwarded", C + ' "192.0.2.9, 10.0.0.1"', {"address": "192.0.2.7", "forwarded": "192.0.2.9, 10.0.0.1"}),
        ("combined_forwarded", C + ' "2001:db8::9" 0.003', {"forwarded": "2001:db8::9"}),
        ("combined_forwarded", C + ' "-"', {"forwarded": "-"}),
        ("combined_extra", C + ' "0.003" 0.001', {"address": "192.0.2.7", "forwarded": None}),
        ("combined_extra", C + " 512 0.003 [default-web-80] [] 10.0.0.1:80, 10.0.0.2:80 12 0.003, 0.004 200 8ab5f", {"agent": AGENT, "status": "200"}),  # ingress-nginx
        ("combined_extra", C + " 321", {"agent": AGENT}),  # Icecast 2
        ("combined_extra", '192.0.2.7 - - [21/Nov/2026:13:55:36 +0100] "GET / HTTP/1.1" 200 15 "" "" 55276 690 "http-in~" "default" "s1" 0 0 0 1 1 "----" 1 1 0 0 0 0 0 "" "" ', {"hit_at": AT, "sent": "15", "agent": ""}),
        ("common_extra", COMMON + " 321", {"status": "200", "sent": "12"}),
        ("traefik_clf", C + ' 123 "router@docker" "http://10.0.0.1:80" 5ms', {"address": "192.0.2.7", "agent": AGENT}),
        ("gandi", "www.example.org " + C.replace("] ", "] (0 s) "), {"hit_at": AT, "address": "192.0.2.7", "target": "/a?b=c"}),
        ("litespeed", f'"{C}"', {"address": "192.0.2.7", "agent": AGENT}),
        ("chain_combined", C.replace("192.0.2.7", "192.0.2.9, 10.0.0.1"), {"address": "192.0.2.9, 10.0.0.1"}),
        ("alb", ALB, {"hit_at": UTC_AT.replace(microsecond=250000), "address": "192.0.2.7:2817", "method": "GET", "target": "/a?b=c", "status": "200", "sent": "366", "agent": AGENT}),
        ("alb", ALB + ' "10.0.0.1:80" "200" "-" "-" TID_1234', {"target": "/a?b=c"}),
        ("alb", ALB_BAD, {"address": "[2001:db8::1]:2817", "method": None, "target": None, "status": "400", "agent": "-"}),
        ("elb", ELB + f' "{AGENT}" ECDHE TLSv1.2', {"hit_at": UTC_AT.replace(microsecond=250000), "address": "192.0.2.7:2817", "target": "/", "sent": "29", "agent": AGENT}),
        ("elb", ELB + ' "curl/7.38.0" - -', {"agent": "curl/7.38.0"}),
        ("elb", ELB, {"agent": ""}),
        ("s3", S3, {"hit_at": UTC_AT, "address": "192.0.2.7", "target": "/photos/2026/a%20b.jpg?x=1", "status": "200", "sent": "113", "referrer": "https://www.example.net/", "agent": "S3Console/0.4"}),
        ("s3", S3 + " s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= SigV4 ECDHE-RSA AuthHeader b.s3.amazonaws.com TLSV1.2 - -", {"sent": "113"}),
        ("s3", S3.replace('"GET /photos/2026/a%20b.jpg?x=1 HTTP/1.1" 200', '"-" 403').replace(" 113 ", " - "), {"target": None, "status": "403", "sent": "-"}),
        ("haproxy_http", HAPROXY + ' {1wt.eu|Moz (x)} {} "GET /index.html HTTP/1.1"', {"hit_at": AT.replace(microsecond=655000), "address": "192.0.2.7:33317", "target": "/index.html", "status": "200", "sent": "2750", "agent": None}),
        ("haproxy_http", HAPROXY.replace(" 2750", " +2750") + ' "GET https://www.example.org/a HTTP/2.0" 0/0000000000000000/0/0/0 www.example.org/TLSv1.3/TLS_AES_256_GCM_SHA384', {"sent": "2750", "target": "/a"}),
        ("haproxy_http", HAPROXY.replace("200 2750", "400 187").replace("192.0.2.7", "2001:db8::1") + ' "<BADREQ>"', {"address": "2001:db8::1:33317", "method": None, "target": None, "status": "400"}),
        ("haproxy_http", HAPROXY.replace("200 2750", "-1 0") + ' "GET / HTTP/1.1"', {"status": None, "target": "/"}),
        ("haproxy_http", HAPROXY + ' "GET /cut-off-at-the-longest', {"target": "/cut-off-at-the-longest"}),
        ("nginx_proxy_manager", f'[21/Nov/2026:13:55:36 +0100] - 200 200 - GET https www.example.org "/a?b=c" [Client 192.0.2.7] [Length 512] [Gzip -] [Sent-to 10.0.0.2] "{AGENT}" "https://www.example.net/"',
         {"hit_at": AT, "address": "192.0.2.7", "method": "GET", "target": "/a?b=c", "status": "200", "sent": "512", "agent": AGENT, "referrer": "https://www.example.net/"}),
        ("iis", "2026-11-21 13:55:36 10.0.0.1 GET /a b=c 443 - 2001:db8::1 Mozilla/5.0+(X11;+Linux) - 200 0 0 15", {"hit_at": UTC_AT, "address": "2001:db8::1", "target": "/a?b=c", "agent": "Mozilla/5.0 (X11; Linux)"}),
        ("netscaler_no_service", "2026-11-21 13:55:36 192.0.2.7 - 10.0.0.1 80 GET /a b=c 200 301 5120 0 HTTP/1.1 Mozilla/5.0+(X11) - -", {"address": "192.0.2.7", "sent": "5120", "status": "200"}),
        ("shoutcast", "192.0.2.7 host.example.net 2026-11-21 13:55:36 /stream?title=A%20B 200 Winamp%205.0 512 10 128000", {"hit_at": UTC_AT, "address": "192.0.2.7", "target": "/stream?title=A%20B", "agent": "Winamp\\x205.0"}),
        ("syslog:combined", "Nov  1 13:55:37 web-1 nginx: " + C, {"hit_at": AT, "agent": AGENT}),
        ("syslog:combined", "<190>Nov 21 13:55:37 web-1 nginx[12]: " + COMMON, {"hit_at": AT}),
        ("syslog:combined", "2026-11-21T13:55:37.123456+01:00 web-1 apache: " + C, {"hit_at": AT}),
        ("syslog:haproxy_http", "Nov 21 13:55:37 lb haproxy[14389]: " + HAPROXY + ' "GET / HTTP/1.1"', {"address": "192.0.2.7:33317", "target": "/"}),
        ("syslog:combined", "Nov 21 13:55:37 nginx: " + C, {"agent": AGENT}),
        ("tag:haproxy_http", "haproxy[14389]: " + HAPROXY + ' "GET / HTTP/1.1"', {"target": "/"}),
        ("syslog5424:combined", '<190>1 2026-11-21T13:55:37Z web-1 nginx 12 - [x@1 a="b"] ' + C, {"agent": AGENT}),
        ("cri:combined", "2026-11-21T13:55:37.123456789Z stdout F " + C, {"agent": AGENT}),
        ("compose:combined", "web_1  | " + C, {"agent": AGENT}),
        ("docker:combined", json.dumps({"log": C + "\n", "stream": "stdout", "time": "2026-11-21T13:55:37Z"}), {"agent": AGENT}),
    ],
)  # fmt: skip
def test_a_format_is_detected_and_each_field_is_read(read, name, line, expected):
    names, (row,) = read(line)
    assert names == [name]
    assert row["reason"] is None
    assert {key: row[key] for key in expected} == expected


@pytest.mark.parametrize("line", ["192.0.2.9, 10.0.0.1 - - [", "www.example.org, 10.0.0.1 - - ["])
def test_a_chain_of_proxies_is_not_taken_for_a_virtual_host(read, line):
    _, (row,) = read(line + C.split("[")[1])
    assert row["address"] == line.partition(" -")[0]


def test_a_client_before_the_virtual_host_is_not_taken_for_one(read):
    _, (row,) = read(C.replace("192.0.2.7", "192.0.2.7 www.example.org"))
    assert row["address"] == "192.0.2.7"


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, known in presets().items()
        if not name.startswith(("json", "iis", "cloudfront", "netscaler", "shout"))
    ],
)
def test_no_format_takes_two_lines_joined(fields, name):
    good = [C, COMMON, ALB, ELB, S3, C + ' 12 "x" [y]', "www.example.org " + C]
    joined = [
        text for line in good for text in (line + line, f"{line} {line}", line[: len(line) // 2] + line)
    ]
    for row, line in zip(fields(presets()[name], *joined), joined, strict=True):
        assert row["reason"] is not None or row["hit_at"] is None, line
