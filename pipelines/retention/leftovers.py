"""What lies beside the stores and has a clock too: raw files that no night could take in, and old reports.

A raw file is personal data: its clock is that of landing, from the first night that told of it; until then
whoever delivers replaces it by a good one. Reports hold counts, and go with the evidence.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date
from pathlib import Path

from pipelines import landing, traffic
from pipelines.files import remove_file
from pipelines.installation import Installation
from pipelines.retention.plan import Item

_EVENTS = ("traffic_taken", "traffic_refused", "contacts_taken", "contacts_refused")
LANDING, REPORTS = "landing/", "reports/"
_DATED = re.compile(r"(?<!\d)\d{4}-\d{2}-\d{2}(?!\d)")


def landing_items(installation: Installation, day: date) -> list[Item]:
    """Return an item for each file of landing whose period is over."""
    period = installation.charter.retention["landing"].period
    seen: dict[str, date] = {}
    names = sorted(waiting(installation))
    for entry in installation.ledger.entries(*_EVENTS) if names else ():
        if entry.day is not None:
            seen.setdefault(str(entry.facts["delivery"]), date.fromisoformat(entry.day))
    return [
        Item("landing", f"{LANDING}{name}", {"files": 1}, seen[name], seen[name])
        for name in names
        if name in seen and period.is_over(seen[name], day)
    ]


def report_items(installation: Installation, day: date) -> list[Item]:
    """Return an item for each day whose reports are older than evidence is kept."""
    period = installation.charter.retention["evidence"].period
    return [
        Item("evidence", f"{REPORTS}{made_on}", {"files": len(files)}, made_on, made_on)
        for made_on, files in sorted(_reports(installation).items())
        if period.is_over(made_on, day)
    ]


def traces(installation: Installation, store: str) -> list[str]:
    """Return what is left of the item `store`: "file", or nothing."""
    if store.startswith(LANDING):
        return ["file"] if store.removeprefix(LANDING) in waiting(installation) else []
    return ["file"] if date.fromisoformat(store.removeprefix(REPORTS)) in _reports(installation) else []


def waiting(installation: Installation) -> dict[str, landing.Delivery]:
    """Return id → file, of all that lies in landing."""
    places, keyring = installation.places, installation.keyring
    exports = landing.deliveries(places.landing_contacts, keyring.derive("contacts", "delivery"))
    found: list[landing.Delivery] = [*traffic.deliveries(places, keyring), *exports]
    return {delivery.delivery_id.hex: delivery for delivery in found}


def remove(installation: Installation, store: str) -> None:
    """Unlink the files of the item `store`; a raw file that changed meanwhile is another one, and stays."""
    if store.startswith(REPORTS):
        for path in _reports(installation).get(date.fromisoformat(store.removeprefix(REPORTS)), []):
            remove_file(path)
        return
    delivery = waiting(installation).get(store.removeprefix(LANDING))
    if delivery is None:
        return
    keyring = installation.keyring
    if delivery.path.is_relative_to(installation.places.landing_traffic):
        traffic.discard(delivery, installation.places, keyring)
    else:
        landing.discard(
            delivery, installation.places.landing_contacts, keyring.derive("contacts", "delivery")
        )


def _reports(installation: Installation) -> dict[date, list[Path]]:
    """Return day → the reports that bear it in their name, or in that of their folder."""
    root = installation.places.reports
    found: dict[date, list[Path]] = {}
    for path in sorted(root.rglob("*")):
        if path.is_file() and (match := _DATED.search(path.relative_to(root).as_posix())):
            with suppress(ValueError):  # no day of the calendar
                found.setdefault(date.fromisoformat(match[0]), []).append(path)
    return found
