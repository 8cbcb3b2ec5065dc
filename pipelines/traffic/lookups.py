"""What is known of the texts of the lines: each distinct one is looked at once, and has a number."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.charter import TrafficRules
from pipelines.traffic.agents import agent_families
from pipelines.traffic.callers import callers
from pipelines.traffic.content import Mask
from pipelines.traffic.country import CountryLookup
from pipelines.traffic.distinct import Distinct
from pipelines.traffic.referrers import referrer_domains
from pipelines.traffic.scrub import CAMPAIGN_COLUMNS, campaigns, scrubbed_paths
from pipelines.traffic.texts import Texts

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
_MOST_CHUNKS = 16


@dataclass(frozen=True)
class Lookup:
    """One table of texts: its name, the columns of numbers and texts, and those of what is known of them."""

    table: str
    number: str
    text: str
    columns: tuple[str, ...]

    @property
    def empty(self) -> pa.Table:
        """The table without texts."""
        types = {name: pa.bool_() if name.startswith("is_") else pa.string() for name in self.columns}
        return pa.schema(types).empty_table()


_CALLERS = Lookup("callers", "caller_no", "caller", ("address", "is_refused", "country"))
_AGENTS = Lookup(
    "agents", "agent_no", "agent", ("agent", "browser", "browser_version", "system", "device", "is_bot")
)
_PATHS = Lookup("paths", "path_no", "raw_path", ("path",))
_QUERIES = Lookup("queries", "query_no", "query", tuple(CAMPAIGN_COLUMNS.values()))
_REFERRERS = Lookup("referrers", "referrer_no", "referrer", ("referrer_domain",))
_METHODS = Lookup("methods", "method_no", "method", ("method",))
LOOKUPS = (_CALLERS, _AGENTS, _PATHS, _QUERIES, _REFERRERS, _METHODS)


class Lookups:
    """The texts met so far."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, rules: TrafficRules, countries: CountryLookup
    ) -> None:
        self._connection, self._rules, self._countries = connection, rules, countries
        names = "|".join(re.escape(name) for name in rules.campaign_parameters)
        self._campaign = rf"(^|[&;])({names})=" if names else "$^"
        self._generation = -1
        self.forget()
        self._describe: Mapping[Lookup, Callable[[], pa.Table]] = {
            _CALLERS: self._callers, _AGENTS: self._agents, _PATHS: self._paths, _QUERIES: self._queries,
            _REFERRERS: self._referrers, _METHODS: self._methods,
        }  # fmt: skip

    @property
    def count(self) -> int:
        """How many texts are known."""
        return sum(map(len, self._known.values()))

    @property
    def texts(self) -> Texts:
        """What is known now."""
        return Texts(self._generation, **{lookup.table: self._known[lookup] for lookup in LOOKUPS})

    @property
    def refused(self) -> pa.Array[Any]:
        """Numbers of the callers that are no address."""
        return pc.indices_nonzero(self._known[_CALLERS]["is_refused"])

    def forget(self) -> None:
        """Forget all texts."""
        self._generation += 1
        self._distinct = {lookup: Distinct() for lookup in LOOKUPS}
        self._known = {lookup: lookup.empty for lookup in LOOKUPS}

    def numbers(self, lookup: Lookup, texts: pa.ChunkedArray[Any]) -> pa.Array[Any]:
        """Return the number of each of `texts`, null where nothing of it is kept; new ones are learnt."""
        matters = self._matters(lookup, texts)
        kept: Any = texts.filter(pa.array(matters)).cast(pa.string()).combine_chunks()
        distinct = self._distinct[lookup]
        first = len(distinct)
        numbers = np.zeros(len(texts), np.int32)
        numbers[matters] = distinct.numbers(kept)
        if len(distinct) > first:
            self._learn(lookup, distinct.since(first)[1])
        return pa.array(numbers, mask=~matters)

    def _matters(self, lookup: Lookup, texts: pa.ChunkedArray[Any]) -> Mask:
        """Return of which texts something is kept: of a query only campaigns, of no referrer nothing."""
        if lookup is _QUERIES:
            is_kept = pc.match_substring_regex(texts, self._campaign)
        elif lookup is _REFERRERS:
            is_kept = pc.invert(pc.is_in(texts, value_set=pa.array(["", "-"])))
        else:
            return np.asarray(texts.is_valid(), np.bool_)
        return np.asarray(pc.and_(is_kept, texts.is_valid()).fill_null(False), np.bool_)

    def _learn(self, lookup: Lookup, fresh: pa.Array[Any]) -> None:
        """Look at the texts `fresh`, whose numbers follow those of what is known."""
        self._connection.register("fresh", pa.table({lookup.text: fresh}))
        described = self._describe[lookup]()
        self._connection.unregister("fresh")
        in_order = described.take(pc.index_in(fresh, value_set=described[lookup.text]))
        known = pa.concat_tables([self._known[lookup], in_order.select(list(lookup.columns))])
        self._known[lookup] = known.combine_chunks() if known[0].num_chunks > _MOST_CHUNKS else known

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

    def _methods(self) -> pa.Table:
        return self._connection.execute("FROM fresh").to_arrow_table()
