"""The page that was asked for, without what a person may have put into its address.

The query goes, but for the campaign parameters that the charter lists; `;parameters` go; of the path,
segments that may point to a person are masked (`masks.py`). In bulk: a path made of plain words passes
in SQL (`scrub.sql`), only the others come here, each distinct one once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote_plus

import pyarrow as pa

from pipelines.traffic.escapes import unescape
from pipelines.traffic.masks import MASKED, mask

MALFORMED = "(malformed)"
PROXY = "(proxy)"
CAMPAIGN_COLUMNS = {
    "utm_source": "campaign_source",
    "utm_medium": "campaign_medium",
    "utm_campaign": "campaign_name",
}
LONGEST_PATH = 400
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


def scrub_path(path: str) -> str:
    """Return `path` (no query) with every segment masked that may point to a person.

    An absolute address gives its path; "(proxy)" where it asks for another host and port (CONNECT),
    "(malformed)" where it is no address at all.
    """
    path = unescape(path)
    if path == "*":
        return path
    absolute = _ABSOLUTE.match(path)
    if absolute:
        path = path[absolute.end() :] or "/"
    path = path.partition("?")[0].partition("#")[0]
    if not path.startswith("/"):
        return PROXY if re.fullmatch(r"\[?[A-Za-z0-9.:-]+\]?:\d{1,5}", path) else MALFORMED
    return _shortened("/".join(mask(segment.partition(";")[0]) for segment in path.split("/")))


def campaign(query: str, parameters: Iterable[str]) -> dict[str, str | None]:
    """Return column → value for the campaign `parameters` that `query` holds, masked like a segment."""
    found: dict[str, str | None] = dict.fromkeys(CAMPAIGN_COLUMNS.values())
    wanted = {name: CAMPAIGN_COLUMNS[name] for name in parameters}
    for pair in re.split("[&;]", unescape(query).partition("#")[0]):
        name, _, value = pair.partition("=")
        if value and name in wanted and found[wanted[name]] is None:
            found[wanted[name]] = _campaign_value(value)
    return found


def scrubbed_paths(paths: Iterable[str]) -> pa.Table:
    """Return a table raw_path → path."""
    raw = list(paths)
    return pa.table(
        {
            "raw_path": pa.array(raw, pa.string()),
            "path": pa.array([scrub_path(path) for path in raw], pa.string()),
        }
    )


def campaigns(queries: Iterable[str], parameters: Iterable[str]) -> pa.Table:
    """Return a table query → campaign_source, campaign_medium, campaign_name."""
    raw, names = list(queries), tuple(parameters)
    found = [campaign(query, names) for query in raw]
    columns = {
        column: pa.array([row[column] for row in found], pa.string()) for column in CAMPAIGN_COLUMNS.values()
    }
    return pa.table({"query": pa.array(raw, pa.string()), **columns})


def _campaign_value(value: str) -> str:
    return MASKED if mask(value) == MASKED else unquote_plus(value)


def _shortened(path: str) -> str:
    if len(path) <= LONGEST_PATH:
        return path
    return f"{path[:LONGEST_PATH].rpartition('/')[0]}/{MASKED}"
