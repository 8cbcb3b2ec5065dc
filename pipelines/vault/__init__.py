"""The only place where personal data lives, and the only writer of it.

`stores.py` says what a sealed store is and how it is shredded, `workshop.py` how it is read,
written and revised, `commits.py` how segments of several stores come into force together, `keyring.py`
where the keys are.
"""

from pipelines.vault.keyring import Keyring, create_master_key, load_master_key
from pipelines.vault.stores import KINDS, Vault
from pipelines.vault.workshop import Workshop

__all__ = ["KINDS", "Keyring", "Vault", "Workshop", "create_master_key", "load_master_key"]
