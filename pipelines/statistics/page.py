"""The web page of a release: one file that needs nothing from outside, works offline and prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
from jinja2 import Environment, StrictUndefined

from pipelines.charter import Charter
from pipelines.statistics.chart import Chart, line_chart
from pipelines.statistics.measures import MEASURES, OTHER, Measure

RECENT_DAYS = 28
BLANK = "\N{EN DASH}"
_ROWS_OF_A_TABLE = 25
_TEMPLATE = Path(__file__).with_name("page.html")


@dataclass(frozen=True)
class Figure:
    """One headline figure; `value` is BLANK where it is on every day."""

    name: str
    value: str
    explanation: str


@dataclass(frozen=True)
class Table:
    """One table of the page: sums over the recent days, or the latest months; the largest rows first."""

    measure: Measure
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    labels: int
    left_out: int


def write_page(
    connection: duckdb.DuckDBPyConnection, path: Path, facts: Mapping[str, Any], charter: Charter
) -> None:
    """Write the page of the attached release `fresh`; `facts` are those of release.json."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    since, until = _recent(connection)
    page = template.render(
        facts=facts,
        host=urlsplit(charter.controller.site).hostname or charter.controller.site,
        controller=charter.controller,
        reasons=charter.publication.reasons,
        other=OTHER,
        since=since,
        until=until,
        figures=_figures(connection, since),
        chart=_chart(connection),
        tables=[_table(connection, measure, since) for measure in MEASURES[1:]],
        days=_latest_days(connection, since),
        suppressed_days=_suppressed_days(connection),
    )
    path.write_text(page, encoding="utf-8")


def number(value: float | None) -> str:
    """Return a count with thin spaces between thousands, or BLANK."""
    return BLANK if value is None else f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _recent(connection: duckdb.DuckDBPyConnection) -> tuple[date | None, date | None]:
    row = connection.execute("SELECT max(day) FROM fresh.daily").fetchone()
    until = row[0] if row else None
    return (until - timedelta(days=RECENT_DAYS - 1), until) if until else (None, None)


def _figures(connection: duckdb.DuckDBPyConnection, since: date | None) -> list[Figure]:
    row = connection.execute(
        "SELECT sum(page_views), bool_or(page_views IS NULL), sum(visits), bool_or(visits IS NULL), "
        "avg(visitors), "
        "100 * sum(bounces) / nullif(sum(visits) FILTER (bounces IS NOT NULL), 0), "
        "sum(page_views) / nullif(sum(visits) FILTER (page_views IS NOT NULL), 0), sum(sent_bytes) / 1e6 "
        "FROM fresh.daily WHERE day >= $since::DATE",
        {"since": since},
    ).fetchone()
    *totals, visitors, bounced, depth, megabytes = row or (None,) * 8
    views, visits = _sums(totals)
    return [
        Figure("Page views", views, "pages fetched with success"),
        Figure("Visits", visits, "requests of one visitor less than 30 minutes apart"),
        Figure("Visitors a day", number(visitors), "distinct visitors, average over the days"),
        Figure(
            "Bounce rate",
            BLANK if bounced is None else f"{bounced:.0f} %",
            "visits that saw exactly one page",
        ),
        Figure("Pages per visit", BLANK if depth is None else f"{depth:.1f}", "page views divided by visits"),
        Figure(
            "Sent",
            BLANK if megabytes is None else f"{number(megabytes)} MB",
            "size of the answers, the largest bounded",
        ),
    ]


def _chart(connection: duckdb.DuckDBPyConnection) -> Chart | None:
    days = connection.execute("SELECT day, page_views, visitors FROM fresh.daily ORDER BY day").fetchall()
    return line_chart(days, ("Page views", "Visitors")) if days else None


def _table(connection: duckdb.DuckDBPyConnection, measure: Measure, since: date | None) -> Table:
    """Sum a measure's rows over the recent days; distinct people do not add up and are left out."""
    labels = [column.name for column in measure.dimensions]
    counts = [column.name for column in measure.counts]
    order = labels if measure.name == "hours" else [f"{counts[0]} DESC", *labels]
    # A sum over days of which some are blank is at least so much: it is marked, not passed off as the whole.
    sums = ", ".join(f"sum({name}) AS {name}, bool_or({name} IS NULL)" for name in counts)
    if measure.period.name == "month":
        labels, order = ["month", *labels], ["month DESC", *order]
        sums += ", sum(people) AS people, false"
        counts, since = [*counts, "people"], date.min
    rows = connection.execute(
        f"SELECT {', '.join(labels)}, {sums} FROM fresh.{measure.name} "  # noqa: S608 declared names
        f"WHERE {measure.period.name} >= $since::DATE GROUP BY ALL ORDER BY {', '.join(order)}",
        {"since": since},
    ).fetchall()
    shown = [
        [*(_label(cell) for cell in row[: len(labels)]), *_sums(row[len(labels) :])]
        for row in rows[:_ROWS_OF_A_TABLE]
    ]
    headings = [name.replace("_", " ") for name in (*labels, *counts)]
    return Table(measure, headings, shown, len(labels), max(0, len(rows) - _ROWS_OF_A_TABLE))


def _sums(cells: Sequence[Any]) -> list[str]:
    """Return each sum as text, from pairs of a sum and whether a summand is blank."""
    return [
        number(value) + ("+" if has_blank and value is not None else "")
        for value, has_blank in zip(cells[::2], cells[1::2], strict=True)
    ]


def _label(value: date | str) -> str:
    return f"{value:%Y-%m}" if isinstance(value, date) else value


def _latest_days(connection: duckdb.DuckDBPyConnection, since: date | None) -> list[list[str]]:
    rows = connection.execute(
        "SELECT day, hits, page_views, visits, visitors, bounces, errors, bot_hits FROM fresh.daily "
        "WHERE day >= $since::DATE ORDER BY day DESC",
        {"since": since},
    ).fetchall()
    return [[row[0].isoformat(), *(number(value) for value in row[1:])] for row in rows]


def _suppressed_days(connection: duckdb.DuckDBPyConnection) -> int:
    row = connection.execute(
        "SELECT count(*) FROM fresh.coverage WHERE measure = 'daily' AND state = 'suppressed'"
    ).fetchone()
    return int(row[0]) if row else 0
