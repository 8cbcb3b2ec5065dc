"""How long one visitor takes to be found in 52 million stored hits: 13 sealed days of 4 million each."""

from __future__ import annotations

import time
from datetime import date, timedelta
from pathlib import Path

from pipelines import catalog
from pipelines.installation import Installation

_DAYS, _HITS_A_DAY, _ADDRESSES, _FIRST = 13, 4_000_000, 200_000, date(2026, 11, 1)
# As intake seals them: those of one address together, in the order of time.
_HITS = """
SELECT
    md5('load')::UUID AS load_id, i AS line,
    TIMESTAMP '{day}' + to_milliseconds((i * 86400000) // {hits}) AS hit_at,
    md5('visitor' || hash(i) % {addresses})::UUID AS visitor,
    md5('address' || hash(i) % {addresses})::UUID AS address,
    'GET' AS method, '/page-' || hash(i + 1) % 5000 AS path, 200::SMALLINT AS status,
    hash(i) % 100000 AS sent_bytes,
    NULL AS referrer_domain, NULL AS campaign_source, NULL AS campaign_medium, NULL AS campaign_name,
    'Chrome' AS browser, '131' AS browser_version, 'Windows' AS system, 'desktop' AS device, false AS is_bot,
    NULL AS country, false AS is_objecting
FROM range(1, {hits} + 1) AS t(i) ORDER BY address, hit_at
"""


def measure(folder: Path) -> None:
    """Build the stores in `folder`, then print what each way of looking takes, from opening the vault on."""
    installation = Installation.create({"CHARTER_HOME": str(folder)})
    days = [_FIRST + timedelta(days=number) for number in range(_DAYS)]
    columns = ", ".join(catalog.table("hits").column_names)
    for day in days:
        rows = _HITS.format(day=day, hits=_HITS_A_DAY, addresses=_ADDRESSES)
        with installation.vault.workshop(memory_mb=2048) as workshop:
            workshop.seal(f"traffic/{day}", "a", {"hits": f"SELECT {columns} FROM ({rows})"})
    for name, condition in (
        ("address (what a person gives)", "address = md5('address7')::UUID"),
        ("address and visitor", "address = md5('address7')::UUID AND visitor = md5('visitor7')::UUID"),
        ("visitor alone", "visitor = md5('visitor7')::UUID"),
    ):
        started = time.perf_counter()
        with installation.vault.workshop() as workshop:
            workshop.open(*installation.vault.stores("traffic"))
            opened = time.perf_counter()
            found = workshop.connection.execute(f"SELECT * FROM hits WHERE {condition}").fetchall()
        assert len(found) > _DAYS, "nothing was found"
        done = time.perf_counter()
        print(
            f"{name:<30} {len(found):>6} hits of {_DAYS * _HITS_A_DAY:,}: {done - started:.2f} s, "
            f"of which opening {opened - started:.2f} s"
        )
