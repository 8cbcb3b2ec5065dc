"""The register of requests: received → gathered → approved → answered, or refused with its ground.

What a person wrote stays in the sealed `rights` store; outside it a request is its opaque id.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import holidays

from pipelines import catalog
from pipelines.charter import Charter
from pipelines.contacts import normalise
from pipelines.errors import RightsError
from pipelines.installation import Installation
from pipelines.periods import Period, answer_due
from pipelines.vault import Workshop

CHANNELS = ("post", "e-mail", "form", "counter")
OPEN = ("received", "gathered", "approved")
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that is misread on paper or over the telephone
_ID = re.compile(rf"R-[{_ALPHABET}]{{4}}-[{_ALPHABET}]{{4}}")
_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_CHANGED = Path(__file__).with_name("changed_requests.sql")


@dataclass(frozen=True)
class Request:
    """One request as the register holds it; never printed."""

    request_id: str
    requested_right: str
    received_on: date
    due_on: date
    channel: str
    name: str | None
    email: str | None
    phone: str | None
    status: str
    identity_checked_on: date | None
    answered_on: date | None

    def __repr__(self) -> str:
        return f"Request({self.request_id})"


@dataclass(frozen=True)
class Pending:
    """One request that waits for its answer: what may be said of it outside the vault."""

    request_id: str
    requested_right: str
    status: str
    received_on: date
    due_on: date
    days_left: int


def open_request(  # noqa: PLR0913 a request has as many parts as the form that it comes on
    installation: Installation,
    *,
    right: str,
    received_on: date,
    channel: str,
    name: str | None,
    email: str | None,
    phone: str | None,
    addresses: Sequence[tuple[str, datetime]],
    at: datetime,
) -> str:
    """Enter a request and return its opaque id; the day of receipt starts the clock.

    `addresses` are network addresses with a moment (aware) at which each was the person's.
    """
    charter = installation.charter
    _refuse_unknown(right, charter.rights, "right")
    _refuse_unknown(channel, CHANNELS, "channel")
    if received_on > local_day(charter, at):
        raise RightsError("a request cannot have been received after today: correct the day of receipt.")
    request = Request(
        request_id=_new_id(),
        requested_right=right,
        received_on=received_on,
        due_on=due_on(charter, received_on),
        channel=channel,
        name=normalise.name(name) if name else None,
        email=_identifier("email", email, charter),
        phone=_identifier("phone", phone, charter),
        status="received",
        identity_checked_on=None,
        answered_on=None,
    )
    seen = [(request.request_id, *_sighting(address, moment, at)) for address, moment in addresses]
    with installation.vault.workshop(changing="rights") as workshop:
        workshop.open("rights")
        workshop.revise("rights", {
            "requests": _with_new(workshop, "requests", [_row(request)]),
            "request_addresses": _with_new(workshop, "request_addresses", list(dict.fromkeys(seen))),
        })  # fmt: skip
    installation.ledger.append(
        "request_opened",
        day=local_day(charter, at),
        at=at,
        request=request.request_id,
        right=right,
        due_on=request.due_on.isoformat(),
    )
    return request.request_id


def requests(installation: Installation, *, on: date) -> list[Pending]:
    """Return the requests that wait for their answer on the day `on`, the most urgent first."""
    with installation.vault.workshop() as workshop:
        workshop.open("rights")
        found = workshop.connection.execute(
            "SELECT request_id, requested_right, status, received_on, due_on FROM requests "
            "WHERE status IN (SELECT unnest(?)) ORDER BY due_on, request_id",
            [list(OPEN)],
        ).fetchall()
    return [
        Pending(request_id, right, status, received, due, days_left=(due - on).days)
        for request_id, right, status, received, due in found
    ]


def overdue(installation: Installation, *, on: date) -> list[Pending]:
    """Return the requests whose last day to answer is before `on`."""
    return [request for request in requests(installation, on=on) if request.days_left < 0]


def approve(installation: Installation, request_id: str, by: str, at: datetime) -> None:
    """Record that `by` (a user id) checked the person's identity, read the answer and releases it."""
    _refuse_name(by)
    today = local_day(installation.charter, at)
    if advance(installation, request_id, "approved", of=("gathered",), identity_checked_on=today):
        record(installation, "request_approved", request_id, at, by=by)


def answer(installation: Installation, request_id: str, at: datetime) -> None:
    """Record that the approved answer left; the clock of the request's own retention starts."""
    today = local_day(installation.charter, at)
    if advance(installation, request_id, "answered", of=("approved",), answered_on=today):
        record(installation, "request_answered", request_id, at)


def advance(
    installation: Installation,
    request_id: str,
    status: str,
    *,
    of: Collection[str],
    answered_on: date | None = None,
    identity_checked_on: date | None = None,
) -> bool:
    """Move a request from one of the statuses `of` to `status`; False where it was there already."""
    with installation.vault.workshop(changing="rights") as workshop:
        request = find_request(workshop, request_id)
        if request.status == status:
            return False
        refuse_status(request, of)
        changed = stage_change(workshop, request_id, status, identity_checked_on, answered_on)
        workshop.revise("rights", {"requests": changed})
    return True


def stage_change(
    workshop: Workshop,
    request_id: str,
    status: str,
    identity_checked_on: date | None = None,
    answered_on: date | None = None,
) -> str:
    """Return the SELECT of all requests with this one changed; a date that is None stays as it was."""
    workshop.connection.execute(
        "CREATE OR REPLACE TEMP TABLE changed AS SELECT ?::VARCHAR AS request_id, ?::VARCHAR AS status, "
        "?::DATE AS identity_checked_on, ?::DATE AS answered_on",
        [request_id, status, identity_checked_on, answered_on],
    )
    return _CHANGED.read_text(encoding="utf-8")


def find_request(workshop: Workshop, request_id: str) -> Request:
    """Open the register and return the request; RightsError where there is none."""
    workshop.open("rights")
    columns = ", ".join(catalog.table("requests").column_names)
    row = workshop.connection.execute(
        f"SELECT {columns} FROM requests WHERE request_id = ?",  # noqa: S608 names from the catalog
        [request_id],
    ).fetchone()
    if row is None:
        known = f"request {request_id}" if _ID.fullmatch(request_id) else "such a request"
        raise RightsError(f"the register has no {known}: see `charter request list` for the ids.")
    return Request(*row)


def refuse_status(request: Request, of: Collection[str]) -> None:
    """Raise RightsError unless the request has one of the statuses `of`."""
    if request.status not in of:
        raise RightsError(
            f"request {request.request_id} is {request.status}, and this step needs it to be "
            f"{' or '.join(of)}: do the steps in order (gather, approve, answer)."
        )


def record(installation: Installation, event: str, request_id: str, at: datetime, **facts: Any) -> None:
    """Write a ledger line about the request, by its id alone."""
    installation.ledger.append(
        event, day=local_day(installation.charter, at), at=at, request=request_id, **facts
    )


def due_on(charter: Charter, received_on: date) -> date:
    """Return the last day to answer, working days being those of the controller's country."""
    try:
        free = holidays.country_holidays(
            charter.controller.country, years=[received_on.year, received_on.year + 1]
        )
    except NotImplementedError:
        free = holidays.HolidayBase()  # a country without a calendar: only weekends move the day, never later
    return answer_due(received_on, [day for day in free if day <= Period(months=2).after(received_on)])


def local_day(charter: Charter, at: datetime) -> date:
    """Return the local day of an instant."""
    return at.astimezone(charter.zone).date()


def _refuse_unknown(word: str, known: Collection[str], what: str) -> None:
    if word not in known:
        raise RightsError(f"there is no such {what}; there are {', '.join(known)}.")


def _refuse_name(by: str) -> None:
    if _USER.fullmatch(by) is None:
        raise RightsError("who acts is named by a user id (letters, digits, . _ -), not by a name or e-mail.")


def _new_id() -> str:
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    return f"R-{letters[:4]}-{letters[4:]}"


def _identifier(kind: str, text: str | None, charter: Charter) -> str | None:
    if not text or not text.strip():
        return None
    found = normalise.identifier(kind, text, charter.controller.country)
    if found is None:
        raise RightsError(f"the {kind} of the request cannot be read: correct it, or leave it out.")
    return found


def _sighting(address: str, moment: datetime, at: datetime) -> tuple[str, datetime]:
    try:
        parsed = ipaddress.ip_address(address.strip().strip("[]").partition("%")[0])
    except ValueError:
        raise RightsError(
            "an address of the request is no IP address: correct it, or leave it out."
        ) from None
    if moment.tzinfo is None:
        raise RightsError("the moment of an address needs its time zone: add it.")
    if moment > at:
        raise RightsError("the moment of an address lies in the future: correct it.")
    return str(parsed), moment.astimezone(UTC).replace(tzinfo=None)


def _row(request: Request) -> tuple[Any, ...]:
    return tuple(getattr(request, column) for column in catalog.table("requests").column_names)


def _with_new(workshop: Workshop, table: str, rows: Sequence[tuple[Any, ...]]) -> str:
    """Return the SELECT of what `table` holds and `rows`, which are bound, never written into SQL."""
    marks = ", ".join("?" for _ in catalog.table(table).columns)
    workshop.connection.execute(f"CREATE OR REPLACE TEMP TABLE new_{table} AS FROM {table} LIMIT 0")
    for row in rows:
        workshop.connection.execute(f"INSERT INTO new_{table} VALUES ({marks})", row)  # noqa: S608 catalog name
    return f"SELECT * FROM {table} UNION ALL SELECT * FROM new_{table}"  # noqa: S608 catalog names
