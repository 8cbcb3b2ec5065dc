import gzip
import os
from pathlib import Path

import pytest

from pipelines.errors import LandingError
from pipelines.landing import content, deliveries, discard, shown_name

KEY = b"k" * 32
MAX = 1 << 20


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("people.csv", "people.csv"),
        ("people-2026-11-21.csv.gz", "people-2026-11-21.csv.gz"),
        ("people_crm_20261121_2.jsonl", "people-crm-20261121-2.jsonl"),
        ("people-jane.doe@example.com.csv", "people-(7f).csv"),
        ("messages 0470123456.csv", "messages-(7f).csv"),
        ("consents-0470-12-34.csv", "consents-12-(7f).csv"),
        ("Jane Doe.xlsx", "(7f)"),
    ],
)
def test_a_shown_name_holds_nobody(name: str, shown: str) -> None:
    assert shown_name(Path(name), "7f") == shown


def only(folder: Path):
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
    discard(delivery, KEY)
    assert path.exists()
    discard(only(tmp_path), KEY)
    assert not path.exists()
    discard(delivery, KEY)  # gone already: success


def test_gzip_of_several_members_and_padding_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "people.csv.gz").write_bytes(gzip.compress(b"one ") + gzip.compress(b"two") + bytes(512))
    assert content(only(tmp_path), MAX) == b"one two"


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
        packed = bytearray(gzip.compress(bytes(MAX * 20)))
    elif damage == "long":
        packed = bytearray(b"x" * (MAX * 3))
    path.write_bytes(packed)
    delivery = only(tmp_path)
    if damage == "gone":
        path.unlink()
    with pytest.raises(LandingError, match=r"cut short|damaged|MiB|cannot be read"):
        content(delivery, MAX)


def test_folders_and_links_are_named_for_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "people.csv").mkdir()
    (tmp_path / "people-2.csv").symlink_to("/etc/passwd")
    (tmp_path / ".people.csv.part").write_bytes(b"")
    link, folder = deliveries(tmp_path, KEY)
    assert "folder" in (folder.fault or "")
    assert "not a regular file" in (link.fault or "")
    with pytest.raises(LandingError):
        content(folder, MAX)
