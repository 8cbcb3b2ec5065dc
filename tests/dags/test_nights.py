"""What becomes of a night when steps fail: run by Airflow itself, with a story that the test writes."""

from __future__ import annotations

import logging
import sys
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from pipelines.errors import DisclosureError, KeyringError, LandingError, RetentionError, VaultError

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from airflow.sdk import DAG

CANARY = "jean.canary@example.org"
_days = count()
RunNight = Callable[..., dict[str, str]]


class Story(ModuleType):
    """Stands in for `pipelines.nightly`: every step answers, and its calls are written down."""

    def __init__(self, **answers: Any) -> None:
        super().__init__("pipelines.nightly")
        self.calls: list[str] = []
        self.arguments: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        self._answers = {
            "open_night": "2026-11-22.1",
            "traffic_batches": [["a", "b"], ["c"]],
            "day_batches": [["2026-11-20", "2026-11-21"]],
        } | answers

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*arguments: Any) -> Any:
            self.calls.append(name)
            self.arguments[name].append(arguments)
            answer = self._answers.get(name, {"steps": 1})
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


@pytest.fixture
def run_night(dags: dict[str, DAG], monkeypatch: pytest.MonkeyPatch) -> RunNight:
    """Run the nightly DAG on a story; return the state of the run and of each task."""
    for task in dags["nightly"].tasks:
        arguments = task.partial_kwargs if task.is_mapped else vars(task)
        monkeypatch.setitem(arguments, "retry_delay", timedelta(0))

    def run(story: Story, at: datetime | None = None) -> dict[str, str]:
        import pipelines

        monkeypatch.setitem(sys.modules, "pipelines.nightly", story)
        monkeypatch.setattr(pipelines, "nightly", story, raising=False)
        a_night = datetime(2026, 11, 22, 1, tzinfo=UTC) + timedelta(days=next(_days))
        finished = dags["nightly"].test(logical_date=at or a_night)
        return states(finished)

    return run


def states(run: DagRun) -> dict[str, str]:
    found = {ti.task_id: str(ti.state) for ti in run.get_task_instances()}
    return found | {"run": str(run.state)}


ALL = [
    *("open_night", "traffic_batches", "take_traffic", "take_traffic", "take_contacts", "archive"),
    *("day_batches", "publish_days", "publish_release"),
    *("purge", "verify", "backup", "close_night", "require_all_taken"),
]


def test_a_good_night(run_night: RunNight) -> None:
    story = Story()
    found = run_night(story)
    assert set(found.values()) == {"success"}
    assert story.calls == ALL
    assert sorted(taken[:2] for taken in story.arguments["take_traffic"]) == [
        ("2026-11-22.1", ["a", "b"]),
        ("2026-11-22.1", ["c"]),
    ]
    assert story.arguments["publish_days"][0][:2] == ("2026-11-22.1", ["2026-11-20", "2026-11-21"])
    assert story.arguments["close_night"][0][1].tzinfo is not None


def test_the_night_is_that_of_the_local_day(run_night: RunNight) -> None:
    story = Story()
    run_night(story, at=datetime(2026, 7, 14, 22, 30, tzinfo=UTC))  # half past midnight in Paris
    assert story.arguments["open_night"][0][0] == date(2026, 7, 15)


def test_a_night_without_new_files_or_days_goes_on(run_night: RunNight) -> None:
    story = Story(traffic_batches=[], day_batches=[])
    found = run_night(story)
    assert found["take_traffic"] == found["publish_days"] == "skipped"
    assert found["run"] == found["whole"] == "success"
    assert story.calls[-5:] == ["purge", "verify", "backup", "close_night", "require_all_taken"]


def test_a_refused_release_does_not_stop_the_purge(run_night: RunNight) -> None:
    story = Story(publish_release=DisclosureError("a cell is too small: see the report."))
    found = run_night(story)
    assert [found[name] for name in ("publish_release", "purge", "verify", "close_night")] == [
        "failed", "success", "success", "success",
    ]  # fmt: skip
    assert (found["whole"], found["run"]) == ("upstream_failed", "failed")
    assert story.calls.count("publish_release") == 1  # trying again would not mend it


def test_input_that_cannot_be_taken_does_not_stop_the_purge(run_night: RunNight) -> None:
    story = Story(take_traffic=KeyringError("no."))
    found = run_night(story)
    assert found["publish_release"] == "upstream_failed"
    assert (found["purge"], found["verify"], found["close_night"]) == ("success", "success", "success")
    assert found["run"] == "failed"


def test_a_night_that_cannot_be_opened_does_nothing(run_night: RunNight) -> None:
    story = Story(open_night=KeyringError("no master key: provide it."))
    found = run_night(story)
    assert story.calls == ["open_night"]
    assert (found["purge"], found["close_night"], found["run"]) == (
        "upstream_failed",
        "upstream_failed",
        "failed",
    )


def test_nothing_is_attested_of_a_purge_that_failed(run_night: RunNight) -> None:
    story = Story(purge=RetentionError("out of bounds."))
    found = run_night(story)
    assert "verify" not in story.calls
    assert (found["verify"], found["close_night"], found["run"]) == ("upstream_failed", "success", "failed")


def test_a_night_with_refused_files_is_closed_and_fails(run_night: RunNight) -> None:
    story = Story(require_all_taken=LandingError("2 landing files could not be taken in."))
    found = run_night(story)
    assert story.calls == ALL
    assert (found["verify"], found["close_night"], found["run"]) == ("success", "failed", "failed")


def test_a_store_in_use_is_tried_again(run_night: RunNight) -> None:
    story = Story(purge=VaultError("a store is in use by another process."))
    run_night(story)
    assert story.calls.count("purge") == 3


def test_neither_foreign_error_texts_nor_results_are_told(
    run_night: RunNight,
    airflow_home: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        found = run_night(
            Story(take_contacts=ValueError(f"Duplicate key {CANARY}"), purge={"days": 8_675_309})
        )
    assert (found["take_contacts"], found["purge"]) == ("failed", "success")
    out, err = capfd.readouterr()
    told = (out + err + caplog.text).encode()
    told += b"".join(path.read_bytes() for path in (airflow_home / "logs").rglob("*") if path.is_file())
    database = b"".join(path.read_bytes() for path in airflow_home.glob("airflow.db*"))
    assert b"internal fault, ValueError at" in told  # the positive control: the failure was told
    assert b"8675309" in database  # and counts do pass between tasks,
    assert b"8675309" not in told  # but are told to nobody
    assert CANARY.encode() not in told + database
