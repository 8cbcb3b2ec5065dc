"""One spelling for each identifier, so that whoever looks a person up finds every row of theirs."""

from __future__ import annotations

import re
import unicodedata

import phonenumbers
from email_validator import EmailNotValidError, validate_email

KINDS = ("email", "phone", "record")
_INVISIBLE = "Cf"  # zero-width and direction marks, pasted along from web pages and address books
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def identifier(kind: str, text: str, country: str | None = None) -> str | None:
    """Return the one spelling of an e-mail, phone or record reference; None where `text` is none.

    `country` (ISO 3166-1 alpha-2) tells how to read a phone number written without "+".
    """
    if kind == "email":
        return email(text)
    if kind == "phone":
        return phone(text, country)
    return reference(text) if kind == "record" else None


def email(text: str) -> str | None:
    """Return the e-mail in lower case and NFC, its domain as registered (IDNA); None where it is none."""
    try:
        found = validate_email(_lower(_visible(text)), check_deliverability=False)
    except EmailNotValidError:
        return None
    return f"{_lower(found.local_part)}@{found.ascii_domain}" if found.ascii_domain else None


def phone(text: str, country: str | None = None) -> str | None:
    """Return the number as E.164, without its extension; None where it cannot be one."""
    number = _parsed(text, country)
    if number is None or not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def has_extension(text: str, country: str | None = None) -> bool:
    """Return whether `text` names a desk behind a shared number, which identifies nobody by itself."""
    number = _parsed(text, country)
    return bool(number is not None and number.extension)


def name(text: str) -> str | None:
    """Return the name in NFC with single spaces; None where nothing is left."""
    return " ".join(_CONTROL.sub(" ", unicodedata.normalize("NFC", text)).split()) or None


def reference(text: str) -> str | None:
    """Return a source's own reference in NFC, trimmed; case is kept, for `a1` may be another than `A1`."""
    kept = unicodedata.normalize("NFC", text).strip()
    return None if not kept or _CONTROL.search(kept) else kept


def _parsed(text: str, country: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(_visible(text), country.strip().upper() if country else None)
    except phonenumbers.NumberParseException:
        return None


def _visible(text: str) -> str:
    composed = unicodedata.normalize("NFC", text)
    if composed.isascii():
        return composed.strip()
    return "".join(c for c in composed if unicodedata.category(c) != _INVISIBLE).strip()


def _lower(text: str) -> str:
    """Lower case in which `İ` is an i, not an i with a dot set over it (U+0307) that matches nothing."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", text.replace("İ", "i").lower().replace("i̇", "i"))
