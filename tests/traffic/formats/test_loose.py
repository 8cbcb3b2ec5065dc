"""Lines that Common and Combined refuse, and that are lines of a log all the same; and those that are none."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.traffic.addresses import is_refused_address
from pipelines.traffic.formats import presets

AT = datetime.fromisoformat("2026-11-21T12:55:36")
HEAD = "192.0.2.7 - - [21/Nov/2026:13:55:36 +0100]"
C = f'{HEAD} "GET /a HTTP/1.1" 200 12 "-" "Moz"'
LOOSE = presets()["loose"]
PLAIN = {
    "address": "192.0.2.7",
    "method": "GET",
    "target": "/a",
    "status": "200",
    "sent": "12",
    "agent": "Moz",
}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f'{HEAD} "GET /?q="x" HTTP/1.1" 404 12 "-" "Moz"', {"target": '/?q="x"', "status": "404", "referrer": "-"}),
        (f'{HEAD} "GET /a HTTP/1.1" 200 12 "-" "Mozilla "quoted" agent"', {"agent": 'Mozilla "quoted" agent'}),
        (f'{HEAD} "GET /a HTTP/1.1" 200 12 "https://x/?q="y z"" "Moz"', {"referrer": 'https://x/?q="y z"'}),
        (f'{HEAD} "GET /a HTTP/1.1" 200 12 "-" "Moz "q"" "192.0.2.9"', {"agent": 'Moz "q"'}),
        (f'{HEAD} "" or 1=1--" 400 0 "-" "-"', {"method": None, "target": None, "status": "400", "sent": "0", "agent": "-"}),
        (f'{HEAD} ""><script>" 400 0 "-" "-"', {"method": None, "target": None, "status": "400", "sent": "0", "agent": "-"}),
        (C.replace('"-"', "-"), {"referrer": None}),
        (C.replace('"Moz"', '-'), {"agent": None}),
        (C.replace(" ", "\t").replace("GET\t/a\tHTTP", "GET /a HTTP").replace("36\t+", "36 +"), {}),
        (C.replace("- -", "-  -"), {}),
        (C.replace("[", "").replace("]", ""), {}),
        (C.replace('"GET /a HTTP/1.1"', "GET /a HTTP/1.1"), {}),
        (C.replace("192.0.2.7", '"192.0.2.7"'), {}),
        (C.replace(' "GET', ' www.example.org "GET'), {}),
        (C.replace(' "GET', ' "www.example.org" "GET'), {}),
        (C.replace(' 12 "-"', ' 12 www.example.org "-"'), {}),  # IONOS
        (C.replace(" 12 ", " 12 1234 0.003 "), {}),
        (C.replace("/a", '/"').replace("192.0.2.7", "www.example.org:443 192.0.2.7"), {"target": '/"'}),
        (C.replace("/a", '/"').replace("192.0.2.7", "192.0.2.7, 10.0.0.1"), {"address": "192.0.2.7, 10.0.0.1", "target": '/"'}),
        (C.replace("/a", '/"').replace("192.0.2.7", "host.example.net"), {"address": "host.example.net", "target": '/"'}),
        (C.replace("/a", '/"').replace("192.0.2.7", "2001:db8::1"), {"address": "2001:db8::1", "target": '/"'}),
        (C.replace("/a", '/"').replace("36 +0100", "36.250 +0100"), {"hit_at": AT.replace(microsecond=250000), "target": '/"'}),
    ],
)  # fmt: skip
def test_what_is_sure_of_a_line_is_read(read, line, expected):
    names, (row,) = read(line)
    assert names == ["loose"]
    wanted = {"reason": None, "hit_at": AT, **PLAIN, **expected}
    assert {key: row[key] for key in wanted} == wanted


def test_a_line_behind_a_prefix_is_read_so_too(read):
    names, (row,) = read(f'Nov 21 13:55:37 web nginx: {HEAD} "GET /" HTTP/1.1" 200 12 "-" "Moz"')
    assert names == ["syslog:loose"]
    assert (row["address"], row["target"]) == ("192.0.2.7", '/"')


@pytest.mark.parametrize("cut", range(1, len(C) + 1))
@pytest.mark.parametrize("second", [C, C.replace("/a", '/"')])
def test_a_line_cut_anywhere_and_joined_to_another_is_refused(fields, cut, second):
    (row,) = fields(LOOSE, C[:cut] + second)
    assert row["reason"] is not None or is_refused_address(row["address"])


@pytest.mark.parametrize("cut", range(1, len('"-" "Moz"')))
def test_a_last_line_that_was_cut_is_refused_until_it_is_whole(fields, cut):
    (row,) = fields(LOOSE, C.replace("/a", '/"')[:-cut])
    assert row["reason"] == "not_a_log_line"


@pytest.mark.parametrize(
    "line",
    ["", "-", "GET / HTTP/1.1", HEAD, f"{HEAD} 200 12", f'{HEAD} "GET /" x 12', f'{HEAD} "GET /" 200', "at com.example.Main(Main.java:12)",
     '2026/11/21 13:55:36 [error] 12#12: *3 open() "/a" failed (2: No such file), client: 192.0.2.7, server: _, request: "GET /a HTTP/1.1"'],
)  # fmt: skip
def test_what_is_no_line_of_a_log_is_refused(fields, line):
    (row,) = fields(LOOSE, line)
    assert row["reason"] == "not_a_log_line"


PIECES = st.sampled_from(['"', " ", "\t", "\\", "-", "[", "]", ",", ":", "é", "21/Nov/2026:13:55:36", "200 12", "GET / HTTP/1.1", '" "', '"-"', "1.2.3.4"])  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, len(C)), st.integers(0, 5), PIECES), min_size=20, max_size=40)
)
def test_python_and_sql_agree_and_the_address_is_one_of_the_line(fields, changes):
    lines = [C[:at] + piece + C[at + gone :] for at, gone, piece in changes]
    for row, line in zip(fields(LOOSE, *lines), lines, strict=True):
        assert row["reason"] is not None or row["address"] in line
