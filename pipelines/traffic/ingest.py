"""The story of a batch of landing files: read → parse → derive → validate → seal → remove from landing.

Run again after a kill at any moment, it ends with the same hits: the segment of the day of receipt is
sealed last and commits the batch; what was sealed before it is recognised by its load.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from pipelines.errors import LandingError
from pipelines.files import locked
from pipelines.installation import Installation
from pipelines.ledger import Ledger
from pipelines.periods import oldest_kept
from pipelines.quality import check, keep, require
from pipelines.traffic import sealing
from pipelines.traffic.accounting import Outcome, Reading, count_lines, outcome_of
from pipelines.traffic.known import Earlier, Known, read_committed, read_known
from pipelines.traffic.landing import Delivery, discard, in_order, pieces
from pipelines.traffic.lines import LineReader
from pipelines.traffic.parse import Window
from pipelines.traffic.quarantine import quarantine
from pipelines.traffic.staging import Staging
from pipelines.vault import Keyring, Workshop

_MEMORY_MB = 512  # for DuckDB; what does not fit is spilled, encrypted
_WAIT_SECONDS = 6 * 3600.0  # for another batch of the same source


def take_in(
    installation: Installation,
    files: Sequence[Delivery],
    *,
    day: date,
    at: datetime,
    record: Callable[[list[Outcome]], None] = lambda _outcomes: None,
) -> list[Outcome]:
    """Take the landing `files` into the vault on the local day `day`; return what became of each.

    `record` is told the outcomes once they are certain and before any file is removed, so that a kill
    cannot lose them.

    A file that cannot be read whole stays in landing, with its error, and the others go on. Files that
    may be copies of each other are to be in one call, as `batches` gives them.
    QualityError, and nothing stored, where a critical rule is broken.
    """
    with _claimed(installation, files), installation.vault.workshop(memory_mb=_MEMORY_MB) as workshop:
        workshop.open(*(installation.vault.stores("traffic") or [f"traffic/{day}"]))
        committed = read_committed(workshop.connection, [file.delivery_id for file in files])
        # A killed run had taken these in, but not removed them.
        outcomes = {
            id_: outcome_of(file, past.load_id, past.counts, past.days, resumed=True)
            for file in files
            if (past := committed.get(id_ := file.delivery_id)) is not None
        }
        fresh = [file for file in in_order(files) if file.delivery_id not in committed]
        readings, failures = _read(installation, workshop, fresh, window(installation, day=day, at=at))
        if readings:
            _seal(installation, workshop, readings, day=day)
        outcomes |= failures | {reading.delivery.delivery_id: reading.outcome() for reading in readings}
    record([outcomes[file.delivery_id] for file in files])
    return [_removed(installation, file, outcomes[file.delivery_id]) for file in files]


def window(installation: Installation, *, day: date, at: datetime) -> Window:
    """Return which local days are taken in on `day`: none that is expired, purged, or in the future."""
    charter = installation.charter
    tolerance = timedelta(hours=charter.traffic.future_tolerance_hours)
    latest = (at + tolerance).astimezone(ZoneInfo(charter.time_zone)).date()
    oldest = oldest_kept(charter.retention["traffic"].period, day)
    return Window(
        zone=charter.time_zone,
        latest=max(latest, day + tolerance),
        oldest=max([oldest, *_purged_before(installation.ledger)]),
    )


def _purged_before(ledger: Ledger) -> Iterator[date]:
    """Yield the cut-offs of purges: what they removed does not come back with an old log."""
    for entry in ledger.entries("purge_verified"):
        if "traffic_before" in entry.facts:
            yield date.fromisoformat(str(entry.facts["traffic_before"]))


@contextmanager
def _claimed(installation: Installation, files: Sequence[Delivery]) -> Iterator[None]:
    """Keep other batches of the same sources waiting: they must know what this one brings."""
    key = installation.keyring.derive("fingerprint", "traffic source")
    names = {hmac.digest(key, file.source.encode(), "sha256").hex()[:16] for file in files}
    with ExitStack() as stack:
        for name in sorted(names):
            lock = installation.vault.root / "locks" / f"source-{name}.lock"
            stack.enter_context(locked(lock, wait_seconds=_WAIT_SECONDS))
        yield


def _read(
    installation: Installation, workshop: Workshop, files: Sequence[Delivery], window: Window
) -> tuple[list[Reading], dict[UUID, Outcome]]:
    """Stage the lines of `files`; return what was read, and the outcome of each that could not be."""
    known, boundaries = read_known(workshop.connection), read_known(workshop.connection)
    staging = Staging(workshop.connection, installation.keyring, installation.charter.traffic, window)
    readings: list[Reading] = []
    failures: dict[UUID, Outcome] = {}
    for file_no, file in enumerate(files):
        try:
            reading = _read_file(installation, staging, boundaries, file_no, file)
        except LandingError as error:
            failures[file.delivery_id] = Outcome(file.delivery_id, None, file.shown_name, error=str(error))
        else:
            readings.append(reading)
            boundaries.add(file.source, _as_earlier(reading))
    staging.flush()
    _find_duplicates(readings, known, staging.is_refused)
    return readings, failures


def _read_file(
    installation: Installation, staging: Staging, boundaries: Known, file_no: int, file: Delivery
) -> Reading:
    reader = LineReader(installation.charter.traffic.max_line_bytes, boundaries.of(file.source))
    for block in reader.blocks(pieces(file)):
        staging.add(file_no, block)
    load_id = _load_id(installation.keyring, file.source, reader.extent.content_digest)
    return Reading(file_no, file, load_id, reader.extent)


def _find_duplicates(
    readings: Sequence[Reading], known: Known, is_refused: Callable[[int, int], bool]
) -> None:
    """Find in each of `readings` what earlier files brought, those before it in the batch included."""
    for reading in readings:
        source, extent = reading.delivery.source, reading.extent
        same = known.same(source, extent)
        if same is not None:
            reading.duplicates, reading.tail_digest = extent.lines, same.tail_digest
            continue
        reading.duplicates = known.duplicates(source, extent)
        if extent.tail_digest is not None and not is_refused(reading.file_no, extent.lines):
            reading.tail_digest = extent.tail_digest
        known.add(source, _as_earlier(reading))


def _as_earlier(reading: Reading) -> Earlier:
    extent = reading.extent
    return Earlier(extent.content_digest, extent.complete_bytes, extent.complete_digest, reading.tail_digest)


def _load_id(keyring: Keyring, source: str, content_digest: bytes) -> UUID:
    key = keyring.derive("fingerprint", "traffic load")
    return UUID(bytes=hmac.digest(key, content_digest + source.encode(), "sha256")[:16])


def _seal(installation: Installation, workshop: Workshop, readings: list[Reading], *, day: date) -> None:
    connection, keyring = workshop.connection, installation.keyring
    loads = [reading.load_id for reading in readings]
    sealing.show_staged(connection, readings)
    verdict = check(
        connection, "staged_hits", "hits", expectations=installation.places.expectations,
        key=("load_id", "line"), failing="failing",
    )  # fmt: skip
    keep(verdict, installation.places.verdicts(day), sealing.segment_name(keyring, "batch", loads))
    require(verdict)
    quarantine(connection, readings, installation.charter.traffic.max_line_bytes)
    sealing.show_accepted(connection)
    count_lines(connection, readings)
    for reading in readings:
        reading.outcome()  # raises where the lines do not add up, before anything is sealed
    sealing.seal_days(workshop, keyring, received_on=day)
    sealing.commit(workshop, keyring, readings, received_on=day)


def _removed(installation: Installation, file: Delivery, outcome: Outcome) -> Outcome:
    if outcome.error is not None:
        return outcome
    return replace(outcome, error=discard(file, installation.places, installation.keyring))
