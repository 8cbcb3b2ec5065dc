"""Great Expectations on a DuckDB connection of ours: nothing opened twice, no value let out.

The only module that imports Great Expectations (5 to 7 seconds): import it when a check is due.
Its results, exceptions, log lines and warnings quote the data, so its logs are shut, its
exceptions are dropped where they are caught, and of a result only counts are read.
"""

from __future__ import annotations

import logging
import types
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal

import duckdb

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what a library warns of at import is not ours to raise
    import great_expectations as gx
    import sqlalchemy
    from duckdb_sqlalchemy import ConnectionWrapper
    from great_expectations.compatibility.pydantic import PrivateAttr
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )
    from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
    from great_expectations.execution_engine.sqlalchemy_execution_engine import SqlAlchemyExecutionEngine
    from great_expectations.expectations.registry import get_metric_kwargs
    from great_expectations.validator.metric_configuration import MetricConfiguration
    from great_expectations.validator.metrics_calculator import MetricsCalculator
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.pool import StaticPool

from pipelines.quality.suites import Rule, Suite

_LOG_NAME = "charter_quality"
_QUOTING_LOGS = (
    "great_expectations",
    f"sqlalchemy.engine.Engine.{_LOG_NAME}",
    f"sqlalchemy.pool.impl.StaticPool.{_LOG_NAME}",
)
# BASIC with no partial list: counts, and a "LIMIT 0" where the values would have been fetched.
_COUNTS_ONLY = {
    "result_format": "BASIC",
    "partial_unexpected_count": 0,
    "exclude_unexpected_values": True,
    "include_unexpected_rows": False,
    "return_unexpected_index_query": False,
}
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


@dataclass(frozen=True)
class Outcome:
    """What Great Expectations said of one rule: `failing_rows` is 0 for a rule on structure."""

    is_met: bool
    rows: int
    failing_rows: int


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


class _Engine(SqlAlchemyExecutionEngine):
    """An execution engine that keeps one connection and never closes it.

    Great Expectations fetches rows after closing the connection that they came from.
    """

    def __init__(self, engine: sqlalchemy.Engine) -> None:
        super().__init__(engine=engine, create_temp_table=False)
        self.dialect_module = _DIALECT
        self._kept = engine.connect()

    @contextmanager
    def get_connection(self) -> Iterator[sqlalchemy.Connection]:
        yield self._kept

    def close(self) -> None:
        self._kept.close()


class _Datasource(SQLDatasource):
    """A datasource that opens nothing: it hands out the engine it is given."""

    type: Literal["charter_duckdb"] = "charter_duckdb"  # type: ignore[assignment]  # a name of our own
    _lent: Any = PrivateAttr(None)

    def lend(self, engine: _Engine, context: Any) -> None:
        """Use `engine` for all there is to run, with the settings of `context`."""
        self._lent = engine
        self._data_context = context

    def get_engine(self) -> sqlalchemy.Engine:
        engine: sqlalchemy.Engine = self._lent.engine
        return engine

    def get_execution_engine(self) -> SqlAlchemyExecutionEngine:
        engine: _Engine = self._lent
        return engine


class Run:
    """One suite on one relation of a connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, relation: str, suite: Suite) -> None:
        _shut_logs()
        self._engine = _Engine(_sqlalchemy_engine(connection))
        self._relation = relation
        self._suite = suite

    def outcomes(self) -> dict[str, Outcome]:
        """Return rule → outcome; a rule that could not be checked is not there."""
        found: dict[str, Outcome] = {}
        with _silence():
            for result in self._validated():
                # A rule that raised has one entry per failed step here, and no "raised_exception" at all.
                if result.exception_info.get("raised_exception") is False:
                    name = result.expectation_config.meta["rule"]
                    found[name] = _outcome(bool(result.success), result.result)
        return found

    def fill_failing(self, failing: str, key: tuple[str, ...], rule: Rule) -> int | None:
        """Add the keys of all rows that break `rule` to the table `failing`; return how many, None on error.

        One INSERT from a SELECT with the rule's own predicate: no row comes to Python.
        """
        added: list[int] = []
        with _silence():
            added.append(self._insert_keys(failing, key, rule))
        return added[0] if added else None

    def close(self) -> None:
        """Let the connection go, untouched."""
        self._engine.close()

    def _validated(self) -> list[Any]:
        context = gx.get_context(mode="ephemeral", project_config=_settings())
        self._batch = self._make_batch(context)
        rules = [_configuration(rule) for rule in self._suite.rules]
        suite = gx.ExpectationSuite(name=self._suite.name, expectations=rules)
        return list(self._batch.validate(suite, result_format=_COUNTS_ONLY).results)

    def _make_batch(self, context: Any) -> Any:
        datasource = _Datasource(name="vault", connection_string="duckdb://", create_temp_table=False)
        datasource.lend(self._engine, context)
        asset = datasource.add_table_asset(self._relation, table_name=self._relation)
        return asset.get_batch(asset.build_batch_request())

    def _insert_keys(self, failing: str, key: tuple[str, ...], rule: Rule) -> int:
        condition, domain = self._predicate(rule)
        columns: list[Any] = [sqlalchemy.column(name) for name in key]
        rows = sqlalchemy.select(*columns, sqlalchemy.literal(rule.name)).select_from(domain).where(condition)
        target = sqlalchemy.table(failing, *(sqlalchemy.column(name) for name in (*key, "rule")))
        with self._engine.get_connection() as connection:
            return connection.execute(sqlalchemy.insert(target).from_select([*key, "rule"], rows)).rowcount

    def _predicate(self, rule: Rule) -> tuple[Any, Any]:
        expectation: Any = gx.ExpectationSuite(name="one", expectations=[_configuration(rule)]).expectations[
            0
        ]
        configuration = expectation.configuration
        configuration.kwargs["batch_id"] = self._batch.id
        name = f"{expectation.map_metric}.condition"
        kwargs = get_metric_kwargs(name, configuration=configuration)
        metric = MetricConfiguration(name, kwargs["metric_domain_kwargs"], kwargs["metric_value_kwargs"])
        condition, compute, accessor = MetricsCalculator(self._engine).get_metric(metric)
        domain = self._engine.get_domain_records({**compute, **accessor})
        return condition, domain.subquery() if isinstance(domain, sqlalchemy.Select) else domain


def _settings() -> DataContextConfig:
    # Nothing on the disk (no Data Docs: their pages load from seven hosts), no progress bar, no telemetry.
    return DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )


def _sqlalchemy_engine(connection: duckdb.DuckDBPyConnection) -> sqlalchemy.Engine:
    return sqlalchemy.create_engine(
        "duckdb://",
        creator=lambda: _Borrowed(connection),
        poolclass=StaticPool,
        isolation_level="AUTOCOMMIT",  # never a BEGIN of its own
        hide_parameters=True,
        logging_name=_LOG_NAME,
        pool_logging_name=_LOG_NAME,
    )


def _configuration(rule: Rule) -> dict[str, Any]:
    kwargs = dict(rule.kwargs)
    if "regex" in kwargs:
        # DuckDB's `~` matches the whole string; a suite's pattern is searched, as readers expect.
        kwargs["regex"] = f"(?s:.*)(?:{kwargs['regex']})(?s:.*)"
    return {"type": rule.type, "kwargs": kwargs, "severity": rule.severity, "meta": {"rule": rule.name}}


def _outcome(is_met: bool, result: Mapping[str, Any]) -> Outcome:
    # The allowlist of fields: two counts. Everything else may hold a value.
    failing = result.get("unexpected_count", 0)
    rows = result.get("element_count", 0)
    return Outcome(is_met, int(rows or 0), int(failing or 0))


def _shut_logs() -> None:
    # At each check: whoever configures logging in between may open them again. A logger of Great
    # Expectations is disabled by itself, since a handler or level may have been given to it alone.
    for name in _QUOTING_LOGS:
        logging.getLogger(name).disabled = True
        logging.getLogger(name).propagate = False
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    for name, logger in list(logging.Logger.manager.loggerDict.items()):
        if name.startswith("great_expectations.") and isinstance(logger, logging.Logger):
            logger.disabled = True


@contextmanager
def _silence() -> Iterator[None]:
    # What Great Expectations raises or warns of quotes values: it ends here, and its rules count
    # as not checked.
    with warnings.catch_warnings(), suppress(Exception):
        warnings.simplefilter("ignore")
        yield
