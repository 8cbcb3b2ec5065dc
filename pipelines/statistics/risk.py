"""What the adversary tried on a release, and what came of it: kept as evidence, told to the DPO.

    reports/releases/2026-11-22-9f3c01ab.json   everything that was tried and found, in counts and words
    reports/releases/2026-11-22-9f3c01ab.html   the same to read, by the three questions of Opinion 05/2014
    reports/releases/days/2026-11-21.json       what he saw while the hits of a day were open

A release that was refused has its files, too, under the id that it would have had.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import ConfigurationError, UsageError
from pipelines.files import make_private_folder, write_whole
from pipelines.places import Places
from pipelines.statistics.risk_page import Day, Report, write_page

if TYPE_CHECKING:
    from pipelines.statistics.attack import Attacked
    from pipelines.statistics.attack.witness import Witnessed

_RELEASE = re.compile(r"\d{4}-\d\d-\d\d-[0-9a-f]{8}")
_RECENT_DAYS = 28


def keep_day(places: Places, day: date, seen: Witnessed) -> None:
    """Keep what the adversary saw of a day while its hits were open: shares and counts."""
    folder = places.risks / "days"
    make_private_folder(folder)
    write_whole(folder / f"{day.isoformat()}.json", _json(asdict(seen)))


def keep(
    places: Places,
    release_id: str,
    attacked: Attacked,
    *,
    day: date,
    threshold: int,
    noise: Mapping[str, Mapping[str, float]] | None = None,
) -> None:
    """Keep what was tried on a release and found, and write the DPO's report on it.

    `noise` is the account of each measure that the charter wants noise in.
    """
    make_private_folder(places.risks)
    content = {
        "release_id": release_id,
        "day": day.isoformat(),
        "threshold": threshold,
        "noise": {name: dict(account) for name, account in (noise or {}).items()},
        **asdict(attacked),
        "sentences": [finding.describe() for finding in attacked.findings],
    }
    write_whole(places.risks / f"{release_id}.json", _json(content))
    write_report(places, release_id)


def write_report(places: Places, release_id: str) -> Path:
    """Write the report on a release from what was kept of it; return its file."""
    path = places.risks / f"{release_id}.html"
    write_whole(path, write_page(report(places, release_id)).encode())
    return path


def report(places: Places, release_id: str) -> Report:
    """Return what was kept of a release; UsageError where nothing is."""
    path = places.risks / f"{release_id}.json"
    if not _RELEASE.fullmatch(release_id) or not path.is_file():
        raise UsageError("nothing is kept of a release of that id: `charter releases list` shows them.")
    content = _read(path)
    days = _days(places, date.fromisoformat(content["day"]))
    return Report(
        **{**content, "days": days, "refused_before": _refused_before(places, path, content["day"])}
    )


def latest(places: Places) -> str:
    """Return the id of the release that was attacked last; ConfigurationError where there is none."""
    found = sorted(places.risks.glob("*.json"), key=lambda path: (path.name[:10], path.stat().st_mtime_ns))
    if not found:
        raise ConfigurationError("no release was attacked yet: run `charter nightly` first.")
    return found[-1].stem


def _refused_before(places: Places, path: Path, day: str) -> list[tuple[str, Sequence[str]]]:
    """Return what was refused in the same night, before this one was tried: its id, and why."""
    others = [other for other in sorted(places.risks.glob(f"{day}-*.json")) if other != path]
    earlier = [other for other in others if other.stat().st_mtime_ns < path.stat().st_mtime_ns]
    return [(other.stem, sentences) for other in earlier if (sentences := _read(other)["sentences"])]


def _days(places: Places, until: date) -> list[Day]:
    """Return what was seen of the latest days before a release, while their hits were open."""
    files = sorted((places.risks / "days").glob("*.json"))
    known = [path for path in files if date.fromisoformat(path.stem) < until]
    return [Day(day=path.stem, **_read(path)) for path in known[-_RECENT_DAYS:]]


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, indent=1, sort_keys=True).encode()


def _read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_bytes())
    return content
