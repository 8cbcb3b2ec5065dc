"""A person exercises a right: gather → the DPO checks and approves; what leaves then is the DPO's to send.

The form takes the opaque id of a request that `charter` has registered, and nothing else: what is
typed here stays in Airflow's database and audit log. The package itself is read with `charter`, not
here. Nobody but the data protection officer may approve, an administrator of Airflow neither; an
approval that is refused fails the run, so that a request left without its answer is seen.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param, chain, dag

from house import DEFAULTS, LOCAL, Story, now, step
from pipelines.errors import RightsError

if TYPE_CHECKING:
    from pipelines import installation, rights
else:
    rights, installation = Story("pipelines.rights"), Story("pipelines.installation")

DPO = os.environ.get("CHARTER_DPO", "dpo")  # the DPO's user name in Airflow
REQUEST = "{{ params.request_id }}"
BODY = f"""To approve is to say that you checked who asks, and that the answer is right and may leave.
Check it first: `charter request preview {REQUEST} FOLDER`. Once approved, take it out with
`charter request deliver {REQUEST} FOLDER`, send it, and say so with `charter request answer {REQUEST}`.
To reject fails this run: the request stays open, and its last day to be answered stays what it was."""


@step()
def gather(request_id: str) -> None:
    rights.gather(installation.Installation.open(os.environ), request_id, now())


@step()
def approve(request_id: str, approval: dict[str, dict[str, str]]) -> None:
    by = approval["responded_by_user"]["id"]
    if by != DPO:  # Airflow refuses others before they get here; the law does not rest on that alone
        raise RightsError("the answer was approved by somebody else than the DPO: nothing was sent.")
    rights.approve(installation.Installation.open(os.environ), request_id, by, now())


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=LOCAL),
    is_paused_upon_creation=False,  # a form that does not answer costs days of the month that the law gives
    default_args=DEFAULTS,
    params={
        "request_id": Param(
            "",
            type="string",
            title="Request",
            description="The id that `charter request open` printed when the request was registered.",
            pattern="^R-[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}$",
        )
    },
    doc_md=__doc__,
    tags=["charter"],
)
def subject_request() -> None:
    """Gather the answer to one request of a person, for the data protection officer to approve."""
    approval = ApprovalOperator(
        task_id="approval_by_the_dpo",
        subject=f"Request {REQUEST}: may the answer leave?",
        body=BODY,
        assigned_users=[{"id": DPO, "name": DPO}],
        fail_on_reject=True,
        retries=0,
        execution_timeout=None,
    )
    chain(gather(REQUEST), approval, approve(REQUEST, approval.output))


subject_request()
