"""Landing files: what each is known by, what may be said of its name, and how it is removed."""

from __future__ import annotations

import hmac
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from pipelines.errors import LandingError
from pipelines.files import remove_file
from pipelines.landing import content
from pipelines.landing.content import Stamp, stamp_of

_PLAIN_WORDS = frozenset((
    "people", "contracts", "messages", "consents", "cookies",
    "export", "full", "delta", "part", "crm", "shop", "site", "web", "sample",
))  # fmt: skip
_DATE = re.compile(r"(?:19|20)\d{2}-?(?:0[1-9]|1[0-2])-?(?:[0-2]\d|3[01])")
_COUNTER = re.compile(r"\d{1,3}")
_WORD = re.compile(rf"(?<!\d){_DATE.pattern}(?!\d)|[^-_. ]+")
_SUFFIX = re.compile(r"(\.(csv|jsonl|log))?(\.(gz|bz2|zst|xz))?$")


@dataclass(frozen=True)
class Delivery:
    """One file as it lies in landing; `fault` says why it cannot even be read (a folder, a link).

    `shown_name` is all that may be said of its name; `stamp` tells when it has changed since.
    """

    path: Path
    delivery_id: UUID
    shown_name: str
    stamp: Stamp
    fault: str | None = None

    @property
    def size(self) -> int:
        """How many bytes it has, packed as it is."""
        return self.stamp.size


def deliveries(folder: Path, key: bytes) -> list[Delivery]:
    """Return what lies in `folder`, by name; see `listed` for what is left out."""
    found = (look(folder, path, key) for path in listed(folder))
    return [delivery for delivery in found if delivery is not None]


def listed(folder: Path) -> list[Path]:
    """Return the paths in `folder`, by name; nothing where it is missing or cannot be read.

    A name that begins with "." or ends with ".part" is a file still being written.
    """
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return []
    return [path for path in paths if not path.name.startswith(".") and not path.name.endswith(".part")]


def look(folder: Path, path: Path, key: bytes) -> Delivery | None:
    """Return what lies at `path` in the landing folder `folder`, None for nothing.

    `delivery_id` is an HMAC under `key` of name, size, time and inode: a file that is replaced,
    touched or grown is another delivery.
    """
    try:
        found = path.lstat()
    except OSError:  # taken away between listing and looking
        return None
    identity = "\0".join((str(path.relative_to(folder)), *(str(part) for part in stamp_of(found))))
    delivery_id = UUID(bytes=hmac.digest(key, os.fsencode(identity), "sha256")[:16])
    name = shown_name(path, delivery_id.hex[:8])
    return Delivery(path, delivery_id, name, stamp_of(found), _fault(found.st_mode))


def shown_name(path: Path, tag: str) -> str:
    """Return the name of `path` with every word masked that could be a person's; `tag` tells files apart.

    Kept: known words, a date, a counter of up to three digits, the suffix.
    """
    suffix = match[0] if (match := _SUFFIX.search(path.name.lower())) else ""
    words = _WORD.findall(path.name[: len(path.name) - len(suffix)])
    kept = [word for word in words if word in _PLAIN_WORDS or _DATE.fullmatch(word)]
    kept += [word for word in words if _COUNTER.fullmatch(word)][:1]
    masked = [f"({tag})"] if len(kept) < len(words) or not kept else []
    return "-".join(kept + masked) + suffix


def pieces(delivery: Delivery) -> Iterator[bytes]:
    """Yield the content of `delivery`, unpacked; LandingError where it cannot be read whole."""
    if delivery.fault:
        raise LandingError(delivery.fault)
    return content.pieces(delivery.path, delivery.stamp)


def whole(delivery: Delivery, max_bytes: int) -> bytes:
    """Return the content of `delivery`, unpacked; LandingError where it is damaged, or too large."""
    parts: list[bytes] = []
    room = max_bytes
    for piece in pieces(delivery):
        room -= len(piece)
        if room < 0:
            raise LandingError(f"holds more than {max_bytes >> 20} MiB when unpacked: split the export.")
        parts.append(piece)
    return b"".join(parts)


def discard(delivery: Delivery, folder: Path, key: bytes) -> str | None:
    """Unlink `delivery` once all of it is in the vault; return why it could not be, None for success.

    A file that changed meanwhile stays: what was added is taken in by the next run.
    """
    current = look(folder, delivery.path, key)
    if current is None or current.delivery_id != delivery.delivery_id:
        return None
    try:
        remove_file(delivery.path)
    except OSError:
        return "was taken in, but cannot be removed: give the landing folder to the user that runs Charter."
    return None


def _fault(mode: int) -> str | None:
    if stat.S_ISDIR(mode):
        return "is a folder where a file is expected: move the files in it up."
    if not stat.S_ISREG(mode):
        return "is not a regular file: put a copy of the file itself into landing."
    return None
