"""What is known of the texts that hits refer to by number."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Texts:
    """One table each, in the order of their numbers; numbers of another `generation` mean other texts."""

    generation: int
    callers: pa.Table
    agents: pa.Table
    paths: pa.Table
    queries: pa.Table
    referrers: pa.Table
    methods: pa.Table
