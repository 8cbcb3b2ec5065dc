"""One night: open → take in → publish → purge → verify → back up → close, at 02:00 local time.

The purge does not wait for good news. To keep data longer than the charter says is a breach of its
own, so it runs whatever became of the input or of the release, provided that the night could be
opened. Its proof needs a purge that was carried out; the night is closed either way, and `whole`
then fails the run if anything in it failed.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import chain, dag

from house import DEFAULTS, LOCAL, Story, day_of_run, now, step

if TYPE_CHECKING:
    from pipelines import nightly as story
else:
    story = Story("pipelines.nightly")

Counts = dict[str, int]
GOES_ON = "none_failed"  # no new file, or no day to publish, skips a mapped step; the night goes on
IN_ANY_CASE = "all_done_min_one_success"  # the one that must have succeeded is `open_night`


@step()
def open_night() -> str:
    return story.open_night(day_of_run(), now())


@step()
def traffic_batches(night: str) -> list[list[str]]:
    return story.traffic_batches(night)


@step()
def take_traffic(night: str, batch: list[str]) -> Counts:
    return story.take_traffic(night, batch, now())


@step(trigger_rule=GOES_ON)
def take_contacts(night: str) -> Counts:
    return story.take_contacts(night, now())


@step(trigger_rule=GOES_ON)
def archive(night: str) -> Counts:
    return story.archive(night, now())


@step(trigger_rule=GOES_ON)
def day_batches(night: str) -> list[list[str]]:
    return story.day_batches(night)


@step()
def publish_days(night: str, days: list[str]) -> Counts:
    return story.publish_days(night, days, now())


@step(trigger_rule=GOES_ON)
def publish_release(night: str) -> Counts:
    return story.publish_release(night, now())


@step(trigger_rule=IN_ANY_CASE)
def purge(night: str) -> Counts:
    return story.purge(night, now())


@step()
def verify(night: str) -> Counts:
    return story.verify(night, now())


@step(trigger_rule=IN_ANY_CASE)
def backup(night: str) -> Counts:
    return story.backup(night, now())


@step(trigger_rule=IN_ANY_CASE)
def close_night(night: str) -> None:
    story.require_all_taken(story.close_night(night, now()))


@dag(
    schedule="0 2 * * *",
    start_date=datetime(2000, 1, 1, tzinfo=LOCAL),  # a night of any day may be run, not caught up
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,  # a purge that waits for somebody to switch it on comes late
    default_args=DEFAULTS,
    doc_md=__doc__,
    tags=["charter"],
)
def nightly() -> None:
    """Carry the charter out for one local day."""
    night = open_night()
    take = take_traffic.partial(night=night).expand(batch=traffic_batches(night))
    days = day_batches(night)
    measure = publish_days.partial(night=night).expand(days=days)
    steps = [
        *(take, take_contacts(night), archive(night)),
        *(days, measure, publish_release(night)),
        *(purge(night), verify(night), backup(night), close_night(night)),
    ]
    chain(*steps)
    steps >> EmptyOperator(task_id="whole", trigger_rule=GOES_ON)


nightly()
