"""What would become of the lines of a file: which format they are of, how many are hits, and why not.

For a format in the making. Nothing is stored; the lines are read inside a workshop of the vault, whose
temporary files are sealed, and only counts come out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipelines.installation import Installation
from pipelines.landing.content import pieces
from pipelines.traffic.formats import Format, Session, presets
from pipelines.traffic.ingest import MEMORY_MB, window
from pipelines.traffic.lines import Block, LineReader
from pipelines.traffic.reading import Chunk
from pipelines.traffic.sites import named_formats
from pipelines.traffic.staging import Staging

_FILE_NO = 0


@dataclass(frozen=True)
class Tried:
    """Of so many `lines` of a file: which `formats` they were taken for, and what became of them.

    `formats` and `refused` count lines, by the name of the format and by the reason.
    """

    lines: int
    formats: Mapping[str, int]
    hits: int
    expired: int
    refused: Mapping[str, int]


def formats_known() -> list[str]:
    """Return the names of the formats that are detected and may be named in charter.toml."""
    return list(presets())


def try_file(
    installation: Installation, path: Path, *, source: str, day: date, at: datetime, lines: int
) -> Tried:
    """Read the first `lines` of the file at `path` as a log of the web server `source`; store nothing."""
    rules, formats = installation.charter.traffic, Counter[str]()
    with installation.vault.workshop(memory_mb=MEMORY_MB, joins_as_written=True) as workshop:
        staging = Staging(workshop.connection, installation, window(installation, day=day, at=at))
        session = Session(named_formats(rules, source))
        for format_, part in _parts(pieces(path.resolve()), session, rules.max_line_bytes, lines):
            formats[format_.name] += len(part)
            staging.add(_chunk(source, format_, part))
        portion = staging.portion()
        staging.turn()
        counted = workshop.connection.execute(
            "SELECT reason, count(*) FROM staged_rejects GROUP BY reason ORDER BY count(*) DESC, reason"
        ).fetchall()
        return Tried(formats.total(), formats, len(portion.hits), portion.expired[_FILE_NO], dict(counted))


def _parts(
    content: Iterator[bytes], session: Session, max_line_bytes: int, lines: int
) -> Iterator[tuple[Format, Block]]:
    for block in LineReader(max_line_bytes).blocks(content):
        yield from session.parts(block.part(0, max(0, lines - block.first_line + 1)))
        if block.first_line + len(block) > lines:
            return


def _chunk(source: str, format_: Format, part: Block) -> Chunk:
    landed = pa.RecordBatch.from_pydict(
        {
            "file_no": pa.array(np.full(len(part), _FILE_NO, np.int32)),
            "line": pa.array(np.arange(part.first_line, part.first_line + len(part))),
            "raw": part.lines(),
            "text": part.texts(),
        }
    )
    return Chunk(_FILE_NO, source, len(part), None, ((format_, landed),), None)
