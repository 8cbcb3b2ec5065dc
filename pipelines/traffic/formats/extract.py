"""One expression over a line → its groups, at the speed that RE2 has for expressions without choice.

RE2 captures in a single pass where the next character always decides, and at most four groups are asked
for: five times as fast as otherwise. So a format has a plain form, which most lines are of, asked in
turns of four groups; only lines that are not of it meet the whole expression.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_GROUPS_AT_ONCE = 4


def extract(parameter: str, groups: Sequence[str]) -> str:
    """Return SQL of a struct: what the expression bound as `parameter` captures, "" without a match."""
    return f"regexp_extract(text, ${parameter}, [" + ", ".join(f"'{group}'" for group in groups) + "])"


def extraction(
    groups: Sequence[str], needed: str, whole: str, plain: str | None
) -> tuple[str, Mapping[str, object]]:
    """Return SQL that selects the groups as `g` from `landed`, and what it binds.

    `whole` is SQL of the struct for any line, `plain` the expression that most lines are of, with these
    named groups; `needed` is one that is never empty.
    """
    if plain is None:
        return f"SELECT file_no, line, raw, text, {whole} AS g FROM landed", {}  # noqa: S608 our own names
    turns = [groups[start : start + _GROUPS_AT_ONCE] for start in range(0, len(groups), _GROUPS_AT_ONCE)]
    place = {group: number for number, turn in enumerate(turns) for group in turn}
    taken = ", ".join(
        f"{extract(f'f_plain{number}', turn)} AS p{number}" for number, turn in enumerate(turns)
    )
    packed = ", ".join(f"'{group}': p{place[group]}.{group}" for group in groups)
    cut = f"""SELECT file_no, line, raw, text,
        CASE WHEN p{place[needed]}.{needed} <> '' THEN {{{packed}}} ELSE {whole} END AS g
        FROM (SELECT file_no, line, raw, text, {taken} FROM landed) AS turned"""  # noqa: S608 our own names
    return cut, {f"f_plain{number}": _only(plain, groups, turn) for number, turn in enumerate(turns)}


def _only(pattern: str, groups: Sequence[str], kept: Sequence[str]) -> str:
    for group in groups:
        if group not in kept:
            pattern = pattern.replace(f"(?P<{group}>", "(?:")
    return pattern
