"""The archive: customers whose last contract is over leave the active base.

They stay in the sealed store of people and are shown to nobody who opens it: no mailing, no export, no
statistics of contacts. Who opens the archive says so (`Workshop.open(…, archive=True)`): the intake, which
must know its records again, a request, a hold, and the purge; each leaves a line in the ledger. The CNIL
(guide on retention periods, 2020) calls this intermediate archiving by logical separation.
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

from pipelines.contacts import archived_people
from pipelines.installation import Installation
from pipelines.retention.purge import night_of

_HERE = Path(__file__).parent


def archive(
    installation: Installation, *, day: date, at: datetime, night: str | None = None
) -> dict[str, int]:
    """Move customers into the archive as of the local day `day`, and out of it who came back.

    Returns how many came, left and are in it. Run again on the same day, it changes nothing.
    """
    with installation.vault.workshop(changing="contacts") as workshop:
        workshop.open("contacts", archive=True)
        archived_people(workshop.connection, installation.charter, day)
        row = workshop.connection.execute(
            (_HERE / "archive_changes.sql").read_text(encoding="utf-8")
        ).fetchone()
        counts = dict(zip(("archived", "reopened", "in_archive"), row or (0, 0, 0), strict=True))
        if counts["archived"] or counts["reopened"]:
            workshop.connection.execute((_HERE / "new_archive.sql").read_text(encoding="utf-8"), {"day": day})
            workshop.revise("contacts", {"archived": "FROM new_archive"})
    if counts["archived"] or counts["reopened"]:
        installation.ledger.append("people_archived", day=day, at=at, **counts, **night_of(night))
    return counts
