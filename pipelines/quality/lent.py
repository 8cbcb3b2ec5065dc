"""A DuckDB connection of ours as Great Expectations wants it: nothing opened twice, nothing closed."""

from __future__ import annotations

import types
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from pipelines.quality.importing import quiet_import

with quiet_import():
    import sqlalchemy
    from duckdb_sqlalchemy import ConnectionWrapper
    from great_expectations.execution_engine.sqlalchemy_batch_data import SqlAlchemyBatchData
    from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.pool import StaticPool

LOG_NAME = "charter_quality"
# What Great Expectations takes for the module of a dialect: `dialect` makes it write regex rules as
# PostgreSQL's `~`; the rest are the types of the catalog under DuckDB's own names, as reflected.
_DIALECT = types.ModuleType("duckdb_types")
vars(_DIALECT).update(
    dialect=postgresql.dialect,
    BIGINT=sqlalchemy.BIGINT,
    BOOLEAN=sqlalchemy.Boolean,
    DATE=sqlalchemy.Date,
    SMALLINT=sqlalchemy.SMALLINT,
    TIMESTAMP=sqlalchemy.TIMESTAMP,
    UUID=sqlalchemy.Uuid,
    VARCHAR=sqlalchemy.String,
)


class LentEngine(SqlAlchemyExecutionEngine):
    """An execution engine on a connection of the caller's, which it never closes.

    Great Expectations fetches rows after closing the connection that they came from.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        super().__init__(engine=_sqlalchemy_engine(connection), create_temp_table=False)
        self.dialect_module = _DIALECT
        self._kept = self.engine.connect()

    def show(self, relation: str) -> None:
        """Let rules be asked of `relation`, whose name is also the id of its batch."""
        data = SqlAlchemyBatchData(execution_engine=self, table_name=relation, create_temp_table=False)
        self.load_batch_data(relation, data)

    @contextmanager
    def get_connection(self) -> Iterator[sqlalchemy.Connection]:
        """Yield the one connection, and keep it."""
        yield self._kept

    def close(self) -> None:
        """Let the connection go, untouched."""
        self._kept.close()


class _Borrowed(ConnectionWrapper):
    """The caller's connection: its transactions and its end are the caller's business.

    The connection itself, not a cursor of it: a cursor does not see its temporary views.
    """

    def commit(self) -> None:
        self._buffer_pending_result()

    def rollback(self) -> None:
        self._buffer_pending_result()

    def close(self) -> None:
        self._buffer_pending_result()


def _sqlalchemy_engine(connection: duckdb.DuckDBPyConnection) -> sqlalchemy.Engine:
    return sqlalchemy.create_engine(
        "duckdb://",
        creator=lambda: _Borrowed(connection),
        poolclass=StaticPool,
        isolation_level="AUTOCOMMIT",  # never a BEGIN of its own
        hide_parameters=True,
        logging_name=LOG_NAME,
        pool_logging_name=LOG_NAME,
    )
