"""Periods are counted as the law counts them: by the calendar, to the day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import CharterFileError
from pipelines.periods import Period, answer_due, oldest_kept

days = st.dates(date(1990, 1, 1), date(2090, 12, 31))
periods = st.builds(Period, months=st.integers(0, 130), days=st.integers(0, 400))


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("12 months", Period(months=12)),
        ("1 month", Period(months=1)),
        ("5 years", Period(months=60)),
        ("1 year", Period(months=12)),
        ("30 days", Period(days=30)),
        ("0 days", Period()),
    ],
)
def test_a_period_is_read(text, period):
    assert Period.parse(text) == period


@pytest.mark.parametrize(
    "text", ["", "12", "months", "-1 day", "1.5 years", "12 months ", "2 weeks", "١٢ months\n", "10000 days"]
)
def test_nonsense_is_no_period(text):
    with pytest.raises(CharterFileError, match="a period reads like"):
        Period.parse(text)


@pytest.mark.parametrize("text", ["1 day", "30 days", "1 month", "18 months", "1 year", "5 years", "0 days"])
def test_a_period_is_written_as_it_is_read(text):
    assert str(Period.parse(text)) == text


def test_a_period_is_written_in_the_charters_own_words():
    assert str(Period.parse("12 months")) == "12 months"
    assert str(Period(months=12)) == "1 year"
    assert Period.parse("12 months") == Period.parse("1 year")


@pytest.mark.parametrize(
    ("start", "period", "last"),
    [
        (date(2025, 11, 21), Period(months=12), date(2026, 11, 21)),
        (date(2024, 2, 29), Period(months=12), date(2025, 2, 28)),
        (date(2024, 2, 29), Period(months=48), date(2028, 2, 29)),
        (date(2023, 2, 28), Period(months=12), date(2024, 2, 28)),
        (date(2025, 8, 31), Period(months=6), date(2026, 2, 28)),
        (date(2023, 8, 31), Period(months=6), date(2024, 2, 29)),
        (date(2025, 12, 31), Period(months=1), date(2026, 1, 31)),
        (date(2025, 1, 31), Period(months=1, days=1), date(2025, 3, 1)),
        (date(2026, 3, 28), Period(days=1), date(2026, 3, 29)),  # clocks change that night: days do not
        (date(2026, 1, 1), Period(), date(2026, 1, 1)),
    ],
)
def test_a_period_ends_with_the_same_date_or_the_last_of_the_month(start, period, last):
    assert period.after(start) == last


@pytest.mark.parametrize(
    ("on", "is_over"),
    [(date(2026, 11, 20), False), (date(2026, 11, 21), False), (date(2026, 11, 22), True)],
)
def test_a_period_is_over_on_the_day_after_its_last(on, is_over):
    assert Period(months=12).is_over(date(2025, 11, 21), on) is is_over


@given(periods, days, days)
def test_who_starts_later_ends_no_earlier(period, one, other):
    first, second = sorted([one, other])
    assert period.after(first) <= period.after(second)


@given(periods, days)
def test_the_oldest_kept_is_kept_and_the_day_before_is_not(period, on):
    oldest = oldest_kept(period, on)
    assert not period.is_over(oldest, on)
    assert period.is_over(oldest - timedelta(days=1), on)


@pytest.mark.parametrize(
    ("on", "oldest"),
    [
        (date(2026, 11, 22), date(2025, 11, 22)),
        (date(2025, 2, 28), date(2024, 2, 28)),  # 28 and 29 February 2024 both end on this day
        (date(2025, 3, 1), date(2024, 3, 1)),
        (date(2024, 2, 29), date(2023, 3, 1)),  # 28 February 2023 ended the day before
    ],
)
def test_the_oldest_kept_around_the_end_of_february(on, oldest):
    assert oldest_kept(Period(months=12), on) == oldest


@pytest.mark.parametrize(
    ("received_on", "holidays", "due"),
    [
        (date(2021, 3, 5), [], date(2021, 4, 5)),  # the examples of EDPB Guidelines 01/2022 (157)
        (date(2021, 8, 31), [], date(2021, 9, 30)),
        (date(2021, 3, 5), [date(2021, 4, 5)], date(2021, 4, 6)),  # Easter Monday
        (date(2026, 1, 31), [], date(2026, 3, 2)),  # 28 February 2026 is a Saturday
        (date(2026, 4, 1), [date(2026, 5, 1)], date(2026, 5, 4)),  # a holiday, then a weekend
        (date(2025, 11, 25), [date(2025, 12, 25), date(2025, 12, 26)], date(2025, 12, 29)),
    ],
)
def test_the_last_day_to_answer(received_on, holidays, due):
    assert answer_due(received_on, holidays) == due


@given(days, st.sets(days, max_size=20))
def test_an_answer_is_due_on_a_working_day_a_month_later_or_more(received_on, holidays):
    due = answer_due(received_on, holidays)
    assert due >= Period(months=1).after(received_on)
    assert due.weekday() < 5
    assert due not in holidays
