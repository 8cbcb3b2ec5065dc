"""Lines of a portion → `staged` hits, in chunks, so that a large file costs no more memory.

Each distinct address, agent, path, query and referrer of a portion is looked at once and has a number;
a staged hit is made of numbers, and is decoded when it is checked and sealed (`decoding.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.installation import Installation
from pipelines.traffic.country import CountryLookup
from pipelines.traffic.formats import Format
from pipelines.traffic.hits import Regular, arriving, raw_lines
from pipelines.traffic.judge import NOT_OF_THE_FORMAT, judge
from pipelines.traffic.lookups import LOOKUPS, MOST_TEXTS, Lookup, Lookups
from pipelines.traffic.met import Met
from pipelines.traffic.misfits import Attempt, further
from pipelines.traffic.reading import Chunk
from pipelines.traffic.sites import named_formats
from pipelines.traffic.texts import Texts
from pipelines.traffic.window import Window

CHUNK_BYTES = 32 << 20  # of lines for SQL; each chunk meets all that is known of texts, so few large ones
_REJECTS = "file_no INTEGER, line BIGINT, reason VARCHAR, raw BLOB"
_AS_THEY_ARE = {
    "file_no": pa.int32(),
    "line": pa.int64(),
    "hit_at": pa.timestamp("us"),
    "hit_on": pa.date32(),
    "status": pa.int16(),
    "sent_bytes": pa.int64(),
    "is_objecting": pa.bool_(),
}
_TYPES: dict[str, Any] = {**_AS_THEY_ARE, **{lookup.number: pa.int32() for lookup in LOOKUPS}}
HITS = pa.schema(_TYPES)
Numbers = Callable[[Lookup, "pa.ChunkedArray[Any]"], "pa.Array[Any]"]
_ARRIVING = ", ".join(["raw", *_AS_THEY_ARE, *(lookup.text for lookup in LOOKUPS)])


@dataclass(frozen=True)
class Portion:
    """Some hits, a row each with numbers of `texts`, and of each file the number of lines expired.

    Its rejects are in the table `staged_rejects` between its `turn` and the next one.
    """

    hits: pa.Table
    texts: Texts
    expired: Mapping[int, int]


class Staging:
    """What is read of the portion at hand."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, installation: Installation, window: Window
    ) -> None:
        self.connection, self._window = connection, window
        rules = installation.charter.traffic
        self._objections = installation.charter.publication.objections.said
        self._named = partial(named_formats, rules)
        self._lookups = Lookups(connection, rules, CountryLookup(installation.places.countries))
        self._met = Met(self._lookups)
        self._regular: list[Regular] = []
        self._others: list[Chunk] = []
        self._other_bytes = self._block = 0
        self._begin()

    def _begin(self) -> None:
        self._hits: list[pa.Table] = []
        self._expired = Counter[int]()
        self.connection.execute(f"CREATE TABLE arriving_rejects ({_REJECTS})")

    def add(self, chunk: Chunk) -> None:
        """Stage the lines of `chunk`."""
        if chunk.regular is not None:
            self._expired[chunk.file_no] += len(chunk.regular.expired)
            self._regular.append(chunk.regular)
        if chunk.others:
            self._others.append(chunk)
            self._other_bytes += sum(map(self._bytes_of, (batch for _format, batch in chunk.others)))
            if self._other_bytes >= CHUNK_BYTES:
                self._flush_others()

    def flush(self) -> None:
        """Stage what was added since the last time."""
        self._flush_hits()
        self._flush_others()

    def portion(self) -> Portion:
        """Return all that was staged since the last `turn`."""
        self.flush()
        hits = pa.concat_tables(self._hits) if self._hits else HITS.empty_table()
        return Portion(hits, self._lookups.texts, self._expired)

    def turn(self) -> None:
        """Begin the next portion. The rejects of this one replace those of the one before."""
        self.connection.execute("DROP TABLE IF EXISTS staged_rejects")
        self.connection.execute("ALTER TABLE arriving_rejects RENAME TO staged_rejects")
        if self._lookups.count >= MOST_TEXTS:
            self._lookups.forget()
            self._met.forget()
        self._begin()

    def _bytes_of(self, batch: pa.RecordBatch) -> int:
        """Return what `batch` keeps in memory; the bytes read, which the parts of a block share, once."""
        *_, read = batch.column("raw").buffers()
        shared = read.size if read is not None and read.address == self._block else 0
        self._block = read.address if read is not None else 0
        return batch.get_total_buffer_size() - shared

    def _flush_hits(self) -> None:
        """Stage what was read without SQL."""
        regular, self._regular = self._regular, []
        for _epoch, together in groupby(regular, key=lambda part: part.fresh.epoch):
            parts = list(together)
            self._met.add([part.fresh for part in parts])
            self._stage(arriving(parts), self._met.numbers, partial(raw_lines, parts))

    def _flush_others(self) -> None:
        """Stage what SQL reads."""
        chunks, self._others, self._other_bytes = self._others, [], 0
        for format_, source, landed in _by_format(chunks):
            self._judge(format_, landed, self._named(source))

    def is_refused(self, file_no: int, line: int) -> bool:
        """Return whether a line of this portion that was flushed is among the rejects."""
        row = self.connection.execute(
            "SELECT count(*) FROM arriving_rejects WHERE file_no = ? AND line = ?", [file_no, line]
        ).fetchone()
        return row is not None and row[0] > 0

    def _judge(self, format_: Format, landed: pa.Table, named: Sequence[Format]) -> None:
        """Read `landed` by `format_`; lines that are not of it, file by file, by one that they are of."""
        waiting = [Attempt(format_, landed)]
        while waiting:
            attempt = waiting.pop()
            self.connection.register("landed", attempt.lines)
            judge(self.connection, attempt.format, self._window, self._objections)
            attempts, given_up = further(self._misfits(), attempt, named)
            self.connection.unregister("landed")
            self._keep(given_up)
            waiting += attempts

    def _misfits(self) -> pa.Table:
        """Return the lines that are not of the format that was tried."""
        return self.connection.execute(
            "SELECT file_no, line, raw, text FROM judged WHERE reason = ?", [NOT_OF_THE_FORMAT]
        ).to_arrow_table()

    def _keep(self, given_up: Sequence[int]) -> None:
        """Stage what was judged, but the lines to be tried again; those of files `given_up` are not."""
        self.connection.execute(
            "INSERT INTO arriving_rejects SELECT file_no, line, reason, raw FROM judged "
            "WHERE reason <> $again OR (reason = $again AND list_contains($files, file_no))",
            {"again": NOT_OF_THE_FORMAT, "files": list(given_up)},
        )
        expired = self.connection.execute(
            "SELECT file_no, count(*) FROM judged WHERE is_expired GROUP BY file_no"
        ).fetchall()
        self._expired.update(dict(expired))
        taken = self.connection.execute(
            f"SELECT {_ARRIVING} FROM judged WHERE reason IS NULL AND NOT is_expired"  # noqa: S608 constants
        ).to_arrow_table()
        self.connection.execute("DROP TABLE judged")
        self._stage(taken, self._lookups.numbers, partial(taken.column, "raw"))

    def _stage(self, lines: pa.Table, numbers: Numbers, raw: Callable[[], Any]) -> None:
        """Stage `lines`, each text by its number; refuse those from no address. `raw` gives their bytes."""
        hits = lines.select(list(_AS_THEY_ARE))
        for lookup in LOOKUPS:
            hits = hits.append_column(lookup.number, numbers(lookup, lines[lookup.text]))
        hits = hits.cast(HITS)
        refused = pc.is_in(hits["caller_no"], value_set=self._lookups.refused.cast(pa.int32()))
        if pc.any(refused).as_py():
            judged = lines.select(["file_no", "line"]).append_column("raw", raw())
            # pyarrow 26 itself cannot pick rows of views
            self.connection.register("lines", judged.append_column("is_refused", refused))
            self.connection.execute(
                "INSERT INTO arriving_rejects SELECT file_no, line, 'bad_address', raw FROM lines "
                "WHERE is_refused"
            )
            self.connection.unregister("lines")
            hits = hits.filter(pc.invert(refused))
        self._hits.append(hits)


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
