"""Retention: what is kept no longer than the charter says, and the proof of it.

The story is `purge.py` (plan → apply), its proof `verification.py` (verify → certificate); `due.py`
says what is due, `plan.py` what a plan is and how its token comes about.
"""

from pipelines.retention.certificate import check as check_certificate
from pipelines.retention.plan import Item, Plan, describe, why
from pipelines.retention.purge import apply, plan, unverified
from pipelines.retention.verification import Outcome, Verification, verify

__all__ = [
    "Item",
    "Outcome",
    "Plan",
    "Verification",
    "apply",
    "check_certificate",
    "describe",
    "plan",
    "unverified",
    "verify",
    "why",
]
