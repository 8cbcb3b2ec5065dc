"""Airflow on this machine, on loopback only, until Ctrl-C: `make airflow`.

`airflow standalone` listens on every interface and leaves its children behind; its three parts,
started one by one, do neither. Whatever they start is a descendant of this process, which stays
until the last of them is gone.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.request import urlopen

import psutil

from deploy.environment import ROOT, USERS, airflow_environment
from pipelines.errors import CharterError, ConfigurationError
from pipelines.installation import Installation

# In this order: the scheduler comes last, for the tasks that it starts report to the API server.
PARTS = {
    "dag-processor": ["dag-processor"],
    "api-server": ["api-server"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
}
_START_SECONDS = 180
_STOP_SECONDS = 20
_PR_SET_CHILD_SUBREAPER = 36


def main(arguments: Sequence[str] | None = None) -> int:
    """Start Airflow, say where it is, wait for Ctrl-C, stop all of it."""
    options = _options(arguments)
    os.umask(0o077)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        return _serve(options.home.resolve(), options.port)
    except KeyboardInterrupt:
        return 0
    except CharterError as error:
        print(f"charter: {error}", file=sys.stderr)
        return error.exit_code


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make airflow", description=__doc__)
    home = Path(os.environ.get("CHARTER_HOME") or ROOT) / "data" / "airflow"
    parser.add_argument("--home", type=Path, default=Path(os.environ.get("AIRFLOW_HOME") or home))
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT") or 8080))
    return parser.parse_args(arguments)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _serve(home: Path, port: int) -> int:
    if not _is_free(port):
        raise ConfigurationError(
            f"port {port} is taken: stop what listens there, or run `PORT={port + 1} make airflow`."
        )
    Installation.create(os.environ)  # what is there already stays as it is
    environ = airflow_environment(home, port=port, environ=os.environ)
    print("Airflow starts, some 30 seconds…", flush=True)
    with _all_stopped_at_the_end():
        _run_once(["db", "migrate"], environ, home)
        parts: dict[str, subprocess.Popen[bytes]] = {}
        for name, command in PARTS.items():
            parts[name] = _start(name, command, environ, home)
            if name == "api-server":
                _wait_for(parts, home, lambda: _answer(port, "version") is not None)
        _wait_for(parts, home, lambda: _is_healthy(port))
        _say_where(home, port)
        return _watch(parts, home)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _run_once(command: list[str], environ: dict[str, str], home: Path) -> None:
    part = _start(command[0], command, environ, home)
    if part.wait() != 0:
        raise ConfigurationError(f"`airflow {' '.join(command)}` failed: read {_log(home, command[0])}.")


def _start(name: str, command: list[str], environ: dict[str, str], home: Path) -> subprocess.Popen[bytes]:
    # A group of its own: Ctrl-C in the terminal reaches this process alone, which then stops them in order.
    with _log(home, name).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "airflow", *command],
            env=environ, cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip


def _log(home: Path, name: str) -> Path:
    return home / "logs" / f"{name}.log"


def _wait_for(parts: dict[str, subprocess.Popen[bytes]], home: Path, is_there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not is_there():
        _refuse_stopped(parts, home)
        if time.monotonic() > deadline:
            raise ConfigurationError(
                f"Airflow is not healthy after {_START_SECONDS} s: read {home / 'logs'}."
            )
        time.sleep(0.5)


def _is_healthy(port: int) -> bool:
    health = _answer(port, "monitor/health") or {}
    parts = ("metadatabase", "scheduler", "dag_processor")
    return all(health.get(part, {}).get("status") == "healthy" for part in parts)


def _answer(port: int, path: str) -> Any:
    with (
        suppress(OSError, ValueError),
        urlopen(f"http://127.0.0.1:{port}/api/v2/{path}", timeout=2) as answer,
    ):
        return json.load(answer)
    return None


def _say_where(home: Path, port: int) -> None:
    print(f"Airflow     http://127.0.0.1:{port}   (this machine only)")
    print(f"Users       {', '.join(f'{user} ({role})' for user, role in USERS.items())}")
    print(f"Passwords   {home / 'passwords.json'}")
    print(f"Logs        {home / 'logs'}")
    print("Ctrl-C stops all of it.", flush=True)


def _watch(parts: dict[str, subprocess.Popen[bytes]], home: Path) -> int:
    while True:
        _refuse_stopped(parts, home)
        time.sleep(1)


def _refuse_stopped(parts: dict[str, subprocess.Popen[bytes]], home: Path) -> None:
    for name, part in parts.items():
        if part.poll() is not None:
            raise ConfigurationError(f"`airflow {name}` stopped by itself: read {_log(home, name)}.")


@contextmanager
def _all_stopped_at_the_end() -> Iterator[None]:
    """Adopt whatever the parts leave behind, and let nothing of it outlive this process."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        print("Airflow stops…", flush=True)
        _end_descendants()


def _end_descendants() -> None:
    me = psutil.Process()
    deadline = time.monotonic() + _STOP_SECONDS
    for process in me.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    while (left := me.children(recursive=True)) and time.monotonic() < deadline:
        psutil.wait_procs(left, timeout=1)
    while left := me.children(recursive=True):
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=5)


if __name__ == "__main__":
    sys.exit(main())
