"""Texts numbered: the same text has one number, whichever portion brings it."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given
from hypothesis import strategies as st

from pipelines.traffic.lookups import places_of

TEXTS = st.lists(st.text("ab/é", max_size=3), unique=True)


@given(distinct=TEXTS, known=TEXTS, cut=st.integers(0, 20))
def test_a_text_is_found_at_the_place_where_it_is_known(
    distinct: list[str], known: list[str], cut: int
) -> None:
    table = pa.chunked_array([known[:cut], known[cut:]], pa.string())
    texts = pa.array(distinct, pa.string())
    assert places_of(texts, table).equals(pc.index_in(texts, value_set=table))
