"""The adversary: what somebody can do who has a release, the ones before it, and time.

It shares nothing with the code that hides small numbers: it reads what was published, and knows what an
outsider knows. `gate.py` lets it loose on each release before anyone else sees it.

    single out → solve the margins → link facts → read every text; and compare with earlier releases
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pipelines.statistics.attack.comparing import compare
from pipelines.statistics.attack.differencing import solve
from pipelines.statistics.attack.findings import (
    DIFFERENCING,
    SINGLING_OUT,
    TEXT,
    UNREADABLE,
    Attacked,
    Finding,
    Tried,
    together,
)
from pipelines.statistics.attack.linkage import link
from pipelines.statistics.attack.publication import Publication
from pipelines.statistics.attack.puzzle import Rules
from pipelines.statistics.attack.scanning import NameCheck, read_texts
from pipelines.statistics.attack.singling import numbers, single_out
from pipelines.statistics.attack.spans import solve_spans, weekdays

__all__ = [
    "DIFFERENCING",
    "SINGLING_OUT",
    "TEXT",
    "Attacked",
    "Finding",
    "NameCheck",
    "Publication",
    "Rules",
    "Tried",
    "attack",
    "compare",
    "noise_that_nobody_asked_for",
]


def attack(publication: Publication, rules: Rules, names: NameCheck) -> Attacked:
    """Try everything on what is new in a release; `names` looks for people of the contact store in texts."""
    found = [
        *_not_understood(publication),
        *single_out(publication, least=_least(rules)),
        *numbers(publication),
        *solve(publication, rules),
        *solve_spans(publication, rules),
        *weekdays(publication),
        *link(publication, rules.threshold),
        *read_texts(publication, names),
    ]
    findings = together(one for one in found if isinstance(one, Finding))
    return Attacked(tuple(findings), tuple(one for one in found if isinstance(one, Tried)))


def noise_that_nobody_asked_for(publication: Publication, measures: Collection[str]) -> Iterator[Finding]:
    """Yield the tables that call themselves noisy, and so are not solved, without a charter that says so."""
    reason = "its numbers are called noisy, and the charter names no noise for it: they may be exact"
    for period, measure in sorted(publication.noisy - publication.settled):
        if measure not in measures:
            yield Finding(UNREADABLE, measure, "not understood", reason, 1, (period,))


def _least(rules: Rules) -> int:
    """Return the smallest number that may stand there: of the threshold, as it is rounded."""
    if rules.rounding < 2:
        return rules.threshold
    return max(rules.rounding, (rules.threshold + rules.rounding // 2) // rules.rounding * rules.rounding)


def _not_understood(publication: Publication) -> Iterator[Finding]:
    reason = "the attack knows nothing of a table or column: teach it in attack/knowledge.py"
    for name, columns in publication.not_understood():
        yield Finding(UNREADABLE, name, "not understood", reason, columns)
