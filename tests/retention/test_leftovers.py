"""A raw file that cannot be taken in does not lie in landing for ever."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from pipelines import nightly, retention
from pipelines.installation import Installation

DAY = date(2026, 11, 22)
DAMAGED = b"\x1f\x8b\x08\x00 canary of a damaged gzip"


def test_a_refused_file_goes_seven_days_after_the_first_night_that_told_of_it(
    installation: Installation, purge: Any, at: datetime
) -> None:
    file = installation.places.landing_traffic / "access.log.gz"
    file.write_bytes(DAMAGED)
    export = installation.places.landing_contacts / "people-crm.csv"
    export.write_text("a header without the columns\n")
    assert retention.plan(installation, day=DAY + timedelta(days=30)).is_empty  # no night has seen them yet
    for night in (0, 3):
        opened = nightly.open_night(DAY + timedelta(days=night), at)
        for batch in nightly.traffic_batches(opened):
            nightly.take_traffic(opened, batch, at)
        nightly.take_contacts(opened, at)
        nightly.close_night(opened, at)
    assert purge(installation, at, DAY + timedelta(days=7)).outcomes == ()
    assert file.exists()
    new = installation.places.landing_traffic / "other.log.gz"
    new.write_bytes(DAMAGED)
    plan = retention.plan(installation, day=DAY + timedelta(days=8))
    assert "raw files as they arrived" in "\n".join(retention.describe(plan))
    verification = purge(installation, at, DAY + timedelta(days=8))
    assert verification.counts == {"gone": 2, "still_present": 0, "could_not_check": 0, "certificates": 1}
    assert (file.exists(), export.exists(), new.exists()) == (False, False, True)
    assert b"canary" not in installation.ledger.path.read_bytes()


def test_a_file_that_cannot_be_removed_is_still_present(
    installation: Installation, purge: Any, at: datetime
) -> None:
    folder = installation.places.landing_contacts / "people-crm.csv"
    folder.mkdir()
    opened = nightly.open_night(DAY, at)
    nightly.take_contacts(opened, at)
    nightly.close_night(opened, at)
    verification = purge(installation, at, DAY + timedelta(days=8))
    assert [(one.answer, one.detail) for one in verification.outcomes] == [("still present", "file")]
    assert verification.certificates == ()


def test_reports_go_with_the_evidence(installation: Installation, purge: Any, at: datetime) -> None:
    reports = installation.places.reports
    for name in ("quality-2021-11-21.html", "2021-11-21/hits.json", "quality-2021-11-22.html", "other.txt"):
        (reports / name).parent.mkdir(exist_ok=True)
        (reports / name).write_text("counts")
    assert purge(installation, at).counts["gone"] == 1
    assert sorted(path.name for path in reports.rglob("*.*")) == ["other.txt", "quality-2021-11-22.html"]
