"""Where an address is hashed: keyed pseudonyms, under keys of the month, over distinct values.

Two of them under separate derived keys: `visitor` (address and user agent together) for statistics,
`address` (the address alone) so that a person who gives an address and a time can be answered. When
the key of the month is shredded, nobody can compute them again.
"""

from __future__ import annotations

import hashlib
import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.charter import Charter, TrafficRules
from pipelines.traffic.addresses import full_form, written
from pipelines.traffic.referrers import registrable
from pipelines.traffic.texts import Texts
from pipelines.vault import Keyring

_BLOCK_BYTES = 64
_TRUNCATED_IPV4 = 24
_TRUNCATED_IPV6 = 48
_SIZE = 16  # bytes of a pseudonym, and of an address of IPv6
_IPV6_BITS = 128
_BITS = 32  # of a number in a key
_AT_ONCE = 10_000  # messages that are objects of Python at the same time
_FIRST_MONTH = 1970 * 12 + 1  # what months are counted from

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def canonical(host: str, ipv6_prefix: int) -> str | None:
    """Return the one form of an address or host name; None where `host` has none, or is no address.

    IPv6 is cut to its network, which is one household's. See `full_form` for the clothes it may wear.
    """
    form = full_form(host)
    if form is None or ":" not in form:
        return form
    address = int.from_bytes(socket.inet_pton(socket.AF_INET6, form), "big")
    hidden = _IPV6_BITS - ipv6_prefix
    return f"{written((address >> hidden << hidden).to_bytes(_SIZE, 'big'))}/{ipv6_prefix}"


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


@dataclass(frozen=True)
class Pseudonymised:
    """Who is behind each hit, 16 bytes each; `is_known` says where something is kept of the address."""

    visitor: Bytes
    address: Bytes
    is_known: Mask


@dataclass(frozen=True)
class _Month:
    """What was computed for a month: `keys` (caller and agent in one number) ascending, the others beside."""

    keys: Numbers
    visitor: Bytes
    address: Bytes

    def plus(self, keys: Numbers, visitor: Bytes, address: Bytes) -> _Month:
        """Return this with more of them."""
        together = np.concatenate([self.keys, keys])
        order = np.argsort(together)
        return _Month(
            together[order],
            np.concatenate([self.visitor, visitor])[order],
            np.concatenate([self.address, address])[order],
        )


_NOBODY = _Month(np.zeros(0, np.int64), np.zeros((0, _SIZE), np.uint8), np.zeros((0, _SIZE), np.uint8))


class Pseudonyms:
    """The pseudonyms of callers and agents, each distinct pair of a month computed once."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._generation = -1
        self._months: dict[int, _Month] = {}

    def of(self, hits: pa.Table, texts: Texts) -> Pseudonymised:
        """Return who is behind each of `hits` (hit_on, and caller_no, agent_no of `texts`)."""
        if texts.generation != self._generation:  # the numbers mean something else
            self._months.clear()
            self._generation = texts.generation
        month_no, caller_no = _months(hits["hit_on"]), numbers(hits["caller_no"])
        keys = (caller_no << _BITS) | (numbers(hits["agent_no"]) + 1)
        is_known = np.asarray(texts.callers["address"].is_valid(), np.bool_)[caller_no]
        visitor, address = (np.zeros((len(hits), _SIZE), np.uint8) for _ in range(2))
        for month in np.unique(month_no[is_known]).tolist():
            rows = np.flatnonzero(is_known & (month_no == month))
            distinct, place = np.unique(keys[rows], return_inverse=True)
            known = self._known(month, distinct, texts)
            at: Numbers = np.searchsorted(known.keys, np.asarray(distinct))[place]
            visitor[rows], address[rows] = known.visitor[at], known.address[at]
        return Pseudonymised(visitor, address, is_known)

    def _known(self, month: int, keys: Numbers, texts: Texts) -> _Month:
        """Return what is known of `month`, with all of `keys`, which are ascending."""
        known = self._months.get(month, _NOBODY)
        new = keys[np.append(known.keys, -1)[np.searchsorted(known.keys, keys)] != keys]
        if len(new):
            self._months[month] = known = known.plus(new, *self._computed(month, new, texts))
        return known

    def _computed(self, month: int, keys: Numbers, texts: Texts) -> tuple[Bytes, Bytes]:
        caller_no, caller = np.unique(keys >> _BITS, return_inverse=True)
        agent_no = (keys & ((1 << _BITS) - 1)) - 1
        addresses = _taken(texts.callers["address"], caller_no)
        agents = _taken(texts.agents["agent"], agent_no).fill_null(pa.scalar(b""))
        newline: Any = pa.scalar(b"\n")  # pyarrow's types know of no scalar beside arrays
        visiting = pc.binary_join_element_wise(_taken(addresses, caller), agents, newline)
        return self._hashed(month, "visitor", visiting), self._hashed(month, "address", addresses)[caller]

    def _hashed(self, month: int, use: str, messages: pa.ChunkedArray[Any]) -> Bytes:
        pseudonym = _keyed(self._keyring.derive(key_name(_month(month)), use))
        some = (messages.slice(first, _AT_ONCE) for first in range(0, len(messages), _AT_ONCE))
        hashed = b"".join(
            pseudonym(message) for part in some for message in cast(list[bytes], part.to_pylist())
        )
        return np.frombuffer(hashed, np.uint8).reshape(-1, _SIZE)


def _taken(texts: pa.ChunkedArray[Any], number: Any) -> pa.ChunkedArray[Any]:
    """Return the bytes of the text of each `number`; null where that is -1."""
    return texts.take(pa.array(number, pa.int64(), mask=number < 0)).cast(pa.binary())


def numbers(column: pa.ChunkedArray[Any]) -> Numbers:
    """Return the numbers of `column`, -1 where it is null."""
    found: Numbers = column.fill_null(pa.scalar(-1, column.type)).to_numpy().astype(np.int64)
    return found


def _months(days: pa.ChunkedArray[Any]) -> Numbers:
    months: Numbers = days.cast(pa.int32()).to_numpy().astype("M8[D]").astype("M8[M]").astype(np.int64)
    return months + _FIRST_MONTH


def _month(month_no: int) -> str:
    return f"{(month_no - 1) // 12:04}-{(month_no - 1) % 12 + 1:02}"


def _keyed(key: bytes) -> Callable[[bytes], bytes]:
    """Return HMAC-SHA256 (RFC 2104) under `key`, cut to a pseudonym; what is of the key is hashed once."""
    padded = key.ljust(_BLOCK_BYTES, b"\0")
    inner, outer = (hashlib.sha256(bytes(byte ^ pad for byte in padded)) for pad in (0x36, 0x5C))

    def pseudonym(message: bytes) -> bytes:
        within, around = inner.copy(), outer.copy()
        within.update(message)
        around.update(within.digest())
        return around.digest()[:_SIZE]

    return pseudonym


def _pseudonym(key: bytes, message: str) -> UUID:
    return UUID(bytes=_keyed(key)(message.encode()))
