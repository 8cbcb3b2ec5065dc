"""What every DAG of this house keeps to: local time, safe retries, steps that tell no values."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import wraps
from importlib import import_module
from typing import Any, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from airflow.sdk import get_current_context, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from pipelines.charter import load
from pipelines.errors import CharterError, RetentionError, VaultError
from pipelines.faults import internal_error
from pipelines.places import Places

P = ParamSpec("P")
R = TypeVar("R")

LOCAL = ZoneInfo(load(Places.from_environment(os.environ).charter_file).time_zone)

# Every step may run again: what it makes is whole or not there, and has the same name each time.
DEFAULTS: dict[str, Any] = {
    "owner": "charter",
    "retries": 2,
    "retry_delay": timedelta(minutes=5),
    "execution_timeout": timedelta(hours=6),
}

# Waiting may mend these: a store in use elsewhere, a purge plan gone stale, a fault of the machine.
_PASSING = frozenset({VaultError, RetentionError, CharterError})


class Story:
    """A journey's module, imported by the first step that runs it: a DAG file is parsed every minute."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, function: str) -> Any:
        return getattr(import_module(self._name), function)


def step(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Make a function one task that logs neither what it returns nor the text of a foreign error."""
    return lambda function: task(show_return_value_in_logs=False, **options)(discreet(function))


def discreet(function: Callable[P, R]) -> Callable[P, R]:
    """Replace the text of any error that is not Charter's own, for it may quote data."""

    @wraps(function)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except CharterError as error:
            failure = AirflowException if type(error) in _PASSING else AirflowFailException
            raise failure(f"{type(error).__name__}: {error}") from None
        except AirflowException:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, its text must not pass
            raise AirflowException(str(internal_error(error))) from None

    return told


def day_of_run() -> date:
    """Return the local day that the current run is for: that of its logical date, or of its start."""
    run = get_current_context()["dag_run"]
    return (run.logical_date or run.run_after).astimezone(LOCAL).date()


def now() -> datetime:
    """Return the instant: time enters here, and goes down as an argument."""
    return datetime.now(UTC)
