"""Where an address is hashed: keyed pseudonyms, under keys of the month, over distinct values.

Two of them under separate derived keys: `visitor` (address and user agent together) for statistics,
`address` (the address alone) so that a person who gives an address and a time can be answered. When
the key of the month is shredded, nobody can compute them again.
"""

from __future__ import annotations

import hashlib
import ipaddress
import socket
from collections.abc import Callable, Iterator
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
_WHOLE = f"V{_SIZE}"  # a pseudonym as one value, moved in a tenth of the time of its bytes
_IPV6_BITS = 128
_BITS = 32  # of a number in a key
_AT_ONCE = 10_000  # messages that are objects of Python at the same time
_FIRST_MONTH = 1970 * 12 + 1  # what months are counted from
_MONTH = np.timedelta64(1, "M")

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Wholes = npt.NDArray[np.void]


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


class _Month:
    """The pseudonyms of a month; what they are of has a place in the order in which it came.

    A key is a caller and an agent in one number. Most callers have one agent: what came first of a caller is
    found by the caller's number, and only the others are searched for.
    """

    def __init__(self) -> None:
        self.visitor = self.address = np.zeros(0, _WHOLE)
        self._keys = self._first = np.zeros(0, np.int64)
        self._other_keys = self._other_places = np.zeros(0, np.int64)

    def make_room(self, callers: int) -> None:
        """Let callers have numbers below `callers`."""
        self._first = np.append(self._first, np.full(max(callers - len(self._first), 0), -1))

    def places(self, keys: Numbers) -> Numbers:
        """Return the place of each of `keys`, -1 of those that never came."""
        places: Numbers = self._first[keys >> _BITS]
        others = np.flatnonzero(np.append(self._keys, -1)[places] != keys)
        at = pc.index_in(pa.array(keys[others]), value_set=pa.array(self._other_keys)).fill_null(-1)
        places[others] = np.append(self._other_places, -1)[at.to_numpy()]
        return places

    def add(self, keys: Numbers, visitor: Wholes, address: Wholes) -> None:
        """Go on with `keys`, which are distinct and never came."""
        callers, places = keys >> _BITS, np.arange(len(self._keys), len(self._keys) + len(keys))
        is_first = self._first[callers] < 0
        self._first[callers[is_first]] = places[is_first]  # of several of a caller, the last one stays
        is_other = self._first[callers] != places
        self._other_keys = np.append(self._other_keys, keys[is_other])
        self._other_places = np.append(self._other_places, places[is_other])
        self._keys = np.append(self._keys, keys)
        self.visitor, self.address = np.append(self.visitor, visitor), np.append(self.address, address)


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
        caller_no = numbers(hits["caller_no"])
        keys = (caller_no << _BITS) | (numbers(hits["agent_no"]) + 1)
        is_known = np.asarray(texts.callers["address"].is_valid(), np.bool_)[caller_no]
        visitor, address = (np.zeros(len(hits), _WHOLE) for _ in range(2))
        for month, of_month in _by_month(hits["hit_on"]):
            rows = np.flatnonzero(is_known & of_month)
            known, places = self._known(month, keys[rows], texts)
            visitor[rows], address[rows] = known.visitor[places], known.address[places]
        return Pseudonymised(_bytes(visitor), _bytes(address), is_known)

    def _known(self, month: int, keys: Numbers, texts: Texts) -> tuple[_Month, Numbers]:
        """Return what is known of `month`, and where each of `keys` stands in it."""
        known = self._months.setdefault(month, _Month())
        known.make_room(len(texts.callers))
        places = known.places(keys)
        fresh = np.flatnonzero(places < 0)
        if len(fresh):
            new = np.unique(keys[fresh])
            known.add(new, *self._computed(month, new, texts))
            places[fresh] = known.places(keys[fresh])
        return known, places

    def _computed(self, month: int, keys: Numbers, texts: Texts) -> tuple[Wholes, Wholes]:
        caller_no, caller = np.unique(keys >> _BITS, return_inverse=True)
        agent_no = (keys & ((1 << _BITS) - 1)) - 1
        addresses = _taken(texts.callers["address"], caller_no)
        agents = _taken(texts.agents["agent"], agent_no).fill_null(pa.scalar(b""))
        newline: Any = pa.scalar(b"\n")  # pyarrow's types know of no scalar beside arrays
        visiting = pc.binary_join_element_wise(_taken(addresses, caller), agents, newline)
        return self._hashed(month, "visitor", visiting), self._hashed(month, "address", addresses)[caller]

    def _hashed(self, month: int, use: str, messages: pa.ChunkedArray[Any]) -> Wholes:
        pseudonym = _keyed(self._keyring.derive(key_name(_month(month)), use))
        some = (messages.slice(first, _AT_ONCE) for first in range(0, len(messages), _AT_ONCE))
        hashed = b"".join(
            pseudonym(message) for part in some for message in cast(list[bytes], part.to_pylist())
        )
        return np.frombuffer(hashed, _WHOLE)


def _bytes(pseudonyms: Wholes) -> Bytes:
    return pseudonyms.view(np.uint8).reshape(-1, _SIZE)


def _taken(texts: pa.ChunkedArray[Any], number: Any) -> pa.ChunkedArray[Any]:
    """Return the bytes of the text of each `number`; null where that is -1."""
    return texts.take(pa.array(number, pa.int64(), mask=number < 0)).cast(pa.binary())


def numbers(column: pa.ChunkedArray[Any]) -> Numbers:
    """Return the numbers of `column`, -1 where it is null."""
    found: Numbers = column.fill_null(pa.scalar(-1, column.type)).to_numpy().astype(np.int64)
    return found


def _by_month(days: pa.ChunkedArray[Any]) -> Iterator[tuple[int, Mask]]:
    """Yield the number of each month that `days` are of, and which of them are of it."""
    day_no = days.cast(pa.int32()).to_numpy()
    distinct = np.asarray(pc.unique(days).cast(pa.int32()), "M8[D]")
    for month in np.unique(distinct.astype("M8[M]")):
        begin, end = (at.astype("M8[D]").astype(np.int64) for at in (month, month + _MONTH))
        yield int(month.astype(np.int64)) + _FIRST_MONTH, (begin <= day_no) & (day_no < end)


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
