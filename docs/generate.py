"""Write docs/cli.md from the commands, docs/catalog.md from catalog.py, docs/measures.md from the measures.

Run after a change of either: `python docs/generate.py`. A test compares what is there with what this makes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the code that these pages describe is the one beside them

from pipelines import catalog  # noqa: E402 after the path
from pipelines.charter import Charter, load  # noqa: E402
from pipelines.cli import app  # noqa: E402
from pipelines.places import SOURCE_ROOT  # noqa: E402
from pipelines.statistics.database import COVERAGE, COVERAGE_COLUMNS  # noqa: E402
from pipelines.statistics.declare import Column  # noqa: E402
from pipelines.statistics.measures import MEASURES  # noqa: E402

MADE = "<!-- Made by docs/generate.py. Change what it is made from, then run `python docs/generate.py`. -->"
STORES = {
    "traffic": "one sealed store for each local day",
    "contacts": "one sealed store",
    "rights": "one sealed store",
}


def pages() -> dict[str, str]:
    """Return the name of each generated page → its text."""
    charter = load(SOURCE_ROOT / "charter.toml")
    made = {"cli.md": _cli(), "catalog.md": _catalog(charter), "measures.md": _measures(charter)}
    return {name: "\n".join(lines) + "\n" for name, lines in made.items()}


def main() -> None:
    """Write the pages."""
    for name, text in pages().items():
        (ROOT / "docs" / name).write_text(text, encoding="utf-8")


def commands() -> Iterator[str]:
    """Yield the commands, such as "charter ledger show", in the order of the help."""
    yield from _below("charter", typer.main.get_command(app))


def _below(name: str, command: Any) -> Iterator[str]:
    yield name
    for word, child in getattr(command, "commands", {}).items():
        yield from _below(f"{name} {word}", child)


def _cli() -> Iterator[str]:
    yield from (
        MADE,
        "# Commands",
        "",
        "Each prints what it found on standard output. An error is one line on standard error, without any",
        "value of anybody's data, and an exit code of its own: [what each means](operations.md#exit-codes).",
    )
    for name in commands():
        yield from ("", f"## {name}", "", "```text", help_of(name), "```")


def help_of(command: str) -> str:
    """Return what `command --help` prints on a terminal of 80 columns."""
    words = command.split()
    shown = CliRunner().invoke(app, [*words[1:], "--help"], prog_name=words[0])
    return "\n".join(line.rstrip() for line in shown.stdout.strip().splitlines())


def _catalog(charter: Charter) -> Iterator[str]:
    yield from (
        MADE,
        "# Data dictionary",
        "",
        f"Every table and column of the vault, under the charter of {charter.controller.name},",
        f"version {charter.version}. What is not listed here is not kept: it is dropped on arrival.",
        "What is published is another list: [for analysts](analyst.md).",
    )
    for kind, how in STORES.items():
        yield from ("", f"## Store `{kind}`: {how}")
        for table in catalog.tables_of(kind):
            yield from _table(table, charter)


def _table(table: catalog.Table, charter: Charter) -> Iterator[str]:
    purpose, rule = charter.purposes[table.purpose], charter.retention[table.retention]
    clauses = " and ".join(f"`{clause}`" for clause in (purpose.clause, rule.clause) if clause)
    yield from (
        "",
        f"### {table.name}",
        "",
        f"One row means {table.one_row}.",
        "",
        f"- Purpose: {purpose.name}. Lawful basis: {purpose.lawful_basis} ({purpose.article}).",
        f"- Kept: {rule.period} from {rule.starts} (`{rule.id}`). Basis: {rule.basis}.",
        f"- Clauses: {clauses}.",
        f"- Tied to a person by: {f'`{table.subject}`' if table.subject else 'nothing'}.",
        "",
        "| column | type | meaning | unit | personal | to the person | corrected | erased |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    )
    for column in table.columns:
        cells = (
            f"`{column.name}`",
            f"{column.type}{', may be null' if column.nullable else ''}",
            column.meaning,
            column.unit,
            "yes" if column.personal else "no",
            column.export.value,
            column.correct.value if column.personal else "",
            column.erase.value,
        )
        yield f"| {' | '.join(cells)} |"


def _measures(charter: Charter) -> Iterator[str]:
    threshold = charter.publication.threshold
    yield from (
        MADE,
        "# Measures",
        "",
        "Every table and column of a release, as the release itself says it (`COMMENT ON`). The Parquet",
        "files have the same columns. A blank (NULL) means hidden, never zero; `(other)` is all whose own",
        f"row would be about fewer than {threshold} people, taken together:",
        "[how to read the numbers](analyst.md#how-to-read-the-numbers).",
    )
    for measure in MEASURES:
        yield from ("", f"## {measure.name}", "", f"{measure.title}: one row means {measure.one_row}.", "")
        yield from _columns(measure.columns)
    yield from ("", f"## {COVERAGE}", "", "What was measured, and what of it is published.", "")
    yield from _columns(COVERAGE_COLUMNS)


def _columns(columns: Sequence[Column]) -> Iterator[str]:
    yield from ("| column | type | counts | meaning |", "| --- | --- | --- | --- |")
    for column in columns:
        yield f"| `{column.name}` | {column.type} | {column.unit} | {column.meaning} |"


if __name__ == "__main__":
    main()
