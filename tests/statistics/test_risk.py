"""The report on a release for the DPO: whole by itself, in words, with the figures that were measured."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pytest

from pipelines.errors import ConfigurationError, UsageError
from pipelines.installation import Installation
from pipelines.places import Places
from pipelines.statistics import attack, risk
from pipelines.statistics.attack.witness import Witnessed
from pipelines.statistics.measures import MEASURES
from tests.statistics.attack.releases import DAY, GOOD, Rows, altered, nobody, published
from tests.statistics.markup import Page

RELEASE, REFUSED = "2026-11-22-0123abcd", "2026-11-22-0123abce"
NIGHT = date(2026, 11, 22)


def keep(places: Places, release_id: str, rows: Rows, names: attack.NameCheck = nobody) -> None:
    with published(rows) as publication:
        attacked = attack.attack(publication, attack.Rules(10), names)
    risk.keep(places, release_id, attacked, day=NIGHT, threshold=10)


@pytest.fixture
def places(installation: Installation) -> Places:
    """The places of an installation that has attacked one release, and refused another."""
    seen = Witnessed(100, 0.16, {"1": 0.05, "2": 0.2, "3": 0.4, "4": 0.55}, 100, 9, {})
    risk.keep_day(installation.places, DAY, seen)
    keep(installation.places, RELEASE, GOOD)
    keep(installation.places, REFUSED, altered("hours", visitors=95))
    return installation.places


def page(places: Places, release_id: str) -> str:
    return (places.risks / f"{release_id}.html").read_text(encoding="utf-8")


def words(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text.partition("</style>")[2]).split())


def test_the_page_needs_nothing_from_outside_and_is_well_formed(places: Places) -> None:
    for release_id in (RELEASE, REFUSED):
        text = page(places, release_id)
        read = Page(text)
        assert (read.faults, read.open) == ([], [])
        names = {tag for tag, _attributes in read.elements}
        assert not {"script", "link", "img", "iframe", "object", "a"} & names
        assert not any(
            "://" in (value or "") for _tag, attributes in read.elements for value in attributes.values()
        )
        assert not re.search(r"url\(|@import", text)
        ids = [attributes["id"] for _tag, attributes in read.elements if "id" in attributes]
        assert len(ids) == len(set(ids))
        labelled = [
            attributes["aria-labelledby"]
            for _tag, attributes in read.elements
            if "aria-labelledby" in attributes
        ]
        assert labelled
        assert set(labelled) <= set(ids)


def test_each_measure_has_its_answers_to_the_three_questions(places: Places) -> None:
    risks = {each.name: each for each in risk.report(places, RELEASE).measures()}
    assert risks.keys() == {measure.name for measure in MEASURES}
    technology = risks["technology"]
    assert (technology.numbers, technology.fewest, technology.small) == (4, 30, 0)
    assert technology.behind == [0, 0, 1, 1, 0, 0]  # 30 and 70 people
    assert technology.smallest_group == 70
    assert (technology.hidden, technology.worked_out) == (4, 0)
    said = words(page(places, RELEASE))
    for question in ("Singling out.", "Linkability.", "Inference.", "WP216", "No attack succeeded."):
        assert question in said
    assert all(measure.title in said for measure in MEASURES)


def test_the_picture_draws_what_was_counted(places: Places) -> None:
    rects = [attributes for tag, attributes in Page(page(places, RELEASE)).elements if tag == "rect"]
    drawn = [rect for rect in rects if "x" in rect and rect["class"] != "log"]
    widths = {rect["class"]: float(rect["width"] or 0) for rect in drawn if rect["y"] == drawn[-1]["y"]}
    assert sum(widths.values()) == pytest.approx(690, abs=1)
    log = [float(rect["width"] or 0) for rect in rects if rect["class"] == "log"]
    assert log == pytest.approx([690 * share for share in (0.05, 0.2, 0.4, 0.55)], abs=0.1)


def test_a_refused_release_is_told_with_what_was_found(places: Places) -> None:
    report = risk.report(places, REFUSED)
    assert report.is_refused
    assert {each.name: each.worked_out for each in report.measures()}["hours"] == 1
    assert "Refused." in words(page(places, REFUSED))
    assert report.sentences[0] in words(page(places, REFUSED))
    assert report.lines()[0] == f"release {REFUSED}: refused"


def test_what_was_withheld_after_a_refusal_is_told_in_the_release_that_followed(places: Places) -> None:
    follows = "2026-11-22-0123abcf"
    keep(places, follows, GOOD)
    (sentence, *_more) = risk.report(places, REFUSED).sentences
    assert f"{REFUSED}: {sentence}" in words(page(places, follows))
    assert risk.report(places, follows).lines()[-1] == f"refused before it: {REFUSED}: {sentence}"
    assert "refused before it" not in words(page(places, RELEASE))  # that one came first


def test_what_the_log_would_tell_is_set_beside_it(places: Places) -> None:
    said = words(page(places, RELEASE))
    assert "16 % of a day's people" in said
    assert "4 facts known" in said
    assert "55 %" in said


def test_days_after_the_release_are_not_in_its_report(places: Places) -> None:
    risk.keep_day(places, NIGHT, Witnessed(5, 1.0, dict.fromkeys("1234", 1.0), 5, 1, {}))
    assert [day.day for day in risk.report(places, RELEASE).days] == [str(DAY)]


def test_no_value_of_a_text_is_kept(installation: Installation) -> None:
    def names(texts: Mapping[str, Sequence[str]]) -> Mapping[tuple[str, str], Sequence[str]]:
        return {
            ("pages.path", "the name of a person"): [text for text in texts["pages.path"] if "zoe" in text]
        }

    keep(installation.places, RELEASE, altered("pages", path="/team/zoe-canary@example.org"), names)
    for path in installation.places.risks.iterdir():
        assert "canary" not in path.read_text(encoding="utf-8")
    (sentence, *_more) = risk.report(installation.places, RELEASE).sentences
    assert "column path holds what looks like" in sentence


def test_the_latest_is_found_and_an_unknown_one_is_not(places: Places, tmp_path: Path) -> None:
    assert risk.latest(places) == REFUSED
    for unknown in ("2026-11-22-99999999", "../../etc/passwd", ""):
        with pytest.raises(UsageError, match="charter releases list"):
            risk.report(places, unknown)
    with pytest.raises(ConfigurationError, match="charter nightly"):
        risk.latest(Places.from_environment({"CHARTER_HOME": str(tmp_path / "elsewhere")}))


def test_reports_are_for_nobody_else(places: Places) -> None:
    assert places.risks.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in places.risks.iterdir() if path.is_file())
