"""Landing files: what each is known by, what may be said of its name, and its bytes, safely read."""

from __future__ import annotations

import hmac
import os
import re
import stat
import zlib
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from pipelines.errors import LandingError
from pipelines.files import remove_file

_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK_BYTES = 1 << 20
_PLAIN_WORDS = frozenset((
    "people", "contracts", "messages", "consents", "cookies",
    "export", "full", "delta", "part", "crm", "shop", "site", "web", "sample",
))  # fmt: skip
_DATE = re.compile(r"(?:19|20)\d{2}-?(?:0[1-9]|1[0-2])-?(?:[0-2]\d|3[01])")
_COUNTER = re.compile(r"\d{1,3}")
_WORD = re.compile(rf"(?<!\d){_DATE.pattern}(?!\d)|[^-_. ]+")
_SUFFIX = re.compile(r"(\.(csv|jsonl|log))?(\.gz)?$")


@dataclass(frozen=True)
class Delivery:
    """One file as it lies in landing; `fault` says why it cannot even be read (a folder, a link)."""

    path: Path
    delivery_id: UUID
    shown_name: str
    fault: str | None = None


def deliveries(folder: Path, key: bytes) -> list[Delivery]:
    """Return what lies in `folder`, by name; names that begin with a dot are files still being written.

    `delivery_id` is an HMAC under `key` of name, size, time and inode: a file that is replaced,
    touched or grown is another delivery.
    """
    if not folder.is_dir():
        return []
    paths = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    return [delivery for path in paths if (delivery := _deliver(path, key)) is not None]


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


def content(delivery: Delivery, max_bytes: int) -> bytes:
    """Return the bytes of `delivery`, decompressed; LandingError where it is damaged, or too large."""
    if delivery.fault:
        raise LandingError(delivery.fault)
    try:
        # a link or a pipe put here since the listing is neither followed nor waited for
        with os.fdopen(os.open(delivery.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            start = file.read(_CHUNK_BYTES)
            rest = b"" if len(start) < _CHUNK_BYTES else file.read(max_bytes)
    except OSError:
        raise LandingError("cannot be read: give it to the user that runs Charter.") from None
    raw = start + rest
    result = _decompressed(raw, max_bytes) if raw.startswith(_GZIP_MAGIC) else raw
    if len(result) > max_bytes or len(rest) >= max_bytes:
        raise _too_large(max_bytes)
    return result


def discard(delivery: Delivery, key: bytes) -> None:
    """Unlink `delivery` once all of it is in the vault; a file that changed meanwhile stays."""
    current = _deliver(delivery.path, key)
    if current is not None and current.delivery_id == delivery.delivery_id:
        remove_file(delivery.path)


def _deliver(path: Path, key: bytes) -> Delivery | None:
    try:
        found = path.lstat()
    except FileNotFoundError:  # taken away between listing and looking
        return None
    identity = "\0".join((path.name, str(found.st_size), str(found.st_mtime_ns), str(found.st_ino)))
    digest = hmac.digest(key, os.fsencode(identity), "sha256")
    delivery_id = UUID(bytes=digest[:16])
    fault = None
    if stat.S_ISDIR(found.st_mode):
        fault = "is a folder: put the files themselves into landing."
    elif not stat.S_ISREG(found.st_mode):
        fault = "is not a regular file: put a copy of the file itself into landing."
    return Delivery(path, delivery_id, shown_name(path, delivery_id.hex[:8]), fault)


def _decompressed(raw: bytes, max_bytes: int) -> bytes:
    parts: list[bytes] = []
    size, left = 0, raw
    while left.strip(b"\0"):  # some writers pad the end with zeros
        reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        while not reader.eof:
            try:
                part = reader.decompress(left, _CHUNK_BYTES)
            except zlib.error:
                raise LandingError("is damaged (gzip): fetch it again from its source.") from None
            left = reader.unconsumed_tail
            if not part and not left and not reader.eof:
                raise LandingError("is cut short (gzip): fetch it again from its source.")
            parts.append(part)
            size += len(part)
            if size > max_bytes:
                raise _too_large(max_bytes)
        left = reader.unused_data
    return b"".join(parts)


def _too_large(max_bytes: int) -> LandingError:
    return LandingError(f"holds more than {max_bytes >> 20} MiB when decompressed: split the export.")
