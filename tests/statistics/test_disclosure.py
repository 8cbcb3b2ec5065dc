"""The privacy rule: its boundaries, its attacks, and slow, obvious references on random tables."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.statistics import disclosure
from pipelines.statistics.disclosure import Rule, blanks, choose, fold, is_safe
from pipelines.statistics.people import Cell, Label, Tally, heads, people, tally, tally_of, together
from tests.statistics.rules import TEN, heads_only

OTHER: Label = ("(other)",)
Weights = Mapping[int, int]  # person → what they add


def cell(
    label: str | None, who: Iterable[int] | Weights, *coarser: str, **groups: Iterable[int] | Weights
) -> Cell:
    found = {"contributors": who, **groups}
    members = {
        name: people(group, group.values() if isinstance(group, Mapping) else None)
        for name, group in found.items()
    }
    labels = tuple(None if each is None else (each,) for each in (label, *coarser))
    return Cell(labels, {}, members, {name: tally_of(group) for name, group in members.items()})


def shown(cells: Iterable[Cell], rule: Rule = TEN) -> dict[str, int]:
    return {label[0]: heads(members) for label, members in fold(cells, rule=rule, other=OTHER).items()}


@pytest.mark.parametrize(("number", "is_shown"), [(9, False), (10, True)])
def test_the_boundary(number: int, is_shown: bool) -> None:
    assert shown([cell("a", range(1, number + 1))]) == ({"a": 10} if is_shown else {})


@pytest.mark.parametrize(("requests", "is_shown"), [(99, False), (100, True)])
def test_the_boundary_where_nobody_can_be_counted(requests: int, is_shown: bool) -> None:
    assert shown([cell("a", range(-requests, 0))]) == ({"a": 10} if is_shown else {})


@pytest.mark.parametrize(("most", "is_shown"), [(33, True), (34, False)])
def test_the_boundary_of_the_share_of_one(most: int, is_shown: bool) -> None:
    """(n,k): eleven others add 1 each; 33 is exactly three quarters of 44."""
    weights = dict.fromkeys(range(1, 12), 1) | {99: most}
    assert is_safe([cell("a", weights)], rule=replace(TEN, closeness=0.0)) == is_shown


@pytest.mark.parametrize(("second", "is_shown"), [(1, True), (2, False)])
def test_with_n_of_two_the_two_largest_are_taken_together(second: int, is_shown: bool) -> None:
    weights = dict.fromkeys(range(1, 10), 1) | {98: 26, 99: second}
    assert is_safe([cell("a", weights)], rule=replace(TEN, largest=2, closeness=0.0)) == is_shown


@pytest.mark.parametrize(("most", "is_shown"), [(100, True), (101, False)])
def test_the_boundary_of_how_close_the_second_comes_to_the_first(most: int, is_shown: bool) -> None:
    """p%: who adds 50 knows that the first adds at most the rest less 50; ten others add 1 each, and 10 is 10 %."""
    weights = dict.fromkeys(range(1, 11), 1) | {98: 50, 99: most}
    assert is_safe([cell("a", weights)], rule=replace(TEN, share=1.0)) == is_shown


def test_a_person_in_two_cells_is_one_head_and_adds_both() -> None:
    cells = [cell("a", dict.fromkeys(range(1, 11), 1)), cell("b", dict.fromkeys(range(1, 11), 1) | {1: 50})]
    assert tally(cells) == Tally(10, 0, 10 + 59, 51, 2)


def test_known_and_unknown_people_add_up() -> None:
    assert heads([cell("a", [*range(1, 5), *range(-25, 0)])]) == 4 + 2


def test_folded_cells_are_counted_again_not_added_up() -> None:
    small = [cell(name, range(1, 7)) for name in "abc"]  # the same six people: 18 if added up
    assert shown(small) == {}
    assert shown([*small, cell("d", range(7, 11))]) == {"(other)": 10}


def test_an_other_that_is_too_small_takes_the_smallest_row_with_it() -> None:
    cells = [cell("a", range(1, 31)), cell("b", range(1, 21)), cell("rare", [1, 2])]
    assert shown(cells) == {"a": 30, "(other)": 20}  # total minus a gives b and rare together, never rare


def test_a_row_that_is_mostly_about_one_is_folded_however_many_are_in_it() -> None:
    crawler = dict.fromkeys(range(1, 41), 1) | {99: 1_000}
    cells = [cell("a", crawler), cell("b", range(1, 31)), cell("c", dict.fromkeys(range(1, 200), 9))]
    assert shown(cells) == {
        "(other)": 199
    }  # with b he would still be most of it; with c he is 1,000 of 2,831


def test_of_two_rows_as_small_the_first_in_the_alphabet_goes() -> None:
    cells = [cell("b", range(1, 13)), cell("a", range(1, 13)), cell("rare", [1])]
    assert shown(cells) == {"b": 12, "(other)": 12}
    assert shown(cells[::-1]) == {"b": 12, "(other)": 12}


def test_where_nothing_is_left_to_take_nothing_is_shown() -> None:
    assert shown([cell("a", [1, 2, 3]), cell("b", [4, 5])]) == {}
    assert shown([]) == {}


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
    found = fold(cells, rule=TEN, other=OTHER, may_show=lambda label: "@" not in label[0])
    assert set(found) == {("a",), OTHER}


def test_a_value_called_like_the_rest_is_counted_with_the_rest() -> None:
    cells = [cell("(other)", range(1, 31)), cell("rare", range(40, 52)), cell("x", range(60, 63))]
    assert shown(cells) == {"(other)": 33, "rare": 12}


def test_more_groups_than_one_may_have_to_be_safe() -> None:
    cells = [
        cell("a", range(1, 31), without=range(1, 31)),
        cell("b", range(1, 31), without=[1]),
        cell("c", range(1, 31), without=range(1, 31)),
    ]
    found = fold(cells, rule=TEN, other=OTHER, groups=("contributors", "without"))
    assert set(found) == {("c",), OTHER}  # all who came by b did it: b is not told apart


def test_the_first_option_of_which_each_block_is_safe_or_nobody_is_chosen() -> None:
    day = cell(None, range(1, 61), x=range(1, 31), y=[1, 2], z=range(31, 61), none=[])
    options = [("each", [["x"], ["y"], ["z"]]), ("y with z", [["x"], ["y", "z"], ["none"]]), ("all", [])]
    assert choose(options, day, rule=TEN) == "y with z"
    assert choose(options[:1], day, rule=TEN) is None


# ---------------------------------------------------------------------------- parts of rows


def part(label: str, with_part: int, without: int, first: int = 0) -> Cell:
    """A row with so many visits in the part, and so many not, each of a person of its own."""
    yes = range(first + 1, first + with_part + 1)
    no = range(first + 1_001, first + 1_001 + without)
    return cell(label, {*yes, *no}, with_part=yes, without_part=no)


def blank(cells: Sequence[Cell], rule: Rule = TEN, *, must_hide: bool = False) -> set[str]:
    rows: dict[Label, Sequence[Cell]] = {each.labels[0] or (): [each] for each in cells}
    return {label[0] for label in blanks(rows, "part", rule=rule, must_hide=must_hide)}


ROOMY = [part("y", 50, 50, 100_000), part("z", 60, 60, 200_000)]


@pytest.mark.parametrize(("inside", "is_blank"), [(0, True), (9, True), (10, False)])
def test_a_part_of_too_few_is_blank(inside: int, is_blank: bool) -> None:
    assert ("a" in blank([part("a", inside, 100), *ROOMY])) == is_blank


@pytest.mark.parametrize(("outside", "is_blank"), [(0, True), (9, True), (10, False)])
def test_a_part_is_blank_where_the_rest_of_its_row_is_too_few_or_nobody(outside: int, is_blank: bool) -> None:
    assert ("a" in blank([part("a", 100, outside), *ROOMY])) == is_blank


def test_a_blank_part_takes_another_with_it_so_that_the_total_does_not_give_it_back() -> None:
    assert blank([part("a", 3, 40), *ROOMY]) == {"a", "y"}
    assert blank(ROOMY) == set()


@pytest.mark.parametrize(("inside", "outside"), [(40, 3), (3, 40), (40, 0), (5, 4)])
def test_a_small_number_never_comes_back_because_a_blank_hides_nothing(inside: int, outside: int) -> None:
    """One row, and its total known: the blank follows. A blank may follow; a small number must not be shown."""
    assert blank([part("a", inside, outside)]) == {"a"}
    assert blank([part("a", inside, outside), part("b", 60, 0, 50_000)]) == {"a", "b"}


def test_a_large_blank_part_needs_others_of_a_tenth_of_it() -> None:
    """p%: 200 beside 11 lies between 189 and 204; only with 60 more on both sides it is open enough."""
    rows = [part("a", 200, 4), part("y", 11, 11, 100_000), part("z", 60, 60, 200_000)]
    assert blank(rows) == {"a", "y", "z"}
    assert blank(rows, replace(TEN, closeness=0.0)) == {"a", "y"}


def test_a_total_that_tells_what_must_not_be_known_leaves_a_row_out() -> None:
    assert blank(ROOMY, must_hide=True) == {"y"}


def test_the_rule_is_small_and_its_thresholds_are_named() -> None:
    assert len(inspect.getsource(disclosure).splitlines()) < 200
    assert {parameter.default for parameter in inspect.signature(Rule).parameters.values()} == {
        inspect.Parameter.empty, 0,
    }  # fmt: skip  # only rounding may be left out
    for function in (fold, is_safe, choose, blanks):
        rule = inspect.signature(function).parameters["rule"]
        assert rule.kind is inspect.Parameter.KEYWORD_ONLY
        assert rule.default is inspect.Parameter.empty  # nobody gets one without saying so


# ------------------------------------------------------------------- slow, obvious references

weights = st.dictionaries(st.integers(1, 16), st.integers(1, 9), max_size=12)
tables = st.dictionaries(st.sampled_from("abcdefgh"), weights, max_size=8)
rules = st.builds(
    Rule, threshold=st.integers(2, 6), largest=st.integers(1, 2), share=st.sampled_from([0.5, 0.75, 1.0]),
    closeness=st.sampled_from([0.0, 0.1, 0.5]), zeros=st.booleans(),
)  # fmt: skip
sections = {letter: "vowels" if letter in "ae" else "others" for letter in "abcdefgh"}


def added(found: Iterable[Weights]) -> dict[int, int]:
    total: dict[int, int] = {}
    for each in found:
        for person, weight in each.items():
            total[person] = total.get(person, 0) + weight
    return total


def slowly_safe(behind: Weights, rule: Rule) -> bool:
    """The three rules, word for word."""
    parts = sorted(behind.values(), reverse=True)
    if len(parts) < rule.threshold:
        return False
    if sum(parts[: rule.largest]) > rule.share * sum(parts):
        return False
    return sum(parts[2:]) >= rule.closeness * parts[0]


def reference(table: Mapping[str, Weights], rule: Rule) -> dict[str, dict[int, int]]:
    """The fold, said as slowly as possible: dictionaries of people, one step after the other."""
    visible = {name: dict(found) for name, found in table.items() if slowly_safe(found, rule)}
    small = {name: found for name, found in table.items() if name not in visible}
    rest = []
    for section in ("vowels", "others"):
        members = [found for name, found in small.items() if sections[name] == section]
        if slowly_safe(added(members), rule):
            visible[section] = added(members)
        else:
            rest += members
    while rest and not slowly_safe(added(rest), rule) and visible:
        name = sorted(visible, key=lambda name: (len(visible[name]), name))[0]
        rest.append(visible.pop(name))
    if rest and slowly_safe(added(rest), rule):
        visible["(other)"] = added(rest)
    return visible


@given(table=tables, rule=rules)
def test_fold_agrees_with_the_reference(table: dict[str, dict[int, int]], rule: Rule) -> None:
    cells = [cell(name, members, sections[name]) for name, members in table.items()]
    found = fold(cells, rule=rule, other=OTHER)
    got = {}
    for label, members in found.items():
        everybody = together([each.groups["contributors"] for each in members])
        got[label[0]] = dict(zip(everybody.ids.tolist(), everybody.weights.tolist(), strict=True))
    assert got == reference(table, rule)


@given(table=tables, rule=rules)
def test_a_union_of_safe_blocks_is_safe(table: dict[str, dict[int, int]], rule: Rule) -> None:
    """What the docstring of the rule builds on: no sum of published rows is about too few, or mostly one."""
    safe = [found for found in table.values() if slowly_safe(found, rule)]
    for size in range(1, len(safe) + 1):
        for chosen in itertools.combinations(safe, size):
            assert slowly_safe(added(chosen), rule)


@given(table=tables, rule=rules)
def test_all_of_a_table_is_shown_or_nothing(table: dict[str, dict[int, int]], rule: Rule) -> None:
    """Attack: the total is known. What no row shows would be the total less the rows."""
    found = fold([cell(name, members) for name, members in table.items()], rule=rule, other=OTHER)
    everybody = added(table.values())
    shown_weight = sum(tally(members).total for members in found.values())
    assert shown_weight in (0, sum(everybody.values()))
    assert not found or slowly_safe(everybody, rule)


parts = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=1, max_size=5)


@given(rows=parts, threshold=st.integers(2, 5), must_hide=st.booleans())
def test_no_blank_part_can_be_narrowed_down_with_all_else_known(
    rows: list[tuple[int, int]], threshold: int, must_hide: bool
) -> None:
    """Attack by trying every possible table: what can each blank number be, given wholes, shown parts and total?"""
    rows = [sides for sides in rows if sum(sides) >= threshold]  # as all are that are shown
    cells = [part(f"r{place}", *sides, first=10_000 * place) for place, sides in enumerate(rows)]
    hidden = blank(cells, heads_only(threshold), must_hide=must_hide)
    for place, sides in enumerate(rows):
        if f"r{place}" not in hidden:
            assert min(sides) >= threshold
    places = [place for place in range(len(rows)) if f"r{place}" in hidden]
    if not places or len(places) == len(rows):
        return  # nothing is hidden, or nothing is shown: there was no row left to take
    total = sum(rows[place][0] for place in places)
    boxes = [range(sum(rows[place]) + 1) for place in places[:-1]]
    possible = [
        (*guess, total - sum(guess)) for guess in itertools.product(*boxes)
        if 0 <= total - sum(guess) <= sum(rows[places[-1]])
    ]  # fmt: skip
    for column, place in enumerate(places):
        values = [table[column] for table in possible]
        # One that went blank only to cover another may be worked out: it could have been shown.
        assert max(values) - min(values) >= threshold or min(rows[place]) >= threshold
