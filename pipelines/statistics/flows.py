"""Steps from page to page: which of them may be shown.

A step's number is people and not steps, so it adds up to nothing. But each of these people went on from the
first page at least once, and `pages` tells how often anybody did (views less exits), so the shown steps
of a page leave an upper bound to the hidden ones. A step is therefore shown only where

    - enough people took it, and enough saw either page and did not;
    - `pages` names both pages on that day, so that no hidden row of it is told apart;
    - of each page, each section and all pages together, what the shown steps leave is wide: between none
      and at least the threshold, both of going on and of coming.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa

from pipelines.statistics.disclosure import Rule
from pipelines.statistics.measures import FLOWS, label_sql, preparation, sql
from pipelines.statistics.tables import Row, is_plain, rounded

_PAGE, _SECTION = 0, 1
_EVERYWHERE = (2, "")
_STEPS: Mapping[str, pa.DataType] = {
    "day": pa.date32(), "from_page": pa.int32(), "to_page": pa.int32(),
}  # fmt: skip

Node = tuple[int, str]  # level, name


@dataclass(frozen=True)
class _Step:
    """One candidate row; without paths it is from section to section."""

    day: date
    from_page: int
    to_page: int
    from_path: str | None
    to_path: str | None
    from_section: str
    to_section: str
    contributors: int
    visitors: int

    @property
    def ends(self) -> tuple[Node, Node]:
        """The page or section that it begins at, and the one that it leads to."""
        return self._nodes(self.from_path, self.from_section)[0], self._nodes(self.to_path, self.to_section)[
            0
        ]

    @property
    def touches(self) -> list[tuple[str, Node]]:
        """Every place whose number of steps tells something of this one."""
        sides = {"from": (self.from_path, self.from_section), "to": (self.to_path, self.to_section)}
        return [(side, node) for side, names in sides.items() for node in self._nodes(*names)]

    @staticmethod
    def _nodes(path: str | None, section: str) -> list[Node]:
        page = [(_PAGE, path)] if path is not None else []
        return [*page, (_SECTION, section), _EVERYWHERE]


def collect_steps(connection: duckdb.DuckDBPyConnection, *, is_first: bool) -> None:
    """Add the steps of one part of the requests."""
    into = "CREATE OR REPLACE TEMP TABLE flows_people AS" if is_first else "INSERT INTO flows_people"
    connection.execute(f"{into} {sql(FLOWS.name)}")


def flows_of(
    connection: duckdb.DuckDBPyConnection, named: Mapping[date, Collection[str]], *, rule: Rule
) -> dict[date, list[Row]]:
    """Return the rows of each day of `named`, which says what pages have a row of their own."""
    found: dict[date, list[Row]] = {day: [] for day in named}
    if not connection.execute("FROM flows_people LIMIT 1").fetchone():
        return found
    slack = _Slack(connection, rule.threshold)
    shown = [
        step for step in _candidates(connection, _PAGE, [], rule)
        if {step.from_path, step.to_path} <= set(named.get(step.day, ())) and slack.takes(step)
    ]  # fmt: skip
    shown += [
        step for step in _candidates(connection, _SECTION, shown, rule)
        if step.day in named and is_plain((step.from_section, step.to_section)) and slack.takes(step)
    ]  # fmt: skip
    for step in sorted(shown, key=lambda step: step.ends):
        found[step.day].append(_row(step, rule))
    return found


def _candidates(
    connection: duckdb.DuckDBPyConnection, level: int, shown: Collection[_Step], rule: Rule
) -> list[_Step]:
    rows = [{name: getattr(step, name) for name in _STEPS} for step in shown]
    connection.register("shown_steps", pa.Table.from_pylist(rows, schema=pa.schema(_STEPS)))
    found = connection.execute(preparation("steps"), {"threshold": rule.threshold, "level": level}).fetchall()
    connection.unregister("shown_steps")
    return [_Step(*row) for row in found]


def _row(step: _Step, rule: Rule) -> Row:
    (_level, from_name), (_same, to_name) = step.ends
    values = (step.day, from_name, to_name, rounded(step.visitors, rule.rounding))
    return dict(zip((column.name for column in FLOWS.columns), values, strict=True))


class _Slack:
    """How much the shown steps leave, of each place, of going on from it and of coming to it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, threshold: int) -> None:
        self._threshold = threshold
        self._people: dict[tuple[date, Node], int] = {}
        self._left: dict[tuple[date, str, Node], int] = defaultdict(int)
        for day, level, name, people, went_on, came_to in connection.execute(
            label_sql(FLOWS.name)
        ).fetchall():
            node = (level, name)
            self._people[day, node] = people
            for each in (node, *([_EVERYWHERE] if level == _SECTION else [])):
                self._left[day, "from", each] += went_on
                self._left[day, "to", each] += came_to

    def takes(self, step: _Step) -> bool:
        """Show the step if enough people did not take it, and all that it touches is left wide enough."""
        outside = min(self._people[step.day, node] for node in step.ends) - step.contributors
        nodes = [(step.day, *touched) for touched in step.touches]
        left = min(self._left[node] for node in nodes) - step.visitors
        if min(outside, left) < self._threshold:
            return False
        for node in nodes:
            self._left[node] -= step.visitors
        return True
