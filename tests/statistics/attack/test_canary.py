"""A person who leaves traces everywhere, on a day when many do the same, is nowhere in what is published."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pytest

from pipelines import nightly
from pipelines.installation import Installation

NIGHT = date(2026, 11, 22)
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
# What would give the person away, in lower case: name, mailbox, phone, address, reference.
CANARIES = ("canary", "0199006677", "99006677", "198.51.100.77", "198-51-100-77", "cust-2026-77", "mbox77")
PATHS = (
    "/team/zoe-canary", "/Canary/Zo%C3%A9/", "/u/zoe.canary%40example.org", "/u/mbox77x", "/u/zoe.canary@example.org",
    "/find?tel=+33199006677", "/call/01-99-00-66-77", "/from/198.51.100.77", "/cust-2026-77/orders", "/",
)  # fmt: skip


def log_lines() -> Iterator[str]:
    """Yield a day on which 40 visitors ask for each of the pages: a threshold alone hides none of them."""
    for visitor in range(40):
        for minute, path in enumerate(PATHS):
            yield (
                f"203.0.113.{visitor} - zoe.canary [21/Nov/2026:{9 + visitor % 3:02d}:{minute:02d}:00 +0100] "
                f'"GET {path} HTTP/1.1" 200 512 "https://198.51.100.77/zoe.canary@example.org?q=canary" "{AGENT}"\n'
            )


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation that has published the day, and knows the person from an export of the CRM."""
    at = datetime(2026, 11, 22, 1, tzinfo=UTC)
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith("CHARTER_")]:
            environment.delenv(name)
        environment.setenv("CHARTER_HOME", str(tmp_path_factory.mktemp("canary")))
        yield publish(Installation.create(os.environ), at)


def publish(installation: Installation, at: datetime) -> Installation:
    landing = installation.places.landing
    (landing / "traffic" / "access.log").write_text("".join(log_lines()), encoding="utf-8")
    people = [
        "source,person_ref,recorded_at,name,email,email_verified,phone,phone_verified,postal_address,country",
        "crm,CUST-2026-77,2026-11-01T10:00:00Z,Zoé Canary,mbox77x@example.org,true,0199006677,true,1 rue X,FR",
    ]
    (landing / "contacts" / "people.csv").write_text("\n".join(people) + "\n", encoding="utf-8")
    nightly.run(NIGHT, lambda: at)
    return installation


def texts_of(folder: Path) -> Iterator[str]:
    """Yield everything that can be read in a release or a report: pages, facts, comments and each cell."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".html", ".json"}:
            yield path.read_text(encoding="utf-8")
        elif path.is_file() and path.suffix in {".duckdb", ".parquet"}:
            yield path.read_bytes().decode("latin-1")
            with duckdb.connect() as connection:
                if path.suffix == ".parquet":
                    yield str(connection.execute(f"FROM read_parquet('{path}')").fetchall())
                    continue
                connection.execute(f"ATTACH '{path}' AS release (READ_ONLY)")
                yield str(connection.execute("SELECT comment FROM duckdb_columns()").fetchall())
                tables = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
                yield from (
                    str(connection.execute(f"FROM release.{table}").fetchall()) for (table,) in tables
                )


def test_a_planted_person_is_nowhere_in_releases_and_reports(published: Installation) -> None:
    places = published.places
    release = places.releases / "current"
    texts = [*texts_of(release.resolve()), *texts_of(places.reports)]
    assert len(texts) > 40
    assert any("2026-11-21" in text for text in texts)
    for canary in CANARIES:
        assert not any(canary in text.lower() for text in texts), canary


def test_the_day_is_published_without_the_measures_that_would_have_named_the_person(
    published: Installation,
) -> None:
    with duckdb.connect(
        str(published.places.releases / "current" / "charter.duckdb"), read_only=True
    ) as release:
        states = dict(release.execute("SELECT measure, state FROM coverage").fetchall())
        ((visitors,),) = release.execute("SELECT visitors FROM daily").fetchall()
    assert states["pages"] == "suppressed"
    assert states["daily"] == states["hours"] == "published"
    assert visitors == 40
    attempts = [json.loads(path.read_bytes()) for path in published.places.risks.glob("*.json")]
    (refused,) = [attempt for attempt in attempts if attempt["findings"]]
    assert any("the name of a person" in sentence for sentence in refused["sentences"])
