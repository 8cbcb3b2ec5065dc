"""Publish: the story from staged periods to the release that analysts read.

    stage months → take what is new → build beside → attack → check → name → switch → remove the oldest

A kill at any point leaves the old release in force; run again, it ends the same.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from pipelines import quality
from pipelines.charter import Charter
from pipelines.errors import DisclosureError
from pipelines.files import locked, make_private_folder, unwritable
from pipelines.installation import Installation
from pipelines.places import Places
from pipelines.statistics import database, gate, noise, risk, shelf, staging
from pipelines.statistics.measure import Objecting, nobody_objects
from pipelines.statistics.measures import MEASURES
from pipelines.statistics.months import (
    MOST_MESSAGES_OF_A_PERSON,
    MOST_REQUESTS_OF_A_PERSON,
    measure_months,
)
from pipelines.statistics.page import write_page
from pipelines.statistics.reading import MOST_HITS_OF_A_VISITOR

if TYPE_CHECKING:
    from pipelines.statistics.attack import Attacked

NO_RELEASE = ""  # the id where there is nothing to publish yet
_ID_DIGITS = 8
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class Release:
    """The release in force: `days` are all that it covers, `measures` the rows of each.

    `suppressed` counts the measures of a day or month of which nothing is published.
    """

    release_id: str
    is_new: bool
    measures: Mapping[str, int]
    days: tuple[date, ...]
    new_days: tuple[date, ...]
    suppressed: int


@dataclass(frozen=True)
class _Content:
    """What a release is made of: staged periods that are new, the state of all, rows of each measure."""

    new: Sequence[str]
    coverage: Sequence[tuple[str, str, str]]
    rows: Mapping[str, int]


def release(
    installation: Installation, *, day: date, at: datetime, objecting: Objecting = nobody_objects
) -> Release:
    """Publish what was measured and is not in the release in force; the same release where nothing is new.

    DisclosureError or QualityError where the new release fails its gate; the old one stays in force.
    """
    releases = installation.places.releases
    make_private_folder(releases)
    with locked(releases / ".lock"):
        measure_months(installation, day=day, objecting=objecting)
        previous = shelf.newest(releases)
        new = sorted(staging.staged(releases) - shelf.newest_periods(releases))
        if new:
            attempts = installation.charter.publication.coarser_attempts
            release_id = _publish_what_holds(installation, previous, new, day=day, at=at, attempts=attempts)
            shelf.switch(releases, release_id)
        shelf.tidy(releases, keep=installation.charter.publication.keep_releases)
        return _in_force(releases, new)


def _publish_what_holds(
    installation: Installation, previous: Path | None, new: Sequence[str], *, day: date, at: datetime,
    attempts: int,
) -> str:  # fmt: skip
    """Publish; where the gate refuses, withhold what it found and try again, so many times."""
    try:
        return _publish(installation, previous, new, day=day, at=at)
    except gate.RefusedError as refusal:
        if not attempts or not gate.withhold(installation.places.releases, refusal.findings):
            raise
    return _publish_what_holds(installation, previous, new, day=day, at=at, attempts=attempts - 1)


def _publish(
    installation: Installation, previous: Path | None, new: Sequence[str], *, day: date, at: datetime
) -> str:
    """Build, attack and name the release; it is not in force yet."""
    places, charter = installation.places, installation.charter
    with shelf.building(places.releases) as folder, _faults_without_values():
        with database.workbench(places.releases) as connection:
            coverage = _coverage(places.releases, previous, new)
            rows = database.build(
                connection,
                folder,
                previous=previous,
                staged=[staging.file(places.releases, period) for period in new],
                coverage=coverage,
                about="each number is about "
                f"{charter.publication.threshold} people or more, and nobody in particular",
            )
            release_id = f"{day.isoformat()}-{database.digest(connection)[:_ID_DIGITS]}"
            passed = gate.inspect(
                connection,
                threshold=charter.publication.threshold,
                rounding=charter.publication.rounding,
                earlier=shelf.kept(places.releases),
                names=gate.people_of(installation.vault),
                with_noise=noise.measures_with_noise(charter),
                keep=_evidence(installation, release_id, day),
            )
            _check(connection, places, day)
            content = _Content(new, coverage, rows)
            facts = _facts(release_id, charter, previous, content, passed, day, at)
            write_page(connection, folder / shelf.PAGE, facts, charter)
        (folder / shelf.FACTS).write_text(
            json.dumps(facts, indent=1, sort_keys=True) + "\n", encoding="utf-8"
        )
        shelf.put(folder, places.releases, release_id)
    return release_id


def _evidence(installation: Installation, release_id: str, day: date) -> Callable[[Attacked], None]:
    """Return what keeps all that the adversary tried on a release, and writes the DPO's report on it."""
    places, charter = installation.places, installation.charter
    return partial(
        risk.keep,
        places,
        release_id,
        day=day,
        threshold=charter.publication.threshold,
        noise=noise.accounts(charter, places.releases, day.year),
    )


def _check(connection: duckdb.DuckDBPyConnection, places: Places, day: date) -> None:
    """Run the Great Expectations suite of each measure; QualityError where a critical rule is broken."""
    for measure in MEASURES:
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {measure.name} AS SELECT * FROM fresh.{measure.name}"  # noqa: S608
        )
        verdict = quality.check(
            connection, measure.name, suite=measure.name, expectations=places.expectations
        )
        quality.keep(verdict, places.verdicts(day), "release")  # for the night's report, passed or not
        quality.require(verdict)


def _coverage(releases: Path, previous: Path | None, new: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return the state of each measure in each period, old and new."""
    covered: list[tuple[str, str, str]] = []
    if previous is not None:
        with database.reading(previous) as connection:
            covered = connection.execute(f"SELECT period, measure, state FROM {database.COVERAGE}").fetchall()  # noqa: S608
    for period in new:
        shown = staging.shown_period(period)
        covered += [(shown, measure, state) for measure, state in staging.states(releases, period).items()]
    return covered


def _facts(
    release_id: str, charter: Charter, previous: Path | None, content: _Content, passed: gate.Passed,
    day: date, at: datetime,
) -> dict[str, Any]:  # fmt: skip
    """Return what release.json says: ids, counts and thresholds."""
    before: dict[str, Any] = {"sequence": 0, "release_id": None, "staged": []}
    before |= shelf.facts(previous) if previous else {}
    states = Counter(state for _period, _measure, state in content.coverage)
    return {
        "release_id": release_id,
        "sequence": before["sequence"] + 1,
        "previous": before["release_id"],
        "published_on": day.isoformat(),
        "published_at": at.isoformat(timespec="seconds"),
        "site": charter.controller.site,
        "time_zone": charter.time_zone,
        "charter_version": charter.version,
        "thresholds": {
            "people_behind_a_number": charter.publication.threshold,
            "rounding": charter.publication.rounding,
            "dominance_people": charter.publication.dominance_people,
            "dominance_share": charter.publication.dominance_share,
            "dominance_closeness": charter.publication.dominance_closeness,
            "most_hits_of_a_visitor_a_day": MOST_HITS_OF_A_VISITOR,
            "most_messages_of_a_person_a_month": MOST_MESSAGES_OF_A_PERSON,
            "most_requests_of_a_person_a_year": MOST_REQUESTS_OF_A_PERSON,
        },
        "noise": noise.facts(charter),
        "rows": dict(content.rows),
        "periods": sorted({period for period, _measure, _state in content.coverage}),
        "staged": sorted({*before["staged"], *content.new}),
        "published": states[staging.PUBLISHED],
        "published_with_noise": states[staging.NOISY],
        "suppressed": states[staging.SUPPRESSED],
        "gate": {"rules": list(gate.RULES), **asdict(passed)},
    }


@contextmanager
def _faults_without_values() -> Iterator[None]:
    """Turn what DuckDB or the disk refuses into an error without a value: it may be unfit to show."""
    try:
        yield
    except duckdb.Error as error:
        raise DisclosureError(
            f"the release could not be built ({type(error).__name__}), and the one before it stays in force: "
            "check disk space and the folder of releases, and run again."
        ) from None
    except OSError as error:
        raise unwritable(error) from None


def _in_force(releases: Path, new: Sequence[str]) -> Release:
    folder = shelf.newest(releases)
    if folder is None:
        return Release(NO_RELEASE, False, dict.fromkeys((m.name for m in MEASURES), 0), (), (), 0)
    facts = shelf.facts(folder)
    return Release(
        facts["release_id"],
        bool(new),
        facts["rows"],
        _days(facts["staged"]),
        _days(new),
        facts["suppressed"],
    )


def _days(periods: Sequence[str]) -> tuple[date, ...]:
    return tuple(date.fromisoformat(period) for period in periods if _DAY.fullmatch(period))
