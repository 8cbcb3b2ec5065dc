"""Web-server logs → hits: from a landing file to sealed days, and not one raw address kept.

`ingest.py` tells the story. A line is cut in `lines.py` and parsed in `parse.py`; an address is hashed
in `pseudonym.py`; a path is scrubbed in `scrub.py`; days are sealed in `sealing.py`.
"""

from pipelines.traffic.accounting import Outcome
from pipelines.traffic.ingest import take_in
from pipelines.traffic.landing import Delivery, batches, deliveries
from pipelines.traffic.pseudonym import address_pseudonym

__all__ = ["Delivery", "Outcome", "address_pseudonym", "batches", "deliveries", "take_in"]
