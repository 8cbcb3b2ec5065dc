"""Lines of a portion → `staged` hits, in chunks, so that a large file costs no more memory.

Each distinct address, agent, path, query and referrer of a portion is looked at once and has a number;
a staged hit is made of numbers (`numbered.sql`), and is decoded when it is checked and sealed
(`staged_hits` in `decoded.sql`). After `forget`, nothing of the portion is left but what was sealed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.installation import Installation
from pipelines.traffic.country import CountryLookup
from pipelines.traffic.formats import Format, second_chance
from pipelines.traffic.judge import NOT_OF_THE_FORMAT, judge
from pipelines.traffic.lookups import Lookups
from pipelines.traffic.pseudonym import fill_pseudonyms
from pipelines.traffic.reading import Chunk
from pipelines.traffic.sites import named_formats
from pipelines.traffic.window import Window

CHUNK_BYTES = 64 << 20  # of lines; each chunk meets all that is known of texts, so few large ones
_SAMPLE_LINES = 64
_HERE = Path(__file__).parent
_NUMBERING = (_HERE / "numbering.sql").read_text(encoding="utf-8")
_NUMBERED = (_HERE / "numbered.sql").read_text(encoding="utf-8")
_DECODED = (_HERE / "decoded.sql").read_text(encoding="utf-8")
_ARRIVING = (
    "file_no, line, raw, hit_at, hit_on, caller, method, raw_path, query, status, sent_bytes, referrer, agent"
)
_TABLES = {
    "staged": "file_no INTEGER, line BIGINT, hit_on DATE, hit_at TIMESTAMP, caller_no INTEGER,"
    " agent_no INTEGER, path_no INTEGER, query_no INTEGER, referrer_no INTEGER, method VARCHAR,"
    " status SMALLINT, sent_bytes BIGINT",
    "staged_rejects": "file_no INTEGER, line BIGINT, reason VARCHAR, raw BLOB",
}


class Staging:
    """The temporary tables `staged` and `staged_rejects` of one portion, and what its lines refer to."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, installation: Installation, window: Window
    ) -> None:
        self.connection = connection
        self.expired: Counter[int] = Counter()
        rules = installation.charter.traffic
        self._keyring, self._window = installation.keyring, window
        self._named = partial(named_formats, rules)
        self._lookups = Lookups(connection, rules, CountryLookup(installation.places.countries))
        self._chunks: list[Chunk] = []
        self._others: list[Chunk] = []
        self._bytes = self._other_bytes = self._block = 0
        self.begin()

    def begin(self) -> None:
        """Begin a new portion, with nothing staged."""
        self.expired.clear()
        for table, columns in _TABLES.items():
            self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} ({columns})")
        self._lookups.begin()

    def add(self, chunk: Chunk) -> None:
        """Stage the lines of `chunk`."""
        self.expired[chunk.file_no] += chunk.expired
        self._chunks.append(chunk)
        self._bytes += chunk.content_bytes
        if self._bytes >= CHUNK_BYTES:
            self._flush_hits()
        if chunk.others:
            self._others.append(chunk)
            self._other_bytes += sum(map(self._bytes_of, (batch for _format, batch in chunk.others)))
            if self._other_bytes >= CHUNK_BYTES:
                self._flush_others()

    def flush(self) -> None:
        """Stage what was added since the last time."""
        self._flush_hits()
        self._flush_others()

    def _bytes_of(self, batch: pa.RecordBatch) -> int:
        """Return what `batch` keeps in memory; the bytes read, which the parts of a block share, once."""
        *_, read = batch.column("raw").buffers()
        shared = read.size if read is not None and read.address == self._block else 0
        self._block = read.address if read is not None else 0
        return batch.get_total_buffer_size() - shared

    def _flush_hits(self) -> None:
        """Stage what was read without SQL."""
        chunks, self._chunks, self._bytes = self._chunks, [], 0
        batches = [batch for chunk in chunks for batch in chunk.hits]
        if batches:
            self.connection.register("regular", pa.Table.from_batches(batches))
            self._number("regular")
            self.connection.unregister("regular")

    def _flush_others(self) -> None:
        """Stage what SQL reads."""
        chunks, self._others, self._other_bytes = self._others, [], 0
        for format_, source, landed in _by_format(chunks):
            self._judge(format_, landed, self._named(source))

    def is_refused(self, file_no: int, line: int) -> bool:
        """Return whether a line that was flushed is among the rejects."""
        row = self.connection.execute(
            "SELECT count(*) FROM staged_rejects WHERE file_no = ? AND line = ?", [file_no, line]
        ).fetchone()
        return row is not None and row[0] > 0

    def decode(self) -> None:
        """Show as `staged_hits` what is staged, as the catalog declares it; `files` says of which load."""
        fill_pseudonyms(self.connection, self._keyring)
        self.connection.execute(_DECODED)

    def _judge(self, format_: Format, landed: pa.Table, named: Sequence[Format]) -> None:
        """Read `landed` by `format_`; lines that are not of it by the format that most of them are of."""
        tried: list[str] = []
        chosen: Format | None = format_
        while chosen is not None:
            self.connection.register("landed", landed)
            judge(self.connection, chosen, self._window)
            tried.append(chosen.name)
            landed, sample = self._misfits()
            self.connection.unregister("landed")
            chosen = second_chance(sample, tried, named) if sample else None
            self._keep(final=chosen is None)

    def _misfits(self) -> tuple[pa.Table, list[str]]:
        """Return the lines that are not of the format that was tried, and some of them as text."""
        found = self.connection.execute(
            "SELECT file_no, line, raw, text FROM judged WHERE reason = ?", [NOT_OF_THE_FORMAT]
        ).to_arrow_table()
        return found, [text for text in found["text"].slice(0, _SAMPLE_LINES).to_pylist() if text]

    def _keep(self, *, final: bool) -> None:
        """Stage what was judged: all of it, or all but the lines that are tried as another format."""
        refused = "reason IS NOT NULL" if final else f"reason <> '{NOT_OF_THE_FORMAT}'"
        self.connection.execute(
            f"INSERT INTO staged_rejects SELECT file_no, line, reason, raw FROM judged WHERE {refused}"  # noqa: S608 constants
        )
        expired = self.connection.execute(
            "SELECT file_no, count(*) FROM judged WHERE is_expired GROUP BY file_no"
        ).fetchall()
        self.expired.update(dict(expired))
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE taken AS SELECT {_ARRIVING} FROM judged "  # noqa: S608 constants
            "WHERE reason IS NULL AND NOT is_expired"
        )
        self._number("taken")
        for name in ("judged", "taken"):
            self.connection.execute(f"DROP TABLE {name}")

    def _number(self, relation: str) -> None:
        """Stage the lines of `relation`, each text by its number; refuse those from no address."""
        self.connection.execute(_NUMBERING.replace("{arriving}", relation))
        self.connection.execute(_NUMBERED, self._lookups.learn())
        if self._lookups.has_refused:
            self.connection.execute(
                f"INSERT INTO staged_rejects SELECT file_no, line, 'bad_address', raw FROM {relation} "  # noqa: S608 constants
                "WHERE caller IN (SELECT caller FROM callers WHERE is_refused)"
            )
            self.connection.execute(
                "DELETE FROM staged WHERE caller_no IN (SELECT caller_no FROM callers WHERE is_refused)"
            )


def _by_format(chunks: Sequence[Chunk]) -> list[tuple[Format, str, pa.Table]]:
    """Return the lines that SQL reads, those of one format and source together."""
    found: dict[tuple[int, str], tuple[Format, list[pa.RecordBatch]]] = {}
    for chunk in chunks:
        for format_, batch in chunk.others:
            found.setdefault((id(format_), chunk.source), (format_, []))[1].append(batch)
    return [
        (format_, source, pa.Table.from_batches(batches))
        for (_id, source), (format_, batches) in found.items()
    ]
