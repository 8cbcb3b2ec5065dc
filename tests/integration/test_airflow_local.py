"""`make airflow`: Airflow starts on loopback, shows the DAGs, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from pipelines import rights
from pipelines.installation import Installation

ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 240
_RUN_SECONDS = 180
CANARY = "jean.canary@example.org"

pytestmark = pytest.mark.integration


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Airflow:
    """A running `make airflow`, and a way to ask it."""

    process: subprocess.Popen[str]
    home: Path
    port: int
    told: str

    def ask(self, path: str, *, user: str | None = None, body: Any = None) -> Any:
        answer = self.send(path, user=user, body=body)
        assert answer.is_success, answer.text
        return answer.json()

    def send(
        self, path: str, *, user: str | None = None, body: Any = None, method: str | None = None
    ) -> httpx.Response:
        headers = {} if user is None else {"Authorization": f"Bearer {self.token(user)}"}
        url = f"http://127.0.0.1:{self.port}{path}"
        method = method or ("GET" if body is None else "POST")
        return httpx.request(method, url, headers=headers, json=body, timeout=60)

    def run_ends(self, path: str) -> str:
        """Wait for the run at `path`; return its state."""
        deadline = time.monotonic() + _RUN_SECONDS
        while (state := str(self.ask(path, user="engineer")["state"])) in ("queued", "running"):
            assert time.monotonic() < deadline
            time.sleep(1)
        return state

    def tasks(self, path: str) -> dict[str, str]:
        found = self.ask(f"{path}/taskInstances", user="engineer")["task_instances"]
        return {task["task_id"]: task["state"] for task in found}

    def token(self, user: str) -> str:
        password = json.loads((self.home / "passwords.json").read_text())[user]
        return str(self.ask("/auth/token", body={"username": user, "password": password})["access_token"])

    def family(self) -> list[psutil.Process]:
        me = psutil.Process(self.process.pid)
        return [me, *me.children(recursive=True)]


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    charter_home, port = tmp_path_factory.mktemp("charter"), free_port()
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("CHARTER_", "AIRFLOW_", "COV_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "deploy.airflow_local", "--port", str(port)],
        cwd=ROOT, env=environ | {"CHARTER_HOME": str(charter_home)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    told = _read_until(process, "Ctrl-C stops")
    try:
        yield Airflow(process, charter_home / "data" / "airflow", port, told)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def _read_until(process: subprocess.Popen[str], end: str) -> str:
    assert process.stdout is not None
    told, deadline = "", time.monotonic() + _START_SECONDS
    for line in process.stdout:
        told += line
        if end in line:
            return told
        assert time.monotonic() < deadline, told
    raise AssertionError(told)


def test_it_says_where_and_who_but_no_password(airflow: Airflow) -> None:
    assert f"http://127.0.0.1:{airflow.port}" in airflow.told
    assert "engineer (admin), dpo (op), analyst (viewer)" in airflow.told
    passwords = json.loads((airflow.home / "passwords.json").read_text())
    assert set(passwords) == {"engineer", "dpo", "analyst"}
    assert not [password for password in passwords.values() if password in airflow.told]


def test_all_of_it_is_healthy(airflow: Airflow) -> None:
    health = airflow.ask("/api/v2/monitor/health")
    parts = ("metadatabase", "scheduler", "dag_processor")
    assert [health[part]["status"] for part in parts] == ["healthy"] * 3


def test_it_listens_on_loopback_only(airflow: Airflow) -> None:
    listening = {
        (connection.laddr.ip, connection.laddr.port)
        for process in airflow.family()
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {("127.0.0.1", airflow.port)}


def test_every_file_of_it_is_private(airflow: Airflow) -> None:
    paths = [path for path in airflow.home.rglob("*") if not path.is_symlink()]
    assert airflow.home / "airflow.db" in paths
    assert [path for path in paths if path.stat().st_mode & 0o077] == []


def test_each_role_sees_the_dags_and_they_are_on(airflow: Airflow) -> None:
    deadline = time.monotonic() + 60
    while airflow.ask("/api/v2/dags", user="engineer")["total_entries"] < 3:
        assert airflow.ask("/api/v2/importErrors", user="engineer")["import_errors"] == []
        assert time.monotonic() < deadline
        time.sleep(1)
    for user in ("engineer", "dpo", "analyst"):
        found = {dag["dag_id"]: dag["is_paused"] for dag in airflow.ask("/api/v2/dags", user=user)["dags"]}
        assert found == {"nightly": False, "subject_request": False, "maintenance": False}


def test_a_stranger_and_an_analyst_start_nothing(airflow: Airflow) -> None:
    run = {"logical_date": None, "conf": {}}
    assert airflow.send("/api/v2/dags/nightly/dagRuns", body=run).status_code == 401
    assert airflow.send("/api/v2/dags/nightly/dagRuns", user="analyst", body=run).status_code == 403


def test_the_form_takes_no_name(airflow: Airflow) -> None:
    run = {"logical_date": None, "conf": {"request_id": "Jean Dupont"}}
    assert airflow.send("/api/v2/dags/subject_request/dagRuns", user="dpo", body=run).status_code == 400


def test_maintenance_runs_where_tasks_really_run(airflow: Airflow) -> None:
    """The weekly run, by scheduler and executor: old logs go, Airflow's own database is cleaned."""
    old = airflow.home / "logs" / "old.log"
    old.write_text("old")
    os.utime(old, (0, 0))
    with closing(sqlite3.connect(airflow.home / "airflow.db", timeout=60)) as database, database:
        database.execute("INSERT INTO log (dttm, event) VALUES ('2020-01-01 00:00:00.000000', 'long ago')")
    run = airflow.ask("/api/v2/dags/maintenance/dagRuns", user="engineer", body={"logical_date": None})
    path = f"/api/v2/dags/maintenance/dagRuns/{run['dag_run_id']}"
    assert airflow.run_ends(path) == "success"
    assert airflow.tasks(path) == dict.fromkeys(
        ("verify_ledger", "oldest_kept", "verify_all", "drill", "forget_runs", "forget_logs"), "success"
    )
    assert not old.exists()
    with closing(sqlite3.connect(airflow.home / "airflow.db", timeout=60)) as database:
        assert database.execute("SELECT count(*) FROM log WHERE event = 'long ago'").fetchone() == (0,)
        assert database.execute("SELECT count(*) > 0 FROM log").fetchone() == (1,)
        archives = database.execute("SELECT name FROM sqlite_master WHERE name LIKE '%airflow_deleted%'")
        assert archives.fetchall() == []


@pytest.fixture
def request_id(airflow: Airflow) -> str:
    """A request of somebody of whom nothing is held, in the register of the running installation."""
    installation = Installation.open({"CHARTER_HOME": str(airflow.home.parents[1])})
    now = datetime.now(UTC)
    return rights.open_request(
        installation, right="access", received_on=now.date() - timedelta(days=1), channel="form",
        name="Jean Canary", email=CANARY, phone=None, addresses=[], at=now,
    )  # fmt: skip


def test_an_answer_may_leave_once_the_dpo_approves_and_nobody_else(airflow: Airflow, request_id: str) -> None:
    body = {"logical_date": None, "conf": {"request_id": request_id}}
    run = airflow.ask("/api/v2/dags/subject_request/dagRuns", user="dpo", body=body)
    path = f"/api/v2/dags/subject_request/dagRuns/{run['dag_run_id']}"
    deadline = time.monotonic() + _RUN_SECONDS
    while airflow.tasks(path)["approval_by_the_dpo"] != "awaiting_input":
        assert airflow.tasks(path)["gather"] not in ("failed", "up_for_retry")
        assert time.monotonic() < deadline
        time.sleep(1)
    # Airflow fails a task whose answer comes before its scheduler has seen that it waits: faster than a human.
    seen = re.compile("Received executor event with state success .*approval_by_the_dpo")
    while not seen.search((airflow.home / "logs" / "scheduler.log").read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    time.sleep(1)
    approval = f"{path}/taskInstances/approval_by_the_dpo/-1/hitlDetails"
    approve = {"chosen_options": ["Approve"], "params_input": {}}
    for user in ("engineer", "analyst"):
        assert airflow.send(approval, user=user, body=approve, method="PATCH").status_code == 403
    assert airflow.send(approval, user="dpo", body=approve, method="PATCH").is_success
    assert airflow.run_ends(path) == "success"
    installation = Installation.open({"CHARTER_HOME": str(airflow.home.parents[1])})
    (waiting,) = rights.requests(installation, on=datetime.now(UTC).date())
    assert waiting.status == "approved"  # it was not sent yet, and nobody says so
    approved = list(installation.ledger.entries("request_approved"))
    assert [entry.facts["by"] for entry in approved] == ["dpo"]


def test_nothing_of_the_person_is_in_airflow(airflow: Airflow) -> None:
    told = b"".join(path.read_bytes() for path in airflow.home.rglob("*") if path.is_file())
    assert b"R-" in told  # the positive control
    assert CANARY.encode() not in told
    assert b"Canary" not in told


def test_a_taken_port_is_one_line_and_no_second_airflow(airflow: Airflow, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "deploy.airflow_local", "--port", str(airflow.port), "--home", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {"CHARTER_HOME": str(tmp_path)},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (13, "")
    assert done.stderr.count("\n") == 1
    assert f"PORT={airflow.port + 1} make airflow" in done.stderr


def test_it_stops_on_ctrl_c_and_leaves_nothing_behind(airflow: Airflow) -> None:
    """Last in this file: the others need it running."""
    family = airflow.family()
    assert len(family) >= 4
    airflow.process.send_signal(signal.SIGINT)
    assert airflow.process.wait(60) == 0
    _, alive = psutil.wait_procs(family, timeout=1)
    assert alive == []
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", airflow.port)) != 0
