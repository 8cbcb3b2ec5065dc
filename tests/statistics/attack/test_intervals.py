"""The solver against the slow way: every table that there is, one by one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.statistics.attack.intervals import Interval, Target, work_out
from pipelines.statistics.attack.knowledge import KNOWN
from pipelines.statistics.attack.puzzle import BLANK, Puzzle, Rules
from pipelines.statistics.attack.system import ContradictionError, System

Relations = list[tuple[list[tuple[int, int]], int, int]]


def never(_least: int, _most: int) -> bool:
    return False


def solved(
    most: Sequence[int], relations: Relations, is_safe: Callable[[int, int], bool] = never
) -> list[Interval]:
    system = System()
    for upper in most:
        system.quantity(0, upper)
    for terms, low, high in relations:
        system.relate(terms, low, high)
    return work_out(system, [Target(place, is_safe) for place in range(len(most))])


def all_tables(most: Sequence[int], relations: Relations) -> list[tuple[int, ...]]:
    return [
        table
        for table in itertools.product(*(range(upper + 1) for upper in most))
        if all(low <= sum(f * table[p] for f, p in terms) <= high for terms, low, high in relations)
    ]


@st.composite
def tiny_systems(draw: st.DrawFn) -> tuple[list[int], Relations]:
    """Two to five counts of up to five, and relations that hold for some table, or are off by a little."""
    most = draw(st.lists(st.integers(0, 5), min_size=2, max_size=5))
    truth = [draw(st.integers(0, upper)) for upper in most]
    relations: Relations = []
    for _ in range(draw(st.integers(1, 4))):
        places = draw(st.lists(st.integers(0, len(most) - 1), min_size=1, max_size=5))
        terms = [(draw(st.sampled_from([1, 1, 1, -1, 2, -3])), place) for place in places]
        value = sum(factor * truth[place] for factor, place in terms) + draw(
            st.sampled_from([0, 0, 0, 0, 1, -2])
        )
        relations.append(
            (terms, value - draw(st.sampled_from([0, 0, 1])), value + draw(st.sampled_from([0, 0, 2])))
        )
    return most, relations


@settings(max_examples=150, deadline=None)
@given(system=tiny_systems())
def test_the_interval_of_each_number_is_that_of_all_tables_that_fit(
    system: tuple[list[int], Relations],
) -> None:
    most, relations = system
    tables = all_tables(most, relations)
    if not tables:
        with pytest.raises(ContradictionError):
            solved(most, relations)
        return
    expected = [(min(column), max(column)) for column in zip(*tables, strict=True)]
    assert [(found.least, found.most) for found in solved(most, relations)] == expected


@settings(max_examples=60, deadline=None)
@given(system=tiny_systems(), width=st.integers(1, 4))
def test_examples_settle_no_number_that_is_not_safe(system: tuple[list[int], Relations], width: int) -> None:
    """What is said to be safe is so over all tables, and what is not is not."""
    most, relations = system
    tables = all_tables(most, relations)
    if tables:
        found = solved(most, relations, lambda low, high: low == 0 or high - low >= width)
        for interval, column in zip(found, zip(*tables, strict=True), strict=True):
            assert interval.is_safe == (min(column) == 0 or max(column) - min(column) >= width)


def test_margins_of_a_table_of_two_ways_pin_a_cell_down() -> None:
    """The textbook case: [[a, b], [c, d]] with rows of 10 and 2, columns of 11 and 1."""
    relations: Relations = [
        ([(1, 0), (1, 1)], 10, 10), ([(1, 2), (1, 3)], 2, 2), ([(1, 0), (1, 2)], 11, 11), ([(1, 1), (1, 3)], 1, 1),
    ]  # fmt: skip
    found = [(interval.least, interval.most) for interval in solved([99] * 4, relations)]
    assert found == [(9, 10), (0, 1), (1, 2), (0, 1)]


def test_whole_numbers_tell_more_than_the_linear_program() -> None:
    """2 a + 3 b = 7 has one answer in whole numbers, and many between them."""
    (a, b) = solved([9, 9], [([(2, 0), (3, 1)], 7, 7)])
    assert (a.least, a.most, b.least, b.most) == (2, 2, 1, 1)


def test_a_large_day_is_solved_in_seconds() -> None:
    """Two columns of 1,500 blanks each, which share a hidden row and are bounded by what is shown."""
    system = System()
    shared, total = system.quantity(), 40_000
    targets = []
    for _column in range(2):
        blanks = [system.quantity(0, 50 + number % 70) for number in range(1_500)]
        system.relate([*((1, place) for place in blanks), (1, shared), (-1, system.quantity(total, total))])
        targets += [Target(place, lambda low, high: low == 0 or high - low >= 10) for place in blanks]
    assert all(interval.is_safe for interval in work_out(system, targets))


def blanks_of(wholes: Sequence[int | None], total: int) -> list[Interval]:
    """Of blank parts of some numbers, whose sum is known: what is known of each; a whole may be blank itself."""
    puzzle = Puzzle(Rules(10))
    rows = [
        {"path": f"/{place}", "views": whole, "visitors": None, "entries": None, "exits": None}
        for place, whole in enumerate(wholes)
    ]
    sheet = puzzle.write(KNOWN["pages"], rows)
    puzzle.system.relate([(1, place) for place in sheet.cells["entries"]], total, total)
    asked = [
        riddle.target for riddle in puzzle.riddles if riddle.column == "entries" and riddle.kind == BLANK
    ]
    return work_out(puzzle.system, asked)


def test_a_part_that_one_table_makes_the_whole_is_not_settled_by_that_table() -> None:
    assert all(interval.is_safe for interval in blanks_of([25, 21, 20], total=33))


def test_a_part_that_is_the_whole_leaves_nobody_out_and_one_that_falls_a_few_short_of_it_does() -> None:
    assert [(each.least, each.is_safe) for each in blanks_of([25], total=25)] == [(25, True)]
    assert [(each.least, each.is_safe) for each in blanks_of([25], total=24)] == [(24, False)]


def test_a_part_of_what_is_blank_itself_is_never_taken_for_all_of_it() -> None:
    (interval,) = blanks_of([None], total=40)
    assert (interval.least, interval.most, interval.is_safe) == (40, 40, False)
