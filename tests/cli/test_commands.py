from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pipelines import errors
from pipelines.cli.terminal import day_or_today
from pipelines.installation import Installation
from tests.cli.conftest import Run


def test_init_says_what_it_made_and_again_changes_nothing(charter: Run, home: Path) -> None:
    first = charter("init")
    key = (home / "data" / "keys" / "master.key").read_bytes()
    assert (first.code, first.err) == (0, "")
    assert "master.key" in first.out
    assert charter("init").out == first.out
    assert (home / "data" / "keys" / "master.key").read_bytes() == key


def test_init_makes_no_master_key_where_one_is_provided(
    charter: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHARTER_MASTER_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
    said = charter("init")
    assert "provided from outside" in said.out
    assert not (home / "data" / "keys" / "master.key").exists()


def test_an_empty_installation_says_so(charter: Run) -> None:
    charter("init")
    assert charter("vault", "list").out == "the vault is empty\n"
    assert charter("request", "list").out == "no request waits for its answer\n"
    assert charter("ledger", "verify").out == "intact: 0 lines, signed up to line 0\n"
    assert charter("ledger", "certificates").out == "no certificate was issued yet: nothing was due\n"
    assert charter("purge", "plan").out.startswith("Nothing is due on ")
    stats = charter("stats", "daily")
    assert stats.code == errors.ConfigurationError.exit_code
    assert "charter nightly" in stats.error_line


def test_today_may_be_run_and_tomorrow_not(charter: Run) -> None:
    today = day_or_today(None)
    assert day_or_today(today) == today
    with pytest.raises(errors.UsageError):
        day_or_today(today + timedelta(days=1))


def test_a_request_from_receipt_to_answer(charter: Run, tmp_path: Path) -> None:
    charter("init")
    opened = charter("request", "open", typed="Marie Durand\nmarie@example.org\n\n\n")
    request_id = opened.out.strip()
    assert (opened.code, request_id[:2]) == (0, "R-")
    assert request_id in charter("request", "list").out
    early = charter("request", "deliver", request_id, str(tmp_path))
    assert early.code == errors.RightsError.exit_code
    assert "people" in charter("request", "gather", request_id).out
    assert charter("request", "approve", request_id, "--by", "dpo").code == 0
    delivered = charter("request", "deliver", request_id, str(tmp_path))
    answer = Path(delivered.out.strip())
    assert answer.read_bytes()[:2] == b"PK"
    assert answer.stat().st_mode & 0o777 == 0o600
    assert charter("request", "answer", request_id).code == 0
    assert charter("request", "list").out == "no request waits for its answer\n"
    assert "marie" not in charter("ledger", "show", "--last", "99").out.lower()


def test_a_request_is_refused_with_a_ground(charter: Run, tmp_path: Path) -> None:
    charter("init")
    request_id = charter("request", "open", typed="Marie Durand\n\n\n\n").out.strip()
    wrong = charter("request", "refuse", request_id, "--ground", "because")
    assert wrong.code == errors.RightsError.exit_code
    assert "identity" in wrong.error_line
    assert charter("request", "refuse", request_id, "--ground", "identity").code == 0
    assert charter("request", "deliver", request_id, str(tmp_path)).code == 0
    assert "ground=identity" in charter("ledger", "show", "--event", "request_refused").out


def test_a_request_that_came_too_long_ago_is_late(charter: Run) -> None:
    charter("init")
    charter("request", "open", "--received", "2020-01-06", typed="Marie\n\n\n\n")
    assert "DAYS LATE" in charter("request", "list").out


def test_an_address_is_asked_with_its_moment(charter: Run) -> None:
    charter("init")
    wrong = charter("request", "open", typed="\n\n\n192.0.2.7\nlast week\n")
    assert wrong.code == errors.UsageError.exit_code
    assert wrong.err.rstrip().endswith("a moment is written YYYY-MM-DD HH:MM, in UTC.")
    right = charter("request", "open", typed="\n\n\n192.0.2.7\n2026-01-05 10:00\n\n")
    assert right.out.startswith("R-")


def test_a_purge_is_shown_then_confirmed_by_the_token_shown(charter: Run, installation: Installation) -> None:
    seal_old_day(installation)
    shown = charter("purge", "plan")
    token = shown.out.split()[-1]
    assert "traffic data" in shown.out
    stale = charter("purge", "apply", "0" * len(token))
    assert stale.code == errors.RetentionError.exit_code
    assert "nothing was destroyed" in stale.error_line
    assert charter("vault", "list").out.startswith("traffic/2020-01-06")
    applied = charter("purge", "apply", token)
    assert (applied.code, applied.err) == (0, "")
    assert charter("vault", "list").out == "the vault is empty\n"
    assert charter("ledger", "certificates").out.startswith("holds purge-")
    assert "signed up to line" in charter("ledger", "verify").out


def test_a_purge_that_is_not_proven_is_looked_at_again(charter: Run, installation: Installation) -> None:
    seal_old_day(installation)
    strange = installation.vault.root / "canary.csv"
    strange.write_bytes(b"canary")
    refused = charter("purge", "apply", charter("purge", "plan").out.split()[-1])
    assert refused.code == errors.RetentionError.exit_code
    assert "could not check (1 files in the vault that Charter did not put there" in refused.out
    assert "`charter purge verify`" in refused.error_line
    assert charter("purge", "verify").code == errors.RetentionError.exit_code
    strange.unlink()
    proven = charter("purge", "verify")
    assert proven.code == 0
    assert "Certificate purge-" in proven.out
    assert charter("purge", "verify").out.startswith("No purge waits for its proof on ")


def test_an_altered_certificate_is_an_error(charter: Run, installation: Installation) -> None:
    seal_old_day(installation)
    charter("purge", "apply", charter("purge", "plan").out.split()[-1])
    (path,) = (installation.places.ledger / "certificates").iterdir()
    path.write_text(path.read_text().replace("OKARE", "okare"))
    said = charter("ledger", "certificates")
    assert said.code == errors.RetentionError.exit_code
    assert "altered or swapped" in said.out


def seal_old_day(installation: Installation) -> None:
    load = "SELECT uuid() AS load_id, DATE '2020-01-07' AS received_on, 1::BIGINT AS accepted"
    with installation.vault.workshop(memory_mb=64, threads=1) as workshop:
        workshop.seal("traffic/2020-01-06", "a", {"loads": load})
