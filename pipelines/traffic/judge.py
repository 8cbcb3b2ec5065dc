"""Where the fields of log lines are judged: which are hits, which are refused, and why (`judge.sql`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from pipelines.traffic.formats import Format, times
from pipelines.traffic.window import Window

NOT_OF_THE_FORMAT = "not_a_log_line"
_SQL = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


def judge(
    connection: duckdb.DuckDBPyConnection, format_: Format, window: Window, objections: Sequence[str] = ()
) -> None:
    """Fill the temporary table `judged` from the registered relation `landed`, one row a line.

    `objections` are the signals of a browser that are an objection to statistics.
    """
    query = _SQL.replace("{fields}", format_.fields_sql)
    bounds = {"zone": window.zone, "latest": window.latest, "oldest": window.oldest}
    said = {"objections": [signal.lower() for signal in objections]}
    bound = {**bounds, **said, **format_.parameters}
    connection.execute(times.quick(query), bound)
    if connection.execute(f"FROM judged WHERE hit_at = {times.UNREAD} LIMIT 1").fetchone():
        connection.execute(query, bound)
