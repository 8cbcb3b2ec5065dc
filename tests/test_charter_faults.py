"""A fault in charter.toml is refused, and the message names its line and its key."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from pipelines import catalog, charter
from pipelines.errors import CharterFileError
from pipelines.places import SOURCE_ROOT

OKARE_FILE = SOURCE_ROOT / "charter.toml"


def loading(tmp_path: Path, text: str) -> str:
    """Return the message with which `text` is refused."""
    path = tmp_path / "charter.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CharterFileError) as refused:
        charter.load(path)
    return str(refused.value)


def changed(old: str, new: str) -> tuple[str, int]:
    """Return OKARE's file with the first `old` made `new`, and the line on which `new` ends."""
    text = OKARE_FILE.read_text(encoding="utf-8")
    assert old in text
    before, after = text.split(old, 1)
    return before + new + after, (before + new).count("\n") + 1


THRESHOLD = "threshold = 10 "
TRAFFIC = '[retention.traffic]\nname = "traffic data: the requests in the web server\'s logs"'
PERIOD = f'{TRAFFIC}\nperiod = "12 months"'


FAULTS: dict[str, tuple[str, str, str, str]] = {  # name: old text, new text, key, what is said
    "unknown key of the file": (
        'version = "2021-11-01"',
        'version = "1"\ncolour = "red"',
        "colour",
        "unknown key",
    ),
    "unknown key of an entry": (
        TRAFFIC,
        f'{TRAFFIC}\nperoid = "1 year"',
        "retention.traffic.peroid",
        "unknown key",
    ),
    "the id is the name of the entry": (
        TRAFFIC,
        f'{TRAFFIC}\nid = "x"',
        "retention.traffic.id",
        "unknown key",
    ),
    "missing key: the line of its table": (
        PERIOD,
        '[retention.traffic]  # here\nname = "traffic data: the requests in the web server\'s logs"',
        "retention.traffic.period",
        "missing",
    ),
    "threshold of 1": ("threshold = 10 ", "threshold = 1 ", "publication.threshold", "between 2 and"),
    "true is no number": ("threshold = 10 ", "threshold = true ", "publication.threshold", "a whole number"),
    "10.0 is no whole number": (
        "threshold = 10 ",
        "threshold = 10.0 ",
        "publication.threshold",
        "a whole number",
    ),
    "a text is no number": (
        "threshold = 10 ",
        'threshold = "10" ',
        "publication.threshold",
        "a whole number",
    ),
    "negative rounding": ("rounding = 0 ", "rounding = -5 ", "publication.rounding", "between 0"),
    "a day is published before it is over": (
        "publish_after_days = 1 ",
        "publish_after_days = 0 ",
        "publication.publish_after_days",
        "between 1",
    ),
    "a share that is no number": (
        "max_people_share = 0.2",
        "max_people_share = nan",
        "purge.max_people_share",
        "between",
    ),
    "a share of 2000 per cent": (
        "max_people_share = 0.2",
        "max_people_share = 20",
        "purge.max_people_share",
        "between",
    ),
    "a purge of nothing": ("max_days = 31", "max_days = 0", "purge.max_days", "between 1"),
    "negative period": (
        PERIOD,
        f'{TRAFFIC}\nperiod = "-12 months"',
        "retention.traffic.period",
        "a period reads like",
    ),
    "a period without unit": (
        PERIOD,
        f"{TRAFFIC}\nperiod = 12",
        "retention.traffic.period",
        "a text in quotes",
    ),
    "a period for ever": (
        PERIOD,
        f'{TRAFFIC}\nperiod = "999 years"',
        "retention.traffic.period",
        "longer than 100 years",
    ),
    "traffic gone before it is published": (
        PERIOD,
        f'{TRAFFIC}\nperiod = "0 days"',
        "retention.traffic.period",
        "before the day is published",
    ),
    "unknown zone": (
        'time_zone = "Europe/Paris"',
        'time_zone = "Europe/Atlantis"',
        "time_zone",
        "no such time zone",
    ),
    "a folder of zones": (
        'time_zone = "Europe/Paris"',
        'time_zone = "Europe"',
        "time_zone",
        "no such time zone",
    ),
    "a path": ('time_zone = "Europe/Paris"', 'time_zone = "../etc/passwd"', "time_zone", "no such time zone"),
    "a date in quotes": (
        "amended_on = 2021-11-01 ",
        'amended_on = "2021-11-01" ',
        "amended_on",
        "without quotes",
    ),
    "a moment is no date": (
        "amended_on = 2021-11-01 ",
        "amended_on = 2021-11-01T00:00:00 ",
        "amended_on",
        "a date such as",
    ),
    "in force before it was written": (
        "effective_on = 2021-11-01",
        "effective_on = 2021-10-31",
        "effective_on",
        "before amended_on",
    ),
    "dangling clause": (
        'clause = "retention_traffic"',
        'clause = "retention_trafic"',
        "retention.traffic.clause",
        "[clauses.retention_trafic]",
    ),
    "unknown lawful basis": (
        'lawful_basis = "consent" ',
        'lawful_basis = "because" ',
        "purposes.offers.lawful_basis",
        "must be one of: consent, contract",
    ),
    "country": ('country = "FR"', 'country = "France"', "controller.country", 'like "FR"'),
    "site": ('site = "https://okare.art/"', 'site = "okare.art"', "controller.site", "https://"),
    "article": ('article = "GDPR Art. 15"', 'article = "fifteen"', "rights.access.article", "GDPR Art. 15"),
    "blank text": ('name = "OKARE"', 'name = "  "', "controller.name", "is empty"),
    "yes is not true": (
        "country_in_eu = true",
        'country_in_eu = "yes"',
        "recipients.okare.country_in_eu",
        "true or false",
    ),
    "a text is no list": (
        'own_domains = ["okare.art"]',
        'own_domains = "okare.art"',
        "traffic.own_domains",
        "a list",
    ),
    "second item of a list": (
        'own_domains = ["okare.art"]',
        'own_domains = ["okare.art", 7]',
        "traffic.own_domains.1",
        "a text in quotes",
    ),
    "an address is no domain": (
        'own_domains = ["okare.art"]',
        'own_domains = ["https://okare.art"]',
        "traffic.own_domains.0",
        'like "okare.art"',
    ),
    "a query parameter that no column takes": (
        '"utm_campaign"]',
        '"utm_campaign", "email"]',
        "traffic.campaign_parameters.3",
        "must be one of: utm_source",
    ),
    "addresses kept": (
        'address_mode = "hash"',
        'address_mode = "keep"',
        "traffic.address_mode",
        "must be one of: strip, truncate, hash",
    ),
    "a right is missing": ("[rights.access]", "[rights.revenge]", "rights", "lacks access"),
    "a period that the pipelines need": (
        "[retention.landing]",
        "[retention.arrivals]",
        "retention",
        "lacks landing",
    ),
    "a capital id": ("[purposes.offers]", "[purposes.Offers]", "purposes.Offers", "small letter"),
    "a list of tables where one is meant": (
        "[purposes.offers]",
        "[[purposes.offers]]",
        "purposes.offers",
        "must be a table",
    ),
}


@pytest.mark.parametrize(("old", "new", "key", "what"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_refused_with_its_line_and_key(tmp_path, old, new, key, what):
    text, line = changed(old, new)
    if "# here" in new:
        line -= 1  # the missing key has no line: that of its table is named
    if key in ("rights", "retention"):
        line = text[: text.index(f"\n[{key}.")].count("\n") + 2  # the part begins with its first entry
    message = loading(tmp_path, text)
    assert message.startswith(f"charter.toml line {line}: {key}: "), message
    assert what in message


@pytest.mark.parametrize("part", ["categories", "purposes", "recipients", "clauses"])
def test_a_part_that_is_no_part_is_refused(tmp_path, part):
    rest = [
        block
        for block in OKARE_FILE.read_text(encoding="utf-8").split("\n\n")
        if f"\n[{part}." not in f"\n{block}"
    ]
    text = f"{part} = 3\n" + "\n\n".join(rest)
    assert loading(tmp_path, text).startswith(f"charter.toml line 1: {part}: must be a part")


def test_a_missing_part_is_named(tmp_path):
    text = OKARE_FILE.read_text(encoding="utf-8").replace("[publication", "[publicity")
    assert "publicity: unknown key" in loading(tmp_path, text)
    assert loading(tmp_path, 'version = "1"') == "charter.toml line 1: amended_on: missing: add it."


def test_reasons_are_for_the_numbers_there_are(tmp_path):
    text, _ = changed('keep_releases = "a week', 'why_not = "a week')
    assert "publication.reasons: lacks keep_releases" in loading(tmp_path, text)
    text, _ = changed("[publication.reasons]", '[publication.reasons]\nluck = "yes"')
    assert "publication.reasons: has luck" in loading(tmp_path, text)


def test_a_table_of_the_catalog_without_purpose_is_refused(tmp_path):
    text, _ = changed("[purposes.improvement]", "[purposes.polishing]")
    message = loading(tmp_path, text)
    assert "purposes: lacks improvement, which the table cookies needs" in message


def test_a_table_of_the_catalog_without_period_is_refused(monkeypatch):
    endless = dataclasses.replace(catalog.TABLES[0], name="secrets", retention="for_ever")
    monkeypatch.setattr(catalog, "TABLES", (*catalog.TABLES, endless))
    with pytest.raises(
        CharterFileError, match=r"charter\.toml line \d+: retention: lacks for_ever, .* secrets"
    ):
        charter.load(OKARE_FILE)


def test_an_own_purpose_may_be_added(tmp_path):
    text, _ = changed("[purposes.offers]", "[purposes.gallery]\nname = \"g\"\nlawful_basis = \"contract\"\n"
                      "clause = \"consent\"\n\n[purposes.offers]")  # fmt: skip
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    assert charter.load(path).purposes["gallery"].article == "GDPR Art. 6(1)(b)"
