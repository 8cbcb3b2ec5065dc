"""What an attack found, in words for the DPO: where and how often, never a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

SINGLING_OUT, DIFFERENCING, CHANGED, LINKAGE, TEXT, UNREADABLE = (
    "singling out", "differencing", "releases compared", "linkage", "personal text", "not understood",
)  # fmt: skip
ATTACKS = (SINGLING_OUT, DIFFERENCING, CHANGED, LINKAGE, TEXT, UNREADABLE)


@dataclass(frozen=True, order=True)
class Finding:
    """One way in which an attack succeeded, `cells` times in one table: the rule broken, and why it matters.

    `periods` are days and months as ISO text; none where a finding is about the table as a whole.
    """

    attack: str
    measure: str
    rule: str
    reason: str
    cells: int
    periods: tuple[str, ...] = ()

    def describe(self) -> str:
        """Return the finding as one sentence."""
        shown = ", ".join(self.periods[:3]) + (" and more" if len(self.periods) > 3 else "")
        when = f" ({shown})" if shown else ""
        return f"measure {self.measure}, rule {self.rule}, {self.cells} found{when}: {self.reason}"


@dataclass(frozen=True)
class Tried:
    """How much an attack tried on one table, found or not."""

    attack: str
    measure: str
    numbers: int
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Attacked:
    """Everything that was tried on a release, and what succeeded."""

    findings: tuple[Finding, ...]
    tried: tuple[Tried, ...]

    def adding(self, findings: Sequence[Finding]) -> Attacked:
        """Return this with findings more."""
        return Attacked(tuple(together((*findings, *self.findings))), self.tried)

    def tried_in_all(self, attack: str) -> int:
        """Return at how many numbers, rows or texts an attack was aimed."""
        return sum(one.numbers for one in self.tried if one.attack == attack)


def together(found: Iterable[Finding]) -> list[Finding]:
    """Return the findings with those of the same table and reason as one."""
    grouped: dict[tuple[str, str, str, str], list[Finding]] = {}
    for finding in found:
        key = (finding.attack, finding.measure, finding.rule, finding.reason)
        grouped.setdefault(key, []).append(finding)
    return [_one(key, many) for key, many in grouped.items()]


def _one(key: tuple[str, str, str, str], many: Sequence[Finding]) -> Finding:
    periods = sorted({period for finding in many for period in finding.periods})
    return Finding(*key, sum(finding.cells for finding in many), tuple(periods))
