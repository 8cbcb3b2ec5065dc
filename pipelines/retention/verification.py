"""The proof: each item of a purge looked for again, by a connection that did not take part in it.

There are three answers, and they are never mixed up: gone, still present (and where), could not
check (and why). Only where every item is gone is a certificate written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import duckdb

from pipelines import catalog
from pipelines.errors import CharterError, RetentionError
from pipelines.installation import Installation
from pipelines.ledger import Entry
from pipelines.retention import copies, due, evidence, leftovers, subjects
from pipelines.retention.certificate import ISSUED, certificate_id, issue
from pipelines.retention.plan import Item, Plan, generations_text, plan_of
from pipelines.retention.purge import PLAN_KEY, night_of, purge_lock, unproven
from pipelines.vault import Workshop

Answer = Literal["gone", "still present", "could not check"]
_FAILURES = (CharterError, duckdb.Error, OSError)


@dataclass(frozen=True)
class Outcome:
    """What was found of one item: `detail` says where it is still present, or why it could not be checked.

    `is_final`: rows that were to stay are lost, and no later look will find it otherwise.
    """

    item: Item
    answer: Answer
    detail: str = ""
    is_final: bool = False


@dataclass(frozen=True)
class Verification:
    """What was found of all purges that awaited their proof; `certificates` are the ids of those proven."""

    day: date
    outcomes: tuple[Outcome, ...]
    certificates: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Whether everything that was to go is gone; true as well where nothing was due."""
        return all(outcome.answer == "gone" for outcome in self.outcomes)

    @property
    def counts(self) -> dict[str, int]:
        """How many items got each answer, and the certificates written."""
        return {**answers_of(self.outcomes), "certificates": len(self.certificates)}

    def describe(self) -> list[str]:
        """Return the answers as lines for a person."""
        if not self.outcomes:
            return [f"No purge waits for its proof on {self.day.isoformat()}."]
        lines = [f"{self.counts['gone']} of {len(self.outcomes)} items are gone."]
        lines += [
            f"  {outcome.item.category} in {outcome.item.store}: {outcome.answer} ({outcome.detail})"
            for outcome in self.outcomes
            if outcome.answer != "gone"
        ]
        return lines + [f"Certificate {name}" for name in self.certificates]

    def require(self) -> None:
        """Raise RetentionError unless everything that was to go is known to be gone."""
        if not self.is_complete:
            raise RetentionError(
                f"the purge is not proven. {' '.join(self.describe())} Mend what is named, then run "
                "`charter purge plan`, for what is due again, and `charter purge verify`."
            )


def answers_of(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """Return how many items got each answer."""
    answers = [outcome.answer for outcome in outcomes]
    return {
        "gone": answers.count("gone"),
        "still_present": answers.count("still present"),
        "could_not_check": answers.count("could not check"),
    }


def verify(installation: Installation, *, day: date, at: datetime, night: str | None = None) -> Verification:
    """Check every purge that was begun and is not yet proven; certify those of which nothing is left.

    Nothing begun is "nothing was due": no certificate, and no line in the ledger. Where a verification was
    killed before its certificate was issued, that is issued now.
    """
    outcomes: list[Outcome] = []
    certificates = [issue(installation, plan, entry, at=at) for plan, entry in _uncertified(installation)]
    for plan in unproven(installation):
        found, searched = _check(installation, plan)
        entry = _record(installation, plan, found, searched, at, night)
        if all(outcome.answer == "gone" for outcome in found):
            certificates.append(issue(installation, plan, entry, at=at))
        outcomes += found
    return Verification(day, tuple(outcomes), tuple(certificates))


def _uncertified(installation: Installation) -> list[tuple[Plan, Entry]]:
    """Return the purges that were found complete, with that line of the ledger, and have no certificate."""
    planned: dict[str, Plan] = {}
    proven: dict[str, tuple[Plan, Entry]] = {}
    for entry in installation.ledger.entries("purge_planned", "purge_verified", ISSUED):
        if entry.event == "purge_planned":
            planned[str(entry.facts["token"])] = plan_of(entry, installation.charter.retention)
        elif entry.event == "purge_verified" and entry.facts["is_complete"]:
            if plan := planned.get(str(entry.facts["token"])):
                proven[certificate_id(plan)] = (plan, entry)
        elif entry.event == ISSUED:
            proven.pop(str(entry.facts["certificate"]), None)
    return list(proven.values())


def _check(installation: Installation, plan: Plan) -> tuple[list[Outcome], Mapping[str, int]]:
    """Return what is found of each item of `plan`, and place → files that were searched for copies."""
    try:
        _refuse_another_place(installation)
        search = copies.Search(installation)
        with installation.vault.workshop() as workshop:
            found = _check_shredded(workshop, installation, plan)
            for store in subjects.REVISED:
                if plan.items_of(store):
                    found += _check_revised(workshop, installation, plan, store)
            elsewhere = search.for_keys()
            found = [_with_copies(outcome, elsewhere) for outcome in found]
            return list(_with_erased(found, search, workshop, plan.day)), search.places
    except _FAILURES as error:
        return [_unchecked(item, error) for item in plan.items], {}


def _with_erased(
    found: Sequence[Outcome], search: copies.Search, workshop: Workshop, day: date
) -> Iterator[Outcome]:
    """Yield the outcomes; where people went, with what is found of them in plain text."""
    if not any(outcome.item.store == "contacts" and outcome.answer == "gone" for outcome in found):
        yield from found
        return
    erased = search.for_erased(workshop, day)
    for outcome in found:
        yield _with_copies(outcome, erased) if outcome.item.store == "contacts" else outcome


def _with_copies(outcome: Outcome, found: copies.Copies) -> Outcome:
    """Return the outcome of an item with what was found of it elsewhere."""
    if outcome.answer == "gone" and (found.readable or found.unread):
        answer: Answer = "still present" if found.readable else "could not check"
        detail = ", ".join(found.readable or found.unread)
        return Outcome(outcome.item, answer, detail)
    return outcome


def _check_shredded(workshop: Workshop, installation: Installation, plan: Plan) -> list[Outcome]:
    items = [item for item in plan.items if item.store not in subjects.REVISED]
    try:
        left = {item.store: _traces(installation, item.store) for item in items}
        absent = [store for store, traces in left.items() if store.startswith("traffic/") and not traces]
        rows = due.count_traffic(workshop, absent) if absent else {}
    except _FAILURES as error:
        return [_unchecked(item, error) for item in items]
    for store in absent:
        left[store] = ["rows"] if any(rows[store].values()) else []
    return [_outcome(item, None, left[item.store], []) for item in items]


def _check_revised(workshop: Workshop, installation: Installation, plan: Plan, store: str) -> list[Outcome]:
    items = plan.items_of(store)
    try:
        subjects.stage_due(workshop, installation, store, plan.day)
        rows = {
            left.category: left for left in subjects.subject_items(workshop, installation, store, plan.day)
        }
        astray = [*_earlier_copies(installation, store), *_orphans(workshop, store)]
        is_as_left = installation.vault.generation(store) == plan.generations[store] + 1
        wrong = list(_miscounted(workshop, store, plan.survivors)) if is_as_left else []
    except _FAILURES as error:
        return [_unchecked(item, error) for item in items]
    return [_outcome(item, rows.get(item.category), astray, wrong) for item in items]


def _unchecked(item: Item, error: Exception) -> Outcome:
    """Return why a check failed, without a value: Charter's messages hold none, any other is withheld."""
    reason = str(error) if isinstance(error, CharterError) else f"{type(error).__name__} on reading it"
    return Outcome(item, "could not check", reason)


def _outcome(item: Item, left: Item | None, astray: Sequence[str], wrong: Sequence[str]) -> Outcome:
    if left is not None or astray:
        rows = [f"{left.total_rows} rows"] if left else []
        return Outcome(item, "still present", ", ".join([*rows, *astray]))
    if wrong:
        return Outcome(item, "could not check", ", ".join(wrong), is_final=True)
    return Outcome(item, "gone")


def _refuse_another_place(installation: Installation) -> None:
    """Raise RetentionError where the keys or the vault are not those that the purge worked on.

    In an empty folder nothing is ever found: a volume that is not mounted must not prove a thing.
    """
    if not installation.keyring.has(PLAN_KEY):
        raise RetentionError("the keyring is not the one that the purge worked on: mount CHARTER_KEYS.")
    if not purge_lock(installation).exists():
        raise RetentionError("the vault is not the one that the purge worked on: mount CHARTER_VAULT.")


def _traces(installation: Installation, store: str) -> list[str]:
    """Return what is left of a traffic day, "key" and "files", of what lies beside stores, or of a key."""
    if store.startswith((leftovers.LANDING, leftovers.REPORTS)):
        return leftovers.traces(installation, store)
    if store.startswith(evidence.LEDGER):
        return evidence.traces(installation, store)
    if store.startswith("traffic/"):
        return installation.vault.traces(store)
    return ["key"] if installation.keyring.has(store) else []


def _earlier_copies(installation: Installation, store: str) -> Iterator[str]:
    """Yield what the store was before: it must have one key and one folder of files, no more."""
    if len(installation.keyring.names(f"stores/{store}/")) > 1:
        yield "an earlier key"
    folder = installation.vault.root / store
    if folder.is_dir() and len(list(folder.iterdir())) > 1:
        yield "earlier files"


def _orphans(workshop: Workshop, store: str) -> Iterator[str]:
    """Yield the tables that hold rows of somebody who is no longer there."""
    tables = [table for table in catalog.tables_of(store) if table.subject is not None]
    home = next(table for table in tables if table.key == (table.subject,))
    for table in tables:
        row = workshop.connection.execute(
            f"SELECT count(*) FROM {table.name} ANTI JOIN {home.name} USING ({table.subject})"  # noqa: S608 catalog
        ).fetchone()
        if row and row[0]:
            yield f"{row[0]} rows of nobody in {table.name}"


def _miscounted(workshop: Workshop, store: str, expected: Mapping[str, int]) -> Iterator[str]:
    """Yield the tables whose rows are not those that the plan said would be left."""
    for table in catalog.tables_of(store):
        name = f"{store} {table.name}"
        if name not in expected:
            continue
        row = workshop.connection.execute(f"SELECT count(*) FROM {table.name}").fetchone()  # noqa: S608 catalog
        found = int(row[0]) if row else 0
        if found != expected[name] and not (table.name == "tombstones" and found > expected[name]):
            yield f"{table.name} holds {found} rows where {expected[name]} were to be left"


def _record(
    installation: Installation,
    plan: Plan,
    found: Sequence[Outcome],
    searched: Mapping[str, int],
    at: datetime,
    night: str | None,
) -> Entry:
    not_gone = [outcome for outcome in found if outcome.answer != "gone"]
    failed = [f"{outcome.item.category} {outcome.item.store} {outcome.answer}" for outcome in not_gone]
    generations = {store: installation.vault.generation(store) for store in subjects.REVISED}
    return installation.ledger.append(
        "purge_verified",
        day=plan.day,
        at=at,
        token=plan.token,
        traffic_before=plan.traffic_before.isoformat(),
        categories=plan.categories,
        is_complete=not failed,
        generations=generations_text(generations),
        failed=failed,
        searched=[f"{place}: {files} files" for place, files in searched.items()],
        not_searched=copies.not_searched(installation),
        look_again=bool(not_gone) and not any(outcome.is_final for outcome in not_gone),
        **plan.counts,
        **answers_of(found),
        **night_of(night),
    )
