"""Raw files that no night could take in, or remove: they are personal data too, with the clock of landing.

It runs from the first night that told of the file; until then whoever delivers replaces it by a good one.
"""

from __future__ import annotations

from datetime import date

from pipelines import landing, traffic
from pipelines.installation import Installation
from pipelines.retention.plan import Item

_EVENTS = ("traffic_taken", "traffic_refused", "contacts_taken", "contacts_refused")
STORE = "landing/"


def landing_items(installation: Installation, day: date) -> list[Item]:
    """Return an item for each file of landing whose period is over."""
    period = installation.charter.retention["landing"].period
    seen: dict[str, date] = {}
    for entry in installation.ledger.entries():
        if entry.event in _EVENTS and entry.day is not None:
            seen.setdefault(str(entry.facts["delivery"]), date.fromisoformat(entry.day))
    return [
        Item("landing", f"{STORE}{name}", {"files": 1}, seen[name], seen[name])
        for name in sorted(waiting(installation))
        if name in seen and period.is_over(seen[name], day)
    ]


def waiting(installation: Installation) -> dict[str, landing.Delivery]:
    """Return id → file, of all that lies in landing."""
    places, keyring = installation.places, installation.keyring
    exports = landing.deliveries(places.landing_contacts, keyring.derive("contacts", "delivery"))
    found: list[landing.Delivery] = [*traffic.deliveries(places, keyring), *exports]
    return {delivery.delivery_id.hex: delivery for delivery in found}


def remove(installation: Installation, store: str) -> None:
    """Unlink the file of the item `store`; one that changed meanwhile is another one, and stays."""
    delivery = waiting(installation).get(store.removeprefix(STORE))
    if delivery is None:
        return
    keyring = installation.keyring
    if delivery.path.is_relative_to(installation.places.landing_traffic):
        traffic.discard(delivery, installation.places, keyring)
    else:
        landing.discard(
            delivery, installation.places.landing_contacts, keyring.derive("contacts", "delivery")
        )
