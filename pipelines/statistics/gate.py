"""The gate: attack a release before anyone sees it, and refuse it where an attack succeeds.

It knows only what a reader will know: the finished file and the releases before it. It fails closed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import duckdb

from pipelines.errors import DisclosureError
from pipelines.statistics.database import COVERAGE, attach
from pipelines.statistics.measures import MEASURES, OF_A_DAY, Measure
from pipelines.statistics.people import REQUESTS_FOR_ONE_UNKNOWN
from pipelines.statistics.plain import fault
from pipelines.statistics.tables import rounded

_EARLIER = "earlier"
RULES = ("small cell", "remainder of a row", "personal text", "published period changed", "total gives back",
         "day without total", "row twice")  # fmt: skip


@dataclass(frozen=True)
class Passed:
    """What the gate looked at, for release.json and the ledger."""

    rows: int
    texts: int
    earlier_releases: int


@dataclass(frozen=True)
class _Attack:
    """One statement that counts the rows in which it succeeds."""

    measure: str
    rule: str
    sql: str


def inspect(
    connection: duckdb.DuckDBPyConnection, *, threshold: int, rounding: int, earlier: Sequence[Path] = ()
) -> Passed:
    """Attack the attached release `fresh`; DisclosureError names the measure, the rule and how often."""
    least = rounded(threshold, rounding)
    for attack in _attacks(least, exact=rounding < 2):
        _require_none(attack, _count(connection, attack.sql))
    texts = _read_texts(connection)
    for folder in earlier:
        _compare(connection, folder)
    rows = sum(_count(connection, f"SELECT count(*) FROM fresh.{m.name}") for m in MEASURES)  # noqa: S608
    return Passed(rows, texts, len(earlier))


def _attacks(least: int, *, exact: bool) -> Iterator[_Attack]:
    for measure in MEASURES:
        yield _Attack(measure.name, "small cell", _small_cells(measure, least))
        yield _Attack(measure.name, "row twice", _twice(measure))
        if exact:  # rounded counts do not subtract exactly: what is left says nothing
            for sql in _remainders(measure, least):
                yield _Attack(measure.name, "remainder of a row", sql)
    for measure in OF_A_DAY[1:]:
        yield _Attack(
            measure.name,
            "day without total",
            (
                f"SELECT count(*) FROM fresh.{measure.name} ANTI JOIN fresh.daily USING (day)"  # noqa: S608
            ),
        )
        if exact:
            for sql in _differences(measure, least):
                yield _Attack(measure.name, "total gives back", sql)
    if exact:
        yield _Attack("statuses", "total gives back", _errors_given_back(least))


def _small_cells(measure: Measure, least: int) -> str:
    """Count rows with a number under the threshold, or a number that too few people could stand behind."""
    counts = [column.name for column in (*measure.counts, measure.people) if column.name != "sent_bytes"]
    small = " OR ".join(f"coalesce({name} < {least}, false)" for name in counts)
    nobody = f"FROM fresh.{measure.name} AS published WHERE {small} OR {measure.base} IS NULL"
    if measure not in OF_A_DAY:
        return f"SELECT count(*) {nobody} OR {measure.people.name} IS NULL"
    # Nobody was counted on that day: then the requests themselves must be many.
    uncounted = "EXISTS (FROM fresh.daily WHERE daily.day = published.day AND daily.visitors IS NULL)"
    few = f"{measure.base} < {least * REQUESTS_FOR_ONE_UNKNOWN} AND {uncounted}"
    return f"SELECT count(*) {nobody} OR ({few})"


def _twice(measure: Measure) -> str:
    key = ", ".join(column.name for column in (measure.period, *measure.dimensions))
    return f"SELECT count(*) FROM (SELECT {key} FROM fresh.{measure.name} GROUP BY ALL HAVING count(*) > 1)"  # noqa: S608


def _remainders(measure: Measure, least: int) -> Iterator[str]:
    """Count rows where a whole minus its part is about too few: it was published by subtraction."""
    for part in measure.parts:
        if part.whole is not None:
            left = f"{part.whole} - {part.name}"
            yield f"SELECT count(*) FROM fresh.{measure.name} WHERE {left} <> 0 AND {left} < {least}"  # noqa: S608


def _differences(measure: Measure, least: int) -> Iterator[str]:
    """Count days where a total minus the rows that are shown is a number about too few people."""
    for count, total in measure.totals.items():
        yield (
            f"SELECT count(*) FROM (SELECT any_value(daily.{total}) - sum({measure.name}.{count}) AS hidden "  # noqa: S608
            f"FROM fresh.{measure.name} JOIN fresh.daily USING (day) GROUP BY day) "
            f"WHERE hidden <> 0 AND hidden < {least}"
        )
    outside = f"daily.visitors - {measure.name}.visitors"
    yield (
        f"SELECT count(*) FROM fresh.{measure.name} JOIN fresh.daily USING (day) "  # noqa: S608 declared names
        f"WHERE {outside} <> 0 AND {outside} < {least}"
    )


def _errors_given_back(least: int) -> str:
    """Count days where the errors of `daily` minus those shown by status are about too few people."""
    return (
        "SELECT count(*) FROM (SELECT any_value(daily.errors) - "  # noqa: S608 a number
        "coalesce(sum(statuses.hits) FILTER (statuses.status[1:1] IN ('4', '5')), 0) AS hidden "
        "FROM fresh.statuses JOIN fresh.daily USING (day) GROUP BY day) "
        f"WHERE hidden <> 0 AND hidden < {least}"
    )


def _read_texts(connection: duckdb.DuckDBPyConnection) -> int:
    """Look at every text of the release; DisclosureError where one looks like something of a person."""
    read = 0
    for measure in MEASURES:
        for column in measure.dimensions:
            texts = connection.execute(f"SELECT DISTINCT {column.name} FROM fresh.{measure.name}").fetchall()  # noqa: S608
            faults = [reason for reason in (_fault(text) for (text,) in texts) if reason]
            read += len(texts)
            if faults:
                found = f"personal text ({column.name} holds what looks like {faults[0]})"
                _refuse(measure.name, found, len(faults))
    return read


def _fault(text: str | None) -> str | None:
    return "nothing at all" if text is None else fault(text)


def _compare(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Refuse where a period that `folder` published is missing, differs, or has rows more or less."""
    attach(connection, folder, _EARLIER)
    try:
        for measure in MEASURES:
            _require_none(
                _Attack(measure.name, "published period changed", ""), _changed(connection, measure)
            )
    finally:
        connection.execute(f"DETACH {_EARLIER}")


def _changed(connection: duckdb.DuckDBPyConnection, measure: Measure) -> int:
    columns = ", ".join(column.name for column in measure.columns)
    form = "%Y-%m-%d" if measure in OF_A_DAY else "%Y-%m"
    # A period that was suppressed is published too: as suppressed.
    known = f"strftime({measure.period.name}, '{form}') IN (SELECT period FROM {_EARLIER}.{COVERAGE})"  # noqa: S608
    old = f"SELECT {columns} FROM {_EARLIER}.{measure.name}"  # noqa: S608 declared names
    new = f"SELECT {columns} FROM fresh.{measure.name} WHERE {known}"  # noqa: S608 declared names
    lost_or_altered = _count(connection, f"SELECT count(*) FROM ({old} EXCEPT ALL {new})")  # noqa: S608
    return lost_or_altered + _count(connection, f"SELECT count(*) FROM ({new} EXCEPT ALL {old})")  # noqa: S608


def _count(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    if row is None:
        raise DisclosureError("the release gate could not finish an attack: nothing is published; run again.")
    return int(row[0])


def _require_none(attack: _Attack, found: int) -> None:
    if found:
        _refuse(attack.measure, attack.rule, found)


def _refuse(measure: str, rule: str, found: int) -> NoReturn:
    raise DisclosureError(
        f"the release is refused: measure {measure}, rule {rule}, {found} found. The release before it stays "
        f"in force. Look at {measure} in releases/.staged, mend the step that let it through, remove the "
        "staged periods at fault, and run again."
    )
