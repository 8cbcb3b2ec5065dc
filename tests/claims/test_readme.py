"""What the documents say is so: commands exist, links lead somewhere, generated pages are current."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import duckdb
import pandas as pd
import pytest
import typer

from pipelines import errors
from pipelines.cli import app
from pipelines.places import SOURCE_ROOT
from tests.claims.conftest import Nights

PAGES = [
    SOURCE_ROOT / "README.md",
    SOURCE_ROOT / "CHANGELOG.md",
    *sorted((SOURCE_ROOT / "docs").glob("*.md")),
]
COMMANDS = typer.main.get_command(app)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:charter|make) [^`]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)?(#[^)\s]+)?\)")


def relative(page: Path) -> str:
    return str(page.relative_to(SOURCE_ROOT))


def blocks(page: Path, *languages: str) -> list[str]:
    return [
        text for language, text in FENCE.findall(page.read_text(encoding="utf-8")) if language in languages
    ]


def command_lines(page: Path) -> Iterator[list[str]]:
    """Yield each `charter …` and `make …` of the shell blocks and between backticks, as words."""
    shell = [line for block in blocks(page, "sh", "cron") for line in block.splitlines()]
    for line in [*shell, *INLINE.findall(page.read_text(encoding="utf-8"))]:
        words = shlex.split(line.replace("…", ""), comments=True)
        for place, word in enumerate(words):
            name = word.rpartition("/")[2]
            if name in ("charter", "make") and (place == 0 or word != name):
                yield [name, *words[place + 1 :]]


def fault_of(words: list[str]) -> str | None:
    """Return what is wrong with a quoted command line, or None."""
    if words[0] == "make":
        targets = re.findall(r"^([a-z-]+):", (SOURCE_ROOT / "Makefile").read_text(), re.MULTILINE)
        unknown = [word for word in words[1:] if "=" not in word and word not in targets]
        return f"make has no target {unknown}" if unknown else None
    command: object = COMMANDS
    for place, word in enumerate(words[1:], 1):
        children: dict[str, object] = getattr(command, "commands", {})
        if not children:
            return _unknown_options(command, words[place:])
        if word not in children:
            return f"there is no command {' '.join(words[: place + 1])}"
        command = children[word]
    return None


def _unknown_options(command: object, words: list[str]) -> str | None:
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}  # type: ignore[attr-defined]
    unknown = [word for word in words if word.startswith("--") and word.partition("=")[0] not in known]
    return f"no such option: {unknown}" if unknown else None


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_command_line_that_is_quoted_exists(page: Path) -> None:
    faults = {" ".join(words): fault for words in command_lines(page) if (fault := fault_of(words))}
    assert faults == {}


def test_a_command_that_does_not_exist_is_found() -> None:
    assert fault_of(["charter", "nightly", "--day", "2026-11-22"]) is None
    assert fault_of(["charter", "nightly", "--date", "2026-11-22"])
    assert fault_of(["charter", "ledger", "burn"])
    assert fault_of(["make", "coffee"])


def test_the_readme_and_the_tours_do_quote_commands() -> None:
    quoted = {" ".join(words[:2]) for page in PAGES for words in command_lines(page)}
    assert {"make demo", "make test", "charter nightly", "charter stats", "charter request"} <= quoted


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_link_leads_somewhere(page: Path) -> None:
    missing = []
    for target, anchor in LINK.findall(FENCE.sub("", page.read_text(encoding="utf-8"))):
        if target.startswith(("http:", "https:")):
            continue
        other = (page.parent / target).resolve() if target else page
        if not other.exists() or (anchor and anchor[1:] not in anchors_of(other)):
            missing.append(target + anchor)
    assert missing == []


def anchors_of(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def test_the_generated_pages_are_current() -> None:
    for name, text in generator().pages().items():
        there = (SOURCE_ROOT / "docs" / name).read_text(encoding="utf-8")
        assert there == text, f"docs/{name} is stale: run `python docs/generate.py`."


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", SOURCE_ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_exit_code_is_explained() -> None:
    codes = {kind.exit_code for kind in vars(errors).values() if hasattr(kind, "exit_code")}
    rows = re.findall(r"^\| (\d+) \|", (SOURCE_ROOT / "docs" / "operations.md").read_text(), re.MULTILINE)
    assert {int(row) for row in rows} == codes | {0}


def test_every_setting_of_places_is_explained() -> None:
    code = "".join(
        (SOURCE_ROOT / "pipelines" / name).read_text() for name in ("places.py", "vault/keyring.py")
    )
    explained = (SOURCE_ROOT / "docs" / "operations.md").read_text()
    for name in set(re.findall(r"CHARTER_[A-Z_]+[A-Z]", code)):
        assert f"`{name}`" in explained, name


def test_the_examples_for_analysts_run(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(nights.home)
    page = SOURCE_ROOT / "docs" / "analyst.md"
    with duckdb.connect("data/releases/current/charter.duckdb", read_only=True) as release:
        for query in blocks(page, "sql"):
            assert release.execute(query).fetchall()
    examples = blocks(page, "python")
    assert len(examples) == 2
    for example in examples:
        exec(compile(example, "docs/analyst.md", "exec"), {})  # noqa: S102 the examples of our own document
    assert not pd.read_parquet("data/releases/current/daily.parquet").empty
