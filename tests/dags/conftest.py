"""Airflow for the DAG tests: a metadata database of its own, made once, before Airflow is imported.

The first `dag.test` of a process takes some ten seconds, the next under one: keep all tests that
need Airflow in this folder, so that one process pays once.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow.sdk import DAG

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def airflow_home() -> Iterator[Path]:
    """AIRFLOW_HOME with a migrated database; the environment is set before the first Airflow import."""
    if "airflow" in sys.modules:
        pytest.fail("Airflow was imported before its home was set: import it inside the test.")
    from deploy.environment import airflow_environment

    with tempfile.TemporaryDirectory(prefix="airflow-") as folder, pytest.MonkeyPatch.context() as patch:
        home = Path(folder)
        for name, value in airflow_environment(home, port=0, environ={}).items():
            patch.setenv(name, value)
        patch.setenv("AIRFLOW__LOGGING__LOGGING_LEVEL", "ERROR")
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        from airflow.utils.db import initdb

        initdb()
        yield home


@pytest.fixture(scope="session")
def dags(airflow_home: Path) -> dict[str, DAG]:
    """The DAGs of the house, loaded as Airflow loads them."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(ROOT / "dags")
    assert bag.import_errors == {}
    return dict(bag.dags)


@pytest.fixture
def installation_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh installation in a folder of its own, named by CHARTER_HOME."""
    from pipelines.installation import Installation

    for name in [name for name in os.environ if name.startswith("CHARTER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CHARTER_HOME", str(tmp_path))
    Installation.create(os.environ)
    return tmp_path
