"""The files of an answer: JSON for machines, CSV for spreadsheets, HTML for the person.

The words in them are the charter's and the catalog's; the cells are the person's own.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipelines import catalog
from pipelines.charter import Charter, Purpose, Retention
from pipelines.rights.clocks import kept_until
from pipelines.rights.register import Request
from pipelines.rights.search import OUTCOMES, Found, Row

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_TITLES: Mapping[str, str] = {
    "hits": "Pages you requested",
    "people": "You",
    "identifiers": "Your addresses and numbers",
    "contracts": "Your contracts",
    "messages": "Your messages",
    "consents": "Your consents and objections",
    "cookies": "Your cookie choices",
    "requests": "This request",
    "request_addresses": "Network addresses that you named",
}


@dataclass(frozen=True)
class Section:
    """What the answer says of one table."""

    table: catalog.Table
    title: str
    purpose: Purpose
    rule: Retention
    kept_until: date | None
    rows: list[Row]


def files_of(charter: Charter, request: Request, found: Found, on: date) -> dict[str, bytes]:
    """Return file name → content of the answer; the names are fixed words."""
    sections = [_section(charter, name, rows, found) for name, rows in found.tables.items() if rows]
    return {
        "answer.html": _html("answer.html", charter, request, on, sections=sections, found=found),
        "data.json": _json(charter, request, found, sections, on),
        **{f"{section.table.name}.csv": csv_of(section.table, section.rows) for section in sections},
    }


def refusal_of(charter: Charter, request: Request, ground: str, on: date) -> dict[str, bytes]:
    """Return the files of an answer that says no: why, and what the person can do."""
    return {"answer.html": _html("refusal.html", charter, request, on, ground=ground)}


def csv_of(table: catalog.Table, rows: list[Row]) -> bytes:
    """Return `rows` as CSV (RFC 4180) that no spreadsheet takes for formulas."""
    text = io.StringIO()
    names = [column.name for column in table.exported()]
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(names)
    writer.writerows([_cell(row[name]) for name in names] for row in rows)
    return text.getvalue().encode("utf-8-sig")  # the mark tells spreadsheets that accents are UTF-8


def _cell(value: Any) -> str:
    text = _text(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def _text(value: Any) -> str:
    """Return a cell as people read it; instants are UTC."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value.isoformat() if isinstance(value, date) else str(value)


def _section(charter: Charter, name: str, rows: list[Row], found: Found) -> Section:
    table = catalog.table(name)
    return Section(
        table=table,
        title=_TITLES.get(name, table.one_row.capitalize()),
        purpose=charter.purposes[table.purpose],
        rule=charter.retention[table.retention],
        kept_until=kept_until(charter, table, found),
        rows=rows,
    )


def _html(template: str, charter: Charter, request: Request, on: date, **more: object) -> bytes:
    page = _TEMPLATES.get_template(template).render(
        charter=charter,
        request=request,
        right=charter.rights[request.requested_right],
        on=on,
        is_inside_eu=all(recipient.country_in_eu for recipient in charter.recipients.values()),
        outcomes=OUTCOMES,
        text=_text,
        **more,
    )
    return page.encode()


def _json(charter: Charter, request: Request, found: Found, sections: list[Section], on: date) -> bytes:
    content = {
        "request": request.request_id,
        "prepared_on": on.isoformat(),
        "controller": charter.controller.name,
        "charter_version": charter.version,
        "tables": {section.table.name: _json_section(section) for section in sections},
        "traffic_searched": [
            {"address": seen.address, "seen_at": seen.seen_at.isoformat(), "outcome": OUTCOMES[seen.outcome]}
            for seen in found.sightings
        ],
        "possible_matches_not_disclosed": found.possible,
    }
    return json.dumps(content, ensure_ascii=False, indent=2, default=_json_value).encode()


def _json_section(section: Section) -> dict[str, Any]:
    return {
        "one_row_means": section.table.one_row,
        "purpose": section.purpose.name,
        "lawful_basis": f"{section.purpose.lawful_basis} ({section.purpose.article})",
        "kept": f"{section.rule.period} from {section.rule.starts}",
        "kept_until": section.kept_until.isoformat() if section.kept_until else None,
        "columns": {
            column.name: {"meaning": column.meaning, "type": column.type, "unit": column.unit}
            for column in section.table.exported()
        },
        "rows": section.rows,
    }


def _json_value(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
