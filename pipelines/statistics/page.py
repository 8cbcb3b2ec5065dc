"""The web page of a release: one file that needs nothing from outside, works offline and prints."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
from jinja2 import Environment, StrictUndefined, Template

from pipelines.charter import Charter
from pipelines.statistics.chart import Chart, Heat, heat_map, line_chart
from pipelines.statistics.declare import DAY, Measure
from pipelines.statistics.measures import MEASURES, OTHER, WEEKDAYS

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
    """One table of the page: sums over the recent days, or the latest periods; the largest rows first."""

    measure: Measure
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    labels: int
    left_out: int


@functools.cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))


def write_page(
    connection: duckdb.DuckDBPyConnection, path: Path, facts: Mapping[str, Any], charter: Charter
) -> None:
    """Write the page of the attached release `fresh`; `facts` are those of release.json."""
    since, until = _recent(connection)
    page = _template().render(
        facts=facts,
        host=urlsplit(charter.controller.site).hostname or charter.controller.site,
        controller=charter.controller,
        reasons=charter.publication.reasons,
        other=OTHER,
        since=since,
        until=until,
        figures=_figures(connection, since),
        chart=_chart(connection),
        tables=[_table(connection, measure, since) for measure in MEASURES[1:] if measure is not WEEKDAYS],
        week=_week(connection),
        days=_latest_days(connection, since),
        suppressed_days=_suppressed_days(connection),
    )
    path.write_text(page, encoding="utf-8")


def number(value: float | None) -> str:
    """Return a count with thin spaces between thousands, or BLANK."""
    return BLANK if value is None else f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def share(value: float | None) -> str:
    """Return a share in percent, or BLANK."""
    return BLANK if value is None else f"{100 * value:.0f} %"


def _recent(connection: duckdb.DuckDBPyConnection) -> tuple[date | None, date | None]:
    row = connection.execute("SELECT min(day), max(day) FROM fresh.daily").fetchone()
    first, until = row or (None, None)
    return (max(first, until - timedelta(days=RECENT_DAYS - 1)), until) if first and until else (None, None)


def _figures(connection: duckdb.DuckDBPyConnection, since: date | None) -> list[Figure]:
    row = connection.execute(
        "SELECT sum(page_views), bool_or(page_views IS NULL), sum(visits), bool_or(visits IS NULL), "
        "avg(visitors), "
        "100 * sum(bounces) / nullif(sum(visits) FILTER (bounces IS NOT NULL), 0), "
        "sum(page_views) / nullif(sum(visits) FILTER (page_views IS NOT NULL), 0), avg(median_seconds), "
        "sum(sent_bytes) / 1e6 "
        "FROM fresh.daily WHERE day >= $since::DATE",
        {"since": since},
    ).fetchone()
    *totals, visitors, bounced, depth, seconds, megabytes = row or (None,) * 9
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
            "Length of a visit",
            BLANK if seconds is None else f"{number(seconds)} s",
            "visits of two requests or more: the middle of a day, average over the days",
        ),
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
    """Sum a day's measure over the recent days; show the latest weeks, months and years as they are."""
    if measure.period is not DAY:
        return _latest(connection, measure)
    labels = [column.name for column in measure.dimensions]
    counts = [column.name for column in measure.counts] or ["visitors"]
    order = labels if measure.name == "hours" else [f"{counts[0]} DESC", *labels]
    # A sum over days of which some are blank is at least so much: it is marked, not passed off as the whole.
    sums = ", ".join(f"sum({name}) AS {name}, bool_or({name} IS NULL)" for name in counts)
    rows = connection.execute(
        f"SELECT {', '.join(labels)}, {sums} FROM fresh.{measure.name} "  # noqa: S608 declared names
        f"WHERE day >= $since::DATE GROUP BY ALL ORDER BY {', '.join(order)}",
        {"since": since},
    ).fetchall()
    shown = [[*row[: len(labels)], *_sums(row[len(labels) :])] for row in rows[:_ROWS_OF_A_TABLE]]
    # Distinct people of several days do not add up: whoever came on two of them counts on both.
    counts = counts if measure.counts else ["visitor days"]
    return Table(measure, _headings(labels, counts), shown, len(labels), max(0, len(rows) - _ROWS_OF_A_TABLE))


def _latest(connection: duckdb.DuckDBPyConnection, measure: Measure) -> Table:
    """Show the rows of the latest periods, the largest first."""
    labels = [measure.period.name, *(column.name for column in measure.dimensions)]
    numbers = [column for column in measure.columns if column.name not in labels]
    order = [f"{labels[0]} DESC", f"{measure.base} DESC", *labels[1:]]
    names = [column.name for column in numbers]
    rows = connection.execute(
        f"SELECT {', '.join((*labels, *names))} FROM fresh.{measure.name} ORDER BY {', '.join(order)}"  # noqa: S608 declared names
    ).fetchall()
    shown = [
        [
            measure.period_text(row[0]),
            *row[1 : len(labels)],
            *(
                share(cell) if column.unit == "share" else number(cell)
                for column, cell in zip(numbers, row[len(labels) :], strict=True)
            ),
        ]
        for row in rows[:_ROWS_OF_A_TABLE]
    ]
    return Table(measure, _headings(labels, names), shown, len(labels), max(0, len(rows) - _ROWS_OF_A_TABLE))


def _headings(*names: Sequence[str]) -> list[str]:
    return [name.replace("_", " ") for each in names for name in each]


def _week(connection: duckdb.DuckDBPyConnection) -> Heat | None:
    """Return the picture of the hours of the week in the latest month that is over."""
    rows = connection.execute(
        "SELECT month, weekday, hour, hits / days FROM fresh.weekdays "
        "WHERE month = (SELECT max(month) FROM fresh.weekdays)"
    ).fetchall()
    return heat_map(f"{rows[0][0]:%Y-%m}", [row[1:] for row in rows]) if rows else None


def _sums(cells: Sequence[Any]) -> list[str]:
    """Return each sum as text, from pairs of a sum and whether a summand is blank."""
    return [
        number(value) + ("+" if has_blank and value is not None else "")
        for value, has_blank in zip(cells[::2], cells[1::2], strict=True)
    ]


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
