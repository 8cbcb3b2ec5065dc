"""Hits and messages in plain memory, or sealed in a real vault."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial

import duckdb
import pytest

from pipelines import catalog
from pipelines.installation import Installation
from tests.statistics.publishing import seal_hits
from tests.statistics.sites import STORE, Hit, as_arrow, crowd, hit, numbered, pseudonym, select

__all__ = [
    "Hit",
    "as_arrow",
    "crowd",
    "hit",
    "memory",
    "numbered",
    "pseudonym",
    "seal",
    "select",
    "write_messages",
]


@pytest.fixture
def memory() -> Iterator[Callable[[Iterable[Hit]], duckdb.DuckDBPyConnection]]:
    """Give a function that shows hits in a plain connection, as a workshop would."""
    with duckdb.connect(config={"python_enable_replacements": "false"}) as connection:

        def show(hits: Iterable[Hit]) -> duckdb.DuckDBPyConnection:
            rows = numbered(hits)
            stored = (
                f"CREATE OR REPLACE TEMP VIEW hits AS SELECT *, '{STORE}'::VARCHAR AS store FROM stored_hits"
            )
            connection.execute("DROP TABLE IF EXISTS stored_hits CASCADE")
            ddl = catalog.ddl(catalog.table("hits"), "main").replace("main.hits", "main.stored_hits")
            connection.execute(ddl)
            connection.execute(stored)
            if rows:
                connection.register("given", as_arrow("hits", rows))
                connection.execute(f"INSERT INTO stored_hits {select('hits', 'given')}")
            return connection

        yield show


@pytest.fixture
def seal(installation: Installation) -> Callable[..., None]:
    """Give a function that seals hits of a day as one segment of its store."""

    return partial(seal_hits, installation)


@pytest.fixture
def write_messages(installation: Installation) -> Callable[[Iterable[tuple[object, str, str]]], None]:
    """Give a function that makes the contacts store from (who, kind, recorded at)."""

    def write(messages: Iterable[tuple[object, str, str]]) -> None:
        rows = [
            {
                "person_id": pseudonym(who), "source": "site", "message_ref": f"m{index}",
                "recorded_at": datetime.fromisoformat(recorded_at), "kind": kind, "body": None,
            }
            for index, (who, kind, recorded_at) in enumerate(messages)
        ]  # fmt: skip
        with installation.vault.workshop() as workshop:
            workshop.connection.register("given", as_arrow("messages", rows))
            workshop.revise("contacts", {"messages": select("messages", "given")})

    return write
