"""Landing file → one export: what kind it is, what it is known by, its records good and bad."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from pipelines.contacts.reading import entries
from pipelines.contacts.records import COLUMNS, Arrival, Kind, Reader, RefusedError
from pipelines.errors import LandingError
from pipelines.landing import Delivery, whole

MAX_EXPORT_BYTES = 512 << 20
_NAME = re.compile(
    rf"({'|'.join(COLUMNS)})(?![a-z]).*\.(csv|jsonl)(\.(gz|bz2|zst|xz))?", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True)
class Refusal:
    """One record that cannot be taken: `reason` is a fixed word, `raw` the bytes as they came."""

    line: int
    reason: str
    raw: bytes


@dataclass(frozen=True)
class Export:
    """One landing file: `load_id` is a keyed fingerprint of its kind and content, whatever its name."""

    delivery: Delivery
    kind: Kind
    is_csv: bool
    load_id: UUID
    content: bytes

    def records(self, reader: Reader) -> Iterator[tuple[int, Arrival] | Refusal]:
        """Give each record with its line; LandingError where the header of a CSV lacks a column."""
        for entry in entries(self.content, is_csv=self.is_csv, columns=COLUMNS[self.kind]):
            if entry.fault is not None:
                yield Refusal(entry.line, entry.fault, entry.raw)
                continue
            try:
                yield entry.line, reader.read(self.kind, entry.fields)
            except RefusedError as error:
                yield Refusal(entry.line, str(error), entry.raw)


def read(delivery: Delivery, key: bytes) -> Export:
    """Read the file of `delivery`; LandingError says what is wrong with it and the cure."""
    if delivery.fault:  # before its name: a link says more by what it is
        raise LandingError(delivery.fault)
    match = _NAME.fullmatch(delivery.path.name)
    if match is None:
        raise LandingError(
            f"is not named for what it holds: begin its name with {', '.join(COLUMNS)} and end it with "
            ".csv or .jsonl (and .gz, .bz2, .zst or .xz where it is packed)."
        )
    kind = cast(Kind, match[1].lower())
    raw = whole(delivery, MAX_EXPORT_BYTES)
    digest = hmac.digest(key, kind.encode() + b"\0" + raw, "sha256")
    return Export(delivery, kind, match[2].lower() == "csv", UUID(bytes=digest[:16]), raw)
