"""The log formats that charter.toml names for a source, tried before those that are known."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pipelines.charter import LogFormat, TrafficRules, refuse
from pipelines.traffic.formats import Format, FormatError, named_format


def named_formats(rules: TrafficRules, source: str) -> tuple[Format, ...]:
    """Return the formats for the sub-folder `source` of landing ("" for landing itself), in their order."""
    return tuple(
        _compiled(_Key(form)) for form in rules.formats.values() if not form.sources or source in form.sources
    )


def check_formats(charter_file: Path, rules: TrafficRules) -> None:
    """Raise CharterFileError, with its line, where a format that charter.toml names cannot be read."""
    for id_, form in rules.formats.items():
        try:
            _compiled(_Key(form))
        except FormatError as error:
            way = next(way for way in ("directive", "preset", "json") if getattr(form, way) is not None)
            refuse(charter_file, ("traffic", "formats", id_, way), str(error))


class _Key:
    """A format of charter.toml that can be remembered: its mapping has no hash."""

    def __init__(self, form: LogFormat) -> None:
        self.form = form
        self._identity = (form.id, form.directive, form.preset, tuple((form.json or {}).items()))

    def __hash__(self) -> int:
        return hash(self._identity)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self._identity == other._identity


@lru_cache
def _compiled(key: _Key) -> Format:
    form = key.form
    return named_format(form.id, form.directive, form.preset, form.json)
