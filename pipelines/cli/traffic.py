"""`charter loads`, `rejects` and `formats`: what was read of the logs, what was not, and why."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.charter import load
from pipelines.cli.terminal import Later, day_option, day_or_today, now, opened, print_table, say, working
from pipelines.places import Places

if TYPE_CHECKING:
    from uuid import UUID

    from pipelines import traffic
    from pipelines.installation import Installation
else:
    traffic = Later("pipelines.traffic")

_ID_CHARACTERS = 12  # of a keyed fingerprint: enough to tell one from another
_TRIED_LINES = 10_000
_IN_LANDING = "."  # stands for landing itself, where it is not a sub-folder
_COUNTS = ("read", "accepted", "rejected", "expired", "duplicate")

app = typer.Typer()
rejects_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Log lines that were refused, kept sealed."
)
app.add_typer(rejects_app, name="rejects")

Reason = Annotated[str | None, typer.Option(metavar="WORD", help="Only this reason, such as not_a_log_line.")]
Table = tuple[list[str], list[list[str]]]


@app.command("loads")
def loads(
    last: Annotated[int, typer.Option(min=1, metavar="N", help="So many rows from the end.")] = 20,
    day: Annotated[
        date | None, day_option("Only what was received on this day; with --days, the hits of this day.")
    ] = None,
    days: Annotated[bool, typer.Option("--days", help="One row for each day and load.")] = False,
) -> None:
    """List the log files that were taken in.

    read = accepted + rejected + expired + duplicate, for each file. A file is known by its opaque id, and
    `.` is the folder landing/traffic itself.
    """
    charter_of = opened()
    with working("reading"):
        names, rows = _day_rows(charter_of, day, last) if days else _load_rows(charter_of, day, last)
    _say_rows(names, rows)


def _load_rows(charter_of: Installation, day: date | None, last: int) -> Table:
    names = ["received", "source", "delivery", *_COUNTS, "whole"]
    return names, [
        [
            str(one.received_on),
            one.source or _IN_LANDING,
            _short(one.delivery_id),
            *(f"{getattr(one, name):,}" for name in _COUNTS),
            "yes" if one.is_whole else "not yet",
        ]
        for one in traffic.loads(charter_of, day=day, last=last)
    ]


def _day_rows(charter_of: Installation, day: date | None, last: int) -> Table:
    names = ["day", "source", "delivery", "load", "received", "accepted"]
    return names, [
        [
            str(one.hit_on),
            one.source or _IN_LANDING,
            "gone" if one.delivery_id is None else _short(one.delivery_id),
            _short(one.load_id),
            str(one.received_on),
            f"{one.accepted:,}",
        ]
        for one in traffic.days_of_loads(charter_of, day=day, last=last)
    ]


@rejects_app.command("list")
def rejects_list(
    reason: Reason = None,
    source: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only this web server; `.` for landing itself.")
    ] = None,
    positions: Annotated[
        bool, typer.Option("--positions", help="Where each line stood: load, line number, reason.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="At most so many positions.")] = 1_000,
) -> None:
    """Count the refused lines by day of receipt, source and reason.

    The lines themselves are never shown: what is in them may be about a person.
    """
    charter_of, of_source = opened(), "" if source == _IN_LANDING else source
    with working("reading"):
        if positions:
            found = traffic.find_rejects(charter_of, reason=reason, source=of_source, limit=limit)
            rows = [[one.load_id.hex, f"{one.line}", one.reason] for one in found]
        else:
            counts = traffic.count_rejects(charter_of, reason=reason, source=of_source)
            rows = [
                [str(one.received_on), one.source or _IN_LANDING, one.reason, f"{one.lines:,}"]
                for one in counts
            ]
    _say_rows(["load", "line", "reason"] if positions else ["received", "source", "reason", "lines"], rows)


@rejects_app.command("replay")
def rejects_replay(
    reason: Reason = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would become of them, and change nothing.")
    ] = False,
) -> None:
    """Read the refused lines again, by the formats and rules of today.

    For when a format of charter.toml was corrected. It happens inside the vault. Lines that are hits now go
    to their days; a day that was published stays as it was published. Killed, it can be run again.
    """
    charter_of = opened()
    with working("reading again") as report:
        done = traffic.replay(
            charter_of,
            day=day_or_today(None),
            at=now(),
            reason=reason,
            is_trial=dry_run,
            report=lambda lines, of: report("reading again", lines, of),
        )
    if not dry_run:
        charter_of.ledger.sign(at=now())
    would = "would be " if dry_run else ""
    say(f"{done.read:,} refused lines read again")
    say(f"  {would}accepted  {done.accepted:,}")
    say(f"  {would}expired   {done.expired:,}")
    say(f"  still refused {sum(done.refused.values()):,}{_by_name(done.refused)}")


@app.command("formats")
def formats(
    check: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A log to try, plain or packed; nothing is stored.")
    ] = None,
    source: Annotated[
        str, typer.Option(metavar="NAME", help="With --check: the web server that wrote it.")
    ] = _IN_LANDING,
) -> None:
    """List the log formats, or try them on a file.

    A try counts the first 10,000 lines and prints none of them.
    """
    places = Places.from_environment(os.environ)
    rules = load(places.charter_file).traffic
    traffic.check_formats(places.charter_file, rules)
    if check is not None:
        _try(check, "" if source == _IN_LANDING else source)
        return
    for form in rules.formats.values():
        way = "directive" if form.directive else f"preset {form.preset}" if form.preset else "json"
        say(f"charter.toml  {form.id:<18} {way}; for {', '.join(form.sources) or 'every source'}")
    for name in traffic.formats_known():
        say(f"known         {name}")


def _try(path: Path, source: str) -> None:
    charter_of = opened()
    with working("reading"):
        tried = traffic.try_file(
            charter_of, path, source=source, day=day_or_today(None), at=now(), lines=_TRIED_LINES
        )
    say(f"{tried.lines:,} lines read{_by_name(tried.formats)}")
    say(f"  accepted {tried.hits:,}")
    say(f"  expired  {tried.expired:,}")
    say(f"  refused  {sum(tried.refused.values()):,}{_by_name(tried.refused)}")


def _by_name(counts: Mapping[str, int]) -> str:
    return f": {', '.join(f'{count:,} {name}' for name, count in counts.items())}" if counts else ""


def _say_rows(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if rows:
        print_table(names, rows)
    else:
        say("none")


def _short(id_: UUID) -> str:
    return id_.hex[:_ID_CHARACTERS]
