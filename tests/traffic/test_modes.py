"""What remains of an address, in each mode, from the log file to every byte that is kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines import traffic
from pipelines.installation import Installation
from pipelines.traffic import Outcome
from tests.traffic.killing import totals
from tests.traffic.mmdb import write_mmdb

pytestmark = pytest.mark.usefixtures("few_rules")

Held = Callable[[str], list[tuple[Any, ...]]]
Log = Callable[..., bytes]
AT = datetime(2026, 11, 22, 1, tzinfo=UTC)
NAME = "dyn-203-0-113-9.canary-isp.example"
ADDRESSES = ("203.0.113.77", "::ffff:203.0.113.78", "[2001:db8:77::9]:443", "fe80::77%eth0", NAME)


@pytest.fixture
def under(installation: Installation, landing: Path) -> Callable[..., list[Outcome]]:
    """Take in what lies in landing under other rules."""

    def under(**rules: Any) -> list[Outcome]:
        charter = replace(installation.charter, traffic=replace(installation.charter.traffic, **rules))
        changed = replace(installation, charter=charter)
        files = traffic.deliveries(changed.places, changed.keyring)
        return traffic.take_in(changed, files, day=AT.date(), at=AT)

    return under


def hosts(log: Log, *addresses: str) -> bytes:
    return b"".join(log(minute, host=host) for minute, host in enumerate(addresses))


@pytest.mark.parametrize(("mode", "distinct"), [("strip", 0), ("truncate", 4), ("hash", 5)])
def test_nothing_but_the_pseudonym_remains_of_an_address(
    under: Callable[..., list[Outcome]], installation: Installation, home: Path, landing: Path, held: Held, log: Log,
    mode: str, distinct: int,
) -> None:  # fmt: skip
    write_mmdb(installation.places.countries, {"203.0.113.0/24": {"country": {"iso_code": "FR"}}})
    (landing / "a.log").write_bytes(hosts(log, *ADDRESSES))
    (outcome,) = under(address_mode=mode)
    assert totals([outcome]) == (5, 0, 0, 0)
    assert held("SELECT count(DISTINCT address), count(DISTINCT visitor) FROM hits") == [(distinct, distinct)]
    assert held("SELECT country, count(*) FROM hits GROUP BY ALL ORDER BY ALL") == [("FR", 2), (None, 3)]
    rows = repr(held("SELECT * FROM hits")) + repr(held("SELECT * FROM deliveries"))
    spoken = [*ADDRESSES, "203.0.113", "2001:db8:77", "canary-isp"]
    written = [path for path in home.rglob("*") if path.is_file() and path != installation.places.countries]
    assert len(written) > 5
    for canary in spoken:
        assert canary not in rows
        for path in written:
            assert canary.encode() not in path.read_bytes()
            assert canary not in path.name


@pytest.mark.parametrize("mode", ["truncate", "hash"])
def test_addresses_of_one_client_in_other_clothes_are_one_and_of_others_are_not(
    under: Callable[..., list[Outcome]], landing: Path, held: Held, log: Log, mode: str
) -> None:
    same = ("203.0.113.77", "::ffff:203.0.113.77", "[::ffff:203.0.113.77]:80", "203.0.113.77:5000")
    (landing / "a.log").write_bytes(hosts(log, *same, "203.0.113.78", "198.51.100.1"))
    under(address_mode=mode)
    found = [address for (address,) in held("SELECT address FROM hits ORDER BY line")]
    assert len(set(found[:4])) == 1
    assert (found[4] == found[0]) == (mode == "truncate")
    assert found[5] != found[0]


def with_forwarded(minute: int, peer: str, forwarded: str) -> bytes:
    time = f"21/Nov/2026:10:{minute:02}:00 +0100"
    return f'{peer} - - [{time}] "GET / HTTP/1.1" 200 1 "-" "x" "{forwarded}"\n'.encode()


def test_the_client_is_behind_the_trusted_proxies_and_behind_no_other(
    under: Callable[..., list[Outcome]], installation: Installation, landing: Path, held: Held, log: Log
) -> None:
    client = "198.51.100.7"
    lines = [
        with_forwarded(0, "10.0.0.1", client),
        with_forwarded(
            1, "10.0.0.1", f"203.0.113.66, {client}"
        ),  # what stands further left anybody can write
        with_forwarded(2, "10.0.0.1", f"{client}, 10.0.0.2"),
        with_forwarded(3, client, "-"),
        with_forwarded(4, client, "203.0.113.66"),  # no proxy of ours: its word is not believed
        with_forwarded(5, "10.0.0.1", "-"),
    ]
    (landing / "a.log").write_bytes(b"".join(lines))
    (outcome,) = under(trusted_proxies=("10.0.0.0/8",))
    assert totals([outcome]) == (6, 0, 0, 0)
    found = [address for (address,) in held("SELECT address FROM hits ORDER BY line")]
    expected = traffic.address_pseudonym(installation.keyring, "2026-11", client, installation.charter)
    proxy = traffic.address_pseudonym(installation.keyring, "2026-11", "10.0.0.1", installation.charter)
    assert found == [expected] * 5 + [proxy]


def test_a_format_without_status_or_size_leaves_them_empty(
    under: Callable[..., list[Outcome]], landing: Path, held: Held
) -> None:
    head = b"#Fields: date time c-ip cs-method cs-uri-stem\n"
    (landing / "a.log").write_bytes(head + b"2026-11-21 10:00:00 192.0.2.7 GET /plain\n")
    (outcome,) = under()
    assert totals([outcome]) == (1, 1, 0, 0)
    assert held("SELECT method, path, status, sent_bytes, browser FROM hits") == [
        ("GET", "/plain", None, None, "(unknown)")
    ]


def test_a_value_that_is_no_address_at_all_is_refused_and_kept_sealed(
    under: Callable[..., list[Outcome]], home: Path, landing: Path, held: Held, log: Log
) -> None:
    bad = hosts(log, "<canary>", "999.1.2.3", "a" * 300)
    (landing / "a.log").write_bytes(bad + log(9))
    (outcome,) = under()
    assert totals([outcome]) == (1, 3, 0, 0)
    assert held("SELECT reason, count(*) FROM rejects GROUP BY reason") == [("bad_address", 3)]
    assert held("SELECT raw FROM rejects ORDER BY line") == [(line,) for line in bad.split(b"\n")[:-1]]
    everything = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert not re.search(rb"<canary>|999\.1\.2\.3", everything)
