from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines import traffic
from pipelines.installation import Installation
from pipelines.traffic import Delivery
from pipelines.traffic.landing import batches, discard


@pytest.fixture
def found(installation: Installation) -> Callable[[], list[Delivery]]:
    return lambda: traffic.deliveries(installation.places, installation.keyring)


def test_a_file_still_being_written_is_left_alone(
    landing: Path, found: Callable[[], list[Delivery]], log: Callable[..., bytes]
) -> None:
    for name in (".a.log.swp", "b.log.part", "c.log"):
        (landing / name).write_bytes(log(1))
    (landing / ".hidden").mkdir()
    (landing / ".hidden" / "d.log").write_bytes(log(1))
    assert [delivery.path.name for delivery in found()] == ["c.log"]


def test_a_sub_folder_is_a_source(
    landing: Path, found: Callable[[], list[Delivery]], log: Callable[..., bytes]
) -> None:
    (landing / "web1").mkdir()
    (landing / "web1" / "a.log").write_bytes(log(1))
    (landing / "a.log").write_bytes(log(1))
    assert [delivery.source for delivery in found()] == ["", "web1"]


def test_what_is_no_file_has_a_fault(landing: Path, found: Callable[[], list[Delivery]]) -> None:
    (landing / "access.log").mkdir()
    (landing / "web1").mkdir()
    (landing / "web1" / "deep").mkdir()
    (landing / "out.log").symlink_to("/etc/passwd")
    os.mkfifo(landing / "pipe.log")
    assert {delivery.path.name: bool(delivery.fault) for delivery in found()} == dict.fromkeys(
        ("access.log", "deep", "out.log", "pipe.log"), True
    )


def test_an_empty_landing_is_no_delivery(landing: Path, found: Callable[[], list[Delivery]]) -> None:
    assert found() == []
    landing.rmdir()
    assert found() == []


def test_the_id_follows_name_size_time_and_file(
    landing: Path, found: Callable[[], list[Delivery]], log: Callable[..., bytes]
) -> None:
    file = landing / "a.log"
    file.write_bytes(log(1))
    ids = [found()[0].delivery_id, found()[0].delivery_id]
    assert ids[0] == ids[1]
    os.utime(file, ns=(1, 1))
    ids.append(found()[0].delivery_id)
    file.rename(landing / "b.log")
    ids.append(found()[0].delivery_id)
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    "name",
    [
        "joe.smith@example.org.log",
        "access-0612345678.log",
        "192.0.2.7.log.gz",
        "joe_smith-2026-11-21.log",
        "ä\udce4.log",
    ],
)
def test_the_name_of_a_file_is_shown_without_what_may_point_to_a_person(
    landing: Path, found: Callable[[], list[Delivery]], log: Callable[..., bytes], name: str
) -> None:
    (landing / name).write_bytes(log(1))
    delivery = found()[0]
    assert delivery.delivery_id.hex[:8] in delivery.shown_name
    for part in ("joe", "smith", "061", "192.0", "ä"):
        assert part not in delivery.shown_name


def test_copies_come_together_the_shortest_first(
    landing: Path, found: Callable[[], list[Delivery]], log: Callable[..., bytes]
) -> None:
    (landing / "1.log").write_bytes(log(1, 2, 3, 4))
    (landing / "2.log").write_bytes(log(7))
    (landing / "3.log.gz").write_bytes(gzip.compress(log(1, 2)) + gzip.compress(log(3)))
    (landing / "4.log").write_bytes(log(1))
    assert [delivery.path.name for delivery in found()] == ["4.log", "3.log.gz", "1.log", "2.log"]


W3C = b"#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Fields: date time\n"


def test_logs_that_share_only_their_directives_are_no_copies(
    landing: Path, found: Callable[[], list[Delivery]]
) -> None:
    (landing / "1.log").write_bytes(W3C + b"2026-11-20 10:00:00\n" * 3)
    (landing / "2.log").write_bytes(W3C + b"2026-11-21 10:00:00\n")
    (landing / "3.log").write_bytes(W3C + b"2026-11-20 10:00:00\n")
    assert [delivery.path.name for delivery in found()] == ["3.log", "1.log", "2.log"]
    assert [len(batch) for batch in batches(found(), max_files=1)] == [2, 1]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, bytes])
def test_a_copy_is_recognised_in_any_packing(
    landing: Path,
    found: Callable[[], list[Delivery]],
    log: Callable[..., bytes],
    pack: Callable[[bytes], bytes],
) -> None:
    (landing / "1.log").write_bytes(log(1, 2))
    (landing / "2.log").write_bytes(log(7))
    (landing / "3.log").write_bytes(pack(log(1)))
    assert [delivery.path.name for delivery in found()] == ["3.log", "1.log", "2.log"]


def test_batches_are_bounded_but_keep_copies_together(
    landing: Path, found: Callable[[], list[Delivery]], log: Callable[..., bytes]
) -> None:
    for number in range(5):
        (landing / f"{number}.log").write_bytes(log(number))
    (landing / "9.log").write_bytes(log(4, 5))
    by_count = [[delivery.path.name for delivery in batch] for batch in batches(found(), max_files=2)]
    assert by_count == [["0.log", "1.log"], ["2.log", "3.log"], ["4.log", "9.log"]]
    by_size = batches(found(), max_bytes=len(log(1)))
    assert [len(batch) for batch in by_size] == [1, 1, 1, 1, 2]
    assert batches([]) == []


def test_a_file_that_grew_meanwhile_is_not_removed(
    installation: Installation, landing: Path, found: Callable[[], list[Delivery]], log: Callable[..., bytes]
) -> None:
    file = landing / "a.log"
    file.write_bytes(log(1))
    before = found()[0]
    file.write_bytes(log(1, 2))
    assert discard(before, installation.places, installation.keyring) is None
    assert file.exists()
    assert discard(found()[0], installation.places, installation.keyring) is None
    assert not file.exists()
