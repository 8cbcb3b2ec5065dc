"""Log formats: which one the lines of a file are of, and the SQL that reads their fields."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.traffic.formats.clf import COMBINED
from pipelines.traffic.formats.detection import last_chance, sampled, second_chance
from pipelines.traffic.formats.directives import compile_directive
from pipelines.traffic.formats.jsonlines import json_format
from pipelines.traffic.formats.model import Format, FormatError
from pipelines.traffic.formats.presets import presets
from pipelines.traffic.formats.session import Session

__all__ = [
    "Format",
    "FormatError",
    "Session",
    "compile_directive",
    "json_format",
    "last_chance",
    "named_format",
    "presets",
    "sampled",
    "second_chance",
]


def named_format(
    id_: str, directive: str | None = None, preset: str | None = None, json: Mapping[str, str] | None = None
) -> Format:
    """Return the format that charter.toml names; FormatError says what is amiss and the cure."""
    given = [
        key
        for key, value in (("directive", directive), ("preset", preset), ("json", json))
        if value is not None
    ]
    if len(given) != 1:
        raise FormatError(
            f"the log format {id_} must have exactly one of directive, preset and json, and has"
            f" {' and '.join(given) or 'none'}: keep one."
        )
    if directive is not None:
        return compile_directive(directive).named(id_)
    if json is not None:
        return json_format(id_, json)
    if preset is None or preset not in presets():
        raise FormatError(f"{preset} is no known log format: use one of {', '.join(presets())}.")
    known = presets()[preset]
    return known if known is COMBINED else known.named(id_)  # which is read on a path of its own
