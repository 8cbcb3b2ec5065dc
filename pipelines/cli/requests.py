"""`charter request`: what the DPO does with a person's request, step by step."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.terminal import Later, ask, day_option, day_or_today, moment, now, opened, say, working
from pipelines.errors import UsageError

if TYPE_CHECKING:
    from pipelines import rights
else:
    rights = Later("pipelines.rights")

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="A person's request, step by step.",
)
RequestId = Annotated[str, typer.Argument(metavar="ID", help="The id that `charter request open` printed.")]


@app.command("open")
def request_open(
    right: Annotated[
        str,
        typer.Option(
            metavar="WORD",
            help="access, rectification, objection, restriction, erasure, portability or withdrawal.",
        ),
    ] = "access",
    received: Annotated[
        date | None, day_option("Day of receipt, on which the month begins; today when left out.")
    ] = None,
    channel: Annotated[
        str, typer.Option(metavar="WORD", help="How it came: post, e-mail, form or counter.")
    ] = "form",
) -> None:
    """Enter a request and print its id.

    Who it is about is asked for, never taken from the command line, where other users would see it.
    Leave a question empty to pass it over; an empty network address ends the list.
    """
    installation = opened()
    name, email, phone = (ask(what) for what in ("name", "e-mail", "phone"))
    addresses = []
    while address := ask("network address that was theirs"):
        addresses.append((address, moment(ask("when it was theirs (UTC), YYYY-MM-DD HH:MM"))))
    if not (name or email or phone or addresses):
        raise UsageError("nobody can be found without a name, e-mail, phone or network address: give one.")
    request_id = rights.open_request(
        installation,
        right=right,
        received_on=day_or_today(received),
        channel=channel,
        name=name,
        email=email,
        phone=phone,
        addresses=addresses,
        at=now(),
    )
    say(request_id)
    say(f"next: charter request gather {request_id}", to_stderr=True)


@app.command("list")
def request_list() -> None:
    """List the requests that wait, the most urgent first."""
    waiting = rights.requests(opened(), on=day_or_today(None))
    for request in waiting:
        left = (
            f"{request.days_left} days left" if request.days_left >= 0 else f"{-request.days_left} DAYS LATE"
        )
        say(
            f"{request.request_id}  {request.requested_right:<13}  {request.status:<9} "
            f"received {request.received_on}  due {request.due_on}  {left}"
        )
    if not waiting:
        say("no request waits for its answer")


@app.command("gather")
def request_gather(request_id: RequestId) -> None:
    """Find everything held about the person, and seal the answer.

    Run again, it makes the answer anew and takes an approval back.
    """
    with working("gathering"):
        gathered = rights.gather(opened(), request_id, now())
    for table, count in gathered.counts.items():
        say(f"{table:<18} {count:>8,}")
    for table, count in gathered.possible.items():
        if count:
            say(f"{table:<18} {count:>8,} possible, not disclosed: the identifier is not verified as theirs")
    for outcome in gathered.outcomes:
        say(f"network address    {outcome}")
    say(f"sealed: {gathered.files} files. next: charter request preview {request_id} FOLDER", to_stderr=True)


@app.command("preview")
def request_preview(
    request_id: RequestId,
    folder: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", help="A folder that only you read; the ZIP in it has mode 0600."),
    ],
) -> None:
    """Take the gathered answer out of the vault to check it.

    It is not approved yet and must not be sent.
    """
    say(str(rights.preview(opened(), request_id, folder, now())))
    say(f"Check it, delete it, then: charter request approve {request_id}", to_stderr=True)


@app.command("approve")
def request_approve(
    request_id: RequestId,
    by: Annotated[
        str, typer.Option(metavar="USER", help="User id of who approves; it stands in the ledger.")
    ] = "dpo",
) -> None:
    """Release the answer.

    To approve is to say that the person's identity was checked and that the answer is right.
    """
    rights.approve(opened(), request_id, by=by, at=now())
    say(f"{request_id} approved. next: charter request deliver {request_id} FOLDER")


@app.command("refuse")
def request_refuse(
    request_id: RequestId,
    ground: Annotated[
        str,
        typer.Option(
            metavar="WORD",
            help="identity, unfounded, excessive, others, or the id of the clause with the exception.",
        ),
    ],
) -> None:
    """Answer with no, and say why.

    The sealed letter names the ground and what the person can do about it.
    """
    rights.refuse(opened(), request_id, ground, now())
    say(f"{request_id} refused. next: charter request deliver {request_id} FOLDER")


@app.command("deliver")
def request_deliver(
    request_id: RequestId,
    folder: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", help="A folder that only you read; the ZIP in it has mode 0600."),
    ],
) -> None:
    """Take the answer out of the vault.

    It is approved, or a refusal, and goes to the person.
    """
    say(str(rights.deliver(opened(), request_id, folder, now())))
    say("Send it over a channel that only the person reads, then delete it.", to_stderr=True)


@app.command("answer")
def request_answer(request_id: RequestId) -> None:
    """Record that the answer has left: the request is closed."""
    rights.answer(opened(), request_id, now())
    say(f"{request_id} answered")
