"""The certificate of destruction: what a verified purge destroyed, how, and how it was checked; signed."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pipelines.errors import RetentionError
from pipelines.files import make_private_folder, write_whole
from pipelines.installation import Installation
from pipelines.ledger import Entry
from pipelines.retention.plan import Item, Plan, why

METHOD = (
    "NIST SP 800-88 Rev. 2, cryptographic erase: the only key destroyed, then the sealed files; "
    "raw files of landing, reports and lines of the ledger were removed"
)
ISSUED = "certificate_issued"


def issue(installation: Installation, plan: Plan, entry: Entry, *, at: datetime) -> str:
    """Write the signed certificate of `plan`, proven by the ledger line `entry`; return its id."""
    name = certificate_id(plan)
    statement = _statement(installation, plan, entry, at)
    signed = {
        "statement": statement,
        "ed25519": base64.b64encode(installation.ledger.sign_bytes(_canonical(statement))).decode(),
        "public_key": base64.b64encode(installation.ledger.public_key_bytes).decode(),
    }
    content = json.dumps(signed, indent=2, sort_keys=True, ensure_ascii=True).encode() + b"\n"
    path = path_of(installation, name)
    make_private_folder(path.parent)
    write_whole(path, content)
    installation.ledger.append(
        ISSUED, day=plan.day, at=at, certificate=name, sha256=hashlib.sha256(content).hexdigest()
    )
    return name


def check(installation: Installation, name: str) -> None:
    """Raise RetentionError unless the certificate `name` is the one that was issued, under our own key."""
    issued = [e for e in installation.ledger.entries(ISSUED, naming=name) if e.facts["certificate"] == name]
    if not issued:
        raise RetentionError("the ledger knows no such certificate: see the ids in ledger/certificates.")
    try:
        content = path_of(installation, str(issued[-1].facts["certificate"])).read_bytes()
    except OSError:
        raise RetentionError(f"certificate {name} cannot be read: restore the ledger folder.") from None
    if hashlib.sha256(content).hexdigest() != issued[-1].facts["sha256"] or not _holds(
        installation.ledger.public_key_bytes, content
    ):
        raise RetentionError(f"certificate {name} is not the one that was issued: it was altered or swapped.")


def read(installation: Installation, name: str) -> dict[str, Any]:
    """Return the signed certificate `name`; RetentionError unless it is the one that was issued."""
    check(installation, name)
    signed: dict[str, Any] = json.loads(path_of(installation, name).read_bytes())
    return signed


def check_file(path: Path, public_key: bytes) -> dict[str, Any]:
    """Return the statement of a certificate file that somebody brings; RetentionError where it does not hold.

    `public_key` (32 bytes) is the controller's, published once; the ledger is not needed.
    """
    try:
        content = path.read_bytes()
    except OSError:
        raise RetentionError("the certificate cannot be read: name the JSON file.") from None
    if not _holds(public_key, content):
        raise RetentionError("the certificate does not hold: it was altered, or is of another installation.")
    statement: dict[str, Any] = json.loads(content)["statement"]
    return statement


def certificate_id(plan: Plan) -> str:
    """Return the id of the plan's certificate: its day and the beginning of its token."""
    return f"purge-{plan.day.isoformat()}-{plan.token[:8]}"


def path_of(installation: Installation, name: str) -> Path:
    """Return where the certificate `name` is."""
    return installation.places.ledger / "certificates" / f"{name}.json"


def _statement(installation: Installation, plan: Plan, entry: Entry, at: datetime) -> dict[str, Any]:
    charter = installation.charter
    return {
        "certificate": certificate_id(plan),
        "controller": charter.controller.name,
        "charter_version": charter.version,
        "purged_on": plan.day.isoformat(),
        "issued_at": at.astimezone(UTC).isoformat(timespec="seconds"),
        "token": plan.token,
        "method": METHOD,
        "categories": {category: why(charter.retention[category]) for category in plan.categories},
        "destroyed": [_destroyed(item) for item in plan.items],
        "survivors": dict(plan.survivors),
        "verification": {
            "ledger_line": entry.seq,
            "at": entry.at,
            "items_gone": entry.facts["gone"],
            "still_present": 0,
            "could_not_check": 0,
            "searched": entry.facts["searched"],
            "not_searched": entry.facts["not_searched"],
        },
    }


def _destroyed(item: Item) -> dict[str, Any]:
    return {
        "category": item.category,
        "store": item.store,
        "rows": dict(item.rows) if item.rows is not None else "not counted: the store no longer opened",
        "oldest": item.oldest_on.isoformat() if item.oldest_on else None,
        "newest": item.newest_on.isoformat() if item.newest_on else None,
    }


def _holds(public_key: bytes, content: bytes) -> bool:
    """Return whether the signature is of `public_key`, whatever key the file itself names."""
    try:
        signed = json.loads(content)
        signature = base64.b64decode(signed["ed25519"])
        key = Ed25519PublicKey.from_public_bytes(public_key)
        key.verify(signature, _canonical(signed["statement"]))
    except (InvalidSignature, ValueError, KeyError, TypeError):
        return False
    return True


def _canonical(statement: dict[str, Any]) -> bytes:
    return json.dumps(statement, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
