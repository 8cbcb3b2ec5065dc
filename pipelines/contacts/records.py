"""Fields of a record → one arrival, checked and normalised, or the fixed word for why it is refused.

What is not listed in `COLUMNS` is dropped at the door.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from pipelines.charter import Charter
from pipelines.contacts import normalise
from pipelines.contacts.tombstones import fingerprint_under, record_value

Kind = Literal["people", "contracts", "messages", "consents", "cookies"]

COLUMNS: Mapping[Kind, tuple[str, ...]] = {
    "people": ("source", "person_ref", "recorded_at", "name", "email", "email_verified", "phone",
               "phone_verified", "postal_address", "country"),
    "contracts": ("source", "contract_ref", "person_ref", "recorded_at", "started_on", "ended_on"),
    "messages": ("source", "message_ref", "person_ref", "recorded_at", "kind", "name", "email", "phone",
                 "body"),
    "consents": ("source", "consent_ref", "person_ref", "recorded_at", "email", "purpose", "action"),
    "cookies": ("source", "choice_ref", "person_ref", "recorded_at", "email", "cookie_type", "choice"),
}  # fmt: skip
MESSAGE_KINDS = frozenset(("form", "appointment", "newsletter", "survey", "chatbot", "e-mail", "testimonial"))
ACTIONS = frozenset(("given", "withdrawn", "objected"))
COOKIE_TYPES = frozenset(("essential", "functional", "performance"))
CHOICES = frozenset(("accepted", "refused"))
BEYOND_THE_CHARTER = frozenset(("marketing", "third_parties"))  # what one may object to besides its purposes
_FLAGS = {"true": True, "false": False, "": False}
_FIRST_YEAR, _FIRST_ABSURD_YEAR = 1900, 9000  # 9999-12-31 is how some systems spell "none"
_FUTURE_TOLERANCE = timedelta(days=1)  # clocks differ; a record of the day after tomorrow never expires


class RefusedError(ValueError):
    """A record cannot be taken in; `args[0]` is the fixed word for why."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One record, checked: the columns of its kind are filled, the others empty.

    `person_ref` is None for a record that its source ties to nobody; then `lone_key` says whom it is
    about: an unverified e-mail or phone, or the record alone.
    """

    kind: Kind
    source: str
    ref: str
    person_ref: str | None
    recorded_at: datetime
    name: str | None = None
    email: str | None = None
    is_email_verified: bool = False
    phone: str | None = None
    is_phone_verified: bool = False
    postal_address: str | None = None
    started_on: date | None = None
    ended_on: date | None = None
    message_kind: str | None = None
    body: str | None = None
    purpose: str | None = None
    action: str | None = None
    cookie_type: str | None = None
    choice: str | None = None

    @property
    def lone_key(self) -> tuple[str, ...] | None:
        """Whom a record without person is about; a typed e-mail proves nothing, so it joins nobody."""
        if self.person_ref is not None:
            return None
        if self.email or self.phone:
            return ("unverified", self.email or self.phone or "")
        return ("alone", self.kind, self.source, self.ref)

    @property
    def content(self) -> bytes:
        """A digest that decides between two versions of one instant, whatever file came first."""
        return hashlib.sha256(repr(self).encode()).digest()

    def as_json(self) -> bytes:
        """Return the record as JSON, for the rejects."""
        return json.dumps(asdict(self), default=str, ensure_ascii=False).encode()

    def own_marks(self, key: bytes) -> list[bytes]:
        """Return the fingerprints of the record and of the person's record that it belongs to."""
        marks = []
        if self.kind != "people":
            marks.append(fingerprint_under(key, self.kind, record_value(self.source, self.ref)))
        if self.person_ref is not None:
            marks.append(fingerprint_under(key, "record", record_value(self.source, self.person_ref)))
        return marks

    def shared_marks(self, key: bytes) -> list[bytes]:
        """Return the fingerprints of the e-mail and phone, which another person may use too."""
        pairs = (("email", self.email), ("phone", self.phone))
        return [fingerprint_under(key, kind, value) for kind, value in pairs if value]


class Reader:
    """Checks records under one charter on one day."""

    def __init__(self, charter: Charter, *, day: date, at: datetime) -> None:
        midnight = datetime(day.year, day.month, day.day, tzinfo=charter.zone)
        self._latest_at = max(at, midnight + timedelta(days=1)) + _FUTURE_TOLERANCE
        self._country = charter.controller.country
        self._purposes = BEYOND_THE_CHARTER | charter.purposes.keys()

    def read(self, kind: Kind, fields: Mapping[str, str]) -> Arrival:
        """Return the arrival that `fields` state; RefusedError with a fixed word where they cannot be."""
        return getattr(self, f"_{kind}")(fields)  # type: ignore[no-any-return]

    def _people(self, fields: Mapping[str, str]) -> Arrival:
        country = fields["country"].strip().upper()
        ref = _reference(fields, "person_ref")
        phone = self._phone(fields, country)
        is_phone_verified = _flag(fields, "phone_verified") and phone is not None
        if is_phone_verified and normalise.has_extension(fields["phone"], country or self._country):
            is_phone_verified = False  # a number shared by desks would join colleagues into one person
        return Arrival(
            kind="people",
            source=_reference(fields, "source"),
            ref=ref,
            person_ref=ref,
            recorded_at=self._recorded_at(fields),
            name=normalise.name(fields["name"]),
            email=(email := _email(fields)),
            is_email_verified=_flag(fields, "email_verified") and email is not None,
            phone=phone,
            is_phone_verified=is_phone_verified,
            postal_address=_text(fields["postal_address"]),
        )

    def _contracts(self, fields: Mapping[str, str]) -> Arrival:
        started_on = _date(fields, "started_on")
        ended_on = _date(fields, "ended_on") if fields["ended_on"].strip() else None
        if ended_on is not None and ended_on < started_on:
            raise RefusedError("ended before started")
        return Arrival(
            kind="contracts",
            source=_reference(fields, "source"),
            ref=_reference(fields, "contract_ref"),
            person_ref=_reference(fields, "person_ref"),
            recorded_at=self._recorded_at(fields),
            started_on=started_on,
            ended_on=ended_on,
        )

    def _messages(self, fields: Mapping[str, str]) -> Arrival:
        return Arrival(
            kind="messages",
            source=_reference(fields, "source"),
            ref=_reference(fields, "message_ref"),
            person_ref=normalise.reference(fields["person_ref"]),
            recorded_at=self._recorded_at(fields),
            message_kind=_word(fields, "kind", MESSAGE_KINDS),
            name=normalise.name(fields["name"]),
            email=_email(fields),
            phone=self._phone(fields, ""),
            body=_text(fields["body"]),
        )

    def _consents(self, fields: Mapping[str, str]) -> Arrival:
        arrival = Arrival(
            kind="consents",
            source=_reference(fields, "source"),
            ref=_reference(fields, "consent_ref"),
            person_ref=normalise.reference(fields["person_ref"]),
            recorded_at=self._recorded_at(fields),
            email=_email(fields),
            purpose=_word(fields, "purpose", self._purposes),
            action=_word(fields, "action", ACTIONS),
        )
        return _somebodys(arrival)

    def _cookies(self, fields: Mapping[str, str]) -> Arrival:
        arrival = Arrival(
            kind="cookies",
            source=_reference(fields, "source"),
            ref=_reference(fields, "choice_ref"),
            person_ref=normalise.reference(fields["person_ref"]),
            recorded_at=self._recorded_at(fields),
            email=_email(fields),
            cookie_type=_word(fields, "cookie_type", COOKIE_TYPES),
            choice=_word(fields, "choice", CHOICES),
        )
        return _somebodys(arrival)

    def _phone(self, fields: Mapping[str, str], country: str) -> str | None:
        if not fields["phone"].strip():
            return None
        found = normalise.phone(fields["phone"], country or self._country)
        if found is None:
            raise RefusedError("phone")
        return found

    def _recorded_at(self, fields: Mapping[str, str]) -> datetime:
        try:
            found = datetime.fromisoformat(fields["recorded_at"].strip())
            found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, OverflowError):
            raise RefusedError("recorded_at") from None
        if found.year < _FIRST_YEAR or found > self._latest_at:
            raise RefusedError("recorded_at out of range")
        return found


def _reference(fields: Mapping[str, str], column: str) -> str:
    found = normalise.reference(fields[column])
    if found is None:
        raise RefusedError(column)
    return found


def _email(fields: Mapping[str, str]) -> str | None:
    if not fields["email"].strip():
        return None
    found = normalise.email(fields["email"])
    if found is None:
        raise RefusedError("email")
    return found


def _flag(fields: Mapping[str, str], column: str) -> bool:
    word = fields[column].strip().lower()
    if word not in _FLAGS:
        raise RefusedError(column)
    return _FLAGS[word]


def _word(fields: Mapping[str, str], column: str, known: frozenset[str]) -> str:
    word = fields[column].strip()
    if word not in known:
        raise RefusedError(column)
    return word


def _date(fields: Mapping[str, str], column: str) -> date:
    try:
        found = date.fromisoformat(fields[column].strip())
    except ValueError:
        raise RefusedError(column) from None
    if not _FIRST_YEAR <= found.year < _FIRST_ABSURD_YEAR:
        raise RefusedError(f"{column} out of range")
    return found


def _text(text: str) -> str | None:
    return unicodedata.normalize("NFC", text) if text.strip() else None


def _somebodys(arrival: Arrival) -> Arrival:
    """A consent or choice of nobody binds nobody."""
    if arrival.person_ref is None and arrival.email is None:
        raise RefusedError("nobody")
    return arrival
