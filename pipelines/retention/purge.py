"""The purge: plan → apply → verify → certificate.

A plan is computed, never stored; what confirms it is the hash of its content. Before anything is
destroyed the content goes to the ledger (`purge_planned`), so that a killed purge is finished, and
proven, as the one that was begun. Traffic goes by shredding a day's key and files; people go by
rebuilding their store without them under a fresh key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path

from pipelines.errors import RetentionError
from pipelines.files import locked
from pipelines.installation import Installation
from pipelines.ledger import Entry, Fact
from pipelines.periods import oldest_kept
from pipelines.retention import due, evidence, leftovers, subjects
from pipelines.retention.plan import Item, Plan, content_of, generations_text, plan_of
from pipelines.retention.tombstones import stage_tombstones, with_fresh

PLAN_KEY = "fingerprint"  # also tells the verification that it looks into the right keyring


def plan(installation: Installation, *, day: date) -> Plan:
    """Return what is due on the local day `day`; a purge that was begun and not proven comes first."""
    current = _due_plan(installation, day)
    for begun in unverified(installation):
        if begun.day == day and _is_part_of(current, begun):
            return begun
    return current


def apply(
    installation: Installation,
    plan: Plan,
    *,
    token: str,
    at: datetime,
    by_human: bool = False,
    night: str | None = None,
) -> dict[str, int]:
    """Destroy what `plan` names and return its counts; killed anywhere, a rerun finishes it.

    RetentionError where `token` is not that of what is due now, or where the plan is outside the
    bounds of the charter and no human (`by_human`) confirmed it. `night` goes to the ledger.
    """
    with locked(purge_lock(installation)):
        confirmed = _confirmed(installation, plan, token)
        if not by_human:
            _refuse_out_of_bounds(confirmed)
        _record_plan(installation, confirmed, at)
        for item in confirmed.items_of("traffic"):
            installation.vault.shred(item.store)
        for item in confirmed.items_of("pseudonym"):
            installation.keyring.shred(item.store)
        for item in (*confirmed.items_of("landing"), *confirmed.items_of("reports")):
            leftovers.remove(installation, item.store)
        for item in confirmed.items_of("ledger"):
            evidence.remove(installation, item.store, at)
        for store in subjects.REVISED:
            _revise_without_due(installation, confirmed, store)
        _record_applied(installation, confirmed, at, night)
    return confirmed.counts


def unverified(installation: Installation) -> list[Plan]:
    """Return the purges that were begun and for which no verification was recorded, oldest first."""
    return list(_begun(installation, lambda _verified: False).values())


def unproven(installation: Installation) -> list[Plan]:
    """Return the purges to verify, oldest first: those unverified, and those to look for again.

    What a verification could not read may be readable now, and what it found may have been destroyed since.
    """
    return list(_begun(installation, lambda verified: bool(verified.facts["look_again"])).values())


def _begun(installation: Installation, is_open: Callable[[Entry], bool]) -> dict[str, Plan]:
    """Return token → purge, of all that were begun and whose last verification, if any, left them open."""
    begun: dict[str, Plan] = {}
    for entry in installation.ledger.entries("purge_planned", "purge_verified"):
        if entry.event == "purge_planned":
            begun[str(entry.facts["token"])] = plan_of(entry, installation.charter.retention)
        elif not is_open(entry):
            begun.pop(str(entry.facts["token"]), None)
    return begun


def night_of(night: str | None) -> dict[str, Fact]:
    """Return the fact that ties a ledger line to a night's run, where it was one."""
    return {} if night is None else {"night": night}


def purge_lock(installation: Installation) -> Path:
    """Return the file whose lock keeps two purges of one installation apart."""
    return installation.vault.root / "locks" / "purge.lock"


def _due_plan(installation: Installation, day: date) -> Plan:
    survivors: dict[str, int] = {}
    digests, held, items = [], [], []
    key = installation.keyring.derive(PLAN_KEY, "purge plan")
    with installation.vault.workshop() as workshop:
        for store in subjects.REVISED:
            subjects.stage_due(workshop, installation, store, day)
            found = subjects.subject_items(workshop, installation, store, day)
            items += found
            held += subjects.held_items(workshop, store)
            if found:
                survivors |= subjects.survivors(workshop, installation, store, day)
                digests.append(subjects.subjects_digest(workshop, key))
        people, doubts = subjects.count_people(workshop), subjects.doubts(workshop, day)
        days, held_days = due.traffic_items(workshop, installation, day)
    beside = [*leftovers.landing_items(installation, day), *leftovers.report_items(installation, day)]
    items = [*days, *beside, *evidence.items(installation, day), *items]
    return Plan(
        day=day,
        traffic_before=oldest_kept(installation.charter.retention["traffic"].period, day),
        items=tuple(items),
        survivors=survivors,
        people=".".join(digest[:32] for digest in digests),
        exceeds=tuple(_exceeded(installation, items, people)),
        rules=installation.charter.retention,
        held=(*held_days, *held),
        doubts=tuple(doubts),
        generations={store: installation.vault.generation(store) for store in subjects.REVISED},
    )


def _exceeded(installation: Installation, items: list[Item], people: int) -> Iterator[str]:
    bounds = installation.charter.purge
    days = sum(item.store.startswith("traffic/") for item in items)
    if days > bounds.max_days:
        yield f"{days} traffic days are due, and a purge by itself takes {bounds.max_days} at most"
    gone = sum((item.rows or {}).get("people", 0) for item in items)
    if gone > bounds.max_people_share * people:
        share = f"{bounds.max_people_share:.0%}"
        yield f"{gone} of {people} people are due, and a purge by itself takes {share} at most"


def _confirmed(installation: Installation, proposed: Plan, token: str) -> Plan:
    """Return the plan of `token` where it is what is due now, or a purge that was begun and not finished."""
    current = _due_plan(installation, proposed.day)
    if current.token == token:
        return current
    for begun in unverified(installation):
        if begun.token == token and _is_part_of(current, begun):
            return begun
    raise RetentionError(
        "the token is not that of what is due now: nothing was destroyed. "
        "See what is due with `charter purge plan` and confirm that with `charter purge apply TOKEN`."
    )


def _is_part_of(current: Plan, begun: Plan) -> bool:
    """Return whether what is still due is what a killed purge had left to do: `begun` or a rest of it.

    It is not where something was held since: what is not destroyed yet stays, and a new plan says so.
    """
    if current.held != begun.held:
        return False
    rest = {(item.category, item.store) for item in current.items}
    whole = {(item.category, item.store) for item in begun.items}
    is_untouched = all(item in begun.items for item in current.items if item.store in subjects.REVISED)
    return rest <= whole and is_untouched


def _refuse_out_of_bounds(plan: Plan) -> None:
    if plan.exceeds:
        raise RetentionError(
            f"the purge is outside the bounds of the charter: {'; '.join(plan.exceeds)}. Nothing was "
            "destroyed. Look at it with `charter purge plan`, then confirm it with "
            f"`charter purge apply {plan.token}`."
        )


def _record_plan(installation: Installation, plan: Plan, at: datetime) -> None:
    if plan.is_empty or plan.token in {begun.token for begun in unverified(installation)}:
        return
    facts: dict[str, Fact] = {"token": plan.token, "categories": list(plan.categories), **content_of(plan)}
    facts["generations"] = generations_text(plan.generations)
    installation.ledger.append("purge_planned", day=plan.day, at=at, **facts)


def _record_applied(installation: Installation, plan: Plan, at: datetime, night: str | None) -> None:
    """Write the counts; a rerun of a night on which nothing is due writes nothing twice."""
    last = None
    for entry in installation.ledger.entries("purge_planned", "purge_applied", naming=plan.token):
        if entry.facts["token"] == plan.token:
            last = entry.event
    if last == "purge_applied":
        return
    installation.ledger.append(
        "purge_applied",
        day=plan.day,
        at=at,
        token=plan.token,
        traffic_before=plan.traffic_before.isoformat(),
        categories=plan.categories,
        **plan.counts,
        **night_of(night),
    )


def _revise_without_due(installation: Installation, plan: Plan, store: str) -> None:
    if not plan.items_of(store):
        return
    with installation.vault.alone(store):
        installation.vault.settle(store)  # a kill between the new files and the end of the old ones
    with installation.vault.workshop(changing=store) as workshop:
        subjects.stage_due(workshop, installation, store, plan.day)
        if not subjects.subject_items(workshop, installation, store, plan.day):
            return  # a killed purge had got this far
        rows = subjects.kept_rows(installation.charter, store, plan.day)
        if store == "contacts":
            stage_tombstones(workshop, installation.keyring, plan.day)
            rows["tombstones"] = with_fresh(rows["tombstones"])
        workshop.revise(store, rows)
