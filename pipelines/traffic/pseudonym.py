"""Where an address is hashed: keyed pseudonyms, under keys of the month, over distinct values.

Two of them under separate derived keys: `visitor` (address and user agent together) for statistics,
`address` (the address alone) so that a person who gives an address and a time can be answered. When
the key of the month is shredded, nobody can compute them again.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from pathlib import Path
from uuid import UUID

import duckdb

from pipelines.charter import Charter, TrafficRules
from pipelines.traffic.addresses import full_form
from pipelines.traffic.referrers import registrable
from pipelines.vault import Keyring

_SQL = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
_BLOCK_BYTES = 64
_TRUNCATED_IPV4 = 24
_TRUNCATED_IPV6 = 48


def canonical(host: str, ipv6_prefix: int) -> str | None:
    """Return the one form of an address or host name; None where `host` has none, or is no address.

    IPv6 is cut to its network, which is one household's. See `full_form` for the clothes it may wear.
    """
    form = full_form(host)
    if form is None or ":" not in form:
        return form
    return str(ipaddress.IPv6Network(f"{form}/{ipv6_prefix}", strict=False))


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


def forget_pseudonyms(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table `pseudonyms` anew, empty: the numbers of callers and agents begin anew."""
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE pseudonyms (
            month_no BIGINT, caller_no INTEGER, agent_no INTEGER, visitor UUID, address UUID, place UBIGINT
        )
        """
    )


def fill_pseudonyms(connection: duckdb.DuckDBPyConnection, keyring: Keyring) -> None:
    """Add to `pseudonyms` (month_no, caller_no, agent_no → visitor, address) what is staged and not there."""
    connection.execute(
        """
        CREATE OR REPLACE TEMP TABLE visiting AS
        WITH here AS (
            SELECT DISTINCT year(hit_on) * 12 + month(hit_on) AS month_no, caller_no, agent_no FROM staged
        )
        SELECT v.*
        FROM here AS v
        ANTI JOIN pseudonyms AS p
            ON p.month_no = v.month_no AND p.caller_no = v.caller_no
            AND p.agent_no IS NOT DISTINCT FROM v.agent_no
        """
    )
    months = connection.execute(
        """
        SELECT DISTINCT month_no FROM visiting JOIN callers USING (caller_no) WHERE address IS NOT NULL
        """
    ).fetchall()
    for (month_no,) in months:
        pads = {"month_no": month_no}
        for use in ("visitor", "address"):
            pads |= _pads(use, keyring.derive(key_name(_month(month_no)), use))
        connection.execute(_SQL, pads)


def _month(month_no: int) -> str:
    return f"{(month_no - 1) // 12:04}-{(month_no - 1) % 12 + 1:02}"


def _pads(use: str, key: bytes) -> dict[str, bytes]:
    padded = key.ljust(_BLOCK_BYTES, b"\0")
    return {
        f"{use}_inner": bytes(byte ^ 0x36 for byte in padded),
        f"{use}_outer": bytes(byte ^ 0x5C for byte in padded),
    }


def _pseudonym(key: bytes, message: str) -> UUID:
    return UUID(bytes=hmac.new(key, message.encode(), hashlib.sha256).digest()[:16])
