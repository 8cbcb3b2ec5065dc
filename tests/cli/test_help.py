from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from pipelines import errors
from pipelines.cli import app
from pipelines.places import SOURCE_ROOT
from tests.cli.conftest import Run


def every_command(name: str, command: object) -> list[tuple[str, object]]:
    children: dict[str, object] = getattr(command, "commands", {})
    below = [found for word, child in children.items() for found in every_command(f"{name} {word}", child)]
    return [(name, command), *below]


COMMANDS = dict(every_command("charter", typer.main.get_command(app)))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_every_option_says_what_it_is_for(name: str, charter: Run) -> None:
    shown = charter(*name.split()[1:], "--help")
    assert shown.code == 0
    assert shown.out.startswith(f"Usage: {name}")
    command = COMMANDS[name]
    assert command.help
    assert command.help.strip().splitlines()[0].endswith(".")
    assert [parameter.name for parameter in command.params if not parameter.help] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_first_line_of_help_fits_the_list_of_commands(name: str, charter: Run) -> None:
    assert "..." not in charter(*name.split()[1:], "--help").out.replace("[ARGS]...", "")


def test_a_group_alone_shows_its_help_and_is_an_error(charter: Run) -> None:
    shown = charter("ledger")
    assert shown.code == errors.UsageError.exit_code
    assert "verify" in shown.err


def test_the_command_line_is_there_before_anything_heavy_is_loaded() -> None:
    program = (
        "import sys, pipelines.cli; "
        "heavy = {'great_expectations', 'airflow', 'pandas', 'faker', 'duckdb', 'numpy', 'pyarrow', 'holidays'}; "
        "print(*sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=SOURCE_ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")


def test_the_package_can_be_run_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "--help"],
        cwd=SOURCE_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: charter")
