"""A person's data out of the vault: find → gather → preview → approve → deliver, and the refusal.

Gathering seals the files of the answer in the `rights` store. They leave it in one way: to the DPO who
checks them, and, once somebody who checked the person's identity has approved, to the person.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType

from pipelines.charter import Charter
from pipelines.errors import RightsError
from pipelines.files import unwritable
from pipelines.installation import Installation
from pipelines.rights import package, search
from pipelines.rights.register import OPEN, find_request, local_day, record, refuse_status, stage_change
from pipelines.vault import Workshop

GROUNDS: Mapping[str, str] = MappingProxyType({
    "identity": "we could not establish that the request comes from the person whom the data is about "
    "(GDPR Art. 12(6))",
    "unfounded": "the request is manifestly unfounded (GDPR Art. 12(5))",
    "excessive": "the request repeats earlier ones without a new reason (GDPR Art. 12(5))",
    "others": "it would harm the rights and freedoms of others (GDPR Art. 15(4), 20(4))",
})  # fmt: skip
_FILE_NAMES = MappingProxyType({"package_previewed": "to-check", "package_delivered": "answer"})
_EPOCH_OF_ZIP = (1980, 1, 1, 0, 0, 0)  # one content is one file, whenever it is made


@dataclass(frozen=True)
class Gathered:
    """How many rows were found, per table; `possible` are matches that are not disclosed."""

    counts: Mapping[str, int]
    possible: Mapping[str, int]
    outcomes: tuple[str, ...]
    files: int


def gather(installation: Installation, request_id: str, at: datetime) -> Gathered:
    """Find everything held about the person of the request and seal the answer; again, it is made anew.

    A new gathering takes an approval back: what was approved is no longer what would leave.
    """
    with installation.vault.workshop(changing="rights") as workshop:
        request = find_request(workshop, request_id)
        refuse_status(request, OPEN)
        found = search.Found()
        seen = search.find_in_register(workshop, request, found)
        stores = ["contacts", "archive", "rights", *search.traffic_stores(installation, seen)]
        record(installation, "stores_opened", request_id, at, stores=stores, reason="request")
        search.find_in_contacts(workshop, request, found)
        search.find_in_traffic(workshop, installation, seen, found)
        files = package.files_of(installation.charter, request, found, local_day(installation.charter, at))
        _seal(workshop, request_id, "gathered", files)
    outcomes = tuple(sighting.outcome for sighting in found.sightings)
    record(
        installation, "request_gathered", request_id, at,
        tables=[name for name, count in found.counts.items() if count],
        rows=[count for count in found.counts.values() if count],
        possible=sum(found.possible.values()), traffic=list(outcomes), files=len(files),
    )  # fmt: skip
    return Gathered(found.counts, found.possible, outcomes, len(files))


def refuse(installation: Installation, request_id: str, ground: str, at: datetime) -> None:
    """Answer a request with no: seal the letter that says why and what the person can do about it.

    `ground` is a word of GROUNDS, or the id of the clause of the charter with the exception.
    """
    reason = _reason(installation.charter, ground)
    today = local_day(installation.charter, at)
    with installation.vault.workshop(changing="rights") as workshop:
        request = find_request(workshop, request_id)
        refuse_status(request, OPEN)
        letter = package.refusal_of(installation.charter, request, reason, today)
        _seal(workshop, request_id, "refused", letter, answered_on=today)
    record(installation, "request_refused", request_id, at, ground=ground)


def preview(installation: Installation, request_id: str, folder: Path, at: datetime) -> Path:
    """Write what was gathered as a ZIP of mode 0600 into `folder`, to check it before it is approved."""
    return _take_out(installation, request_id, folder, at, of=("gathered",), event="package_previewed")


def deliver(installation: Installation, request_id: str, folder: Path, at: datetime) -> Path:
    """Write the answer as a ZIP of mode 0600 into `folder`, to send it to the person; return its path."""
    ready = ("approved", "answered", "refused")
    return _take_out(installation, request_id, folder, at, of=ready, event="package_delivered")


def _take_out(
    installation: Installation,
    request_id: str,
    folder: Path,
    at: datetime,
    *,
    of: Collection[str],
    event: str,
) -> Path:
    target = _target(installation, request_id, folder, _FILE_NAMES[event])
    with installation.vault.workshop() as workshop:
        request = find_request(workshop, request_id)
        refuse_status(request, of)
        files = workshop.connection.execute(
            "SELECT file_name, content FROM packages WHERE request_id = ? ORDER BY file_name", [request_id]
        ).fetchall()
    if not files:
        raise RightsError(f"the files of request {request_id} are gone, as the charter says: gather it anew.")
    content = _zip({name: bytes(held) for name, held in files})
    _write_out(target, content, lambda: record(
        installation, event, request_id, at, files=len(files), size_bytes=len(content)
    ))  # fmt: skip
    return target


def _seal(
    workshop: Workshop,
    request_id: str,
    status: str,
    files: Mapping[str, bytes],
    answered_on: date | None = None,
) -> None:
    """Put `files` in the place of what was gathered before, and the request in its new status."""
    workshop.open("rights")
    workshop.connection.execute("CREATE OR REPLACE TEMP TABLE new_packages AS FROM packages LIMIT 0")
    for name, content in files.items():
        workshop.connection.execute("INSERT INTO new_packages VALUES (?, ?, ?)", [request_id, name, content])
    changed = stage_change(workshop, request_id, status, answered_on=answered_on)
    workshop.revise("rights", {
        "requests": changed,
        "packages": "SELECT * FROM packages WHERE request_id NOT IN (SELECT request_id FROM changed) "
        "UNION ALL SELECT * FROM new_packages",
    })  # fmt: skip


def _reason(charter: Charter, ground: str) -> str:
    if ground in GROUNDS:
        return GROUNDS[ground]
    exceptions = [name for name in charter.clauses if name.startswith(("exception_", "objection_refusal"))]
    if ground in exceptions:
        return charter.clauses[ground].sentence.rstrip(".")
    raise RightsError(f"there is no such ground; there are {', '.join([*GROUNDS, *exceptions])}.")


def _target(installation: Installation, request_id: str, folder: Path, name: str) -> Path:
    """Return where the ZIP goes; never among what Charter keeps or publishes itself."""
    places = installation.places
    inside = folder.resolve()
    for own in (places.landing, places.vault, places.keys, places.releases, places.ledger, places.reports):
        if inside.is_relative_to(own):
            raise RightsError("an answer is not delivered into a folder of Charter itself: name another one.")
    if not inside.is_dir():
        raise RightsError("the folder to deliver into does not exist: make it, readable by you alone.")
    safe = "".join(letter for letter in request_id if letter.isalnum() or letter == "-")
    return inside / f"{name}-{safe}.zip"


def _zip(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(Path(name).name, _EPOCH_OF_ZIP)
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _write_out(target: Path, content: bytes, tell_ledger: Callable[[], None]) -> None:
    """Create `target`, put it in the ledger, then fill it: nothing leaves that the ledger does not know."""
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        raise RightsError(
            "the folder holds an answer to this request already: send that, or remove it."
        ) from None
    except OSError as error:
        raise unwritable(error) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            tell_ledger()
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        target.unlink()
        raise
