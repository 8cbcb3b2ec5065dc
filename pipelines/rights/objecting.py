"""Who objects to statistics: addresses that people gave with an objection, left out from its receipt on.

An objection holds while it is looked into (GDPR Art. 18(1)(d)), and ends only with a refusal that has its
ground. The addresses stay in the sealed register; what leaves it is the pseudonym of each for a day's month.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from uuid import UUID

from pipelines.installation import Installation
from pipelines.traffic.pseudonym import address_pseudonym

_SQL = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


def objecting(installation: Installation) -> Callable[[date], Sequence[UUID]]:
    """Return what says of a local day whose address pseudonyms are left out of its statistics."""
    known = _addresses(installation)

    def of_day(day: date) -> list[UUID]:
        month = f"{day:%Y-%m}"
        found = [
            address_pseudonym(installation.keyring, month, address, installation.charter)
            for address, since in known
            if since <= day
        ]
        return sorted({pseudonym for pseudonym in found if pseudonym is not None})

    return of_day


def _addresses(installation: Installation) -> list[tuple[str, date]]:
    """Return each address that objects, with the local day from which on."""
    if not installation.vault.stores("rights"):
        return []
    with installation.vault.workshop() as workshop:
        workshop.open("rights")
        return workshop.connection.execute(_SQL).fetchall()
