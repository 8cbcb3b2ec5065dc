"""`make secrets`: strong, private, and never made a second time."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
import yaml

from deploy.environment import USERS
from deploy.make_secrets import main
from pipelines.vault import load_master_key

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert main(tmp_path / "secrets") == 0
    return tmp_path / "secrets"


def test_every_secret_of_the_compose_file_is_made(folder: Path) -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    wanted = {Path(secret["file"]).name for secret in compose["secrets"].values()}
    assert {path.name for path in folder.iterdir()} == wanted


def test_only_the_owner_enters_the_folder(folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700


def test_what_is_there_stays(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    main(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_no_two_installations_share_a_secret(folder: Path, tmp_path: Path) -> None:
    main(tmp_path / "other")
    for path in folder.iterdir():
        assert path.read_bytes() != (tmp_path / "other" / path.name).read_bytes(), path.name


def test_each_role_has_a_password_of_its_own(folder: Path) -> None:
    passwords = json.loads((folder / "airflow_passwords").read_text())
    assert set(passwords) == set(USERS)
    assert len(set(passwords.values())) == len(USERS)
    assert min(map(len, passwords.values())) >= 24


def test_the_keys_are_such_as_charter_and_airflow_read(folder: Path, tmp_path: Path) -> None:
    copied = tmp_path / "master_key"  # as the entrypoint of the image does
    copied.write_bytes((folder / "master_key").read_bytes())
    copied.chmod(0o600)
    assert len(load_master_key({"CHARTER_MASTER_KEY_FILE": str(copied)}, tmp_path)) == 32
    assert len(base64.urlsafe_b64decode((folder / "fernet_key").read_text())) == 32
    assert (folder / "database_password").read_text() in (folder / "database_url").read_text()
