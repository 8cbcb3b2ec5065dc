"""Linkage: who knows some facts of a visitor's day looks for the rest in the tables that have both.

The facts are labels: a browser, a page, a medium. The rows that fit them are those with these labels and
those of a rest, which may hold anything. The person is found where too few people are behind all of them
together; a further fact is certain where all of them agree on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from pipelines.statistics.attack.findings import LINKAGE, Finding, Tried
from pipelines.statistics.attack.knowledge import FORMS, OTHER, Known
from pipelines.statistics.attack.publication import Publication, Row

MOST_FACTS = 4


@dataclass
class _Tally:
    """What came of all people of a table about whom so many facts are known."""

    people: int = 0
    certain: int = 0  # for so many of them another fact follows
    fewest: int | None = None  # behind the rows that fit

    def add(self, people: int, behind: int, *, is_certain: bool) -> None:
        """Count the people of one row."""
        self.people += people
        self.certain += people if is_certain else 0
        self.fewest = behind if self.fewest is None else min(self.fewest, behind)


def link(publication: Publication, threshold: int) -> Iterator[Finding | Tried]:
    """Yield the tables in which few are left once some facts are known, and how far facts lead in each."""
    for name, known in publication.measures.items():
        tallies: dict[int, _Tally] = {}
        small: dict[str, int] = {}
        for period, rows in publication.rows(known, publication.new[name]):
            for facts, row, behind, is_certain in _known_facts(known, rows):
                tallies.setdefault(facts, _Tally()).add(_people(known, row), behind, is_certain=is_certain)
                if behind < threshold:
                    text = period.strftime(FORMS[known.period])
                    small[text] = small.get(text, 0) + 1
        yield Tried(LINKAGE, name, sum(tally.people for tally in tallies.values()), _figures(tallies))
        for text, cells in small.items():
            reason = "a few facts of a day lead to rows that are about too few people"
            yield Finding(LINKAGE, name, "linked", reason, cells, (text,))


def _known_facts(known: Known, rows: Sequence[Row]) -> Iterator[tuple[int, Row, int, bool]]:
    """Yield how many facts are known of the people of a row, how many fit them, and whether more follows."""
    for facts in range(min(MOST_FACTS, len(known.labels)) + 1):
        for columns in combinations(known.labels, facts):
            rest = [row for row in rows if any(_is_rest(row[column]) for column in columns)]
            fitting: dict[tuple[str, ...], list[Row]] = {}
            for row in rows:
                if not any(_is_rest(row[column]) for column in columns):
                    fitting.setdefault(tuple(row[column] for column in columns), []).append(row)
            unknown = [column for column in known.labels if column not in columns]
            in_rest = sum(_people(known, row) for row in rest) if unknown else 0  # named in full, in no rest
            of_rest = {column: {row[column] for row in rest} for column in unknown}
            for found in fitting.values():
                behind = in_rest + sum(_people(known, row) for row in found)
                is_certain = any(_agree(found, column, of_rest[column]) for column in unknown)
                yield from ((facts, row, behind, is_certain) for row in found)


def _agree(rows: Sequence[Row], column: str, others: set[str | None]) -> bool:
    """Return whether all rows and `others` have one value, which is not that of a rest."""
    values = {row[column] for row in rows} | others
    return len(values) == 1 and not any(map(_is_rest, values))


def _is_rest(label: str | None) -> bool:
    return label is None or label.endswith(OTHER)


def _people(known: Known, row: Row) -> int:
    """Return how many people a row is about; where it does not say, what it counts."""
    people = None if known.people is None else row[known.people]
    return int(row[known.base] or 0) if people is None else int(people)


def _figures(tallies: Mapping[int, _Tally]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for facts, tally in tallies.items():
        figures[f"certain_with_{facts}_facts"] = (
            round(tally.certain / tally.people, 4) if tally.people else 0.0
        )
        figures[f"fewest_with_{facts}_facts"] = tally.fewest or 0
    return figures
