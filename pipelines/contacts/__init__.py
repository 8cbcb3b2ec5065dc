"""Contact exports → people, contracts, messages, consents and cookie choices.

`ingest.py` is the story; `reading.py` and `records.py` take the bytes apart, `normalise.py` spells
identifiers one way, `resolve.py` finds one person over all sources, `clocks.py` says when data must go,
`tombstones.py` what keeps the erased from coming back.
"""

from pipelines.contacts.clocks import archived_people, expired_contracts, expired_people, expired_records
from pipelines.contacts.imports import Outcome
from pipelines.contacts.ingest import take_in
from pipelines.contacts.normalise import identifier
from pipelines.contacts.tombstones import fingerprint, record_value

__all__ = [
    "Outcome",
    "archived_people",
    "expired_contracts",
    "expired_people",
    "expired_records",
    "fingerprint",
    "identifier",
    "record_value",
    "take_in",
]
