"""Lines that are not of their file's format: whatever stands beside them, each is read by the one that it is of."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.traffic import Outcome, staging
from pipelines.traffic.judge import judge
from tests.traffic.killing import totals

pytestmark = pytest.mark.usefixtures("few_rules")

Take = Callable[..., list[Outcome]]
Held = Callable[[str], list[tuple[Any, ...]]]
Log = Callable[..., bytes]
GARBAGE = b"".join(
    b"java.lang.Exception: at com.example.Main(Main.java:%d)\n" % number for number in range(300)
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the formats that lines were read by, one for each statement."""
    asked: list[str] = []

    def counted(connection: Any, format_: Any, *more: Any) -> None:
        asked.append(format_.name)
        judge(connection, format_, *more)

    monkeypatch.setattr(staging, "judge", counted)
    return asked


def other(minute: int) -> bytes:
    """A line with the virtual host in front."""
    return f'www.example.org:443 192.0.2.8 - - [21/Nov/2026:13:{minute:02}:00 +0100] "GET /vhost HTTP/1.1" 200 5 "-" "x"\n'.encode()


def object_(minute: int) -> bytes:
    line = {"time_local": f"21/Nov/2026:13:{minute:02}:00 +0100", "remote_addr": "192.0.2.9", "request": "GET /json HTTP/1.1", "status": "200"}  # fmt: skip
    return json.dumps(line).encode() + b"\n"


def test_garbage_in_one_file_does_not_hide_the_lines_of_another(
    landing: Path, take: Take, held: Held, log: Log
) -> None:
    (landing / "a.log").write_bytes(log(*range(70)) + GARBAGE)
    (landing / "b.log").write_bytes(log(*range(100, 170)) + b"".join(map(other, range(5))))
    (landing / "c.log").write_bytes(log(*range(200, 270)) + b"".join(map(object_, range(7))))
    assert totals(take()) == (70 + 75 + 77, 300, 0, 0)
    assert held("SELECT path, count(*) FROM hits GROUP BY path ORDER BY path") == [
        ("/json", 7), ("/offer", 210), ("/vhost", 5)
    ]  # fmt: skip


def test_garbage_does_not_hide_other_lines_of_the_same_file(
    landing: Path, take: Take, held: Held, log: Log
) -> None:
    lines = GARBAGE + b"".join(map(other, range(40))) + b"".join(map(object_, range(20))) + GARBAGE
    (landing / "a.log").write_bytes(log(*range(70)) + lines)
    assert totals(take()) == (70 + 60, 600, 0, 0)
    assert held("SELECT path, count(*) FROM hits GROUP BY path ORDER BY path") == [
        ("/json", 20), ("/offer", 70), ("/vhost", 40)
    ]  # fmt: skip


def test_one_line_of_the_family_is_found_in_any_amount_of_garbage(
    landing: Path, take: Take, held: Held, log: Log
) -> None:
    odd = b'192.0.2.7 - - [21/Nov/2026:13:00:00 +0100] "GET /"odd" HTTP/1.1" 404 5 "-" "x"\n'
    (landing / "a.log").write_bytes(log(*range(70)) + GARBAGE + odd + GARBAGE)
    assert totals(take()) == (71, 600, 0, 0)
    assert held("SELECT path, status FROM hits WHERE path <> '/offer'") == [('/"odd"', 404)]


def test_a_file_of_garbage_that_turns_into_a_log_is_read_from_there_on(
    landing: Path, take: Take, held: Held
) -> None:
    (landing / "a.log").write_bytes(GARBAGE + b"".join(map(object_, range(30))))
    assert totals(take()) == (30, 300, 0, 0)


def test_many_small_files_with_odd_lines_cost_few_statements(
    landing: Path, take: Take, log: Log, asked: list[str]
) -> None:
    for number in range(60):
        odd = (other, object_)[number % 2](number)
        (landing / f"{number}.log").write_bytes(
            log(number, number + 100) + odd + b"no log line %d\n" % number
        )
    assert totals(take(max_files=64)) == (180, 60, 0, 0)
    assert sorted(set(asked)) == ["combined", "json", "loose", "vhost_combined"]
    assert len(asked) <= 6


def test_many_small_files_of_json_are_read_together(landing: Path, take: Take, asked: list[str]) -> None:
    for number in range(60):
        (landing / f"{number}.log").write_bytes(object_(number))
    assert totals(take(max_files=64)) == (60, 0, 0, 0)
    assert asked == ["json"]


def test_a_line_is_tried_by_each_format_once_and_then_given_up(
    landing: Path, take: Take, asked: list[str]
) -> None:
    (landing / "a.log").write_bytes(GARBAGE)
    assert totals(take()) == (0, 300, 0, 0)
    assert asked == ["combined", "loose"]
