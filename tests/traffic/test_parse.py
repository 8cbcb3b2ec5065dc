"""Both ways of reading a line against a slow, obvious one, on lines as servers and attackers write them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from ipaddress import IPv4Address
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.traffic.addresses import is_refused_address
from pipelines.traffic.formats import times
from pipelines.traffic.formats.clf import COMBINED
from pipelines.traffic.formats.requests import METHODS
from pipelines.traffic.hits import KINDS, arriving, raw_lines
from pipelines.traffic.judge import judge
from pipelines.traffic.kernels import METHODS as METHODS_READ
from pipelines.traffic.lines import Block
from pipelines.traffic.regular import Reader
from pipelines.traffic.window import Window

PARIS = Window("Europe/Paris", latest=date(2026, 11, 23), oldest=date(2025, 11, 22))
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
AGENT = "Mozilla/5.0 (X11; Linux x86_64) Firefox/132.0"
GOOD = f'192.0.2.7 - - [21/Nov/2026:13:55:36 +0100] "GET /a?b=c HTTP/1.1" 200 12 "-" "{AGENT}"'


Row = dict[str, Any]


def in_sql(
    connection: duckdb.DuckDBPyConnection, texts: list[str | None], window: Window = PARIS
) -> list[Row]:
    """What the SQL of the format says of each text."""
    raw = [b"" if text is None else text.encode() for text in texts]
    numbers = list(range(1, len(texts) + 1))
    connection.register(
        "landed",
        pa.table({"file_no": pa.array([0] * len(texts), pa.int32()), "line": pa.array(numbers, pa.int64()),
                  "raw": pa.array(raw, pa.binary()), "text": pa.array(texts, pa.string())}),
    )  # fmt: skip
    judge(connection, COMBINED, window)
    rows = connection.execute("SELECT * FROM judged ORDER BY line").fetchall()
    names = [column[0] for column in connection.description]
    return [with_address(dict(zip(names, row, strict=True))) for row in rows]


def with_address(row: Row) -> Row:
    refused = row["reason"] is None and not row["is_expired"] and is_refused_address(row["caller"])
    return {**row, "reason": "bad_address" if refused else row["reason"]}


def is_ipv4(host: str) -> bool:
    try:
        return str(IPv4Address(host)) == host
    except ValueError:
        return False


def block_of(texts: list[str]) -> Block:
    lines = [text.encode() for text in texts]
    lengths = np.array([len(line) for line in lines])
    starts = np.concatenate(([0], np.cumsum(lengths[:-1] + 1)))
    return Block(1, b"\n".join(lines), starts, lengths, np.zeros(len(lines), np.bool_))


def at_once(texts: list[str], window: Window = PARIS) -> dict[int, Row]:
    """What is read of the texts without SQL: line → row."""
    regular = Reader(window).read(block_of(texts), 0)
    met = [*regular.fresh.texts.to_pylist(), None]
    rows = [
        row | {kind: met[row[kind]] for kind in KINDS} | {"method": METHODS_READ[row["method"]]}
        for row in arriving([regular]).to_pylist()
    ]
    for row, raw in zip(rows, raw_lines([regular]).to_pylist(), strict=True):
        text = texts[row["line"] - 1].encode()  # it is kept where it may be refused
        assert raw == (None if is_ipv4(row["caller"]) else text)
        row["raw"] = text
    found = {row["line"]: with_address({**row, "reason": None, "is_expired": False}) for row in rows}
    found |= {int(line): {"reason": None, "is_expired": True} for line in regular.expired}
    assert sorted(found) == (np.flatnonzero(~regular.rest) + 1).tolist()
    return found


def one(connection: duckdb.DuckDBPyConnection, text: str | None) -> dict[str, Any]:
    """What becomes of a line: without SQL where that can read it, and then SQL must say the same."""
    row = in_sql(connection, [text])[0]
    if text is not None and (same := at_once([text]).get(1)):
        assert {name: row[name] for name in same} | {"raw": None} == same | {"raw": None}
    return row


# ---- the reference: one character after the other


class NoLineError(Exception):
    """The text is no line of a log."""


def quoted(text: str) -> tuple[str, str]:
    """Split `text` after the quoted field that it begins with."""
    place = 1
    while place < len(text) and text[place] != '"':
        place += 2 if text[place] == "\\" else 1
    if not text.startswith('"') or place >= len(text):
        raise NoLineError
    return text[1:place], text[place + 1 :]


def word(text: str) -> tuple[str, str]:
    """Split `text` after the word, without quotes, that it begins with."""
    found = text.partition(" ")[0]
    if not found or '"' in found:
        raise NoLineError
    return found, text[len(found) :]


def after_space(text: str) -> str:
    if not text.startswith(" "):
        raise NoLineError
    return text[1:]


def is_user(text: str) -> bool:
    if text == '""':
        return True
    plain = re.sub(r"\\[^ ]", "e", text)
    if not plain or '"' in plain or "\\" in plain:
        return False
    if " " not in text:
        return True
    words = [part for part in text.split(" ") if part]
    return not (text[0] == " " or text[-1] == " " or "-" in words or any(c in plain for c in "[]"))


def moment(text: str) -> datetime | None:
    match = re.fullmatch(
        r"(\d\d)/([A-Z][a-z]{2})/(\d{4})[: ](\d\d):(\d\d):(\d\d)(?: ([+-])(\d\d)(\d\d))?", text, re.ASCII
    )
    if not match or match[2] not in MONTHS:
        return None
    zone: tzinfo = ZoneInfo("Europe/Paris")
    if match[7]:
        if int(match[8]) > 14 or int(match[9]) > 59:
            return None
        zone = timezone(
            timedelta(hours=int(match[8]), minutes=int(match[9])) * (-1 if match[7] == "-" else 1)
        )
    second = int(match[6])
    try:
        at = datetime(int(match[3]), MONTHS.index(match[2]) + 1, int(match[1]), int(match[4]), int(match[5]),
                      59 if second == 60 else second, tzinfo=zone, fold=1)  # fmt: skip
        at = at.astimezone(UTC) + timedelta(seconds=second == 60)
    except (ValueError, OverflowError):
        return None
    return at if at.year >= 1990 else None


def requested(request: str) -> tuple[str | None, str | None]:
    method, space, rest = request.partition(" ")
    method = method.upper() if method.isascii() else method
    if method not in METHODS or not space or not rest or rest[0] == " ":
        return None, None
    target, space, version = rest.rpartition(" ")
    if space and target and re.fullmatch(r"HTTP/[0-9](\.[0-9])?", version, re.IGNORECASE):
        return method, target
    return (method, rest) if " " not in rest else (None, None)


def pieces(text: str) -> tuple[str, str, str, str, str, str | None]:
    """Return host, time, request, status, size and agent (None in the Common format)."""
    host, rest = word(text)
    _, rest = word(after_space(rest))
    user, bracket, rest = after_space(rest).partition(" [")
    time, end, rest = rest.partition("] ")
    if not bracket or not end or "]" in time or '"' in time or not is_user(user):
        raise NoLineError
    request, rest = quoted(rest)
    status, rest = word(after_space(rest))
    size, rest = word(after_space(rest))
    agent = None
    if rest.strip(" "):
        _, rest = quoted(after_space(rest))
        agent, rest = quoted(after_space(rest))
    if rest.strip(" "):
        raise NoLineError
    return host, time, request, status, size, agent


def reference(text: str, window: Window = PARIS) -> dict[str, Any] | None:
    """Return the fields of a line; None where it must be refused."""
    try:
        host, time, request, status, size, agent = pieces(text)
    except NoLineError:
        return None
    at = moment(time)
    numbers = re.fullmatch("([1-5][0-9]{2}|-) (-|[0-9]{1,15})", f"{status} {size}")
    if at is None or numbers is None:
        return None
    on = at.astimezone(ZoneInfo(window.zone)).date()
    if on >= window.oldest and is_refused_address(host):
        return None
    method, target = requested(request)
    fields = {
        "hit_at": at.replace(tzinfo=None),
        "hit_on": on,
        "is_expired": on < window.oldest,
        "caller": host,
        "method": method,
        "raw_path": None if target is None else target.partition("?")[0],
        "query": target.partition("?")[2] if target and "?" in target else None,
        "status": None if status == "-" else int(status),
        "sent_bytes": None if size == "-" else int(size),
        "agent": agent,
    }
    return fields if on <= window.latest else None


# ---- lines as they come


HOSTS = st.sampled_from(
    ["192.0.2.7", "1.2.3", "1.2.3.45.6.7.8", "2001:db8::1", "host.example", "-", "[::1]:80", "a\tb", "[x]"]
)
USERS = st.sampled_from(
    [
        "-",
        "frank",
        "john doe",
        "5.6.7.8 - -",
        "- -",
        '""',
        r"a\"b",
        "a\\ [b",
        "x [y",
        "[z",
        "",
        "a  b",
        "-x y-",
    ]
)
TIMES = st.one_of(
    st.sampled_from(
        [
            "21/Nov/2026:13:55:36 +0100",
            "21/Nov/2026:23:59:60 +0000",
            "25/Oct/2026:02:30:00 +0100",
            "22/Nov/2025:00:00:00 +0100",
            "24/Nov/2026:00:00:00 +0100",
            "01/Jan/1970:00:00:00 +0000",
            "30/Feb/2026:00:00:00 +0000",
            "21/nov/2026:13:55:36 +0100",
            "21/Nov/2026:24:00:00 +0000",
            "21/Nov/2026:13:55:36 +9999",
            "21/Nov/2026:13:55:36",
            "21/Nov/2026 13:55:36",
            "25/Oct/2026:02:30:00",
            "infinity",
            "epoch",
            "]",
        ]
    ),
    st.datetimes(datetime.fromisoformat("2025-10-01"), datetime.fromisoformat("2026-12-31")).map(
        lambda at: at.strftime("%d/%b/%Y:%H:%M:%S -0330")
    ),
)
TEXTS = st.one_of(
    st.sampled_from(
        [
            "GET / HTTP/1.1",
            "GET /a b?x=1 HTTP/1.0",
            "GET /",
            "GET /a b",
            "get / HTTP/1.1",
            "GET  HTTP/1.1",
            "GET / HTTP/1.1 HTTP/1.1",
            "GET ? HTTP/1.1",
            'GET /\\"x\\" HTTP/1.1',
            "GET http://a/b?c HTTP/1.1",
            "PRI * HTTP/2.0",
            r"\x16\x03\x01",
            "https://x.example/?q=a b",
            AGENT,
            "-",
            "",
            "\\",
            'a"b',
        ]
    ),
    st.text(st.characters(exclude_characters="\n\0", exclude_categories=["Cs"]), max_size=8),
)
STATUSES = st.sampled_from(["200", "404", "099", "600", "20", "-", "2e2"])
SIZES = st.sampled_from(["0", "12", "-", "-1", "9" * 15, "9" * 16, "1.5"])
RAW = st.text(st.sampled_from(list(' "\\[]-a1:/+')), max_size=12)


@st.composite
def lines(draw: st.DrawFn) -> str:
    line = f'{draw(HOSTS)} - {draw(USERS)} [{draw(TIMES)}] "{draw(TEXTS)}" {draw(STATUSES)} {draw(SIZES)}'
    if draw(st.booleans()):
        line += f' "{draw(TEXTS)}" "{draw(TEXTS)}"'
    line += draw(st.sampled_from(["", "", " ", "  ", "x", ' "-"']))
    if draw(st.integers(0, 3)) == 0:  # cut, and joined to what follows
        line = line[: draw(st.integers(0, len(line)))] + draw(st.one_of(RAW, st.just(GOOD), st.just("")))
    return line


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(lines(), min_size=20, max_size=60))
def test_fields_are_those_of_the_slow_reference(
    connection: duckdb.DuckDBPyConnection, texts: list[str]
) -> None:
    fast = at_once(texts)
    for number, (text, row) in enumerate(zip(texts, in_sql(connection, list(texts)), strict=True), 1):
        expected = reference(text)
        for found in (row, fast[number]) if number in fast else (row,):
            assert (found["reason"] is None) == (expected is not None), text
            if expected is not None:
                wanted = {name: value for name, value in expected.items() if name in found}
                assert {name: found[name] for name in wanted} == wanted, text
        assert row["raw"] == text.encode()


FIELDS = st.tuples(
    HOSTS.filter(lambda host: " " not in host),
    st.datetimes(datetime.fromisoformat("1971-01-01"), datetime.fromisoformat("2027-12-31"))
    | st.datetimes(datetime.fromisoformat("2025-11-20"), datetime.fromisoformat("2026-11-25")),
    st.sampled_from(["+0000", "-0330", "+1400", "+1459", "+1500", "+0060", "*0100"]),
    st.sampled_from(["GET / HTTP/1.1", "POST /a?b=c?d HTTP/2.0", "HEAD /x y HTTP/1.0", "GET ? HTTP/1.1", "PUT / HTTP/11",
                     "OPTIONS * HTTP/1.1", "PROPFIND / HTTP/1.1", "GET  HTTP/1.1", "GET /é HTTP/1.1", "GET /\x01 HTTP/1.1"]),
    st.sampled_from(["200", "404", "599", "600", "099", "2 0", "1000"]),
    st.sampled_from(["0", "-", "7", "12345678", "123456789", "123456789012", "1e3", "007", "-1", "--"]),
    st.sampled_from(["-", "", "https://a.example/b?c", "x" * 40]),
    st.sampled_from(["-", "", AGENT, "short", "exactly12byt"]),
)  # fmt: skip


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(FIELDS, min_size=30, max_size=60), common=st.booleans())
def test_most_lines_need_no_sql_and_it_would_say_the_same(
    connection: duckdb.DuckDBPyConnection, rows: list[Any], common: bool
) -> None:
    texts = []
    for host, at, zone, request, status, size, referrer, agent in rows:
        rest = "" if common else f' "{referrer}" "{agent}"'
        texts.append(f'{host} - - [{at:%d/%b/%Y:%H:%M:%S} {zone}] "{request}" {status} {size}{rest}')
    slow = in_sql(connection, list(texts))
    for number, found in at_once(texts).items():
        row = slow[number - 1]
        assert {name: row[name] for name in found} == found, texts[number - 1]


def test_a_plain_line_needs_no_sql() -> None:
    assert set(at_once([GOOD, GOOD.partition(' "-"')[0], GOOD.replace("192.0.2.7", "2001:db8::1")])) == {
        1,
        2,
        3,
    }


@pytest.mark.parametrize(
    "joined",
    [GOOD[:cut] + GOOD for cut in (*range(10, len(GOOD)), len(GOOD))],
)
def test_a_line_cut_anywhere_and_joined_to_another_is_refused(
    connection: duckdb.DuckDBPyConnection, joined: str
) -> None:
    assert one(connection, joined)["reason"] is not None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "line_too_long"),
        ("", "empty_line"),
        ("hello", "not_a_log_line"),
        (GOOD.replace("21/Nov", "31/Nov"), "bad_time"),
        (GOOD.replace("21/Nov/2026:13:55:36 +0100", "infinity"), "bad_time"),
        (GOOD.replace("21/Nov/2026:13:55:36 +0100", "epoch"), "bad_time"),
        (GOOD.replace("2026", "1970"), "bad_time"),
        (GOOD.replace("21/Nov", "24/Nov"), "future"),
        (GOOD.replace(" 200 ", " 2000 "), "bad_status"),
        (GOOD.replace(" 12 ", " twelve "), "bad_size"),
        (GOOD.replace("192.0.2.7", "192.0.2.777"), "bad_address"),
    ],
)
def test_the_reason_is_a_fixed_word(
    connection: duckdb.DuckDBPyConnection, text: str | None, reason: str
) -> None:
    assert one(connection, text)["reason"] == reason


@pytest.mark.parametrize(
    ("request_line", "status", "size"),
    [
        (r"\x16\x03\x01\x02", "400", "157"),
        ("-", "408", "-"),
        ("", "400", "0"),
        ("GOT / HTTP/1.1", "400", "1"),
        ("GET", "400", "1"),
    ],
)
def test_a_malformed_request_is_a_hit_without_method(
    connection: duckdb.DuckDBPyConnection, request_line: str, status: str, size: str
) -> None:
    row = one(
        connection, f'192.0.2.7 - - [21/Nov/2026:13:55:36 +0100] "{request_line}" {status} {size} "-" "-"'
    )
    assert (row["reason"], row["method"], row["raw_path"]) == (None, None, None)


@pytest.mark.parametrize(
    ("time", "hit_at", "hit_on"),
    [
        ("21/Nov/2026:23:59:60 +0000", "2026-11-22T00:00", "2026-11-22"),  # leap second
        ("25/Oct/2026:02:30:00 +0200", "2026-10-25T00:30", "2026-10-25"),  # the hour that
        ("25/Oct/2026:02:30:00 +0100", "2026-10-25T01:30", "2026-10-25"),  # comes twice
        ("21/Nov/2026:23:30:00 +0000", "2026-11-21T23:30", "2026-11-22"),  # tomorrow in Paris
        ("22/Nov/2026:00:30:00 +0530", "2026-11-21T19:00", "2026-11-21"),
    ],
)
def test_a_time_is_an_instant_and_a_local_day(
    connection: duckdb.DuckDBPyConnection, time: str, hit_at: str, hit_on: str
) -> None:
    row = one(connection, GOOD.replace("21/Nov/2026:13:55:36 +0100", time))
    assert row["hit_at"] == datetime.fromisoformat(hit_at)
    assert row["hit_on"] == date.fromisoformat(hit_on)


@pytest.mark.parametrize(("day", "expired"), [("21/Nov/2025", True), ("22/Nov/2025", False)])
def test_the_first_day_that_is_kept_is_exact(
    connection: duckdb.DuckDBPyConnection, day: str, expired: bool
) -> None:
    assert one(connection, GOOD.replace("21/Nov/2026", day))["is_expired"] is expired


WRITTEN_TIMES = [
    "21/Nov/2026:13:55:36 +0100", "21/Nov/2026:13:55:60 -0000", "21/nov/2026:13:55:36 +0100", "21/Nov/2026:25:61:00 +0100",
    "31/Feb/2026:13:55:36 +0100", "21/Nov/2026:13:55:36 +1500", "21/Nov/2026:13:55:36", "21/Nov/2026:13:55:36.25 +01:00",
    "21/Nov/2026 13:55:36", "2026-11-21T13:55:36Z", "2026/11/21 13:55:36", "1795265736", "1795265736.25", "", "-", "infinity",
]  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(WRITTEN_TIMES),
            st.integers(0, 27),
            st.integers(0, 2),
            st.sampled_from(["", "0", ":", " ", "+", "T", "x"]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_the_quick_statement_reads_the_times_that_the_whole_one_reads(
    connection: duckdb.DuckDBPyConnection, edits: list[tuple[str, int, int, str]]
) -> None:
    texts: list[str | None] = [
        GOOD.replace(WRITTEN_TIMES[0], time[:at] + put + time[at + out :]) for time, at, out, put in edits
    ]
    quick = in_sql(connection, texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(times, "quick", lambda statement: statement)
        assert in_sql(connection, texts) == quick


def test_most_times_need_the_quick_statement_alone(connection: duckdb.DuckDBPyConnection) -> None:
    asked: list[str] = []

    class Spy:
        def execute(self, statement: str, *more: Any) -> duckdb.DuckDBPyConnection:
            asked.append(statement)
            return connection.execute(statement, *more)

    rows = in_sql(connection, [GOOD, GOOD.replace("13:55:36", "25:61:00"), "no line", None])
    assert [row["reason"] for row in rows] == [None, "bad_time", "not_a_log_line", "line_too_long"]
    judge(Spy(), COMBINED, PARIS)  # type: ignore[arg-type]
    assert len(asked) == 2
    assert "seldom" not in asked[0]
    in_sql(connection, [GOOD.replace(" +0100]", "]")])
    asked.clear()
    judge(Spy(), COMBINED, PARIS)  # type: ignore[arg-type]
    assert len(asked) == 3
    assert "seldom" in asked[2]
