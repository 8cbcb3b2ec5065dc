"""A portion of numbers → hits as the catalog declares them, everything that points to a person replaced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines import catalog
from pipelines.traffic.pseudonym import Bytes, Mask, Numbers, Pseudonymised, numbers
from pipelines.traffic.staging import Portion
from pipelines.traffic.texts import Texts

if TYPE_CHECKING:
    import pandas as pd

MALFORMED = "(malformed)"
_UNKNOWN = "(unknown)"  # a format without user agents says nothing of browser or robot
_FEW = 256  # so many different texts are kept as numbers of one byte
# column of hits → table of texts, number of the text, and what stands where there is none
_WORDS = {
    "method": ("methods", "method_no", None),
    "path": ("paths", "path_no", MALFORMED),
    "referrer_domain": ("referrers", "referrer_no", None),
    "campaign_source": ("queries", "query_no", None),
    "campaign_medium": ("queries", "query_no", None),
    "campaign_name": ("queries", "query_no", None),
    "browser": ("agents", "agent_no", _UNKNOWN),
    "browser_version": ("agents", "agent_no", None),
    "system": ("agents", "agent_no", _UNKNOWN),
    "device": ("agents", "agent_no", "other"),
    "country": ("callers", "caller_no", None),
}
_UUID_BYTES = 16
_WHOLE = f"V{_UUID_BYTES}"
_MOST_GOOD = 200_000  # texts that are remembered
_FEW_DAYS = 2  # more of them are copied: each day is a query


class Decoder:
    """Shows portions on a connection as `staged_hits`, and as `known_texts` what is not known to be good."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._good: dict[str, set[str]] = {column: set() for column in _WORDS}
        self._shown: dict[str, list[str]] = {}

    def note_good(self) -> None:
        """Remember that no text of the portion shown last broke a rule: it need not be judged again."""
        if sum(map(len, self._good.values())) > _MOST_GOOD:
            self._good = {column: set() for column in _WORDS}
        for column, texts in self._shown.items():
            self._good[column].update(texts)

    def show(self, portion: Portion, who: Pseudonymised, loads: Mapping[int, UUID]) -> None:
        """Show the hits of the files that are in `loads` (file_no → load_id), those of one address together.

        `who` is behind each hit of `portion`. `coded_hits` are the same as `staged_hits`, with texts of
        which there are few as numbers (ENUM).
        """
        order = _order(portion.hits, who, loads)
        hits = portion.hits.take(order)
        number = {name: numbers(hits[name]) for name in hits.column_names if name.endswith("_no")}
        words = _words(portion.texts, number)
        figures = hits.select(["line", "hit_at", "hit_on", "status", "sent_bytes", "is_objecting"])
        is_known, is_bot = who.is_known[order], _is_bot(portion.texts, number["agent_no"])
        for name, column in (
            ("load_id", _uuids(_load_ids(loads, number["file_no"]))),
            ("visitor", _uuids(_picked(who.visitor, order), is_known)),
            ("address", _uuids(_picked(who.address, order), is_known)),
            ("is_bot", pa.array(is_bot)),
        ):
            figures = figures.append_column(name, column)
        self._connection.register("words_given", words)  # each query of it would look at all texts again
        self._connection.execute("CREATE OR REPLACE TEMP TABLE words AS FROM words_given")
        self._connection.unregister("words_given")
        self._connection.register("figures", figures)
        self._shown = {
            column: [text for text in _texts_of(words[column]) if text not in self._good[column]]
            for column in _WORDS
        }
        self._connection.register("known_texts", _side_by_side(self._shown))
        self._show(words, days=pc.count_distinct(hits["hit_on"]).as_py())

    def _show(self, words: pd.DataFrame, *, days: int) -> None:
        kind, name = ("TABLE", "hits_copied") if days > _FEW_DAYS else ("VIEW", "hits_together")
        few = [column for column in _WORDS if len(words[column].cat.categories) <= _FEW]
        shown = _columns(column for column in _WORDS if column not in few)
        self._connection.execute("DROP TABLE IF EXISTS hits_copied")
        self._connection.execute(
            f"CREATE OR REPLACE TEMP {kind} {name} AS SELECT {shown} FROM figures POSITIONAL JOIN words"  # noqa: S608 constants
        )
        self._connection.execute(f"CREATE OR REPLACE TEMP VIEW coded_hits AS FROM {name}")
        self._connection.execute(
            f"CREATE OR REPLACE TEMP VIEW staged_hits AS SELECT {_columns(few)} FROM coded_hits"  # noqa: S608 constants
        )


def _columns(texts: Iterable[str]) -> str:
    """Return the columns of a hit for a SELECT, `texts` of them as text and the others as they are."""
    as_text = set(texts)
    names = (*catalog.table("hits").column_names, "hit_on")
    return ", ".join(f"CAST({name} AS VARCHAR) AS {name}" if name in as_text else name for name in names)


def _order(hits: pa.Table, who: Pseudonymised, loads: Mapping[int, UUID]) -> Numbers:
    """Return the rows of `hits` that are of `loads`, by day, address and time."""
    rows = np.flatnonzero(np.isin(hits["file_no"].to_numpy(), list(loads)))
    instants = hits["hit_at"].cast(pa.int64()).to_numpy()[rows]
    if (instants[1:] < instants[:-1]).any():  # mostly they are in the order of time already
        rows = rows[np.argsort(instants, kind="stable")]
    # one number to sort by: the beginning of the address, and after it the place
    place = np.ascontiguousarray(who.address[:, :8]).view(">u8").ravel()[rows].astype(np.uint64)
    bits = np.uint64(len(rows).bit_length())
    keys = np.sort((place >> bits << bits) | np.arange(len(rows), dtype=np.uint64))
    rows = rows[(keys & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64)]
    days = hits["hit_on"].cast(pa.int32()).to_numpy()[rows]
    order: Numbers = rows[np.argsort(days, kind="stable")] if len(days) and np.ptp(days) else rows
    return order


def _words(texts: Texts, number: Mapping[str, Numbers]) -> pd.DataFrame:
    """Return the texts of hits, each once for each column that it stands in."""
    import pandas as pd  # noqa: PLC0415 half a second, while the next portion is read

    codes, named = {}, {}
    for column, (table, numbered, absent) in _WORDS.items():
        encoded = getattr(texts, table)[column].combine_chunks().dictionary_encode()
        words = [*encoded.dictionary.to_pylist(), absent]
        of_texts = np.append(
            pc.fill_null(encoded.indices, -1).to_numpy(), -1 if absent is None else len(words) - 1
        )
        codes[column], named[column] = of_texts[number[numbered]], words
    malformed = [code for code, path in enumerate(named["path"]) if path == MALFORMED]
    codes["method"][np.isin(codes["path"], malformed)] = -1
    return pd.DataFrame(
        {column: _categorical(found, named[column]) for column, found in codes.items()}, copy=False
    )


def _categorical(codes: npt.NDArray[Any], words: Sequence[str | None]) -> pd.Categorical:
    """Return `codes` (-1: none) with those of `words` that they mean, and no other."""
    import pandas as pd  # noqa: PLC0415 as above

    is_used = np.bincount(codes + 1, minlength=len(words) + 1)[1:] > 0
    used = list(dict.fromkeys(word for word, here in zip(words, is_used, strict=True) if here))
    place = {word: number for number, word in enumerate(used)}
    new = np.array([place.get(word, -1) for word in words] + [-1], np.int32)
    # an ENUM has one value at least
    return pd.Categorical.from_codes(new[codes], categories=pd.Index(used or [MALFORMED], dtype=object))


def _texts_of(column: pd.Series[Any]) -> list[str]:
    """Return the texts that stand in `column`: its only value may be one that does not."""
    texts: list[str] = column.cat.categories.tolist()
    return texts if len(texts) > 1 or column.notna().any() else []


def _is_bot(texts: Texts, agent_no: Numbers) -> Mask:
    is_bot = texts.agents["is_bot"].to_numpy().astype(np.bool_)
    found: Mask = np.append(is_bot, False)[agent_no]
    return found


def _picked(pseudonyms: Bytes, rows: Numbers) -> Bytes:
    """Return the rows of `pseudonyms`, each moved as one value: in a tenth of the time of its bytes."""
    return pseudonyms.view(_WHOLE).ravel()[rows].view(np.uint8).reshape(-1, _UUID_BYTES)


def _load_ids(loads: Mapping[int, UUID], file_no: Numbers) -> Bytes:
    files = np.array(sorted(loads), np.int64)
    ids = np.frombuffer(b"".join(loads[number].bytes for number in files.tolist()), np.uint8)
    return _picked(ids, np.searchsorted(files, file_no))


def _uuids(content: Bytes, is_valid: Mask | None = None) -> pa.Array[Any]:
    bits = None if is_valid is None else pa.array(is_valid).buffers()[1]
    stored = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(_UUID_BYTES), len(content), [bits, pa.py_buffer(content.data)]
    )
    return pa.ExtensionArray.from_storage(pa.uuid(), stored)


def _side_by_side(texts: Mapping[str, Sequence[str]]) -> pa.Table:
    """Return a table with `texts` in columns of their names, and nulls below."""
    longest = max(map(len, texts.values()))
    return pa.table(
        {
            name: pa.array([*found, *[None] * (longest - len(found))], pa.string())
            for name, found in texts.items()
        }
    )
