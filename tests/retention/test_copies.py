"""No readable copy elsewhere: keys, strange files and the erased in plain text are found where they lie."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines import backups, retention
from pipelines.installation import Installation
from pipelines.places import Places
from pipelines.retention.certificate import path_of
from pipelines.statistics.shelf import DATABASE

DAY = date(2026, 11, 22)
GONE, KEPT = date(2025, 11, 21), date(2025, 11, 22)
OLD, NEW = date(2020, 1, 1), date(2026, 1, 1)


@pytest.fixture
def whole(installation: Installation, tmp_path: Path) -> Installation:
    """An installation with a backup, and with Airflow's folders."""
    logs = tmp_path / "airflow" / "logs"
    logs.mkdir(parents=True)
    airflow = (tmp_path / "airflow", logs)
    places = replace(installation.places, backup=tmp_path / "backup", airflow=airflow)
    found = replace(installation, places=places)
    backups.make(found, tmp_path / "backup", day=DAY, at=datetime.fromisoformat("2026-11-21T01:00:00+00:00"))
    return found


@pytest.fixture
def applied(
    whole: Installation, traffic: Callable[..., None], people: Any, stories: Any, at: datetime
) -> None:
    """A day and a person purged, and not yet verified; who was purged shares a phone with one who stays."""
    traffic(GONE, KEPT)
    gone, stays = stories(0, contact=OLD), stories(1, contact=NEW)
    for one, phone in ((gone, "+33612345678"), (gone, "+33698765432"), (stays, "+33698765432")):
        one["identifiers"].append({**one["identifiers"][0], "kind": "phone", "value": phone})
    people(gone, stays, *[stories(number, contact=NEW) for number in range(2, 6)])
    plan = retention.plan(whole, day=DAY)
    retention.apply(whole, plan, token=plan.token, at=at)


def verify(installation: Installation, at: datetime) -> dict[str, tuple[str, str]]:
    found = retention.verify(installation, day=DAY, at=at).outcomes
    return {outcome.item.store: (outcome.answer, outcome.detail) for outcome in found}


def certificates(installation: Installation) -> list[str]:
    return [str(entry.facts["certificate"]) for entry in installation.ledger.entries("certificate_issued")]


@pytest.fixture
def kept_key(installation: Installation, traffic: Callable[..., None], tmp_path: Path) -> Path:
    """A copy of the key of a day, made before the day was purged."""
    traffic(GONE)
    copy = tmp_path / "kept"
    shutil.copy(installation.places.keys / f"stores/traffic/{GONE}/g000001.key", copy)
    return copy


@pytest.mark.parametrize(
    ("target", "place"),
    [
        ("backup/vault/old.key", "backup"),
        ("data/keys/stores/traffic/.g000001.key~", "keyring"),
        ("data/keys/old/g000001.key", "keyring"),
        ("data/vault/traffic/a", "vault"),
        ("data/landing/contacts/people.csv", "landing"),
        ("airflow/x", "Airflow's folder"),
    ],
)
def test_a_copy_of_a_key_is_found_under_any_name_and_its_end_is_proven_later(
    kept_key: Path, whole: Installation, applied: None, at: datetime, tmp_path: Path, target: str, place: str
) -> None:
    root = tmp_path if target.startswith(("backup", "airflow")) else whole.places.vault.parent.parent
    (root / target).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(kept_key, root / target)
    found = verify(whole, at)
    assert found[f"traffic/{GONE}"] == ("still present", f"1 copies of keys in the {place}")
    assert certificates(whole) == []
    (root / target).unlink()
    assert {answer for answer, _detail in verify(whole, at).values()} == {"gone"}
    assert len(certificates(whole)) == 1
    assert verify(whole, at) == {}


@pytest.mark.parametrize(
    ("target", "place"), [("data/vault/contacts/all.csv", "vault"), ("backup/x.duckdb", "backup")]
)
def test_a_strange_file_among_sealed_ones_may_be_a_copy_of_anything(
    whole: Installation, applied: None, at: datetime, tmp_path: Path, target: str, place: str
) -> None:
    root = tmp_path if place == "backup" else whole.places.vault.parent.parent
    (root / target).write_bytes(b"canary")
    expected = f"1 files in the {place} that Charter did not put there: look at them, remove them"
    assert verify(whole, at)[f"traffic/{GONE}"] == ("could not check", expected)
    (root / target).unlink()
    assert {answer for answer, _detail in verify(whole, at).values()} == {"gone"}


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        (b"x p0@canary.example.", True),
        (b'{"to":"P0@CANARY.example"}', True),
        (b"/form?mail=p0%40canary.example&x=1", True),
        (b"p0\\u0040canary.example", True),
        (b"call 06 12 34 56 78 or", True),
        (b"tel:+33612345678", True),
        (b"tel=%2B33612345678", True),
        (b"y" * ((1 << 20) - 3) + b" p0@canary.example", True),
        (b"p1@canary.example xp0@canary.example p0@canary.examples", False),
        (b"06 98 76 54 32, which another person has too, 2026-11-22 00:00:00.012345678 +00:00", False),
    ],
)
def test_the_erased_are_found_in_a_log_however_they_are_spelled(
    whole: Installation, applied: None, at: datetime, text: bytes, is_found: bool
) -> None:
    (whole.places.airflow[1] / "task.log").write_bytes(text)
    found = verify(whole, at)
    where = "an identifier of the erased in 1 files of Airflow's folder, an identifier of the erased in 1 files of Airflow's logs"
    assert found["contacts"] == (("still present", where) if is_found else ("gone", ""))
    assert found[f"traffic/{GONE}"] == ("gone", "")
    lines = whole.ledger.path.read_bytes()
    assert b"canary" not in lines
    assert b"612345678" not in lines


def test_the_erased_are_found_in_databases_and_packed_files(
    whole: Installation, applied: None, at: datetime, subtests: pytest.Subtests
) -> None:
    mail = "p0@canary.example"

    def in_airflow(path: Path) -> None:
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE xcom (value TEXT)")
            connection.execute("INSERT INTO xcom VALUES (?)", [json.dumps({"who": mail})])
        connection.close()

    def in_release(path: Path) -> None:
        path.parent.mkdir()
        with duckdb.connect(path) as connection:
            connection.execute("CREATE TABLE pages AS SELECT '/path/' || i AS path FROM range(9000) AS t(i)")
            connection.execute(f"INSERT INTO pages VALUES ('/{mail}')")
            connection.execute("CREATE VIEW shown AS FROM pages")

    def in_parquet(path: Path) -> None:
        pq.write_table(pa.table({"n": [1, 2], "path": [f"/{mail}", None]}), path, compression="zstd")

    def in_export(path: Path) -> None:
        path.write_bytes(gzip.compress(f"email\n{mail}\n".encode()))

    places = whole.places
    for path, make, place in (
        (places.airflow[0] / "airflow.db", in_airflow, "Airflow's folder"),
        (places.releases / "2026-11-20-00000000" / DATABASE, in_release, "releases"),
        (places.releases / "pages.parquet", in_parquet, "releases"),
        (places.landing_contacts / "people-crm.csv.gz", in_export, "landing"),
        (places.reports / "quality.html", lambda path: path.write_text(f"<p>{mail}</p>"), "reports"),
    ):
        with subtests.test(place):
            make(path)
            expected = ("still present", f"an identifier of the erased in 1 files of {place}")
            assert verify(whole, at)["contacts"] == expected
            path.unlink()
    for path, content, place in (
        (places.landing_contacts / "people-crm.csv.gz", gzip.compress(b"email\n" * 1000)[:-20], "landing"),
        (places.releases / "pages.parquet", b"PAR1 cut", "releases"),
    ):
        path.write_bytes(content)
        assert verify(whole, at)["contacts"] == ("could not check", f"1 files of {place} cannot be read")
        path.unlink()
    assert verify(whole, at)["contacts"] == ("gone", "")


def test_the_certificate_says_what_was_searched_and_what_was_not(
    whole: Installation, applied: None, at: datetime
) -> None:
    verify(whole, at)
    (name,) = certificates(whole)
    said = json.loads(path_of(whole, name).read_bytes())["statement"]["verification"]
    assert [text.partition(":")[0] for text in said["searched"]] == [
        "vault", "keyring", "landing", "releases", "reports", "ledger", "backup", "Airflow's folder",
        "Airflow's logs",
    ]  # fmt: skip
    assert said["not_searched"] == ["Airflow's database"]
    page = retention.as_html(retention.read_certificate(whole, name))
    assert "Airflow&#x27;s database: in no folder that this installation knows" in page
    assert retention.as_pdf(retention.read_certificate(whole, name)).startswith(b"%PDF")


def test_airflows_folders_are_those_that_airflow_is_told(tmp_path: Path) -> None:
    home = {"CHARTER_HOME": str(tmp_path)}
    assert Places.from_environment(home).airflow == (tmp_path / "data" / "airflow",)
    told = home | {"AIRFLOW_HOME": "/run/airflow"}
    assert Places.from_environment(told).airflow == (Path("/run/airflow"),)
    inside = told | {"AIRFLOW__LOGGING__BASE_LOG_FOLDER": "/run/airflow/logs"}
    assert Places.from_environment(inside).airflow == (Path("/run/airflow"),)
    apart = told | {"AIRFLOW__LOGGING__BASE_LOG_FOLDER": "/srv/logs"}
    assert Places.from_environment(apart).airflow == (Path("/run/airflow"), Path("/srv/logs"))
