"""Rights: a person's request, from its receipt to its answer, before the deadline.

`register.py` is the register and its clock, `search.py` where a person's data is found,
`gathering.py` the story (gather → deliver, or refuse), `package.py` what the person receives,
`objecting.py` who is left out of statistics.
"""

from pipelines.rights.gathering import GROUNDS, Gathered, deliver, gather, preview, refuse
from pipelines.rights.objecting import objecting
from pipelines.rights.register import (
    CHANNELS,
    Pending,
    answer,
    approve,
    due_on,
    open_request,
    overdue,
    requests,
)

__all__ = [
    "CHANNELS",
    "GROUNDS",
    "Gathered",
    "Pending",
    "answer",
    "approve",
    "deliver",
    "due_on",
    "gather",
    "objecting",
    "open_request",
    "overdue",
    "preview",
    "refuse",
    "requests",
]
