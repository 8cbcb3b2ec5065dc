"""The door from a terminal: each command is one call of the story that the DAG calls too."""

from __future__ import annotations

import csv as csv_format
import logging
import os
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer
from typer.exceptions import TyperException

from pipelines.cli import holds, keeping, releases, requests, traffic
from pipelines.cli.terminal import (
    Day,
    Later,
    day_option,
    day_or_today,
    now,
    opened,
    print_table,
    say,
    working,
)
from pipelines.errors import CharterError, ConfigurationError, LedgerError, RetentionError, UsageError
from pipelines.faults import internal_error
from pipelines.places import Places

if TYPE_CHECKING:
    from pipelines import doctor as check_up
    from pipelines import installation, retention, statistics, synthetic
    from pipelines import nightly as night_story
else:
    check_up, night_story = Later("pipelines.doctor"), Later("pipelines.nightly")
    installation, retention = Later("pipelines.installation"), Later("pipelines.retention")
    statistics, synthetic = Later("pipelines.statistics"), Later("pipelines.synthetic")

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would take a text beginning with this for

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Carry out a published privacy charter, and prove it.",
)
vault_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Look at the sealed stores, never into them."
)
ledger_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The evidence of what was done.")
purge_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Show what has expired, or destroy it, proven."
)
app.add_typer(purge_app, name="purge")
app.add_typer(vault_app, name="vault")
app.add_typer(ledger_app, name="ledger")
app.add_typer(releases.app, name="releases")
app.add_typer(requests.app, name="request")
app.add_typer(holds.app, name="hold")
app.add_typer(traffic.app)
app.add_typer(keeping.app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; an error is one line on standard error and an exit code of its own."""
    logging.getLogger("charter").addHandler(logging.NullHandler())  # the commands say it themselves
    try:
        code = app(
            args=None if arguments is None else list(arguments), prog_name="charter", standalone_mode=False
        )
    except (typer.Abort, KeyboardInterrupt):
        _fail(CharterError("stopped; whatever was done so far holds, run the command again to go on."))
    except TyperException as error:
        _fail_usage(error)
    except CharterError as error:
        _fail(error)
    except Exception as error:  # noqa: BLE001 the text of any other error may hold a value
        _fail(internal_error(error))
    else:
        if isinstance(code, int) and code:
            sys.exit(code)


def _fail(error: CharterError) -> None:
    say(f"charter: {error}", to_stderr=True)
    sys.exit(error.exit_code)


def _fail_usage(error: TyperException) -> None:
    """Say what is wrong with the command line; a word too many may be somebody's name."""
    said: str = getattr(error, "format_message", lambda: "Not understood.")()
    if said.startswith(
        "Usage:"
    ):  # a command alone, of which the next word is missing: its help is the answer
        say(said, to_stderr=True)
        sys.exit(UsageError.exit_code)
    what = "there is a word too many" if "extra argument" in said else said.splitlines()[0].rstrip(".")
    context = getattr(error, "ctx", None)
    command = "charter" if context is None else context.command_path
    _fail(UsageError(f"{what[:1].lower()}{what[1:]}; see `{command} --help`."))


@app.command()
def init() -> None:
    """Make the folders, and a master key where none is provided.

    What is there already stays.
    """
    places = installation.Installation.create(os.environ).places
    say(f"landing     {places.landing}: put logs in traffic/, contact exports in contacts/")
    if (places.keys / "master.key").exists():
        say(
            f"master key  {places.keys / 'master.key'}: keep a copy away from this machine and from the vault"
        )
    else:
        say("master key  provided from outside")
    say("next        charter doctor")


@app.command()
def doctor() -> None:
    """Say what is configured, what is missing, and the cure."""
    with working("looking"):
        findings = check_up.examine(os.environ)
    for finding in findings:
        say(f"{'ok     ' if finding.is_well else 'MISSING'} {finding.name:<13} {finding.said}")
    if ill := sum(not finding.is_well for finding in findings):
        raise ConfigurationError(f"{ill} of {len(findings)} checks failed: each line above says the cure.")


@app.command()
def generate(
    day: Day = None,
    lines: Annotated[int, typer.Option(min=1, metavar="N", help="Log lines in all.")] = 300_000,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="The same seed gives the same files.")] = 1,
) -> None:
    """Write invented logs and contacts to landing.

    They are of the 13 months and 5 days before the day. For a trial installation: the next night takes
    them in beside what is real.
    """
    places = Places.from_environment(os.environ)
    with working("generating") as report:
        made = synthetic.generate(
            places.landing,
            day=day_or_today(day),
            lines=lines,
            seed=seed,
            progress=lambda done, total: report("generating", done, total),
        )
    say(f"{made.files} files in {places.landing}: {made.lines:,} log lines, {made.records:,} contact records")


@app.command()
def nightly(day: Day = None) -> None:
    """Run the whole night: take in, publish, purge, verify.

    Run again after a kill, it goes on where it stopped; run again after the end, it changes nothing.
    """
    with working("the night") as report:
        summary = night_story.run(day_or_today(day), now, report)
    for line in summary.lines():
        say(line)
    night_story.require_all_taken(summary)


@app.command()
def stats(
    measure: Annotated[
        str | None, typer.Argument(metavar="MEASURE", help="A measure; all are listed when left out.")
    ] = None,
    since: Annotated[date | None, day_option("First day.")] = None,
    until: Annotated[date | None, day_option("Last day.")] = None,
    limit: Annotated[
        int, typer.Option(min=1, metavar="N", help="At most so many rows, the latest first.")
    ] = 40,
    csv: Annotated[bool, typer.Option("--csv", help="CSV for a spreadsheet or a script, every row.")] = False,
) -> None:
    """Read a measure of the release in force.

    Blank: hidden, as it would be about too few people. (other): the rest, taken together.
    """
    places = Places.from_environment(os.environ)
    if measure is None:
        for declared in statistics.measures(places):
            say(f"{declared.name:<18} one row: {declared.one_row}")
        return
    found = statistics.read(places, measure, since=since, until=until, limit=None if csv else limit + 1)
    rows = [[_shown(value) for value in row] for row in found.itertuples(index=False)]
    if csv:
        csv_format.writer(sys.stdout, lineterminator="\n").writerows([list(found.columns), *rows])
        return
    print_table([str(name) for name in found.columns], rows[:limit])
    if len(rows) > limit:
        say(f"the latest {limit} rows; --limit shows more, --csv all", to_stderr=True)


def _shown(value: object) -> str:
    """Return a cell as people read it; None, and the NaN that pandas makes of it, are blank."""
    if value is None or value != value:  # noqa: PLR0124 NaN is not equal to itself
        return ""
    if isinstance(value, float):  # pandas makes floats of counts where one is blank
        return str(int(value))
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


@vault_app.command("list")
def vault_list() -> None:
    """List the sealed stores, with their segments and size."""
    vault = opened().vault
    stores = [store for kind in ("traffic", "contacts", "rights") for store in vault.stores(kind)]
    for store in stores:
        files = vault.segment_files(store)
        size = sum(path.stat().st_size for path in files)
        say(f"{store:<20} {len(files):>4} segments {size >> 10:>9,} KiB")
    if not stores:
        say("the vault is empty")


@purge_app.command("plan")
def purge_plan(day: Day = None) -> None:
    """Show what is due, what is held, and the token that confirms it.

    Every night purges by itself, within the bounds of the charter.
    """
    charter_of = opened()
    with working("planning"):
        due = retention.plan(charter_of, day=day_or_today(day))
    _say_all(retention.describe(due))


@purge_app.command("apply")
def purge_apply(
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="As `charter purge plan` shows it.")],
    day: Day = None,
) -> None:
    """Destroy what the plan shows, and prove it.

    Beyond the bounds of the charter the night waits for this. Killed, it is run again.
    """
    charter_of = opened()
    with working("purging"):
        due = retention.plan(charter_of, day=day_or_today(day))
        retention.apply(charter_of, due, token=token, at=now(), by_human=True)
        verification = retention.verify(charter_of, day=due.day, at=now())
    _conclude(charter_of, verification)


@purge_app.command("verify")
def purge_verify() -> None:
    """Prove a purge that could not be proven.

    It looks again for all that should be gone, as every night does. What is proven gets its certificate.
    """
    charter_of = opened()
    with working("verifying"):
        verification = retention.verify(charter_of, day=day_or_today(None), at=now())
    _conclude(charter_of, verification)


def _conclude(charter_of: installation.Installation, verification: retention.Verification) -> None:
    _say_all(verification.describe())
    verification.require()
    charter_of.ledger.sign(at=now())


def _say_all(lines: Iterable[str]) -> None:
    for line in lines:
        say(line)


@ledger_app.command("verify")
def ledger_verify() -> None:
    """Check every line, their order and the signatures."""
    with working("verifying"):
        found = opened().ledger.verify()
    if not found.is_intact:
        raise LedgerError(f"ledger line {found.line} {found.fault}. Restore the ledger and tell the DPO.")
    say(f"intact: {found.entries} lines, signed up to line {found.signed}")


@ledger_app.command("show")
def ledger_show(
    last: Annotated[int, typer.Option(min=1, metavar="N", help="So many lines from the end.")] = 20,
    event: Annotated[
        str | None, typer.Option(metavar="EVENT", help="Only this event, such as purge_verified.")
    ] = None,
) -> None:
    """Print the newest lines: number, instant (UTC), event, facts."""
    for entry in deque(opened().ledger.entries(*filter(None, [event])), maxlen=last):
        facts = " ".join(f"{name}={value}" for name, value in entry.facts.items() if name != "ed25519")
        say(f"{entry.seq:>6} {entry.at} {entry.event} {facts}")


@ledger_app.command("certificates")
def ledger_certificates() -> None:
    """Check every certificate of destruction.

    Its signature must hold, and it must be the one that the ledger knows.
    """
    charter_of = opened()
    names = sorted(
        {str(entry.facts["certificate"]) for entry in charter_of.ledger.entries("certificate_issued")}
    )
    faults = 0
    for name in names:
        try:
            retention.check_certificate(charter_of, name)
        except RetentionError as error:
            faults += 1
            say(f"BAD   {error}")
        else:
            say(f"holds {name}")
    if faults:
        raise RetentionError(f"{faults} of {len(names)} certificates do not hold: restore the ledger folder.")
    if not names:
        say("no certificate was issued yet: nothing was due")
