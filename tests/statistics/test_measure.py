"""Which days and months are measured, when, and that each is final."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipelines.errors import UsageError
from pipelines.installation import Installation
from pipelines.statistics import days_to_publish, measure, measure_days, measure_months, staging
from pipelines.statistics.measure import batches
from pipelines.statistics.measures import BY_NAME, OF_A_DAY
from tests.statistics.sites import crowd, hit

DAY = date(2026, 11, 22)  # of the run
YESTERDAY = DAY - timedelta(days=1)
Seal = Callable[..., None]
Write = Callable[..., None]


def staged(installation: Installation, period: str, name: str) -> list[dict[str, Any]]:
    """Return the staged rows of a measure, without the columns of the others."""
    rows = pq.read_table(staging.file(installation.places.releases, period)).to_pylist()
    columns = [column.name for column in BY_NAME[name].columns]
    return [{column: row[column] for column in columns} for row in rows if row[staging.MEASURE] == name]


def staged_hits(installation: Installation, day: date) -> int:
    (row,) = staged(installation, day.isoformat(), "daily")
    return int(row["hits"])


def test_only_complete_days_that_have_hits_are_due(installation: Installation, seal: Seal) -> None:
    for day in (DAY, YESTERDAY, DAY - timedelta(days=9)):
        seal(day, crowd(12))
    assert days_to_publish(installation, day=DAY) == [DAY - timedelta(days=9), YESTERDAY]
    assert days_to_publish(installation, day=YESTERDAY) == [DAY - timedelta(days=9)]


def test_the_charter_may_ask_for_more_days_to_pass(installation: Installation, seal: Seal) -> None:
    seal(YESTERDAY, crowd(12))
    publication = replace(installation.charter.publication, publish_after_days=3)
    patient = replace(installation, charter=replace(installation.charter, publication=publication))
    assert days_to_publish(patient, day=DAY) == []
    assert days_to_publish(patient, day=DAY + timedelta(days=2)) == [YESTERDAY]


def test_a_day_past_its_retention_is_not_measured_even_when_asked_for(
    installation: Installation, seal: Seal
) -> None:
    kept, over = date(2025, 11, 22), date(2025, 11, 21)  # 12 months before the run
    seal(kept, crowd(12))
    seal(over, crowd(12))
    assert days_to_publish(installation, day=DAY) == [kept]
    assert measure_days(installation, [over, kept], day=DAY).days == (kept,)
    assert staging.staged(installation.places.releases) == {kept.isoformat()}


def test_a_day_that_is_not_over_is_refused(installation: Installation, seal: Seal) -> None:
    seal(DAY, crowd(12))
    with pytest.raises(UsageError, match="not complete"):
        measure_days(installation, [DAY], day=DAY)
    assert staging.staged(installation.places.releases) == set()


def test_a_measured_day_is_final(installation: Installation, seal: Seal) -> None:
    seal(YESTERDAY, crowd(12))
    first = measure_days(installation, [YESTERDAY], day=DAY)
    assert (first.days, first.suppressed) == ((YESTERDAY,), 2)  # there were no steps, and no broken links
    seal(YESTERDAY, crowd(5, name="late"), "b")
    assert measure_days(installation, [YESTERDAY], day=DAY) == measure.Measured()
    assert staged_hits(installation, YESTERDAY) == 12


def test_segments_of_a_day_are_measured_together(installation: Installation, seal: Seal) -> None:
    seal(YESTERDAY, [hit("a", "09:00"), *crowd(11)], "a")
    seal(YESTERDAY, [hit("a", "09:10"), *crowd(11)], "b")
    measure_days(installation, [YESTERDAY], day=DAY)
    assert staged_hits(installation, YESTERDAY) == 24


def test_a_day_with_too_few_people_is_staged_as_suppressed(installation: Installation, seal: Seal) -> None:
    seal(YESTERDAY, crowd(9))
    found = measure_days(installation, [YESTERDAY], day=DAY)
    assert (found.cells, found.suppressed) == (0, len(OF_A_DAY))
    states = staging.states(installation.places.releases, YESTERDAY.isoformat())
    assert set(states.values()) == {staging.SUPPRESSED}
    assert days_to_publish(installation, day=DAY) == []


def test_days_that_nobody_holds_or_twice_named_change_nothing(installation: Installation, seal: Seal) -> None:
    seal(YESTERDAY, crowd(12))
    asked = [YESTERDAY, YESTERDAY, date(2026, 1, 1)]
    assert measure_days(installation, asked, day=DAY).days == (YESTERDAY,)
    assert measure_days(installation, [], day=DAY).days == ()


def test_the_result_is_the_same_in_one_batch_or_in_many(
    installation: Installation, seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [YESTERDAY - timedelta(days=offset) for offset in range(4)]
    for number, day in enumerate(days):
        seal(day, [*crowd(12 + number, "09:00"), *crowd(12, "10:00", path="/x")])
    assert list(batches(installation.vault, sorted(days))) == [sorted(days)]
    monkeypatch.setattr(measure, "_SEALED_BYTES_TOGETHER", 1)
    assert list(batches(installation.vault, sorted(days))) == [[day] for day in sorted(days)]
    found = measure_days(installation, days, day=DAY)
    assert found.days == tuple(sorted(days))
    assert [staged_hits(installation, day) for day in days] == [24, 25, 26, 27]


def test_a_batch_takes_days_until_it_is_full(
    installation: Installation, seal: Seal, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [YESTERDAY - timedelta(days=offset) for offset in (2, 1, 0)]
    for day in days:
        seal(day, crowd(1))
    (file,) = installation.vault.segment_files(f"traffic/{YESTERDAY}")
    monkeypatch.setattr(measure, "_SEALED_BYTES_TOGETHER", 2 * file.stat().st_size)
    assert list(batches(installation.vault, days)) == [days[:2], days[2:]]


def test_a_month_is_measured_once_when_it_is_whole(installation: Installation, write_messages: Write) -> None:
    write_messages([(f"p{n}", "form", "2026-10-20 10:00") for n in range(12)])
    assert measure_months(installation, day=date(2026, 11, 14)).days == ()  # an export may still bring some
    assert measure_months(installation, day=date(2026, 11, 15)).days == (date(2026, 10, 1),)
    assert measure_months(installation, day=date(2026, 11, 16)).days == ()
    (row,) = staged(installation, "2026-10", "contact_activity")
    assert row == {"month": date(2026, 10, 1), "kind": "form", "messages": 12, "people": 12}


def test_a_later_message_of_the_source_makes_a_month_whole_at_once(
    installation: Installation, write_messages: Write
) -> None:
    october = [(f"p{n}", "form", "2026-10-20 10:00") for n in range(12)]
    write_messages([*october, ("q", "form", "2026-11-01 10:00")])
    assert measure_months(installation, day=date(2026, 11, 2)).days == (date(2026, 10, 1),)


def test_a_month_of_which_messages_may_be_past_their_period_is_not_measured(
    installation: Installation, write_messages: Write
) -> None:
    # The shortest period of the shipped charter for messages is a year: chatbot and surveys.
    months = ["2025-11-25", "2025-12-05", "2026-01-05"]
    write_messages([(f"{on}{n}", "form", f"{on} 10:00") for on in months for n in range(12)])
    found = measure_months(installation, day=DAY)
    assert found.days == (date(2025, 12, 1), date(2026, 1, 1))


def test_without_contacts_there_is_nothing_to_measure(installation: Installation) -> None:
    assert measure_months(installation, day=DAY) == measure.Measured()


def test_a_measured_sum_counts_cells_and_what_has_no_row(installation: Installation, seal: Seal) -> None:
    seal(YESTERDAY, [*crowd(12), *crowd(12, name="w", path="/rare"), hit("v0", path="/only")])
    found = measure_days(installation, [YESTERDAY], day=DAY)
    rows = [row for name in BY_NAME for row in staged(installation, YESTERDAY.isoformat(), name)]
    assert found.cells == len(rows)
    assert found.folded >= 1  # "/only" has no row of its own
