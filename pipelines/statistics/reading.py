"""Read local days for measuring: sealed hits → who is behind each cell, part by part.

A large day goes through memory in parts, each with all requests of its visitors: memory does not grow.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from types import MappingProxyType
from uuid import UUID

import duckdb
import numpy as np
import pyarrow as pa

from pipelines.charter import Charter
from pipelines.statistics.cells import cells_of, collect, name_cells
from pipelines.statistics.disclosure import Rule
from pipelines.statistics.flows import collect_steps
from pipelines.statistics.measures import (
    ASSET_EXTENSIONS,
    DAILY,
    FOLDED,
    SEARCH_ENGINES,
    SOCIAL_NETWORKS,
    Measure,
    preparation,
)
from pipelines.statistics.people import REQUESTS_FOR_ONE_UNKNOWN, Cell, Ids, People, tally_of
from pipelines.statistics.visits import follow

# One person moves a day's numbers by this many requests at most: a long day of reading, files included.
MOST_HITS_OF_A_VISITOR = 300
# Requests that are in memory together; more of them are read in parts.
_HITS_TOGETHER = 1 << 19
_FEW_HITS = 1 << 17
_HIT_COLUMNS = (
    "store", "load_id", "line", "hit_at", "visitor", "address", "method", "path", "status", "sent_bytes",
    "referrer_domain", "campaign_source", "campaign_medium", "campaign_name", "browser", "browser_version",
    "system", "device", "is_bot", "country",
)  # fmt: skip
_GOALS: Mapping[str, pa.DataType] = {
    "number": pa.int32(), "goal": pa.string(), "method": pa.string(),
    "path": pa.string(), "is_below": pa.bool_(),
}  # fmt: skip
_LEFT_OUT = pa.schema({"store": pa.string(), "address": pa.string()})

ObjectingByDay = Mapping[date, Sequence[UUID]]  # the address pseudonyms that object, by day
_NOBODY: ObjectingByDay = MappingProxyType({})


def cells_by_day(
    connection: duckdb.DuckDBPyConnection,
    days: Sequence[date],
    charter: Charter,
    *,
    rule: Rule,
    objecting: ObjectingByDay = _NOBODY,
) -> dict[date, dict[Measure, list[Cell]]]:
    """Return, for each of `days`, the finest cells of all measures; the connection shows their `hits`.

    Requests of those who object to statistics are in none.
    """
    take(connection, objecting)
    name_all(connection, charter)
    part = 0
    for part in read_parts(connection, rule):
        for measure in FOLDED:
            collect(connection, measure, {}, part=part)
        collect_steps(connection, is_first=part == 0)
        into = "CREATE OR REPLACE TEMP TABLE durations AS" if part == 0 else "INSERT INTO durations"
        connection.execute(f"{into} {preparation('durations')}")
    found: dict[date, dict[Measure, list[Cell]]] = {day: {m: [] for m in FOLDED} for day in days}
    for measure in FOLDED:
        for day, cell in cells_of(connection, measure, rule=rule, parts=part + 1):
            found[day][measure].append(cell)
    _add_amounts(connection, found, rule)
    return found


def take(connection: duckdb.DuckDBPyConnection, objecting: ObjectingByDay = _NOBODY) -> None:
    """Show as `taken` the hits that may be counted: all but those of who objects to statistics.

    Who objects is, of each day, the addresses in `objecting`, and each visitor of whom one hit says so.
    Few are copied, as each query over the views of many small days costs more than the reading of it.
    """
    connection.execute("DROP VIEW IF EXISTS taken_together")
    connection.execute("DROP TABLE IF EXISTS taken_copied")
    rows = f"SELECT {', '.join(_HIT_COLUMNS)} FROM hits WHERE NOT is_objecting"  # noqa: S608 declared names
    for who in _know_who_objects(connection, objecting):
        rows += f" AND NOT EXISTS (FROM objecting AS o WHERE o.store = hits.store AND o.{who} = hits.{who})"
    kind, name = ("TABLE", "taken_copied") if _hits(connection) <= _FEW_HITS else ("VIEW", "taken_together")
    connection.execute(f"CREATE TEMP {kind} {name} AS {rows}")
    connection.execute(f"CREATE OR REPLACE TEMP VIEW taken AS FROM {name}")


def _know_who_objects(connection: duckdb.DuckDBPyConnection, by_day: ObjectingByDay) -> list[str]:
    """Make the table `objecting` of who is left out in which store; return of its columns those in use."""
    given = [
        {"store": f"traffic/{day}", "address": str(address)}
        for day, addresses in by_day.items()
        for address in addresses
    ]
    connection.register("given", pa.Table.from_pylist(given, schema=_LEFT_OUT))
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE objecting AS "
        "SELECT store, NULL::UUID AS visitor, address::UUID AS address FROM given UNION ALL "
        "SELECT DISTINCT store, visitor, NULL FROM hits WHERE is_objecting AND visitor IS NOT NULL"
    )
    connection.unregister("given")
    counts = connection.execute("SELECT count(visitor), count(address) FROM objecting").fetchone() or (0, 0)
    return [column for column, count in zip(("visitor", "address"), counts, strict=True) if count]


def name_all(connection: duckdb.DuckDBPyConnection, charter: Charter) -> None:
    """Number what the requests hold of text: pages, sources and so on; and know the local hours."""
    minutes = f"CREATE OR REPLACE TEMP TABLE minutes AS {preparation('minutes')}"
    connection.execute(minutes, {"time_zone": charter.time_zone})
    show_goals(connection, charter)
    parameters: Mapping[str, Mapping[str, object]] = {
        "pages": {"asset_extensions": list(ASSET_EXTENSIONS)},
        "sources": {
            "own_domains": list(charter.traffic.own_domains),
            "search_engines": list(SEARCH_ENGINES),
            "social_networks": list(SOCIAL_NETWORKS),
        },
    }
    for measure in FOLDED:  # in this order: what is not found is named after the pages and the sources
        name_cells(connection, measure, parameters.get(measure.name, {}))


def show_goals(connection: duckdb.DuckDBPyConnection, charter: Charter) -> None:
    """Make the table of what counts as reaching a goal: one row for each goal and path."""
    rows = [
        {"number": number, "goal": goal.id, "method": goal.method, "path": path.removesuffix("*"),
         "is_below": path.endswith("*")}
        for number, goal in enumerate(charter.publication.conversions.values())
        for path in goal.paths
    ]  # fmt: skip
    connection.register("given", pa.Table.from_pylist(rows, schema=pa.schema(_GOALS)))
    connection.execute("CREATE OR REPLACE TEMP TABLE goals AS FROM given")
    connection.unregister("given")


def read_parts(connection: duckdb.DuckDBPyConnection, rule: Rule) -> Iterator[int]:
    """Make the table of requests, one part of the visitors after the other; yield which one it is."""
    parts = 1 + _hits(connection) // _HITS_TOGETHER
    caps = _caps(connection, rule)
    for part in range(parts):
        found = connection.execute(preparation("requests"), _share(part, parts)).to_arrow_table()
        followed = follow(found, most_hits=MOST_HITS_OF_A_VISITOR, caps=caps)
        connection.register("followed", followed)
        connection.execute("CREATE OR REPLACE TEMP TABLE requests AS FROM followed")
        connection.unregister("followed")
        yield part


def _hits(connection: duckdb.DuckDBPyConnection) -> int:
    row = connection.execute("SELECT count(*) FROM hits").fetchone()
    return row[0] if row else 0


def _share(part: int, parts: int) -> dict[str, object]:
    """Return the addresses that a part lies between."""
    step = (1 << 128) // parts
    last = (part + 1) * step if part + 1 < parts else 1 << 128
    return {
        "first": str(UUID(int=part * step)),
        "last": str(UUID(int=last - 1)),
        "part": part,
        "parts": parts,
    }


def _caps(connection: duckdb.DuckDBPyConnection, rule: Rule) -> dict[date, int]:
    """Return, of each day that would be mostly about one address, how many requests of an address count."""
    found = connection.execute(preparation("busiest"), {"most_hits": MOST_HITS_OF_A_VISITOR})
    senders = found.to_arrow_table()
    days, hits = senders["day"].to_numpy(), senders["hits"].to_numpy()
    caps = {}
    for day in np.unique(days):
        cap = _cap(hits[days == day], rule)
        if cap is not None:
            caps[day.astype("datetime64[D]").item()] = cap
    return caps


def _cap(hits: Ids, rule: Rule) -> int | None:
    """Return the largest bound under which no address is too much of the day; None where none is needed.

    The lower the bound, the smaller the share of the largest: so it is searched by halving.
    """
    if _is_spread(hits, rule):
        return None
    low, high = 1, int(hits.max())
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _is_spread(np.minimum(hits, middle), rule) else (low, middle)
    return low


def _is_spread(hits: Ids, rule: Rule) -> bool:
    return max(rule.excesses(tally_of(People(hits, hits)))) <= 0


def _add_amounts(
    connection: duckdb.DuckDBPyConnection, found: Mapping[date, dict[Measure, list[Cell]]], rule: Rule
) -> None:
    """Add to each day's cell what is no sum: what visitors were sent, and how long the middle visit is."""
    few: dict[str, object] = {"threshold": rule.threshold}
    bounds = few | {"requests_for_one": REQUESTS_FOR_ONE_UNKNOWN}
    for name, parameters in (("bounded_bytes", bounds), ("middle_visits", few)):
        amounts = connection.execute(preparation(name), parameters)
        column = amounts.description[1][0] if amounts.description else ""
        for day, amount in amounts.fetchall():
            for cell in found[day][DAILY]:
                found[day][DAILY] = [replace(cell, counts={**cell.counts, column: amount})]
