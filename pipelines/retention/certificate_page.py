"""The certificate of destruction for people: one page of HTML, or of PDF, made from the signed statement."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fpdf import FPDF

Fact = tuple[str, str]
_COLUMNS = ("Category", "Store", "Rows", "From", "To")
_HEADS = "".join(f"<th>{name}</th>" for name in _COLUMNS)
_CHECK = (
    "The machine-readable certificate of the same name is what is signed. `charter certificate verify` "
    "checks the signature, and that the certificate is the one that the ledger knows."
)
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:50em;margin:2em auto;padding:0 1em;color:#111}"
    "h1{font-size:1.5em}h2{font-size:1.15em;margin-top:1.6em}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;vertical-align:top;padding:.35em .6em;border-bottom:1px solid #ccc}"
    "td.count{text-align:right}code{word-break:break-all}"
)


def as_html(signed: Mapping[str, Any]) -> str:
    """Return the certificate as one self-contained page."""
    statement = signed["statement"]
    facts = "".join(f"<tr><th>{_e(name)}</th><td>{_e(said)}</td></tr>" for name, said in _facts(statement))
    rules = "".join(f"<tr><th>{_e(name)}</th><td>{_e(said)}</td></tr>" for name, said in _rules(statement))
    rows = "".join(
        "<tr>" + "".join(f"<td>{_e(cell)}</td>" for cell in row) + "</tr>" for row in _destroyed(statement)
    )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{_e(_title(statement))}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{_e(_title(statement))}</h1><p>{_e(_sentence(statement))}</p>"
        f"<table>{facts}</table><h2>Why</h2><table>{rules}</table><h2>What was destroyed</h2>"
        f"<table><thead><tr>{_HEADS}</tr></thead>"
        f"<tbody>{rows}</tbody></table><h2>Signature</h2><p>{_e(_CHECK)}</p>"
        f"<p>Ed25519 <code>{_e(signed['ed25519'])}</code><br>"
        f"public key <code>{_e(signed['public_key'])}</code></p>"
        "</body></html>\n"
    )


def as_pdf(signed: Mapping[str, Any]) -> bytes:
    """Return the certificate as a PDF. Letters that its fonts do not have are shown as question marks."""
    from fpdf import FPDF

    statement = signed["statement"]
    page = FPDF(format="A4")
    page.set_creation_date(datetime.fromisoformat(statement["issued_at"]).astimezone(UTC))
    page.set_title(_plain(_title(statement)))
    page.set_lang("en")
    page.add_page()
    _heading(page, _title(statement), 16)
    _paragraph(page, _sentence(statement))
    for heading, facts in (("", _facts(statement)), ("Why", _rules(statement))):
        if heading:
            _heading(page, heading, 12)
        for name, said in facts:
            _paragraph(page, f"**{_unmarked(name)}:** {_unmarked(said)}", markdown=True)
    _heading(page, "What was destroyed", 12)
    page.set_font("Helvetica", size=8)
    with page.table(col_widths=(22, 28, 30, 10, 10), line_height=5) as table:
        for row in (_COLUMNS, *_destroyed(statement)):
            table.row([_plain(cell) for cell in row])
    _heading(page, "Signature", 12)
    _paragraph(page, _CHECK)
    _paragraph(page, f"Ed25519 {signed['ed25519']}")
    _paragraph(page, f"public key {signed['public_key']}")
    return bytes(page.output())


def _title(statement: Mapping[str, Any]) -> str:
    return f"Certificate of destruction {statement['certificate']}"


def _sentence(statement: Mapping[str, Any]) -> str:
    items = statement["verification"]["items_gone"]
    return (
        f"{statement['controller']} states that the personal data listed below was destroyed at the end of "
        f"its retention period, and that all {items} items were looked for again and not found."
    )


def _facts(statement: Mapping[str, Any]) -> Iterator[Fact]:
    verification = statement["verification"]
    yield "Controller", statement["controller"]
    yield "Charter", f"version {statement['charter_version']}"
    yield "Destroyed on", statement["purged_on"]
    yield "Method", statement["method"]
    answers = (
        f"{verification['items_gone']} gone, {verification['still_present']} still present, "
        f"{verification['could_not_check']} could not be checked"
    )
    yield "Verified at", f"{verification['at']}: {answers} (ledger line {verification['ledger_line']})"
    yield "Searched for readable copies", ", ".join(verification["searched"])
    if verification["not_searched"]:
        not_searched = f"{', '.join(verification['not_searched'])}: in no folder that this installation knows"
        yield "Not searched", not_searched
    yield "Issued at", statement["issued_at"]
    yield "Confirmed as", statement["token"]


def _rules(statement: Mapping[str, Any]) -> Iterator[Fact]:
    yield from sorted(statement["categories"].items())


def _destroyed(statement: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, str]]:
    for item in statement["destroyed"]:
        rows = item["rows"]
        counts = rows if isinstance(rows, str) else _counts(rows)
        yield item["category"], item["store"], counts or "a key", item["oldest"] or "", item["newest"] or ""


def _counts(rows: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {table}" for table, count in rows.items())


def _heading(page: FPDF, text: str, size: int) -> None:
    page.ln(3)
    page.set_font("Helvetica", style="B", size=size)
    page.multi_cell(0, size / 2, _plain(text), new_x="LMARGIN", new_y="NEXT")


def _paragraph(page: FPDF, text: str, *, markdown: bool = False) -> None:
    page.set_font("Helvetica", size=9)
    page.multi_cell(0, 5, _plain(text), markdown=markdown, new_x="LMARGIN", new_y="NEXT")


def _plain(text: str) -> str:
    return text.encode("latin-1", "replace").decode("latin-1")


def _unmarked(text: str) -> str:
    """Return `text` without what the PDF would take for bold, italics or a line under it."""
    return text.replace("**", "* *").replace("__", "_ _").replace("--", "- -")


def _e(text: object) -> str:
    return html.escape(str(text))
