"""Every Sunday: check everything, rehearse a restore, then let Airflow forget what it need not keep.

Airflow's own database and task logs hold counts, opaque ids and the names of its users. They are
kept as long as a prepared answer is (`exports` in charter.toml); the evidence is the ledger.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk import chain, dag

from house import DEFAULTS, LOCAL, Story, day_of_run, now, step
from pipelines.errors import LedgerError, RetentionError

if TYPE_CHECKING:
    from pipelines import backups, installation, periods, retention
else:
    backups, retention = Story("pipelines.backups"), Story("pipelines.retention")
    installation, periods = Story("pipelines.installation"), Story("pipelines.periods")


@step()
def verify_ledger() -> int:
    found = installation.Installation.open(os.environ).ledger.verify()
    if not found.is_intact:
        raise LedgerError(f"the ledger is damaged at line {found.line}: run `charter ledger verify`.")
    return found.entries


@step()
def verify_all() -> int:
    findings = retention.audit(installation.Installation.open(os.environ), day=day_of_run())
    ill = [f"{finding.name}: {finding.said}" for finding in findings if finding.state != "well"]
    if ill:
        raise RetentionError(f"not everything is well ({'; '.join(ill)}): run `charter verify`.")
    return len(findings)


@step()
def drill() -> dict[str, int]:
    opened = installation.Installation.open(os.environ)
    if opened.places.backup is None:
        return {}
    found = backups.drill(opened, opened.places.backup, day=day_of_run(), at=now())
    return {"stores": found.stores, "rows": found.rows, "purged": found.purged}


@step()
def oldest_kept() -> str:
    exports = installation.Installation.open(os.environ).charter.retention["exports"].period
    first = periods.oldest_kept(exports, day_of_run())
    return datetime.combine(first, time.min, tzinfo=LOCAL).isoformat()


@step()
def forget_runs(before: str) -> None:
    # Airflow hands a task an environment without its database; without that the command reads its own
    # configuration. What it deletes must not live on in an archive table (--skip-archive).
    environ = {name: value for name, value in os.environ.items() if not name.endswith("__SQL_ALCHEMY_CONN")}
    command = ["airflow", "db", "clean", "--yes", "--skip-archive", "--error-on-cleanup-failure"]
    command += ["--clean-before-timestamp", before]
    subprocess.run([sys.executable, "-m", *command], env=environ, check=True, capture_output=True)


@step()
def forget_logs(before: str) -> int:
    from airflow.sdk.configuration import conf

    oldest = datetime.fromisoformat(before).timestamp()
    files = [path for path in Path(conf.get("logging", "base_log_folder")).rglob("*") if path.is_file()]
    old = [path for path in files if path.stat().st_mtime < oldest]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


@dag(
    schedule="0 4 * * 0",
    start_date=datetime(2026, 1, 1, tzinfo=LOCAL),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    default_args=DEFAULTS,
    doc_md=__doc__,
    tags=["charter"],
)
def maintenance() -> None:
    """Keep the house: evidence checked, exhaust cleared."""
    before = oldest_kept()
    chain(verify_ledger(), [verify_all(), drill()])
    chain(before, [forget_runs(before), forget_logs(before)])  # whatever was found above


maintenance()
