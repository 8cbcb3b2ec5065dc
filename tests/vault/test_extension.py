"""The extension that seals: signed by DuckDB, and checked again whenever its file is another one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pipelines.places import SOURCE_ROOT

_PROGRAM = """
import os, sys
from pathlib import Path
import duckdb
from pipelines.vault import Keyring, Vault, create_master_key, load_master_key

place = Path(sys.argv[1])
create_master_key(place / "keys")
vault = Vault(place / "vault", Keyring(place / "keys", load_master_key({}, place / "keys")))
for _opening in range(2):
    with vault.workshop() as workshop:
        unsigned = workshop.connection.execute("SELECT current_setting('allow_unsigned_extensions')").fetchone()
        print(unsigned[0])
(extension,) = Path.home().rglob("httpfs.duckdb_extension")
altered = bytearray(extension.read_bytes())
altered[len(altered) // 2] ^= 1
beside = extension.with_name("beside")
beside.write_bytes(altered)
os.utime(beside, ns=(extension.stat().st_atime_ns, extension.stat().st_mtime_ns))
beside.replace(extension)
try:
    with vault.workshop():
        print("opened")
except duckdb.Error as error:
    print("signature" in str(error))
"""


def test_an_extension_that_was_altered_is_refused_though_it_was_loaded_before(tmp_path: Path) -> None:
    """Of the same size and time even; while it is the same file its signature is checked once."""
    home = tmp_path / "home"
    home.mkdir()
    said = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(tmp_path)], env=os.environ | {"HOME": str(home)},
        cwd=SOURCE_ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert said.split() == ["False", "True", "True"]
