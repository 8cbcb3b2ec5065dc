"""Read every text that is new in a release: what looks like somebody, and who is known by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from pipelines.statistics.attack.findings import TEXT, Finding, Tried
from pipelines.statistics.attack.publication import Publication
from pipelines.statistics.attack.texts import suspicions

# Where texts stand → the texts; to where, and what they look like → which of them.
NameCheck = Callable[[Mapping[str, Sequence[str]]], Mapping[tuple[str, str], Sequence[str]]]
Place = tuple[str, str]  # table and column


def read_texts(publication: Publication, names: NameCheck) -> Iterator[Finding | Tried]:
    """Yield what looks like somebody in the new texts of each table, and how many texts were read."""
    texts = {(name, column): found for name, column, found in publication.texts()}
    for (name, _column), found in texts.items():
        yield Tried(TEXT, name, len(found))
    for (name, column), reason, suspects in [*_looking_like(texts), *_known(texts, names)]:
        periods = publication.periods_of(publication.measures[name], column, suspects)
        why = f"column {column} holds what looks like {reason}"
        yield Finding(TEXT, name, "personal text", why, len(suspects), periods)


def _looking_like(
    texts: Mapping[Place, Iterable[str | None]],
) -> Iterator[tuple[Place, str, list[str | None]]]:
    """Yield where texts stand, what they look like, and which of them do."""
    for place, found in texts.items():
        said: dict[str, list[str | None]] = {}
        for text in found:
            for reason in suspicions(text):
                said.setdefault(reason, []).append(text)
        yield from ((place, reason, suspects) for reason, suspects in sorted(said.items()))


def _known(
    texts: Mapping[Place, Iterable[str | None]], names: NameCheck
) -> Iterator[tuple[Place, str, Sequence[str]]]:
    """Yield where texts stand that tell of somebody known, in what way, and which of them do."""
    asked = {f"{name}.{column}": [t for t in found if t] for (name, column), found in texts.items()}
    for (place, reason), suspects in sorted(names(asked).items()):
        name, _dot, column = place.partition(".")
        yield (name, column), reason, suspects
