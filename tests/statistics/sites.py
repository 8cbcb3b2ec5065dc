"""Small sites: rows made by hand."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from pipelines import catalog

Hit = dict[str, Any]
STORE = "traffic/2026-11-21"
_NAMES = uuid.UUID("00000000-0000-0000-0000-0000000000ff")
_DEFAULTS: Mapping[str, Any] = {
    "method": "GET",
    "path": "/",
    "status": 200,
    "sent_bytes": 100,
    "referrer_domain": None,
    "campaign_source": None,
    "campaign_medium": None,
    "campaign_name": None,
    "browser": "Firefox",
    "browser_version": "140",
    "system": "Linux",
    "device": "desktop",
    "is_bot": False,
    "country": None,
    "is_objecting": False,
}


def pseudonym(who: object) -> uuid.UUID:
    """Return the same pseudonym for the same name."""
    return uuid.uuid5(_NAMES, str(who))


def hit(who: object, at: str = "12:00", **columns: Any) -> Hit:
    """Return one request of `who` (None: no address kept) at a UTC time of 21 November 2026."""
    moment = datetime.fromisoformat(at if "-" in at else f"2026-11-21 {at}")
    address = columns.pop("address", who)
    return {
        **_DEFAULTS,
        "hit_at": moment,
        "visitor": None if who is None else pseudonym(who),
        "address": None if who is None else pseudonym(f"address {address}"),
        **columns,
    }


def crowd(number: int, at: str = "12:00", name: str = "v", **columns: Any) -> list[Hit]:
    """Return one request of each of `number` visitors."""
    return [hit(f"{name}{index}", at, **columns) for index in range(number)]


def as_arrow(table: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return `rows` as an Arrow table whose UUIDs are text."""
    names = [column.name for column in catalog.table(table).columns]
    return pa.table({name: [_plain(row.get(name)) for row in rows] for name in names})


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, uuid.UUID) else value


def numbered(hits: Iterable[Hit], load: object = "load") -> list[Hit]:
    """Return the hits with the place that they had in their load."""
    return [{**row, "load_id": pseudonym(load), "line": line} for line, row in enumerate(hits, start=1)]


def select(table: str, source: str) -> str:
    """Return a SELECT of the catalog's columns, in the catalog's types."""
    columns = ", ".join(f"{c.name}::{c.type} AS {c.name}" for c in catalog.table(table).columns)
    return f"SELECT {columns} FROM {source}"


@st.composite
def random_sites(draw: st.DrawFn, most_requests: int = 70) -> list[Hit]:
    """Return a day of a few homes, with phones and laptops, known and unknown, and one robot."""
    requests = draw(
        st.lists(
            st.tuples(
                st.sampled_from([*range(18), None]),
                st.sampled_from(["phone", "laptop"]),
                st.integers(0, 90),
                st.sampled_from(["/", "/x", "/y/z", "/y/w", "/a.css", "/p/123456789"]),
                st.sampled_from([200, 200, 200, 304, 301, 404, 500, None]),
                st.sampled_from([None, "bing.com", "rare.org"]),
            ),
            max_size=most_requests,
        )
    )
    start = datetime.fromisoformat("2026-11-21 09:00")
    return [
        hit(
            None if home is None else f"{home} {device}",
            str(start + timedelta(minutes=5 * step)),
            address=home, path=path, status=status, referrer_domain=domain, device=device,
            is_bot=home == 17, sent_bytes=None if status is None else step,
            country=None if home is None else "FR" if home % 3 else "BE",
        )
        for home, device, step, path, status, domain in requests
    ]  # fmt: skip
