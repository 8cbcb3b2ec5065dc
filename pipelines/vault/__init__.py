"""The only place where personal data lives, and the only writer of it.

`stores.py` says what a sealed store is and how it is shredded, `workshop.py` how it is read,
written and revised, `commits.py` how segments of several stores come into force together, `keyring.py`
where the keys are, `rotation.py` how they are exchanged, `mirror.py` how the files are copied for a backup.
"""

from pipelines.vault.keyring import (
    Keyring,
    create_master_key,
    is_key_file,
    load_master_key,
    next_master_key_file,
)
from pipelines.vault.mirror import Copied, Mirror, copy_file, digest_of
from pipelines.vault.rotation import exchange_master_key, rotate_master_key, rotate_stores
from pipelines.vault.stores import KINDS, Vault
from pipelines.vault.workshop import Workshop

__all__ = [
    "KINDS",
    "Copied",
    "Keyring",
    "Mirror",
    "Vault",
    "Workshop",
    "copy_file",
    "create_master_key",
    "digest_of",
    "exchange_master_key",
    "is_key_file",
    "load_master_key",
    "next_master_key_file",
    "rotate_master_key",
    "rotate_stores",
]
