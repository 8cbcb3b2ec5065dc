"""What whole-night tests share: landing files that hold everything that happens, and what a vault holds."""

from __future__ import annotations

import gzip
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

from pipelines import catalog
from pipelines.installation import Installation

CANARIES = (
    "canary.person@example.org", "canary%40example.org", "198.51.100.77", "Canarybrowser/77", "+33199006677",
    "canary-host-77", "Zoé Canary", "0199006677", "canarytoken0123456789abcdef",
)  # fmt: skip
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"


class NightMaker:
    """Writes the same landing files each time; counts the lines and records that it wrote in all."""

    def __init__(self, installation: Installation) -> None:
        self._places = installation.places
        self.lines = self.expired = self.malformed = self.records = 0

    def put_everything(self, day: date) -> None:
        """Write three days of logs, one older than the period, and contacts with every kind of record."""
        www = self._places.landing_traffic / "www"
        www.mkdir(parents=True, exist_ok=True)
        for back, kept in ((1, True), (2, True), (365, True), (400, False)):
            log_day = day - timedelta(days=back)
            lines = self._lines(log_day)
            name = f"access-{log_day}.log"
            if back == 2:
                (www / name).write_bytes(b"".join(lines))
            else:
                (www / f"{name}.gz").write_bytes(gzip.compress(b"".join(lines), mtime=0))
            self.lines += len(lines)
            self.expired += 0 if kept else len(lines)
        malformed = [b"not a log line canary.person@example.org\n", b"\x16\x03\x01 198.51.100.77\n", b"\n"]
        (www / "odd.log").write_bytes(b"".join(malformed))
        self.lines += len(malformed)
        self.malformed += len(malformed)
        self._contacts(day)

    def _lines(self, day: date) -> list[bytes]:
        stamp = f"{day:%d/%b/%Y}"
        lines = []
        for number in range(60):
            for step, path in enumerate(("/", "/works/", f"/works/piece-{number % 7}", "/contact")):
                lines.append(
                    f"203.0.113.{number} - - [{stamp}:{9 + number % 9:02d}:{step:02d}:{number % 60:02d} +0100] "
                    f'"GET {path} HTTP/1.1" 200 512 "-" "{AGENT.format(120 + number % 3)}"\n'
                )
        bot = "Canarybrowser/77 (+mailto:canary.person@example.org)"
        person = "GET /user/canary.person@example.org?tel=+33199006677 HTTP/1.1"
        lines.append(
            f'198.51.100.77 - canary-host-77 [{stamp}:10:00:00 +0100] "{person}" 200 1 '
            '"https://198.51.100.77/?q=canary%40example.org" "Canarybrowser/77"\n'
        )
        lines.append(
            f"canary-host-77.example.net - - [{stamp}:10:00:01 +0100] "
            f'"GET /reset/canarytoken0123456789abcdef HTTP/1.1" 200 1 "-" "{bot}"\n'
        )
        return [line.encode() for line in lines]

    def _contacts(self, day: date) -> None:
        long_ago, lately = day.replace(year=day.year - 6), day - timedelta(days=30)
        files = {
            "people.csv": [
                "source,person_ref,recorded_at,name,email,email_verified,phone,phone_verified,postal_address,country",
                f"crm,1,{lately}T10:00:00Z,Zoé Canary,canary.person@example.org,true,0199006677,true,1 rue Canary,FR",
                f"crm,2,{long_ago}T10:00:00Z,Old Customer,old@example.net,true,,false,,FR",
                f"web,9,{lately}T11:00:00Z,Zoé Canary,Canary.Person@example.org,true,,false,,FR",
                "crm,,not a date,Bad Record,bad@example.net,true,,false,,FR",
            ],
            "contracts.csv": [
                "source,contract_ref,person_ref,recorded_at,started_on,ended_on",
                f"crm,c1,1,{lately}T10:00:00Z,2020-01-01,",
                f"crm,c2,2,{long_ago}T10:00:00Z,2010-01-01,{long_ago}",
            ],
            "messages.jsonl": [
                f'{{"source":"web","message_ref":"m{n}","person_ref":"","recorded_at":"{lately}T10:00:00Z","kind":"form",'
                f'"name":"Zoé Canary","email":"writer{n}@example.org","phone":"","body":"call +33199006677"}}'
                for n in range(12)
            ],
        }
        folder: Path = self._places.landing_contacts
        for name, lines in files.items():
            (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
            self.records += len(lines) - name.endswith(".csv")


def hits_of(installation: Installation) -> Counter[str]:
    """Return store → hits."""
    with installation.vault.workshop() as workshop:
        workshop.open(*(installation.vault.stores("traffic") or ["traffic/2000-01-01"]))
        rows = workshop.connection.execute("SELECT store, count(*) FROM hits GROUP BY ALL").fetchall()
    return Counter(dict(rows))


def _rows_of(table: catalog.Table, kind: str) -> str:
    """Return a SELECT of all rows; a load's id, which tells one copy of a file from another, by its content."""
    if kind != "traffic" or "load_id" not in table.column_names:
        return f"SELECT * FROM {table.name}"
    contents = "SELECT load_id, concat_ws('/', source, hex(content_digest)) AS content FROM deliveries"
    named = "t.* REPLACE (coalesce(content, 'of no delivery') AS load_id)"
    return f"SELECT {named} FROM {table.name} AS t LEFT JOIN ({contents}) AS d ON d.load_id = t.load_id"


def state_of(installation: Installation) -> object:
    """Return all that the vault holds but for how it was delivered, and the rows of the release in force."""
    found: dict[str, object] = {}
    with installation.vault.workshop() as workshop:
        for kind in ("traffic", "contacts"):
            workshop.open(
                *(installation.vault.stores(kind) or [f"{kind}/none" if kind == "traffic" else kind])
            )
            for table in catalog.tables_of(kind):
                if table.name not in {"deliveries", "imports"}:
                    rows = workshop.connection.execute(_rows_of(table, kind)).fetchall()
                    found[table.name] = sorted(map(repr, rows))
    current = installation.places.releases / "current"
    found["release"] = current.resolve().name.rpartition("-")[2] if current.exists() else None
    return found
