"""One installation: its places, its charter, its vault, keys and ledger, opened together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.charter import Charter, load
from pipelines.errors import ConfigurationError
from pipelines.files import make_private_folder
from pipelines.ledger import Ledger
from pipelines.places import Places
from pipelines.vault import Keyring, Vault, create_master_key, load_master_key, next_master_key_file


@dataclass(frozen=True)
class Installation:
    """What a journey works with; it is opened at the entry points and handed down."""

    places: Places
    charter: Charter
    keyring: Keyring
    vault: Vault
    ledger: Ledger

    @classmethod
    def open(cls, environ: Mapping[str, str]) -> Installation:
        """Open the installation that `environ` names; fails closed without charter or master key."""
        places = Places.from_environment(environ)
        charter = load(places.charter_file)
        after = next_master_key_file(places.keys)
        keyring = Keyring(
            places.keys,
            load_master_key(environ, places.keys),
            load_master_key({"CHARTER_MASTER_KEY_FILE": str(after)}, places.keys) if after else None,
        )
        return cls(
            places=places,
            charter=charter,
            keyring=keyring,
            vault=Vault(places.vault, keyring, places.backup, least_memory_mb=_memory_mb(environ)),
            ledger=Ledger(places.ledger, places.keys / "ledger.head", lambda: keyring.ensure("ledger")),
        )

    @classmethod
    def create(cls, environ: Mapping[str, str]) -> Installation:
        """Make the folders (mode 0700) and, where none is provided, a master key (mode 0600)."""
        places = Places.from_environment(environ)
        for folder in (
            places.landing_traffic,
            places.landing_contacts,
            places.vault,
            places.keys,
            places.releases,
            places.ledger,
            places.reports,
        ):
            make_private_folder(folder)
        if not (environ.get("CHARTER_MASTER_KEY") or environ.get("CHARTER_MASTER_KEY_FILE")):
            create_master_key(places.keys)
        created = cls.open(environ)
        created.vault.recognise()
        return created


def _memory_mb(environ: Mapping[str, str]) -> int:
    """Return how much memory DuckDB may take at least, whatever a step asks for; 0 where nobody says."""
    text = environ.get("CHARTER_MEMORY_MB") or "0"
    if not (text.isascii() and text.isdecimal()):
        raise ConfigurationError("CHARTER_MEMORY_MB is to be a whole number of megabytes, 1024 for example.")
    return int(text)
