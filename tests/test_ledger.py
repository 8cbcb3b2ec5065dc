"""The evidence: every kind of tampering is found, and the line is named."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import LedgerError
from pipelines.ledger import CUT, Fact, Ledger

DAY = date(2026, 11, 22)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    key = secrets.token_bytes(32)
    (tmp_path / "keys").mkdir()
    return Ledger(tmp_path / "ledger", tmp_path / "keys" / "ledger.head", lambda: key)


@pytest.fixture
def written(ledger: Ledger, at: datetime) -> Ledger:
    for count in range(5):
        ledger.append("traffic_taken", day=DAY, at=at, read=count)
    ledger.sign(at=at)
    ledger.append("night_closed", day=DAY, at=at, night="2026-11-22.1")
    return ledger


def lines(ledger: Ledger) -> list[bytes]:
    return ledger.path.read_bytes().splitlines(keepends=True)


def test_lines_are_read_back_in_order(written: Ledger) -> None:
    assert [entry.seq for entry in written.entries()] == [1, 2, 3, 4, 5, 6, 7]
    assert [entry.facts["read"] for entry in written.entries("traffic_taken")] == [0, 1, 2, 3, 4]
    assert next(written.entries()).day == "2026-11-22"
    assert next(written.entries()).at == "2026-11-22T01:00:00+00:00"


def test_untouched_ledger_holds(written: Ledger) -> None:
    found = written.verify()
    assert found.is_intact
    assert (found.entries, found.signed) == (7, 6)


def test_empty_ledger_holds(ledger: Ledger) -> None:
    assert ledger.verify().is_intact
    assert list(ledger.entries()) == []


def altered(all_lines: list[bytes]) -> list[bytes]:
    return [*all_lines[:2], all_lines[2].replace(b'"read":2', b'"read":9'), *all_lines[3:]]


def removed(all_lines: list[bytes]) -> list[bytes]:
    return all_lines[:2] + all_lines[3:]


def reordered(all_lines: list[bytes]) -> list[bytes]:
    return [all_lines[0], all_lines[1], all_lines[3], all_lines[2], *all_lines[4:]]


def doubled(all_lines: list[bytes]) -> list[bytes]:
    return all_lines[:2] + all_lines[1:]


def garbled(all_lines: list[bytes]) -> list[bytes]:
    return [*all_lines[:2], b"not json\n", *all_lines[3:]]


@pytest.mark.parametrize("tamper", [altered, removed, reordered, doubled, garbled])
def test_tampered_line_is_found_and_named(
    written: Ledger, tamper: Callable[[list[bytes]], list[bytes]]
) -> None:
    written.path.write_bytes(b"".join(tamper(lines(written))))
    found = written.verify()
    assert not found.is_intact
    assert found.line == 3


def test_lines_cut_off_the_end_are_missed(written: Ledger) -> None:
    written.path.write_bytes(b"".join(lines(written)[:-1]))
    found = written.verify()
    assert found.line == 7
    assert found.fault == "1 lines were removed from the end"


def test_whole_ledger_removed_is_noticed(written: Ledger) -> None:
    written.path.unlink()
    assert written.verify().line == 1


def test_chain_forged_from_the_start_fails_at_the_signature(
    written: Ledger, tmp_path: Path, at: datetime
) -> None:
    key = secrets.token_bytes(32)
    (tmp_path / "other").mkdir()
    forger = Ledger(tmp_path / "forged", tmp_path / "other" / "head", lambda: key)
    for count in range(5):
        forger.append("traffic_taken", day=DAY, at=at, read=count + 1)
    forger.sign(at=at)
    forger.append("night_closed", day=DAY, at=at, night="2026-11-22.1")
    written.path.write_bytes(forger.path.read_bytes())
    found = written.verify()
    assert found.line == 6
    assert found.fault is not None
    assert "signature" in found.fault


def test_unsigned_end_written_again_is_noticed_by_the_head(written: Ledger) -> None:
    import hashlib

    last = json.loads(lines(written)[-1])
    last["facts"] = {"night": "2026-11-22.2"}
    body = {name: value for name, value in last.items() if name != "hash"}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    last["hash"] = hashlib.sha256(text.encode()).hexdigest()
    forged = json.dumps(last, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    written.path.write_bytes(b"".join(lines(written)[:-1]) + forged)
    assert not written.verify().is_intact


def told(path: Path, *events: str) -> list[tuple[int, str]]:
    """What the file says, read as a whole and line by line."""
    whole = path.read_bytes()
    entries = [json.loads(line) for line in whole[: whole.rfind(b"\n") + 1].splitlines()]
    return [(entry["seq"], entry["event"]) for entry in entries if not events or entry["event"] in events]


@pytest.mark.parametrize("seed", range(20))
def test_what_others_append_cut_tear_or_put_back_is_read(written: Ledger, at: datetime, seed: int) -> None:
    random, other = Random(seed), Ledger(written.folder, written._head, written._signing_key)
    copies: list[tuple[bytes, bytes]] = []

    def append() -> None:
        event = random.choice(["traffic_taken", "purge_planned", "night_closed"])
        many: list[dict[str, Fact]] = [
            {"text": "x" * random.choice([1, 300])} for _ in range(random.randint(1, 9))
        ]
        random.choice([other, written]).append_all(event, many, day=DAY, at=at)

    def cut() -> None:
        first, last = told(written.path)[0][0], told(written.path)[-1][0]
        other.cut(random.randrange(first, last), at=at)

    def tear() -> None:
        with written.path.open("ab") as file:
            file.write(lines(written)[-1][: random.randint(1, 80)])

    def copy() -> None:
        copies.append((written.path.read_bytes(), written._head.read_bytes()))

    def put_back() -> None:
        if copies:
            whole, head = random.choice(copies)
            written.path.write_bytes(whole)
            written._head.write_bytes(head)

    for _ in range(40):
        random.choice([append, append, append, cut, tear, copy, put_back])()
        for events in [(), ("purge_planned",), ("traffic_taken", "night_closed", "of_none")]:
            assert [(entry.seq, entry.event) for entry in written.entries(*events)] == told(
                written.path, *events
            )
    assert other.verify().is_intact


def test_lines_that_name_an_id(ledger: Ledger, at: datetime) -> None:
    ledger.append_all("purge_planned", [{"token": name} for name in ("ab", "cd", "ab")], day=DAY, at=at)
    assert [entry.seq for entry in ledger.entries(naming="ab")] == [1, 3]
    assert [entry.seq for entry in ledger.entries("purge_applied", naming="ab")] == []


def test_a_damaged_line_stops_the_reading_of_any_event(written: Ledger) -> None:
    """What was there may have been one of those that are asked for: a purge whose lines would come back."""
    assert len(list(written.entries("night_closed"))) == 1
    written.path.write_bytes(written.path.read_bytes().replace(b'"event":"traffic_taken"', b'"ev', 1))
    for _ in range(2):
        with pytest.raises(LedgerError, match="line 1 is damaged: run `charter ledger verify`"):
            list(written.entries("night_closed"))
    assert not written.verify().is_intact


def test_a_damaged_last_line_takes_nothing_after_it(written: Ledger, at: datetime) -> None:
    with written.path.open("ab") as file:
        file.write(b"{canary\n")
    for write in (written.sign, partial(written.append, "night_opened", day=DAY)):
        with pytest.raises(LedgerError, match="the last ledger line is damaged") as caught:
            write(at=at)
        assert "canary" not in str(caught.value)


@pytest.mark.parametrize("torn", [0, 1, 65_535, 65_536, 200_000])
@pytest.mark.parametrize("many", [1, 400])
def test_long_last_line_is_found_behind_a_long_torn_one(
    ledger: Ledger, at: datetime, many: int, torn: int
) -> None:
    ledger.append("purge_planned", day=DAY, at=at, items=["x" * 300] * many)
    ledger.append("purge_planned", day=DAY, at=at, items=["y" * 300] * many)
    with ledger.path.open("ab") as file:
        file.write(b"z" * torn)
    assert ledger.append("purge_applied", day=DAY, at=at, rows=1).seq == 3
    assert ledger.path.read_bytes().endswith(b"\n")
    assert ledger.verify().is_intact
    assert [entry.seq for entry in ledger.entries()] == [1, 2, 3]


def test_last_line_torn_by_a_kill_is_dropped_and_the_chain_goes_on(written: Ledger, at: datetime) -> None:
    with written.path.open("ab") as file:
        file.write(b'{"at":"2026-11-22T01:0')
    assert written.verify().is_intact
    written.append("night_opened", day=DAY, at=at, night="2026-11-22.2")
    assert written.verify().is_intact
    assert len(lines(written)) == 8


def test_kill_between_line_and_head_is_not_damage(written: Ledger, tmp_path: Path, at: datetime) -> None:
    head = (tmp_path / "keys" / "ledger.head").read_bytes()
    written.append("night_opened", day=DAY, at=at, night="2026-11-22.2")
    (tmp_path / "keys" / "ledger.head").write_bytes(head)
    assert written.verify().is_intact


def test_signing_twice_signs_once(written: Ledger, at: datetime) -> None:
    first = written.sign(at=at)
    assert written.sign(at=at) == first
    assert written.verify().signed == 8


def test_ledger_is_private(written: Ledger) -> None:
    assert written.path.stat().st_mode & 0o777 == 0o600
    assert written.folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "value",
    ["canary@example.com", "203.0.113.9", "2001:db8::1", "Zoë", "a\nb", "x" * 301, "{}", "+33612345678"],
)
def test_value_of_data_is_refused_and_not_repeated(ledger: Ledger, at: datetime, value: str) -> None:
    with pytest.raises(LedgerError) as caught:
        ledger.append("anything", day=DAY, at=at, reason=value)
    assert value not in str(caught.value)
    with pytest.raises(LedgerError):
        ledger.append("anything", day=DAY, at=at, reasons=["fine", value])
    assert not ledger.path.exists()


@settings(deadline=None)
@given(position=st.integers(0, 2000), bit=st.integers(0, 7))
def test_any_flipped_bit_is_found(tmp_path_factory: pytest.TempPathFactory, position: int, bit: int) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    (folder / "keys").mkdir()
    ledger = Ledger(folder / "ledger", folder / "keys" / "head", lambda: b"k" * 32)
    at = datetime.fromisoformat("2026-11-22T01:00:00+00:00")
    for count in range(3):
        ledger.append("traffic_taken", day=DAY, at=at, read=count)
    ledger.sign(at=at)
    content = bytearray(ledger.path.read_bytes())
    content[position % len(content)] ^= 1 << bit
    ledger.path.write_bytes(content)
    assert not ledger.verify().is_intact


def test_what_is_cut_off_the_beginning_leaves_a_chain_that_holds_and_goes_on(
    written: Ledger, at: datetime
) -> None:
    kept = lines(written)[3:]
    written.cut(3, at=at)
    assert lines(written)[1:] == kept
    assert written.verify().is_intact
    assert [(entry.seq, entry.event) for entry in written.entries()][:2] == [(3, CUT), (4, "traffic_taken")]
    whole = written.path.read_bytes()
    for again in (3, 2, 99):
        written.cut(again, at=at)
        assert written.path.read_bytes() == whole
    assert written.append("night_opened", day=DAY, at=at, night="n").seq == 8
    written.cut(6, at=at)
    written.sign(at=at)
    assert [entry.seq for entry in written.entries()] == [6, 7, 8, 9]
    assert written.verify().is_intact


@pytest.mark.parametrize(
    ("tamper", "line"),
    [
        (lambda all_lines: all_lines[1:], 1),
        (lambda all_lines: [all_lines[0], *all_lines[2:]], 2),
        (lambda all_lines: [all_lines[1], all_lines[0], *all_lines[2:]], 1),
        (lambda all_lines: [all_lines[0].replace(b'"seq":3', b'"seq":2'), *all_lines[1:]], 1),
        (lambda all_lines: [forged(all_lines), *all_lines[2:]], 1),
    ],
    ids=["the cut gone", "more cut", "moved", "altered", "forged"],
)
def test_a_cut_that_this_installation_did_not_make_is_found(
    written: Ledger, at: datetime, tamper: Callable[[list[bytes]], list[bytes]], line: int
) -> None:
    written.cut(3, at=at)
    written.path.write_bytes(b"".join(tamper(lines(written))))
    assert written.verify().line == line


def forged(all_lines: list[bytes]) -> bytes:
    """A cut that goes one line further, made without the key."""
    cut, after = json.loads(all_lines[0]), json.loads(all_lines[1])
    body = cut | {"seq": after["seq"], "facts": cut["facts"] | {"over": after["hash"]}}
    del body["hash"]
    canonical = partial(json.dumps, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(canonical(body).encode()).hexdigest()
    return canonical(body | {"hash": digest}).encode() + b"\n"


def test_a_damaged_ledger_is_not_cut_and_never_the_whole_of_it(written: Ledger, at: datetime) -> None:
    with pytest.raises(LedgerError, match="the newest line always stays"):
        written.cut(7, at=at)
    written.path.write_bytes(b"".join(altered(lines(written))))
    with pytest.raises(LedgerError, match="damaged at line 3"):
        written.cut(4, at=at)
