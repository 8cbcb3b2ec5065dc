"""When a person's data must go: the one definition, for the purge and for what arrives too late."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal

import duckdb

from pipelines.charter import Charter

Prefix = Literal["", "new_"]  # the sealed content as Workshop.open shows it, or what a night would store
_HERE = Path(__file__).parent


def expired_people(
    connection: duckdb.DuckDBPyConnection, charter: Charter, day: date, *, prefix: Prefix = ""
) -> duckdb.DuckDBPyRelation:
    """Fill the temporary table `expired_people` with those whose data must be gone on `day`; return it.

    One row means one person: person_id UUID, ground VARCHAR (`customers` or `prospects`, the
    retention that is over), started_on DATE (what its clock counts from). Reads people, contracts,
    messages and consents, each with `prefix`.
    """
    _fill(connection, charter, day, "expired_people", prefix)
    return connection.table("expired_people")


def expired_contracts(
    connection: duckdb.DuckDBPyConnection, charter: Charter, day: date, *, prefix: Prefix = ""
) -> duckdb.DuckDBPyRelation:
    """Fill the temporary table `expired_contracts` with contracts that must be gone on `day`; return it.

    One row means one contract: source, contract_ref, person_id. Besides those of expired people they
    are of former customers who wrote again: the person stays as a prospect, the contracts go.
    """
    _fill(connection, charter, day, "expired_contracts", prefix)
    return connection.table("expired_contracts")


def _fill(
    connection: duckdb.DuckDBPyConnection, charter: Charter, day: date, table: str, prefix: Prefix
) -> None:
    customers, prospects = charter.retention["customers"].period, charter.retention["prospects"].period
    values: dict[str, object] = {
        "day": day,
        "customer_months": customers.months,
        "customer_days": customers.days,
    }
    if table == "expired_people":
        values |= {
            "prospect_months": prospects.months,
            "prospect_days": prospects.days,
            "time_zone": charter.time_zone,
        }
    query = (_HERE / f"{table}.sql").read_text(encoding="utf-8").replace("{prefix}", prefix)
    connection.execute(query, values)
