"""Lines of a whole batch → `staged` hits, in chunks, so that a large file costs no more memory.

A chunk is parsed, then each distinct address, path, referrer and agent in it is looked at once. After
`flush`, raw addresses, agents and queries are gone; only refused lines keep their bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from pipelines import catalog
from pipelines.charter import TrafficRules
from pipelines.traffic.agents import agent_families
from pipelines.traffic.lines import Block
from pipelines.traffic.parse import Window, parse
from pipelines.traffic.pseudonym import address_forms, fill_pseudonyms
from pipelines.traffic.referrers import referrer_domains
from pipelines.traffic.scrub import campaigns, scrubbed_paths
from pipelines.vault import Keyring

CHUNK_BYTES = 32 << 20
_HERE = Path(__file__).parent
_PATHS = (_HERE / "scrub.sql").read_text(encoding="utf-8")
_STAGED = (_HERE / "staged.sql").read_text(encoding="utf-8")
_LOOKUPS = ("landed", "address_forms", "scrubbed_paths", "campaigns", "referrer_domains", "agent_families")
# An address of digits and dots was checked by the parser: it is its own canonical form.
_CALLERS = """
CREATE OR REPLACE TEMP TABLE callers AS
SELECT c.month, c.host, c.agent, CASE WHEN c.is_canonical THEN c.host ELSE f.address END AS address
FROM (SELECT DISTINCT month, host, agent, $hashes AND regexp_full_match(host, '[0-9.]+') AS is_canonical
    FROM parsed WHERE reason IS NULL AND NOT is_expired) AS c
LEFT JOIN address_forms AS f USING (host)
"""
_ODD_HOSTS = """
SELECT DISTINCT host FROM parsed
WHERE reason IS NULL AND NOT is_expired AND NOT ($hashes AND regexp_full_match(host, '[0-9.]+'))
"""


class Staging:
    """The temporary tables `staged`, `staged_rejects` and `staged_expired` of one batch."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, keyring: Keyring, rules: TrafficRules, window: Window
    ) -> None:
        self.connection = connection
        self._keyring, self._rules, self._window = keyring, rules, window
        self._batches: list[pa.RecordBatch] = []
        self._bytes = 0
        names = "|".join(re.escape(name) for name in rules.campaign_parameters)
        self._campaign = rf"(^|[&;])({names})=" if names else "$^"
        self._create_tables()

    def add(self, file_no: int, block: Block) -> None:
        """Stage the lines of `block`, of the batch's file `file_no`."""
        count = len(block)
        columns = [
            pa.array(np.full(count, file_no, np.int32)),
            pa.array(np.arange(block.first_line, block.first_line + count, dtype=np.int64)),
            block.raw,
            block.text,
        ]
        self._batches.append(pa.RecordBatch.from_arrays(columns, ["file_no", "line", "raw", "text"]))
        self._bytes += block.content_bytes
        if self._bytes >= CHUNK_BYTES:
            self.flush()

    def flush(self) -> None:
        """Parse and stage what was added since the last time."""
        if not self._batches:
            return
        self._register("landed", pa.Table.from_batches(self._batches))
        self._batches, self._bytes = [], 0
        parse(self.connection, self._window)
        self._look_up()
        self.connection.execute(_STAGED)
        self.connection.execute(
            """
            INSERT INTO staged_rejects SELECT file_no, line, reason, raw FROM parsed WHERE reason IS NOT NULL
            """
        )
        self.connection.execute(
            "INSERT INTO staged_expired SELECT file_no, line FROM parsed WHERE is_expired"
        )
        self._forget()

    def is_refused(self, file_no: int, line: int) -> bool:
        """Return whether a line that was flushed is among the rejects."""
        row = self.connection.execute(
            "SELECT count(*) FROM staged_rejects WHERE file_no = ? AND line = ?", [file_no, line]
        ).fetchone()
        return row is not None and row[0] > 0

    def _look_up(self) -> None:
        hashes = {"hashes": self._rules.address_mode == "hash"}
        self._register("address_forms", address_forms(self._values(_ODD_HOSTS, hashes), self._rules))
        self.connection.execute(_CALLERS, hashes)
        fill_pseudonyms(self.connection, self._keyring)
        self.connection.execute(_PATHS)
        odd_paths = self._values("SELECT raw_path FROM paths WHERE NOT is_plain")
        self._register("scrubbed_paths", scrubbed_paths(odd_paths))
        queries = self._values(
            "SELECT DISTINCT query FROM parsed WHERE NOT is_expired AND regexp_matches(query, $campaign)",
            {"campaign": self._campaign},
        )
        self._register("campaigns", campaigns(queries, self._rules.campaign_parameters))
        authorities = self._values("SELECT DISTINCT authority FROM parsed WHERE authority IS NOT NULL")
        self._register("referrer_domains", referrer_domains(authorities, self._rules.own_domains))
        agents = self._values("SELECT DISTINCT agent FROM callers WHERE agent IS NOT NULL")
        self._register("agent_families", agent_families(agents))

    def _values(self, query: str, parameters: Mapping[str, object] | None = None) -> Iterable[str]:
        return [value for (value,) in self.connection.execute(query, dict(parameters or {})).fetchall()]

    def _register(self, name: str, table: pa.Table) -> None:
        self.connection.register(name, table)

    def _forget(self) -> None:
        for name in _LOOKUPS:
            self.connection.unregister(name)
        for name in ("parsed", "callers", "pseudonyms", "paths"):
            self.connection.execute(f"DROP TABLE {name}")

    def _create_tables(self) -> None:
        hits = ", ".join(
            f"{column.name} {column.type}{'' if column.nullable else ' NOT NULL'}"
            for column in catalog.table("hits").columns
            if column.name not in catalog.table("hits").key
        )
        for table in (
            f"staged (file_no INTEGER, line BIGINT, hit_on DATE, {hits})",
            "staged_rejects (file_no INTEGER, line BIGINT, reason VARCHAR, raw BLOB)",
            "staged_expired (file_no INTEGER, line BIGINT)",
        ):
            self.connection.execute(f"CREATE TEMP TABLE {table}")
