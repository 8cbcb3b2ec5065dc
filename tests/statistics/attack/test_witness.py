"""While the hits of a day are open, the adversary counts again who is behind its rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import duckdb
import pytest

from pipelines import statistics
from pipelines.installation import Installation
from pipelines.statistics import staging, tables
from pipelines.statistics.attack import witness as module
from pipelines.statistics.attack.witness import Witnessed, witness
from tests.statistics.sites import STORE, Hit, as_arrow, crowd, hit, numbered, select

DAY = date(2026, 11, 21)
See = Callable[..., Witnessed | None]


@pytest.fixture
def see() -> Iterator[See]:
    """Give a function that shows hits to the adversary, with the rows that are about to be staged."""
    with duckdb.connect(config={"python_enable_replacements": "false"}) as connection:

        def see(hits: list[Hit], **rows: list[dict[str, Any]]) -> Witnessed | None:
            connection.register("given", as_arrow("hits", numbered(hits)))
            columns = select("hits", "given")
            connection.execute(
                f"CREATE OR REPLACE TEMP VIEW taken AS SELECT *, '{STORE}' AS store FROM ({columns})"
            )
            return witness(connection, DAY, rows, time_zone="Europe/Paris", threshold=10)

        yield see


def test_each_row_with_a_name_is_counted_again(see: See) -> None:
    hits = [*crowd(12, path="/a"), *crowd(9, path="/b"), *crowd(30, "22:30", path="/c.css", status=404)]
    seen = see(
        hits,
        pages=[{"path": "/a"}, {"path": "/b"}, {"path": "(other)"}],
        hours=[{"hour": "13"}, {"hour": "23"}],
        statuses=[{"status": "404"}],
        countries=[{"country": "(unknown)"}],
    )
    assert seen is not None
    assert (seen.people, seen.rows, seen.small_rows) == (30, 6, {"pages": 1})


def test_one_household_is_one_however_many_browsers_it_has(see: See) -> None:
    hits = [*crowd(9, path="/a"), *[hit(f"more{n}", path="/a", address="v1") for n in range(5)]]
    seen = see(hits, pages=[{"path": "/a"}])
    assert seen is not None
    assert seen.small_rows == {"pages": 1}


def test_who_is_alone_with_a_fact_is_recognisable(see: See) -> None:
    seen = see([*crowd(20, path="/a"), hit("odd", path="/odd"), hit("robot", path="/r", is_bot=True)])
    assert seen is not None
    assert seen.people == seen.sample == 21
    assert seen.recognisable == round(1 / 21, 4)
    # With all its facts the odd one is alone, and nobody else is.
    assert seen.alone_with["4"] <= round(1 / 21, 4)


def test_more_facts_never_hide_anybody(see: See) -> None:
    hits = [hit(f"v{n}", f"{8 + n % 9:02d}:00", path=f"/{n % 7}", browser=f"b{n % 5}") for n in range(60)]
    seen = see(hits)
    assert seen is not None
    assert sorted(seen.alone_with.values()) == [seen.alone_with[str(n)] for n in range(1, 5)]
    assert see(hits) == seen  # the same each time


def test_where_addresses_are_not_kept_or_the_day_is_large_nothing_is_counted_again(
    see: See, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert see([*crowd(12), hit(None)]) is None
    monkeypatch.setattr(module, "_MOST_HITS", 11)
    assert see(crowd(12)) is None


def test_a_day_without_anybody_is_no_fault(see: See) -> None:
    seen = see([hit("robot", is_bot=True)])
    assert seen == Witnessed(0, 0.0, dict.fromkeys("1234", 0.0), 0, 0, {})


def test_a_table_that_the_suppression_would_let_through_is_suppressed(
    installation: Installation, seal: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rule is broken on purpose: the adversary, who counts for himself, still sees nine people."""
    seal(DAY, [*crowd(30), *crowd(9, "13:00", path="/few")])
    honest = tables.of_day

    def broken(cells: Any, day: date, **more: Any) -> tables.Tables:
        found = honest(cells, day, **more)
        found.rows["pages"][0]["path"] = "/few"
        return found

    monkeypatch.setattr(tables, "of_day", broken)
    night = date(2026, 11, 22)
    measured = statistics.measure_days(installation, [DAY], day=night)
    assert measured.days == (DAY,)
    kept = json.loads((installation.places.risks / "days" / f"{DAY}.json").read_bytes())
    assert kept["small_rows"] == {"pages": 1}
    assert kept["people"] == 30
    states = staging.states(installation.places.releases, str(DAY))
    assert (states["pages"], states["daily"]) == ("suppressed", "published")
