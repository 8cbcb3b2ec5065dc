"""Who knows some facts of a visitor's day must not be led to few people by them."""

from __future__ import annotations

import copy
from typing import Any

from pipelines.statistics import attack
from pipelines.statistics.attack.findings import Finding
from pipelines.statistics.attack.linkage import link
from tests.statistics.attack.releases import DAY, GOOD, Rows, published


def linked(rows: Rows, threshold: int = 10) -> tuple[dict[str, dict[str, float]], set[str]]:
    """Return the figures of each table, and the tables in which somebody is found."""
    with published(rows) as publication:
        found = list(link(publication, threshold))
    figures = {one.measure: dict(one.figures) for one in found if isinstance(one, attack.Tried)}
    return figures, {one.measure for one in found if isinstance(one, Finding)}


def agents(*rows: tuple[str, str, int]) -> Rows:
    """A day's technology: browser, system, visitors; all of one version on desktops."""
    made: list[dict[str, Any]] = [
        {"day": DAY, "browser": browser, "version": "140", "system": system, "device": "desktop",
         "hits": 2 * visitors, "visitors": visitors}
        for browser, system, visitors in rows
    ]  # fmt: skip
    return {"technology": made}


def test_facts_lead_to_enough_people_in_a_sound_release() -> None:
    figures, found = linked(GOOD)
    assert found == set()
    assert figures["technology"]["fewest_with_0_facts"] == 100
    assert figures["technology"]["fewest_with_1_facts"] == 100  # Firefox may be in the rest, too
    assert figures["technology"]["fewest_with_4_facts"] == 70  # who is named in full is in no rest
    assert figures["countries"]["fewest_with_2_facts"] == 75


def test_two_facts_that_lead_to_few_are_found() -> None:
    figures, found = linked(
        agents(("Firefox", "Linux", 40), ("Firefox", "Windows", 30), ("Safari", "macOS", 6))
    )
    assert found == {"technology"}
    assert figures["technology"]["fewest_with_1_facts"] == 6


def test_a_fact_that_tells_another_is_measured() -> None:
    rows = agents(("Firefox", "Linux", 40), ("Firefox", "Windows", 40), ("Safari", "macOS", 20))
    figures, found = linked(rows)
    assert found == set()
    assert figures["technology"]["certain_with_0_facts"] == 1.0  # all have one version, on desktops
    for row, version in zip(rows["technology"], ("1", "2", "3"), strict=True):
        row.update(version=version, device=f"device {version}")
    figures, _found = linked(rows)
    assert figures["technology"]["certain_with_0_facts"] == 0.0
    assert 0.2 <= figures["technology"]["certain_with_1_facts"] < 1.0


def test_a_rest_that_may_hold_anything_leaves_a_doubt() -> None:
    rows = copy.deepcopy(agents(("Firefox", "Linux", 40), ("Safari", "macOS", 20)))
    assert linked(rows)[0]["technology"]["certain_with_1_facts"] == 1.0
    rest = dict.fromkeys(("browser", "version", "system", "device"), "(other)")
    rows["technology"].append({**rows["technology"][0], **rest, "visitors": 12})
    assert linked(rows)[0]["technology"]["certain_with_1_facts"] == 0.0
