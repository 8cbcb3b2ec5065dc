"""Every error a user can meet, one class per cause.

    CharterError                 1   something stopped the work
    ├── UsageError               2   the command was called wrongly
    ├── CharterFileError         3   charter.toml has a gap, an unknown key, or a value that cannot be
    ├── CatalogError             4   a table or column that the catalog does not declare
    ├── KeyringError             5   a key is missing, damaged, or wrapped by another master key
    ├── VaultError               6   a sealed store cannot be written, opened, or is in use
    ├── LedgerError              7   the evidence is damaged, or cannot be written
    ├── LandingError             8   a landing file cannot be taken in
    ├── QualityError             9   a critical data quality rule failed
    ├── DisclosureError         10   a release would disclose something about a person
    ├── RetentionError          11   a purge plan is stale, out of bounds, or could not be verified
    ├── RightsError             12   a request of a person cannot be carried out
    └── ConfigurationError      13   this installation lacks something, and the message says what

A message names ids, counts, reasons and the cure. It never holds a value taken from data.
"""

from __future__ import annotations


class CharterError(Exception):
    """Something stopped the work; the message says what and the cure."""

    exit_code = 1


class UsageError(CharterError):
    """The command was called wrongly."""

    exit_code = 2


class CharterFileError(CharterError):
    """charter.toml has a gap, an unknown key, or a value that cannot be; the message names the line."""

    exit_code = 3


class CatalogError(CharterError):
    """A live table or column differs from what the catalog declares."""

    exit_code = 4


class KeyringError(CharterError):
    """A key is missing, damaged, shredded, or wrapped by another master key."""

    exit_code = 5


class VaultError(CharterError):
    """A sealed store cannot be written, cannot be opened, or is in use by another process."""

    exit_code = 6


class LedgerError(CharterError):
    """The ledger is damaged, or cannot be written."""

    exit_code = 7


class LandingError(CharterError):
    """A landing file cannot be taken in; it stays where it is and nothing of it is lost."""

    exit_code = 8


class QualityError(CharterError):
    """A critical data quality rule failed; nothing of the table was stored or published."""

    exit_code = 9


class DisclosureError(CharterError):
    """A release would disclose something about a person; the release before it stays in force."""

    exit_code = 10


class RetentionError(CharterError):
    """A purge plan is stale, outside the charter's bounds, or could not be verified."""

    exit_code = 11


class RightsError(CharterError):
    """A request of a person is unknown, or cannot be carried out as asked."""

    exit_code = 12


class ConfigurationError(CharterError):
    """This installation lacks something; the message says what and how to provide it."""

    exit_code = 13
