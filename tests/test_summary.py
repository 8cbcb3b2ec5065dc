from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest

from pipelines.installation import Installation
from pipelines.ledger import Fact
from pipelines.summary import Intake, Summary, summarise

NIGHT, OTHER = "2026-11-22.1", "2026-11-22.2"
DAY = date(2026, 11, 22)
FILE, FILE2 = "a" * 32, "b" * 32


def taken(delivery: str, **counts: int) -> dict[str, Fact]:
    lines = dict.fromkeys(("read", "accepted", "rejected", "expired", "duplicate"), 0)
    return {"delivery": delivery, **lines, **counts}


@pytest.fixture
def tell(installation: Installation, at: datetime):
    def tell(event: str, night: str = NIGHT, **facts: Fact) -> None:
        installation.ledger.append(event, day=DAY, at=at, night=night, **facts)

    return tell


def test_counts_of_all_files_of_the_night_and_of_no_other(installation: Installation, tell) -> None:
    tell("traffic_taken", **taken(FILE, read=10, accepted=7, rejected=1, expired=1, duplicate=1))
    tell("traffic_taken", **taken(FILE2, read=5, accepted=5))
    tell("traffic_taken", OTHER, **taken("c" * 32, read=99, accepted=99))
    tell("contacts_taken", **taken(FILE, read=3, accepted=2, expired=1))
    summary = summarise(installation, NIGHT)
    assert summary.traffic == Intake(2, 0, 15, 12, 1, 1, 1)
    assert summary.contacts == Intake(1, 0, 3, 2, 0, 1, 0)
    assert summary.traffic.is_balanced


def test_a_line_that_is_lost_is_noticed() -> None:
    balanced = Intake(1, 0, 10, 7, 1, 1, 1)
    assert balanced.is_balanced
    assert not replace(balanced, read=11).is_balanced


def test_a_file_refused_twice_counts_once_and_one_taken_later_not(installation: Installation, tell) -> None:
    for _attempt in range(2):
        tell("traffic_refused", delivery=FILE, why="a.log.gz: is damaged")
    tell("contacts_refused", delivery=FILE2, why="people.csv: lacks a column")
    summary = summarise(installation, NIGHT)
    assert (summary.refused, summary.refusals) == (2, ("a.log.gz: is damaged", "people.csv: lacks a column"))
    tell("traffic_taken", **taken(FILE, read=1, accepted=1))
    assert summarise(installation, NIGHT).traffic.refused == 0


def test_a_resumed_night_adds_up_what_each_part_did(installation: Installation, tell) -> None:
    for days in (64, 30):
        tell("days_measured", days=days, cells=9, folded=days, suppressed=1)
    tell("purge_applied", days=1, people=2, rows=9)
    tell("purge_verified", gone=3, still_present=0, could_not_check=0)
    summary = summarise(installation, NIGHT)
    assert (summary.folded, summary.suppressed) == (94, 2)
    assert (summary.purged_days, summary.purged_people, summary.gone) == (1, 2, 3)


def test_the_release_is_new_if_any_part_of_the_night_made_it(installation: Installation, tell) -> None:
    assert summarise(installation, NIGHT).release is None
    tell("release_published", release="2026-11-22-00000000", days=365, rows=9, is_new=1)
    tell("release_published", release="2026-11-22-00000000", days=365, rows=9, is_new=0)
    summary = summarise(installation, NIGHT)
    assert (summary.release, summary.is_new_release) == ("2026-11-22-00000000", True)


def test_an_empty_night_reads_well(installation: Installation) -> None:
    lines = list(summarise(installation, NIGHT).lines())
    assert lines[0] == f"Night {NIGHT}"
    assert "0 lines read = 0 accepted + 0 rejected + 0 expired + 0 duplicate (0 files)" in lines[1]
    assert any("nothing yet" in line for line in lines)


def test_one_is_singular_and_thousands_are_apart(installation: Installation, tell) -> None:
    tell("traffic_taken", **taken(FILE, read=12345, accepted=12345))
    tell("purge_applied", days=1, people=1, rows=9)
    told = "\n".join(summarise(installation, NIGHT).lines())
    assert "12,345 lines read" in told
    assert "(1 file)" in told
    assert "purged    1 day of traffic, 1 person" in told


def test_what_was_not_verified_is_not_passed_over(installation: Installation, tell) -> None:
    tell("purge_verified", gone=1, still_present=2, could_not_check=3)
    told: Summary = summarise(installation, NIGHT)
    assert "verified  1 gone, 2 still present, 3 could not be checked" in "\n".join(told.lines())
