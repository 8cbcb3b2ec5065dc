"""Make what docker-compose.yml reads as secrets: `make secrets`. What is there already stays.

Each is a file of its own in deploy/secrets/, which only its owner can enter; the files in it are
readable, because a container of another user reads them through a mount.
"""

from __future__ import annotations

import base64
import json
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

from deploy.environment import ROOT, USERS
from pipelines.files import make_private_folder, write_whole

FOLDER = ROOT / "deploy" / "secrets"


def main(folder: Path = FOLDER) -> int:
    """Write every secret that is missing; say where the passwords are and what to back up."""
    make_private_folder(folder)
    password = _kept_or_made(folder / "database_password", lambda: secrets.token_urlsafe(32))
    _kept_or_made(
        folder / "database_url", lambda: f"postgresql+psycopg2://airflow:{password}@database:5432/airflow"
    )
    _kept_or_made(folder / "fernet_key", lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
    _kept_or_made(folder / "jwt_secret", lambda: secrets.token_urlsafe(64))
    _kept_or_made(folder / "api_secret_key", lambda: secrets.token_urlsafe(32))
    _kept_or_made(
        folder / "airflow_passwords", lambda: json.dumps({user: secrets.token_urlsafe(18) for user in USERS})
    )
    _kept_or_made(folder / "master_key", lambda: base64.b64encode(secrets.token_bytes(32)).decode())
    print(f"Secrets in {folder}. Passwords of Airflow's users: {folder / 'airflow_passwords'}.")
    print("Keep a copy of master_key away from this machine: without it nothing in the vault opens again.")
    return 0


def _kept_or_made(path: Path, make: Callable[[], str]) -> str:
    if not path.exists():
        write_whole(path, make().encode(), mode=0o444)
    return path.read_text()


if __name__ == "__main__":
    sys.exit(main())
