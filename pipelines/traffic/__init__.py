"""Web-server logs → hits: from a landing file to sealed days, and not one raw address kept.

`ingest.py` tells the story. A line is cut in `lines.py` and read in `regular.py` or by its format
(`formats/`); an address is hashed in `pseudonym.py`; a path is scrubbed in `scrub.py`; days are sealed in
`sealing.py`. `replay.py` reads again what was refused, `loads.py` tells what was taken in.
"""

from pipelines.traffic.accounting import Outcome
from pipelines.traffic.ingest import take_in
from pipelines.traffic.landing import Delivery, batches, deliveries, discard
from pipelines.traffic.loads import count_rejects, days_of_loads, find_rejects, loads
from pipelines.traffic.pseudonym import address_pseudonym
from pipelines.traffic.replay import finish_replay, replay
from pipelines.traffic.sites import check_formats
from pipelines.traffic.trial import formats_known, try_file
from pipelines.traffic.untold import received

__all__ = [
    "Delivery",
    "Outcome",
    "address_pseudonym",
    "batches",
    "check_formats",
    "count_rejects",
    "days_of_loads",
    "deliveries",
    "discard",
    "find_rejects",
    "finish_replay",
    "formats_known",
    "loads",
    "received",
    "replay",
    "take_in",
    "try_file",
]
