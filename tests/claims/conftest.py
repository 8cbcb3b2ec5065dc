"""Two nights in a row of a small site, run as a user runs them, with every call to the network noted."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pytest

from pipelines.installation import Installation
from pipelines.places import SOURCE_ROOT

FIRST_NIGHT, SECOND_NIGHT = date(2025, 3, 14), date(2025, 3, 15)
LOG_DAYS = {  # local day → visitors
    date(2024, 3, 13): 2,  # 12 months are over on the first night
    date(2024, 3, 14): 12,  # over on the second
    date(2024, 3, 15): 12,  # never over here
    date(2025, 3, 10): 14,
}
CONTRACT_ENDS = {"gone": "2020-03-14", "kept": "2020-03-15", "running": ""}  # last contract of each customer
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
EMAIL = "marie.durand@example.org"

# Notes what Python looks up or connects to, then runs the command as the console script does.
PROGRAM = """
import sys
notes = open(sys.argv.pop(1), "a")
def note(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        where = args[1] if event in ("socket.connect", "socket.sendto") else args[0]
        if not isinstance(where, (str, bytes)) or event.startswith("socket.get"):
            print(event, where, file=notes, flush=True)
sys.addaudithook(note)
from pipelines.cli import main
main()
"""


@dataclass(frozen=True)
class Nights:
    """What the two nights left: the installation, what they printed, and the calls to the network."""

    home: Path
    installation: Installation
    after_first: list[str]  # stores of traffic
    people_after_first: set[str]
    printed: str
    calls: str


def log_of(day: date, visitors: int) -> str:
    line = '203.0.113.{0} - - [{1:%d/%b/%Y}:12:{2:02d}:00 +0100] "GET {3} HTTP/1.1" 200 512 "-" "{4}"\n'
    lines = [line.format(n, day, n, "/artworks/", AGENT) for n in range(1, visitors + 1)]
    lines += [line.format(n, day, 30 + n, f"/seldom/seen?mail={EMAIL}", AGENT) for n in range(1, 4)]
    return "".join(lines)


def csv_of(rows: list[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_landing(landing: Path) -> None:
    for day, visitors in LOG_DAYS.items():
        (landing / "traffic" / f"{day}.log").write_text(log_of(day, visitors), encoding="utf-8")
    # Others beside them, or those who leave would be a larger share than a purge takes by itself.
    ends = CONTRACT_ENDS | {f"other{number}": "" for number in range(40)}
    people = [
        {
            "source": "crm", "person_ref": ref, "recorded_at": "2020-02-01T10:00:00+01:00",
            "name": "Marie Durand" if ref == "running" else f"Customer {ref}",
            "email": EMAIL if ref == "running" else f"{ref}@example.org", "email_verified": "true",
            "phone": "", "phone_verified": "false", "postal_address": "", "country": "FR",
        }
        for ref in ends
    ]  # fmt: skip
    contracts = [
        {
            "source": "crm", "contract_ref": f"c-{ref}", "person_ref": ref,
            "recorded_at": "2020-02-01T10:00:00+01:00", "started_on": "2019-01-01", "ended_on": ended_on,
        }
        for ref, ended_on in ends.items()
    ]  # fmt: skip
    (landing / "contacts" / "people.csv").write_text(csv_of(people), encoding="utf-8")
    (landing / "contacts" / "contracts.csv").write_text(csv_of(contracts), encoding="utf-8")
    for path in landing.rglob("*.*"):  # as files that nobody writes any more
        os.utime(path, (old := datetime(2025, 3, 11).astimezone().timestamp(), old))


def people_of(installation: Installation) -> set[str]:
    with installation.vault.workshop(memory_mb=128, threads=1) as workshop:
        workshop.open("contacts", archive=True)
        rows = workshop.connection.execute("SELECT contract_ref FROM contracts JOIN people USING (person_id)")
        return {str(ref).removeprefix("c-") for (ref,) in rows.fetchall()}


@pytest.fixture(scope="session")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """Run the two nights, once for all tests of this folder."""
    home = tmp_path_factory.mktemp("claims")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CHARTER_")}
    environ |= {"CHARTER_HOME": str(home), "PYTHONPATH": str(SOURCE_ROOT)}
    installation = Installation.create(environ)
    write_landing(installation.places.landing)

    def night(day: date) -> str:
        command = [sys.executable, "-c", PROGRAM, str(home / "calls"), "nightly", "--day", day.isoformat()]
        done = subprocess.run(command, env=environ, cwd=home, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout

    printed = night(FIRST_NIGHT)
    after_first, people_after_first = installation.vault.stores("traffic"), people_of(installation)
    printed += night(SECOND_NIGHT)
    calls = (home / "calls").read_text()
    return Nights(home, installation, after_first, people_after_first, printed, calls)
