"""Contact exports → people, with everything that is known of them, over all sources.

The story: list what lies in landing, read each file, judge each record, find whose it is, check the
quality of what would be stored, store all of it in one revision of the sealed store, and only then
unlink the files. Killed anywhere and run again, it ends the same: a file whose import is on record is
reported from there, one without is taken as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from pipelines.contacts.compose import compose, has_changes, verdict_counts
from pipelines.contacts.exports import read
from pipelines.contacts.imports import Outcome, is_new, recorded_imports, seal, with_counts
from pipelines.contacts.quarantine import check, failing_arrivals
from pipelines.contacts.records import Reader
from pipelines.contacts.staging import Batch, Keys
from pipelines.errors import LandingError, QualityError
from pipelines.installation import Installation
from pipelines.landing import Delivery, deliveries, discard
from pipelines.vault import Workshop

_MOST_PASSES = 5  # a refused record can leave a row that fails in its turn, never as many times as this


def take_in(
    installation: Installation,
    *,
    day: date,
    at: datetime,
    record: Callable[[list[Outcome]], None] = lambda _outcomes: None,
) -> list[Outcome]:
    """Take all contact exports of landing into the vault; return what became of each file, by name.

    `record` is told the outcomes once they are certain and before any file is removed, so that a kill
    cannot lose them.
    """
    key, folder = installation.keyring.derive("contacts", "delivery"), installation.places.landing_contacts
    found = deliveries(folder, key)
    if not found:
        return []
    with installation.vault.workshop(changing="contacts") as workshop:
        workshop.open("contacts", archive=True)
        outcomes = _Night(installation, workshop, day, at).take(found)
    record([outcomes[delivery.delivery_id] for delivery in found])
    for delivery in found:
        if (outcome := outcomes[delivery.delivery_id]).error is None:
            outcomes[delivery.delivery_id] = replace(outcome, error=discard(delivery, folder, key))
    return [outcomes[delivery.delivery_id] for delivery in found]


class _Night:
    """One night's intake in one workshop."""

    def __init__(self, installation: Installation, workshop: Workshop, day: date, at: datetime) -> None:
        keyring = installation.keyring
        self._installation = installation
        self._workshop = workshop
        self._day = day
        self._load_key = keyring.derive("contacts", "load")
        self._reader = Reader(installation.charter, day=day, at=at)
        self._keys = Keys(keyring.derive("contacts", "person"), keyring.derive("contacts", "tombstone"))
        self._batch = Batch(self._keys, installation.charter.zone)
        self._recorded = recorded_imports(workshop.connection)
        self._loads = {outcome.load_id: outcome.read for outcome in self._recorded.values()}

    def take(self, found: list[Delivery]) -> dict[UUID, Outcome]:
        """Return delivery → outcome, everything acceptable being sealed in the vault."""
        outcomes = {delivery.delivery_id: self._read(delivery) for delivery in found}
        if not self._batch.exports:
            return outcomes
        self._batch.stage(self._workshop.connection)
        self._compose()
        self._quarantine()
        outcomes |= self._counted(outcomes)
        taken = [outcome for outcome in outcomes.values() if is_new(outcome)]
        if any(outcome.accepted or outcome.rejected for outcome in taken):
            seal(self._workshop, taken, self._day)
        return outcomes

    def _read(self, delivery: Delivery) -> Outcome:
        """Add the records of one file to the batch, unless they are on record; counts follow."""
        if recorded := self._recorded.get(delivery.delivery_id):
            return replace(recorded, shown_name=delivery.shown_name, resumed=True)
        try:
            export = read(delivery, self._load_key)
            named = Outcome(delivery.delivery_id, export.load_id, delivery.shown_name, export.kind)
            if (known := self._loads.get(export.load_id)) is not None:
                return replace(named, read=known, duplicate=known)
            count = self._loads[export.load_id] = self._batch.add(export, self._reader)
        except LandingError as error:
            return Outcome(delivery.delivery_id, None, delivery.shown_name, None, error=str(error))
        return replace(named, read=count)

    def _compose(self) -> None:
        compose(self._workshop.connection, self._installation.charter, self._day, self._keys.person)

    def _quarantine(self) -> None:
        """Refuse the records behind rows that break a rule of data quality, until none of tonight's does."""
        for _pass in range(_MOST_PASSES):
            if not has_changes(self._workshop.connection):
                return
            check(self._workshop.connection, self._installation.places, self._day)
            failing = failing_arrivals(self._workshop.connection)
            if not failing:
                return
            self._batch.refuse(self._workshop.connection, failing, "quality")
            self._compose()
        raise QualityError(
            "refusing the contact records that fail a rule makes others fail: read the run's quality report, "
            "mend the suites of the contact tables, and run again."
        )

    def _counted(self, outcomes: Mapping[UUID, Outcome]) -> dict[UUID, Outcome]:
        counts = verdict_counts(self._workshop.connection)
        ids = [export.delivery.delivery_id for export in self._batch.exports]
        return {
            delivery_id: with_counts(outcomes[delivery_id], counts.get(position, {}))
            for position, delivery_id in enumerate(ids)
        }
