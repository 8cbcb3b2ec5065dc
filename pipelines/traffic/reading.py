"""Landing files → chunks of lines, read ahead in a thread of its own while DuckDB works on earlier ones.

Lines of a file that earlier deliveries brought are passed over. Lines whose form is beyond doubt are read
here (`regular.py`); the others wait for the SQL of their format.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.charter import TrafficRules
from pipelines.errors import LandingError
from pipelines.landing.content import is_packed
from pipelines.traffic.formats import Format, Session
from pipelines.traffic.formats.clf import COMBINED
from pipelines.traffic.hits import Regular
from pipelines.traffic.known import Known, known_lines
from pipelines.traffic.landing import Delivery, pieces
from pipelines.traffic.lines import Block, Extent, LineReader
from pipelines.traffic.sites import named_formats
from pipelines.traffic.window import Window

_BLOCKS_AHEAD = 16  # of one MiB each at most, while a portion is handed over; what was read of one is smaller
_POLL_SECONDS = 0.1
# A damaged archive may give wrong bytes long before it says so; a larger one is unpacked once to see.
_PORTION_WHEN_PACKED = 8 << 20


@dataclass(frozen=True)
class Chunk:
    """Some lines of the batch's file `file_no` that are new.

    `regular` ones were read already, `others` are for SQL.
    `complete` is where the file stands after them, size and digest; None inside a block.
    """

    file_no: int
    source: str
    lines: int
    regular: Regular | None
    others: tuple[tuple[Format, pa.RecordBatch], ...]
    complete: tuple[int, bytes] | None


@dataclass(frozen=True)
class Begin:
    """A file begins: its first `known` lines were brought before, `chunks` of the others follow."""

    file_no: int
    delivery: Delivery
    known: int


@dataclass(frozen=True)
class End:
    """A file is read whole, or `error` says why not. Whoever reads sets `settled` once it is remembered."""

    file_no: int
    delivery: Delivery
    extent: Extent
    error: LandingError | None = None
    settled: threading.Event = field(default_factory=threading.Event)


Message = Begin | Chunk | End


class Files:
    """The files of a batch, read in order."""

    def __init__(self, files: Sequence[Delivery], known: Known, window: Window, rules: TrafficRules) -> None:
        from pipelines.traffic.regular import Reader

        self._files, self._known, self._reader = files, known, Reader(window)
        self._max_line_bytes, self._named = rules.max_line_bytes, partial(named_formats, rules)

    def messages(self, is_stopped: Callable[[], bool]) -> Generator[Message]:
        """Yield what is in the files; a file that cannot be read ends with its error, and the next begins."""
        last: End | None = None
        for file_no, delivery in enumerate(self._files):
            while last is not None and not last.settled.wait(_POLL_SECONDS):  # it may be a copy of the last
                if is_stopped():
                    return
            reader = LineReader(self._max_line_bytes)
            error: LandingError | None = None
            try:
                yield from self._read(file_no, delivery, reader)
            except LandingError as refused:
                error = refused
            last = End(file_no, delivery, reader.extent, error)
            yield last

    def _read(self, file_no: int, delivery: Delivery, reader: LineReader) -> Iterator[Message]:
        known = known_lines(delivery, self._known.of(delivery), self._max_line_bytes)
        if delivery.size > _PORTION_WHEN_PACKED and is_packed(delivery.path):
            for _piece in pieces(delivery):
                """Unpacked for its checksum alone."""
        yield Begin(file_no, delivery, known)
        session = Session(self._named(delivery.source))
        for block in reader.blocks(pieces(delivery)):
            parts = list(session.parts(block))  # also of lines passed over: a header may stand there
            for format_, part in parts:
                is_last = part is parts[-1][1] and block.data.endswith(b"\n")  # no portion ends in a cut line
                complete = _here(reader.extent) if is_last else None
                new = part.part(max(0, min(len(part), known + 1 - part.first_line)), len(part))
                if len(new):
                    yield self._chunk(file_no, delivery, format_, new, complete)

    def _chunk(
        self,
        file_no: int,
        delivery: Delivery,
        format_: Format,
        block: Block,
        complete: tuple[int, bytes] | None,
    ) -> Chunk:
        regular, rest = None, np.arange(len(block))
        if format_ is COMBINED:
            regular = self._reader.read(block, file_no)
            rest = np.flatnonzero(regular.rest)
        others = ((format_, _landed(file_no, block, rest)),) if len(rest) else ()
        return Chunk(file_no, delivery.source, len(block), regular, others, complete)


@contextmanager
def read_ahead(files: Files) -> Iterator[Iterator[Message]]:
    """Give the messages of `files`, read in a thread of its own; it ends with the block."""
    found: queue.Queue[Any] = queue.Queue(maxsize=_BLOCKS_AHEAD)
    stopped = threading.Event()
    thread = threading.Thread(target=_fill, args=(files, found, stopped), name="traffic.reading", daemon=True)
    thread.start()
    try:
        yield _drain(found)
    finally:
        stopped.set()
        thread.join()


def _fill(files: Files, found: queue.Queue[Any], stopped: threading.Event) -> None:
    last: BaseException | None = None
    try:
        with closing(files.messages(stopped.is_set)) as messages:
            for message in messages:
                if not _put(found, message, stopped):
                    return
    except BaseException as error:  # noqa: BLE001 it is raised where the messages are read
        last = error
    _put(found, last, stopped)


def _put(found: queue.Queue[Any], message: object, stopped: threading.Event) -> bool:
    while not stopped.is_set():
        try:
            found.put(message, timeout=_POLL_SECONDS)
        except queue.Full:
            continue
        return True
    return False


def _drain(found: queue.Queue[Any]) -> Iterator[Message]:
    while (message := found.get()) is not None:
        if isinstance(message, BaseException):
            raise message
        yield message


def _here(extent: Extent) -> tuple[int, bytes]:
    return extent.complete_bytes, extent.complete_digest


def _landed(file_no: int, block: Block, rows: Any) -> pa.RecordBatch:
    """Return the lines `rows` of `block` as SQL reads them."""
    part = block.only(rows)
    if len(rows) < len(block):  # a few lines are not to keep the whole block
        part = part.copied()
    return pa.RecordBatch.from_pydict(
        {
            "file_no": pa.array(np.full(len(rows), file_no, np.int32)),
            "line": pa.array(block.first_line + rows),
            "raw": part.lines(),
            "text": part.texts(),
        }
    )
