"""Where things are: every folder of an installation, from the environment or the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

SOURCE_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Places:
    """The folders of one installation, all absolute.

    `CHARTER_HOME` moves them together; `CHARTER_LANDING`, `CHARTER_VAULT`, `CHARTER_KEYS`,
    `CHARTER_RELEASES`, `CHARTER_LEDGER` and `CHARTER_REPORTS` move one each (a volume of its own),
    `CHARTER_FILE` names the policy file, `CHARTER_COUNTRIES` the MaxMind DB file of countries, which may be
    missing, `CHARTER_BACKUP` a folder on another disk for a copy of the sealed stores, if any. Airflow's own
    folders, which a purge is looked for in, are those that Airflow is told, or the one of `make airflow`.
    """

    charter_file: Path
    landing: Path
    vault: Path
    keys: Path
    releases: Path
    ledger: Path
    reports: Path
    countries: Path
    backup: Path | None = None
    airflow: tuple[Path, ...] = ()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Places:
        """Return the places that `environ` names; `CHARTER_HOME` defaults to the source checkout."""
        home = Path(environ.get("CHARTER_HOME") or SOURCE_ROOT).resolve()
        own_policy = home / "charter.toml"
        policy = own_policy if own_policy.exists() else SOURCE_ROOT / "charter.toml"

        def place(name: str) -> Path:
            return Path(environ.get(f"CHARTER_{name.upper()}") or home / "data" / name).resolve()

        return cls(
            charter_file=Path(environ.get("CHARTER_FILE") or policy).resolve(),
            landing=place("landing"),
            vault=place("vault"),
            keys=place("keys"),
            releases=place("releases"),
            ledger=place("ledger"),
            reports=place("reports"),
            countries=Path(environ.get("CHARTER_COUNTRIES") or home / "data" / "countries.mmdb").resolve(),
            backup=Path(environ["CHARTER_BACKUP"]).resolve() if environ.get("CHARTER_BACKUP") else None,
            airflow=_airflow(environ, home),
        )

    @property
    def expectations(self) -> Path:
        """The Great Expectations suites, one JSON file per table; they belong to the code."""
        return SOURCE_ROOT / "expectations"

    def verdicts(self, day: date) -> Path:
        """The verdicts of data quality of the run of `day`, counts only, from which its report is written."""
        return self.reports / day.isoformat()

    def quality_report(self, day: date) -> Path:
        """The readable report of data quality of the run of `day`."""
        return self.reports / f"quality-{day.isoformat()}.html"

    @property
    def risks(self) -> Path:
        """What the adversary of the release gate tried on each release, and the reports on it for the DPO."""
        return self.reports / "releases"

    @property
    def landing_traffic(self) -> Path:
        """Raw web-server logs; a sub-folder is a source (a web server) of its own."""
        return self.landing / "traffic"

    @property
    def landing_contacts(self) -> Path:
        """Contact exports, CSV or JSON Lines, named for what they hold (`people-….csv`)."""
        return self.landing / "contacts"


def _airflow(environ: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """Return Airflow's folder and, where they are kept apart, that of its task logs."""
    own = Path(environ.get("AIRFLOW_HOME") or home / "data" / "airflow").resolve()
    logs = Path(environ.get("AIRFLOW__LOGGING__BASE_LOG_FOLDER") or own).resolve()
    return (own,) if logs.is_relative_to(own) else (own, logs)
