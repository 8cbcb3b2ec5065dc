"""The contact exports of a CRM and a website: every life story written as the records it left behind."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pipelines.synthetic.clock import ZONE
from pipelines.synthetic.inventions import Invented, Inventions
from pipelines.synthetic.lives import STORIES, Act, Ago, Story

Record = dict[str, str]

# File name → columns. `loyalty_points` is one that no purpose asks for: whoever reads it must drop it.
FILES: Mapping[str, tuple[str, ...]] = {
    "people.csv": (
        "source", "person_ref", "recorded_at", "name", "email", "email_verified", "phone", "phone_verified",
        "postal_address", "country", "loyalty_points",
    ),
    "contracts.csv": ("source", "contract_ref", "person_ref", "recorded_at", "started_on", "ended_on"),
    "messages.jsonl": (
        "source", "message_ref", "person_ref", "recorded_at", "kind", "name", "email", "phone", "body",
    ),
    "consents.csv": ("source", "consent_ref", "person_ref", "recorded_at", "email", "purpose", "action"),
    "cookies.jsonl": ("source", "choice_ref", "person_ref", "recorded_at", "email", "cookie_type", "choice"),
}  # fmt: skip
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class _Life:
    """One person living one story."""

    story: Story
    person: Invented
    number: int
    day: date

    def ref(self, source: str) -> str:
        return f"{source[0].upper()}{self.number:05}"

    def at(self, ago: Ago, minutes: int = 0) -> str:
        """Return the moment a system recorded something; the website writes UTC, the CRM local time."""
        noon = datetime.combine(ago.before(self.day), datetime.min.time(), ZONE) + timedelta(hours=10)
        moment = min(noon, datetime.combine(self.day, datetime.min.time(), ZONE) - timedelta(hours=5))
        moment += timedelta(minutes=self.number % 240 + minutes)
        if self.story.sources[-1] == "website":
            return moment.astimezone(_UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return moment.isoformat()


def exports(inventions: Inventions, day: date, *, share: float = 1.0) -> dict[str, list[Record]]:
    """Return the records of each file of `FILES`; `share` thins every story out, to one person at least."""
    records: dict[str, list[Record]] = {name: [] for name in FILES}
    for life in _lives(inventions, day, share):
        for file, record in _records(life, inventions):
            records[file].append(record)
    for file, record in _bad_records(day):
        records[file].append(record)
    return records


def people_needed() -> int:
    """Return how many invented people all stories take."""
    return sum(story.people * (2 if story.typed_by_another else 1) for story in STORIES)


def encoded(file: str, records: list[Record]) -> bytes:
    """Return `records` as the content of `file`: RFC 4180 or JSON Lines, UTF-8."""
    if file.endswith(".jsonl"):
        return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()
    text = io.StringIO()
    writer = csv.DictWriter(text, FILES[file], lineterminator="\r\n", restval="")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode()


def _lives(inventions: Inventions, day: date, share: float) -> Iterator[_Life]:
    people = enumerate(inventions.people)
    for story in STORIES:
        for _ in range(max(1, round(story.people * share))):
            number, person = next(people)
            yield _Life(story, person, number, day)
            if story.typed_by_another:
                yield _stranger(story, person, *next(people), day)


def _stranger(story: Story, owner: Invented, number: int, person: Invented, day: date) -> _Life:
    """Return somebody who typed the e-mail address of `owner` into a form, and proved nothing."""
    typed = Invented(person.name, owner.email, person.phone, person.postal_address, person.country)
    name = f"{story.name}: the other"
    message = (Act("form", Ago(months=1)),)
    return _Life(Story(name, 1, ("website",), messages=message, is_verified=False), typed, number, day)


def _records(life: _Life, inventions: Inventions) -> Iterator[tuple[str, Record]]:
    """Yield everything that a life left in the systems that know it."""
    for source in life.story.sources:
        yield "people.csv", _person(life, source)
    yield from _contracts(life)
    yield from _messages(life, inventions)
    yield from _choices(life)


def _person(life: _Life, source: str) -> Record:
    person, is_crm = life.person, source == "crm"
    # Systems write the same name and address in their own way: Unicode form, capitals.
    name = person.name if is_crm else unicodedata.normalize("NFD", person.name)
    return {
        "source": source,
        "person_ref": life.ref(source),
        "recorded_at": life.at(life.story.last_contact()),
        "name": name,
        "email": person.email if is_crm else person.email.capitalize(),
        "email_verified": str(life.story.is_verified).lower(),
        "phone": person.phone if is_crm or life.number % 3 == 0 else "",
        "phone_verified": str(is_crm and life.story.is_verified).lower(),
        "postal_address": person.postal_address if is_crm else "",
        "country": person.country,
        "loyalty_points": str(life.number * 13 % 400),
    }


def _contracts(life: _Life) -> Iterator[tuple[str, Record]]:
    for number, contract in enumerate(life.story.contracts, start=1):
        ended = contract.ended
        yield (
            "contracts.csv",
            {
                "source": "crm",
                "contract_ref": f"K{life.number:05}-{number}",
                "person_ref": life.ref("crm"),
                "recorded_at": life.at(ended or contract.started),
                "started_on": contract.started.before(life.day).isoformat(),
                "ended_on": ended.before(life.day).isoformat() if ended else "",
            },
        )


def _messages(life: _Life, inventions: Inventions) -> Iterator[tuple[str, Record]]:
    source = life.story.sources[-1]
    for number, act in enumerate(life.story.messages, start=1):
        is_anonymous = act.kind == "chatbot" and life.number % 2 == 0
        yield (
            "messages.jsonl",
            {
                "source": source,
                "message_ref": f"M{life.number:05}-{number}",
                "person_ref": "" if is_anonymous else life.ref(source),
                "recorded_at": life.at(act.when, minutes=number),
                "kind": act.kind,
                "name": life.person.name,
                "email": life.person.email,
                "phone": life.person.phone if act.kind == "appointment" else "",
                "body": _body(life, number, inventions),
            },
        )


def _body(life: _Life, number: int, inventions: Inventions) -> str:
    """Return what the person wrote; a few would be formulas in a spreadsheet."""
    sentence = inventions.sentences[(life.number * 3 + number) % len(inventions.sentences)]
    if life.number % 50 == 7:
        return f'=HYPERLINK("https://example.org/","{sentence}")'
    return f'{sentence}\n"{sentence}"' if life.number % 10 == 3 else sentence


def _choices(life: _Life) -> Iterator[tuple[str, Record]]:
    """Yield consents and cookie choices."""
    source = life.story.sources[-1]
    for number, act in enumerate((*life.story.consents, *life.story.cookies), start=1):
        common = {
            "source": source,
            "person_ref": life.ref(source),
            "recorded_at": life.at(act.when, minutes=10 + number),
            "email": life.person.email,
        }
        if number <= len(life.story.consents):
            own = {"consent_ref": f"S{life.number:05}-{number}", "purpose": act.kind, "action": act.action}
            yield "consents.csv", common | own
        else:
            own = {"choice_ref": f"B{life.number:05}-{number}", "cookie_type": act.kind, "choice": act.action}
            yield "cookies.jsonl", common | own


def _bad_records(day: date) -> Iterator[tuple[str, Record]]:
    """Yield the records that must be refused, each with a reason of its own."""
    at = f"{day - timedelta(days=3)}T09:00:00Z"
    person = {"source": "crm", "recorded_at": at, "email_verified": "true", "country": "FR"}
    yield (
        "people.csv",
        person | {"person_ref": "C90001", "name": "Bad Address", "email": "bad.address(at)example"},
    )
    yield "people.csv", person | {"person_ref": "", "name": "No Number", "email": "no.number@example.org"}
    yield (
        "people.csv",
        person | {"person_ref": "C90003", "name": "No Moment", "recorded_at": "the day before"},
    )
    contract = {"source": "crm", "person_ref": "C00000", "recorded_at": at, "started_on": "2015-02-01"}
    yield "contracts.csv", contract | {"contract_ref": "K90001", "ended_on": "9999-12-31"}
    yield "contracts.csv", contract | {"contract_ref": "K90002", "ended_on": "2014-02-01"}
    yield "contracts.csv", contract | {"contract_ref": "", "ended_on": "2020-02-01"}
    yield "contracts.csv", contract | {"contract_ref": "K90004", "ended_on": "2015-02-30"}
    message = {"source": "website", "message_ref": "M90001", "person_ref": "", "recorded_at": at, "body": "?"}
    yield "messages.jsonl", message | {"kind": "telepathy", "email": "no.kind@example.org"}
    consent = {"source": "website", "person_ref": "", "recorded_at": at, "email": "no.purpose@example.org"}
    yield (
        "consents.csv",
        consent | {"consent_ref": "S90001", "purpose": "world domination", "action": "given"},
    )
