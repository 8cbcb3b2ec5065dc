"""Read the release in force: for analysts, notebooks and `charter stats`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import ConfigurationError, UsageError
from pipelines.places import Places
from pipelines.statistics import database, shelf
from pipelines.statistics.declare import Measure
from pipelines.statistics.measures import BY_NAME, MEASURES

if TYPE_CHECKING:
    import pandas as pd


def measures(places: Places) -> list[Measure]:
    """Return the measures of the release in force; ConfigurationError where nothing is published yet."""
    _in_force(places)
    return list(MEASURES)


def read(
    places: Places,
    measure: str,
    *,
    since: date | None = None,
    until: date | None = None,
    limit: int | None = None,
) -> pd.DataFrame:
    """Return the rows of `measure` from `since` to `until` (both included), the latest period first.

    Counts are integers, and None where blank. ConfigurationError where nothing is published yet.
    """
    import pandas as pd  # noqa: PLC0415 the night needs it not, or later

    declared = BY_NAME.get(measure)
    if declared is None:
        raise UsageError(f"there is no measure of that name; there are {', '.join(BY_NAME)}.")
    folder = _in_force(places)
    columns = [column.name for column in declared.columns]
    with database.reading(folder) as connection:
        rows = connection.execute(
            _query(declared), {"since": since, "until": until, "limit": limit}
        ).fetchall()
    return pd.DataFrame(rows, columns=columns, dtype=object).infer_objects()


def _in_force(places: Places) -> Path:
    folder = shelf.newest(places.releases)
    if folder is None:
        raise ConfigurationError(
            "no statistics are published yet: run `charter nightly` for a day after the first complete one."
        )
    return folder


def _query(measure: Measure) -> str:
    period = measure.period.name
    labels = "".join(f", {column.name}" for column in measure.dimensions)
    columns = ", ".join(column.name for column in measure.columns)
    return (
        f"SELECT {columns} FROM {measure.name} "  # noqa: S608 declared names
        f"WHERE ($since::DATE IS NULL OR {period} >= $since::DATE) "
        f"AND ($until::DATE IS NULL OR {period} <= $until::DATE) "
        f"ORDER BY {period} DESC, {measure.base} DESC{labels} LIMIT $limit::BIGINT"
    )
