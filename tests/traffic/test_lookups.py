"""Texts numbered: the same text has one number, whichever portion brings it."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pipelines.traffic import distinct
from pipelines.traffic.distinct import Distinct

TEXTS = st.lists(st.text("ab/é", max_size=9), max_size=40)


@given(portions=st.lists(TEXTS, max_size=4), cut=st.integers(0, 20))
def test_a_text_has_the_number_of_the_first_that_was_like_it(portions: list[list[str]], cut: int) -> None:
    known, numbers = Distinct(), dict[str, int]()
    for texts in portions:
        expected = [numbers.setdefault(text, len(numbers)) for text in texts[cut:]]
        assert known.numbers(pa.array(texts, pa.string())[cut:]).tolist() == expected
    assert known.since(0)[1].to_pylist() == list(numbers)


def test_many_texts_are_numbered_some_at_a_time() -> None:
    known, texts = Distinct(), [str(number % 50_000) for number in range(60_000)]
    assert len(texts) > 3 * distinct._AT_ONCE
    assert known.numbers(pa.array(texts)).tolist() == [number % 50_000 for number in range(60_000)]
