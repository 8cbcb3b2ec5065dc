"""What an outsider can write down of published numbers: unknown counts, and what must hold between them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

# No site has more of anything in a period that is published: an unknown number without a total ends here.
UNKNOWN = 100_000_000
# A relation may be open on one side, whatever its factors and however large its numbers.
OPEN = 10**15

Term = tuple[int, int]  # how often, which quantity


class ContradictionError(Exception):
    """The published numbers cannot all be true at once."""


@dataclass(frozen=True, slots=True)
class Relation:
    """`least` <= sum of `terms` <= `most`, each term a factor and a quantity."""

    terms: tuple[Term, ...]
    least: int
    most: int


class System:
    """Whole numbers, none below zero unless said so, each within bounds, and relations between them."""

    def __init__(self) -> None:
        self.least: list[int] = []
        self.most: list[int] = []
        self.relations: list[Relation] = []

    def __len__(self) -> int:
        return len(self.least)

    def quantity(self, least: int = 0, most: int = UNKNOWN) -> int:
        """Add an unknown number between `least` and `most`; return its place."""
        self.least.append(least)
        self.most.append(most)
        return len(self.least) - 1

    def relate(self, terms: Sequence[Term], least: int = 0, most: int = 0) -> None:
        """Require that the sum of `terms` is between `least` and `most`; zero when left out."""
        joined: dict[int, int] = {}
        for factor, place in terms:
            joined[place] = joined.get(place, 0) + factor
        kept = tuple((factor, place) for place, factor in joined.items() if factor)
        self.relations.append(Relation(kept, least, most))

    def at_most(self, smaller: int, larger: int) -> None:
        """Require that one quantity is not above another."""
        self.relate([(1, smaller), (-1, larger)], -OPEN, 0)

    def total(self, terms: Sequence[Term]) -> int:
        """Add the number, maybe below zero, that is the sum of `terms`; return its place."""
        place = self.quantity(-UNKNOWN)
        self.relate([*terms, (-1, place)])
        return place

    def is_known(self, place: int) -> bool:
        """Return whether nothing is open about the quantity."""
        return self.least[place] == self.most[place]

    def tighten(self) -> None:
        """Narrow all bounds as far as each relation by itself goes; ContradictionError where none is left.

        Where quantities share one relation only, each a factor of one, the bounds are then exact.
        """
        behind = self._relations_of_quantities()
        waiting, queued = deque(range(len(self.relations))), set(range(len(self.relations)))
        rounds = 64 * (
            len(self.relations) + 1
        )  # a cycle may creep on for ever: the solver goes on from there
        while waiting and rounds:
            rounds -= 1
            number = waiting.popleft()
            queued.discard(number)
            relation = self.relations[number]
            is_settled = all(abs(factor) == 1 for factor, _place in relation.terms)  # by one look at it
            for place in self._narrow(relation):
                more = [
                    other
                    for other in behind[place]
                    if other not in queued and not (is_settled and other == number)
                ]
                waiting.extend(more)
                queued.update(more)

    def parts(self) -> Iterator[tuple[list[int], list[Relation]]]:
        """Yield the open quantities that hang together, with what is left to hold between them."""
        leader = list(range(len(self)))

        def root(place: int) -> int:
            while leader[place] != place:
                leader[place] = leader[leader[place]]
                place = leader[place]
            return place

        left = [relation for relation in map(self._without_known, self.relations) if relation.terms]
        for relation in left:
            first = root(relation.terms[0][1])
            for _factor, place in relation.terms[1:]:
                leader[root(place)] = first
        together: dict[int, tuple[list[int], list[Relation]]] = {}
        for place in range(len(self)):
            if not self.is_known(place):
                together.setdefault(root(place), ([], []))[0].append(place)
        for relation in left:
            together[root(relation.terms[0][1])][1].append(relation)
        yield from together.values()

    def _relations_of_quantities(self) -> Mapping[int, list[int]]:
        behind: dict[int, list[int]] = {}
        for number, relation in enumerate(self.relations):
            for _factor, place in relation.terms:
                behind.setdefault(place, []).append(number)
        return behind

    def _narrow(self, relation: Relation) -> list[int]:
        """Narrow the quantities of one relation; return those that were."""
        low = [f * (self.least[p] if f > 0 else self.most[p]) for f, p in relation.terms]
        high = [f * (self.most[p] if f > 0 else self.least[p]) for f, p in relation.terms]
        smallest, largest = sum(low), sum(high)
        if smallest > relation.most or largest < relation.least:
            raise ContradictionError
        changed = []
        for (factor, place), own_low, own_high in zip(relation.terms, low, high, strict=True):
            if self.is_known(place):
                continue
            room_above = relation.most - (smallest - own_low)
            room_below = relation.least - (largest - own_high)
            if factor < 0:
                room_below, room_above = room_above, room_below
            least, most = -(-room_below // factor), room_above // factor  # rounded inwards
            if self._set(place, least, most):
                changed.append(place)
        return changed

    def _set(self, place: int, least: int, most: int) -> bool:
        least, most = max(least, self.least[place]), min(most, self.most[place])
        if least > most:
            raise ContradictionError
        is_new = (least, most) != (self.least[place], self.most[place])
        self.least[place], self.most[place] = least, most
        return is_new

    def _without_known(self, relation: Relation) -> Relation:
        known = sum(factor * self.least[place] for factor, place in relation.terms if self.is_known(place))
        terms = tuple((factor, place) for factor, place in relation.terms if not self.is_known(place))
        return Relation(terms, relation.least - known, relation.most - known)
