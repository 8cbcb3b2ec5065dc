"""Great Expectations on a DuckDB connection of ours: no value let out.

The only module, with `lent.py` below it, that imports Great Expectations (seconds): import it when a
check is due. Its results, exceptions, log lines and warnings quote the data, so its logs are shut,
its exceptions are dropped where they are caught, and of its metrics only counts are read.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import duckdb

from pipelines.quality.importing import quiet_import
from pipelines.quality.lent import LOG_NAME, LentEngine

with quiet_import():
    import sqlalchemy
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.validator.metric_configuration import MetricConfiguration
    from great_expectations.validator.metrics_calculator import MetricsCalculator
    from great_expectations.validator.validation_graph import MetricEdge, ValidationGraph

from pipelines.quality.suites import Rule, searched
from pipelines.quality.verdict import Outcome

_QUOTING_LOGS = (
    "great_expectations",
    f"sqlalchemy.engine.Engine.{LOG_NAME}",
    f"sqlalchemy.pool.impl.StaticPool.{LOG_NAME}",
)
# No metric that fetches a value is even asked for: met or not, and the counts behind it.
_COUNTS_ONLY = {"result_format": "BOOLEAN_ONLY"}


@dataclass(frozen=True)
class _Question:
    """A rule on a relation as Great Expectations asks it: the metrics it needs, and theirs in turn."""

    rule: Rule
    expectation: Any
    metrics: Mapping[str, MetricConfiguration]
    edges: tuple[MetricEdge, ...]


# Building a question takes some ten milliseconds and depends on the rule and the relation's name alone:
# it holds words of the suite, and nothing of the data.
_questions: dict[str, _Question] = {}
_QUESTIONS_KEPT = 5_000


class Run:
    """Rules asked of one relation of a connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, relation: str) -> None:
        _shut_logs()
        self._relation = relation
        self._engine = LentEngine(connection)
        self._engine.show(relation)

    def outcomes(self, rules: Iterable[Rule]) -> dict[str, Outcome]:
        """Return rule → outcome; a rule that could not be checked is not there."""
        found: dict[str, Outcome] = {}
        with _silence():
            questions = self._asked(rules)
            resolved = self._resolved(questions)
            for question in questions:
                with suppress(Exception):  # of a metric that could not be had: the rule is not checked
                    found[question.rule.name] = self._outcome(question, resolved)
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

    def _asked(self, rules: Iterable[Rule]) -> list[_Question]:
        questions = []
        for rule in rules:
            with suppress(Exception):
                questions.append(self._question(rule))
        return questions

    def _question(self, rule: Rule) -> _Question:
        known_as = json.dumps([self._relation, rule.type, rule.name, dict(rule.kwargs)])
        if known_as not in _questions:
            if len(_questions) >= _QUESTIONS_KEPT:
                _questions.clear()
            _questions[known_as] = self._make_question(rule)
        return _questions[known_as]

    def _make_question(self, rule: Rule) -> _Question:
        expectation = _expectation(rule, self._relation)
        needed = expectation.get_validation_dependencies(
            execution_engine=self._engine, runtime_configuration={"result_format": _COUNTS_ONLY}
        ).metric_configurations
        graph = self._calculator().build_metric_dependency_graph(list(needed.values()))
        return _Question(rule, expectation, needed, tuple(graph.edges))

    def _resolved(self, questions: Iterable[_Question]) -> Mapping[Any, Any]:
        edges = {edge.id: edge for question in questions for edge in question.edges}
        graph = ValidationGraph(self._engine, list(edges.values()))
        resolved, _aborted = graph.resolve(show_progress_bars=False)  # what was aborted quotes the data
        return resolved

    def _outcome(self, question: _Question, resolved: Mapping[Any, Any]) -> Outcome:
        had = {name: resolved[metric.id] for name, metric in question.metrics.items()}
        # What `metrics_validate` does, without building each metric's name once more (3 ms a rule).
        result = question.expectation._validate(  # noqa: SLF001 see above
            metrics=had, runtime_configuration={"result_format": _COUNTS_ONLY}, execution_engine=self._engine
        )
        # The allowlist of metrics: two counts. Everything else may hold a value.
        failing = had.get(f"{getattr(question.expectation, 'map_metric', None)}.unexpected_count")
        return Outcome(bool(result["success"]), int(had.get("table.row_count") or 0), int(failing or 0))

    def _insert_keys(self, failing: str, key: tuple[str, ...], rule: Rule) -> int:
        condition, domain = self._predicate(rule)
        columns: list[Any] = [sqlalchemy.column(name) for name in key]
        rows = sqlalchemy.select(*columns, sqlalchemy.literal(rule.name)).select_from(domain).where(condition)
        target = sqlalchemy.table(failing, *(sqlalchemy.column(name) for name in (*key, "rule")))
        with self._engine.get_connection() as connection:
            return connection.execute(sqlalchemy.insert(target).from_select([*key, "rule"], rows)).rowcount

    def _predicate(self, rule: Rule) -> tuple[Any, Any]:
        question = self._question(rule)
        count = question.metrics[f"{question.expectation.map_metric}.unexpected_count"]
        metric = MetricConfiguration(
            f"{question.expectation.map_metric}.condition",
            count.metric_domain_kwargs,
            count.metric_value_kwargs,
        )
        condition, compute, accessor = self._calculator().get_metric(metric)
        domain = self._engine.get_domain_records({**compute, **accessor})
        return condition, domain.subquery() if isinstance(domain, sqlalchemy.Select) else domain

    def _calculator(self) -> MetricsCalculator:
        return MetricsCalculator(self._engine, show_progress_bars=False)


def _expectation(rule: Rule, batch_id: str) -> Any:
    kwargs = {**rule.kwargs, "batch_id": batch_id}
    if "regex" in kwargs:
        # DuckDB's `~` matches the whole string
        kwargs["regex"] = searched(kwargs["regex"])
    return ExpectationConfiguration(type=rule.type, kwargs=kwargs, meta={"rule": rule.name}).to_domain_obj()


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
