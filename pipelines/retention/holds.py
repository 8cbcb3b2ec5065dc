"""Holds: why records that are due are kept for the time being, since when, and until when.

A hold names a traffic day, a person or a request, never a value; an open request is a hold by itself on what
it is about. The purge passes over what is held, says so, and takes it in the night after the hold has ended.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from pipelines import catalog
from pipelines.contacts import identifier
from pipelines.errors import RetentionError
from pipelines.installation import Installation
from pipelines.vault import Workshop

# What a hold may rest on: GDPR Art. 17(3)(b) and (e), and Art. 18.
GROUNDS = ("legal claim", "legal obligation", "restriction")
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_ID = re.compile(rf"H-[{_ALPHABET}]{{4}}-[{_ALPHABET}]{{4}}")
_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HERE = Path(__file__).parent
# One identifier as a hold keeps it, as the ids of people change when they are joined; no part of it can hold
# the separator.
_MARK = "concat_ws(chr(31), kind, CASE kind WHEN 'record' THEN source END, value)"

Kind = Literal["traffic", "contacts", "rights"]


@dataclass(frozen=True)
class Hold:
    """One hold as people may read it: `kind` and `on` say what it is on, without naming anybody.

    `ends_on` is the last day on which it holds; None until it is lifted.
    """

    hold_id: str
    kind: str
    on: str
    ground: str
    starts_on: date
    ends_on: date | None
    placed_by: str

    def is_in_force(self, day: date) -> bool:
        """Return whether it keeps anything on `day`."""
        return self.starts_on <= day and (self.ends_on is None or self.ends_on >= day)


def hold_days(
    installation: Installation,
    first: date,
    last: date,
    *,
    ground: str,
    until: date | None,
    by: str,
    day: date,
    at: datetime,
) -> str:
    """Hold the traffic of the local days from `first` to `last`, from `day` on; return the id of the hold."""
    if last < first:
        raise RetentionError("the last day lies before the first: give them the other way round.")
    days = [date.fromordinal(number).isoformat() for number in range(first.toordinal(), last.toordinal() + 1)]
    return _place(installation, "traffic", days, ground, until, by, day, at)


def hold_request(
    installation: Installation,
    request_id: str,
    *,
    ground: str,
    until: date | None,
    by: str,
    day: date,
    at: datetime,
) -> str:
    """Hold a request with its answer, from `day` on; return the id of the hold."""
    with installation.vault.workshop() as workshop:
        workshop.open("rights")
        known = workshop.connection.execute(
            "SELECT request_id FROM requests WHERE request_id = ?", [request_id]
        ).fetchall()
    if not known:
        raise RetentionError("the register has no such request: see `charter request list` for the ids.")
    return _place(installation, "rights", [request_id], ground, until, by, day, at)


def hold_person(
    installation: Installation,
    *,
    email: str | None,
    phone: str | None,
    ground: str,
    until: date | None,
    by: str,
    day: date,
    at: datetime,
) -> str:
    """Hold everybody whose e-mail or phone this is, from `day` on; return the id of the hold.

    RetentionError where nobody has it: a hold on nobody would be believed to hold somebody.
    """
    _refuse_name(by)
    installation.ledger.append("archive_opened", day=day, at=at, reason="hold", by=by)
    marks = _identifiers(installation, email, phone)
    if not marks:
        raise RetentionError("nobody in the contact store has this e-mail or phone: nothing is held.")
    return _place(installation, "contacts", marks, ground, until, by, day, at)


def lift(installation: Installation, hold_id: str, *, by: str, day: date, at: datetime) -> None:
    """End a hold with `day`: what is due goes in the night after it."""
    _refuse_name(by)
    with installation.vault.workshop(changing="rights") as workshop:
        workshop.open("rights")
        known = [hold for hold in _holds(workshop) if hold.hold_id == hold_id]
        if not known:
            what = f"hold {hold_id}" if _ID.fullmatch(hold_id) else "such hold"
            raise RetentionError(f"there is no {what}: see `charter hold list` for the ids.")
        if not any(hold.is_in_force(day) and hold.ends_on != day for hold in known):
            return
        workshop.connection.execute(
            "CREATE OR REPLACE TEMP TABLE lifted AS SELECT ?::VARCHAR AS hold_id, ?::DATE AS day",
            [hold_id, day],
        )
        workshop.revise("rights", {"holds": (_HERE / "lifted_holds.sql").read_text(encoding="utf-8")})
    installation.ledger.append("hold_lifted", day=day, at=at, hold=hold_id, by=by)


def holds(installation: Installation) -> list[Hold]:
    """Return all holds on record, the newest last."""
    with installation.vault.workshop() as workshop:
        workshop.open("rights")
        return _holds(workshop)


def stage_held(workshop: Workshop, installation: Installation, day: date) -> None:
    """Fill the temporary table `held`: one row means one traffic store, person or request with one ground.

    Columns: store, subject (null for a traffic store: all of it), ground, ends_on. Opens the rights store;
    the contacts store must be open.
    """
    workshop.open("rights")
    query = (_HERE / "held.sql").read_text(encoding="utf-8").replace("{mark}", _MARK)
    workshop.connection.execute(query, {"day": day, "time_zone": installation.charter.time_zone})


def _holds(workshop: Workshop) -> list[Hold]:
    rows = workshop.connection.execute((_HERE / "holds.sql").read_text(encoding="utf-8")).fetchall()
    return [Hold(*row) for row in rows]


def _place(
    installation: Installation,
    kind: Kind,
    targets: list[str],
    ground: str,
    until: date | None,
    by: str,
    day: date,
    at: datetime,
) -> str:
    _refuse_name(by)
    if ground not in GROUNDS:
        raise RetentionError(f"there is no such ground; there are {', '.join(GROUNDS)}.")
    if until is not None and until < day:
        raise RetentionError("the hold would end before it begins: give a later day, or none.")
    hold_id = _new_id()
    columns = catalog.table("holds").column_names
    with installation.vault.workshop(changing="rights") as workshop:
        workshop.open("rights")
        workshop.connection.execute("CREATE OR REPLACE TEMP TABLE new_holds AS FROM holds LIMIT 0")
        workshop.connection.executemany(
            f"INSERT INTO new_holds ({', '.join(columns)}) VALUES ({', '.join('?' for _ in columns)})",  # noqa: S608 catalog names
            [[hold_id, kind, target, ground, day, until, by] for target in targets],
        )
        workshop.revise("rights", {"holds": "FROM holds UNION ALL FROM new_holds"})
    installation.ledger.append(
        "hold_placed", day=day, at=at, hold=hold_id, kind=kind, held=len(targets), ground=ground, by=by,
        until=until.isoformat() if until else "lifted",
    )  # fmt: skip
    return hold_id


def _identifiers(installation: Installation, email: str | None, phone: str | None) -> list[str]:
    """Return all identifiers of everybody who has one of these, as a hold keeps them."""
    country = installation.charter.controller.country
    pairs = [(kind, text) for kind, text in (("email", email), ("phone", phone)) if text]
    wanted = [(kind, identifier(kind, text, country)) for kind, text in pairs]
    if not wanted or any(value is None for _kind, value in wanted):
        raise RetentionError("the e-mail or phone cannot be read: correct it.")
    with installation.vault.workshop() as workshop:
        workshop.open("contacts", archive=True)
        rows = workshop.connection.execute(
            f"SELECT DISTINCT {_MARK} FROM identifiers SEMI JOIN ("  # noqa: S608 our own expression
            "    SELECT person_id FROM identifiers"
            "    JOIN (SELECT unnest(?::VARCHAR[]) AS kind, unnest(?::VARCHAR[]) AS value) "
            "    USING (kind, value)"
            ") USING (person_id) ORDER BY 1",
            [[kind for kind, _value in wanted], [value for _kind, value in wanted]],
        ).fetchall()
    return [str(mark) for (mark,) in rows]


def _refuse_name(by: str) -> None:
    if _USER.fullmatch(by) is None:
        raise RetentionError(
            "who acts is named by a user id (letters, digits, . _ -), not by a name or e-mail."
        )


def _new_id() -> str:
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    return f"H-{letters[:4]}-{letters[4:]}"
