"""The lock files: every pin hashed, no host named, the image's a part of the whole."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ["requirements.lock", "deploy/requirements.lock"]
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[a-z0-9,._-]+\])?==([^\s;\\]+)", re.MULTILINE)


def pins(name: str) -> set[tuple[str, str]]:
    return set(PIN.findall((ROOT / name).read_text()))


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_host_and_no_path(name: str) -> None:
    text = (ROOT / name).read_text()
    assert not re.search(r"://|^-|^\.|^/|\s@\s|localhost|find-links|index-url", text, re.MULTILINE)


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_of_a_lock_is_hashed(name: str) -> None:
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / name).read_text())
    assert len(entries) > 150
    for entry in entries:
        assert PIN.match(entry), entry[:60]
        assert "--hash=sha256:" in entry, entry[:60]


def test_the_image_gets_what_was_tested_and_no_tools() -> None:
    whole, image = (pins(name) for name in LOCKS)
    assert image < whole
    assert not {"pytest", "mypy", "ruff", "hypothesis", "setuptools"} & {name for name, _ in image}
    assert {"apache-airflow", "duckdb", "psycopg2-binary"} <= {name for name, _ in image}


def test_duckdb_and_its_extension_are_of_one_version() -> None:
    found = dict(pins("requirements.lock"))
    assert {found[name] for name in ("duckdb", "duckdb-extensions", "duckdb-extension-httpfs")} == {"1.5.5"}


def test_every_declared_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = project["dependencies"] + [
        d for extra in project["optional-dependencies"].values() for d in extra
    ]
    locked = {name for name, _ in pins("requirements.lock")}
    assert {re.split(r"[<>=]", dependency)[0] for dependency in declared} <= locked


@pytest.mark.parametrize("name", ["Makefile", "Dockerfile"])
def test_a_newer_version_of_what_is_locked_breaks_no_installation(name: str, tmp_path: Path) -> None:
    """A dependency with extras, pinned without them, has been released again since; pip 23.2 is Python 3.11's."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    digests = {
        "asking": write_wheel(wheels, "asking", "1.0", "Requires-Dist: asked[more]>=1.0"),
        "asked": write_wheel(wheels, "asked", "1.0", "Provides-Extra: more"),
    }
    write_wheel(wheels, "asked", "1.1", "Provides-Extra: more")
    lock = tmp_path / "requirements.lock"
    lock.write_text("".join(f"{name}==1.0 --hash=sha256:{digest}\n" for name, digest in digests.items()))
    (options,) = re.findall(r"pip install (.*)--requirement \S*requirements\.lock", (ROOT / name).read_text())
    assert "--require-hashes" in options
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv/bin/python"
    install = [python, "-m", "pip", "--isolated", "install", *options.split(), "--requirement", lock]
    done = subprocess.run(
        [*install, "--no-index", "--find-links", wheels], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    listed = subprocess.run(
        [python, "-m", "pip", "--isolated", "freeze"], capture_output=True, text=True, check=True
    )
    assert set(listed.stdout.split()) == {"asked==1.0", "asking==1.0"}


def write_wheel(folder: Path, name: str, version: str, *metadata: str) -> str:
    """Write a wheel without content into `folder`; return its SHA-256."""
    wheel, info = folder / f"{name}-{version}-py3-none-any.whl", f"{name}-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        fields = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *metadata]
        archive.writestr(f"{info}/METADATA", "\n".join(fields) + "\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_every_ruff_exception_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    section = text[text.index("ignore = [") : text.index("[tool.mypy]")]
    bare = [line for line in section.splitlines() if re.match(r'\s+"[A-Z]+[0-9]*",\s*$', line)]
    assert bare == []
