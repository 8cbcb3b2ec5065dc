"""The demonstration: thirteen months of invented traffic and contacts, through the real nightly DAG.

`make demo` makes an installation of its own in build/demo (DEMO_HOME moves it), writes the invented
input to its landing, and runs `dags/nightly.py` twice with Airflow in this process: for the day that is
five days back, with the logs up to then, and for the day itself, on which five days and three people have
become due for destruction. Settings of a real installation (CHARTER_…, AIRFLOW_…) are not looked at.
Run again, the same files arrive once more for another night of the same day: all are known, nothing changes.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.environment import ROOT, airflow_environment
from deploy.watch import Watch
from pipelines import cli
from pipelines.errors import CharterError, ConfigurationError, UsageError
from pipelines.installation import Installation
from pipelines.places import Places
from pipelines.summary import summarise

NIGHT_BEGINS = time(2)  # as in the schedule of the DAG
DAYS_BETWEEN = timedelta(days=5)
LOG_SUFFIX = ".log.gz"
STEPS = 10  # its steps, one batch each; the bar grows with further batches


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the demonstration, or repeat it; 1 where the night failed."""
    options = _options(arguments)
    home = options.home.resolve()
    _settle_environment(home)
    try:
        day = _day_of(home, options.day)
        cli.main(["generate", "--day", day.isoformat(), "--lines", str(options.lines)])
        (home / "day").write_text(f"{day.isoformat()}\n")
        eve = day - DAYS_BETWEEN
        if not _was_closed(eve):
            with _held_back(home, since=eve):
                if failed := _run_night(home, eve):
                    return failed
        return _run_night(home, day) or _say_where_next(home)
    except CharterError as error:
        print(f"charter: {error}", file=sys.stderr)
        return error.exit_code


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__.partition("\n")[0])
    home = Path(os.environ.get("DEMO_HOME") or ROOT / "build" / "demo")
    parser.add_argument("--home", type=Path, default=home, help="where the demonstration lives")
    parser.add_argument(
        "--day", type=date.fromisoformat, help="local day of the night; the first run's, or today"
    )
    parser.add_argument("--lines", type=int, default=300_000, help="log lines to invent")
    return parser.parse_args(arguments)


def _settle_environment(home: Path) -> None:
    """Point Charter and Airflow at `home`; Airflow reads this once, when it is first imported."""
    os.umask(0o077)
    others = {name: value for name, value in os.environ.items() if not name.startswith("CHARTER_")}
    settings = airflow_environment(home / "airflow", port=8080, environ=others)
    os.environ.clear()
    os.environ.update(settings, CHARTER_HOME=str(home), AIRFLOW__LOGGING__LOGGING_LEVEL="WARNING")


def _day_of(home: Path, wanted: date | None) -> date:
    """Return the day of the demonstration: the one it was made for, else `wanted`, else today."""
    installation = Installation.create(os.environ)
    made = _made_for(home)
    if made and wanted not in (None, made):
        raise UsageError(
            f"this demonstration is of {made}: `make clean` first, or give the other a DEMO_HOME of its own."
        )
    return made or wanted or datetime.now(installation.charter.zone).date()


def _made_for(home: Path) -> date | None:
    marker = home / "day"
    return date.fromisoformat(marker.read_text().strip()) if marker.exists() else None


def _was_closed(day: date) -> bool:
    """Return whether a night of `day` came to its end."""
    closed = Installation.open(os.environ).ledger.entries("night_closed")
    return any(entry.day == day.isoformat() for entry in closed)


@contextmanager
def _held_back(home: Path, *, since: date) -> Iterator[None]:
    """Keep the logs of `since` and later out of landing for a while: they are not written yet."""
    landing, held = Places.from_environment(os.environ).landing_traffic / "www", home / "held-back"
    held.mkdir(exist_ok=True)
    for path in sorted(landing.glob(f"access-*{LOG_SUFFIX}")):
        if path.name >= f"access-{since}":
            path.replace(held / path.name)
    try:
        yield
    finally:
        for path in held.iterdir():
            path.replace(landing / path.name)
        held.rmdir()


def _run_night(home: Path, day: date) -> int:
    out = Console(file=os.fdopen(os.dup(1), "w"), highlight=False, soft_wrap=True)
    out.print(f"The night of {day}, by Airflow ({ROOT / 'dags' / 'nightly.py'}):")
    log = home / "airflow" / "logs" / "demo.log"
    with Progress(
        TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=out, transient=True,
    ) as progress, _written_to(log):  # fmt: skip
        watch = Watch(progress, steps=STEPS)
        night, state = _run_dag(day, watch)
    if night is not None:
        for line in summarise(Installation.open(os.environ), night).lines():
            out.print(line, markup=False)
    for failure in watch.failures:
        out.print(f"failed: {failure}", markup=False)
    if state == "success":
        return 0
    out.print(f"The night failed. Airflow's log: {log}", markup=False)
    return 1


@contextmanager
def _written_to(log: Path) -> Iterator[None]:
    """Send what this process writes to `log`: Airflow has much to say that a demonstration has not."""
    kept = os.dup(1), os.dup(2)
    sys.stdout.flush()
    with log.open("ab") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
        try:
            yield
        finally:
            sys.stdout.flush()
            for stream, before in zip((1, 2), kept, strict=True):
                os.dup2(before, stream)
                os.close(before)


def _run_dag(day: date, watch: Watch) -> tuple[str | None, str]:
    """Run the night of `day`; return its id (None where it could not be opened) and how the run ended."""
    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk.definitions.mappedoperator import MappedOperator
    from airflow.sdk.listener import get_listener_manager
    from airflow.utils.db import initdb

    initdb()
    get_listener_manager().clear()  # type: ignore[no-untyped-call]  # nor for this
    get_listener_manager().add_listener(watch)  # type: ignore[no-untyped-call]  # Airflow declares no types for it
    sys.path.insert(0, str(ROOT / "dags"))  # as Airflow's own processes do
    bag = DagBag(ROOT / "dags")
    if bag.import_errors:  # each with its traceback, in the log
        print(*bag.import_errors.values(), sep="\n", file=sys.stderr)
        raise ConfigurationError("the DAG files do not load: read airflow/logs/demo.log there.")
    nightly = bag.dags["nightly"]
    # Somebody is looking: say at once what failed, instead of trying again in five minutes.
    for task in nightly.tasks:
        arguments = task.partial_kwargs if isinstance(task, MappedOperator) else vars(task)
        arguments["retries"] = 0
    run = nightly.test(logical_date=datetime.combine(day, NIGHT_BEGINS, tzinfo=nightly.timezone))
    opened = run.get_task_instance("open_night")
    night = opened.xcom_pull(task_ids="open_night") if opened else None
    return night, str(run.state)


def _say_where_next(home: Path) -> int:
    shown = home.relative_to(Path.cwd()) if home.is_relative_to(Path.cwd()) else home
    lines = [
        "Look next:",
        f"  export CHARTER_HOME={shown} PATH=$PWD/.venv/bin:$PATH",
        "  charter stats daily        what is published",
        "  charter vault list         what is stored, sealed",
        "  charter ledger verify      that the evidence is whole",
        f"  {shown}/data/releases/current/index.html   the statistics as a page",
        f"  {shown}/data/reports       the data quality of each night",
    ]
    print(*lines, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
