"""Read a release as anyone can: its tables, columns, comments and rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import groupby
from typing import Any

import duckdb

from pipelines.statistics.attack.knowledge import FORMS, KNOWN, Known

COVERAGE = "coverage"
_COVERAGE_COLUMNS = ("period", "measure", "state")
_NOISY = "published with noise"  # of numbers that are not exact nothing follows exactly
_TOGETHER = 16  # periods of which rows are in memory at once
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Publication:
    """One release, attached as `schema` to a connection.

    `settled` are the periods and measures that an earlier release has shown, or suppressed: they passed their
    own gate, and must not change any more.
    """

    connection: duckdb.DuckDBPyConnection
    schema: str
    settled: frozenset[tuple[str, str]] = frozenset()

    @cached_property
    def columns(self) -> dict[str, dict[str, str]]:
        """Each table's columns, and their types."""
        found = self.connection.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE database_name = ? AND NOT internal ORDER BY table_name, column_index",
            [self.schema],
        ).fetchall()
        return {
            name: {column: type_ for _name, column, type_ in columns}
            for name, columns in groupby(found, lambda row: row[0])
        }

    @cached_property
    def measures(self) -> dict[str, Known]:
        """The tables of which an outsider knows what they mean."""
        return {
            name: KNOWN[name].of_columns(columns) for name, columns in self.columns.items() if name in KNOWN
        }

    @cached_property
    def covered(self) -> set[tuple[str, str]]:
        """Each period and measure that was published, or suppressed."""
        return {(period, measure) for period, measure, _state in self._coverage}

    @cached_property
    def noisy(self) -> set[tuple[str, str]]:
        """Each period and measure whose numbers were published with noise."""
        return {(period, measure) for period, measure, state in self._coverage if state == _NOISY}

    @cached_property
    def _coverage(self) -> list[tuple[str, str, str]]:
        query = f"SELECT {', '.join(_COVERAGE_COLUMNS)} FROM {self.schema}.{COVERAGE}"  # noqa: S608 fixed names
        return self.connection.execute(query).fetchall()

    def not_understood(self) -> Iterator[tuple[str, int]]:
        """Yield each table that has columns, or as a whole is, unknown; and how many."""
        for name, columns in self.columns.items():
            known = _COVERAGE_COLUMNS if name == COVERAGE else KNOWN[name].columns if name in KNOWN else ()
            if unknown := set(columns) - set(known):
                yield name, len(unknown)

    @cached_property
    def new(self) -> dict[str, list[date]]:
        """The periods that each table has rows of, and no earlier release had."""
        return {name: self._new_of(known) for name, known in self.measures.items()}

    def _new_of(self, known: Known) -> list[date]:
        found = self.connection.execute(
            f"SELECT DISTINCT {known.period} AS start, strftime(start, $form) "  # noqa: S608 fixed names
            f"FROM {self.schema}.{known.name} ORDER BY start",
            {"form": FORMS[known.period]},
        ).fetchall()
        return [start for start, text in found if (text, known.name) not in self.settled]

    def rows(self, known: Known, periods: Sequence[date]) -> Iterator[tuple[date, list[Row]]]:
        """Yield the periods of which `known` has exact rows, with these; some periods are read at once."""
        for start in range(0, len(periods), _TOGETHER):
            result = self.connection.execute(
                f"SELECT {', '.join(known.columns)} FROM {self.schema}.{known.name} "  # noqa: S608 fixed names
                f"WHERE list_contains($periods, {known.period}) ORDER BY {known.period}",
                {"periods": list(periods[start : start + _TOGETHER])},
            )
            rows: list[Row] = [dict(zip(known.columns, row, strict=True)) for row in result.fetchall()]
            for period, found in groupby(rows, lambda row: row[known.period]):
                if not self.is_noisy(known, period):
                    yield period, list(found)

    def is_noisy(self, known: Known, period: date) -> bool:
        """Return whether the numbers of a period were published with noise."""
        return (period.strftime(FORMS[known.period]), known.name) in self.noisy

    def texts(self) -> Iterator[tuple[str, str, list[str | None]]]:
        """Yield table, column, and the different texts that are new in it."""
        for name, known in self.measures.items():
            for label in known.labels if self.new[name] else ():
                found = self.connection.execute(
                    f"SELECT DISTINCT {label} FROM {self.schema}.{name} "  # noqa: S608 fixed names
                    f"WHERE list_contains($starts, {known.period}) ORDER BY {label}",
                    {"starts": self.new[name]},
                ).fetchall()
                yield name, label, [text for (text,) in found]

    def periods_of(self, known: Known, label: str, texts: Sequence[str | None]) -> tuple[str, ...]:
        """Return in which of the new periods a table has one of these texts."""
        found = self.connection.execute(
            f"SELECT DISTINCT strftime({known.period}, $form) AS text FROM {self.schema}.{known.name} "  # noqa: S608
            f"WHERE list_contains($starts, {known.period}) "
            f"AND (list_contains($texts, {label}) OR ({label} IS NULL AND $nothing)) ORDER BY text",
            {
                "starts": self.new[known.name],
                "form": FORMS[known.period],
                "texts": [text for text in texts if text is not None],
                "nothing": None in texts,
            },
        ).fetchall()
        return tuple(text for (text,) in found)

    def count(self, query: str, parameters: Mapping[str, object] | None = None) -> int:
        """Return the one number that a query finds."""
        row = self.connection.execute(query, parameters).fetchone()
        return int(row[0]) if row else 0
