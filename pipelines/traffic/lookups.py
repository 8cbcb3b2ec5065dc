"""What is known of the texts of the lines: each distinct one is looked at once, and has a number."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.charter import TrafficRules
from pipelines.traffic.agents import agent_families
from pipelines.traffic.callers import callers
from pipelines.traffic.country import CountryLookup
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
    """One table of texts: its name, the columns of numbers and texts, and of what is known of them."""

    table: str
    number: str
    text: str
    columns: tuple[str, ...]

    @property
    def empty(self) -> pa.Table:
        """The table without texts."""
        types = {name: pa.bool_() if name.startswith("is_") else pa.string() for name in self.columns}
        return pa.schema({self.text: pa.string(), **types}).empty_table()


_CALLERS = Lookup("callers", "caller_no", "caller", ("address", "is_refused", "country"))
_AGENTS = Lookup("agents", "agent_no", "agent", ("browser", "browser_version", "system", "device", "is_bot"))
_PATHS = Lookup("paths", "path_no", "raw_path", ("path",))
_QUERIES = Lookup("queries", "query_no", "query", tuple(CAMPAIGN_COLUMNS.values()))
_REFERRERS = Lookup("referrers", "referrer_no", "referrer", ("referrer_domain",))
_METHODS = Lookup("methods", "method_no", "method", ())
LOOKUPS = (_CALLERS, _AGENTS, _PATHS, _QUERIES, _REFERRERS, _METHODS)


class Lookups:
    """The texts met so far."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, rules: TrafficRules, countries: CountryLookup
    ) -> None:
        self._connection, self._rules, self._countries = connection, rules, countries
        names = "|".join(re.escape(name) for name in rules.campaign_parameters)
        self._campaign = rf"(^|[&;])({names})=" if names else "$^"
        self._generation = 0
        self._known = {lookup: lookup.empty for lookup in LOOKUPS}
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
        self._known = {lookup: lookup.empty for lookup in LOOKUPS}

    def numbers(self, lookup: Lookup, texts: pa.ChunkedArray[Any]) -> pa.Array[Any]:
        """Return the number of each of `texts`, null where nothing of it is kept; new ones are learnt."""
        encoded = cast("pa.DictionaryArray[Any, Any]", texts.dictionary_encode().combine_chunks())
        distinct = encoded.dictionary.cast(pa.string())
        places = places_of(distinct, self._known[lookup][lookup.text])
        fresh = distinct.filter(pc.and_(places.is_null(), self._matters(lookup, distinct)))
        if len(fresh):
            first = pa.scalar(len(self._known[lookup]), pa.int32())
            learnt = self._learn(lookup, fresh)
            places = pc.coalesce(places, pc.add(pc.index_in(distinct, value_set=learnt), first))
        return places.take(encoded.indices)

    def _matters(self, lookup: Lookup, distinct: pa.Array[Any]) -> pa.Array[Any]:
        """Return of which texts something is kept: of a query only campaigns, of no referrer nothing."""
        if lookup is _QUERIES:
            return pc.match_substring_regex(distinct, self._campaign)
        if lookup is _REFERRERS:
            return pc.invert(pc.is_in(distinct, value_set=pa.array(["", "-"])))
        return pc.is_valid(distinct)

    def _learn(self, lookup: Lookup, fresh: pa.Array[Any]) -> pa.ChunkedArray[Any]:
        """Look at the texts `fresh`, and give them the numbers that follow; return them in their order."""
        self._connection.register("fresh", pa.table({lookup.text: fresh}))
        described = self._describe[lookup]().select([lookup.text, *lookup.columns])
        self._connection.unregister("fresh")
        known = pa.concat_tables([self._known[lookup], described])
        self._known[lookup] = known.combine_chunks() if known[0].num_chunks > _MOST_CHUNKS else known
        return described[lookup.text]

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


def places_of(distinct: pa.Array[Any], known: pa.ChunkedArray[Any]) -> pa.Array[Any]:
    """Return where in `known` each of `distinct` stands, null where it does not; no text is twice in either.

    The distinct ones are hashed, and not the known ones, which become more and more.
    """
    found = pc.index_in(known, value_set=distinct).fill_null(-1).to_numpy()
    rows = np.flatnonzero(found >= 0)
    places = np.full(len(distinct), -1, np.int32)
    places[found[rows]] = rows
    return pa.array(places, mask=places < 0)
