"""What `charter generate` writes: which files, how they appear, and the same bytes every time."""

from __future__ import annotations

import gzip
import hashlib
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipelines import synthetic
from pipelines.errors import UsageError
from pipelines.places import SOURCE_ROOT

DAY = date(2026, 11, 22)
CONTACT_FILES = ["consents.csv", "contracts.csv", "cookies.jsonl", "messages.jsonl", "people.csv"]


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_one_log_for_each_of_13_months_and_5_days_up_to_yesterday(logs):
    first = date(2025, 10, 17)
    assert list(logs) == [first + timedelta(days=number) for number in range((DAY - first).days)]


def test_every_line_asked_for_is_there(logs):
    assert sum(map(len, logs.values())) == 20_000


def test_contacts_have_one_file_of_each_kind(landing):
    assert sorted(path.name for path in (landing / "contacts").iterdir()) == CONTACT_FILES


def test_the_same_arguments_give_the_same_bytes_and_another_seed_others(tmp_path):
    for name, seed in (("one", 7), ("again", 7), ("other", 8)):
        synthetic.generate(tmp_path / name, day=DAY, months=0, extra_days=3, lines=300, seed=seed)
    one, again, other = (digests(tmp_path / name) for name in ("one", "again", "other"))
    assert one == again
    assert one.keys() == other.keys()
    same = {name for name in one if one[name] == other[name]}
    assert same == {"contacts/contracts.csv"}  # the same stories, and references and dates name nobody


def test_a_gzip_file_names_no_moment_and_no_file(landing):
    header = (landing / "traffic" / "www" / "access-2026-11-21.log.gz").read_bytes()[:10]
    assert header[:2] == b"\x1f\x8b"
    assert header[3] == 0  # no file name inside
    assert header[4:8] == bytes(4)  # no time of compression


def test_every_file_is_counted_and_reported(tmp_path):
    seen: list[tuple[int, int]] = []
    made = synthetic.generate(
        tmp_path, day=DAY, months=0, extra_days=4, lines=100, progress=lambda *step: seen.append(step)
    )
    assert (made.files, made.lines) == (9, 100)
    assert seen == [(6, 9), (7, 9), (8, 9), (9, 9)]
    assert len(digests(tmp_path)) == 9


def test_no_half_written_file_is_ever_seen_under_a_name_that_is_read(tmp_path):
    def look(done: int, total: int) -> None:
        for path in tmp_path.rglob("access-*"):
            gzip.decompress(path.read_bytes())  # raises where the end is missing

    synthetic.generate(tmp_path, day=DAY, months=0, extra_days=3, lines=300, progress=look)
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".") or path.suffix == ".part"]


@pytest.mark.parametrize(
    ("day", "first"),
    [
        (date(2024, 3, 31), date(2023, 2, 28)),
        (date(2024, 2, 29), date(2023, 1, 29)),
        (date(2025, 3, 29), date(2024, 2, 29)),
    ],
)
def test_months_are_months_of_the_calendar(tmp_path, day, first):
    synthetic.generate(tmp_path, day=day, extra_days=0, lines=10)
    assert min(path.name for path in (tmp_path / "traffic" / "www").iterdir()) == f"access-{first}.log.gz"


@pytest.mark.parametrize(
    "wrong", [{"lines": 0}, {"seed": -1}, {"months": 0, "extra_days": 0}, {"months": -1}]
)
def test_nonsense_is_refused(tmp_path, wrong):
    with pytest.raises(UsageError, match="nothing to generate"):
        synthetic.generate(tmp_path, day=DAY, **wrong)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("lines", [1, 5, 8])
def test_very_few_lines_are_still_as_many_as_asked_for(tmp_path, lines):
    synthetic.generate(tmp_path, day=DAY, months=0, extra_days=2, lines=lines)
    content = b"".join(gzip.decompress(path.read_bytes()) for path in tmp_path.rglob("*.gz"))
    assert content.count(b"\n") == lines


def test_the_sample_in_the_repository_is_what_the_generator_makes(tmp_path):
    synthetic.write_sample(tmp_path, day=DAY)
    sample = SOURCE_ROOT / "data" / "sample"
    assert digests(sample) == digests(tmp_path)
    (log,) = (sample / "traffic" / "www").iterdir()
    assert log.read_bytes().count(b"\n") == 200
