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
    retention that is over), started_on DATE (what its clock counts from), is_remembered BOOLEAN (a withdrawal
    or objection of theirs is not past its own period: it stays, with the identifiers that it is known by).
    Reads people, contracts and consents, each with `prefix`.
    """
    return _fill(connection, charter, day, "expired_people", prefix)


def expired_contracts(
    connection: duckdb.DuckDBPyConnection, charter: Charter, day: date, *, prefix: Prefix = ""
) -> duckdb.DuckDBPyRelation:
    """Fill the temporary table `expired_contracts` with contracts that must be gone on `day`; return it.

    One row means one contract: source, contract_ref, person_id. Besides those of expired people they
    are of former customers who wrote again: the person stays as a prospect, the contracts go.
    """
    return _fill(connection, charter, day, "expired_contracts", prefix)


def expired_records(
    connection: duckdb.DuckDBPyConnection, charter: Charter, day: date, *, prefix: Prefix = ""
) -> duckdb.DuckDBPyRelation:
    """Fill the temporary table `expired_records` with records whose own period is over on `day`; return it.

    One row means one record, whoever its person is: table_name, source, ref, person_id, category (the
    retention that is over), started_on DATE. Reads messages, consents and cookies, each with `prefix`.
    """
    return _fill(connection, charter, day, "expired_records", prefix)


def archived_people(
    connection: duckdb.DuckDBPyConnection, charter: Charter, day: date, *, prefix: Prefix = ""
) -> duckdb.DuckDBPyRelation:
    """Fill the temporary table `archived_people` with customers who left the active base by `day`; return it.

    One row means one person: person_id. Reads people and contracts, each with `prefix`.
    """
    return _fill(connection, charter, day, "archived_people", prefix)


def _fill(
    connection: duckdb.DuckDBPyConnection, charter: Charter, day: date, table: str, prefix: Prefix
) -> duckdb.DuckDBPyRelation:
    _stage_periods(connection, charter)
    values: dict[str, object] = {"day": day}
    if table != "expired_contracts":
        values["time_zone"] = charter.time_zone
    query = (_HERE / f"{table}.sql").read_text(encoding="utf-8").replace("{prefix}", prefix)
    connection.execute(query, values)
    return connection.table(table)


def _stage_periods(connection: duckdb.DuckDBPyConnection, charter: Charter) -> None:
    """Fill the temporary table `periods`: one row means one retention of the charter."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE periods AS SELECT unnest(?::VARCHAR[]) AS category, "
        "unnest(?::INTEGER[]) AS months, unnest(?::INTEGER[]) AS days",
        [
            list(charter.retention),
            [rule.period.months for rule in charter.retention.values()],
            [rule.period.days for rule in charter.retention.values()],
        ],
    )
