"""Segments of several stores that come into force together: all of them, or none.

    vault/commits/<token>/plan.json, 0.duckdb, 1.duckdb …     built, on the disk, and on their way

The segments are built and synced in a folder of the workshop. Renaming that folder to here is the
commit; then each file is renamed to its place in its store. Whoever comes after a kill in between
finishes the renames: nothing is undone and nothing done twice.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.files import make_private_folder, move, remove_folder, sync_folder, write_whole

_PLAN = "plan.json"


@dataclass(frozen=True)
class Built:
    """One segment that is built: the `file` in the folder of its commit, and where it belongs."""

    file: str
    store: str
    generation: int
    segment: str


def commit(folder: Path, commits: Path, built: Sequence[Built]) -> None:
    """Put the files of `built` in force: afterwards they are, whatever happens. `folder` is moved away."""
    write_whole(folder / _PLAN, json.dumps([asdict(one) for one in built]).encode())
    make_private_folder(commits)
    move(folder, commits / secrets.token_hex(8))


def finish(commits: Path, place: Callable[[Path, Built], None]) -> None:
    """Bring every committed file to its place; `place` moves one, and is told of no file twice."""
    for folder in _folders(commits):
        for one in _plan(folder):
            if (folder / one.file).exists():
                with suppress(FileNotFoundError):  # somebody else finishes it at the same time
                    place(folder / one.file, one)
        with suppress(FileNotFoundError):
            remove_folder(folder)


def awaited(commits: Path) -> set[str]:
    """Return the stores to which committed files are still on their way."""
    return {one.store for folder in _folders(commits) for one in _plan(folder)}


def put(file: Path, target: Path) -> None:
    """Rename `file` to `target`, durably."""
    make_private_folder(target.parent)
    file.replace(target)
    sync_folder(target.parent)


def _folders(commits: Path) -> list[Path]:
    with suppress(FileNotFoundError):
        return sorted(commits.iterdir())
    return []


def _plan(folder: Path) -> Iterator[Built]:
    with suppress(FileNotFoundError):
        yield from (Built(**one) for one in json.loads((folder / _PLAN).read_bytes()))
