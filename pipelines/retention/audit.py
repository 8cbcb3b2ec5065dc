"""The whole check, for an inspector or after an accident: evidence, stores, and what was destroyed.

Each finding is well, ill (and says what and the cure), or could not be made (and says why): the last is never
reported as the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import duckdb

from pipelines.errors import CharterError, RetentionError
from pipelines.installation import Installation
from pipelines.retention import certificate, copies
from pipelines.retention.plan import plan_of
from pipelines.retention.purge import plan as plan_purge
from pipelines.retention.purge import unproven
from pipelines.vault import KINDS

State = Literal["well", "ill", "could not check"]
_MOST = 5  # so many are named; the rest is counted


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    state: State
    said: str


def audit(installation: Installation, *, day: date) -> list[Finding]:
    """Check the ledger, the certificates, the stores, and that nothing destroyed is back; never raises."""
    checks: list[tuple[str, Callable[[Installation, date], Iterator[str]], str]] = [
        ("ledger", _ledger, "every line, their order and the signatures hold"),
        ("certificates", _certificates, "each is the one that was issued"),
        ("purges", _unproven, "each that was begun is proven"),
        ("destroyed", _come_back, "nothing that a purge destroyed is there again"),
        ("generations", _older, "no store of people is older than the ledger says"),
        ("files", _strange_files, "every sealed file has its key, and every key its store"),
        ("stores", _unopened, "every store opens and has the columns that the catalog declares"),
        ("due", _overdue, "nothing is kept longer than the charter says"),
    ]
    return [_made(installation, day, *check) for check in checks]


def _made(
    installation: Installation,
    day: date,
    name: str,
    check: Callable[[Installation, date], Iterator[str]],
    well: str,
) -> Finding:
    try:
        faults = list(check(installation, day))
    except CharterError as error:
        return Finding(name, "could not check", str(error))
    except (OSError, ValueError, KeyError, duckdb.Error) as error:  # their text may hold a value
        return Finding(name, "could not check", f"{type(error).__name__} on reading")
    if not faults:
        return Finding(name, "well", well)
    more = f" and {len(faults) - _MOST} more" if len(faults) > _MOST else ""
    return Finding(name, "ill", "; ".join(faults[:_MOST]) + more)


def _ledger(installation: Installation, _day: date) -> Iterator[str]:
    found = installation.ledger.verify()
    if not found.is_intact:
        yield f"line {found.line} {found.fault}: restore the ledger and tell the DPO"


def _certificates(installation: Installation, _day: date) -> Iterator[str]:
    issued = {str(entry.facts["certificate"]) for entry in installation.ledger.entries("certificate_issued")}
    for name in sorted(issued):
        try:
            certificate.check(installation, name)
        except RetentionError as error:
            yield str(error).rstrip(".")
    folder = certificate.path_of(installation, "any").parent
    there = {path.stem for path in folder.glob("*.json")}
    if strange := len(there - issued):
        yield f"{strange} files among the certificates were not issued by this installation: remove them"


def _unproven(installation: Installation, _day: date) -> Iterator[str]:
    for plan in unproven(installation):
        yield f"the purge of {plan.day.isoformat()} is not proven: run `charter purge verify`"


def _come_back(installation: Installation, _day: date) -> Iterator[str]:
    """Yield the stores and keys that were verified gone and are there: somebody put an old copy back."""
    for store in sorted(_destroyed(installation)):
        left = installation.vault.traces(store) if store.startswith("traffic/") else []
        if left or (store.startswith("pseudonym/") and installation.keyring.has(store)):
            what = ", ".join(left) or "key"
            yield f"{store} was destroyed and is back ({what}): run `charter purge plan`"


def _destroyed(installation: Installation) -> set[str]:
    planned = {}
    gone: set[str] = set()
    for entry in installation.ledger.entries("purge_planned", "purge_verified"):
        if entry.event == "purge_planned":
            planned[entry.facts["token"]] = plan_of(entry, installation.charter.retention)
        elif entry.facts["is_complete"] and entry.facts["token"] in planned:
            items = planned[entry.facts["token"]].items
            gone |= {item.store for item in items if item.store.startswith(("traffic/", "pseudonym/"))}
    return gone


def _older(installation: Installation, _day: date) -> Iterator[str]:
    for store, generation in last_generations(installation).items():
        current = installation.vault.generation(store)
        if current < generation:
            yield (
                f"{store} is in generation {current} and was in {generation}: an older copy was put back, "
                "and who was erased since is in it; put the newer one back"
            )


def last_generations(installation: Installation) -> dict[str, int]:
    """Return store → the last generation that a purge left, by the ledger."""
    found: dict[str, int] = {}
    for entry in installation.ledger.entries("purge_verified"):
        for text in entry.facts.get("generations", []):  # type: ignore[union-attr]
            store, _, generation = str(text).partition(" ")
            found[store] = max(found.get(store, 0), int(generation))
    return found


def _strange_files(installation: Installation, _day: date) -> Iterator[str]:
    root, keyring = installation.vault.root, installation.keyring
    for path in copies.strange_files(root):
        where = _where(root, path)
        yield f"a file is in the vault that Charter did not put there ({where}): look at it, remove it"
    for store in sorted({path.parent.relative_to(root).as_posix() for path in root.rglob("*.duckdb")}):
        if copies.SEALED.fullmatch(f"{store}/a.duckdb") and not keyring.has(f"stores/{store}"):
            yield f"{store} has files and no key: an old copy was put back; nobody can read it, remove it"
    for key in keyring.names("stores/"):
        store = key.removeprefix("stores/")
        if not any((root / store).glob("*.duckdb")):
            yield f"the key of {store} has no store: run the night again, or restore the store"


def _where(root: Path, path: Path) -> str:
    """Return the folder, which Charter named itself; the name of a strange file may be anything."""
    first = path.relative_to(root).parts[0]
    return f"in {first}" if first in KINDS else "at its root"


def _unopened(installation: Installation, _day: date) -> Iterator[str]:
    for kind in KINDS:
        for store in installation.vault.stores(kind):
            try:
                with installation.vault.workshop() as workshop:
                    workshop.open(store)
            except CharterError as error:
                yield f"{store}: {str(error).rstrip('.')}"


def _overdue(installation: Installation, day: date) -> Iterator[str]:
    """Yield what should have gone before the night of `day`, which may still be to come."""
    plan = plan_purge(installation, day=day - timedelta(days=1))
    for item in plan.items:
        yield f"{item.category} in {item.store} is past its period: run `charter purge plan`"
