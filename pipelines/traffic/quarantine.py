"""Hits that broke a rule of quality: their lines are kept as rejects, with the bytes they came with.

Staged hits have lost their raw line; for these few their files are read once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb
import pyarrow as pa

from pipelines.errors import LandingError
from pipelines.traffic.accounting import Reading
from pipelines.traffic.landing import pieces
from pipelines.traffic.lines import LineReader

REASON = "quality"


def quarantine(
    connection: duckdb.DuckDBPyConnection, readings: Sequence[Reading], max_line_bytes: int
) -> None:
    """Add to `staged_rejects` the lines whose hits are in `failing` (load_id, line, rule)."""
    rows = connection.execute(
        """
        SELECT file_no, list(DISTINCT line ORDER BY line)
        FROM failing JOIN files USING (load_id) GROUP BY file_no
        """
    ).fetchall()
    by_number = {reading.file_no: reading for reading in readings}
    for file_no, numbers in rows:
        raws = list(_raw_lines(by_number[file_no], set(numbers), max_line_bytes))
        lines = pa.table({"line": pa.array(numbers, pa.int64()), "raw": pa.array(raws, pa.binary())})
        connection.register("quarantined", lines)
        connection.execute(
            "INSERT INTO staged_rejects SELECT $file_no, line, $reason, raw FROM quarantined",
            {"file_no": file_no, "reason": REASON},
        )
        connection.unregister("quarantined")


def _raw_lines(reading: Reading, numbers: set[int], max_line_bytes: int) -> Iterator[bytes]:
    """Yield the bytes of the lines `numbers`, in order; LandingError where the file changed meanwhile."""
    content = reading.content
    if content is None:
        return
    boundary = (content.complete_bytes, content.complete_digest)
    reader = LineReader(max_line_bytes, [boundary])
    for block in reader.blocks(pieces(reading.delivery)):
        lines = block.lines()
        for place in sorted(number - block.first_line for number in numbers):
            if 0 <= place < len(block):
                yield lines[place].as_py()
    if content.complete_bytes and boundary not in reader.extent.lines_at:
        raise LandingError(f"{reading.delivery.shown_name}: changed while it was read; run again.")
