"""Where the fields of log lines are judged: which are hits, which are refused, and why (`judge.sql`)."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.traffic.formats import Format
from pipelines.traffic.window import Window

NOT_OF_THE_FORMAT = "not_a_log_line"
_SQL = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


def judge(connection: duckdb.DuckDBPyConnection, format_: Format, window: Window) -> None:
    """Fill the temporary table `judged` from the registered relation `landed`, one row a line."""
    query = _SQL.replace("{fields}", format_.fields_sql)
    bounds = {"zone": window.zone, "latest": window.latest, "oldest": window.oldest}
    connection.execute(query, {**bounds, **format_.parameters})
