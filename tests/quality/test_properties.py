"""Rules against pure Python on random rows, and the patterns for personal data on awkward text."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipelines import quality
from pipelines.places import SOURCE_ROOT
from pipelines.quality.suites import load
from pipelines.traffic.masks import identifies

MakeRule = Callable[..., dict[str, Any]]
OwnSuite = Callable[..., Path]
QUICK = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NUMBER = st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 12)
TEXT = (
    st.none()
    | st.text(st.characters(codec="utf-8"), max_size=6)
    | st.sampled_from(["a", "A", "a\n", "%", "ab:c"])
)
ROWS = st.lists(st.tuples(NUMBER, NUMBER, TEXT), max_size=20)


def pattern(suite: str, rule: str) -> str:
    return str(
        next(
            found.kwargs["regex"]
            for found in load(SOURCE_ROOT / "expectations", suite).rules
            if found.name == rule
        )
    )


EMAIL = pattern("pages", "path_holds_no_email")
ADDRESS = pattern("pages", "path_holds_no_ip_address")
PHONE = pattern("pages", "path_holds_no_phone")


@QUICK
@given(rows=ROWS)
@example(rows=[])
@example(rows=[(None, None, None)])
def test_rows_that_fail_are_those_that_python_says(
    connection: duckdb.DuckDBPyConnection,
    own_suite: OwnSuite,
    make_rule: MakeRule,
    rows: list[tuple[int | None, int | None, str | None]],
) -> None:
    folder = own_suite(
        make_rule("between", "expect_column_values_to_be_between", column="a", min_value=0, max_value=9),
        make_rule("present", "expect_column_values_to_not_be_null", column="a"),
        make_rule("listed", "expect_column_values_to_be_in_set", column="s", value_set=["a", "%"]),
        make_rule("short", "expect_column_value_lengths_to_be_between", column="s", min_value=1, max_value=3),
        make_rule("matches", "expect_column_values_to_match_regex", column="s", regex="[a-z%]"),
        make_rule("misses", "expect_column_values_to_not_match_regex", column="s", regex="^a|:c"),
        make_rule(
            "ordered",
            "expect_column_pair_values_a_to_be_greater_than_b",
            column_A="a",
            column_B="b",
            or_equal=True,
            ignore_row_if="either_value_is_missing",
        ),
    )
    broken: dict[str, Callable[[Any, Any, Any], bool]] = {
        "between": lambda a, _b, _s: a is not None and not 0 <= a <= 9,
        "present": lambda a, _b, _s: a is None,
        "listed": lambda _a, _b, s: s is not None and s not in ("a", "%"),
        "short": lambda _a, _b, s: s is not None and not 1 <= len(s) <= 3,
        "matches": lambda _a, _b, s: s is not None and re.search("[a-z%]", s) is None,
        "misses": lambda _a, _b, s: s is not None and re.search("^a|:c", s) is not None,
        "ordered": lambda a, b, _s: a is not None and b is not None and a < b,
    }
    connection.execute("CREATE OR REPLACE TEMP TABLE t (id BIGINT, a BIGINT, b BIGINT, s VARCHAR)")
    if rows:
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", [(n, *row) for n, row in enumerate(rows)])
    verdict = quality.check(connection, "t", "own", expectations=folder, key=("id",), failing="broken")
    expected = {(n, rule) for rule, fails in broken.items() for n, row in enumerate(rows) if fails(*row)}
    assert set(connection.execute("FROM broken").fetchall()) == expected
    assert verdict.failing_rows == len(expected)
    assert verdict.quarantined == len({n for n, _rule in expected})
    for result in verdict.rules:
        assert result.could_not_check is False
        assert result.is_met == (result.failing_rows == 0)
        assert result.failing_rows == sum(rule == result.rule for _n, rule in expected)


PIECES = st.sampled_from(
    [
        "a",
        "Z",
        "9",
        "0",
        "1",
        ".",
        "-",
        ":",
        "::",
        "@",
        "%40",
        "/",
        " ",
        "+",
        "x2",
        "é",
        "\N{MATHEMATICAL BOLD DIGIT ONE}",
        "\n",
        "\r",
        "\t",
        "(",
        "'",
        '"',
        "\\",
        "%",
        "$1",
        "{",
        "192.0.2.",
        "2001:db8",
        "fe80",
        "example",
        ".org",
        "06 12",
        "\x00",
        "\N{MODIFIER LETTER APOSTROPHE}",
        "٣",
    ]
)
AWKWARD = st.lists(PIECES, max_size=9).map("".join)


@QUICK
@given(texts=st.lists(AWKWARD, max_size=40))
def test_the_patterns_for_personal_data_read_as_python_reads_them(
    connection: duckdb.DuckDBPyConnection, own_suite: OwnSuite, make_rule: MakeRule, texts: list[str]
) -> None:
    patterns = {"email": EMAIL, "address": ADDRESS, "phone": PHONE}
    no_match = "expect_column_values_to_not_match_regex"
    folder = own_suite(
        *(make_rule(name, no_match, column="s", regex=regex) for name, regex in patterns.items())
    )
    connection.execute("CREATE OR REPLACE TEMP TABLE t (id BIGINT, s VARCHAR)")
    if texts:
        connection.executemany("INSERT INTO t VALUES (?, ?)", list(enumerate(texts)))
    verdict = quality.check(connection, "t", "own", expectations=folder, key=("id",), failing="broken")
    assert verdict.unchecked == ()
    expected = {
        (n, name)
        for name, regex in patterns.items()
        for n, text in enumerate(texts)
        if re.search(regex, text, re.ASCII)
    }
    assert set(connection.execute("FROM broken").fetchall()) == expected


@pytest.mark.parametrize(
    ("regex", "text"),
    [
        (EMAIL, "/u/jean.dupont@example.org"),
        (EMAIL, "jean%40example.org"),
        (EMAIL, "/a/j+x@sub.example.co.uk/b"),
        (EMAIL, "x@163.com"),
        (EMAIL, "line\nj@example.org\nline"),
        (EMAIL, "é@exemple.fr"),
        (ADDRESS, "/from/192.0.2.7"),
        (ADDRESS, "192.0.2.7"),
        (ADDRESS, "/x-10.0.0.255-y"),
        (ADDRESS, "::ffff:10.1.2.3"),
        (ADDRESS, "/2001:db8::1/x"),
        (ADDRESS, "fe80::1%eth0"),
        (ADDRESS, "[2001:DB8:0:1:2:3:4:5]"),
        (ADDRESS, "2001:db8::"),
        (PHONE, "+33 6 12 34 56 78"),
        (PHONE, "0033612345678"),
        (PHONE, "/tel/06.12.34.56.78"),
        (PHONE, "+1 (415) 555-0100"),
    ],
)
def test_what_points_to_a_person_is_seen(regex: str, text: str) -> None:
    assert re.search(regex, text, re.ASCII)


@pytest.mark.parametrize(
    ("regex", "text"),
    [
        (EMAIL, "/img/logo@2x.png"),
        (EMAIL, "/@scope/package"),
        (EMAIL, "/me@"),
        (EMAIL, "a@b"),
        (ADDRESS, "/v1.2.3"),
        (ADDRESS, "/1.2.3.4.5/x"),
        (ADDRESS, "/300.1.2.3"),
        (ADDRESS, "/jquery-1.2.3.4.js"),
        (ADDRESS, "std::vector"),
        (ADDRESS, "12:30:45"),
        (ADDRESS, "00:1b:63:84:45:e6"),
        (ADDRESS, "Category:Bad"),
        (PHONE, "/2026/11/22/title"),
        (PHONE, "/2026-11-22"),
        (PHONE, "/p/12345678"),
        (PHONE, "(other)"),
        (PHONE, "5.0.1"),
    ],
)
def test_what_does_not_is_let_through(regex: str, text: str) -> None:
    assert re.search(regex, text, re.ASCII) is None


@settings(max_examples=500, deadline=None)
@given(segment=AWKWARD.filter(lambda text: "/" not in text))
@example("\U0001d7cf2001:db8::")  # a digit of another script, which normalisation makes one of the address
def test_a_critical_pattern_never_stops_a_load_over_what_masking_lets_through(segment: str) -> None:
    """Otherwise one crafted request would stop the night: the rule asks no more than the mask gives."""
    if not identifies(segment):
        hits = [pattern("hits", rule) for rule in ("path_holds_no_email", "path_holds_no_ip_address")]
        assert not any(re.search(regex, f"/a/{segment}/b", re.ASCII) for regex in hits)
