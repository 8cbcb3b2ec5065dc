"""The gate: let the adversary loose on a release before anyone sees it, and refuse it where he succeeds.

It knows only what a reader will know: the finished release and the ones before it. It fails closed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from pipelines.charter import Charter
from pipelines.errors import DisclosureError
from pipelines.places import Places
from pipelines.statistics import risk, staging
from pipelines.statistics.database import attach
from pipelines.statistics.tables import Tables

if TYPE_CHECKING:
    from pipelines.statistics.attack import Attacked, Finding, NameCheck
    from pipelines.vault import Vault

FRESH, _EARLIER = "fresh", "earlier"
RULES = ("small cell", "row twice", "day without total", "total gives back", "contradiction",
         "published period changed", "linked", "personal text", "too exact", "not understood")  # fmt: skip


@dataclass(frozen=True)
class Passed:
    """What the gate looked at, for release.json and the ledger."""

    numbers: int
    hidden_numbers: int
    texts: int
    earlier_releases: int


class RefusedError(DisclosureError):
    """The adversary succeeded: `findings` say where, and how often."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        first, more = findings[0], len(findings) - 1
        others = f" And {more} finding{'s' if more > 1 else ''} more." if more else ""
        super().__init__(
            f"the release is refused: {first.describe()}.{others} The release before it stays in force. Look "
            f"at {first.measure} in releases/.staged, mend the step that let it through, remove the staged "
            "periods at fault, and run again."
        )


def inspect(
    connection: duckdb.DuckDBPyConnection,
    *,
    threshold: int,
    rounding: int,
    earlier: Sequence[Path] = (),
    names: NameCheck | None = None,
    keep: Callable[[Attacked], None] = lambda _attacked: None,
    with_noise: Collection[str] = (),
) -> Passed:
    """Attack the attached release `fresh`; RefusedError names each measure, the rule and how often.

    What an earlier release has shown is not judged again, by new rules perhaps: it must be as it was.
    `names` finds people of the contact store in texts; `keep` gets what was tried and found, either way.
    Only the measures `with_noise` may say so of themselves: of noisy numbers nothing follows exactly.
    """
    from pipelines.statistics import attack  # noqa: PLC0415 the solver takes a second to import

    fresh = attack.Publication(connection, FRESH)
    found: list[Finding] = []
    settled: set[tuple[str, str]] = set()
    for folder in earlier:
        with _attached(connection, folder):
            before = attack.Publication(connection, _EARLIER)
            found += attack.compare(fresh, before)
            settled |= before.covered
    fresh = replace(fresh, settled=frozenset(settled))
    found += attack.noise_that_nobody_asked_for(fresh, with_noise)
    attacked = attack.attack(fresh, attack.Rules(threshold, rounding), names or _nobody).adding(found)
    keep(attacked)
    if attacked.findings:
        raise RefusedError(attacked.findings)
    return Passed(
        attacked.tried_in_all(attack.SINGLING_OUT),
        attacked.tried_in_all(attack.DIFFERENCING),
        attacked.tried_in_all(attack.TEXT),
        len(earlier),
    )


def people_of(vault: Vault) -> NameCheck:
    """Return what finds the people of the sealed contacts and requests in texts; they stay in the vault."""

    def check(texts: Mapping[str, Sequence[str]]) -> Mapping[tuple[str, str], Sequence[str]]:
        from pipelines.statistics.attack.names import known_people  # noqa: PLC0415 as above

        with vault.workshop() as workshop:
            workshop.open("contacts", archive=True)
            workshop.open("rights")
            return known_people(workshop.connection, texts)

    return check


def withhold(releases: Path, findings: Sequence[Finding]) -> bool:
    """Withhold what was found, where it is staged and in no release yet; False where there is nothing."""
    found = {(period, finding.measure) for finding in findings for period in finding.periods}
    withheld = [
        staging.withhold(releases, name, measure)
        for name in staging.staged(releases)
        for period, measure in found
        if staging.shown_period(name) == period
    ]
    return any(withheld)


def witnessed(
    connection: duckdb.DuckDBPyConnection, day: date, found: Tables, *, charter: Charter, places: Places
) -> Tables:
    """Let the adversary count again who is behind the rows of a day, while its hits are `taken`.

    What he saw is kept, in counts. Tables in which a row turns out to be about too few are suppressed.
    """
    from pipelines.statistics.attack.witness import witness  # noqa: PLC0415 as above

    seen = witness(
        connection, day, found.rows, time_zone=charter.time_zone, threshold=charter.publication.threshold
    )
    if seen is None:
        return found
    risk.keep_day(places, day, seen)
    return replace(
        found, rows={name: [] if name in seen.small_rows else rows for name, rows in found.rows.items()}
    )


def _nobody(_texts: Mapping[str, Sequence[str]]) -> Mapping[tuple[str, str], Sequence[str]]:
    """Find nobody in any text: where there are no contacts."""
    return {}


@contextmanager
def _attached(connection: duckdb.DuckDBPyConnection, folder: Path) -> Iterator[None]:
    attach(connection, folder, _EARLIER)
    try:
        yield
    finally:
        connection.execute(f"DETACH {_EARLIER}")
