"""Real nginx and Apache, hit with known requests, some odd: their own logs, every request accounted for."""

from __future__ import annotations

import gzip
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipelines import nightly
from pipelines.installation import Installation
from pipelines.summary import Summary

if TYPE_CHECKING:
    from tests.integration.conftest import WebServer

pytestmark = pytest.mark.integration

CANARY = "canary.person@example.com"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def get(path: str, *, agent: str = AGENT, more: str = "") -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: {agent}\r\n{more}Connection: close\r\n\r\n"
    ).encode("utf-8", "surrogateescape")


def hit(server: WebServer) -> Counter[str]:
    """Send some three hundred requests and return how many of each path must be found as hits."""
    sent: Counter[str] = Counter()
    for number in range(120):
        server.send(get("/", agent=f"{AGENT} n{number % 30}"))
        server.send(get(f"/about.html?email={CANARY}&utm_source=letter"))
        sent.update(["/", "/about.html"])
    for number in range(40):
        server.send(
            get(f"/missing-{number % 3}", more=f"Referer: https://www.search.example/?q={CANARY}\r\n"),
            ipv6=True,
        )
        sent.update([f"/missing-{number % 3}"])
    for _ in range(10):
        server.send(get("/broken"))
        sent.update(["/broken"])
    odd = [
        (get("/", agent='quoted "agent" \\ with a backslash'), "/"),
        (get("/", agent=f"SomeBot/1.0 (+mailto:{CANARY})"), "/"),
        (get("/", agent=""), "/"),
        (get("/about.html", agent="caf\udce9 latin-1"), "/about.html"),
        (get(f"/user/{CANARY}/orders"), "/user/(masked)/orders"),
        (get("/call/+33612345678"), "/call/(masked)"),
        (b"HEAD / HTTP/1.0\r\n\r\n", "/"),
        (
            b"POST /about.html HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            "/about.html",
        ),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\xff binary garbage\r\n\r\n", "(malformed)"),
        (b"GET\r\n\r\n", "(malformed)"),
        (b"nonsense without sense\r\n\r\n", "(malformed)"),
    ]
    for request, path in odd:
        server.send(request)
        sent.update([path])
    server.send(get("/" + "x" * 60_000))
    sent.update(["/(masked)"])
    wait_for_lines(server, sum(sent.values()))
    return sent


def wait_for_lines(server: WebServer, count: int) -> None:
    """Wait until the server has logged `count` requests: it logs a request after it has answered it."""
    deadline = time.monotonic() + 10
    while (lines := server.log.read_bytes().count(b"\n")) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    assert lines == count


def paths_of(installation: Installation) -> Counter[str]:
    with installation.vault.workshop() as workshop:
        workshop.open(*installation.vault.stores("traffic"))
        rows = workshop.connection.execute("SELECT path, count(*) FROM hits GROUP BY ALL").fetchall()
    return Counter(dict(rows))


def run(summary_of: datetime, days: int = 0) -> Summary:
    return nightly.run((summary_of + timedelta(days=days)).date(), lambda: summary_of)


@pytest.fixture(params=["nginx", "apache"])
def server(request: pytest.FixtureRequest) -> WebServer:
    found: WebServer = request.getfixturevalue(request.param)
    return found


def test_every_request_of_a_real_server_is_accounted_for(
    server: WebServer, installation: Installation
) -> None:
    sent = hit(server)
    lines = server.log.read_bytes().count(b"\n")
    now = datetime.now(UTC)
    server.log.rename(_landing(installation, server.name) / "access.log")
    summary = run(now)
    assert summary.traffic.read == lines
    assert summary.traffic.is_balanced
    found = paths_of(installation)
    expected = Counter(sent)
    # A line longer than the charter allows is refused, counted and kept sealed, not cut.
    too_long = expected.pop("/(masked)")
    if summary.traffic.rejected:
        assert summary.traffic.rejected == too_long
    else:
        assert found.pop("/(masked)") == too_long
    assert found == expected
    assert summary.traffic.accepted == sum(found.values()) + (0 if summary.traffic.rejected else too_long)


def test_same_log_renamed_compressed_and_grown_counts_nothing_twice(
    nginx: WebServer, installation: Installation
) -> None:
    hit(nginx)
    first = nginx.log.read_bytes()
    now = datetime.now(UTC)
    landing = _landing(installation, "nginx")
    (landing / "access.log").write_bytes(first)
    once = run(now)
    (landing / "renamed.log.1").write_bytes(first)
    (landing / "compressed.gz").write_bytes(gzip.compress(first))
    again = run(now)
    assert again.traffic.read == 2 * once.traffic.read
    assert again.traffic.duplicate == again.traffic.read
    for _ in range(25):
        nginx.send(get("/grown"))
    wait_for_lines(nginx, once.traffic.read + 25)
    (landing / "access.log").write_bytes(nginx.log.read_bytes())
    grown = run(now)
    assert (grown.traffic.accepted, grown.traffic.duplicate) == (25, once.traffic.read)
    assert paths_of(installation)["/grown"] == 25


def test_two_servers_with_the_same_lines_are_two_sources(
    nginx: WebServer, installation: Installation
) -> None:
    nginx.send(get("/"))
    wait_for_lines(nginx, 1)
    now = datetime.now(UTC)
    for source in ("web-1", "web-2"):
        (_landing(installation, source) / "access.log").write_bytes(nginx.log.read_bytes())
    summary = run(now)
    assert (summary.traffic.accepted, summary.traffic.duplicate) == (2, 0)


def _landing(installation: Installation, source: str) -> Path:
    folder = installation.places.landing_traffic / source
    folder.mkdir(exist_ok=True)
    return folder
