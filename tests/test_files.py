"""Writing whole, locking, and making bytes go away."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import files
from pipelines.errors import ConfigurationError, VaultError


def test_written_file_is_private_and_replaces_the_old_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "state"
    files.write_whole(path, b"old")
    with path.open("rb") as reader:
        files.write_whole(path, b"new and longer")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new and longer"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_what_a_killed_writer_left_is_destroyed_and_a_running_one_is_let_be(tmp_path: Path) -> None:
    """It may be a key; what belongs to a file of a longer name is another matter."""
    path = tmp_path / "a.key"
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    left = tmp_path / f".a.key.{ended.pid}.new"
    others = [tmp_path / f".a.key.old.{ended.pid}.new", tmp_path / f".a.key.{os.getppid()}.new"]
    for file in (left, *others):
        file.write_bytes(b"key material")
    os.link(left, tmp_path / "bytes")  # the same bytes, to be looked at after their name is gone
    files.write_whole(path, b"whole")
    assert path.read_bytes() == b"whole"
    assert not left.exists()
    assert b"key" not in (tmp_path / "bytes").read_bytes()
    assert [file.read_bytes() for file in others] == [b"key material"] * 2


def test_private_folder_and_its_parents_are_closed_to_others(tmp_path: Path) -> None:
    files.make_private_folder(tmp_path / "a" / "b")
    files.make_private_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_overwritten_bytes_are_gone_from_the_inode_before_the_name_is(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"k" * 47)
    os.link(path, tmp_path / "other-name")  # what an undelete tool would see
    files.overwrite_and_remove(path)
    assert not path.exists()
    left = (tmp_path / "other-name").read_bytes()
    assert len(left) == 47
    assert b"kkk" not in left


@pytest.mark.parametrize("remove", [files.overwrite_and_remove, files.remove_file, files.remove_folder])
def test_removing_what_is_not_there_is_success(remove: object, tmp_path: Path) -> None:
    remove(tmp_path / "absent")  # type: ignore[operator]


HOLDER = (
    "import sys, pathlib\nfrom pipelines.files import locked\n"
    "with locked(pathlib.Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()"
)


def test_lock_held_by_another_process_is_a_clear_error(tmp_path: Path) -> None:
    lock = tmp_path / "store.lock"
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            HOLDER,
            str(lock),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    with holder:
        assert holder.stdout.readline() == b"held\n"
        assert files.try_lock(lock) is None
        with (
            pytest.raises(VaultError, match="in use by another process"),
            files.locked(lock, wait_seconds=0.1),
        ):
            pytest.fail("two processes hold one lock")
        holder.kill()
    with files.locked(lock, wait_seconds=5):  # a killed process gives its lock up
        assert lock.exists()


def test_readers_share_a_lock(tmp_path: Path) -> None:
    with (
        files.locked(tmp_path / "l", shared=True),
        files.locked(tmp_path / "l", shared=True, wait_seconds=0.1),
    ):
        assert files.try_lock(tmp_path / "l") is None


@pytest.mark.parametrize(
    ("code", "cure"),
    [(errno.ENOSPC, "free space"), (errno.EROFS, "mount it writable"), (errno.EACCES, "give the")],
)
def test_refused_write_says_the_cure_and_no_path(code: int, cure: str) -> None:
    error = files.unwritable(OSError(code, "no", "/secret/canary@example.com"))
    assert isinstance(error, ConfigurationError)
    assert cure in str(error)
    assert "canary" not in str(error)


def test_full_disk_is_a_clear_error_and_leaves_the_old_file() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.fail("this test needs /dev/full, which every Linux has")
    with full.open("wb", buffering=0) as file, pytest.raises(OSError, match="space") as caught:
        file.write(b"x")
    assert "the disk is full" in str(files.unwritable(caught.value))
