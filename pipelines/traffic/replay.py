"""The story of a replay: refused lines, read again by the formats and rules of today, inside the vault.

    claim the sources → find the lines → read and judge → seal what is a hit now → take it out of the rejects

A line that is a hit now is sealed with the load and line that it came with, and that is how a rerun
after a kill knows it: the hits of a portion come into force together, and the rejects are revised after
all of them. What stays refused gets its reason of today. Nothing of a line leaves the vault.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa

from pipelines.errors import VaultError
from pipelines.installation import Installation
from pipelines.traffic import sealing
from pipelines.traffic.decoding import Decoder
from pipelines.traffic.formats import Session
from pipelines.traffic.ingest import MEMORY_MB, PORTION_LINES, claimed, judged, window
from pipelines.traffic.lines import Block
from pipelines.traffic.pseudonym import Pseudonyms
from pipelines.traffic.reading import Chunk
from pipelines.traffic.revising import Replayed, begin_fates, mark_begun, replayed, revise, unended
from pipelines.traffic.sites import named_formats
from pipelines.traffic.staging import CHUNK_BYTES, HITS, Portion, Staging
from pipelines.vault import Workshop

_PIECE_LINES = 65_536
_HERE = Path(__file__).parent
_FILES = (_HERE / "replay_files.sql").read_text(encoding="utf-8")
_ALREADY = (_HERE / "replay_already.sql").read_text(encoding="utf-8")
_REFUSED = (_HERE / "replay.sql").read_text(encoding="utf-8")
_PIECE = (_HERE / "replay_piece.sql").read_text(encoding="utf-8")
_WAITING = (_HERE / "replay_order.sql").read_text(encoding="utf-8")
# What is known of the lines of a portion, and why they are refused.
_SETTLED = (
    "SELECT load_id, line, reason FROM accepted_rejects",
    "SELECT DISTINCT load_id, line, 'quality' AS reason FROM failing",
    "SELECT load_id, line, NULL AS reason FROM accepted_hits",
)
Report = Callable[[int, int], None]  # how many lines are done, of how many


def replay(
    installation: Installation,
    *,
    day: date,
    at: datetime,
    reason: str | None = None,
    is_trial: bool = False,
    report: Report = lambda _done, _of: None,
) -> Replayed:
    """Read the rejects again, all or those of one `reason`, on the local day `day`.

    `is_trial` changes nothing and only tells. QualityError, and no more stored, where a critical rule is
    broken; run again after a kill at any moment, it ends with the same hits.
    """
    with installation.vault.workshop(memory_mb=MEMORY_MB, joins_as_written=True) as workshop:
        sources = _sources(installation, workshop)
        with claimed(installation, () if is_trial else sources):
            found = _Replay(installation, workshop, day, at, is_trial=is_trial)
            found.find(sources, reason)
            found.read(report)
            if not is_trial:
                revise(installation, workshop, day=day, at=at)
            return replayed(workshop.connection)


def finish_replay(installation: Installation, *, day: date, at: datetime) -> None:
    """Take out of the rejects what a replay that was killed had made hits; nothing where none was."""
    if not unended(installation.ledger):
        return
    with installation.vault.workshop(memory_mb=MEMORY_MB, joins_as_written=True) as workshop:
        sources = _sources(installation, workshop)
        with claimed(installation, sources):  # one that still runs is waited for
            if unended(installation.ledger):
                _find_already(installation, workshop, sources)
                workshop.close("traffic")
                revise(installation, workshop, day=day, at=at)


def _open(installation: Installation, workshop: Workshop) -> None:
    stores = installation.vault.stores("traffic")
    workshop.open(*(stores or ["traffic/none"]))


def _sources(installation: Installation, workshop: Workshop) -> list[str]:
    _open(installation, workshop)
    found = workshop.connection.execute("SELECT DISTINCT source FROM deliveries").fetchall()
    workshop.close("traffic")
    return [source for (source,) in found]


_LATE = "hit_on > received_on + CAST($days AS INTEGER)"  # than its receipt


def _find_already(installation: Installation, workshop: Workshop, sources: list[str]) -> None:
    """Open the traffic stores, and note the refused lines that are hits: a killed run had sealed them."""
    _open(installation, workshop)
    workshop.connection.execute(_FILES, {"sources": sources})
    begin_fates(workshop.connection)
    workshop.connection.execute(_ALREADY)


class _Replay:
    """The lines of one run, a portion after the other."""

    def __init__(
        self, installation: Installation, workshop: Workshop, day: date, at: datetime, *, is_trial: bool
    ) -> None:
        self._installation, self._workshop, self._day, self._is_trial = installation, workshop, day, is_trial
        self._at, self._has_begun = at, False
        self._connection = workshop.connection
        self._staging = Staging(workshop.connection, installation, window(installation, day=day, at=at))
        self._named = partial(named_formats, installation.charter.traffic)
        # Lines later than this after their receipt came from the future, and do so still.
        self._tolerance_days = -(-installation.charter.traffic.future_tolerance_hours // 24)
        self._session: tuple[int, Session] | None = None
        self._pseudonyms = Pseudonyms(installation.keyring)
        self._decoder = Decoder(workshop.connection)
        self._loads: dict[int, UUID] = {}

    def find(self, sources: list[str], reason: str | None) -> None:
        """Find the lines to read again, and those of a killed run that are hits already."""
        _find_already(self._installation, self._workshop, sources)
        self._loads = dict(self._connection.execute("SELECT file_no, load_id FROM files").fetchall())
        self._connection.execute(_REFUSED, {"reason": reason})
        self._connection.execute(_WAITING)
        self._workshop.close("traffic")

    def read(self, report: Report) -> None:
        """Judge the lines, and seal those that are hits, a portion after the other."""
        count = self._count("SELECT count(*) FROM waiting")
        begin = start = 0
        while start < count:
            stop = self._end_of_piece(start)
            for chunk in self._chunks(start, stop):
                self._staging.add(chunk)
            start = stop
            if start - begin >= PORTION_LINES or start == count:
                self._settle(begin, start)
                begin = start
            report(start, count)

    def _end_of_piece(self, start: int) -> int:
        """Return where the lines from `start` on are as many as are read together."""
        sizes = self._connection.execute(
            "SELECT size FROM waiting WHERE rowid >= ? AND rowid < ? ORDER BY rowid",
            [start, start + _PIECE_LINES],
        ).fetchnumpy()["size"]
        return start + max(1, int(np.searchsorted(np.cumsum(sizes), CHUNK_BYTES)))

    def _chunks(self, start: int, stop: int) -> Iterator[Chunk]:
        """Yield the lines from `start` up to `stop`, each with the format that it is of now."""
        low, high = self._connection.execute(
            "SELECT min(place), max(place) FROM waiting WHERE rowid >= ? AND rowid < ?", [start, stop]
        ).fetchall()[0]
        bounds = {"start": start, "stop": stop, "low": low, "high": high}
        lines = self._connection.execute(_PIECE, bounds).to_arrow_table()
        logs = lines["log_no"].to_numpy()
        for log in np.split(np.arange(len(logs)), np.flatnonzero(np.diff(logs)) + 1):
            yield from self._chunks_of_log(int(logs[log[0]]), lines.slice(int(log[0]), len(log)))

    def _chunks_of_log(self, log_no: int, lines: pa.Table) -> Iterator[Chunk]:
        source = lines["source"][0].as_py()
        if self._session is None or self._session[0] != log_no:
            self._session = log_no, Session(self._named(source))
        for format_, part in self._session[1].parts(_block(lines["raw"])):
            known = lines.slice(part.first_line - 1, len(part)).combine_chunks()
            batch = pa.RecordBatch.from_pydict(
                {
                    "file_no": known["file_no"].combine_chunks(),
                    "line": known["line"].combine_chunks(),
                    "raw": part.lines(),
                    "text": part.texts(),
                }
            )
            yield Chunk(-1, source, len(part), None, ((format_, batch),), None)

    def _settle(self, begin: int, end: int) -> None:
        """Check what is staged, put it in force, and note the fate of the lines from `begin` up to `end`."""
        staged = self._staging.portion()
        self._staging.turn()
        portion = self._refuse_future(staged)
        who = self._pseudonyms.of(portion.hits, portion.texts)
        self._decoder.show(portion, who, self._loads)
        name = secrets.token_hex(16)  # what is in force already is known by its lines, never by this name
        verdict = judged(self._installation, self._connection, self._day, None if self._is_trial else name)
        sealing.show_accepted(self._connection, has_failing=verdict.quarantined > 0)
        self._note_fates(begin, end, portion.expired)
        rows = sealing.hits_by_day(self._connection, self._day)
        if rows and not self._is_trial:
            if not self._has_begun:
                mark_begun(self._installation.ledger, day=self._day, at=self._at)
                self._has_begun = True
            sealing.seal_days(self._workshop, name, rows)

    def _refuse_future(self, portion: Portion) -> Portion:
        """Refuse lines that are later than their receipt: that they are in the past by now proves nothing."""
        days = {"days": self._tolerance_days}
        self._connection.register("arrived", portion.hits)
        self._connection.execute(
            "INSERT INTO staged_rejects SELECT file_no, line, 'future', NULL "  # noqa: S608 constants
            f"FROM arrived JOIN files USING (file_no) WHERE {_LATE}",
            days,
        )
        kept = self._connection.execute(
            f"SELECT arrived.* FROM arrived JOIN files USING (file_no) WHERE NOT ({_LATE})",  # noqa: S608 constants
            days,
        ).to_arrow_table()
        self._connection.unregister("arrived")
        return replace(portion, hits=kept.cast(HITS))

    def _note_fates(self, begin: int, end: int, past: Mapping[int, int]) -> None:
        """Note what became of each line; one that is neither refused nor a hit has expired."""
        here = f"(SELECT * FROM waiting WHERE rowid >= {begin:d} AND rowid < {end:d}) AS w"  # noqa: S608 numbers
        for settled in _SETTLED:
            self._connection.execute(
                "INSERT INTO fates SELECT load_id, line, received_on, "  # noqa: S608 constants
                "CASE WHEN s.reason IS NULL THEN 'accepted' ELSE 'rejected' END, s.reason, w.reason "
                f"FROM {here} JOIN ({settled}) AS s USING (load_id, line)"
            )
        expired = self._count(
            "INSERT INTO fates SELECT load_id, line, received_on, 'expired', NULL, reason "  # noqa: S608 constants
            f"FROM {here} ANTI JOIN fates AS f ON f.load_id = w.load_id AND f.line = w.line"
        )
        if expired != sum(past.values()):
            raise VaultError(
                "the lines read again do not add up: nothing more of them is stored; please report it."
            )

    def _count(self, query: str) -> int:
        row = self._connection.execute(query).fetchone()
        return int(row[0]) if row else 0


def _block(raws: pa.ChunkedArray[Any]) -> Block:
    """Return lines of a log as if they had been read from a file."""
    lines = [line or b"" for line in raws.to_pylist()]
    lengths = np.array([len(line) for line in lines], np.int64)
    starts = np.cumsum(lengths + 1) - lengths - 1
    return Block(1, b"\n".join(lines), starts, lengths, np.zeros(len(lines), np.bool_))
