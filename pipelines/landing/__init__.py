"""Landing files, for logs and contact exports alike: what each is known by, and its bytes, safely read.

`delivery.py` says what lies there, `content.py` reads it, `unpacking.py` unpacks it.
"""

from pipelines.landing.content import Stamp
from pipelines.landing.delivery import (
    Delivery,
    deliveries,
    discard,
    listed,
    look,
    pieces,
    shown_name,
    whole,
)

__all__ = ["Delivery", "Stamp", "deliveries", "discard", "listed", "look", "pieces", "shown_name", "whole"]
