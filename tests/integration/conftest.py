"""Real web servers on loopback, each with a configuration and a log of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

Have = Callable[[str, str], str]


@pytest.fixture(scope="session")
def have() -> Have:
    """Find a program of the system; without it a test is skipped and says the cure, in CI it fails."""

    def find(program: str, package: str) -> str:
        path = shutil.which(program)
        if path is None:
            message = f"{program} is not here: apt-get install {package}"
            pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
        return path

    return find


@dataclass(frozen=True)
class WebServer:
    """A running server: its port on 127.0.0.1 and ::1, and the log that it writes."""

    name: str
    port: int
    log: Path

    def send(self, request: bytes, *, ipv6: bool = False) -> bytes:
        """Send raw bytes and return what comes back until the server closes."""
        family, host = (socket.AF_INET6, "::1") if ipv6 else (socket.AF_INET, "127.0.0.1")
        with socket.socket(family) as connection:
            connection.settimeout(10)
            connection.connect((host, self.port))
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            parts = []
            try:
                while part := connection.recv(65536):
                    parts.append(part)
            except (ConnectionResetError, TimeoutError):
                parts.append(b"")
            return b"".join(parts)


NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1; {user}
events {{ worker_connections 64; }}
http {{
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi; large_client_header_buffers 4 96k;
  log_format combined_as_shipped '$remote_addr - $remote_user [$time_local] "$request" '
    '$status $body_bytes_sent "$http_referer" "$http_user_agent"';
  access_log {folder}/access.log combined_as_shipped;
  server {{ listen 127.0.0.1:{port}; listen [::1]:{port}; root {folder}/site;
    location /broken {{ return 500; }} }}
}}
"""

APACHE = """
ServerRoot {folder}
ServerName localhost
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
Listen 127.0.0.1:{port}
Listen [::1]:{port}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule dir_module {modules}/mod_dir.so
LoadModule alias_module {modules}/mod_alias.so
{user}
LimitRequestLine 100000
DocumentRoot {site}/site
Redirect 500 /broken
<Directory {site}/site>
  Require all granted
</Directory>
LogFormat "%h %l %u %t \\"%r\\" %>s %O \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\"" combined
CustomLog {folder}/access.log combined
"""


@pytest.fixture
def nginx(tmp_path: Path, have: Have) -> Iterator[WebServer]:
    program = have("nginx", "nginx-light")
    folder = _site(tmp_path / "nginx")
    port = free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, user=user))
    with running([program, "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")], port):
        yield WebServer("nginx", port, folder / "access.log")


@pytest.fixture
def apache(tmp_path: Path, have: Have) -> Iterator[WebServer]:
    program = have("apache2", "apache2")
    folder, port = tmp_path / "apache", free_port()
    folder.mkdir()
    user = "User www-data\nGroup www-data" if os.geteuid() == 0 else ""
    with (
        tempfile.TemporaryDirectory() as place
    ):  # Apache's workers are another user: they must reach the site
        site = _site(Path(place))
        Path(place).chmod(0o755)
        (folder / "apache.conf").write_text(
            APACHE.format(folder=folder, site=site, port=port, modules="/usr/lib/apache2/modules", user=user)
        )
        with running([program, "-f", str(folder / "apache.conf"), "-DFOREGROUND"], port):
            yield WebServer("apache", port, folder / "access.log")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    """Run a server until the block ends; it has 15 seconds to open its port, and is then stopped for good."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None:
                pytest.fail(
                    f"{command[0]} did not start: {process.stderr.read().decode() if process.stderr else ''}"
                )
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        if process.stderr:
            process.stderr.close()


def _site(folder: Path) -> Path:
    (folder / "site").mkdir(parents=True, mode=0o755)
    (folder / "site" / "index.html").write_text("<h1>okare</h1>")
    (folder / "site" / "about.html").write_text("<h1>about</h1>")
    return folder
