"""The privacy rule: its boundary, its attacks, and a slow, obvious reference on random tables."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.statistics import disclosure
from pipelines.statistics.disclosure import betrays, fold, withheld
from pipelines.statistics.people import Cell, Label, heads, union

OTHER: Label = ("(other)",)
Groups = Mapping[str, set[int]]


def cell(label: str | None, people: Iterable[int], *coarser: str, **groups: Iterable[int]) -> Cell:
    found = {"contributors": people, **groups}
    arrays = {name: np.array(sorted(members), dtype=np.int64) for name, members in found.items()}
    labels = [label, *coarser]
    return Cell(tuple(None if each is None else (each,) for each in labels), {}, arrays)


def shown(cells: Iterable[Cell], threshold: int = 10) -> dict[str, int]:
    found = fold(cells, threshold=threshold, other=OTHER, may_show=lambda _label: True)
    return {label[0]: heads(members) for label, members in found.items()}


@pytest.mark.parametrize(("people", "is_shown"), [(9, False), (10, True)])
def test_the_boundary(people: int, is_shown: bool) -> None:
    assert shown([cell("a", range(1, people + 1))]) == ({"a": 10} if is_shown else {})


@pytest.mark.parametrize(("requests", "is_shown"), [(99, False), (100, True)])
def test_the_boundary_where_nobody_can_be_counted(requests: int, is_shown: bool) -> None:
    assert shown([cell("a", range(-requests, 0))]) == ({"a": 10} if is_shown else {})


def test_known_and_unknown_people_add_up() -> None:
    assert heads([cell("a", [*range(1, 5), *range(-25, 0)])]) == 4 + 2


def test_folded_cells_are_counted_again_not_added_up() -> None:
    small = [cell(name, range(1, 7)) for name in "abc"]  # the same six people: 18 if added up
    assert shown(small) == {}
    assert shown([*small, cell("d", range(7, 11))]) == {"(other)": 10}


def test_an_other_that_is_too_small_takes_the_smallest_row_with_it() -> None:
    cells = [cell("a", range(1, 31)), cell("b", range(1, 21)), cell("rare", [1, 2])]
    assert shown(cells) == {"a": 30, "(other)": 20}  # total minus a gives b and rare together, never rare


def test_of_two_rows_as_small_the_first_in_the_alphabet_goes() -> None:
    cells = [cell("b", range(1, 13)), cell("a", range(1, 13)), cell("rare", [1])]
    assert shown(cells) == {"b": 12, "(other)": 12}
    assert shown(cells[::-1]) == {"b": 12, "(other)": 12}


def test_where_nothing_is_left_to_take_nothing_is_shown() -> None:
    assert shown([cell("a", [1, 2, 3]), cell("b", [4, 5])]) == {}
    assert shown([]) == {}


def test_no_row_for_nobody() -> None:
    assert shown([cell("a", range(1, 13)), cell("nobody", [])]).get("nobody") is None


def test_small_cells_go_up_their_levels_first() -> None:
    cells = [
        cell("/a/1", range(1, 7), "/a/*"),
        cell("/a/2", range(7, 13), "/a/*"),
        cell("/b/1", range(1, 13), "/b/*"),
        cell("/c/1", range(20, 33), "/c/*"),
    ]
    assert shown(cells) == {"/a/*": 12, "/b/1": 12, "/c/1": 13}


def test_a_label_that_is_not_fit_to_show_is_folded_however_large() -> None:
    cells = [cell("a", range(1, 31)), cell("jane@example.org", range(1, 41))]
    found = fold(cells, threshold=10, other=OTHER, may_show=lambda label: "@" not in label[0])
    assert set(found) == {("a",), OTHER}


def test_a_value_called_like_the_rest_is_counted_with_the_rest() -> None:
    cells = [cell("(other)", range(1, 31)), cell("rare", range(40, 52)), cell("x", range(60, 63))]
    assert shown(cells) == {"(other)": 33, "rare": 12}


def part(label: str, with_part: Iterable[int], without: Iterable[int]) -> Cell:
    yes, no = set(with_part), set(without)
    return cell(label, yes | no, with_part=yes, without_part=no)


def blank(cells: Iterable[Cell], unseen: Iterable[Cell] = ()) -> set[str]:
    by_label: dict[Label, list[Cell]] = {each.labels[0] or (): [each] for each in cells}
    return {label[0] for label in withheld(by_label, "part", threshold=10, unseen=list(unseen))}


@pytest.mark.parametrize(("inside", "is_shown"), [(0, False), (9, False), (10, True)])
def test_a_part_of_too_few_is_blank(inside: int, is_shown: bool) -> None:
    found = blank([part("a", range(1, inside + 1), range(100, 200))])
    assert found == (set() if is_shown else {"a"})


@pytest.mark.parametrize(("outside", "is_shown"), [(0, True), (1, False), (9, False), (10, True)])
def test_a_part_is_blank_where_the_rest_of_the_whole_is_too_few(outside: int, is_shown: bool) -> None:
    found = blank([part("a", range(100, 200), range(1, outside + 1))])
    assert found == (set() if is_shown else {"a"})


def test_a_blank_part_takes_another_with_it_so_that_the_total_does_not_give_it_back() -> None:
    cells = [
        part("a", range(1, 4), range(1, 40)),
        part("b", range(1, 30), range(1, 30)),
        part("c", range(1, 50), range(1, 50)),
    ]
    assert blank(cells) == {"a", "b"}


def test_what_is_in_no_row_must_not_follow_from_the_total_either() -> None:
    cells = [part("a", range(1, 30), range(1, 30)), part("b", range(1, 50), range(1, 50))]
    assert blank(cells) == set()
    assert blank(cells, unseen=[part("", [99], [])]) == {"a"}


def test_nobody_at_all_betrays_nobody() -> None:
    assert not betrays([], "part", threshold=10)
    assert not betrays([part("a", [], [])], "part", threshold=10)


def test_the_rule_fits_on_two_screens_and_its_thresholds_are_named() -> None:
    assert len(inspect.getsource(disclosure).splitlines()) < 140
    for function in (fold, withheld, betrays):
        threshold = inspect.signature(function).parameters["threshold"]
        assert threshold.kind is inspect.Parameter.KEYWORD_ONLY
        assert threshold.default is inspect.Parameter.empty  # nobody gets one without saying so


# ----------------------------------------------------------------- the slow, obvious reference

people = st.sets(st.integers(1, 30), max_size=30)
tables = st.dictionaries(st.sampled_from("abcdefgh"), people, max_size=8)
sections = {letter: "vowels" if letter in "ae" else "others" for letter in "abcdefgh"}


def reference(table: Mapping[str, set[int]], threshold: int) -> dict[str, set[int]]:
    """The rule, said as slowly as possible: sets of people, one step after the other."""
    visible = {name: members for name, members in table.items() if len(members) >= threshold}
    small = {name: members for name, members in table.items() if name not in visible}
    rest: set[int] = set()
    for section in ("vowels", "others"):
        together = set().union(*[members for name, members in small.items() if sections[name] == section])
        if len(together) >= threshold:
            visible[section] = together
        else:
            rest = rest | together
    has_rest = any(sections[name] not in visible for name in small)
    while has_rest and len(rest) < threshold and visible:
        name = sorted(visible, key=lambda name: (len(visible[name]), name))[0]
        rest = rest | visible.pop(name)
    if len(rest) >= threshold:
        visible["(other)"] = rest
    return visible


@given(table=tables, threshold=st.integers(2, 12))
def test_fold_agrees_with_the_reference(table: dict[str, set[int]], threshold: int) -> None:
    cells = [cell(name, members, sections[name]) for name, members in table.items()]
    found = fold(cells, threshold=threshold, other=OTHER, may_show=lambda _label: True)
    got = {label[0]: set(union([c.groups["contributors"] for c in m]).tolist()) for label, m in found.items()}
    assert got == reference(table, threshold)


@given(table=tables, threshold=st.integers(2, 12))
def test_no_row_and_no_difference_from_the_total_is_about_too_few(
    table: dict[str, set[int]], threshold: int
) -> None:
    """Attack: each person makes one request in each of his cells; the total of requests is known."""
    cells = [cell(name, members, sections[name]) for name, members in table.items()]
    found = fold(cells, threshold=threshold, other=OTHER, may_show=lambda _label: True)
    assert all(heads(members) >= threshold for members in found.values())
    hidden = sum(map(len, table.values())) - sum(
        len(each.groups["contributors"]) for members in found.values() for each in members
    )
    assert hidden == 0 or not found  # all or nothing: there is no difference to take


@given(
    rows=st.dictionaries(st.sampled_from("abcdef"), st.tuples(people, people), min_size=1),
    unseen=st.tuples(people, st.just(set[int]())),
    threshold=st.integers(2, 12),
)
def test_no_part_can_be_had_by_subtraction(
    rows: dict[str, tuple[set[int], set[int]]], unseen: tuple[set[int], set[int]], threshold: int
) -> None:
    """Attack: the totals of part and whole are known, so are the parts of all rows that are not blank."""
    by_label = {(name,): [part(name, *sides)] for name, sides in rows.items()}
    away = withheld(by_label, "part", threshold=threshold, unseen=[part("", *unseen)])
    for name, sides in rows.items():
        if (name,) not in away:
            assert len(sides[0]) >= threshold
            assert not 0 < len(sides[1]) < threshold
    if len(away) < len(rows):
        for side in (0, 1):
            hidden = set().union(unseen[side], *(rows[label[0]][side] for label in away))
            assert not 0 < len(hidden) < threshold
