"""What lies in `landing/traffic`: whose log each file is, in which order and batches it is taken in."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines import landing
from pipelines.landing import content, listed, look, pieces
from pipelines.places import Places
from pipelines.vault import Keyring

__all__ = ["Delivery", "batches", "deliveries", "discard", "in_order", "pieces"]

_KEY, _USE = "fingerprint", "traffic delivery"
_LOG_SUFFIXES = (".log", ".gz", ".bz2", ".zst", ".xz", ".txt")


@dataclass(frozen=True, kw_only=True)
class Delivery(landing.Delivery):
    """One log file as it lies in landing, of the web server `source`.

    Files with one `head` may be copies of each other, or grown ones.
    """

    source: str
    head: bytes


def deliveries(places: Places, keyring: Keyring) -> list[Delivery]:
    """Return what lies in landing, in the order to take it in; each source is a sub-folder."""
    key, folder = keyring.derive(_KEY, _USE), places.landing_traffic
    found = (look(folder, path, key) for path in _paths(folder))
    return in_order([_of_source(folder, delivery) for delivery in found if delivery is not None])


def in_order(files: Iterable[Delivery]) -> list[Delivery]:
    """Return `files` by name, but those that may be copies of each other together, the shortest first.

    A grown copy is recognised by what came before it, so the shorter must come first.
    """
    groups: dict[tuple[str, bytes], list[Delivery]] = {}
    for delivery in sorted(files, key=lambda delivery: (delivery.source, delivery.path.name)):
        groups.setdefault((delivery.source, delivery.head), []).append(delivery)
    return [delivery for group in groups.values() for delivery in _shortest_first(group)]


def batches(
    files: Sequence[Delivery], max_files: int = 256, max_bytes: int = 2 << 30
) -> list[list[Delivery]]:
    """Return `files` cut into batches; files that may be copies of each other stay in one."""
    found: list[list[Delivery]] = []
    room_files, room_bytes, last = 0, 0, ("", b"")
    for delivery in files:
        same = delivery.head != b"" and (delivery.source, delivery.head) == last
        if not same and (room_files < 1 or room_bytes < delivery.size):
            found.append([])
            room_files, room_bytes = max_files, max_bytes
        found[-1].append(delivery)
        room_files, room_bytes = room_files - 1, room_bytes - delivery.size
        last = (delivery.source, delivery.head)
    return found


def discard(delivery: landing.Delivery, places: Places, keyring: Keyring) -> str | None:
    """Unlink `delivery` once all of it is in the vault; return why it could not be, None for success."""
    return landing.discard(delivery, places.landing_traffic, keyring.derive(_KEY, _USE))


def _paths(folder: Path) -> Iterator[Path]:
    for path in listed(folder):
        if path.is_dir() and not path.is_symlink():
            within = listed(path)
            # A folder named like a log is more likely a mistake than a web server without logs.
            if not within and path.name.endswith(_LOG_SUFFIXES):
                yield path
            yield from within
        else:
            yield path


def _of_source(folder: Path, found: landing.Delivery) -> Delivery:
    relative = found.path.relative_to(folder)
    return Delivery(
        found.path,
        found.delivery_id,
        found.shown_name,
        found.stamp,
        found.fault,
        source=os.fsencode(relative.parent.name).decode("utf-8", "replace"),
        head=b"" if found.fault else _head(found.path),
    )


def _head(path: Path) -> bytes:
    """Return what tells `path` from other logs: the digest of its first line that is no `#` directive.

    All W3C logs of one server begin with the same directives, so these alone say nothing.
    """
    head, end = content.head(path), 0
    while end < len(head):
        start, end = end, head.find(b"\n", end) + 1 or len(head)
        if not head.startswith(b"#", start):
            break
    return hashlib.sha256(head[:end].removesuffix(b"\n")).digest()[:16]


def _shortest_first(group: list[Delivery]) -> list[Delivery]:
    if len(group) == 1:
        return group
    return sorted(group, key=lambda delivery: 0 if delivery.fault else content.size(delivery.path))
