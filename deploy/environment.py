"""How Airflow is set up wherever this machine runs it: loopback, private files, no examples."""

from __future__ import annotations

import os
import secrets
import shlex
from collections.abc import Mapping
from pathlib import Path

from pipelines.files import make_private_folder, write_whole

ROOT = Path(__file__).resolve().parent.parent
# One role for each who works with Charter: the engineer runs it, the DPO answers people, analysts look on.
USERS = {"engineer": "admin", "dpo": "op", "analyst": "viewer"}
# Seconds that a part of Airflow waits while another writes to SQLite. After 5, which is the default, requests
# fail while `maintenance` deletes.
PATIENCE = {"timeout": 60}


def airflow_environment(home: Path, *, port: int, environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` with Airflow's settings for a home at `home` and an API server on `port`."""
    make_private_folder(home / "logs")
    token_key = home / "token.key"
    if not token_key.exists():
        write_whole(token_key, secrets.token_urlsafe(64).encode())
    url = f"http://127.0.0.1:{port}"
    sections: dict[str, dict[str, object]] = {
        "core": {
            "dags_folder": ROOT / "dags",
            "executor": "LocalExecutor",
            "execution_api_server_url": f"{url}/execution/",
            "load_examples": False,
            "parallelism": os.cpu_count() or 2,
            "simple_auth_manager_users": ",".join(f"{user}:{role}" for user, role in USERS.items()),
            "simple_auth_manager_passwords_file": home / "passwords.json",
        },
        "database": {
            "sql_alchemy_connect_args": f"{__name__}.PATIENCE",
            "sql_alchemy_connect_args_async": f"{__name__}.PATIENCE",
        },
        "api": {"host": "127.0.0.1", "port": port, "base_url": url, "workers": 1, "expose_config": False},
        # By command, not by value: a task's environment is no place for what signs its token.
        "api_auth": {"jwt_secret_cmd": f"cat {shlex.quote(str(token_key))}"},
        "dag_processor": {"refresh_interval": 30},
        "logging": {
            "base_log_folder": home / "logs",
            "file_task_handler_new_folder_permissions": "0o700",
            "file_task_handler_new_file_permissions": "0o600",
        },
    }
    settings = {
        f"AIRFLOW__{section.upper()}__{key.upper()}": str(value)
        for section, values in sections.items()
        for key, value in values.items()
    }
    ours = {name: value for name, value in environ.items() if not name.startswith("AIRFLOW_")}
    ours.pop("PYTHONDONTWRITEBYTECODE", None)
    path = os.pathsep.join([str(ROOT), *filter(None, [ours.get("PYTHONPATH")])])
    return ours | settings | {"AIRFLOW_HOME": str(home), "PYTHONPATH": path}
