"""Who asked: what SQL says of plain addresses is what the slow look at each says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipelines.charter import load
from pipelines.places import SOURCE_ROOT
from pipelines.traffic import lookups
from pipelines.traffic.callers import callers
from pipelines.traffic.country import CountryLookup

TEXTS = st.lists(
    st.ip_addresses().map(str)
    | st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){2,4}", fullmatch=True)
    | st.sampled_from(["", "-", "localhost", "192.0.2.7\n", "192.0.2.7\n198.51.100.1", "192.0.2.7, 10.0.0.1", "::ffff:192.0.2.7"])
    | st.text(st.sampled_from("0123456789.:\n -af"), max_size=20),
    min_size=1, max_size=40, unique=True,
)  # fmt: skip


@pytest.mark.parametrize("mode", ["strip", "truncate", "hash"])
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=TEXTS)
@example(
    texts=[
        "0.0.0.1",
        "255.255.255.255",
        "127.0.0.1",
        "010.1.2.3",
        "1.2.3.256",
        "1.2.3",
        "1.2.3.4.5",
        "192.0.2.7 ",
    ]
)
def test_plain_addresses_are_what_the_slow_look_says(
    connection: duckdb.DuckDBPyConnection, mode: str, texts: list[str]
) -> None:
    rules = replace(load(SOURCE_ROOT / "charter.toml").traffic, address_mode=mode)
    connection.register("fresh", pa.table({"caller": texts}))
    connection.execute(lookups._PLAIN_CALLERS, {"mode": mode})
    plain = connection.execute("SELECT caller, address, is_refused FROM looked WHERE is_plain").fetchall()
    slow = callers([caller for caller, _, _ in plain], rules, CountryLookup(Path("/nowhere")))
    assert plain == [(row["caller"], row["address"], row["is_refused"]) for row in slow.to_pylist()]


def test_plain_addresses_are_not_left_to_the_slow_look(connection: duckdb.DuckDBPyConnection) -> None:
    connection.register("fresh", pa.table({"caller": ["192.0.2.7", "10.255.0.1", "8.8.8.8"]}))
    connection.execute(lookups._PLAIN_CALLERS, {"mode": "hash"})
    assert connection.execute("SELECT bool_and(is_plain), count(*) FROM looked").fetchone() == (True, 3)
