"""SIGKILL at every step that an operation makes on the disk: replayed in forks, each in a copy of one installation."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from pipelines.places import SOURCE_ROOT

_KILLER = """
import os, shutil, signal, sys
from datetime import UTC, date, datetime
from pathlib import Path

root, each, operation = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
DAY, AT = date(2026, 11, 22), datetime(2026, 11, 22, 1, tzinfo=UTC)
from pipelines import backups, retention
from pipelines.installation import Installation
from pipelines.vault import rotate_master_key, rotate_stores

def opened(place):
    return Installation.open({"CHARTER_HOME": str(place), "CHARTER_BACKUP": str(place / "backup")})

def deadly(name, left):
    genuine = getattr(os, name)
    def act(*arguments, **more):
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        return genuine(*arguments, **more)
    setattr(os, name, act)

def carry_out(place):
    installation = opened(place)
    if operation == "purge":
        plan = retention.plan(installation, day=DAY)
        retention.apply(installation, plan, token=plan.token, at=AT, by_human=True)
        retention.verify(installation, day=DAY, at=AT)
    elif operation == "rotate_stores":
        list(rotate_stores(installation.vault))
    elif operation == "rotate_master":
        rotate_master_key(installation.places.keys)
    elif operation == "backup":
        backups.make(installation, place / "backup", day=DAY, at=AT)
    elif operation == "restore":
        backups.restore(installation, place / "backup", day=DAY, at=AT)

step = 0
while True:
    place = root / f"step-{step}"
    shutil.copytree(root / "before", place)
    child = os.fork()
    if not child:
        left = [step]
        for name in ("replace", "rename", "fsync", "mkdir", "unlink", "rmdir"):
            deadly(name, left)
        carry_out(place)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    print(step, "done" if status == 0 else "killed" if os.WIFSIGNALED(status) else "failed", flush=True)
    if not os.WIFSIGNALED(status):
        break
    step += each
"""


def killed_at_every_step(root: Path, operation: str, each: int) -> list[Path]:
    """Carry out `operation` on copies of `root`/before, killed at every `each`th step; return the copies left behind.

    The last one is of the operation that nobody disturbed.
    """
    done = subprocess.run(
        [sys.executable, "-c", _KILLER, str(root), str(each), operation],
        cwd=SOURCE_ROOT, stdout=subprocess.PIPE, check=True, text=True,
    )  # fmt: skip
    *killed, last = done.stdout.splitlines()
    assert last.endswith("done"), done.stdout
    assert all(line.endswith("killed") for line in killed)
    return [root / f"step-{line.split()[0]}" for line in (*killed, last)]
