"""Staged periods: what was measured and may be read by anyone, waiting for (or in) a release.

    releases/.staged/2026-11-21/rows.parquet     a day: the rows of all its measures
    releases/.staged/2026-10/rows.parquet        a month

One file a period, as each file costs a wait for the disk; its metadata say which measures are
published and which are suppressed. A folder that exists is whole and final. Staged periods are kept:
a site that returns to an older release publishes the same numbers again, not new ones that would
betray what changed in between.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.files import locked, make_private_folder, move, remove_folder, sync_file, sync_folder
from pipelines.statistics.measures import MEASURES
from pipelines.statistics.tables import Tables

ROWS = "rows.parquet"
MEASURE = "measure"  # the column that says which measure a row belongs to
_STATES = b"states"
PUBLISHED, SUPPRESSED = "published", "suppressed"
_PERIOD = re.compile(r"\d{4}-\d\d(-\d\d)?")
_TYPES: Mapping[str, pa.DataType] = {"DATE": pa.date32(), "VARCHAR": pa.string(), "BIGINT": pa.int64()}
_COLUMNS = {column.name: _TYPES[column.type] for measure in MEASURES for column in measure.columns}
_SCHEMA = pa.schema([pa.field(name, type_) for name, type_ in {MEASURE: pa.string(), **_COLUMNS}.items()])


def area(releases: Path) -> Path:
    """Return the folder of staged periods."""
    return releases / ".staged"


def staged(releases: Path) -> set[str]:
    """Return the periods that are staged."""
    folder = area(releases)
    return (
        {path.name for path in folder.iterdir() if _PERIOD.fullmatch(path.name)} if folder.is_dir() else set()
    )


def stage(releases: Path, period: str, found: Tables) -> bool:
    """Stage the rows of `period` in one atomic step; False, and nothing done, where it is staged."""
    folder = area(releases)
    make_private_folder(folder)
    with locked(folder / ".lock"):
        if (folder / period).exists():
            return False
        new = folder / f".{period}.new"
        remove_folder(new)  # of a killed run
        new.mkdir(mode=0o700)
        states = {name: PUBLISHED if rows else SUPPRESSED for name, rows in found.rows.items()}
        rows = [{MEASURE: name, **row} for name, many in found.rows.items() for row in many]
        schema = _SCHEMA.with_metadata({_STATES: json.dumps(states, sort_keys=True).encode()})
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), new / ROWS, compression="zstd")
        sync_file(new / ROWS)
        sync_folder(new)
        move(new, folder / period)
    return True


def states(releases: Path, period: str) -> dict[str, str]:
    """Return of each measure of a staged `period` whether it is published or suppressed."""
    metadata = pq.read_schema(file(releases, period)).metadata
    content: dict[str, str] = json.loads(metadata[_STATES])
    return content


def file(releases: Path, period: str) -> Path:
    """Return the file of a staged `period`."""
    return area(releases) / period / ROWS
