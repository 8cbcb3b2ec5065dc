"""`charter hold`: keep records that are due for a while, with the ground, and end it again."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.terminal import Later, ask, day_option, day_or_today, now, opened, print_table, say
from pipelines.errors import UsageError

if TYPE_CHECKING:
    from pipelines import retention
else:
    retention = Later("pipelines.retention")

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Keep what is due for a while, with the ground.",
)
Ground = Annotated[
    str, typer.Option(metavar="WORDS", help='"legal claim", "legal obligation" or "restriction".')
]
Until = Annotated[date | None, day_option("Last day of the hold; until it is lifted when left out.")]
By = Annotated[str, typer.Option(metavar="USER", help="User id of who holds it; it stands in the ledger.")]


@app.command("days")
def hold_days(
    first: Annotated[date, day_option("First local day of traffic to hold.")],
    last: Annotated[date | None, day_option("Last one; the first when left out.")] = None,
    ground: Ground = "legal claim",
    until: Until = None,
    by: By = "dpo",
) -> None:
    """Hold the traffic of whole days."""
    hold = retention.hold_days(opened(), first, last or first, **_terms(ground, until, by))
    _say_placed(hold)


@app.command("request")
def hold_request(
    request_id: Annotated[str, typer.Argument(metavar="ID", help="The id of the request.")],
    ground: Ground = "legal claim",
    until: Until = None,
    by: By = "dpo",
) -> None:
    """Hold a request with its answer.

    While a request waits for its answer, it and what it is about are held without this.
    """
    _say_placed(retention.hold_request(opened(), request_id, **_terms(ground, until, by)))


@app.command("person")
def hold_person(ground: Ground = "legal claim", until: Until = None, by: By = "dpo") -> None:
    """Hold everything about a person.

    Who it is is asked for, never taken from the command line, where other users would see it.
    """
    charter_of = opened()
    email, phone = ask("e-mail"), ask("phone")
    if not (email or phone):
        raise UsageError("nobody can be found without an e-mail or phone: give one.")
    _say_placed(retention.hold_person(charter_of, email=email, phone=phone, **_terms(ground, until, by)))


@app.command("list")
def hold_list() -> None:
    """List all holds, those that ended too."""
    today, found = day_or_today(None), retention.holds(opened())
    if not found:
        say("nothing is held")
        return
    rows = [
        [
            *(hold.hold_id, hold.kind, hold.on, hold.ground, hold.starts_on.isoformat()),
            hold.ends_on.isoformat() if hold.ends_on else "until lifted",
            "in force" if hold.is_in_force(today) else "ended",
            hold.placed_by,
        ]
        for hold in found
    ]
    print_table(["hold", "store", "what", "ground", "from", "last day", "state", "by"], rows)


@app.command("lift")
def hold_lift(
    hold_id: Annotated[str, typer.Argument(metavar="ID", help="The id that `charter hold list` shows.")],
    by: By = "dpo",
) -> None:
    """End a hold with today.

    What is due goes in the night after it.
    """
    retention.lift(opened(), hold_id, by=by, day=day_or_today(None), at=now())
    say(f"{hold_id} ends today: what is due goes in the night after.")


def _terms(ground: str, until: date | None, by: str) -> dict[str, Any]:
    return {"ground": ground, "until": until, "by": by, "day": day_or_today(None), "at": now()}


def _say_placed(hold_id: str) -> None:
    say(hold_id)
    say(f"see it with: charter hold list; end it with: charter hold lift {hold_id}", to_stderr=True)
