"""OKARE's charter is complete, word for word the published text, and cannot be changed once read."""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import date

import pytest

from pipelines import charter
from pipelines.errors import CharterFileError
from pipelines.periods import Period
from pipelines.places import SOURCE_ROOT

OKARE_FILE = SOURCE_ROOT / "charter.toml"
OKARE_TEXT = SOURCE_ROOT / "docs" / "okare-charter.txt"


@pytest.fixture(scope="module")
def okare() -> charter.Charter:
    return charter.load(OKARE_FILE)


def test_the_published_text_is_the_one_of_november_2021():
    digest = hashlib.sha256(OKARE_TEXT.read_bytes()).hexdigest()
    assert digest == "e7498e3cff71d67275270d0ea74a46887c73ed061be7c3ff535166b6a003d890"


def test_every_clause_stands_word_for_word_in_the_published_text(okare):
    text = OKARE_TEXT.read_text(encoding="utf-8")
    assert [id_ for id_, clause in okare.clauses.items() if clause.sentence not in text] == []


def test_every_clause_is_a_whole_sentence_or_item(okare):
    lines = [
        line.strip().removeprefix("•").strip() for line in OKARE_TEXT.read_text(encoding="utf-8").splitlines()
    ]
    for clause in okare.clauses.values():
        line = next(line for line in lines if clause.sentence in line)
        before, after = line.split(clause.sentence, 1)
        assert not before or before.rstrip().endswith("."), clause.id
        assert not after.strip() or clause.sentence.endswith("."), clause.id


@pytest.mark.parametrize(
    ("id_", "period", "clause"),
    [
        ("traffic", Period(months=12), "retention_traffic"),
        ("customers", Period(months=60), "retention_customers"),
        ("cookies_essential", Period(), "cookies_retention"),
        ("cookies_functional", Period(months=12), "cookies_retention"),
        ("cookies_performance", Period(months=48), "cookies_retention"),
    ],
)
def test_the_periods_that_the_text_gives(okare, id_, period, clause):
    assert (okare.retention[id_].period, okare.retention[id_].clause) == (period, clause)
    assert okare.retention[id_].basis.startswith("the charter")


def test_a_period_that_the_text_does_not_give_says_where_it_comes_from(okare):
    given = {"retention_traffic", "retention_customers", "cookies_retention"}
    for rule in okare.retention.values():
        assert rule.clause in given or not rule.basis.startswith("the charter"), rule.id
    assert okare.retention["prospects"].period == Period(months=36)
    assert "CNIL" in okare.retention["prospects"].basis


def test_the_seven_listed_purposes_and_the_one_of_the_law(okare):
    listed = ["offers", "questions", "statistics", "improvement", "newsletter", "testimonials", "interests"]
    assert list(okare.purposes) == [*listed, "rights"]
    assert all(okare.purposes[id_].clause == f"purpose_{id_}" for id_ in listed)
    assert okare.purposes["rights"].article == "GDPR Art. 6(1)(c)"
    assert okare.purposes["newsletter"].lawful_basis == "consent"


def test_every_lawful_basis_has_its_article():
    articles = [charter.LAWFUL_BASIS_ARTICLES[basis] for basis in charter.LawfulBasis.__args__]
    assert articles == [f"GDPR Art. 6(1)({letter})" for letter in "abcdef"]


def test_rights_name_their_articles(okare):
    assert {id_: right.article for id_, right in okare.rights.items()} == {
        "access": "GDPR Art. 15",
        "rectification": "GDPR Art. 16",
        "erasure": "GDPR Art. 17",
        "restriction": "GDPR Art. 18",
        "portability": "GDPR Art. 20",
        "objection": "GDPR Art. 21",
        "withdrawal": "GDPR Art. 7(3)",
    }


def test_version_dates_zone_and_controller(okare):
    assert (okare.version, okare.amended_on, okare.effective_on) == (
        "2021-11-01",
        date(2021, 11, 1),
        date(2021, 11, 1),
    )
    assert okare.zone.key == okare.time_zone == "Europe/Paris"
    assert (okare.controller.name, okare.controller.country) == ("OKARE", "FR")


def test_no_recipient_is_outside_the_union(okare):
    assert all(recipient.country_in_eu for recipient in okare.recipients.values())
    assert okare.clauses["no_transfer_outside_eu"].sentence.startswith("No transfer")


def test_every_number_of_publication_and_purge_has_a_reason(okare):
    for rules in (okare.publication, okare.purge):
        numbers = {field.name for field in dataclasses.fields(rules)} - {
            "reasons",
            "conversions",
            "objections",
            "noise",
        }
        assert rules.reasons.keys() == numbers
    assert okare.publication.threshold == 10


def test_nothing_of_it_can_be_changed(okare):
    with pytest.raises(dataclasses.FrozenInstanceError):
        okare.retention["traffic"].period = Period(months=120)
    with pytest.raises(TypeError):
        okare.retention["traffic"] = okare.retention["customers"]
    with pytest.raises(TypeError):
        okare.publication.reasons["threshold"] = "none"
    assert isinstance(okare.categories["network"].examples, tuple)
    assert not hasattr(okare.publication, "__dict__")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("version = \n", 1),
        ('a = 1\n\n[b]\nc = "\n', 4),
        ("a = 1\n[b]\n[b]\n", 3),
        ('a = 1\nb = """\nnever closed', 3),
    ],
)
def test_what_is_not_toml_is_refused_with_its_line(tmp_path, text, line):
    path = tmp_path / "charter.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CharterFileError, match=rf"charter\.toml line {line}: not valid TOML: "):
        charter.load(path)


def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path):
    path = tmp_path / "charter.toml"
    path.write_bytes(b'version = "1"\nname = "Andr\xe9"\n')
    with pytest.raises(CharterFileError, match=r"charter\.toml line 2: not UTF-8"):
        charter.load(path)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path, okare):
    path = tmp_path / "charter.toml"
    path.write_bytes(b"\xef\xbb\xbf" + OKARE_FILE.read_bytes().replace(b"\n", b"\r\n"))
    assert charter.load(path) == okare


@pytest.mark.parametrize("name", ["nothing.toml", "folder"])
def test_a_file_that_cannot_be_read_is_named_with_the_cure(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(CharterFileError, match=f"{name} cannot be read .* CHARTER_FILE"):
        charter.load(tmp_path / name)
