"""A day read in parts, and people who are read late, give what is read at once gives; a log without status too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings

from pipelines.statistics import cells, reading, tables
from pipelines.statistics.disclosure import Rule
from pipelines.statistics.measures import BY_NAME, DAILY, FOLDED, Measure
from pipelines.statistics.people import Cell, heads, tally, together
from tests.statistics import rules
from tests.statistics.measuring import DAY, measured, new_memory, show
from tests.statistics.sites import Hit, crowd, hit, random_sites

Show = Callable[[Iterable[Hit]], duckdb.DuckDBPyConnection]
PICKY = Rule(threshold=3, largest=1, share=0.5, closeness=0.1, zeros=True)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with new_memory() as connection:
        yield connection


@pytest.fixture
def memory(connection: duckdb.DuckDBPyConnection) -> Show:
    def memory(hits: Iterable[Hit]) -> duckdb.DuckDBPyConnection:
        show(connection, {DAY: hits})
        return connection

    return memory


def found(connection: duckdb.DuckDBPyConnection, rule: Rule = rules.TEN) -> dict[Measure, list[Cell]]:
    return reading.cells_by_day(connection, [DAY], rules.charter(), rule=rule)[DAY]


def rows(cells: Mapping[Measure, Sequence[Cell]], rule: Rule = rules.TEN) -> Mapping[str, list[Any]]:
    return tables.of_day(cells, DAY, rule=rule).rows


def looked_at(cells: Mapping[Measure, Sequence[Cell]]) -> Mapping[Measure, list[Cell]]:
    """The same cells, of which nothing is counted yet: the rule has to look at everybody."""
    return {
        each: [replace(cell, tallies={}, groups=dict(cell.groups.items())) for cell in many]
        for each, many in cells.items()
    }


def make_large(patch: pytest.MonkeyPatch) -> None:
    """A day of eight hits is large, and nobody is read before the rule asks."""
    patch.setattr(reading, "_HITS_TOGETHER", 8)
    patch.setattr(reading, "_FEW_HITS", 4)
    patch.setattr(cells, "_FEW", -1)


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    make_large(monkeypatch)


fast = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@fast
@given(site=random_sites())
def test_what_is_read_in_parts_and_late_is_what_is_read_at_once(memory: Show, site: list[Hit]) -> None:
    connection = memory(site)
    at_once = found(connection, PICKY)
    expected = rows(looked_at(at_once), PICKY)
    assert rows(at_once, PICKY) == expected
    with pytest.MonkeyPatch.context() as patch:
        make_large(patch)
        late = found(connection, PICKY)
        assert rows(late, PICKY) == expected
    for measure in FOLDED:
        told = [
            sorted((cell.labels[0], sorted(cell.tallies.items())) for cell in many[measure])
            for many in (at_once, late)
        ]
        assert told[0] == told[1]


@fast
@given(site=random_sites())
def test_cells_agree_with_a_slow_reference(memory: Show, site: list[Hit], in_parts: None) -> None:
    """Sets of people, one request after the other: who is behind each status, and who had an error there."""
    behind: dict[str, dict[str, set[Any]]] = defaultdict(lambda: defaultdict(set))
    hits: dict[str, int] = defaultdict(int)
    for number, row in enumerate(site):
        if row["is_bot"]:
            continue
        label = "(unknown)" if row["status"] is None else str(row["status"])
        who = number if row["address"] is None else row["address"]
        behind[label]["contributors"].add(who)
        if row["visitor"] is not None:
            behind[label]["people"].add(row["visitor"])
        hits[label] += 1
    statuses = {cell.labels[0][0]: cell for cell in found(memory(site), rules.NONE)[BY_NAME["statuses"]]}
    assert {label: cell.counts["hits"] for label, cell in statuses.items()} == hits
    for label, cell in statuses.items():
        for group in ("contributors", "people"):
            told = tally([cell], group)
            assert told.known + told.unknown == len(behind[label][group])
            assert len(set(cell.groups[group].ids.tolist())) == len(behind[label][group])
        assert tally([cell]).total == cell.counts["hits"]


def test_a_large_day_is_read_in_more_than_one_part(memory: Show, in_parts: None) -> None:
    connection = memory([*crowd(40), *(hit(None) for _ in range(40))])
    reading.take(connection)
    reading.name_all(connection, rules.charter())
    assert list(reading.read_parts(connection, rules.TEN)) == list(range(11))
    (cell,) = found(connection)[DAILY]
    told = tally([cell], "contributors")
    assert (cell.counts["hits"], told.known, told.unknown) == (80, 40, 40)


def test_nobody_leaves_the_database_who_is_not_in_doubt(
    memory: Show, in_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[str, int]] = []
    original = cells._Behind._read

    def watched(self: cells._Behind, condition: str, value: int | None = None) -> Any:
        people = original(self, condition, value)
        read.append((condition, sum(len(ids) for _cells, ids, _weights in people.values())))
        return people

    monkeypatch.setattr(cells._Behind, "_read", watched)
    shown = found(memory([*crowd(30), *crowd(25, name="w", at="13:00", browser="Chrome")]))
    rows(shown)
    assert [people for _condition, people in read] == [0] * len(FOLDED)  # all groups are none or many
    (first, second) = shown[BY_NAME["hours"]]
    assert heads([first, second]) == 55  # over two cells they must be looked at
    assert [condition for condition, _people in read[len(FOLDED) :]] == ["nr = $nr"] * 2


def test_who_is_read_late_is_who_was_counted(memory: Show, in_parts: None) -> None:
    households = [hit(f"{n} {browser}", address=n) for n in range(20) for browser in "ab"]
    (cell,) = found(memory(households))[BY_NAME["hours"]]
    assert set(cell.groups) == {"contributors", "people"}
    assert (len(cell.groups["contributors"].ids), len(cell.groups["people"].ids)) == (20, 40)
    assert cell.groups["contributors"].weights.tolist() == [2] * 20
    assert len(together([cell.groups["contributors"], cell.groups["contributors"]]).ids) == 20


def test_a_request_without_a_status_is_a_hit_but_neither_page_view_nor_error(memory: Show) -> None:
    shown = rows(found(memory([*crowd(12), *crowd(15, name="w", status=None)])))
    (day,) = shown["daily"]
    assert (day["hits"], day["visits"], day["page_views"], day["errors"]) == (27, 27, 12, None)
    assert {row["status"]: row["hits"] for row in shown["statuses"]} == {"200": 12, "(unknown)": 15}
    assert [row["path"] for row in shown["pages"]] == ["/"]


@pytest.mark.parametrize(
    ("unknown", "expected"), [(9, {"200", "1xx, 206, 3xx (other)"}), (10, {"200", "301", "(unknown)"})]
)
def test_a_status_that_too_few_lack_has_no_class_to_go_to(
    memory: Show, unknown: int, expected: set[str]
) -> None:
    hits = [*crowd(30), *crowd(12, name="b", status=301), *crowd(unknown, name="w", status=None)]
    assert {row["status"] for row in rows(found(memory(hits)))["statuses"]} == expected


def test_a_log_without_any_status_or_size_is_measured(connection: duckdb.DuckDBPyConnection) -> None:
    hits = crowd(20, status=None, sent_bytes=None)
    shown = measured(connection, {DAY: hits}, rules.charter())[DAY]
    (day,) = shown["daily"]
    assert (day["hits"], day["visitors"], day["page_views"], day["sent_bytes"]) == (20, 20, None, None)
    assert {row["status"] for row in shown["statuses"]} == {"(unknown)"}
    assert shown["pages"] == []


def test_requests_of_one_instant_keep_their_order_in_the_log(memory: Show) -> None:
    site = [hit("a", "09:00", path=path) for path in ("/first", "/second", "/third")]
    connection = memory(site)
    connection.execute("CREATE OR REPLACE TABLE shuffled AS FROM kept ORDER BY line DESC")
    connection.execute("CREATE OR REPLACE TEMP VIEW hits AS FROM shuffled")
    entries = {
        cell.labels[0]: cell.counts["entries"] for cell in found(connection, rules.NONE)[BY_NAME["pages"]]
    }
    assert entries == {("/first",): 1, ("/second",): 0, ("/third",): 0}
