from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path

import pytest

from pipelines.errors import LandingError
from pipelines.landing import Delivery, deliveries, discard, pieces, shown_name, whole

KEY = b"k" * 32
MAX = 1 << 20


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("people.csv", "people.csv"),
        ("people-2026-11-21.csv.gz", "people-2026-11-21.csv.gz"),
        ("people-2026-11-21.csv.zst", "people-2026-11-21.csv.zst"),
        ("people_crm_20261121_2.jsonl", "people-crm-20261121-2.jsonl"),
        ("people-jane.doe@example.com.csv", "people-(7f).csv"),
        ("messages 0470123456.csv", "messages-(7f).csv"),
        ("consents-0470-12-34.csv", "consents-12-(7f).csv"),
        ("Jane Doe.xlsx", "(7f)"),
    ],
)
def test_a_shown_name_holds_nobody(name: str, shown: str) -> None:
    assert shown_name(Path(name), "7f") == shown


def only(folder: Path) -> Delivery:
    (found,) = deliveries(folder, KEY)
    return found


def test_a_delivery_is_known_by_what_would_change(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(b"1")
    first = only(tmp_path).delivery_id
    assert only(tmp_path).delivery_id == first
    os.utime(path, ns=(1, 1))
    assert only(tmp_path).delivery_id != first
    assert deliveries(tmp_path, b"x" * 32)[0].delivery_id != only(tmp_path).delivery_id
    assert deliveries(tmp_path / "nowhere", KEY) == []


def test_what_changed_meanwhile_is_not_discarded(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(b"1")
    delivery = only(tmp_path)
    path.write_bytes(b"12")
    assert discard(delivery, tmp_path, KEY) is None
    assert path.exists()
    assert discard(only(tmp_path), tmp_path, KEY) is None
    assert not path.exists()
    assert discard(delivery, tmp_path, KEY) is None  # gone already: success


def test_a_file_that_cannot_be_removed_is_told_with_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "people.csv").write_bytes(b"1")

    def refused(_path: Path) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "unlink", refused)  # root may remove anything, so a mode would not do
    assert "cannot be removed: give" in (discard(only(tmp_path), tmp_path, KEY) or "")


def test_a_file_that_grew_since_it_was_listed_is_left_for_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(b"1")
    delivery = only(tmp_path)
    path.write_bytes(b"12")
    with pytest.raises(LandingError, match="still being written"):
        list(pieces(delivery))
    assert whole(only(tmp_path), MAX) == b"12"


def test_a_packed_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "people.csv.gz").write_bytes(gzip.compress(b"one ") + gzip.compress(b"two") + bytes(512))
    assert whole(only(tmp_path), MAX) == b"one two"


def test_a_file_of_just_the_most_is_read(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_bytes(b"x" * MAX)
    assert len(whole(only(tmp_path), MAX)) == MAX


@pytest.mark.parametrize("damage", ["cut", "bent", "checksum", "bomb", "long", "gone"])
def test_damage_is_told_in_one_line(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "people.csv"
    packed = bytearray(gzip.compress(os.urandom(5_000)))
    if damage == "cut":
        packed = packed[:-100]
    elif damage == "bent":
        packed[2_000:2_100] = bytes(100)
    elif damage == "checksum":
        packed[-6] ^= 1
    elif damage == "bomb":
        packed = bytearray(zlib.compress(bytes(MAX * 20), wbits=31))
    elif damage == "long":
        packed = bytearray(b"x" * (MAX + 1))
    path.write_bytes(packed)
    delivery = only(tmp_path)
    if damage == "gone":
        path.unlink()
    with pytest.raises(LandingError, match=r"ends too early|damaged|1 MiB|cannot be read"):
        whole(delivery, MAX)


def test_folders_and_links_are_named_for_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "people.csv").mkdir()
    (tmp_path / "people-2.csv").symlink_to("/etc/passwd")
    (tmp_path / ".people.csv").write_bytes(b"")
    (tmp_path / "people.csv.part").write_bytes(b"")
    link, folder = deliveries(tmp_path, KEY)
    assert "folder" in (folder.fault or "")
    assert "not a regular file" in (link.fault or "")
    for delivery in (link, folder):
        with pytest.raises(LandingError):
            whole(delivery, MAX)
