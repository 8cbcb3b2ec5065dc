"""What is known of the texts of a portion: each distinct one is looked at once, and has a number.

The tables `callers`, `agents`, `paths`, `queries` and `referrers` are temporary and hold raw texts; they
go with the portion.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.charter import TrafficRules
from pipelines.traffic.agents import agent_families
from pipelines.traffic.callers import callers
from pipelines.traffic.country import CountryLookup
from pipelines.traffic.pseudonym import forget_pseudonyms
from pipelines.traffic.referrers import referrer_domains
from pipelines.traffic.scrub import campaigns, scrubbed_paths

_PLAIN_PATH = (Path(__file__).parent / "scrub.sql").read_text(encoding="utf-8")
_PLAIN_CALLERS = (Path(__file__).parent / "callers.sql").read_text(encoding="utf-8")
_AUTHORITY = r"""
SELECT DISTINCT
    -- no scheme and host: the unparsable '' becomes "(other)"
    regexp_extract(referrer, '^[A-Za-z][A-Za-z0-9+.-]*://([^/?#\\]*)', 1)
        || CASE WHEN contains(referrer, '@') AND NOT contains(referrer, '://') THEN '@' ELSE '' END
        AS authority,
    referrer
FROM fresh
"""


MOST_TEXTS = 400_000  # some 60 MB


@dataclass(frozen=True)
class _Lookup:
    """One table of texts: its name, the text's column, its other columns, and which texts matter."""

    table: str
    text: str
    columns: str
    where: str = "true"


_CALLERS = _Lookup("callers", "caller", "address VARCHAR, is_refused BOOLEAN, country VARCHAR")
_AGENTS = _Lookup(
    "agents",
    "agent",
    "browser VARCHAR, browser_version VARCHAR, system VARCHAR, device VARCHAR, is_bot BOOLEAN",
)
_PATHS = _Lookup("paths", "raw_path", "path VARCHAR")
_QUERIES = _Lookup(
    "queries", "query", "campaign_source VARCHAR, campaign_medium VARCHAR, campaign_name VARCHAR",
    "regexp_matches(query, $campaign)",
)  # fmt: skip
_REFERRERS = _Lookup("referrers", "referrer", "referrer_domain VARCHAR")


class Lookups:
    """The texts of one portion; `has_refused`: some callers are no address."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, rules: TrafficRules, countries: CountryLookup
    ) -> None:
        self._connection, self._rules, self._countries = connection, rules, countries
        names = "|".join(re.escape(name) for name in rules.campaign_parameters)
        self._campaign = rf"(^|[&;])({names})=" if names else "$^"
        self._counts: dict[str, int] = {}
        self.has_refused = False
        self._all: Mapping[_Lookup, Callable[[], pa.Table]] = {
            _CALLERS: self._callers, _AGENTS: self._agents, _PATHS: self._paths, _QUERIES: self._queries,
            _REFERRERS: self._referrers,
        }  # fmt: skip

    def begin(self) -> None:
        """Begin a portion: forget all texts where they have become too many to keep in memory."""
        if self._counts and sum(self._counts.values()) < MOST_TEXTS:
            return
        self.has_refused = False
        forget_pseudonyms(self._connection)
        for lookup in self._all:
            self._counts[lookup.table] = 0
            number = f"{lookup.table[:-1] if lookup is not _QUERIES else 'query'}_no"
            self._connection.execute(
                f"CREATE OR REPLACE TEMP TABLE {lookup.table} "
                f"({number} INTEGER, {lookup.text} VARCHAR, {lookup.columns})"
            )

    def learn(self) -> dict[str, int]:
        """Look at every text of `numbering` that has no number; return table → first number that is new."""
        first = dict(self._counts)
        for lookup, describe in self._all.items():
            count = self._find_fresh(lookup)
            if count:
                self._remember(lookup, describe(), count)
        return first

    def _find_fresh(self, lookup: _Lookup) -> int:
        """Show the texts without number as `fresh`; return how many there are."""
        parameters = {"campaign": self._campaign} if "$campaign" in lookup.where else {}
        row = self._connection.execute(
            f"CREATE OR REPLACE TEMP TABLE fresh AS SELECT DISTINCT {lookup.text} FROM numbering "  # noqa: S608 constants
            f"WHERE {lookup.text} IS NOT NULL AND {lookup.where}",
            parameters,
        ).fetchone()
        return int(row[0]) if row else 0

    def _remember(self, lookup: _Lookup, described: pa.Table, count: int) -> None:
        first = self._counts[lookup.table]
        self._counts[lookup.table] += count
        numbers = pa.array(range(first, first + count), pa.int32())
        self._connection.register("described", described.add_column(0, "number", numbers))
        self._connection.execute(f"INSERT INTO {lookup.table} SELECT * FROM described")  # noqa: S608 constants
        self._connection.unregister("described")

    def _fresh(self, query: str = "FROM fresh") -> list[Any]:
        return [value for (value,) in self._connection.execute(query).fetchall()]

    def _callers(self) -> pa.Table:
        self._connection.execute(_PLAIN_CALLERS, {"mode": self._rules.address_mode})
        odd = callers(
            self._fresh("SELECT caller FROM looked WHERE NOT is_plain"), self._rules, self._countries
        )
        plain = self._connection.execute(
            "SELECT caller, address, is_refused FROM looked WHERE is_plain"
        ).to_arrow_table()
        country: pa.ChunkedArray[Any] | pa.Array[Any] = pa.nulls(len(plain), pa.string())
        if self._countries.is_known:
            addresses = [str(address) for address in plain["caller"].to_pylist()]
            country = self._countries.countries(addresses)["country"]
        self.has_refused |= bool(pc.any(odd["is_refused"]).as_py())
        return pa.concat_tables([plain.append_column("country", country), odd])

    def _agents(self) -> pa.Table:
        return agent_families(self._fresh())

    def _paths(self) -> pa.Table:
        self._connection.execute(_PLAIN_PATH)
        odd = scrubbed_paths(self._fresh("SELECT raw_path FROM looked WHERE NOT is_plain"))
        plain = self._connection.execute(
            "SELECT raw_path, raw_path AS path FROM looked WHERE is_plain"
        ).to_arrow_table()
        return pa.concat_tables([plain, odd])

    def _queries(self) -> pa.Table:
        return campaigns(self._fresh(), self._rules.campaign_parameters)

    def _referrers(self) -> pa.Table:
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE authorities AS {_AUTHORITY}")
        distinct = self._fresh("SELECT DISTINCT authority FROM authorities")
        self._connection.register("domains", referrer_domains(distinct, self._rules.own_domains))
        found = self._connection.execute(
            "SELECT referrer, referrer_domain FROM authorities JOIN domains USING (authority)"
        ).to_arrow_table()
        self._connection.unregister("domains")
        return found
