"""Retention: what is kept no longer than the charter says, and the proof of it.

The story is `purge.py` (plan → apply), its proof `verification.py` (verify → certificate); `due.py`
and `subjects.py` say what is due, `holds.py` what is kept all the same, `archive.py` who leaves the
active base, `plan.py` what a plan is and how its token comes about.
"""

from pipelines.retention.archive import archive
from pipelines.retention.audit import Finding, audit
from pipelines.retention.certificate import check as check_certificate
from pipelines.retention.certificate import check_file as check_certificate_file
from pipelines.retention.certificate import read as read_certificate
from pipelines.retention.certificate_page import as_html, as_pdf
from pipelines.retention.holds import GROUNDS, Hold, hold_days, hold_person, hold_request, holds, lift
from pipelines.retention.plan import Held, Item, Plan, describe, why
from pipelines.retention.purge import apply, plan, unverified
from pipelines.retention.verification import Outcome, Verification, verify

__all__ = [
    "GROUNDS",
    "Finding",
    "Held",
    "Hold",
    "Item",
    "Outcome",
    "Plan",
    "Verification",
    "apply",
    "archive",
    "as_html",
    "as_pdf",
    "audit",
    "check_certificate",
    "check_certificate_file",
    "describe",
    "hold_days",
    "hold_person",
    "hold_request",
    "holds",
    "lift",
    "plan",
    "read_certificate",
    "unverified",
    "verify",
    "why",
]
