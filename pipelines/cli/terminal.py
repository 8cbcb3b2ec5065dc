"""What every command needs of a terminal: two streams, days and questions, a bar for what takes its time."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pipelines.charter import load
from pipelines.errors import UsageError
from pipelines.places import Places

if TYPE_CHECKING:
    from pipelines.installation import Installation

Report = Callable[[str, int, int], None]  # a step's name, how much is done, of how much


class Later:
    """A journey's module, imported by the first command that needs it: `charter --help` answers at once."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)


def day_option(help_: str) -> Any:
    """Return an option that takes a local day and refuses what is none, without quoting it."""
    return typer.Option(parser=_iso_day, metavar="YYYY-MM-DD", help=help_)


def _iso_day(text: str | date) -> date:
    if isinstance(text, date):
        return text
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise UsageError("that is no day of the calendar: write it YYYY-MM-DD.") from None


Day = Annotated[date | None, day_option("Local day of the run; today when left out.")]


def say(line: str = "", *, to_stderr: bool = False) -> None:
    """Print one line as it is: no colour, no wrapping, no markup."""
    typer.echo(line, err=to_stderr)


def print_table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print `rows` under `names`, each column as wide as it needs."""
    widths = [max(len(cell) for cell in column) for column in zip(names, *rows, strict=True)]
    for row in (names, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        say("  ".join(cells).rstrip())


def now() -> datetime:
    """Return the instant: time enters here, and goes down as an argument."""
    return datetime.now(UTC)


def day_or_today(day: date | None) -> date:
    """Return `day`, or today; a day to come is refused, for whatever expires by then would go early."""
    today = datetime.now(load(Places.from_environment(os.environ).charter_file).zone).date()
    if day is not None and day > today:
        raise UsageError("that day is still to come: data would be destroyed before its time.")
    return day or today


def opened() -> Installation:
    """Open the installation that the environment names."""
    installation: Installation = Later("pipelines.installation").Installation.open(os.environ)
    return installation


def ask(what: str) -> str | None:
    """Ask for a line on standard error, so that standard output can be piped; None where it is empty."""
    typer.echo(f"{what}: ", nl=False, err=True)
    answer = sys.stdin.readline()
    if not answer:
        raise typer.Abort
    return answer.strip() or None


def moment(text: str | None) -> datetime:
    """Read an instant that a person typed, in UTC."""
    try:
        return datetime.strptime((text or "").strip(), "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    except ValueError:
        raise UsageError("a moment is written YYYY-MM-DD HH:MM, in UTC.") from None


@contextmanager
def working(what: str) -> Iterator[Report]:
    """Show that `what` is going on, with the time it has taken and a bar for each step that it reports."""
    console = Console(stderr=True, highlight=False)
    bars = Progress(
        TextColumn("{task.description:<18}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,  # nothing of it in the mail that cron sends
    )
    with bars:
        whole = bars.add_task(what, total=None)
        steps = {what: whole}

        def report(step: str, done: int, of: int) -> None:
            if step not in steps:
                steps[step] = bars.add_task(step)
            bars.update(steps[step], completed=done, total=of)

        yield report
