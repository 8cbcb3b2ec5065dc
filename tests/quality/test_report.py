"""The page that the engineer reads after a run."""

from __future__ import annotations

import os
import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pipelines.errors import ConfigurationError
from pipelines.quality import CRITICAL, WARNING, RuleResult, Verdict, write_report

DAY, AT = date(2026, 11, 22), datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)
MET = RuleResult("status_is_http", "status", CRITICAL, True, 1000, 0, False, "codes run from 100 to 599")
BROKEN = RuleResult("path_has_no_query", "path", CRITICAL, False, 1000, 3, False, "queries are dropped")
WARNED = RuleResult("method_is_known", "method", WARNING, False, 1000, 12, False, "others are probes")
UNCHECKED = RuleResult(
    "sent_bytes_is_plausible", "sent_bytes", WARNING, False, 1000, 0, True, "not <negative>"
)


class Page(HTMLParser):
    """The tags, attributes and text of a page; every tag that is opened must be closed."""

    VOID = frozenset({"meta"})

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.raw = path.read_text(encoding="utf-8")
        self.opened: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(self.raw)
        assert self.opened == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def page(path: Path, *verdicts: Verdict) -> Page:
    write_report(verdicts, path, day=DAY, at=AT)
    return Page(path)


def test_each_rule_stands_there_with_its_counts_and_finding(tmp_path: Path) -> None:
    text = page(tmp_path / "q.html", Verdict("hits", 1000, (MET, BROKEN, WARNED, UNCHECKED), 12)).text
    rows = [" ".join(row.split()) for row in text.split("\n")]
    for expected in (
        "status_is_httpcodes run from 100 to 599statuscritical1,0000✓ met",
        "path_has_no_queryqueries are droppedpathcritical1,0003✗ broken",
        "method_is_knownothers are probesmethodwarning1,00012! broken",
        "sent_bytes_is_plausiblenot <negative>sent_byteswarning1,0000? could not be checked",
        "hits1,000412✗ stopped by 2 rules",
    ):
        assert expected in rows


@pytest.mark.parametrize(
    ("rules", "verdict"),
    [
        ((MET,), "✓ all rules met"),
        ((MET, WARNED), "! taken, 1 warning"),
        ((MET, BROKEN), "✗ stopped by 1 rule"),
        ((MET, UNCHECKED), "✗ stopped by 1 rule"),
    ],
)
def test_the_verdict_says_whether_the_table_was_taken(
    tmp_path: Path, rules: tuple[RuleResult, ...], verdict: str
) -> None:
    assert verdict in page(tmp_path / "q.html", Verdict("hits", 1000, rules)).text


def test_a_run_without_tables_says_so(tmp_path: Path) -> None:
    assert "No table was checked" in page(tmp_path / "q.html").text


def test_the_page_reaches_for_nothing_outside_itself(tmp_path: Path) -> None:
    found = page(tmp_path / "q.html", Verdict("hits", 1000, (MET, BROKEN)))
    assert not {tag for tag, _attributes in found.tags} & {
        "script",
        "img",
        "link",
        "iframe",
        "object",
        "form",
    }
    assert all(attributes.get("href", "#").startswith("#") for _tag, attributes in found.tags)  # type: ignore[union-attr]
    assert re.search(r"https?:|//|url\(|@import", found.raw) is None
    assert "default-src 'none'" in found.raw


def test_markup_in_a_name_is_text(tmp_path: Path) -> None:
    hostile = RuleResult("<script>r", '"><b>', "<i>", False, 1, 1, False, "<script>alert(1)</script>")
    found = page(tmp_path / "q.html", Verdict("<script>t", 1, (hostile,)))
    assert not {tag for tag, _attributes in found.tags} & {"script", "b", "i"}
    assert "<script>t" in found.text


def test_the_page_can_be_read_without_colour_and_by_a_screen_reader(tmp_path: Path) -> None:
    found = page(tmp_path / "q.html", Verdict("hits", 1000, (MET, BROKEN)))
    assert ("html", {"lang": "en"}) in found.tags
    assert all(attributes.get("scope") for tag, attributes in found.tags if tag == "th")
    tables = [tag for tag, _attributes in found.tags if tag in ("table", "caption")]
    assert tables == ["table", "caption"] * (len(tables) // 2)
    links = {attributes["href"] for tag, attributes in found.tags if tag == "a"}
    assert links == {f"#{attributes['id']}" for _tag, attributes in found.tags if "id" in attributes}


def test_the_file_is_private_whole_and_the_same_for_the_same_run(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "quality.html"
    mask = os.umask(0)
    try:
        write_report([Verdict("hits", 1, (MET,))], path, day=DAY, at=AT)
    finally:
        os.umask(mask)
    first = path.read_bytes()
    write_report([Verdict("hits", 1, (MET,))], path, day=DAY, at=AT)
    assert path.read_bytes() == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["quality.html"]


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file where a folder should be")
    with pytest.raises((ConfigurationError, FileExistsError)):
        write_report([], tmp_path / "reports" / "q.html", day=DAY, at=AT)
