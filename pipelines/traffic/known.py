"""What earlier deliveries brought: how a renamed, re-compressed, repeated or grown log is recognised.

A log grows at its end, so an earlier delivery is a prefix of a later one: up to its last LF byte for
byte, and then perhaps a last line that had no end yet. The longest prefix wins; its lines are not new.
A large file is committed in portions, each of which is remembered like an earlier, shorter delivery:
that is how a killed run goes on. A file is compared before any line of it is parsed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import duckdb

from pipelines.traffic.landing import Delivery, pieces
from pipelines.traffic.lines import Extent, LineReader


@dataclass(frozen=True)
class Earlier:
    """A content that was taken in, up to some line; `tail_digest` is that of an unended last line.

    None where there was none, or where it was refused: then it may come again when it is whole.
    """

    content_bytes: int
    content_digest: bytes
    complete_bytes: int
    complete_digest: bytes
    tail_digest: bytes | None


@dataclass(frozen=True)
class Committed:
    """A delivery, or a portion of one, that is in the vault with its counts; `is_whole`: nothing follows."""

    load_id: UUID
    delivery_id: UUID
    received_on: date
    is_whole: bool
    counts: dict[str, int]
    days: tuple[date, ...]


class Known:
    """Earlier contents, by source and first line; those of the same batch are added as they are read."""

    def __init__(self) -> None:
        self._earlier: dict[tuple[str, bytes], list[Earlier]] = {}
        self._committed: dict[UUID, list[Committed]] = {}

    def add(self, source: str, head: bytes, content: Earlier) -> None:
        """Remember `content` as brought by `source`."""
        self._earlier.setdefault((source, head), []).append(content)

    def note(self, committed: Committed) -> None:
        """Remember what became of a delivery or portion."""
        self._committed.setdefault(committed.delivery_id, []).append(committed)

    def of(self, delivery: Delivery) -> Sequence[Earlier]:
        """Return the contents that `delivery` may repeat or continue: same source, same first line."""
        return self._earlier.get((delivery.source, delivery.head), ())

    def committed(self, delivery_id: UUID) -> Sequence[Committed]:
        """Return what of the delivery a killed run had committed."""
        return self._committed.get(delivery_id, ())

    def received(self, day: date) -> list[Committed]:
        """Return what was committed on the local day `day`."""
        return [one for found in self._committed.values() for one in found if one.received_on == day]


def known_lines(delivery: Delivery, earlier: Sequence[Earlier], max_line_bytes: int) -> int:
    """Return how many of the first lines of `delivery` one of `earlier` had brought.

    LandingError where the file cannot be read so far.
    """
    if not earlier:
        return 0
    boundaries = [(one.complete_bytes, one.complete_digest) for one in earlier]
    reader, furthest = LineReader(max_line_bytes, boundaries), max(one.content_bytes for one in earlier)
    for _block in reader.blocks(pieces(delivery)):
        if reader.extent.complete_bytes > furthest:
            break
    else:
        if any(one.content_digest == reader.extent.content_digest for one in earlier):
            return reader.extent.lines
    return max((_lines_of(one, reader.extent) for one in earlier), default=0)


def _lines_of(earlier: Earlier, extent: Extent) -> int:
    boundary = (earlier.complete_bytes, earlier.complete_digest)
    if boundary not in extent.lines_at:
        return 0
    tail = earlier.tail_digest
    has_tail = tail is not None and tail == extent.digest_after.get(boundary)
    return extent.lines_at[boundary] + has_tail


def read_known(connection: duckdb.DuckDBPyConnection, sources: Iterable[str] | None) -> Known:
    """Return what the opened traffic stores know of earlier deliveries of `sources`, None for all."""
    known = Known()
    rows = connection.execute(
        """
        SELECT source, head, content_bytes, content_digest, complete_bytes, complete_digest, tail_digest,
            load_id, delivery_id, received_on, is_whole, days, read, accepted, rejected, expired, duplicate
        FROM deliveries
        LEFT JOIN (
            SELECT load_id, list(DISTINCT CAST(substr(store, 9) AS DATE)) AS days FROM loads GROUP BY load_id
        ) USING (load_id)
        WHERE $sources IS NULL OR list_contains($sources, source) ORDER BY content_bytes
        """,
        {"sources": None if sources is None else list(sources)},
    ).fetchall()
    names = ("read", "accepted", "rejected", "expired", "duplicate")
    for source, head, *content, load_id, delivery_id, received_on, is_whole, days, read, a, r, e, d in rows:
        known.add(source, head, Earlier(*content))
        counts = dict(zip(names, (read, a, r, e, d), strict=True))
        known.note(Committed(load_id, delivery_id, received_on, is_whole, counts, tuple(sorted(days or ()))))
    return known
