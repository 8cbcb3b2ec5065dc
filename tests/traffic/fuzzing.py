"""Lines of many formats, mutated at random: what a web server meets, and worse. The same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"
_CLF = '192.0.2.{n} - - [21/Nov/2026:13:{m}:36 +0100] "GET /a{n}?b=c&utm_source=x HTTP/1.1" 200 12'
SAMPLES = (
    f'{_CLF} "https://www.example.org/x" "{AGENT}"',
    f'{_CLF} "-" "-"',
    _CLF,
    f'www.example.org:443 {_CLF} "-" "{AGENT}"',
    f'{_CLF} "-" "{AGENT}" "198.51.100.{{n}}, 10.0.0.1"',
    '2001:db8::{n} - frank [21/Nov/2026:13:{m}:36 +0100] "\\x16\\x03\\x01" 400 0 "-" "-"',
    ('{{"time_local":"21/Nov/2026:13:{m}:00 +0100","remote_addr":"192.0.2.{n}","request":"GET /j HTTP/1.1","status":"200",'
    '"body_bytes_sent":"5","http_referer":"-","http_user_agent":"x\\u00e9"}}'),
    ('{{"level":"info","ts":1795266000.5,"logger":"http.log.access","msg":"handled request","request":{{"remote_ip":"192.0.2.{n}",'
    '"method":"GET","uri":"/c?d","headers":{{"User-Agent":["y"]}}}},"status":200,"size":7}}'),
    "2026-11-21 10:{m}:00 192.0.2.{n} GET /iis q=1 200 10 Mozilla/5.0+(X11)",
    ('http 2026-11-21T13:{m}:36.250000Z app/lb/50dc 192.0.2.{n}:2817 10.0.0.1:80 0.0 0.0 0.0 200 200 34 366 '
    f'"GET http://www.example.org:80/ HTTP/1.1" "{AGENT}" - - arn:x "Root=1-58" "-" "-" 0 2026-11-21T13:{{m}}:36.250000Z "forward" "-" "-"'),
    '2026-11-21T13:{m}:36.250000Z lb 192.0.2.{n}:2817 10.0.0.1:80 0.0 0.0 0.0 200 200 0 29 "GET http://x:80/ HTTP/1.1"',
    ('79a5 bucket [21/Nov/2026:13:{m}:36 +0000] 192.0.2.{n} 79a5 3E57 REST.GET.OBJECT key "GET /b/k HTTP/1.1" 200 - 113 - 7 - "-" '
    '"S3Console/0.4" -'),
    ("Nov 21 13:{m}:36 localhost haproxy[14]: 192.0.2.{n}:33317 [21/Nov/2026:13:{m}:36.655] http-in static/srv1 10/0/30/69/109 200 "
    '2750 - - ---- 1/1/1/1/0 0/0 {{}} {{}} "GET /index.html HTTP/1.1"'),
)  # fmt: skip
_HEAD = b"#Fields: date time c-ip cs-method cs-uri-stem cs-uri-query sc-status sc-bytes cs(User-Agent)"
_BLOCK = 1000  # lines of the same few formats
_ODD = (
    b"\0", b"\xff", b"\xc3", b"\xed\xa0\x80", b'"', b'\\"', b"\\", b"\\x", b"\r", b"\t", b"[", b"]", b"{", b"}", b"%", b"%0A", b"#",
    b"-", b" ", b"  ", b"99999999999999999999", b"-1", b"\xe2\x80\xae", b"\xef\xbb\xbf", b"infinity", b"epoch", b"31/Feb/2026",
    b":60 ", b"::", b"@", b"joe@example.org", b"'; DROP TABLE staged; --", b"$zone", b"\n", b"\r\n", b"=cmd|",
    b"0612345678", b"\xf0\x9d\x9f\x8f", "\u0661\u0662\u0663".encode(), b"," * 40, b"(" * 60, b"a" * 3000,
)  # fmt: skip


def fuzzed(count: int, seed: int) -> Iterator[bytes]:
    """Yield `count` lines or what becomes of them, of few formats at a time, as in a file.

    Three in seven are as a server writes them; those of W3C stand behind their head.
    """
    source = random.Random(seed)
    last, several = b"", tuple(SAMPLES)
    for number in range(count):
        if number % _BLOCK == 0:
            several = tuple(source.sample(SAMPLES, source.choice((1, 1, 2, 5))))
        line = source.choice(several).format(n=source.randrange(256), m=f"{source.randrange(60):02}").encode()
        if number % _BLOCK == 0 and any(sample.startswith("2026-11-21 ") for sample in several):
            line = _HEAD
        else:
            for _ in range(source.choice((0, 0, 0, 1, 1, 2, 6))):
                line = _mutated(source, line, last)
        yield line + source.choice((b"\n", b"\n", b"\n", b"\n", b"\r\n"))
        last = line


def _mutated(source: random.Random, line: bytes, other: bytes) -> bytes:
    start = source.randrange(len(line) + 1)
    end = min(len(line), start + source.randrange(12))
    return source.choice((
        lambda: line[:start] + line[end:],
        lambda: line[:start] + source.choice(_ODD) + line[start:],
        lambda: line[:start] + source.choice(_ODD) + line[end:],
        lambda: line[:start] + source.randbytes(3) + line[end:],
        lambda: line[:end] + line[start:],
        lambda: line[:start] + other[start:],
        lambda: line[:start],
        lambda: line + b" " + other,
    ))()  # fmt: skip
