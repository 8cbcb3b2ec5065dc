"""A judge with the truth in hand: who really is behind each number that is published, or follows from one.

Written apart from the code that measures and from the adversary: plain SQL over the hits as they were when
their day was measured, one window function for visits, and a set of addresses behind everything.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb
import pyarrow as pa

OTHER = "(other)"
Label = tuple[str, ...]
People = frozenset[str]

_REQUESTS = """
CREATE OR REPLACE TEMP TABLE requests AS
WITH marked AS (
    SELECT *,
        coalesce(browser_version, '(none)') AS version,
        strftime(timezone('Europe/Paris', timezone('UTC', hit_at)), '%H') AS hour,
        (status BETWEEN 200 AND 299 AND status <> 206) OR status = 304 AS is_viewable,
        method = 'GET' AND is_viewable AND NOT regexp_matches(path, '\\.(css|js|png|jpg|ico|svg)$') AS is_page,
        coalesce(hit_at - lag(hit_at) OVER of_visitor >= INTERVAL 30 MINUTE, true) AS begins
    FROM hits WHERE NOT is_bot
    WINDOW of_visitor AS (PARTITION BY visitor ORDER BY hit_at, line)
),
visited AS (
    SELECT *, sum(begins::INT) OVER (PARTITION BY visitor ORDER BY hit_at, line) AS visit FROM marked
),
whole AS (
    SELECT *,
        count(*) FILTER (is_page) OVER of_visit AS depth,
        CASE WHEN count(*) OVER of_visit > 1
            THEN epoch(max(hit_at) OVER of_visit - min(hit_at) OVER of_visit) END AS seconds
    FROM visited
    WINDOW of_visit AS (PARTITION BY visitor, visit)
)
SELECT *,
    CASE
        WHEN campaign_medium IS NOT NULL THEN campaign_medium
        WHEN coalesce(campaign_name, campaign_source) IS NOT NULL THEN 'campaign'
        WHEN referrer_domain IS NULL OR referrer_domain = 'okare.art' THEN 'direct'
        WHEN split_part(referrer_domain, '.', 1) IN ('google', 'bing', 'qwant') THEN 'search'
        WHEN referrer_domain = 'facebook.com' THEN 'social'
        ELSE 'referral'
    END AS medium,
    coalesce(nullif(referrer_domain, 'okare.art'), '(none)') AS domain,
    coalesce(campaign_name, campaign_source, '(none)') AS campaign,
    coalesce(country, '(unknown)') AS land,
    CASE land WHEN 'US' THEN 'North America' WHEN 'BR' THEN 'South America' WHEN 'JP' THEN 'Asia'
        WHEN 'NZ' THEN 'Oceania' WHEN '(unknown)' THEN '(unknown)' ELSE 'Europe' END AS continent,
    CASE WHEN depth <= 2 THEN depth::VARCHAR WHEN depth <= 4 THEN '3-4' WHEN depth <= 9 THEN '5-9' ELSE '10+' END AS pages,
    CASE WHEN seconds IS NULL THEN 'one request' WHEN seconds < 10 THEN '0-9 s' WHEN seconds < 60 THEN '10-59 s'
        WHEN seconds < 300 THEN '1-4 min' WHEN seconds < 900 THEN '5-14 min' ELSE '15+ min' END AS length,
    is_page AND row_number() OVER (PARTITION BY visitor, visit, is_page ORDER BY hit_at, line) = 1 AS is_entry,
    is_page AND row_number() OVER (PARTITION BY visitor, visit, is_page ORDER BY hit_at DESC, line DESC) = 1 AS is_exit
FROM whole
"""


@dataclass(frozen=True)
class Group:
    """Requests that one row is made of, before anything is hidden: what they are called, and who is behind."""

    labels: Sequence[Label]  # from fine to coarse
    number: int  # of the column that each row has
    people: Mapping[str, People]  # column → addresses; "visitors" → those behind the number


def judge(
    release: duckdb.DuckDBPyConnection, truth: Mapping[date, pa.Table], threshold: int, gone: int = 0
) -> list[str]:
    """Return what is about somebody, but too few, in the days of a release; in words.

    `gone` are the visitors who were erased from a day after it was published.
    """
    faults: list[str] = []
    for (day,) in release.execute("SELECT day FROM daily ORDER BY day").fetchall():
        with duckdb.connect() as connection:
            connection.register("hits", truth[day])
            connection.execute(_REQUESTS)
            faults += [f"{day} {fault}" for fault in _of_day(release, connection, day, threshold)]
            faults += [f"{day} {fault}" for fault in _of_steps(release, connection, day, threshold)]
    return faults + list(_of_spans(release, truth, threshold, gone))


def _of_day(
    release: duckdb.DuckDBPyConnection, truth: duckdb.DuckDBPyConnection, day: date, threshold: int
) -> Iterator[str]:
    def few(people: People) -> bool:
        return 0 < len(people) < threshold

    address_of = dict(
        truth.execute("SELECT DISTINCT visitor, coalesce(address, visitor) FROM requests").fetchall()
    )
    yield from _of_daily(release, truth, day, threshold)
    for table, (dimensions, finest, columns) in _TABLES.items():
        rows = _rows(release, table, day)
        if not rows:
            continue
        shown = {tuple(row[name] for name in dimensions): row for row in rows}
        groups = list(_groups(truth, finest, columns))
        base = next(iter(columns))
        behind = _assigned(groups, {label: row[base] for label, row in shown.items()})
        for label, row in shown.items():
            people = _union(behind.get(label, []), base)
            if len(people) < threshold:
                yield f"{table}: a row of {len(people)}"
            inside = _union(behind.get(label, []), "visitors")
            outside = frozenset(address for visitor, address in address_of.items() if visitor not in inside)
            if row["visitors"] is not None and few(outside):
                yield f"{table}: the visitors outside of a row are of {len(outside)}"
        if few(_union(behind.get(None, []), base)):
            yield f"{table}: the rest is of {len(_union(behind[None], base))}"
        for column in [name for name in columns if f"not_{name}" in columns]:
            yield from _of_part(
                table, column, shown, behind, few, _is_known_how_many_saw_no_page(release, day)
            )


def _assigned(groups: Sequence[Group], shown: Mapping[Label, int]) -> dict[Label | None, list[Group]]:
    """Return which groups each row is made of: the finest row that fits, or the rest that took it along."""
    behind: dict[Label | None, list[Group]] = {}
    for group in groups:
        label = next((label for label in group.labels if label in shown), None)
        behind.setdefault(label, []).append(group)
    for label, number in shown.items():
        surplus = sum(group.number for group in behind.get(label, [])) - number
        for taken in _adding_up_to(behind.get(label, []), surplus) if surplus > 0 else ():
            behind[label].remove(taken)
            coarser = taken.labels[taken.labels.index(label) + 1 :]
            behind.setdefault(next((each for each in coarser if each in shown), None), []).append(taken)
    return behind


def _adding_up_to(groups: Sequence[Group], surplus: int) -> Sequence[Group]:
    """Return the groups whose numbers are the surplus: those of one name, or as few as there are."""
    for name in {label: None for group in groups for label in group.labels}:
        found = [group for group in groups if name in group.labels]
        if sum(group.number for group in found) == surplus:
            return found
    for size in range(1, 4):
        for some in itertools.combinations(groups, size):
            if sum(group.number for group in some) == surplus:
                return some
    raise AssertionError(f"{surplus} requests are in no row that they belong to")


def _of_part(
    table: str,
    column: str,
    shown: Mapping[Label, Any],
    behind: Mapping[Any, Any],
    few: Any,
    is_total_known: bool,
) -> Iterator[str]:
    """Judge a count that may be blank: each number, what it leaves of its row, and all blanks together."""
    blank: set[str] = set()
    blank_without: set[str] = set()
    for label, row in shown.items():
        inside, outside = (_union(behind.get(label, []), name) for name in (column, f"not_{column}"))
        if row[column] is None:
            blank |= inside
            blank_without |= outside
        else:
            if few(inside):
                yield f"{table}: {column} of {len(inside)}"
            if few(outside):
                yield f"{table}: {column} leaves {len(outside)}"
    if is_total_known and few(frozenset(blank)):
        yield f"{table}: all blanks of {column} are of {len(blank)}"
    if is_total_known and few(frozenset(blank_without)):
        yield f"{table}: what is not {column} in its blanks is of {len(blank_without)}"


def _of_daily(
    release: duckdb.DuckDBPyConnection, truth: duckdb.DuckDBPyConnection, day: date, threshold: int
) -> Iterator[str]:
    (row,) = _rows(release, "daily", day)
    sides = {
        "page_views": ("is_page", "NOT is_page"),
        "errors": ("status >= 400", "NOT status >= 400"),
        "bounces": ("begins AND depth = 1", "begins AND depth <> 1"),
    }
    for column, conditions in sides.items():
        people = [_addresses(truth, condition) for condition in conditions]
        if row[column] is not None:
            yield from (f"daily: {column} is, or leaves, {len(p)}" for p in people if 0 < len(p) < threshold)
    if len(_addresses(truth, "true")) < threshold:
        yield "daily: a day of too few"


def _of_steps(
    release: duckdb.DuckDBPyConnection, truth: duckdb.DuckDBPyConnection, day: date, threshold: int
) -> Iterator[str]:
    """Judge the steps from page to page: who took one, and who saw either page and did not take it."""
    truth.execute(
        "CREATE OR REPLACE TEMP TABLE steps AS SELECT visitor, coalesce(address, visitor) AS house, path AS page, "
        "lag(path) OVER (PARTITION BY visitor, visit ORDER BY hit_at, line) AS before FROM requests WHERE is_page"
    )
    seen = {row["path"]: row["visitors"] for row in _rows(release, "pages", day)}
    for row in _rows(release, "flows", day):
        pair = [row["from_page"], row["to_page"]]
        if not any(page.endswith(OTHER) for page in pair):
            takers = truth.execute(
                "SELECT DISTINCT visitor, house FROM steps WHERE [before, page] = ?", [pair]
            ).fetchall()
            if len(takers) != row["visitors"] or len({house for _visitor, house in takers}) < threshold:
                yield f"flows: a step of {len(takers)}, shown as {row['visitors']}"
            for page in pair:
                viewers = truth.execute(
                    "SELECT DISTINCT visitor, house FROM steps WHERE page = ?", [page]
                ).fetchall()
                left = {house for _visitor, house in set(viewers) - set(takers)}
                if seen.get(page) is not None and 0 < len(left) < threshold:
                    yield f"flows: {len(left)} saw a page and did not step"


def _of_spans(
    release: duckdb.DuckDBPyConnection, truth: Mapping[date, pa.Table], threshold: int, gone: int
) -> Iterator[str]:
    """Judge the visitors of weeks and months: who came again, who did not, and who was away on a day."""
    published = {day for (day,) in release.execute("SELECT day FROM daily").fetchall()}
    for table, period in (("weeks", "week"), ("months", "month")):
        query = f"SELECT {period}, visitors, returning_visitors FROM {table} WHERE visitors IS NOT NULL"
        for start, visitors, returning in release.execute(query).fetchall():
            days = [day for day in truth if day in published and _begins(day, period) == start]
            came: dict[tuple[str, str], set[date]] = {}
            for day in days:
                for who in _visitors_of(truth[day]):
                    came.setdefault(who, set()).add(day)
            again = {who for who, on in came.items() if len(on) > 1}
            groups = [
                again,
                came.keys() - again,
                *({who for who in came if day not in came[who]} for day in days),
            ]
            small = [len({house for _visitor, house in group}) for group in groups]
            if any(0 < size < threshold for size in small):
                yield f"{table} {start}: {min(small)} came again, once, or not on a day"
            # Who was erased after the days were published is missing: nobody can tell, as no number says so.
            missing = (len(came) - visitors, 0 if returning is None else len(again) - returning)
            if min(missing) < 0 or max(missing) > gone:
                yield f"{table} {start}: {visitors} and {returning} are not {len(came)} and {len(again)}"


def _begins(day: date, period: str) -> date:
    return day - timedelta(days=day.weekday()) if period == "week" else day.replace(day=1)


def _visitors_of(hits: pa.Table) -> set[tuple[str, str]]:
    query = "SELECT DISTINCT visitor, coalesce(address, visitor) FROM hits WHERE NOT is_bot"
    with duckdb.connect() as connection:
        connection.register("hits", hits)
        return set(connection.execute(query).fetchall())


def _is_known_how_many_saw_no_page(release: duckdb.DuckDBPyConnection, day: date) -> bool:
    """Return whether all entries, or exits, add up to a number that is known: of the visits that saw a page."""
    told = any(row["pages"] == "0" for row in _rows(release, "depths", day))
    columns = zip(*((row["entries"], row["exits"]) for row in _rows(release, "pages", day)), strict=True)
    return told or any(None not in column for column in columns)


def _rows(release: duckdb.DuckDBPyConnection, table: str, day: date) -> list[dict[str, Any]]:
    found = release.execute(f"SELECT * FROM {table} WHERE day = ?", [day])
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _addresses(truth: duckdb.DuckDBPyConnection, condition: str) -> People:
    found = truth.execute(f"SELECT DISTINCT coalesce(address, visitor) FROM requests WHERE {condition}")
    return frozenset(address for (address,) in found.fetchall())


def _union(groups: Sequence[Group], column: str) -> People:
    return frozenset().union(*(group.people[column] for group in groups))


def _groups(truth: duckdb.DuckDBPyConnection, finest: str, columns: Mapping[str, str]) -> Iterator[Group]:
    """Yield each finest group, with the addresses for which each column holds."""
    base = next(iter(columns.values()))
    wanted = ", ".join(
        f"list(DISTINCT coalesce(address, visitor)) FILTER ({condition})" for condition in columns.values()
    )
    wanted += f", list(DISTINCT visitor) FILTER ({base})"
    query = f"SELECT {finest}, count(*) FILTER ({base}), {wanted} FROM requests GROUP BY 1"
    for labels, number, *people in truth.execute(query).fetchall():
        names = (*columns, "visitors")
        found = {column: frozenset(each or ()) for column, each in zip(names, people, strict=True)}
        if number:
            yield Group([tuple(label) for label in labels], number, found)


# Table → its labels, the labels of the finest group from fine to coarse, and what each column counts.
_TABLES: Mapping[str, tuple[tuple[str, ...], str, Mapping[str, str]]] = {
    "pages": (
        ("path",),
        """[[path], [nullif(regexp_extract(path, '^/[^/]+/[^/]+/'), '') || '(other)'],
            [coalesce(nullif(regexp_extract(path, '^/[^/]+/'), ''), '/') || '(other)'], ['(other)']]""",
        {"views": "is_page", "entries": "is_entry", "not_entries": "is_page AND NOT is_entry",
         "exits": "is_exit", "not_exits": "is_page AND NOT is_exit"},
    ),
    "technology": (
        ("browser", "version", "system", "device"),
        """[[browser, version, system, device], [browser, '(other)', system, device],
            [browser, '(other)', system, '(other)'], [browser, '(other)', '(other)', '(other)'],
            ['(other)', '(other)', '(other)', '(other)']]""",
        {"hits": "true"},
    ),
    "hours": (
        ("hour",),
        """[[hour], [format('{:02d}-{:02d} (other)', hour::INT // 6 * 6, hour::INT // 6 * 6 + 5)], ['(other)']]""",
        {"hits": "true"},
    ),
    "countries": (
        ("continent", "country"),
        "[[continent, land], [continent, '(other)'], ['(other)', '(other)']]",
        {"hits": "true"},
    ),
    "statuses": (
        ("status",),
        """[[status::VARCHAR], [status // 100 || 'xx (other)']] || CASE
            WHEN status >= 400 THEN [['4xx-5xx (other)'], ['3xx-5xx (other)']]
            WHEN is_viewable THEN [['2xx, 304 (other)'], ['2xx-3xx (other)']]
            ELSE [['1xx, 206, 3xx (other)'], ['2xx-3xx (other)'], ['3xx-5xx (other)']] END""",
        {"hits": "true"},
    ),
    "sources": (
        ("medium", "referrer_domain", "campaign"),
        """[[medium, domain, campaign], [medium, domain, '(other)'], [medium, '(other)', '(other)'],
            ['(other)', '(other)', '(other)']]""",
        {"visits": "begins"},
    ),
    "depths": (
        ("pages", "length"),
        """[[pages, length], [pages, '(other)'], [least(depth, 2)::VARCHAR || CASE WHEN depth > 1 THEN '+' ELSE '' END, '(other)'],
            ['(other)', '(other)']]""",
        {"visits": "begins"},
    ),
}  # fmt: skip
