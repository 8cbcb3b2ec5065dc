"""The releases on disk: which is in force, the atomic switch, and the removal of old ones.

releases/2026-11-22-9f3c01ab/     one release, never changed once it bears its name
releases/current                  link to the one in force; replaced by a rename
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipelines.errors import ConfigurationError
from pipelines.files import move, remove_file, remove_folder, sync_file, sync_folder, unwritable

CURRENT = "current"
DATABASE = "charter.duckdb"
PAGE = "index.html"
FACTS = "release.json"
_BUILDING = ".building"
_NEXT = ".current.new"
_DOOMED = ".removed-"
_READABLE_FOLDER, _READABLE_FILE = 0o755, 0o644


def newest(releases: Path) -> Path | None:
    """Return the folder of the release in force, or None where nothing is published yet.

    The folder itself, not the link: a reader who stays on it is not moved by the next release.
    """
    link = releases / CURRENT
    if not link.is_symlink():
        return None
    folder = releases / link.readlink()
    if not (folder / FACTS).is_file():
        raise ConfigurationError(
            "the release in force is not whole: point the link releases/current to another release folder."
        )
    return folder


def facts(folder: Path) -> dict[str, Any]:
    """Return what release.json says of the release in `folder`."""
    content: dict[str, Any] = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    return content


def periods_of(folder: Path) -> set[str]:
    """Return the staged periods that the release in `folder` was made of, published or suppressed."""
    return set(facts(folder)["staged"])


def newest_periods(releases: Path) -> set[str]:
    """Return the staged periods of the release in force."""
    folder = newest(releases)
    return periods_of(folder) if folder else set()


@contextmanager
def building(releases: Path) -> Iterator[Path]:
    """Give an empty folder to build a release in; what is left in it at the end is removed."""
    folder = releases / _BUILDING
    remove_folder(folder)  # of a killed run
    try:
        folder.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise unwritable(error) from None
    try:
        yield folder
    finally:
        remove_folder(folder)


def put(built: Path, releases: Path, release_id: str) -> None:
    """Give the release in `built` its name and open it to readers; one of that name is the same already."""
    target = releases / release_id
    if target.exists():
        return
    for path in built.iterdir():
        path.chmod(_READABLE_FILE)
        sync_file(path)
    built.chmod(_READABLE_FOLDER)
    sync_folder(built)
    move(built, target)


def switch(releases: Path, release_id: str) -> None:
    """Put `release_id` in force in one step: a reader finds the old release or the new one."""
    following = releases / _NEXT
    remove_file(following)
    following.symlink_to(release_id)
    following.replace(releases / CURRENT)
    releases.chmod(_READABLE_FOLDER)
    sync_folder(releases)


def kept(releases: Path) -> list[Path]:
    """Return the folders of all releases on disk, the latest first."""
    found = [path.parent for path in releases.glob(f"[0-9]*/{FACTS}")]
    return sorted(found, key=lambda folder: (facts(folder)["sequence"], folder.name), reverse=True)


def tidy(releases: Path, *, keep: int) -> list[str]:
    """Remove all but the `keep` latest releases and the one in force; return the ids removed."""
    in_force = newest(releases)
    removed = [folder for folder in kept(releases)[keep:] if folder != in_force]
    for folder in removed:
        move(folder, folder.with_name(f"{_DOOMED}{folder.name}"))  # nobody finds half of it
    for doomed in releases.glob(f"{_DOOMED}*"):
        remove_folder(doomed)
    return [folder.name for folder in removed]
