"""What one night did, told from the ledger alone, so that a resumed night tells the whole of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from pipelines import quality
from pipelines.installation import Installation
from pipelines.ledger import Entry

LINE_COUNTS = ("accepted", "rejected", "expired", "duplicate")


@dataclass(frozen=True)
class Intake:
    """What was read of one kind of landing file, in lines or records; `refused` counts whole files."""

    files: int
    refused: int
    read: int
    accepted: int
    rejected: int
    expired: int
    duplicate: int

    @property
    def is_balanced(self) -> bool:
        """Return whether every line or record read is accounted for."""
        return self.read == self.accepted + self.rejected + self.expired + self.duplicate


@dataclass(frozen=True)
class Summary:
    """The counts of one night; `release` is the id of the release in force, or None."""

    night: str
    traffic: Intake
    contacts: Intake
    stored_days: int
    stored_people: int
    release: str | None
    is_new_release: bool
    released_days: int
    released_rows: int
    folded: int
    suppressed: int
    purged_days: int
    purged_people: int
    gone: int
    still_present: int
    could_not_check: int
    quarantined: int
    refusals: tuple[str, ...] = ()

    @property
    def refused(self) -> int:
        """Landing files that could not be taken in; they are still where they were."""
        return self.traffic.refused + self.contacts.refused

    def lines(self) -> Iterator[str]:
        """Yield the summary as a person reads it."""
        yield f"Night {self.night}"
        yield _intake_line("traffic", "lines", self.traffic)
        yield _intake_line("contacts", "records", self.contacts)
        for refusal in self.refusals:
            yield f"  refused   {refusal}"
        stored = f"{_plural(self.stored_days, 'day')} of traffic, {_people(self.stored_people)}"
        yield f"  stored    {stored}, all sealed"
        if self.release is None:
            yield "  released  nothing yet: no complete day holds enough visitors"
        else:
            kind = "new release" if self.is_new_release else "unchanged release"
            yield (
                f"  released  {kind} {self.release}: {_plural(self.released_days, 'day')}, "
                f"{_plural(self.released_rows, 'row')}"
            )
        yield (
            f"  hidden    {_plural(self.folded, 'small cell')} folded into (other), "
            f"{self.suppressed:,} suppressed; {_plural(self.quarantined, 'row')} in quarantine"
        )
        yield f"  purged    {_plural(self.purged_days, 'day')} of traffic, {_people(self.purged_people)}"
        yield (
            f"  verified  {self.gone:,} gone, {self.still_present:,} still present, "
            f"{self.could_not_check:,} could not be checked"
        )


def summarise(installation: Installation, night: str) -> Summary:
    """Return the counts of `night` from the ledger and the vault."""
    entries = [
        entry for entry in installation.ledger.entries(naming=night) if entry.facts.get("night") == night
    ]
    releases = _of(entries, "release_published")
    release = releases[-1].facts if releases else {}
    purged, verified = _totals(entries, "purge_applied"), _totals(entries, "purge_verified")
    measured = _totals(entries, "days_measured")
    verdicts = quality.kept(installation.places.verdicts(date.fromisoformat(night.partition(".")[0])))
    return Summary(
        night=night,
        traffic=_intake(entries, "traffic"),
        contacts=_intake(entries, "contacts"),
        stored_days=len(installation.vault.stores("traffic")),
        stored_people=_count_people(installation),
        release=str(release["release"]) if release else None,
        is_new_release=any(entry.facts["is_new"] for entry in releases),
        released_days=_int(release.get("days", 0)),
        released_rows=_int(release.get("rows", 0)),
        folded=measured["folded"],
        suppressed=measured["suppressed"],
        purged_days=purged["days"],
        purged_people=purged["people"],
        gone=verified["gone"],
        still_present=verified["still_present"],
        could_not_check=verified["could_not_check"],
        quarantined=sum(verdict.quarantined for verdict in verdicts),
        refusals=tuple(
            sorted(
                {
                    str(entry.facts["why"])
                    for kind in ("traffic", "contacts")
                    for entry in _of(entries, f"{kind}_refused")
                }
            )
        ),
    )


def _intake(entries: list[Entry], kind: str) -> Intake:
    taken = _of(entries, f"{kind}_taken")
    totals = _totals(entries, f"{kind}_taken")
    refused = {str(entry.facts["delivery"]) for entry in _of(entries, f"{kind}_refused")}
    refused -= {str(entry.facts["delivery"]) for entry in taken}
    return Intake(
        files=len({entry.facts["delivery"] for entry in taken}),
        refused=len(refused),
        read=totals["read"],
        **{name: totals[name] for name in LINE_COUNTS},
    )


def _totals(entries: list[Entry], event: str) -> Counter[str]:
    totals: Counter[str] = Counter()
    for entry in _of(entries, event):
        totals.update({name: _int(fact) for name, fact in entry.facts.items() if isinstance(fact, int)})
    return totals


def _of(entries: list[Entry], event: str) -> list[Entry]:
    return [entry for entry in entries if entry.event == event]


def _count_people(installation: Installation) -> int:
    with installation.vault.workshop() as workshop:
        workshop.open("contacts", archive=True)
        row = workshop.connection.execute("SELECT count(*) FROM people").fetchone()
    return int(row[0]) if row else 0


def _intake_line(kind: str, unit: str, intake: Intake) -> str:
    parts = " + ".join(f"{getattr(intake, name):,} {name}" for name in LINE_COUNTS)
    refused = f"; {_plural(intake.refused, 'file')} refused" if intake.refused else ""
    return f"  {kind:<9} {intake.read:,} {unit} read = {parts} ({_plural(intake.files, 'file')}{refused})"


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number:,} people"


def _int(fact: object) -> int:
    return int(fact) if isinstance(fact, int) else 0
