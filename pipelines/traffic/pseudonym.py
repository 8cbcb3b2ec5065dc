"""Where an address is hashed: keyed pseudonyms, under keys of the month, over distinct values.

Two of them under separate derived keys: `visitor` (address and user agent together) for statistics,
`address` (the address alone) so that a person who gives an address and a time can be answered. When
the key of the month is shredded, nobody can compute them again.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from uuid import UUID

import duckdb
import pyarrow as pa

from pipelines.charter import Charter, TrafficRules
from pipelines.traffic.referrers import registrable
from pipelines.vault import Keyring

_SQL = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
_BLOCK_BYTES = 64
_TRUNCATED_IPV4 = 24
_TRUNCATED_IPV6 = 48
_NO_ADDRESS = ("", "-", "unix:", "?")
_WITH_PORT = re.compile(r"\[(.+)\](?::\d+)?|([0-9.]+):\d+")


@lru_cache(maxsize=1 << 16)
def canonical(host: str, ipv6_prefix: int) -> str | None:
    """Return the one form of an address or host name; None where the log has none.

    `::ffff:1.2.3.4`, brackets, a port and a zone id are read; IPv6 is cut to its network, which is
    one household's; a host name is lower-cased, without the last dot.
    """
    bare = host.strip()
    if bare in _NO_ADDRESS:
        return None
    match = _WITH_PORT.fullmatch(bare)
    if match:
        bare = match[1] or match[2]
    try:
        address = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return bare.lower().rstrip(".") or None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address), ipv6_prefix), strict=False))


def truncated(address: str) -> str:
    """Return the canonical `address` cut to its /24 or /48, of a host name the registrable domain."""
    network, _, length = address.partition("/")
    try:
        parsed = ipaddress.ip_address(network)
    except ValueError:
        return registrable(address) or "(host)"
    bits = _TRUNCATED_IPV4 if parsed.version == 4 else min(_TRUNCATED_IPV6, int(length))
    return str(ipaddress.ip_network(f"{network}/{bits}", strict=False))


def hashed_form(host: str, rules: TrafficRules) -> str | None:
    """Return what is hashed for `host` under the charter's address mode; None where nothing is."""
    if rules.address_mode == "strip":
        return None
    address = canonical(host, rules.ipv6_prefix)
    if address is None or rules.address_mode == "hash":
        return address
    return truncated(address)


def address_pseudonym(keyring: Keyring, month: str, address: str, charter: Charter) -> UUID | None:
    """Return the pseudonym under which hits of `address` in `month` ("2026-11") are kept.

    None where the charter keeps no address, or the month's key is gone: then nobody can tell.
    """
    form = hashed_form(address, charter.traffic)
    if form is None or not keyring.has(key_name(month)):
        return None
    return _pseudonym(keyring.derive(key_name(month), "address"), form)


def key_name(month: str) -> str:
    """Return the name of the month's key in the keyring."""
    return f"pseudonym/{month}"


def address_forms(hosts: Iterable[str], rules: TrafficRules) -> pa.Table:
    """Return a table host → address, the form that is hashed."""
    raw = list(hosts)
    forms = [hashed_form(host, rules) for host in raw]
    return pa.table({"host": pa.array(raw, pa.string()), "address": pa.array(forms, pa.string())})


def fill_pseudonyms(connection: duckdb.DuckDBPyConnection, keyring: Keyring) -> None:
    """Fill `pseudonyms` (month, host, agent → visitor, address) from `callers`."""
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE pseudonyms
        (month VARCHAR, host VARCHAR, agent VARCHAR, visitor UUID, address UUID)
        """
    )
    months = connection.execute("SELECT DISTINCT month FROM callers WHERE address IS NOT NULL").fetchall()
    for (month,) in months:
        pads = {"month": month}
        for use in ("visitor", "address"):
            pads |= _pads(use, keyring.derive(key_name(month), use))
        connection.execute(_SQL, pads)


def _pads(use: str, key: bytes) -> dict[str, bytes]:
    padded = key.ljust(_BLOCK_BYTES, b"\0")
    return {
        f"{use}_inner": bytes(byte ^ 0x36 for byte in padded),
        f"{use}_outer": bytes(byte ^ 0x5C for byte in padded),
    }


def _pseudonym(key: bytes, message: str) -> UUID:
    return UUID(bytes=hmac.new(key, message.encode(), hashlib.sha256).digest()[:16])
