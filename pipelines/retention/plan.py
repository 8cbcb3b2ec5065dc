"""What a purge plan is: its content, the token that confirms it, and how people and the ledger read it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import cast

from pipelines.charter import Retention
from pipelines.ledger import Entry, Fact

TOKEN_DIGITS = 24  # 96 bits: enough against chance, short enough to type
OPEN_REQUEST = "open request"  # what freezes the evidence of a request until it is answered
_UNREAD = "unread"
_NONE = "-"


@dataclass(frozen=True)
class Item:
    """One thing that is due: a traffic day, a month's pseudonym key, or a category inside a store.

    `rows` is table → rows, or None where the store no longer opens and goes unread. `oldest_on` and
    `newest_on` are the events that started the clocks.
    """

    category: str
    store: str
    rows: Mapping[str, int] | None
    oldest_on: date | None
    newest_on: date | None

    @property
    def total_rows(self) -> int:
        """The rows of all tables together; 0 where they could not be counted."""
        return sum((self.rows or {}).values())


@dataclass(frozen=True)
class Held:
    """What is due and kept all the same: so many days, people or requests of `store`, on one ground.

    `ends_on` is the last day of the hold; None until it is lifted, or the request answered.
    """

    category: str
    store: str
    count: int
    ground: str
    ends_on: date | None


@dataclass(frozen=True)
class Plan:
    """What is due for destruction on the local day `day`.

    `traffic_before` is the first local day of traffic that may still be kept. `survivors` is
    "store table" → rows that must be left in a revised store, `generations` is store → the one that it
    is revised from: once something else revises it as well, its rows are others. `people` is a keyed
    digest of the persons due, never their ids. `held` is what would be due if no hold kept it. `exceeds`
    says which bounds of the charter the plan is outside of; `rules` is category → the rule of the charter
    behind it, for people to read, as are `doubts`: dates that cannot be right, for which nothing is
    destroyed.
    """

    day: date
    traffic_before: date
    items: tuple[Item, ...]
    survivors: Mapping[str, int]
    people: str
    exceeds: tuple[str, ...]
    rules: Mapping[str, Retention]
    held: tuple[Held, ...] = ()
    doubts: tuple[str, ...] = ()
    generations: Mapping[str, int] = field(default_factory=dict)

    @property
    def token(self) -> str:
        """The hash of all that would be destroyed: another content is another token."""
        content = json.dumps(content_of(self), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:TOKEN_DIGITS]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is due."""
        return not self.items

    @property
    def categories(self) -> list[str]:
        """The retention ids concerned, sorted."""
        return sorted({item.category for item in self.items})

    @property
    def counts(self) -> dict[str, int]:
        """What the purge amounts to: traffic days, month keys, people and rows."""
        stores = [item.store for item in self.items]
        return {
            "days": sum(store.startswith("traffic/") for store in stores),
            "month_keys": sum(store.startswith("pseudonym/") for store in stores),
            "people": sum((item.rows or {}).get("people", 0) for item in self.items),
            "rows": sum(item.total_rows for item in self.items),
        }

    def items_of(self, kind: str) -> list[Item]:
        """Return the items in stores of `kind`: traffic, pseudonym, contacts or rights."""
        return [item for item in self.items if item.store.split("/", 1)[0] == kind]


def content_of(plan: Plan) -> dict[str, Fact]:
    """Return the plan's content as facts: stores, cut-off, rows and survivors per table, nobody named."""
    return {
        "traffic_before": plan.traffic_before.isoformat(),
        "items": [_item_text(item) for item in plan.items],
        "rows": [
            f"{item.category} {item.store} {table} {count}"
            for item in plan.items
            for table, count in sorted((item.rows or {}).items())
        ],
        "survivors": [f"{name} {count}" for name, count in sorted(plan.survivors.items())],
        "held": [_held_text(held) for held in plan.held],
        "people_digest": plan.people,
    }


def generations_text(generations: Mapping[str, int]) -> list[str]:
    """Return store → generation as the ledger holds it; it is no part of what a token confirms."""
    return [f"{store} {generation}" for store, generation in generations.items()]


def plan_of(entry: Entry, rules: Mapping[str, Retention]) -> Plan:
    """Return the plan that a `purge_planned` line of the ledger holds."""
    rows: dict[tuple[str, str], dict[str, int]] = {}
    for text in _texts(entry, "rows"):
        category, store, table, count = text.split(" ")
        rows.setdefault((category, store), {})[table] = int(count)
    survivors = (text.rsplit(" ", 1) for text in _texts(entry, "survivors"))
    return Plan(
        day=date.fromisoformat(entry.day or ""),
        traffic_before=date.fromisoformat(str(entry.facts["traffic_before"])),
        items=tuple(_item_of(text, rows) for text in _texts(entry, "items")),
        survivors={name: int(count) for name, count in survivors},
        people=str(entry.facts["people_digest"]),
        exceeds=(),
        rules=rules,
        held=tuple(_held_of(text) for text in _texts(entry, "held")),
        generations={store: int(number) for store, number in map(str.split, _texts(entry, "generations"))},
    )


def describe(plan: Plan) -> list[str]:
    """Return the plan as lines for a person: what, how many, oldest and newest, why."""
    if plan.is_empty:
        return [f"Nothing is due on {plan.day.isoformat()}.", *_notes(plan)]
    lines = [f"Due for destruction on {plan.day.isoformat()}:"]
    for category in plan.categories:
        items = [item for item in plan.items if item.category == category]
        lines.append(f"  {plan.rules[category].name}: {_amount(items)}")
        lines.append(f"    why: {why(plan.rules[category])}")
    lines += [f"  OUT OF BOUNDS: {reason}" for reason in plan.exceeds]
    return [*lines, *_notes(plan), f"To carry it out: charter purge apply {plan.token}"]


def why(rule: Retention) -> str:
    """Return the rule behind a destruction: the period, what starts it, and the clause or basis."""
    ground = f"clause {rule.clause}" if rule.clause else rule.basis
    return f"kept {rule.period} from {rule.starts} ({ground})"


def _notes(plan: Plan) -> list[str]:
    """Return what is held, and until when, and what is in doubt."""
    lines = []
    for held in plan.held:
        what = held.store if held.store.startswith("traffic/") else f"{held.count:,} of {held.store}"
        until = f"until {held.ends_on.isoformat()}" if held.ends_on else "until the request is answered"
        if held.ends_on is None and held.ground != OPEN_REQUEST:
            until = "until it is lifted"
        lines.append(f"  HELD, though due as {held.category}: {what} ({held.ground}, {until})")
    return lines + [f"  IN DOUBT: {doubt}" for doubt in plan.doubts]


def _amount(items: Sequence[Item]) -> str:
    tables: dict[str, int] = {}
    for item in items:
        for table, count in (item.rows or {}).items():
            tables[table] = tables.get(table, 0) + count
    days = [day for item in items for day in (item.oldest_on, item.newest_on) if day]
    traffic_days = sum(item.store.startswith("traffic/") for item in items)
    keys = sum(item.store.startswith("pseudonym/") for item in items)
    unread = sum(item.rows is None for item in items)
    parts = [f"{count:,} {table}" for table, count in sorted(tables.items()) if count]
    for count, what in ((traffic_days, "days"), (keys, "month keys"), (unread, "days that no longer open")):
        parts += [f"{count} {what}"] if count else []
    span = f", from {min(days).isoformat()} to {max(days).isoformat()}" if days else ""
    return ", ".join(parts) + span


def _item_text(item: Item) -> str:
    oldest, newest = (day.isoformat() if day else _NONE for day in (item.oldest_on, item.newest_on))
    return f"{item.category} {item.store} {oldest} {newest}" + (f" {_UNREAD}" if item.rows is None else "")


def _item_of(text: str, rows: Mapping[tuple[str, str], Mapping[str, int]]) -> Item:
    category, store, oldest, newest, *unread = text.split(" ")
    counted = None if unread else rows.get((category, store), {})
    return Item(category, store, counted, _day(oldest), _day(newest))


def _held_text(held: Held) -> str:
    ends = held.ends_on.isoformat() if held.ends_on else _NONE
    return f"{held.category} {held.store} {held.count} {ends} {held.ground}"


def _held_of(text: str) -> Held:
    category, store, count, ends, ground = text.split(" ", 4)
    return Held(category, store, int(count), ground, _day(ends))


def _day(text: str) -> date | None:
    return None if text == _NONE else date.fromisoformat(text)


def _texts(entry: Entry, name: str) -> list[str]:
    return cast(list[str], entry.facts[name])
