"""Which days are taken in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Window:
    """Which local days of `zone` are accepted: up to `latest`; those before `oldest` are expired.

    Whole days, so that a rerun at another hour judges each line of a day that was sealed alike.
    """

    zone: str
    latest: date
    oldest: date
