"""The only way out of the vault: approved, private, in the ledger; and the refusal."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest

from pipelines import rights
from pipelines.errors import RightsError
from pipelines.installation import Installation


@pytest.mark.usefixtures("contacts")
def test_nothing_of_the_answer_is_outside_the_vault_before_delivery(
    installation: Installation, ask: Callable[..., str], at: datetime
) -> None:
    request_id = ask(email="zoe@x.example")
    rights.gather(installation, request_id, at)
    everything = b"".join(
        path.read_bytes() for path in installation.places.vault.parent.rglob("*") if path.is_file()
    )
    assert b"zoe@x.example" not in everything
    assert b"cmd|" not in everything
    with installation.vault.workshop() as workshop:
        workshop.open("rights")
        sealed = workshop.connection.execute(
            "SELECT content FROM packages WHERE file_name = 'data.json'"
        ).fetchone()
    assert sealed is not None
    assert b"zoe@x.example" in sealed[0]  # the positive control


def test_delivery_needs_approval_and_writes_one_private_file(
    installation: Installation, ask: Callable[..., str], at: datetime, tmp_path: Path
) -> None:
    request_id = ask(email="zoe@x.example")
    rights.gather(installation, request_id, at)
    with pytest.raises(RightsError, match="is gathered"):
        rights.deliver(installation, request_id, tmp_path, at)
    assert not list(tmp_path.glob("*.zip"))
    rights.approve(installation, request_id, "dpo", at)
    previous = os.umask(0)
    try:
        path = rights.deliver(installation, request_id, tmp_path, at)
    finally:
        os.umask(previous)
    assert path.name == f"answer-{request_id}.zip"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (entry,) = installation.ledger.entries("package_delivered")
    assert entry.facts["request"] == request_id
    with pytest.raises(RightsError, match="already"):
        rights.deliver(installation, request_id, tmp_path, at)
    assert len(list(installation.ledger.entries("package_delivered"))) == 1


def test_dpo_can_check_the_answer_before_approving_it(
    installation: Installation, ask: Callable[..., str], at: datetime, tmp_path: Path
) -> None:
    request_id = ask(email="zoe@x.example")
    with pytest.raises(RightsError, match="is received"):
        rights.preview(installation, request_id, tmp_path, at)
    rights.gather(installation, request_id, at)
    path = rights.preview(installation, request_id, tmp_path, at)
    assert path.name == f"to-check-{request_id}.zip"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (entry,) = installation.ledger.entries("package_previewed")
    assert entry.facts["request"] == request_id
    assert not list(installation.ledger.entries("package_delivered"))


@pytest.mark.parametrize("trap", ["symlink", "releases", "missing", "id"])
def test_delivery_goes_nowhere_else(
    installation: Installation, ask: Callable[..., str], at: datetime, tmp_path: Path, trap: str
) -> None:
    request_id = ask(email="zoe@x.example")
    rights.gather(installation, request_id, at)
    rights.approve(installation, request_id, "dpo", at)
    folder = tmp_path / "out"
    folder.mkdir()
    victim = tmp_path / "victim"
    if trap == "symlink":
        (folder / f"answer-{request_id}.zip").symlink_to(victim)
    elif trap == "releases":
        folder = installation.places.releases / "x" / ".."
    elif trap == "missing":
        folder = folder / "none"
    else:
        request_id = f"../{request_id}"
    with pytest.raises(RightsError):
        rights.deliver(installation, request_id, folder, at)
    assert not victim.exists()
    assert list(installation.ledger.entries("package_delivered")) == []


def test_file_that_cannot_be_written_is_not_left_half(
    installation: Installation,
    ask: Callable[..., str],
    at: datetime,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request_id = ask(email="zoe@x.example")
    rights.gather(installation, request_id, at)
    rights.approve(installation, request_id, "dpo", at)

    def full(_descriptor: int) -> None:
        raise OSError(28, "disk full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Exception, match="disk"):
        rights.deliver(installation, request_id, tmp_path, at)
    assert not list(tmp_path.glob("*.zip"))


@pytest.mark.parametrize("ground", ["identity", "exception_legal_claims"])
def test_refusal_is_an_answer_with_its_ground(
    installation: Installation, ask: Callable[..., str], at: datetime, tmp_path: Path, ground: str
) -> None:
    request_id = ask(email="zoe@x.example", right="erasure")
    rights.refuse(installation, request_id, ground, at)
    assert rights.requests(installation, on=date(2026, 11, 22)) == []
    (entry,) = installation.ledger.entries("request_refused")
    assert dict(entry.facts) == {"request": request_id, "ground": ground}
    path = rights.deliver(installation, request_id, tmp_path, at)
    assert path.stat().st_size > 0
    with pytest.raises(RightsError, match="no such ground"):
        rights.refuse(installation, ask(email="zoe@x.example"), "because", at)
