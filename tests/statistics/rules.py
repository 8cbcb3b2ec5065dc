"""Thresholds for tests: those of the shipped charter, and none at all."""

from __future__ import annotations

from dataclasses import replace

from pipelines.charter import Charter, load
from pipelines.places import SOURCE_ROOT
from pipelines.statistics.disclosure import Rule

SHIPPED = load(SOURCE_ROOT / "charter.toml")
TEN = Rule(threshold=10, largest=1, share=0.75, closeness=0.1, zeros=True)
NONE = Rule(threshold=1, largest=1, share=1.0, closeness=0.0, zeros=False)  # out of the way


def heads_only(threshold: int) -> Rule:
    """Return a rule that counts people and does not mind who adds how much."""
    return replace(NONE, threshold=threshold, zeros=True)


def charter(threshold: int = 10, **publication: object) -> Charter:
    """Return the shipped charter with another threshold, exact numbers and what else is asked for."""
    asked = {"threshold": threshold, "rounding": 0, **publication}
    return replace(
        SHIPPED,
        publication=replace(SHIPPED.publication, **asked),  # type: ignore[arg-type]
        traffic=replace(SHIPPED.traffic, own_domains=("okare.art",)),
    )
