"""From which country an address is, by a MaxMind DB file that the operator provides; nothing is asked online.

Where the address is used, its own country counts (`country`), not that of the provider it is registered
to (`registered_country`). The search tree is walked for all addresses at once, one bit after the other;
`maxminddb` then reads each record that was met, in Python: its C reader crashes on a damaged file.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import maxminddb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.errors import ConfigurationError

_CODE = re.compile(r"[A-Z]{2}")
_NOT_KNOWN = ("XX", "ZZ")  # ISO 3166-1 leaves these to users, who write them for "unknown"
_PROBED_RECORDS = 1000
_DAMAGED = (maxminddb.InvalidDatabaseError, LookupError, TypeError, ValueError, OverflowError, RecursionError)

Tree = npt.NDArray[np.uint32]


class CountryLookup:
    """Looks countries up in the MaxMind DB file at `path`; without one no address has a country.

    ConfigurationError where the file is damaged, no MaxMind DB, or knows no countries.
    """

    def __init__(self, path: Path | None) -> None:
        self._reader, self._tree, self._ip_version = None, np.zeros((0, 2), np.uint32), 0
        if path is not None and path.exists():
            self._reader, self._tree = _opened(path)
            self._ip_version = self._reader.metadata().ip_version

    @property
    def is_known(self) -> bool:
        """Whether there is a file to look countries up in."""
        return self._reader is not None

    def country(self, address: str) -> str | None:
        """Return the ISO 3166-1 alpha-2 code of `address` in its canonical form; None for a host name.

        Of a network ("2001:db8::/64") it is that of its first address.
        """
        try:
            found = ipaddress.ip_address(address.partition("/")[0])
        except ValueError:
            return None
        if self._reader is None or found.version > self._ip_version:
            return None
        try:
            return _code(self._reader.get(found))
        except _DAMAGED:
            raise _damaged() from None

    def countries(self, addresses: Iterable[str]) -> pa.Table:
        """Return a table address → country."""
        raw = list(addresses)
        codes = np.full(len(raw), None, object)
        for version, family, width in ((4, socket.AF_INET, 4), (6, socket.AF_INET6, 16)):
            rows, packed = _packed(raw, family) if version <= self._ip_version else ([], b"")
            if rows:
                leaves = self._leaves(np.frombuffer(packed, np.uint8).reshape(-1, width), version)
                _unique, firsts, places = np.unique(leaves, return_index=True, return_inverse=True)
                known = np.array([self.country(raw[rows[first]]) for first in firsts], object)
                codes[rows] = known[places]
        return pa.table({"address": pa.array(raw, pa.string()), "country": pa.array(codes, pa.string())})

    def _leaves(self, packed: npt.NDArray[np.uint8], version: int) -> npt.NDArray[np.uint32]:
        """Return where in the tree the walk of each address ends: what has one end has one record."""
        start = 0
        if version < self._ip_version:  # IPv4 lies under ::/96
            for _zero in range(96):
                start = int(self._tree[start, 0]) if start < len(self._tree) else start
        nodes = np.full(len(packed), start, np.uint32)
        for place in range(packed.shape[1] * 8):
            inside = np.flatnonzero(nodes < len(self._tree))
            bits = packed[inside, place // 8] >> (7 - place % 8) & 1
            nodes[inside] = self._tree[nodes[inside], bits]
        return nodes


def _opened(path: Path) -> tuple[maxminddb.Reader, Tree]:
    try:
        with path.open("rb") as file:
            reader = maxminddb.open_database(file, maxminddb.MODE_FD)
            file.seek(0)
            tree = _tree(file, reader.metadata().node_count, reader.metadata().record_size)
        knows = any(_code(record) for _network, record in islice(reader, _PROBED_RECORDS))
    except OSError:
        raise ConfigurationError(
            "the country database cannot be read: give it to the user that runs Charter."
        ) from None
    except _DAMAGED:
        raise _damaged() from None
    if not knows:
        raise ConfigurationError(
            "the country database knows no countries: provide one that does (such as GeoLite2 Country, DB-IP "
            "Country Lite or IPinfo Lite), or remove it."
        )
    return reader, tree


def _tree(file: BinaryIO, node_count: int, record_bits: int) -> Tree:
    """Return the search tree, (node, bit) → node; of 24, 28 or 32 bits in the file.

    As the format has it (maxmind.github.io/MaxMind-DB, "Binary Search Tree Section").
    """
    node_bytes = record_bits // 4
    content = np.frombuffer(file.read(node_count * node_bytes), np.uint8)
    node = content.reshape(node_count, node_bytes).astype(np.uint32)
    tree = np.zeros((node_count, 2), np.uint32)
    if record_bits == 28:  # the middle byte has the four highest bits of either
        tree[:, 0], tree[:, 1] = node[:, 3] >> 4, node[:, 3] & 15
    for place in range(record_bits // 8):
        tree = (tree << 8 | node[:, [place, place - record_bits // 8]]).astype(np.uint32)
    return tree


def _packed(addresses: Sequence[str], family: socket.AddressFamily) -> tuple[list[int], bytes]:
    """Return which of `addresses` are of `family`, and these one after the other as bytes."""
    rows: list[int] = []
    packed: list[bytes] = []
    is_other = "." if family == socket.AF_INET6 else ":"
    for row, address in enumerate(addresses):
        if is_other in address:
            continue
        try:
            packed.append(socket.inet_pton(family, address.partition("/")[0]))
        except (OSError, ValueError):  # a host name
            continue
        rows.append(row)
    return rows, b"".join(packed)


def _damaged() -> ConfigurationError:
    return ConfigurationError(
        "the country database is damaged, or is no MaxMind DB file: fetch it again from its source, or "
        "remove it."
    )


def _code(record: object) -> str | None:
    """Return the code in `record`, of the shape of MaxMind's, DB-IP's or IPinfo's files."""
    if not isinstance(record, dict):
        return None
    country = record.get("country")
    if isinstance(country, dict):
        country = country.get("iso_code")
    for value in (record.get("country_code"), country):
        if isinstance(value, str) and _CODE.fullmatch(value.upper()) and value.upper() not in _NOT_KNOWN:
            return value.upper()
    return None
