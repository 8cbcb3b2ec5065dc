"""What remains of the erased: keyed fingerprints that keep an old export from bringing them back."""

from __future__ import annotations

import hmac
from typing import Protocol

KINDS = ("email", "phone", "record", "contracts", "messages", "consents", "cookies")


class Deriving(Protocol):
    """The one thing needed of the keyring."""

    def derive(self, name: str, info: str) -> bytes:
        """Return a key for one use."""
        ...


def fingerprint(keyring: Deriving, kind: str, value: str) -> bytes:
    """Return the fingerprint under which `tombstones` knows an identifier or a record.

    `kind` is email or phone (`value` normalised), record (a person's), or the table of a contract,
    message, consent or cookie choice; for these `value` is `record_value(source, reference)`.
    """
    return fingerprint_under(keyring.derive("contacts", "tombstone"), kind, value)


def fingerprint_under(key: bytes, kind: str, value: str) -> bytes:
    """Return the same with the derived key at hand, for many at a time."""
    return hmac.digest(key, f"{kind}\x1f{value}".encode(), "sha256")


def record_value(source: str, reference: str) -> str:
    """Return the value that stands for a record: neither part can hold the separator."""
    return f"{source}\x1f{reference}"
