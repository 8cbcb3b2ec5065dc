"""Writes a small MaxMind DB file by hand (format 2.0, maxmind.github.io/MaxMind-DB), for tests."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Tree = list[Any]  # two branches, each a Tree, a record's number, or None


def write_mmdb(path: Path, records: Mapping[str, Any], *, ip_version: int = 6, record_bits: int = 24) -> None:
    """Write `records` (network → record) to `path`."""
    root: Tree = [None, None]
    data, offsets = b"", []
    for number, (network, record) in enumerate(records.items()):
        offsets.append(len(data))
        data += encoded(record)
        _insert(root, ipaddress.ip_network(network), number, ip_version)
    nodes: list[Tree] = []
    _number(root, nodes)
    places = {id(node): place for place, node in enumerate(nodes)}

    def pointer(branch: Any) -> int:
        if branch is None:
            return len(nodes)
        return len(nodes) + 16 + offsets[branch] if isinstance(branch, int) else places[id(branch)]

    tree = b"".join(_node(pointer(left), pointer(right), record_bits) for left, right in nodes)
    metadata = {
        "node_count": len(nodes), "record_size": record_bits, "ip_version": ip_version, "database_type": "Test-Country",
        "languages": ["en"], "binary_format_major_version": 2, "binary_format_minor_version": 0,
        "build_epoch": 1_795_000_000, "description": {"en": "invented"},
    }  # fmt: skip
    path.write_bytes(tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + encoded(metadata))


def encoded(value: Any, name: str = "") -> bytes:
    """Return `value` of the field `name` as the format's data section has it."""
    if isinstance(value, dict):
        parts = b"".join(encoded(key) + encoded(inner, key) for key, inner in value.items())
        return bytes([7 << 5 | len(value)]) + parts
    if isinstance(value, list):
        return bytes([len(value), 11 - 7]) + b"".join(encoded(inner) for inner in value)
    if isinstance(value, int):
        raw = value.to_bytes((value.bit_length() + 7) // 8, "big")
        if name == "build_epoch":
            return bytes([len(raw), 9 - 7]) + raw  # 64 bits
        return bytes([(6 if name == "node_count" else 5) << 5 | len(raw)]) + raw  # 32 bits, 16 bits
    raw = str(value).encode()
    size = bytes([2 << 5 | len(raw)]) if len(raw) < 29 else bytes([2 << 5 | 29, len(raw) - 29])
    return size + raw


def _node(left: int, right: int, record_bits: int) -> bytes:
    if record_bits == 28:
        middle = bytes([left >> 24 << 4 | right >> 24])
        return (left & 0xFFFFFF).to_bytes(3, "big") + middle + (right & 0xFFFFFF).to_bytes(3, "big")
    return b"".join(value.to_bytes(record_bits // 8, "big") for value in (left, right))


def _insert(root: Tree, network: Any, number: int, ip_version: int) -> None:
    bits = f"{int(network.network_address):0{network.max_prefixlen}b}"[: network.prefixlen]
    if ip_version == 6 and network.version == 4:
        bits = "0" * 96 + bits
    node = root
    for bit in bits[:-1]:
        if node[int(bit)] is None:
            node[int(bit)] = [None, None]
        node = node[int(bit)]
    node[int(bits[-1])] = number


def _number(node: Tree, nodes: list[Tree]) -> None:
    nodes.append(node)
    for branch in node:
        if isinstance(branch, list):
            _number(branch, nodes)
