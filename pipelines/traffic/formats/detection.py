"""Which format lines are of, from a sample of them: named ones first, then the known ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import islice

from pipelines.traffic.formats.clf import COMBINED
from pipelines.traffic.formats.keys import json_detected, most_usual
from pipelines.traffic.formats.loose import LOOSE
from pipelines.traffic.formats.model import Format
from pipelines.traffic.formats.prefixes import behind, prefixes_of, wrapped
from pipelines.traffic.formats.presets import compiled
from pipelines.traffic.formats.w3c import is_directive

SAMPLE_LINES = 64
SAMPLE_CHARACTERS = 8192  # of a line: a longer one says nothing of the format that others do not


def sampled(lines: Iterable[str | None], most: int = SAMPLE_LINES) -> list[str]:
    """Return the first of `lines` that may say of which format they are, `most` of them."""
    return list(islice((line.lstrip("\ufeff") for line in lines if line and _says(line)), most))


def detected(sample: Sequence[str], named: Sequence[Format]) -> Format:
    """Return the format of a sample: one that takes at least half of it, else what refuses it fast."""
    least = (len(sample) + 1) // 2
    found = _detected(sample, named, least) or behind(
        sample, lambda inside: _inside(inside, named, least), least
    )
    found = found or _loose(sample, least) or behind(sample, lambda inside: _loose(inside, least), least)
    return found or max(named, key=lambda format_: takes(format_, sample), default=COMBINED)


def second_chance(sample: Sequence[str], tried: Collection[Format], named: Sequence[Format]) -> Format | None:
    """Return the format that most of these refused lines are of, be they few; None where there is none."""
    known = [format_ for format_ in (*named, *compiled().values()) if _is_new(format_, tried)]
    found = _most(sample, known, 1) or _json(sample, 1)
    if found is None or not _is_new(found, tried):
        found = behind(sample, lambda inside: _inside(inside, named, 1), 1)
    return found if found and _is_new(found, tried) else None


def last_chance(tried: Collection[Format]) -> Format | None:
    """Return what reads the remains of lines that these formats refused; None where it did."""
    format_ = LOOSE
    prefixes = next(filter(None, (prefixes_of(name) for name in sorted(one.name for one in tried))), [])
    for prefix in reversed(prefixes):
        format_ = wrapped(format_, prefix)
    return format_ if _is_new(format_, tried) else None


def takes(format_: Format, lines: Iterable[str]) -> int:
    """Return how many of `lines` are of the format."""
    return sum(map(format_.takes, lines))


def _is_new(format_: Format, tried: Collection[Format]) -> bool:
    """Return whether the format was not tried, under this name or, of JSON, with these keys."""
    is_json = "json" in format_.name.split(":")
    return format_ not in tried and (is_json or format_.name not in {one.name for one in tried})


def _says(line: str) -> bool:
    return not line.isspace() and len(line) <= SAMPLE_CHARACTERS and not is_directive(line)


def _detected(lines: Sequence[str], named: Sequence[Format], least: int) -> Format | None:
    if chosen := _most(lines, named, least):
        return chosen
    if takes(COMBINED, lines) == len(lines):
        return COMBINED
    found = _known(lines, least)
    return COMBINED if found and found.name == COMBINED.name else found  # which is read on a path of its own


def _inside(lines: Sequence[str], named: Sequence[Format], least: int) -> Format | None:
    return _most(lines, named, least) or _known(lines, least)


def _known(lines: Sequence[str], least: int) -> Format | None:
    return _json(lines, least) or _most(lines, list(compiled().values()), least)


def _loose(lines: Sequence[str], least: int) -> Format | None:
    return _most(lines, [LOOSE], least)


def _json(lines: Sequence[str], least: int) -> Format | None:
    """Return the format of the objects among `lines`: of all, or of those with the most usual keys."""
    objects = [line for line in lines if line.startswith("{")]
    if len(objects) < max(1, least):
        return None
    found = (json_detected(objects), json_detected(most_usual(objects)))
    return _most(objects, [format_ for format_ in found if format_], least)


def _most(lines: Sequence[str], formats: Sequence[Format], least: int) -> Format | None:
    """Return the format that takes the most lines, `least` or more; of equals the first."""
    best, most = None, least - 1
    for format_ in formats:
        count = takes(format_, lines)
        if count > most:
            best, most = format_, count
    return best
