"""Until when what was found is kept: concrete days, where the clock already runs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

from pipelines import catalog
from pipelines.charter import Charter
from pipelines.rights.search import Found


def kept_until(charter: Charter, table: catalog.Table, found: Found) -> date | None:
    """Return the last day on which some row of `table` is kept; None where its clock has not started."""
    if table.store == "traffic":
        return _last(charter, table.retention, (row["hit_at"] for row in found.tables["hits"]))
    if table.name == "cookies":
        return _last_cookie(charter, found)
    return _end_of_person(charter, found) if table.store == "contacts" else None


def _end_of_person(charter: Charter, found: Found) -> date | None:
    """Return the day with which a person leaves: after the last contract, or after the last contact."""
    contacts = [_local_day(charter, row["last_contact_at"]) for row in found.tables["people"]]
    prospects = charter.retention["prospects"].period
    ends = [row["ended_on"] for row in found.tables["contracts"]]
    if not ends:
        return max((prospects.after(day) for day in contacts), default=None)
    if None in ends:
        return None  # a running contract starts nothing
    written_since = [prospects.after(day) for day in contacts if day > max(ends)]
    return max([charter.retention["customers"].period.after(max(ends)), *written_since])


def _last_cookie(charter: Charter, found: Found) -> date | None:
    days = (
        charter.retention[f"cookies_{row['cookie_type']}"].period.after(
            _local_day(charter, row["recorded_at"])
        )
        for row in found.tables["cookies"]
    )
    return max(days, default=None)


def _last(charter: Charter, category: str, instants: Iterable[datetime]) -> date | None:
    period = charter.retention[category].period
    return max((period.after(_local_day(charter, instant)) for instant in instants), default=None)


def _local_day(charter: Charter, instant: datetime) -> date:
    """Return the local day of a TIMESTAMP of the vault, which is UTC."""
    return instant.replace(tzinfo=UTC).astimezone(charter.zone).date()
