"""W3C extended logs: the #Fields line says what stands where, wherever it stands."""

from __future__ import annotations

from datetime import datetime

import pytest

from pipelines.traffic.formats import Session, compile_directive, presets
from pipelines.traffic.lines import LineReader

AT = datetime.fromisoformat("2026-11-21T13:55:36")
IIS = "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken"
LINE = "2026-11-21 13:55:36 10.0.0.1 GET /a b=c 443 - 2001:db8::1 Mozilla/5.0+(X11;+Linux) https://www.example.net/ 200 0 0 15"


def test_iis_with_its_head(read):
    names, rows = read(
        "#Software: Microsoft Internet Information Services 10.0",
        "#Version: 1.0",
        "#Date: 2026-11-21 00:00:00",
        IIS,
        LINE,
        LINE.replace("b=c", "-"),
    )
    assert names == ["w3c"]
    assert [row["reason"] for row in rows] == ["directive"] * 4 + [None] * 2
    assert {key: value for key, value in rows[4].items() if key not in ("file_no", "line", "raw", "reason")} == {
        "hit_at": AT, "address": "2001:db8::1", "forwarded": None, "method": "GET", "target": "/a?b=c", "status": "200", "sent": None,
        "referrer": "https://www.example.net/", "agent": "Mozilla/5.0 (X11; Linux)", "signals": None,
    }  # fmt: skip
    assert rows[5]["target"] == "/a"


@pytest.mark.parametrize("block_bytes", [17, 200, 1 << 20])
def test_fields_that_change_within_the_file_hold_from_there_on(read, block_bytes):
    other = "#Fields: time date c-ip sc-bytes cs-uri-stem cs-method sc-status"
    lines = [
        "#Version: 1.0",
        IIS,
        LINE,
        LINE,
        "#Software: x",
        other,
        "13:55:36 2026-11-21 192.0.2.7 512 /b GET 404",
        IIS,
        LINE,
    ]
    _, rows = read(*lines, block_bytes=block_bytes)
    assert [row["reason"] for row in rows] == [
        "directive",
        "directive",
        None,
        None,
        "directive",
        "directive",
        None,
        "directive",
        None,
    ]
    assert [row["target"] for row in rows if row["reason"] is None] == ["/a?b=c", "/a?b=c", "/b", "/a?b=c"]
    assert rows[6]["sent"] == "512"


def test_the_same_head_again_cuts_nothing():
    content = ("\n".join([IIS, LINE, IIS, LINE]) + "\n").encode()
    (block,) = LineReader(1 << 20).blocks([content])
    assert [part.first_line for _, part in Session([]).parts(block)] == [1]


def test_a_head_behind_the_data_is_that_of_the_lines_before_it(read):
    _, rows = read(LINE, LINE, IIS, LINE)
    assert [row["reason"] for row in rows] == [None, None, "directive", None]


def test_a_head_behind_other_lines_is_not_theirs(read):
    combined = '192.0.2.7 - - [21/Nov/2026:13:55:36 +0100] "GET /a HTTP/1.1" 200 12'
    names, rows = read(combined, IIS, LINE)
    assert names == ["combined", "w3c"]
    assert [row["reason"] for row in rows] == [None, "directive", None]


def test_a_head_without_address_refuses_its_lines(read):
    _, rows = read("#Fields: date time cs-uri-stem", "2026-11-21 13:55:36 /a", IIS, LINE)
    assert [row["reason"] for row in rows] == ["directive", "not_a_log_line", "directive", None]


def test_times_without_date_take_that_of_the_date_line(read):
    fields = "#Fields: time c-ip cs-method cs-uri-stem sc-status"
    _, rows = read(
        "#Date: 2026-11-21 00:00:12",
        fields,
        "13:55:36 192.0.2.7 GET /a 200",
        "#Date: 2026-11-22 00:00:01",
        "00:00:02 192.0.2.7 GET /a 200",
    )
    assert [row["hit_at"] for row in rows] == [
        None,
        None,
        AT,
        None,
        datetime.fromisoformat("2026-11-22T00:00:02"),
    ]


def test_a_byte_order_mark_is_no_part_of_the_head(read):
    _, rows = read("\ufeff" + IIS, LINE)
    assert [row["reason"] for row in rows] == ["directive", None]


CLOUDFRONT = "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-forwarded-for"


@pytest.mark.parametrize(
    "agent", ["Mozilla/5.0%20(X11;%20Linux)%22", "Mozilla/5.0%2520(X11;%2520Linux)%2522"]
)
def test_cloudfront_is_percent_encoded_once_or_twice(fields, agent):
    line = f"2026-11-21\t13:55:36\tCDG50-C1\t512\t192.0.2.7\tGET\td111.cloudfront.net\t/a%2520b\t200\t-\t{agent}\tq=1%2526\t-\tHit\t-"
    (row,) = fields(compile_directive(CLOUDFRONT), line)
    assert (row["hit_at"], row["sent"], row["target"], row["forwarded"]) == (AT, "512", "/a%20b?q=1%26", "-")
    assert row["agent"] == r"Mozilla/5.0\x20(X11;\x20Linux)\x22"


def test_rtmp_has_neither_method_nor_status(fields):
    head = "#Fields: date time x-edge-location c-ip x-event sc-bytes x-cf-status x-cf-client-id cs-uri-stem cs-uri-query c-referrer x-page-url c-user-agent x-sname x-sname-query x-file-ext x-sid"
    line = "2026-11-21\t13:55:36\tSEA4\t192.0.2.7\tplay\t3914\tOK\tbfd8a98b\trtmp://d.cloudfront.net/cfx/st\tkey=value\thttps://www.example.org/\thttps://www.example.org/p\tLNX%2010,0\tmyvideo\tp=2\tflv\t1"
    (row,) = fields(compile_directive(head), line)
    assert (row["method"], row["status"], row["sent"], row["agent"]) == (None, None, "3914", r"LNX\x2010,0")
    assert row["referrer"] == "https://www.example.org/"


def test_incapsula_writes_values_in_quotes(fields):
    head = "#Fields: date time cs-vid cs(User-Agent) s-siteid cs-uri cs-version sc-action cs(Referrer) s-ip s-port cs-method cs-uri-query sc-status s-xff cs-bytes c-ip c-port"
    line = '"2026-11-21" "13:55:36" "3d-4" "Mozilla/5.0 (X; ""Y"") \\"z" "77" "www.example.org/a" "HTTP/1.1" "REQ_PASSED" "https://www.example.net/" "10.0.0.1" "443" "GET" "b=c" "200" "192.0.2.9" "512" "192.0.2.7" "4711"'
    (row, bad) = fields(compile_directive(head), line, line + ' "17"')
    assert (row["hit_at"], row["address"], row["forwarded"], row["target"]) == (
        AT,
        "192.0.2.7",
        "192.0.2.9",
        "/a?b=c",
    )
    assert row["agent"] == 'Mozilla/5.0 (X; "Y") \\"z'
    assert bad["reason"] == "not_a_log_line"


def test_imperva_head_lines_are_no_rejects(fields):
    rows = fields(compile_directive(IIS), "accountId:1234", "configId:5678", "|==|", LINE)
    assert [row["reason"] for row in rows] == ["directive", "directive", "directive", None]


@pytest.mark.parametrize(
    ("head", "line"),
    [
        (
            "#Fields: c-ip c-dns date time cs-uri-stem c-status cs(User-Agent) sc-bytes x-duration avgbandwidth",
            "192.0.2.7 192.0.2.7 2026-11-21 13:55:36 /stream?title=A 200 Winamp%205.0 512 10 128000",
        ),
        (
            "#Fields: x-timestamp c-ip cs-method cs-uri-path cs-uri-query sc-status",
            "1795269336.250 192.0.2.7 GET /a ?b=c 200",
        ),
        ("#Fields: date-local time-local c-ip cs-method cs-uri-stem", "2026-11-21 14:55:36 192.0.2.7 GET /a"),
        (
            "#Fields: localtime c-ip cs-method cs-uri",
            "[21/Nov/2026:14:55:36 +0100] 192.0.2.7 GET https://www.example.org/a",
        ),
        (
            "#Fields: date time x-forwarded-for cs-method cs-uri-stem",
            "2026-11-21 13:55:36.250 192.0.2.7 GET /a",
        ),
    ],
)
def test_servers_that_name_their_fields_otherwise(fields, head, line):
    (row,) = fields(compile_directive(head), line)
    assert (row["reason"], row["address"]) == (None, "192.0.2.7")
    assert row["hit_at"].replace(microsecond=0) == AT
    assert row["target"].startswith(("/a", "/stream"))


@pytest.mark.parametrize(
    "line",
    [
        LINE + " 7",
        LINE[:-3],
        LINE + LINE,
        LINE.replace("2026-11-21", "21-11-2026"),
        LINE.replace(" - ", ' "x '),
        "-",
    ],
)
def test_a_field_too_many_or_too_few_is_refused(fields, line):
    (row,) = fields(compile_directive(IIS), line)
    assert row["reason"] == "not_a_log_line"


def test_impossible_times_and_the_leap_second(fields):
    rows = fields(
        compile_directive(IIS),
        *(LINE.replace("13:55:36", time) for time in ("13:55:60", "25:00:00", "13:61:00")),
    )
    assert [row["hit_at"] for row in rows] == [datetime.fromisoformat("2026-11-21T13:56:00"), None, None]


def test_a_file_without_head_is_read_by_the_fields_that_charter_toml_names(read):
    named = compile_directive("#Fields: date time c-ip cs-uri-stem sc-status x-own").named("own")
    names, rows = read("2026-11-21 13:55:36 192.0.2.7 /a 200 x", named=[named])
    assert names == ["own"]
    assert rows[0]["target"] == "/a"


IMPERVA = "#Fields: date time cs-vid c-ip cs(User-Agent) cs-uri cs(Referrer) cs-method cs-uri-query sc-status s-xff cs-bytes"
IMPERVA_HEAD = [
    "accountId:1234",
    "configId:5678",
    "checksum:ab",
    "format:W3C",
    "startTime:1795265736000",
    "|==|",
]


def test_imperva_s_own_head_before_that_of_w3c_is_no_reject(read):
    line = '"2026-11-21" "13:55:36" "9d" "192.0.2.7" "Mozilla/5.0 (X; Y)" "www.example.org/a" "" "GET" "b=c" "200" "192.0.2.9" "512"'
    names, rows = read(
        *IMPERVA_HEAD, "#Software: Incapsula LOGS API", IMPERVA, line, line.replace('"200"', '""')
    )
    assert names == ["w3c"]
    assert [row["reason"] for row in rows] == ["directive"] * 8 + [None] * 2
    shown = ("address", "forwarded", "target", "status", "sent")
    assert [rows[8][key] for key in shown] == ["192.0.2.7", "192.0.2.9", "/a?b=c", "200", "512"]


@pytest.mark.parametrize("ahead", ["  ", "\t", "\ufeff", "\ufeff "])
def test_a_head_behind_blanks_is_one(read, ahead):
    _, rows = read(ahead + IIS, LINE)
    assert [row["reason"] for row in rows] == ["directive", None]


@pytest.mark.parametrize("head", ["#fields:", "#Fields:", "#FIELDS:\t", "#Fields:  "])
def test_a_head_is_written_in_many_ways(read, head):
    _, rows = read(IIS.replace("#Fields: ", head), LINE)
    assert [row["reason"] for row in rows] == ["directive", None]


def test_a_head_that_was_wrapped_goes_on_in_the_next_line(read):
    head = IIS.replace(" s-port", "\ns-port").replace(" cs(Referer)", "\ncs(Referer)").split("\n")
    _, rows = read(*head, LINE)
    assert len(head) == 3
    assert [row["reason"] for row in rows] == ["directive", "not_a_log_line", "not_a_log_line", None]
    assert rows[3]["address"] == "2001:db8::1"


@pytest.mark.parametrize(
    ("head", "line", "expected"),
    [
        (f"{IIS} X-Forwarded-For", f"{LINE} 192.0.2.9,+10.0.0.2", {"forwarded": "192.0.2.9, 10.0.0.2"}),
        (IIS, LINE.replace(" GET ", " get "), {"method": "GET", "target": "/a?b=c"}),
        ("#Fields: date time c-ip cs-method cs-uri sc-status bytes cs(User-Agent)", '2026-11-21 13:55:36 192.0.2.7 GET "/a" 200 512 "Moz ""x"" y"',
         {"sent": "512", "agent": 'Moz "x" y'}),  # Tomcat
        ("#Fields: timestamp time-taken c-ip filesize s-ip s-port sc-status sc-bytes cs-method cs-uri-stem - c-referrer c-user-agent",
         '1795269336 0 192.0.2.7 9 10.0.0.1 80 TCP_HIT/200 512 GET http://x.example.org/a - "https://x/" "Moz (x)"', {"status": "200", "hit_at": AT}),  # EdgeCast
        ("#Fields: timestamp c-ip cs-method cs-uri-stem", "2026-11-21T13:55:36Z 192.0.2.7 GET /a", {"hit_at": AT}),
        ("#Fields: c-ip cs-username c-agent date time cs-referred sc-bytes s-operation cs-uri sc-status", "192.0.2.7\t-\tMozilla/4.0 (x)\t2026-11-21\t13:55:36\t-\t512\tGET\thttp://www.example.org/a\t200",
         {"agent": "Mozilla/4.0 (x)", "method": "GET", "referrer": "-"}),  # ISA Server
        ("#Fields: date time cs-ip cs-method cs-uri sc-status sc-bytes time-taken cs(Referer) cs(User-Agent) cs(Cookie)",
         '2026-11-21\t13:55:36\t192.0.2.7\tGET\t/www.example.org/a\t200\t512\t0\t"-"\t"Moz 5"\t"-"', {"address": "192.0.2.7", "agent": "Moz 5"}),  # Akamai
    ],
)  # fmt: skip
def test_fields_of_other_servers(read, head, line, expected):
    _, rows = read(head, line)
    assert [row["reason"] for row in rows] == ["directive", None]
    assert {key: rows[1][key] for key in expected} == expected


def test_two_lines_joined_are_no_line_with_more_fields():
    line = "2026-11-21\t13:55:36\tLAX1\t392\t192.0.2.7\tGET\td.cloudfront.net\t/a\t200\t-\tMoz\t-"
    format_ = presets()["cloudfront_old"]
    assert [format_.takes(text) for text in (line, f"{line}\tHit", line + line, f"{line}\t{line}")] == [
        True,
        True,
        False,
        False,
    ]
