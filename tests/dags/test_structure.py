"""The DAG files: they load, they are thin, and they keep the order and the rules that law asks for."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow.sdk import DAG

ROOT = Path(__file__).resolve().parents[2]
FILES = ["nightly", "subject_request", "maintenance"]
# What a DAG file may import of Charter while it is parsed: words, and the charter itself.
PARSED = {"pipelines", *(f"pipelines.{name}" for name in (
    "errors", "periods", "places", "catalog", "charter", "_charter_file", "files", "faults"))}  # fmt: skip
PARSE = """
import json, sys, time
import airflow.sdk, airflow.providers.standard.operators.hitl, airflow.providers.standard.operators.empty
before, seconds = set(sys.modules), []
for name in sys.argv[1:]:
    started = time.process_time()
    __import__(name)
    seconds.append(time.process_time() - started)
print(json.dumps([seconds, sorted(set(sys.modules) - before)]))
"""


@pytest.fixture(scope="module")
def parsed(airflow_home: Path) -> tuple[list[float], set[str]]:
    """CPU seconds that each DAG file takes to parse in a fresh process, and what they import."""
    out = subprocess.run(
        [sys.executable, "-c", PARSE, *FILES], cwd=ROOT / "dags", check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    seconds, modules = json.loads(out.splitlines()[-1])
    return seconds, set(modules)


def test_the_three_dags_of_the_house_load(dags: dict[str, DAG]) -> None:
    assert set(dags) == {"nightly", "subject_request", "maintenance"}


def test_a_dag_file_parses_in_well_under_a_second(parsed: tuple[list[float], set[str]]) -> None:
    assert len(parsed[0]) == len(FILES)
    assert max(parsed[0]) < 0.9


def test_no_journey_is_imported_while_parsing(parsed: tuple[list[float], set[str]]) -> None:
    assert {name for name in parsed[1] if name.split(".")[0] == "pipelines"} <= PARSED
    assert not parsed[1] & {"duckdb", "pandas", "pyarrow", "great_expectations"}


def test_a_night_goes_in_the_order_of_its_story(dags: dict[str, DAG]) -> None:
    order = [task.task_id for task in dags["nightly"].topological_sort()]
    assert order == [
        "open_night", "traffic_batches", "take_traffic", "take_contacts", "archive", "day_batches", "publish_days",
        "publish_release", "purge", "verify", "backup", "close_night", "whole",
    ]  # fmt: skip


def test_files_and_days_are_spread_in_batches(dags: dict[str, DAG]) -> None:
    nightly = dags["nightly"]
    mapped = {task.task_id for task in nightly.tasks if task.is_mapped}
    assert mapped == {"take_traffic", "publish_days"}
    assert nightly.get_task("take_traffic").upstream_task_ids == {"open_night", "traffic_batches"}
    assert "day_batches" in nightly.get_task("publish_days").upstream_task_ids


def test_one_night_at_a_time_at_two_in_local_time(dags: dict[str, DAG]) -> None:
    nightly = dags["nightly"]
    assert (nightly.timetable.expression, nightly.catchup, nightly.max_active_runs) == ("0 2 * * *", False, 1)
    assert str(nightly.timezone) == "Europe/Paris"
    assert str(nightly.timetable.timezone) == "Europe/Paris"


def test_every_step_may_be_tried_again_and_none_says_what_it_returned(dags: dict[str, DAG]) -> None:
    for dag in dags.values():
        for task in dag.tasks:
            arguments = task.partial_kwargs if task.is_mapped else vars(task)
            if task.task_id not in {"approval_by_the_dpo", "whole"}:
                assert arguments["retries"] == 2, task.task_id
                assert arguments["retry_delay"] == timedelta(minutes=5), task.task_id
                assert arguments["show_return_value_in_logs"] is False, task.task_id


def test_the_whole_run_hangs_on_every_step(dags: dict[str, DAG]) -> None:
    nightly = dags["nightly"]
    whole = nightly.get_task("whole")
    assert nightly.leaves == [whole]
    above = {task.task_id for task in nightly.tasks} - {"whole", "open_night", "traffic_batches"}
    assert whole.upstream_task_ids == above
    assert whole.trigger_rule == "none_failed"


def test_the_form_takes_an_opaque_id_and_nothing_else(dags: dict[str, DAG]) -> None:
    form = dags["subject_request"].params
    assert list(form) == ["request_id"]
    schema = form.get_param("request_id").schema
    assert schema["type"] == "string"
    assert schema["pattern"].startswith("^")
    assert schema["pattern"].endswith("$")
    assert [list(dags[name].params) for name in ("nightly", "maintenance")] == [[], []]


def test_the_form_refuses_what_a_person_could_be_known_by(dags: dict[str, DAG]) -> None:
    form = dags["subject_request"].params.get_param("request_id")
    assert form.resolve("R-2Z9K-WXYZ") == "R-2Z9K-WXYZ"
    for value in (
        "",
        "Dupont",
        "R-jean-dupo",
        "jean.dupont@example.org",
        "Jean Dupont",
        "192.0.2.7",
        "+33 6 12 34 56 78",
    ):
        with pytest.raises(Exception, match="does not match"):
            form.resolve(value)


def test_only_the_dpo_approves_and_a_refusal_is_seen(dags: dict[str, DAG]) -> None:
    approval = dags["subject_request"].get_task("approval_by_the_dpo")
    assert approval.assigned_users == [{"id": "dpo", "name": "dpo"}]
    assert approval.fail_on_reject is True
    assert approval.defaults is None
    assert approval.retries == 0
    order = [task.task_id for task in dags["subject_request"].topological_sort()]
    assert order == ["gather", "approval_by_the_dpo", "approve"]
