"""What earlier deliveries brought: how a renamed, re-compressed, repeated or grown log is recognised.

A log grows at its end, so an earlier delivery is a prefix of a later one: up to its last LF byte for
byte, and then perhaps a last line that had no end yet. The longest prefix wins; its lines are
duplicates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import duckdb

from pipelines.traffic.lines import Boundary, Extent


@dataclass(frozen=True)
class Earlier:
    """A content that was taken in; `tail_digest` is that of an unended last line that was not refused."""

    content_digest: bytes
    complete_bytes: int
    complete_digest: bytes
    tail_digest: bytes | None


@dataclass(frozen=True)
class Committed:
    """A delivery whose every line is in the vault, with its counts."""

    load_id: UUID
    counts: Mapping[str, int]
    days: tuple[date, ...]


class Known:
    """Earlier contents, by source; those of the same batch are added as they are read."""

    def __init__(self, earlier: Iterable[tuple[str, Earlier]] = ()) -> None:
        self._by_source: dict[str, list[Earlier]] = {}
        for source, content in earlier:
            self.add(source, content)

    def add(self, source: str, content: Earlier) -> None:
        """Remember `content` as brought by `source`."""
        self._by_source.setdefault(source, []).append(content)

    def of(self, source: str) -> list[Boundary]:
        """Return the (complete_bytes, complete_digest) at which an earlier content of `source` may end."""
        return [(e.complete_bytes, e.complete_digest) for e in self._by_source.get(source, ())]

    def same(self, source: str, extent: Extent) -> Earlier | None:
        """Return the earlier content that `extent` repeats whole, if any."""
        earlier = self._by_source.get(source, ())
        return next((one for one in earlier if one.content_digest == extent.content_digest), None)

    def duplicates(self, source: str, extent: Extent) -> int:
        """Return how many of the first lines of `extent` earlier contents had brought."""
        most = 0
        for earlier in self._by_source.get(source, ()):
            boundary = (earlier.complete_bytes, earlier.complete_digest)
            if boundary in extent.lines_at:
                tail = earlier.tail_digest
                has_tail = tail is not None and tail == extent.digest_after.get(boundary)
                most = max(most, extent.lines_at[boundary] + has_tail)
        return most


def read_known(connection: duckdb.DuckDBPyConnection) -> Known:
    """Return what the opened traffic stores know of earlier contents."""
    rows = connection.execute(
        "SELECT source, content_digest, complete_bytes, complete_digest, tail_digest FROM deliveries"
    ).fetchall()
    return Known((source, Earlier(*rest)) for source, *rest in rows)


def read_committed(connection: duckdb.DuckDBPyConnection, ids: Iterable[UUID]) -> dict[UUID, Committed]:
    """Return those of the deliveries `ids` that the opened stores hold whole."""
    rows = connection.execute(
        """
        SELECT d.delivery_id, d.load_id, d.read, d.accepted, d.rejected, d.expired, d.duplicate,
            list(DISTINCT CAST(substr(l.store, 9) AS DATE)) FILTER (l.store IS NOT NULL)
        FROM deliveries AS d LEFT JOIN loads AS l USING (load_id)
        WHERE list_contains($ids, d.delivery_id)
        GROUP BY ALL
        """,
        {"ids": list(ids)},
    ).fetchall()
    names = ("read", "accepted", "rejected", "expired", "duplicate")
    return {
        row[0]: Committed(row[1], dict(zip(names, row[2:7], strict=True)), tuple(sorted(row[7] or ())))
        for row in rows
    }
