"""The web page of a release: whole by itself, readable by all, honest about what is hidden."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from pipelines import quality, statistics
from pipelines.installation import Installation
from pipelines.statistics.chart import line_chart
from pipelines.statistics.page import number
from tests.statistics.markup import Page
from tests.statistics.publishing import published_site
from tests.statistics.sites import crowd


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    odd = "/<script>alert(1)</script>"
    days = {
        date(2026, 11, 20): [
            *crowd(30), *crowd(40, name="m"), *crowd(40, "12:01", name="m", path="/about"),
            *crowd(20, name="w", path="/about"), *crowd(20, "12:01", name="w"),
        ],
        date(2026, 11, 21): [*crowd(20), *crowd(15, path=odd), *crowd(12, status=404, path="/no")],
        date(2026, 11, 22): crowd(9),
    }  # fmt: skip
    installation = published_site(tmp_path_factory.mktemp("page") / "home", days)
    return (installation.places.releases / "current" / "index.html").read_text(encoding="utf-8")


def test_the_page_needs_nothing_from_outside(page: str) -> None:
    elements = Page(page).elements
    assert {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in elements} == set()
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert not re.search(r"url\(|@import|//", style)
    assert not any("://" in (value or "") for _tag, attributes in elements for value in attributes.values())
    assert not any(
        {"src", "srcset", "style-src", "onload"} & attributes.keys() for _tag, attributes in elements
    )
    hrefs = [attributes["href"] for _tag, attributes in elements if "href" in attributes]
    assert all(href and (href[0] == "#" or re.fullmatch(r"[a-z]+\.(duckdb|json)", href)) for href in hrefs)
    policy = next(a["content"] for tag, a in elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert "default-src 'none'" in policy


def test_the_page_is_well_formed_and_reads_without_eyes(page: str) -> None:
    parsed = Page(page)
    assert parsed.faults == []
    assert parsed.open == []
    tags = [tag for tag, _ in parsed.elements]
    assert dict(parsed.elements)["html"]["lang"] == "en"
    assert tags.count("h1") == 1
    assert tags.count("table") == tags.count("caption")
    assert all(
        attributes.get("scope") in ("col", "row") for tag, attributes in parsed.elements if tag == "th"
    )
    (svg,) = [attributes for tag, attributes in parsed.elements if tag == "svg"]
    ids = [attributes["id"] for _tag, attributes in parsed.elements if "id" in attributes]
    assert svg["role"] == "img"
    assert set((svg["aria-labelledby"] or "").split()) <= set(ids)
    assert len(ids) == len(set(ids))
    targets = {a["href"][1:] for _tag, a in parsed.elements if (a.get("href") or "").startswith("#")}  # type: ignore[index]
    assert targets <= set(ids)


def test_the_page_shows_figures_tables_and_why_some_are_hidden(page: str) -> None:
    for title in (
        "Pages",
        "Sources",
        "Technology",
        "Hours",
        "Statuses",
        "Contacts",
        "What is hidden, and why",
    ):
        assert f">{title}</h2>" in page
    assert "about 10 people or more" in page
    assert "(other)" in page
    assert "Of 1 day nothing is shown at all" in page
    assert "2026-11-21" in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_a_sum_over_days_of_which_some_are_blank_is_marked(page: str) -> None:
    """On the 21st all visits that are shown begin on the page where they end: their numbers are blank."""
    (row,) = re.findall(r"<tr><th scope=\"row\">/</th>.*?</tr>", page)
    assert re.findall(r'class="number">([^<]*)<', row) == ["110", "70+", "50+"]


def test_the_title_names_the_site_without_its_scheme(page: str) -> None:
    assert "<h1>Statistics of okare.art</h1>" in page


def test_a_text_is_shown_as_text(page: str) -> None:
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_a_gap_breaks_the_line_and_a_single_day_is_a_dot() -> None:
    start = date(2026, 11, 1)
    days = [
        (start + timedelta(days=offset), value, 2 * value) for offset, value in [(0, 10), (1, 12), (3, 14)]
    ]
    chart = line_chart([*days, (start + timedelta(days=4), None, 30)], ("One", "Two"))
    assert [line.path.count("M") for line in chart.lines] == [2, 2]
    assert [line.path.count("L") for line in chart.lines] == [1, 2]
    assert chart.summary == "from 2026-11-01 to 2026-11-05; one between 10 and 14; two between 20 and 30"
    assert [mark.label for mark in chart.up] == ["0", "10", "20", "30", "40"]
    one_day = line_chart([(start, 5, None)], ("One", "Two"))
    assert one_day.lines[0].path.startswith("M")
    assert one_day.lines[1].path == ""


def test_a_long_time_has_few_dates_below_it() -> None:
    days = [(date(2025, 11, 1) + timedelta(days=offset), 5, 5) for offset in range(400)]
    assert len(line_chart(days, ("One", "Two")).across) <= 9


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "\u2013"), (0, "0"), (1234567, "1\u202f234\u202f567"), (9.6, "10")]
)
def test_numbers_are_easy_to_read(value: float | None, shown: str) -> None:
    assert number(value) == shown


def test_an_empty_site_has_a_page_that_says_so(
    installation: Installation, seal: Callable[..., None], at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("check", "keep", "require"):
        monkeypatch.setattr(quality, name, lambda *_args, **_more: None)
    seal(date(2026, 11, 21), crowd(3))
    night = date(2026, 11, 22)
    statistics.measure_days(installation, [date(2026, 11, 21)], day=night)
    release = statistics.release(installation, day=night, at=at)
    page = (Path(installation.places.releases) / release.release_id / "index.html").read_text(
        encoding="utf-8"
    )
    assert "No day has had enough visitors yet" in page
    assert Page(page).faults == []
