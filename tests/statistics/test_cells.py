"""A day read in parts, and people who are read late, give what is read at once gives; a log without status too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.charter import Charter, load
from pipelines.places import SOURCE_ROOT
from pipelines.statistics import cells, measure, tables
from pipelines.statistics.measures import BY_NAME, DAILY, OF_A_DAY, Measure, label_sql, preparation
from pipelines.statistics.people import Cell, heads, tally, union
from tests.statistics.sites import Hit, crowd, hit

DAY = date(2026, 11, 21)
Show = Callable[[Iterable[Hit]], duckdb.DuckDBPyConnection]
RULES = load(SOURCE_ROOT / "charter.toml")


def charter(threshold: int) -> Charter:
    return replace(RULES, publication=replace(RULES.publication, threshold=threshold, rounding=0))


def found(connection: duckdb.DuckDBPyConnection, threshold: int = 10) -> dict[Measure, list[Cell]]:
    return measure.cells_by_day(connection, [DAY], charter(threshold))[DAY]


def rows(cells: Mapping[Measure, Sequence[Cell]], threshold: int) -> Mapping[str, list[Any]]:
    return tables.of_day(cells, DAY, threshold=threshold, rounding=0).rows


def looked_at(cells: Mapping[Measure, Sequence[Cell]]) -> Mapping[Measure, list[Cell]]:
    """The same cells, of which nothing is counted yet: the rule has to look at everybody."""
    return {
        each: [replace(cell, tallies={}, groups=dict(cell.groups.items())) for cell in many]
        for each, many in cells.items()
    }


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day of eight hits is large, and nobody is read before the rule asks."""
    monkeypatch.setattr(measure, "_HITS_TOGETHER", 8)
    monkeypatch.setattr(measure, "_FEW_HITS", 4)
    monkeypatch.setattr(cells, "_FEW", 0)


@st.composite
def sites(draw: st.DrawFn) -> list[Hit]:
    visits = draw(
        st.lists(
            st.tuples(
                st.sampled_from([*range(18), None]),
                st.sampled_from(["phone", "laptop"]),
                st.integers(0, 90),
                st.sampled_from(["/", "/x", "/y/z", "/y/w", "/a.css", "/p/123456789"]),
                st.sampled_from([200, 200, 304, 404, 500, None]),
                st.sampled_from([None, "bing.com", "rare.org"]),
            ),
            max_size=70,
        )
    )
    start = datetime.fromisoformat("2026-11-21 09:00")
    return [
        hit(
            None if home is None else f"{home} {device}",
            str(start + timedelta(minutes=5 * step)),
            address=home, path=path, status=status, referrer_domain=domain, device=device,
            is_bot=home == 17, sent_bytes=None if status is None else step,
        )
        for home, device, step, path, status, domain in visits
    ]  # fmt: skip


fast = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@fast
@given(site=sites(), threshold=st.integers(2, 6))
def test_what_is_read_in_parts_and_late_is_what_is_read_at_once(
    memory: Show, site: list[Hit], threshold: int
) -> None:
    connection = memory(site)
    at_once = found(connection, threshold)
    expected = rows(looked_at(at_once), threshold)
    assert rows(at_once, threshold) == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "_HITS_TOGETHER", 8)
        patch.setattr(measure, "_FEW_HITS", 4)
        patch.setattr(cells, "_FEW", 0)
        assert rows(found(connection, threshold), threshold) == expected


@fast
@given(site=sites())
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
        is_error = row["status"] is not None and row["status"] >= 400
        behind[label]["with_errors" if is_error else "without_errors"].add(who)
        if row["visitor"] is not None:
            behind[label]["people"].add(row["visitor"])
        hits[label] += 1
    statuses = {cell.labels[0][0]: cell for cell in found(memory(site))[BY_NAME["statuses"]]}
    assert {label: cell.counts["hits"] for label, cell in statuses.items()} == hits
    for label, cell in statuses.items():
        for group in ("contributors", "with_errors", "without_errors", "people"):
            assert sum(tally([cell], group)) == len(behind[label][group])
            assert len(set(cell.groups[group].tolist())) == len(behind[label][group])


def test_a_large_day_is_read_in_more_than_one_part(memory: Show, in_parts: None) -> None:
    connection = memory([*crowd(40), *(hit(None) for _ in range(40))])
    assert measure._take(connection) == 11
    (cell,) = found(connection)[DAILY]
    assert (cell.counts["hits"], tally([cell], "contributors")) == (80, (40, 40))


def test_nobody_leaves_the_database_who_is_not_in_doubt(
    memory: Show, in_parts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[str, int]] = []
    original = cells._Behind._read

    def watched(self: cells._Behind, condition: str, value: int) -> Any:
        people = original(self, condition, value)
        read.append((condition, sum(len(ids) for _cells, ids in people.values())))
        return people

    monkeypatch.setattr(cells._Behind, "_read", watched)
    shown = found(memory([*crowd(30), *crowd(25, name="w", at="13:00", browser="Chrome")]))
    rows(shown, 10)
    assert [people for _condition, people in read] == [0] * len(OF_A_DAY)  # all groups are none or many
    (first, second) = shown[BY_NAME["hours"]]
    assert heads([first, second]) == 55  # over two cells they must be looked at
    assert [condition for condition, _people in read[len(OF_A_DAY) :]] == ["nr = $value"] * 2


def test_who_is_read_late_is_who_was_counted(memory: Show, in_parts: None) -> None:
    households = [hit(f"{n} {browser}", address=n) for n in range(20) for browser in "ab"]
    (cell,) = found(memory(households))[BY_NAME["hours"]]
    assert len(cell.groups) == 2
    assert (len(cell.groups["contributors"]), len(cell.groups["people"])) == (20, 40)
    assert len(union([cell.groups["contributors"], cell.groups["contributors"]])) == 20


def test_a_request_without_a_status_is_a_hit_but_neither_page_view_nor_error(memory: Show) -> None:
    shown = rows(found(memory([*crowd(12), *crowd(15, name="w", status=None)])), 10)
    (day,) = shown["daily"]
    assert (day["hits"], day["visits"], day["page_views"], day["errors"]) == (27, 27, 12, None)
    assert {row["status"]: row["hits"] for row in shown["statuses"]} == {"200": 12, "(unknown)": 15}
    assert [row["path"] for row in shown["pages"]] == ["/"]


@pytest.mark.parametrize(("unknown", "others"), [(9, ["(other)"]), (10, ["301", "(unknown)"])])
def test_a_status_that_too_few_lack_has_no_class_to_go_to(
    memory: Show, unknown: int, others: list[str]
) -> None:
    hits = [*crowd(30), *crowd(12, name="b", status=301), *crowd(unknown, name="w", status=None)]
    shown = {row["status"] for row in rows(found(memory(hits)), 10)["statuses"]}
    assert shown == {"200", *others}


def test_a_log_without_any_status_or_size_is_measured(memory: Show) -> None:
    shown = rows(found(memory(crowd(20, status=None, sent_bytes=None))), 10)
    (day,) = shown["daily"]
    assert (day["hits"], day["visitors"], day["page_views"], day["sent_bytes"]) == (20, 20, None, None)
    assert {row["status"] for row in shown["statuses"]} == {"(unknown)"}
    assert shown["pages"] == []


def test_requests_of_one_instant_keep_their_order_in_the_log(memory: Show) -> None:
    site = [hit("a", "09:00", path=path) for path in ("/first", "/second", "/third")]
    connection = memory(site)
    connection.execute("CREATE TABLE shuffled AS FROM stored_hits ORDER BY line DESC")
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW hits AS SELECT *, 'traffic/2026-11-21' AS store FROM shuffled"
    )
    entries = {cell.labels[0]: cell.counts["entries"] for cell in found(connection, 2)[BY_NAME["pages"]]}
    connection.execute("DROP VIEW hits; DROP TABLE shuffled")
    assert entries == {("/first",): 1, ("/second",): 0, ("/third",): 0}


@pytest.mark.parametrize(
    "text", [*map(label_sql, BY_NAME), *map(preparation, ("minutes", "requests", "bounded_bytes"))]
)
def test_each_sql_file_around_the_measures_says_purpose_parameters_and_what_a_row_means(text: str) -> None:
    header = text.split("SELECT", maxsplit=1)[0].split("WITH", maxsplit=1)[0]
    assert all(word in header for word in ("-- Purpose:", "Parameters:", "-- One row means"))


@pytest.fixture
def memory(memory: Show) -> Show:
    """Hits whose status and size may be missing, as the catalog will say."""

    def show(hits: Iterable[Hit]) -> duckdb.DuckDBPyConnection:
        given = list(hits)
        connection = memory([{**row, "status": row["status"] or 0} for row in given])
        connection.execute(
            "CREATE OR REPLACE TABLE nullable AS SELECT * REPLACE (nullif(status, 0) AS status) FROM stored_hits"
        )
        connection.execute(
            "CREATE OR REPLACE TEMP VIEW hits AS SELECT *, 'traffic/2026-11-21' AS store FROM nullable"
        )
        return connection

    return show
