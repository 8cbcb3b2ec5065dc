"""The nightly story: land → validate → publish → purge → verify → report.

Each step is one function that the DAG, the CLI and the demo call alike. A step may run in a process
or on a machine of its own: between steps go only a night's id, ids of landing files, days and counts.
A night is open in the ledger until it is closed; run again after a kill, it goes on where it stopped
and its summary counts the whole of it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from typing import TypeVar

from pipelines import backups, contacts, quality, retention, rights, statistics, traffic
from pipelines.errors import LandingError
from pipelines.faults import guarded
from pipelines.installation import Installation
from pipelines.ledger import Fact
from pipelines.summary import LINE_COUNTS, Summary, summarise

log = logging.getLogger("charter.nightly")
_DAYS_A_BATCH = 64

T = TypeVar("T")
Report = Callable[[str, int, int], None]  # a step's name, how much is done, of how much
Outcomes = Sequence[traffic.Outcome] | Sequence[contacts.Outcome]


def run(day: date, clock: Callable[[], datetime], report: Report = lambda _step, _done, _of: None) -> Summary:
    """Carry out the whole night of the local day `day` in this process, as the DAG does in its tasks.

    LandingError, once everything else is done, where files of landing could not be taken in.
    """
    night = open_night(day, clock())
    try:
        _take_in_and_publish(night, clock, report)
    finally:  # retention is a duty of its own: neither bad input nor a refused release stops the purge
        try:
            purge(night, clock())
            verify(night, clock())
        finally:
            try:
                backup(night, clock())
            finally:
                summary = close_night(night, clock())
    return summary


def _take_in_and_publish(night: str, clock: Callable[[], datetime], report: Report) -> None:
    for batch in _told("taking in logs", traffic_batches(night), report):
        take_traffic(night, batch, clock())
    take_contacts(night, clock())
    archive(night, clock())
    for days in _told("measuring days", day_batches(night), report):
        publish_days(night, days, clock())
    publish_release(night, clock())


@guarded
def open_night(day: date, at: datetime) -> str:
    """Open the night of `day`, or go on with the one that was not closed; return its id."""
    installation = Installation.open(os.environ)
    installation.vault.settle_all()
    traffic.finish_replay(installation, day=day, at=at)
    opened = [entry for entry in installation.ledger.entries("night_opened") if entry.day == day.isoformat()]
    closed = {entry.facts["night"] for entry in installation.ledger.entries("night_closed")}
    if opened and opened[-1].facts["night"] not in closed:
        return str(opened[-1].facts["night"])
    night = f"{day.isoformat()}.{len(opened) + 1}"
    installation.ledger.append("night_opened", day=day, at=at, night=night)
    return night


@guarded
def traffic_batches(night: str) -> list[list[str]]:
    """Return the landing files to take in on `night`, as batches of their opaque ids."""
    log.info("night %s", night)
    installation = Installation.open(os.environ)
    traffic.check_formats(installation.places.charter_file, installation.charter.traffic)
    found = traffic.deliveries(installation.places, installation.keyring)
    return [[delivery.delivery_id.hex for delivery in batch] for batch in traffic.batches(found)]


@guarded
def take_traffic(night: str, batch: Sequence[str], at: datetime) -> dict[str, int]:
    """Take the landing files of `batch` into the vault; return the counts of lines."""
    installation, day = Installation.open(os.environ), day_of(night)
    wanted = set(batch)
    found = traffic.deliveries(installation.places, installation.keyring)
    files = [delivery for delivery in found if delivery.delivery_id.hex in wanted]
    outcomes = traffic.take_in(
        installation, files, day=day, at=at, record=_recorder(installation, night, "traffic", at)
    )
    return _totals("traffic", outcomes)


@guarded
def take_contacts(night: str, at: datetime) -> dict[str, int]:
    """Take all contact exports into the vault; return the counts of records."""
    installation = Installation.open(os.environ)
    outcomes = contacts.take_in(
        installation, day=day_of(night), at=at, record=_recorder(installation, night, "contacts", at)
    )
    return _totals("contacts", outcomes)


@guarded
def archive(night: str, at: datetime) -> dict[str, int]:
    """Take customers whose last contract is over out of the active base; return the counts."""
    counts = retention.archive(Installation.open(os.environ), day=day_of(night), at=at, night=night)
    log.info("archive: %s", ", ".join(f"{count:,} {name}" for name, count in counts.items()))
    return counts


@guarded
def day_batches(night: str) -> list[list[str]]:
    """Return the local days whose statistics are due, as batches of ISO dates."""
    installation = Installation.open(os.environ)
    days = [day.isoformat() for day in statistics.days_to_publish(installation, day=day_of(night))]
    return [days[start : start + _DAYS_A_BATCH] for start in range(0, len(days), _DAYS_A_BATCH)]


@guarded
def publish_days(night: str, days: Sequence[str], at: datetime) -> dict[str, int]:
    """Measure `days` and hide small cells; return the counts of cells."""
    installation, day = Installation.open(os.environ), day_of(night)
    asked, objecting = [date.fromisoformat(text) for text in days], rights.objecting(installation)
    measured = statistics.measure_days(installation, asked, day=day, objecting=objecting)
    _record_noise(installation, night, at)
    return _record_measured(installation, night, measured, at)


@guarded
def publish_release(night: str, at: datetime) -> dict[str, int]:
    """Publish one release with what was measured since the last; return its counts."""
    installation, day = Installation.open(os.environ), day_of(night)
    release = statistics.release(installation, day=day, at=at, objecting=rights.objecting(installation))
    rows = sum(release.measures.values())
    counts = {"days": len(release.days), "rows": rows, "is_new": int(release.is_new)}
    if release.release_id != statistics.NO_RELEASE:
        installation.ledger.append(
            "release_published", day=day, at=at, night=night, release=release.release_id, **counts
        )
    log.info("release %s: %d days, %d rows", release.release_id, counts["days"], counts["rows"])
    return counts


@guarded
def purge(night: str, at: datetime) -> dict[str, int]:
    """Destroy what has expired on the night's day, within the charter's bounds; return the counts."""
    installation = Installation.open(os.environ)
    plan = retention.plan(installation, day=day_of(night))
    for line in retention.describe(plan):
        log.info("%s", line)
    return retention.apply(installation, plan, token=plan.token, at=at, night=night)


@guarded
def verify(night: str, at: datetime) -> dict[str, int]:
    """Prove that what was purged is gone; RetentionError where it is not, or could not be checked."""
    verification = retention.verify(Installation.open(os.environ), day=day_of(night), at=at, night=night)
    for line in verification.describe():
        log.info("%s", line)
    verification.require()
    return verification.counts


@guarded
def backup(night: str, at: datetime) -> dict[str, int]:
    """Bring the backup up to date, where a folder is named; return how many files it has, got and lost."""
    installation = Installation.open(os.environ)
    if installation.places.backup is None:
        return {}
    counts = backups.make(installation, installation.places.backup, day=day_of(night), at=at)
    log.info("backup: %s", ", ".join(f"{count:,} {name}" for name, count in counts.items()))
    return counts


@guarded
def close_night(night: str, at: datetime) -> Summary:
    """Write the quality report, close the night and sign the ledger; return what the night did."""
    installation = Installation.open(os.environ)
    _tell_what_is_untold(installation, night, at)
    summary = summarise(installation, night)
    verdicts = quality.kept(installation.places.verdicts(day_of(night)))
    quality.write_report(
        verdicts, installation.places.quality_report(day_of(night)), day=day_of(night), at=at
    )
    installation.ledger.append("night_closed", day=day_of(night), at=at, night=night, refused=summary.refused)
    installation.ledger.sign(at=at)
    for line in summary.lines():
        log.info("%s", line)
    return summary


def require_all_taken(summary: Summary) -> None:
    """Raise LandingError where files of landing could not be taken in: somebody must look at them."""
    if summary.refused:
        raise LandingError(
            f"{summary.refused} landing files could not be taken in. They are where they were, the rest of "
            "the night is done, and the lines above say which and why."
        )


def day_of(night: str) -> date:
    """Return the local day that the night's id names."""
    return date.fromisoformat(night.partition(".")[0])


def _tell_what_is_untold(installation: Installation, night: str, at: datetime) -> None:
    """Write to the ledger what a killed run had put in force, also where its landing files are gone since.

    Each run is in a night, and one that was killed left its night open.
    """
    closed = {entry.facts["night"] for entry in installation.ledger.entries("night_closed")}
    opened = {str(entry.facts["night"]) for entry in installation.ledger.entries("night_opened")}
    days = {day_of(one) for one in opened - closed}
    _recorder(installation, night, "traffic", at)(traffic.received(installation, days))


def _recorder(installation: Installation, night: str, kind: str, at: datetime) -> Callable[[Outcomes], None]:
    """Return what writes the fate of each file to the ledger: once, even where a killed task runs again."""

    def record(outcomes: Outcomes) -> None:
        key = "load" if kind == "traffic" else "delivery"  # a large log is taken in by portions, a load each
        known = {entry.facts[key] for entry in installation.ledger.entries(f"{kind}_taken")}
        taken: list[dict[str, Fact]] = []
        for outcome in outcomes:
            facts: dict[str, Fact] = {"night": night, "delivery": outcome.delivery_id.hex}
            if kind == "traffic" and outcome.load_id is not None:
                facts["load"] = outcome.load_id.hex
            if outcome.error is not None:
                why = f"{outcome.shown_name}: {outcome.error}"
                installation.ledger.append(f"{kind}_refused", day=day_of(night), at=at, why=why, **facts)
            elif facts[key] not in known:
                taken.append(facts | {name: int(getattr(outcome, name)) for name in ("read", *LINE_COUNTS)})
        installation.ledger.append_all(f"{kind}_taken", taken, day=day_of(night), at=at)

    return record


def _record_measured(
    installation: Installation, night: str, measured: statistics.Measured, at: datetime
) -> dict[str, int]:
    counts = {
        "days": len(measured.days),
        "cells": measured.cells,
        "folded": measured.folded,
        "suppressed": measured.suppressed,
    }
    if measured.days:
        installation.ledger.append("days_measured", day=day_of(night), at=at, night=night, **counts)
    return counts


def _record_noise(installation: Installation, night: str, at: datetime) -> None:
    """Write the privacy loss of each staged period to the ledger, once; also of what a killed run staged."""
    if not installation.charter.publication.noise:
        return
    known = {
        (entry.facts["period"], entry.facts["measure"])
        for entry in installation.ledger.entries("noise_drawn")
    }
    drawn: list[dict[str, Fact]] = [
        {
            "night": night,
            "period": spent.period,
            "measure": spent.measure,
            "epsilon_thousandths": round(1000 * spent.epsilon),
            "of_the_year_thousandths": round(1000 * spent.of_the_year),
        }
        for spent in statistics.account(installation.places.releases)
        if (spent.period, spent.measure) not in known
    ]
    installation.ledger.append_all("noise_drawn", drawn, day=day_of(night), at=at)


def _totals(kind: str, outcomes: Outcomes) -> dict[str, int]:
    for outcome in outcomes:
        if outcome.error is not None:
            log.error("%s: %s", outcome.shown_name, outcome.error)
    totals = {
        name: sum(int(getattr(outcome, name)) for outcome in outcomes) for name in ("read", *LINE_COUNTS)
    }
    log.info("%s: %s", kind, ", ".join(f"{count:,} {name}" for name, count in totals.items()))
    return {"files": len(outcomes), **totals}


def _told(step: str, batches: Sequence[T], report: Report) -> Iterator[T]:
    for done, batch in enumerate(batches):
        report(step, done, len(batches))
        yield batch
    report(step, len(batches), len(batches))
