"""`charter verify`: what was altered, swapped or put back is noticed, and what cannot be looked at is not called well."""

from __future__ import annotations

import json
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines import retention
from pipelines.errors import RetentionError
from pipelines.installation import Installation

DAY = date(2026, 11, 22)


def states(installation: Installation, day: date = DAY) -> dict[str, str]:
    return {finding.name: finding.state for finding in retention.audit(installation, day=day)}


def said(installation: Installation, name: str) -> str:
    (finding,) = [one for one in retention.audit(installation, day=DAY) if one.name == name]
    assert finding.state != "well"
    return finding.said


@pytest.fixture
def kept_copy(installation: Installation, mixed: None, purge: Any, at: datetime, tmp_path: Path) -> Path:
    """A purge that was carried out and proven; the copy of vault and keys that somebody made before it."""
    installation.ledger.sign(at=at)
    copy = tmp_path / "before"
    shutil.copytree(installation.vault.root, copy / "vault")
    shutil.copytree(installation.places.keys, copy / "keys")
    assert purge(installation, at, by_human=True).is_complete
    installation.ledger.sign(at=at)
    assert set(states(installation).values()) == {"well"}
    return copy


def put_back(copy: Path, target: Path, part: str) -> None:
    shutil.copytree(copy / part, target / Path(*Path(part).parts[1:]), dirs_exist_ok=True)


def test_an_altered_ledger_line(installation: Installation, kept_copy: Path) -> None:
    path = installation.ledger.path
    path.write_bytes(path.read_bytes().replace(b'"days":3', b'"days":2', 1))
    assert "was altered" in said(installation, "ledger")


def test_a_restored_old_ledger(installation: Installation, kept_copy: Path) -> None:
    path = installation.ledger.path
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-3]))
    assert "3 lines were removed from the end" in said(installation, "ledger")


def test_a_swapped_and_a_foreign_certificate(
    installation: Installation, kept_copy: Path, purge: Any, at: datetime
) -> None:
    (first,) = (installation.places.ledger / "certificates").glob("*.json")
    assert purge(installation, at, DAY + timedelta(days=2), by_human=True).is_complete
    (second,) = [path for path in first.parent.glob("*.json") if path != first]
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    assert "is not the one that was issued" in said(installation, "certificates")
    first.write_bytes(content)
    assert states(installation)["certificates"] == "well"
    (first.parent / "purge-2020-01-01-00000000.json").write_bytes(content)
    assert "were not issued" in said(installation, "certificates")


def test_the_files_of_a_purged_day_put_back(installation: Installation, kept_copy: Path) -> None:
    put_back(kept_copy, installation.vault.root, "vault/traffic/2025-11-21")
    assert "traffic/2025-11-21 was destroyed and is back (files)" in said(installation, "destroyed")
    assert "has files and no key" in said(installation, "files")


def test_files_and_keys_of_a_purged_day_put_back(installation: Installation, kept_copy: Path) -> None:
    put_back(kept_copy, installation.vault.root, "vault/traffic/2025-11-20")
    put_back(kept_copy, installation.places.keys, "keys/stores/traffic/2025-11-20")
    assert "is back (key, files)" in said(installation, "destroyed")
    assert "past its period" in said(installation, "due")


def test_the_people_of_before_put_back(installation: Installation, kept_copy: Path, at: datetime) -> None:
    """Files and key of the time before the purge, in place of those of today: everything opens."""
    for folder in (installation.vault.root / "contacts", installation.places.keys / "stores" / "contacts"):
        shutil.rmtree(folder)
    put_back(kept_copy, installation.vault.root, "vault/contacts")
    put_back(kept_copy, installation.places.keys, "keys/stores/contacts")
    assert "an older copy was put back" in said(installation, "generations")


def test_a_strange_file_and_a_store_that_does_not_open(installation: Installation, kept_copy: Path) -> None:
    (installation.vault.root / "traffic" / "jane-doe.csv").write_text("x")
    text = said(installation, "files")
    assert "did not put there (in traffic)" in text
    assert "jane" not in text
    (sealed,) = (installation.vault.root / "traffic" / "2026-11-21").rglob("*.duckdb")
    sealed.write_bytes(sealed.read_bytes()[: 4096 * 2])
    assert said(installation, "stores").startswith("traffic/2026-11-21: ")


def test_a_key_without_its_store(installation: Installation, kept_copy: Path) -> None:
    shutil.rmtree(installation.vault.root / "traffic" / "2026-11-21")
    assert "the key of traffic/2026-11-21/g000001 has no store" in said(installation, "files")


def test_what_is_overdue_and_what_was_never_purged(installation: Installation, mixed: None) -> None:
    assert "traffic/2025-11-19 is past its period" in said(installation, "due")
    (due,) = [one for one in retention.audit(installation, day=date(2026, 11, 20)) if one.name == "due"]
    assert "traffic" not in due.said


def test_what_cannot_be_looked_at_is_not_called_well(installation: Installation, kept_copy: Path) -> None:
    for path in installation.places.keys.rglob("*.key"):
        if path.name != "master.key" and "ledger" not in path.name:
            path.write_bytes(b"damaged")
    found = states(installation)
    assert found["due"] == "could not check"
    assert found["stores"] == "ill"


def test_certificates_are_readable_and_hold(
    installation: Installation, kept_copy: Path, tmp_path: Path
) -> None:
    (entry,) = installation.ledger.entries("certificate_issued")
    signed = retention.read_certificate(installation, str(entry.facts["certificate"]))
    page, pdf = retention.as_html(signed), retention.as_pdf(signed)
    assert pdf.startswith(b"%PDF-")
    for text in ("NIST SP 800-88 Rev. 2", "kept 12 months", "traffic/2025-11-21", "5 gone", "OKARE"):
        assert text in page
    assert "http" not in page.replace("https://www.cnil.fr/", "")
    assert "canary" not in page
    path = tmp_path / "certificate.json"
    path.write_text(json.dumps(signed))
    key = installation.ledger.public_key_bytes
    assert retention.check_certificate_file(path, key)["purged_on"] == "2026-11-22"
    signed["statement"]["survivors"] = {}
    path.write_text(json.dumps(signed))
    with pytest.raises(RetentionError, match="does not hold"):
        retention.check_certificate_file(path, key)


def test_a_purge_that_is_not_proven(
    installation: Installation, mixed: None, purge: Any, at: datetime, tmp_path: Path
) -> None:
    installation.ledger.sign(at=at)
    strange = installation.vault.root / "canary.csv"
    strange.write_bytes(b"canary")
    assert not purge(installation, at, by_human=True).is_complete
    installation.ledger.sign(at=at)
    assert said(installation, "purges") == "the purge of 2026-11-22 is not proven: run `charter purge verify`"
    strange.unlink()
    assert retention.verify(installation, day=DAY, at=at).is_complete
    assert states(installation)["purges"] == "well"
