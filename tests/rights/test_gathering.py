"""A person's data: all of theirs, nothing of others', in files that are safe to open."""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Callable
from datetime import datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import catalog, rights
from pipelines.installation import Installation
from pipelines.rights.package import csv_of

ME = str(uuid.UUID(int=101))
ATTACK = '<script>alert("x")</script>'


@pytest.mark.usefixtures("contacts")
def test_everything_of_the_person_and_nothing_of_others(
    ask: Callable[..., str], files: Callable[[str], dict[str, str]]
) -> None:
    out = files(ask(email="ZOE@x.example"))
    assert sorted(out) == [
        "answer.html", "cookies.csv", "data.json", "identifiers.csv", "messages.csv", "people.csv",
        "requests.csv",
    ]  # fmt: skip
    tables = json.loads(out["data.json"])["tables"]
    assert {name: len(table["rows"]) for name, table in tables.items()} == {
        "requests": 1, "people": 1, "identifiers": 2, "messages": 1, "cookies": 1,
    }  # fmt: skip
    assert tables["people"]["rows"][0]["name"] == f"Zoé {ATTACK}"
    assert tables["people"]["columns"]["name"]["meaning"]
    assert tables["people"]["kept_until"] == "2029-05-01"
    assert tables["cookies"]["kept_until"] == "2030-05-01"
    everything = "".join(out.values())
    for canary in ("Other Canary", "other canary body", "other@x.example", "namesake"):
        assert canary not in everything


@pytest.mark.usefixtures("contacts")
def test_withheld_columns_are_never_shown(
    ask: Callable[..., str], files: Callable[[str], dict[str, str]]
) -> None:
    out = files(ask(email="zoe@x.example"))
    everything = "".join(out.values())
    assert ME not in everything
    withheld = {
        column.name for table in catalog.TABLES for column in table.columns
        if column.export is catalog.Export.WITHHELD
    }  # fmt: skip
    assert "person_id" in withheld
    tables = json.loads(out["data.json"])["tables"]
    for name, table in tables.items():
        shown = {column.name for column in catalog.table(name).exported()}
        assert set(table["columns"]) == shown
        assert all(set(row) == shown for row in table["rows"])
        assert next(csv.reader(io.StringIO(out[f"{name}.csv"]))) == list(table["columns"])


def test_every_table_of_the_catalog_is_searched(
    installation: Installation, ask: Callable[..., str], at: datetime
) -> None:
    """A table that is added to the catalog with a subject is in the answer, or this fails."""
    request_id = ask(email="zoe@x.example")
    searched = set(rights.gather(installation, request_id, at).counts)
    assert searched == {table.name for table in catalog.TABLES if table.subject is not None} - {"packages"}


@pytest.mark.usefixtures("contacts")
def test_unverified_identifier_discloses_nothing_but_a_count(
    installation: Installation, ask: Callable[..., str], files: Callable[[str], dict[str, str]], at: datetime
) -> None:
    request_id = ask(email="zoe2@x.example")
    assert rights.gather(installation, request_id, at).possible == {
        "people": 1,
        "identifiers": 3,
        "messages": 1,
    }
    out = files(request_id)
    everything = "".join(out.values())
    assert "Other Canary" not in everything
    assert "other canary body" not in everything
    assert "We hold nothing about you" in out["answer.html"]
    assert "Possible matches, not disclosed" in out["answer.html"]
    assert json.loads(out["data.json"])["possible_matches_not_disclosed"]["people"] == 1


@pytest.mark.usefixtures("contacts")
@pytest.mark.parametrize(
    ("name", "people"), [(None, 0), ("Somebody", 0), ("OTHER  canary", 1), ("Zoé Namesake", 1)]
)
def test_identifier_that_several_people_share_discloses_only_who_bears_the_name(
    installation: Installation, ask: Callable[..., str], at: datetime, name: str | None, people: int
) -> None:
    request_id = ask(phone="06 00 00 00 00", name=name)
    gathered = rights.gather(installation, request_id, at)
    assert gathered.counts["people"] == people
    assert gathered.possible["people"] == 2 - people


@pytest.mark.usefixtures("contacts")
def test_a_name_alone_discloses_nothing(
    installation: Installation, ask: Callable[..., str], at: datetime
) -> None:
    gathered = rights.gather(installation, ask(name="Other Canary"), at)
    assert gathered.counts["people"] == 0
    assert gathered.possible["people"] == 1


def test_we_hold_nothing_is_an_answer(
    ask: Callable[..., str], files: Callable[[str], dict[str, str]]
) -> None:
    out = files(ask(email="nobody@x.example"))
    page = out["answer.html"]
    for part in (
        "We hold nothing about you", "Your rights", "supervisory authority", "CNIL", "OKARE",
        "Who receives it", "outside the European Union takes place", "Automated decisions",
    ):  # fmt: skip
        assert part in page
    assert list(json.loads(out["data.json"])["tables"]) == ["requests"]


@pytest.mark.usefixtures("contacts")
def test_page_is_escaped_self_contained_and_names_what_the_law_asks(
    ask: Callable[..., str], files: Callable[[str], dict[str, str]]
) -> None:
    page = files(ask(email="zoe@x.example"))["answer.html"]
    assert ATTACK not in page
    assert "&lt;script&gt;" in page

    class Reader(HTMLParser):
        tags: list[str] = []  # noqa: RUF012 one page, one test

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.tags.append(tag)
            assert not {name for name, _ in attrs} & {"src", "href", "onload", "onerror"}

    Reader().feed(page)
    assert not set(Reader.tags) & {"script", "img", "link", "iframe", "form", "object"}
    for part in ("GDPR Art. 6(1)", "2029-05-01", "3 years", "Lawful basis"):
        assert part in page


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx"])
def test_formulas_are_neutralised_in_csv(cell: str) -> None:
    row = {column.name: None for column in catalog.table("people").exported()} | {"name": cell}
    assert rows_of(csv_of(catalog.table("people"), [row]))[1][0] == "'" + cell


@given(st.text())
def test_csv_gives_every_text_back(cell: str) -> None:
    row = {column.name: None for column in catalog.table("people").exported()} | {"name": cell}
    back = rows_of(csv_of(catalog.table("people"), [row]))[1][0]
    assert back.removeprefix("'") == cell.removeprefix("'")
    assert not back.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
