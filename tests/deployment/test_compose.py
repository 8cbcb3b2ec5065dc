"""docker-compose.yml and the Dockerfile: valid, nothing open, nothing secret, nobody root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ["database", "migrate", "init", "api-server", "scheduler", "dag-processor"]
RUNNING = ["database", "api-server", "scheduler", "dag-processor"]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return parsed


def test_the_services_are_those_that_are_checked_here(compose: dict[str, Any]) -> None:
    assert list(compose["services"]) == SERVICES


@pytest.mark.integration
def test_docker_compose_accepts_the_file() -> None:
    command = shutil.which("docker-compose")
    if command is None:
        pytest.skip("docker-compose is not installed: apt-get install docker-compose")
    environ = {name: value for name, value in os.environ.items() if name not in {"PORT", "LANDING"}}
    done = subprocess.run(
        [command, "config"], cwd=ROOT, capture_output=True, text=True, check=False, env=environ
    )
    assert done.returncode == 0, done.stderr
    resolved = yaml.safe_load(done.stdout)["services"]["scheduler"]["volumes"]
    assert any("/srv/charter/landing" in str(volume) for volume in resolved)


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    hadolint = Path(sysconfig.get_path("scripts")) / "hadolint"
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_ports_are_published_on_loopback_only(compose: dict[str, Any]) -> None:
    published = {name: service.get("ports", []) for name, service in compose["services"].items()}
    assert [name for name, ports in published.items() if ports] == ["api-server"]
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_is_root_or_may_become_it(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert int(service["user"].partition(":")[0]) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.keys() & {"privileged", "cap_add", "network_mode", "pid", "devices"}


@pytest.mark.parametrize("name", RUNNING)
def test_every_running_service_is_watched(compose: dict[str, Any], name: str) -> None:
    assert compose["services"][name]["healthcheck"]["test"][0] == "CMD"
    assert compose["services"][name]["restart"] == "unless-stopped"


def test_secrets_come_as_files_and_no_environment_holds_one(compose: dict[str, Any]) -> None:
    assert all(secret["file"].startswith("deploy/secrets/") for secret in compose["secrets"].values())
    for service in compose["services"].values():
        assert set(service.get("secrets", [])) <= set(compose["secrets"])
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|KEY|CONN|TOKEN", variable):
                assert variable.endswith(("_FILE", "_CMD")), variable
                assert re.fullmatch(r"(cat )?/run/(secrets|charter)/[a-z_]+", str(value)), variable


def test_the_secrets_and_the_data_stay_out_of_git_and_of_the_image() -> None:
    assert "/deploy/secrets/" in (ROOT / ".gitignore").read_text().splitlines()
    allowed = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert allowed[0] == "*"
    assert not [line for line in allowed if "secrets" in line or "data" in line]


def test_only_the_tasks_see_the_vault_and_the_master_key(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        mounted = {volume.partition(":")[0] for volume in service.get("volumes", [])}
        sees = bool(mounted & {"vault", "keys"}) or "master_key" in service.get("secrets", [])
        assert sees == (name in {"init", "scheduler"}), name


def test_the_keys_are_a_volume_apart_from_the_vault(compose: dict[str, Any]) -> None:
    targets = dict(volume.split(":") for volume in compose["services"]["scheduler"]["volumes"][1:])
    assert targets["keys"] == "/srv/charter/keys"
    assert targets["vault"] == "/srv/charter/vault"
    assert {"keys", "vault", "releases", "ledger", "reports", "logs"} == set(targets)
    assert set(targets) <= set(compose["volumes"])


def test_tasks_have_no_way_out_of_the_machine(compose: dict[str, Any]) -> None:
    assert compose["networks"]["inside"] == {"internal": True}
    assert compose["services"]["scheduler"]["networks"] == ["inside"]


def test_what_the_image_copies_is_let_through_and_there() -> None:
    copied = re.findall(
        r"^COPY (?!--from)(?:--\S+ )?(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    )
    let_through = {
        line[1:].rstrip("/")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    sources = {source for line in copied for source in line.split()}
    assert sources == let_through
    assert all((ROOT / source).exists() for source in sources)
