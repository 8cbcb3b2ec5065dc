"""Staged periods: what was measured and may be read by anyone, waiting for (or in) a release.

    releases/.staged/2026-11-21/rows.parquet           a day: the rows of all its measures
    releases/.staged/2026-W47/rows.parquet             a week
    releases/.staged/2026-10/rows.parquet              the contacts of a month
    releases/.staged/2026-10.visitors/rows.parquet     its visitors, and so on: measured at other times
    releases/.staged/2026/rows.parquet                 a year

One file a period, as each file costs a wait for the disk; its metadata say which measures are
published and which are suppressed. A folder that exists is whole and final. Staged periods are kept:
a site that returns to an older release publishes the same numbers again, not new ones that would
betray what changed in between.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.files import locked, make_private_folder, move, remove_folder, sync_file, sync_folder
from pipelines.statistics.measures import DAILY, MEASURES, Measure
from pipelines.statistics.shelf import kept, periods_of
from pipelines.statistics.tables import Row, Tables

ROWS = "rows.parquet"
MEASURE = "measure"  # the column that says which measure a row belongs to
_STATES, _MEASURED_ON, _NOISE = "states", "measured_on", "noise"
PUBLISHED, SUPPRESSED, NOISY = "published", "suppressed", "published with noise"
_PERIOD = re.compile(r"\d{4}(-(\d\d(-\d\d|\.[a-z]+)?|W\d\d))?")
_TYPES: Mapping[str, pa.DataType] = {
    "DATE": pa.date32(), "VARCHAR": pa.string(), "BIGINT": pa.int64(), "DOUBLE": pa.float64(),
}  # fmt: skip
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


def stage(releases: Path, period: str, found: Tables, *, measured_on: date) -> bool:
    """Stage the rows of `period`, measured on the night of `measured_on`, in one atomic step.

    False, and nothing done, where it is staged.
    """
    folder = area(releases)
    make_private_folder(folder)
    with locked(folder / ".lock"):
        if (folder / period).exists():
            return False
        new = folder / f".{period}.new"
        remove_folder(new)  # of a killed run
        new.mkdir(mode=0o700)
        rows = [{MEASURE: name, **row} for name, many in found.rows.items() for row in many]
        noise = dict(found.noise)
        known = {_STATES: _states_of(found), _MEASURED_ON: measured_on.isoformat(), _NOISE: noise}
        _write(new / ROWS, pa.Table.from_pylist(rows, schema=_SCHEMA), known)
        sync_folder(new)
        move(new, folder / period)
    return True


def withhold(releases: Path, period: str, measure: str) -> bool:
    """Suppress one measure of a staged period, of `daily` all of them, in one atomic step.

    False, and nothing done, where it is not staged, suppressed already, or in a release: that is final.
    """
    with locked(area(releases) / ".lock"):
        known = states(releases, period) if period in staged(releases) else {}
        if known.get(measure, SUPPRESSED) == SUPPRESSED or _is_released(releases, period):
            return False
        names = list(known) if measure == DAILY.name else [measure]
        path = file(releases, period)
        table = pq.read_table(path)
        is_left = pc.invert(pc.is_in(table[MEASURE], value_set=pa.array(names)))
        left = {_STATES: known | dict.fromkeys(names, SUPPRESSED),
                _MEASURED_ON: measured_on(releases, period).isoformat(),
                _NOISE: noise_of(releases, period)}  # fmt: skip
        _write(path.with_suffix(".new"), table.filter(is_left), left)
        path.with_suffix(".new").replace(path)
        sync_folder(path.parent)
    return True


def states(releases: Path, period: str) -> dict[str, str]:
    """Return of each measure of a staged `period` whether it is published or suppressed."""
    content: dict[str, str] = _metadata(releases, period, _STATES)
    return content


def measured_on(releases: Path, period: str) -> date:
    """Return the night on which a staged `period` was measured: what came later is not in it."""
    return date.fromisoformat(_metadata(releases, period, _MEASURED_ON))


def noise_of(releases: Path, period: str) -> dict[str, float]:
    """Return the epsilon that was spent on each measure of a staged `period` whose numbers are not exact."""
    content: dict[str, float] = _metadata(releases, period, _NOISE)
    return content


def rows_of(releases: Path, period: str, measure: Measure) -> list[Row]:
    """Return the rows of one measure in a staged `period`."""
    columns = [column.name for column in measure.columns]
    found = pq.read_table(file(releases, period), columns=columns, filters=pc.field(MEASURE) == measure.name)
    rows: list[Row] = found.to_pylist()
    return rows


def file(releases: Path, period: str) -> Path:
    """Return the file of a staged `period`."""
    return area(releases) / period / ROWS


def shown_period(period: str) -> str:
    """Return what a staged period is called in a release: the day, week, month or year alone."""
    return period.partition(".")[0]


def _states_of(found: Tables) -> dict[str, str]:
    return {
        name: (NOISY if name in found.noise else PUBLISHED) if rows else SUPPRESSED
        for name, rows in found.rows.items()
    }


def _metadata(releases: Path, period: str, name: str) -> Any:
    metadata = pq.read_schema(file(releases, period)).metadata
    return json.loads(metadata.get(name.encode(), b"{}"))


def _write(path: Path, table: pa.Table, known: Mapping[str, object]) -> None:
    metadata = {name: json.dumps(value, sort_keys=True) for name, value in known.items()}
    pq.write_table(table.replace_schema_metadata(metadata), path, compression="zstd")
    sync_file(path)


def _is_released(releases: Path, period: str) -> bool:
    return any(period in periods_of(folder) for folder in kept(releases))
