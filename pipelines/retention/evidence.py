"""The evidence has a clock too: lines of the ledger, and their certificates, go when their period is over.

What goes is a beginning of the ledger. It ends before the first line of a purge that is not proven.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from itertools import takewhile

from pipelines.files import remove_file
from pipelines.installation import Installation
from pipelines.ledger import CUT, Entry
from pipelines.retention import certificate
from pipelines.retention.plan import Item

LEDGER = "ledger/"  # and the number of the last line that goes


def items(installation: Installation, day: date) -> list[Item]:
    """Return what is due of the ledger on the local day `day`: an item, or none."""
    period = installation.charter.retention["evidence"].period
    old = list(_lines(installation, lambda entry: period.is_over(_made_on(installation, entry), day)))
    if not old:
        return []
    rows = {"lines": len(old), "certificates": len(_certificates(old))}
    first, last = _made_on(installation, old[0]), _made_on(installation, old[-1])
    return [Item("evidence", f"{LEDGER}{old[-1].seq}", rows, first, last)]


def remove(installation: Installation, store: str, at: datetime) -> None:
    """Destroy the lines of the item `store`, and before them the certificates that they know."""
    last = _last_line(store)
    for name in _certificates(_lines(installation, lambda entry: entry.seq <= last)):
        remove_file(certificate.path_of(installation, name))
    installation.ledger.cut(last, at=at)


def traces(installation: Installation, store: str) -> list[str]:
    """Return what is left of the item `store`: "lines", or nothing."""
    last = _last_line(store)
    return ["lines"] if any(_lines(installation, lambda entry: entry.seq <= last)) else []


def _lines(installation: Installation, is_old: Callable[[Entry], bool]) -> Iterator[Entry]:
    """Yield the lines from the oldest on, up to one that is not old or is needed; not what tells of a cut."""
    needed = _first_needed(installation)
    lines = (entry for entry in installation.ledger.entries() if entry.event != CUT)
    return takewhile(lambda entry: entry.seq < needed and is_old(entry), lines)


def _first_needed(installation: Installation) -> float:
    """Return the number of the first line that begins a purge which is not proven."""
    begun: dict[str, int] = {}
    for entry in installation.ledger.entries("purge_planned", "purge_verified"):
        if entry.event == "purge_planned":
            begun.setdefault(str(entry.facts["token"]), entry.seq)
        elif not entry.facts["look_again"]:
            begun.pop(str(entry.facts["token"]), None)
    return min(begun.values(), default=math.inf)


def _certificates(lines: Iterable[Entry]) -> set[str]:
    return {str(entry.facts["certificate"]) for entry in lines if entry.event == certificate.ISSUED}


def _made_on(installation: Installation, entry: Entry) -> date:
    return datetime.fromisoformat(entry.at).astimezone(installation.charter.zone).date()


def _last_line(store: str) -> int:
    return int(store.removeprefix(LEDGER))
