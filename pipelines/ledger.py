"""The evidence: an append-only, hash-chained, signed record of what was done.

One JSON object a line: `seq`, `at`, `event`, `day`, `facts`, `previous` and `hash`, where `hash` is
the SHA-256 of the line without it. A signature is a line too, of all lines before it (Ed25519).
The head, number and hash of the last line, is kept apart beside the keys, so that lines cut off the
end are missed as well. Lines whose period is over are cut off the beginning: a signed line in the place
of the last of them bears its number and hash, and the chain goes on from there. Facts are counts, ids
and fixed words; a value is refused.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pipelines._ledger_lines import Lines, damaged
from pipelines.errors import LedgerError
from pipelines.files import locked, make_private_folder, write_whole

Fact = int | str | bool | list[str] | list[int]
_GENESIS = "0" * 64
_BEFORE = json.dumps({"seq": 0, "event": None, "hash": _GENESIS})
_SAFE_TEXT = re.compile(r"[A-Za-z0-9 ._:;,/()`'=%<>-]{0,300}")
_SIGNATURE = "signature"
CUT = "ledger_cut"


@dataclass(frozen=True)
class Entry:
    """One line: `at` is ISO 8601 UTC, `day` the local day (ISO) that it is about, or None."""

    seq: int
    at: str
    event: str
    day: str | None
    facts: Mapping[str, Fact]


@dataclass(frozen=True)
class Verification:
    """What a check of the whole ledger found; `line` (from 1) and `fault` are set where it is damaged."""

    entries: int
    signed: int
    line: int | None = None
    fault: str | None = None

    @property
    def is_intact(self) -> bool:
        """Return whether every line, the order and every signature hold."""
        return self.fault is None


class Ledger:
    """The ledger of one installation, in `folder`; `head` is a file kept beside the keys."""

    def __init__(self, folder: Path, head: Path, signing_key: Callable[[], bytes]) -> None:
        self.folder = folder
        self.path = folder / "ledger.jsonl"
        self._lines = Lines(self.path)
        self._head = head
        self._signing_key = signing_key

    def append(self, event: str, *, day: date | None, at: datetime, **facts: Fact) -> Entry:
        """Write one line, on the disk before this returns."""
        return self.append_all(event, [facts], day=day, at=at)[0]

    def append_all(
        self, event: str, many: list[dict[str, Fact]], *, day: date | None, at: datetime
    ) -> list[Entry]:
        """Write one line for each of `many`, all on the disk before this returns."""
        for facts in many:
            for name, fact in facts.items():
                _refuse_value(name, fact)
        with self._locked():
            return self._write([(event, facts) for facts in many], day, at)

    def entries(self, *events: str, naming: str = "") -> Iterator[Entry]:
        """Yield the lines, or those of `events`, that the text `naming` is in, oldest first.

        LedgerError where any line is damaged, yielded or not.
        """
        for number, line in self._lines.of(events):
            if naming.encode() in line:
                try:
                    yield _entry_of(json.loads(line))
                except (ValueError, KeyError, TypeError):
                    raise damaged(number) from None

    def sign(self, *, at: datetime) -> Entry:
        """Sign all that was written so far; nothing new to sign gives the last signature again."""
        with self._locked():
            last, _end = self._last()
            if last["event"] == _SIGNATURE:
                return _entry_of(last)
            signature = base64.b64encode(self.sign_bytes(last["hash"].encode())).decode()
            return self._write([(_SIGNATURE, {"over": last["hash"], "ed25519": signature})], None, at)[0]

    def cut(self, last: int, *, at: datetime) -> None:
        """Remove the lines up to number `last`; a signed one in their place says so. Run again, it is done.

        LedgerError where the ledger is damaged, which a cut would hide, or where nothing would be left.
        """
        with self._locked():
            if not (found := self.verify()).is_intact:
                raise LedgerError(f"the ledger is damaged at line {found.line}: run `charter ledger verify`.")
            lines = self._lines.all()
            # Intact means numbered without a gap.
            place = last - json.loads(lines[0])["seq"] if lines else -1
            if not 0 <= place < len(lines) or (end := json.loads(lines[place]))["event"] == CUT:
                return
            if not (kept := lines[place + 1 :]):
                raise LedgerError("the whole ledger would go: the newest line always stays.")
            signature = base64.b64encode(self.sign_bytes(_said_of_cut(last, end["hash"]))).decode()
            cut = _sealed(last, at, CUT, None, {"over": end["hash"], "ed25519": signature}, _GENESIS)
            write_whole(self.path, b"".join(line + b"\n" for line in (_canonical(cut), *kept)))

    def sign_bytes(self, data: bytes) -> bytes:
        """Return the Ed25519 signature (64 bytes) of `data` under this installation's key."""
        return self._private_key().sign(data)

    @property
    def public_key_bytes(self) -> bytes:
        """The raw Ed25519 public key, 32 bytes."""
        return self._private_key().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def verify(self) -> Verification:
        """Check every line, their order, the signatures and the head; never raises for damage."""
        lines = self._lines.all()
        chain = _Chain(Ed25519PublicKey.from_public_bytes(self.public_key_bytes))
        for number, line in enumerate(lines, 1):
            if fault := chain.fault_of(line):
                return Verification(len(lines), chain.signed, number, fault)
        if fault := self._fault_of_end(chain):
            return Verification(len(lines), chain.signed, len(lines) + 1, fault)
        return Verification(len(lines), chain.signed)

    def _fault_of_end(self, chain: _Chain) -> str | None:
        try:
            head = json.loads(self._head.read_bytes())
        except FileNotFoundError:
            return "the head beside the keys is missing" if chain.seq else None
        except ValueError:
            return "the head beside the keys is damaged"
        if chain.seq < head["seq"]:
            return f"{head['seq'] - chain.seq} lines were removed from the end"
        if chain.hashes.get(head["seq"]) != head["hash"]:
            return "the last lines were written again: they are not those that the head was kept of"
        return None

    def _write(self, many: list[tuple[str, dict[str, Fact]]], day: date | None, at: datetime) -> list[Entry]:
        last, end = self._last()
        written, text = [], []
        for event, facts in many:
            last = _sealed(last["seq"] + 1, at, event, day, facts, last["hash"])
            text.append(_canonical(last) + b"\n")
            written.append(_entry_of(last))
        self._lines.append(b"".join(text), at=end)
        write_whole(self._head, _canonical({"seq": last["seq"], "hash": last["hash"]}) + b"\n")
        return written

    def _last(self) -> tuple[dict[str, Any], int]:
        """Return the last line, or what stands before the first, and the number of bytes up to its end."""
        line, end = self._lines.last()
        try:
            return json.loads(line or _BEFORE), end
        except ValueError:
            raise LedgerError("the last ledger line is damaged: run `charter ledger verify`.") from None

    def _locked(self) -> AbstractContextManager[None]:
        make_private_folder(self.folder)
        return locked(self.folder / ".lock")

    def _private_key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self._signing_key())


class _Chain:
    """Walks the lines and says what is wrong with the first that does not fit."""

    def __init__(self, public_key: Ed25519PublicKey) -> None:
        self.seq = 0
        self.signed = 0
        self.hashes: dict[int, str] = {}
        self._previous = _GENESIS
        self._public_key = public_key

    def fault_of(self, line: bytes) -> str | None:
        try:
            entry = json.loads(line)
            body = {name: value for name, value in entry.items() if name != "hash"}
            seq, previous, digest = int(entry["seq"]), entry["previous"], entry["hash"]
            event, facts = entry["event"], entry["facts"]
        except (ValueError, KeyError, TypeError, AttributeError):
            return "is not a ledger line"
        if _hash_of(body) != digest or _canonical(entry) != line:
            return "was altered"
        if event == CUT and self.seq == 0 and self._is_cut(seq, facts):
            self.seq, self._previous = seq, facts["over"]
            return None
        if seq != self.seq + 1 or previous != self._previous:
            return "does not follow the line before it: lines were removed, inserted or put in another order"
        if event == _SIGNATURE and not self._holds(facts):
            return "carries a signature that does not hold"
        self.seq, self._previous = seq, digest
        self.hashes[seq] = digest
        self.signed = seq if event == _SIGNATURE else self.signed
        return None

    def _holds(self, facts: Mapping[str, str]) -> bool:
        return self._is_signed(facts, facts.get("over", "").encode()) and facts["over"] == self._previous

    def _is_cut(self, seq: int, facts: Mapping[str, str]) -> bool:
        return self._is_signed(facts, _said_of_cut(seq, facts.get("over", "")))

    def _is_signed(self, facts: Mapping[str, str], said: bytes) -> bool:
        try:
            self._public_key.verify(base64.b64decode(facts["ed25519"]), said)
        except (InvalidSignature, ValueError, KeyError):
            return False
        return True


def _entry_of(entry: Mapping[str, Any]) -> Entry:
    return Entry(entry["seq"], entry["at"], entry["event"], entry["day"], MappingProxyType(entry["facts"]))


def _said_of_cut(seq: int, over: str) -> bytes:
    return f"{CUT} {seq} {over}".encode()


def _sealed(
    seq: int, at: datetime, event: str, day: date | None, facts: dict[str, Fact], previous: str
) -> dict[str, Any]:
    body = {
        "seq": seq,
        "at": at.astimezone(UTC).isoformat(timespec="seconds"),
        "event": event,
        "day": day.isoformat() if day else None,
        "facts": facts,
        "previous": previous,
    }
    return body | {"hash": _hash_of(body)}


def _canonical(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _hash_of(body: Mapping[str, object]) -> str:
    return hashlib.sha256(_canonical(body)).hexdigest()


def _refuse_value(name: str, fact: Fact) -> None:
    for text in fact if isinstance(fact, list) else [fact]:
        if isinstance(text, str) and (_SAFE_TEXT.fullmatch(text) is None or _is_address(text)):
            raise LedgerError(
                f"the fact {name} may be a value of data: the ledger takes counts, ids and fixed words."
            )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip("() "))
    except ValueError:
        return False
    return True
