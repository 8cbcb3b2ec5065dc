"""What lies in `landing/traffic`: one delivery a file, and in which order and batches it is taken in."""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from pipelines.errors import LandingError
from pipelines.files import remove_file
from pipelines.landing import shown_name
from pipelines.places import Places
from pipelines.traffic import content
from pipelines.vault import Keyring

_KEY, _USE = "fingerprint", "traffic delivery"
_LOG_SUFFIXES = (".log", ".gz", ".txt")


@dataclass(frozen=True)
class Delivery:
    """One file as it lies in landing; `fault` says why it cannot even be read (a folder, a link).

    `shown_name` is all that may be said of its name. Files with one `head` may be copies of each
    other, or grown ones.
    """

    path: Path
    delivery_id: UUID
    source: str
    shown_name: str
    size: int
    head: bytes
    fault: str | None = None


def deliveries(places: Places, keyring: Keyring) -> list[Delivery]:
    """Return what lies in landing, in the order to take it in; each source is a sub-folder.

    A name that begins with "." or ends with ".part" is a file still being written.
    """
    key = keyring.derive(_KEY, _USE)
    found = (_deliver(places.landing_traffic, path, key) for path in _paths(places.landing_traffic))
    return in_order([delivery for delivery in found if delivery is not None])


def in_order(files: Iterable[Delivery]) -> list[Delivery]:
    """Return `files` by name, but those that may be copies of each other together, the shortest first.

    A grown copy is recognised by what came before it, so the shorter must come first.
    """
    groups: dict[tuple[str, bytes], list[Delivery]] = {}
    for delivery in sorted(files, key=lambda delivery: (delivery.source, delivery.path.name)):
        groups.setdefault((delivery.source, delivery.head), []).append(delivery)
    return [delivery for group in groups.values() for delivery in _shortest_first(group)]


def batches(
    files: Sequence[Delivery], max_files: int = 256, max_bytes: int = 256 << 20
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


def discard(delivery: Delivery, places: Places, keyring: Keyring) -> str | None:
    """Unlink `delivery` once all of it is in the vault; return why it could not be, None for success.

    A file that changed meanwhile stays: what was added is taken in by the next run.
    """
    current = _deliver(places.landing_traffic, delivery.path, keyring.derive(_KEY, _USE))
    if current is None or current.delivery_id != delivery.delivery_id:
        return None
    try:
        remove_file(delivery.path)
    except OSError:
        return "was taken in, but cannot be removed: give the landing folder to the user that runs Charter."
    return None


def pieces(delivery: Delivery) -> Iterator[bytes]:
    """Yield the content of `delivery`, decompressed; LandingError where it cannot be read whole."""
    if delivery.fault:
        raise LandingError(delivery.fault)
    return content.pieces(delivery.path)


def _paths(landing: Path) -> Iterator[Path]:
    for path in _listed(landing):
        if path.is_dir() and not path.is_symlink():
            within = _listed(path)
            # A folder named like a log is more likely a mistake than a web server without logs.
            if not within and path.name.endswith(_LOG_SUFFIXES):
                yield path
            yield from within
        else:
            yield path


def _listed(folder: Path) -> list[Path]:
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return []
    return [path for path in paths if not path.name.startswith(".") and not path.name.endswith(".part")]


def _deliver(landing: Path, path: Path, key: bytes) -> Delivery | None:
    try:
        found = path.lstat()
    except OSError:  # taken away between listing and looking
        return None
    relative = path.relative_to(landing)
    identity = "\0".join((str(relative), str(found.st_size), str(found.st_mtime_ns), str(found.st_ino)))
    delivery_id = UUID(bytes=hmac.digest(key, os.fsencode(identity), "sha256")[:16])
    delivery = Delivery(
        path, delivery_id, _source(relative), shown_name(path, delivery_id.hex[:8]), found.st_size, b""
    )
    if stat.S_ISDIR(found.st_mode):
        return replace(delivery, fault="is a folder where a log is expected: move the logs in it up.")
    if not stat.S_ISREG(found.st_mode):
        return replace(delivery, fault="is no regular file: put a copy of the log itself into landing.")
    return replace(delivery, head=hashlib.sha256(content.head(path)).digest()[:16])


def _source(relative: Path) -> str:
    return os.fsencode(relative.parent.name).decode("utf-8", "replace")


def _shortest_first(group: list[Delivery]) -> list[Delivery]:
    if len(group) == 1:
        return group
    return sorted(group, key=lambda delivery: 0 if delivery.fault else content.size(delivery.path))
