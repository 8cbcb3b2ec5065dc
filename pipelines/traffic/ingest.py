"""The story of a batch of landing files: read → parse → derive → validate → seal → remove from landing.

A portion of some lines after the other, so that a large file costs no more memory than a small one. A
portion is in force whole or not at all. Run again after a kill at any moment, the batch goes on where
the last portion ended, and ends with the same hits.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Self
from uuid import UUID
from zoneinfo import ZoneInfo

import duckdb

from pipelines.files import locked
from pipelines.installation import Installation
from pipelines.ledger import Ledger
from pipelines.periods import oldest_kept
from pipelines.quality import Verdict, check, keep, require
from pipelines.traffic import agents, sealing
from pipelines.traffic.accounting import Outcome, Reading, count_lines, counted, together
from pipelines.traffic.decoding import Decoder
from pipelines.traffic.known import Committed, Earlier, Known, read_known
from pipelines.traffic.landing import Delivery, discard, in_order
from pipelines.traffic.memory import hold_little, leave_alone_what_is_imported
from pipelines.traffic.pseudonym import Pseudonymised, Pseudonyms
from pipelines.traffic.quarantine import quarantine
from pipelines.traffic.reading import Begin, Chunk, End, Files, read_ahead
from pipelines.traffic.staging import Portion, Staging
from pipelines.traffic.window import Window
from pipelines.vault import Workshop

PORTION_LINES = 400_000
MEMORY_MB = 256  # for DuckDB; what does not fit is spilled, encrypted
_LARGE_BYTES = 64 << 20  # of files: more than is read in a second
_WAIT_SECONDS = 6 * 3600.0  # for another batch of the same source

Record = Callable[[list[Outcome]], None]


def take_in(
    installation: Installation,
    files: Sequence[Delivery],
    *,
    day: date,
    at: datetime,
    record: Record = lambda _outcomes: None,
) -> list[Outcome]:
    """Take the landing `files` into the vault on the local day `day`; return what became of each.

    `record` is told what became of each portion once it is in force and before any file is removed, so
    that a kill cannot lose it; it may be told twice.

    A file that cannot be read whole stays in landing, with its error, and the others go on. Files that
    may be copies of each other are to be in one call, as `batches` gives them.
    QualityError, and no more stored, where a critical rule is broken.
    """
    hold_little()
    with (
        claimed(installation, {file.source for file in files}),
        installation.vault.workshop(memory_mb=MEMORY_MB, threads=1, joins_as_written=True) as workshop,
        workshop.beside() as beside,
    ):
        known = _known(installation, workshop, files, day)
        accepted = window(installation, day=day, at=at)
        staging = Staging(workshop.connection, installation, accepted)
        with _Batch(installation, beside, staging, known, day, record) as batch:
            outcomes = batch.take_in(in_order(files), accepted)
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
def claimed(installation: Installation, sources: Iterable[str]) -> Iterator[None]:
    """Keep other batches of the same sources waiting: they must know what this one brings."""
    key = installation.keyring.derive("fingerprint", "traffic source")
    names = {hmac.digest(key, source.encode(), "sha256").hex()[:16] for source in sources}
    with ExitStack() as stack:
        for name in sorted(names):
            lock = installation.vault.root / "locks" / f"source-{name}.lock"
            stack.enter_context(locked(lock, wait_seconds=_WAIT_SECONDS))
        yield


def _known(installation: Installation, workshop: Workshop, files: Sequence[Delivery], day: date) -> Known:
    workshop.open(*(installation.vault.stores("traffic") or [f"traffic/{day}"]))
    known = read_known(workshop.connection, {file.source for file in files})
    workshop.close("traffic")
    return known


class _Batch:
    """The files of one call, a portion after the other: each is sealed while the next is read."""

    def __init__(
        self,
        installation: Installation,
        workshop: Workshop,
        staging: Staging,
        known: Known,
        day: date,
        record: Record,
    ) -> None:
        self._installation, self._workshop, self._staging = installation, workshop, staging
        self._known, self._day, self._record = known, day, record
        self._readings: list[Reading] = []  # of the portion
        self._outcomes: list[Outcome] = []
        self._lines = 0
        self._pseudonyms = Pseudonyms(installation.keyring)
        self._decoder = Decoder(workshop.connection)
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="traffic.sealing")
        self._sealing: Future[list[Outcome]] | None = None

    def __enter__(self) -> Self:
        """Return the batch, whose thread ends with the block."""
        return self

    def __exit__(self, *_exception: object) -> None:
        """Wait until a portion that is being sealed is in force, or has failed."""
        self._pool.shutdown()

    def take_in(self, files: Sequence[Delivery], window: Window) -> dict[UUID, Outcome]:
        """Take in `files`; return what became of each."""
        resumed = [
            _as_outcome(past, file.shown_name)
            for file in files
            for past in self._known.committed(file.delivery_id)
        ]
        # A killed run may have told nothing of what it put in force, and its file may have grown since.
        self._record([_as_outcome(past, "") for past in self._known.received(self._day)])
        done = {file.delivery_id for file in files if self._is_done(file)}
        fresh = [file for file in files if file.delivery_id not in done]
        reader = Files(fresh, self._known, window, self._installation.charter.traffic)
        leave_alone_what_is_imported()
        with read_ahead(reader) as messages:
            if sum(file.size for file in fresh) >= _LARGE_BYTES:
                agents.make_ready()  # while the first lines are read: they do not come at once
            for message in messages:
                self._follow(message)
        self._seal()
        self._settle()
        return together([*resumed, *self._outcomes])

    def _is_done(self, file: Delivery) -> bool:
        return any(past.is_whole for past in self._known.committed(file.delivery_id))

    def _follow(self, message: Begin | Chunk | End) -> None:
        if isinstance(message, Begin):
            self._begin(message)
        elif isinstance(message, Chunk):
            self._add(message)
        else:
            self._end(message)
            message.settled.set()

    def _begin(self, begin: Begin) -> None:
        reading = self._reading(begin.file_no, begin.delivery, begin.known + 1)
        counted = sum(past.counts["read"] for past in self._known.committed(begin.delivery.delivery_id))
        reading.duplicates = begin.known - counted
        self._readings.append(reading)

    def _add(self, chunk: Chunk) -> None:
        reading = self._readings[-1]
        self._staging.add(chunk)
        reading.lines += chunk.lines
        self._lines += chunk.lines
        if chunk.complete is None:  # a portion ends where the file can be recognised
            return
        reading.content = Earlier(*chunk.complete, *chunk.complete, None)
        if self._lines >= PORTION_LINES:
            self._known.add(reading.delivery.source, reading.delivery.head, reading.content)
            self._seal()
            following = reading.first_new + reading.lines
            self._readings.append(self._reading(reading.file_no, reading.delivery, following))

    def _end(self, end: End) -> None:
        if end.error is not None:
            self._fail(end)
            return
        reading, extent = self._readings[-1], end.extent
        # a last line that was known already is what the delivery that brought it says of it
        tail = extent.tail_digest if extent.lines >= reading.first_new else None
        if tail is not None:
            self._staging.flush()
            if self._staging.is_refused(end.file_no, extent.lines):
                tail = None
        reading.content = Earlier(
            extent.content_bytes, extent.content_digest, extent.complete_bytes, extent.complete_digest, tail
        )
        reading.is_whole = True
        self._known.add(reading.delivery.source, reading.delivery.head, reading.content)

    def _fail(self, end: End) -> None:
        """Tell why a file was not taken in; what of it is staged is left out."""
        self._readings = [reading for reading in self._readings if reading.file_no != end.file_no]
        refused = Outcome(end.delivery.delivery_id, None, end.delivery.shown_name, error=str(end.error))
        self._outcomes.append(refused)
        self._record([refused])

    def _reading(self, file_no: int, delivery: Delivery, first_new: int) -> Reading:
        key = self._installation.keyring.derive("fingerprint", "traffic load")
        message = f"{delivery.delivery_id} {first_new}".encode()
        return Reading(file_no, delivery, UUID(bytes=hmac.digest(key, message, "sha256")[:16]), first_new)

    def _seal(self) -> None:
        """Have what is staged checked and put in force, and begin a new portion."""
        readings, self._readings, self._lines = self._readings, [], 0
        portion = self._staging.portion()
        who = self._pseudonyms.of(portion.hits, portion.texts)
        self._settle()
        self._staging.turn()
        if readings:
            self._sealing = self._pool.submit(self._sealed, readings, portion, who)

    def _settle(self) -> None:
        """Wait until the portion that was handed over is in force, and tell of it."""
        if self._sealing is not None:
            outcomes = self._sealing.result()
            self._sealing = None
            self._outcomes += outcomes
            self._record(outcomes)

    def _sealed(self, readings: Sequence[Reading], portion: Portion, who: Pseudonymised) -> list[Outcome]:
        connection, installation = self._workshop.connection, self._installation
        sealing.name_loads(connection, readings)
        self._decoder.show(portion, who, {reading.file_no: reading.load_id for reading in readings})
        name = sealing.segment_name(installation.keyring, [reading.load_id for reading in readings])
        verdict = judged(installation, connection, self._day, name)
        if verdict.quarantined == 0:
            self._decoder.note_good()
        quarantine(connection, readings, installation.charter.traffic.max_line_bytes)
        sealing.show_accepted(connection, has_failing=verdict.quarantined > 0)
        count_lines(connection, readings, portion.expired)
        outcomes = [reading.outcome() for reading in readings]  # raises where lines do not add up
        sealing.seal(self._workshop, installation.keyring, readings, received_on=self._day)
        return outcomes


def judged(
    installation: Installation, connection: duckdb.DuckDBPyConnection, day: date, name: str | None
) -> Verdict:
    """Judge `staged_hits` by the rules of quality, and keep the verdict as `name`, for the report of `day`.

    `failing` names the hits that broke a rule; QualityError where a critical rule is broken.
    """
    verdict = check(
        connection, "staged_hits", "hits", expectations=installation.places.expectations,
        key=("load_id", "line"), failing="failing", texts="known_texts",
    )  # fmt: skip
    if name is not None:
        keep(verdict, installation.places.verdicts(day), name)
    require(verdict)
    return verdict


def _as_outcome(past: Committed, shown_name: str) -> Outcome:
    outcome = counted(past.delivery_id, past.load_id, shown_name, past.counts, past.days)
    return replace(outcome, resumed=True)


def _removed(installation: Installation, file: Delivery, outcome: Outcome) -> Outcome:
    if outcome.error is not None:
        return outcome
    return replace(outcome, error=discard(file, installation.places, installation.keyring))
