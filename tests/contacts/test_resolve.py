from datetime import datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from pipelines.contacts.resolve import Known, Node, assign, components

KEY = b"k" * 32
NODES = st.integers(0, 12).map(lambda n: (f"{n:02}",))
LINKS = st.lists(st.tuples(NODES, NODES), max_size=25)


def slow_components(links: list[tuple[Node, Node]]) -> dict[Node, Node]:
    """Walk from each node to all that can be reached."""
    found = {}
    for start in {node for link in links for node in link}:
        reached = {start}
        while True:
            more = {b for a, b in links if a in reached} | {a for a, b in links if b in reached}
            if more <= reached:
                break
            reached |= more
        found[start] = min(reached)
    return found


@given(LINKS)
def test_union_find_equals_the_slow_walk(links: list[tuple[Node, Node]]) -> None:
    assert components(links) == slow_components(links)


@given(LINKS, st.randoms(use_true_random=False))
def test_the_order_of_links_does_not_matter(links: list[tuple[Node, Node]], random: object) -> None:
    shuffled = list(links)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert components(shuffled) == components(links)


def test_the_smallest_record_names_a_new_person() -> None:
    claims = [(("crm", "2"), ("email", "a@x.org")), (("shop", "1"), ("email", "a@x.org"))]
    records = {("crm", "2"): None, ("shop", "1"): None}
    one, moves = assign(Known(records, claims, [], {}), KEY)
    other, _ = assign(Known(dict(reversed(records.items())), claims[::-1], [], {}), KEY)
    assert one == other
    assert one[("crm", "2")] == one[("shop", "1")]
    assert moves == {}
    assert assign(Known({("crm", "2"): None}, [], [], {}), KEY)[0][("crm", "2")] == one[("crm", "2")]
    assert assign(Known({("crm", "2"): None}, [], [], {}), b"x" * 32)[0] != {("crm", "2"): one[("crm", "2")]}


def test_the_older_person_survives_whatever_their_id() -> None:
    young, old = UUID(int=1), UUID(int=2)
    seen = {young: datetime(2026, 1, 1), old: datetime(2020, 1, 1)}  # noqa: DTZ001 the store's instants are naive UTC
    known = Known(
        {("crm", "1"): young}, [(("crm", "1"), ("email", "a@x.org"))], [(("email", "a@x.org"), old)], seen
    )
    persons, moves = assign(known, KEY)
    assert persons == {("crm", "1"): old}
    assert moves == {young: old}
