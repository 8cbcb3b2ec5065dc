"""Stores with known rows, and requests about them."""

from __future__ import annotations

import uuid
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pipelines import rights
from pipelines.installation import Installation
from pipelines.traffic.pseudonym import address_pseudonym, key_name
from tests.literal import Rows, seal_rows

ME, OTHER, THIRD = (str(uuid.UUID(int=n)) for n in (101, 102, 103))
NAIVE = datetime(2026, 5, 1, 9)  # noqa: DTZ001 as the vault keeps it
ATTACK = '<script>alert("x")</script>'


@pytest.fixture
def seal(installation: Installation) -> Callable[[str, Rows], None]:
    """Seal a store of literal rows."""
    return partial(seal_rows, installation)


@pytest.fixture
def hits(installation: Installation, seal: Callable[[str, Rows], None]) -> Callable[..., None]:
    """Seal hits: (local day, UTC instant, IP address, visitor number, path)."""

    def hits(*seen: tuple[date, datetime, str, int, str]) -> None:
        for day in {one[0] for one in seen}:
            month = f"{day:%Y-%m}"
            installation.keyring.ensure(key_name(month))
            seal(f"traffic/{day}", {"hits": [
                {
                    "line": line,
                    "hit_at": at.replace(tzinfo=None),
                    "address": address_pseudonym(installation.keyring, month, address, installation.charter),
                    "visitor": uuid.UUID(int=visitor),
                    "path": path,
                }
                for line, (on, at, address, visitor, path) in enumerate(seen) if on == day
            ]})  # fmt: skip

    return hits


@pytest.fixture
def ask(installation: Installation, at: datetime) -> Callable[..., str]:
    """Open a request, access by form unless said otherwise."""

    def ask(**more: Any) -> str:
        return rights.open_request(installation, **{  # type: ignore[arg-type]
            "right": "access", "received_on": date(2026, 11, 20), "channel": "form", "name": None,
            "email": None, "phone": None, "addresses": [], "at": at, **more,
        })  # fmt: skip

    return ask


@pytest.fixture
def files(installation: Installation, at: datetime, tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """Gather, approve and deliver a request, and read the files of the ZIP."""

    def files(request_id: str) -> dict[str, str]:
        rights.gather(installation, request_id, at)
        rights.approve(installation, request_id, "dpo", at)
        out = tmp_path / f"out-{request_id}"
        out.mkdir()
        with zipfile.ZipFile(rights.deliver(installation, request_id, out, at)) as archive:
            return {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}

    return files


@pytest.fixture
def at() -> datetime:
    return datetime(2026, 11, 22, 1, tzinfo=UTC)


def identifier(person: str, value: str, *, kind: str = "email", verified: bool = True) -> dict[str, Any]:
    return {"person_id": person, "source": "crm", "kind": kind, "value": value, "is_verified": verified}


@pytest.fixture
def contacts(seal: Callable[..., None]) -> None:
    seal("contacts", {
        "people": [
            {"person_id": ME, "name": f"Zoé {ATTACK}", "last_contact_at": NAIVE, "postal_address": "=1+1"},
            {"person_id": OTHER, "name": "Other Canary", "last_contact_at": NAIVE},
            {"person_id": THIRD, "name": "zoé namesake", "last_contact_at": NAIVE},
        ],
        "identifiers": [
            identifier(ME, "zoe@x.example"),
            identifier(ME, "+33612345678", kind="phone"),
            identifier(OTHER, "other@x.example"),
            identifier(OTHER, "zoe2@x.example", verified=False),
            identifier(OTHER, "+33600000000", kind="phone"),
            identifier(THIRD, "+33600000000", kind="phone"),
        ],
        "messages": [
            {"person_id": ME, "source": "crm", "message_ref": "m1", "kind": "form", "body": "+cmd|'/C x'!A0"},
            {"person_id": OTHER, "source": "crm", "message_ref": "m2", "body": "other canary body"},
        ],
        "cookies": [{"person_id": ME, "source": "web", "choice_ref": "k1", "recorded_at": NAIVE,
                     "cookie_type": "performance", "choice": "accepted"}],
    })  # fmt: skip
