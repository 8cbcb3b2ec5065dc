"""`charter releases`: what was published when, and what an adversary could do with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.terminal import Later, print_table, say
from pipelines.places import Places

if TYPE_CHECKING:
    from pipelines.statistics import risk, shelf
else:
    risk, shelf = Later("pipelines.statistics.risk"), Later("pipelines.statistics.shelf")

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="What was published, and the risk of each release."
)
_COLUMNS = ("release", "night", "periods", "numbers", "hidden numbers attacked", "in force")


@app.command("list")
def releases_list() -> None:
    """List the releases that are kept, the latest first.

    Under "hidden numbers attacked": what the adversary tried to work out before anybody saw the release.
    """
    places = Places.from_environment(os.environ)
    in_force, rows = shelf.newest(places.releases), []
    for folder in shelf.kept(places.releases):
        facts = shelf.facts(folder)
        gate = facts["gate"]
        tried = [f"{gate[name]:,}" if name in gate else "" for name in ("numbers", "hidden_numbers")]
        is_in_force = "yes" if folder == in_force else ""
        rows.append(
            [facts["release_id"], facts["published_on"], str(len(facts["periods"])), *tried, is_in_force]
        )
    if not rows:
        say("no release was published yet")
        return
    print_table(list(_COLUMNS), rows)


@app.command("risk")
def releases_risk(
    release: Annotated[
        str | None, typer.Argument(metavar="RELEASE", help="A release, or the id of one that was refused.")
    ] = None,
) -> None:
    """Say what an adversary found in a release.

    The latest one when left out. The report for the DPO, whose place is said, answers the three questions
    of WP29 Opinion 05/2014 (singling out, linkability, inference) for each measure, with measured figures.
    """
    places = Places.from_environment(os.environ)
    release_id = release or risk.latest(places)
    for line in risk.report(places, release_id).lines():
        say(line)
    say(f"report: {risk.write_report(places, release_id)}")
