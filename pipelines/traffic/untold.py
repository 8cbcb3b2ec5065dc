"""What is in force of a run that was killed before it could tell, and whose files may be gone since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from pipelines.installation import Installation
from pipelines.traffic.accounting import Outcome, counted
from pipelines.traffic.known import read_known


def received(installation: Installation, days: Iterable[date]) -> list[Outcome]:
    """Return what was put in force on the local `days`, one outcome for each load; names are not known."""
    wanted = sorted(set(days))
    held = set(installation.vault.stores("traffic"))
    stores = [store for day in wanted if (store := f"traffic/{day}") in held]
    if not stores:
        return []
    with installation.vault.workshop() as workshop:
        workshop.open(*stores)
        known = read_known(workshop.connection, None)
    return [
        replace(counted(past.delivery_id, past.load_id, "", past.counts, past.days), resumed=True)
        for day in wanted
        for past in known.received(day)
    ]
