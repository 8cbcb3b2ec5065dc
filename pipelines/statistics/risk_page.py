"""The report on a release for the DPO: the three questions of WP29 Opinion 05/2014, with measured figures."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from pipelines.statistics.measures import BY_NAME

_TEMPLATE = Path(__file__).with_name("risk.html")
_STEPS = (1, 10, 20, 50, 100, 500)  # as the attack counts rows by the people behind them
_WIDTH, _BAR, _LABELS, _NUMBERS = 900, 22, 150, 60
_MOST_FACTS = 4  # that somebody is taken to know of a visitor's day


@dataclass(frozen=True)
class Day:
    """What was seen of one day while its hits were open."""

    day: str
    people: int
    recognisable: float
    alone_with: Mapping[str, float]
    sample: int
    rows: int
    small_rows: Mapping[str, int]


@dataclass(frozen=True)
class Report:
    """What was tried on one release, and found; `refused_before`: attempts of the same night, and why."""

    release_id: str
    day: str
    threshold: int
    findings: Sequence[Mapping[str, Any]]
    tried: Sequence[Mapping[str, Any]]
    sentences: Sequence[str]
    days: Sequence[Day]
    refused_before: Sequence[tuple[str, Sequence[str]]] = ()
    noise: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def texts(self) -> int:
        """How many texts were read: each once for each column that it stands in."""
        return sum(one["numbers"] for one in self.tried if one["attack"] == "personal text")

    @property
    def is_refused(self) -> bool:
        """Return whether an attack succeeded."""
        return bool(self.findings)

    def measures(self) -> list[Risk]:
        """Return the answers to the three questions, measure by measure."""
        return [self._measure(name) for name in BY_NAME if self._of("singling out", name)]

    def lines(self) -> list[str]:
        """Return the report in some lines, for a terminal."""
        risks = self.measures()
        verdict = "refused" if self.is_refused else "nothing found"
        numbers, hidden = sum(risk.numbers for risk in risks), sum(risk.hidden for risk in risks)
        return [
            f"release {self.release_id}: {verdict}",
            f"{numbers:,} numbers published, {hidden:,} hidden ones attacked, in {len(risks)} measures",
            f"{self.texts:,} new texts read",
            *self.sentences,
            *(f"refused before it: {release_id}: {why[0]}" for release_id, why in self.refused_before),
        ]

    def _of(self, attack: str, measure: str) -> dict[str, Any]:
        """Return what an attack tried on a measure, its parts added up."""
        found = [one for one in self.tried if (one["attack"], one["measure"]) == (attack, measure)]
        figures = {name: value for one in found for name, value in one["figures"].items()}
        return {"numbers": sum(one["numbers"] for one in found), **figures} if found else {}

    def _measure(self, name: str) -> Risk:
        singling, linkage = self._of("singling out", name), self._of("linkage", name)
        worked_out = [one["cells"] for one in self.findings if _is(one, "differencing", name)]
        small = [one["cells"] for one in self.findings if _is(one, "singling out", name)]
        facts = [
            (number, round(linkage[f"fewest_with_{number}_facts"]), linkage[f"certain_with_{number}_facts"])
            for number in range(_MOST_FACTS + 1)
            if linkage.get(f"fewest_with_{number}_facts")
        ]
        return Risk(
            name=name,
            title=BY_NAME[name].title,
            numbers=singling["numbers"],
            fewest=singling.get("fewest_people"),
            behind=[singling.get(f"rows_from_{step}", 0) for step in _STEPS],
            small=sum(small),
            facts=facts,
            hidden=self._of("differencing", name).get("numbers", 0),
            worked_out=sum(worked_out),
        )


@dataclass(frozen=True)
class Risk:
    """The three questions for one measure.

    `behind` are the rows by the people behind them; `facts`: known facts, the fewest people in the rows that
    fit them, and for which share of the people another fact is certain.
    """

    name: str
    title: str
    numbers: int
    fewest: int | None
    behind: Sequence[int]
    small: int
    facts: Sequence[tuple[int, int, float]]
    hidden: int
    worked_out: int

    @property
    def smallest_group(self) -> int | None:
        """The fewest people in the rows that fit what is known, whatever that is."""
        return min((fewest for _number, fewest, _certain in self.facts), default=self.fewest)

    @property
    def certain(self) -> float:
        """The largest share of people about whom one fact makes another certain."""
        return max((certain for _number, _fewest, certain in self.facts), default=0.0)


@dataclass(frozen=True)
class Bar:
    """One bar of a picture: where it is, how long, and what it says."""

    label: str
    y: int
    parts: Sequence[tuple[float, float, int]]  # left, width, step
    value: str


@functools.cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))


def write_page(report: Report) -> str:
    """Return the report as a page that needs nothing from outside."""
    risks = report.measures()
    return _template().render(
        report=report,
        risks=risks,
        behind=_behind(risks),
        alone=_alone(report.days),
        recognisable=_mean([day.recognisable for day in report.days]),
        steps=_legend(),
        width=_WIDTH,
        bar=_BAR,
    )


def _behind(risks: Sequence[Risk]) -> list[Bar]:
    """Return for each measure a bar of its rows, by the people behind them."""
    shown = [risk for risk in risks if sum(risk.behind)]
    bars = []
    for place, risk in enumerate(shown):
        total, left = sum(risk.behind), float(_LABELS)
        parts = []
        for step, rows in enumerate(risk.behind):
            width = (_WIDTH - _LABELS - _NUMBERS) * rows / total
            parts.append((left, width, step))
            left += width
        bars.append(Bar(risk.title, place * (_BAR + 8), parts, f"{total:,}"))
    return bars


def _alone(days: Sequence[Day]) -> list[Bar]:
    """Return for each number of facts the share of people who would be alone with them in the log."""
    measured = [day for day in days if day.sample]
    bars = []
    for place, number in enumerate(map(str, range(1, _MOST_FACTS + 1)) if measured else ()):
        share = _mean([day.alone_with[number] for day in measured])
        width = (_WIDTH - _LABELS - _NUMBERS) * share
        label = f"{number} fact{'s' if number > '1' else ''} known"
        bars.append(Bar(label, place * (_BAR + 8), [(float(_LABELS), width, 0)], f"{100 * share:.0f} %"))
    return bars


def _legend() -> list[tuple[int, str]]:
    ends = [f"{least} to {most - 1}" for least, most in itertools.pairwise(_STEPS)]
    return list(enumerate([*ends, f"{_STEPS[-1]} or more"]))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _is(finding: Mapping[str, Any], attack: str, measure: str) -> bool:
    return (finding["attack"], finding["measure"]) == (attack, measure)
