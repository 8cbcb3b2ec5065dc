"""Following a run of Airflow from within: a listener that moves a progress bar."""

from __future__ import annotations

from typing import Protocol

from pluggy import HookimplMarker
from rich.progress import Progress

# The marker that Airflow looks for, made here: Airflow must not be imported before its settings are set.
_hook = HookimplMarker("airflow")


class Step(Protocol):
    """What a listener is told of a task."""

    task_id: str
    map_index: int


class Watch:
    """Moves the bar with each step of a night, and keeps what the failed ones said."""

    def __init__(self, progress: Progress, *, steps: int) -> None:
        self._progress = progress
        self._bar = progress.add_task("starting Airflow", total=steps)
        self._steps = steps
        self.failures: list[str] = []

    @_hook
    def on_task_instance_running(self, task_instance: Step) -> None:
        """Show which step runs; a further batch of a mapped step makes the bar longer."""
        if task_instance.map_index > 0:
            self._steps += 1
        shown = task_instance.task_id.replace("_", " ")
        self._progress.update(self._bar, description=shown, total=self._steps)

    @_hook
    def on_task_instance_success(self) -> None:
        """Count a step that is done."""
        self._progress.advance(self._bar)

    @_hook
    def on_task_instance_failed(self, task_instance: Step, error: str | BaseException | None) -> None:
        """Keep the cause and cure that a failed step told."""
        self._progress.advance(self._bar)
        self.failures.append(f"{task_instance.task_id}: {error}")
