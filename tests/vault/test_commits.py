"""Segments of several stores come into force together, whatever is killed, shredded or revised meanwhile."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.vault import Keyring, Vault, load_master_key, stores

STORES = ("traffic/2026-11-20", "traffic/2026-11-21", "traffic/2026-11-22")
OLD, DAY, LAST = STORES


def reject(text: str) -> dict[str, str]:
    return {
        "rejects": "SELECT uuid() AS load_id, 1::BIGINT AS line, DATE '2026-11-22' AS received_on, "
        f"'not_a_log_line' AS reason, '{text}'::BLOB AS raw"
    }


def texts(vault: Vault, *names: str) -> list[str]:
    with vault.workshop(threads=1) as workshop:
        workshop.open(*names)
        rows = workshop.connection.execute("SELECT raw FROM rejects ORDER BY raw").fetchall()
    return [bytes(row[0]).decode() for row in rows]


def seal(vault: Vault, text: str, *names: str, segment: str) -> None:
    with vault.workshop(threads=1) as workshop, workshop.sealing() as sealing:
        for name in names:
            assert sealing.add(name, segment, reject(text))


def leftovers(vault: Vault) -> list[str]:
    """What of a commit, revision or shredding is still half done."""
    commits = list(vault.commits.iterdir()) if vault.commits.exists() else []
    scratch = [path for path in (vault.root / "tmp").iterdir() if path.name != ".guard"]
    odd = [path for path in vault.root.rglob("*") if path.name.startswith((".new-", ".shred-"))]
    return [path.name for path in (*commits, *scratch, *odd)]


# ---- killed, by the system, at every step

KILLED_AT_EVERY_STEP = """
import os, shutil, signal, sys, pathlib
from duckdb_extensions import import_extension
from pipelines.vault import Keyring, Vault, load_master_key

import_extension("httpfs")
root, each, stores = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
row = ("SELECT uuid() AS load_id, 1::BIGINT AS line, DATE '2026-11-22' AS received_on, 'not_a_log_line' AS reason, "
       "'new'::BLOB AS raw")

def deadly(name, left):
    genuine = getattr(os, name)
    def act(*arguments, **more):
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        return genuine(*arguments, **more)
    setattr(os, name, act)

def commit(place, step):
    vault = Vault(place / "vault", Keyring(place / "keys", load_master_key({}, place / "keys")))
    with vault.workshop(threads=1) as workshop:
        left = [step]
        for name in ("replace", "rename", "fsync", "mkdir", "unlink", "rmdir"):
            deadly(name, left)
        with workshop.sealing() as sealing:
            for store in stores:
                sealing.add(store, "new", {"rejects": row})

step = 0
while True:
    place = root / f"step-{step}"
    shutil.copytree(root / "before", place)
    child = os.fork()
    if not child:
        commit(place, step)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    print(step, "done" if status == 0 else "killed" if os.WIFSIGNALED(status) else "failed", flush=True)
    if not os.WIFSIGNALED(status):
        break
    step += each
"""


def vault_at(place: Path) -> Vault:
    return Vault(place / "vault", Keyring(place / "keys", load_master_key({}, place / "keys")))


@pytest.mark.parametrize("each", [5, pytest.param(1, marks=pytest.mark.long)])
def test_killed_at_every_step_all_three_segments_are_in_force_or_none(
    vault: Vault, tmp_path: Path, each: int
) -> None:
    before = tmp_path / "steps" / "before"
    seal(vault, "old", OLD, segment="old")
    before.mkdir(parents=True)
    vault.root.rename(before / "vault")
    vault.keyring.folder.rename(before / "keys")
    done = subprocess.run(
        [sys.executable, "-c", KILLED_AT_EVERY_STEP, str(before.parent), str(each), *STORES],
        cwd=Path(__file__).parent.parent.parent, stdout=subprocess.PIPE, check=True, text=True,
    )  # fmt: skip
    *killed, last = done.stdout.splitlines()
    assert last.endswith("done")
    assert len(killed) * each > 30, "each file is synced, renamed, and its folder synced"
    partly, fates = 0, set()
    for line in killed:
        step = int(line.removesuffix(" killed"))
        found = vault_at(tmp_path / "steps" / f"step-{step}")
        placed = [store for store in STORES if "new" in _placed(found, store)]
        partly += 0 < len(placed) < len(STORES)
        in_force = [
            store for store in STORES if "new" in found.segments(store) or store in found.stores("traffic")
        ]
        fates.add(_fate_of(found, had_some=bool(placed)))
        assert in_force in ([OLD], list(STORES)), step
    assert partly, "some kills must fall between two of the three"
    assert fates == {0, len(STORES)}


def _placed(vault: Vault, store: str) -> list[str]:
    return [path.stem for path in (vault.root / store).rglob("*.duckdb")]


def _fate_of(vault: Vault, *, had_some: bool) -> int:
    """Settle `vault`; return how many of the three new segments are there, and leave nothing half done."""
    vault.settle_all()
    new = [store for store in STORES if "new" in vault.segments(store)]
    assert new == list(STORES) or (new == [] and not had_some)
    with vault.workshop(threads=1) as workshop:  # sweeps what the killed process left
        workshop.open(*STORES)
        rows = workshop.connection.execute("SELECT raw FROM rejects").fetchall()
    assert sorted(bytes(raw).decode() for (raw,) in rows) == ["new"] * len(new) + ["old"]
    assert leftovers(vault) == []
    keyed = {name.removeprefix("stores/").rpartition("/")[0] for name in vault.keyring.names("stores/")}
    assert keyed == set(vault.stores("traffic"))
    return len(new)


# ---- what others do meanwhile


class Killed(BaseException):
    """Stands for kill -9: nothing of ours may catch it."""


@pytest.fixture
def half_done(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Vault:
    """A vault with a segment each of two days, whose new ones for three days are in force but not in place."""
    seal(vault, "old", OLD, DAY, segment="old")

    def kill(*_arguments: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(stores, "put", kill)
        with pytest.raises(Killed):
            seal(vault, "new", *STORES, segment="new")
    assert [_placed(vault, store) for store in STORES] == [["old"], ["old"], []]
    return vault


def test_a_store_whose_first_segment_is_on_its_way_is_listed(half_done: Vault) -> None:
    """Otherwise a run would not know of what a killed one took in, and take it in again."""
    assert half_done.stores("traffic") == list(STORES)
    assert texts(half_done, *STORES) == ["new"] * 3 + ["old"] * 2


def test_opening_one_store_finishes_what_was_put_in_force(half_done: Vault) -> None:
    assert texts(half_done, DAY) == ["new", "old"]
    assert leftovers(half_done) == []


def test_a_shredded_store_takes_what_was_on_its_way_to_it_along(half_done: Vault) -> None:
    half_done.shred(LAST)
    half_done.shred(DAY)
    half_done.settle_all()
    assert half_done.traces(LAST) == half_done.traces(DAY) == []
    assert texts(half_done, *STORES) == ["new", "old"]
    assert half_done.stores("traffic") == [OLD]


def test_a_commit_whose_store_was_shredded_before_it_was_finished_brings_nothing_back(
    half_done: Vault,
) -> None:
    """As on a machine restored from a backup, whose keyring has forgotten the day."""
    for name in half_done.keyring.names(f"stores/{DAY}/"):
        half_done.keyring.shred(name)
    (half_done.root / DAY).rename(half_done.root / "traffic" / ".shred-2026-11-21")
    half_done.settle_all()
    assert half_done.traces(DAY) == []
    assert half_done.stores("traffic") == [OLD, LAST]
    assert texts(half_done, *STORES) == ["new", "new", "old"]
    assert leftovers(half_done) == []


def test_a_revision_includes_what_was_on_its_way_and_seals_all_under_the_fresh_key(half_done: Vault) -> None:
    old_key = half_done.keyring.names(f"stores/{DAY}/")
    with half_done.workshop(threads=1) as workshop:
        workshop.revise(DAY, {"rejects": "SELECT * FROM rejects WHERE raw <> 'old'::BLOB"})
    assert texts(half_done, DAY) == ["new"]
    assert half_done.segments(DAY) == ["new", "old"]
    assert set(half_done.keyring.names(f"stores/{DAY}/")).isdisjoint(old_key)
    assert leftovers(half_done) == []


def test_one_who_finishes_late_makes_no_folder_of_a_store_that_is_gone(
    half_done: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between seeing a file and moving it, another may finish the commit and then shred the store."""
    shredding: list[Future[None]] = []
    genuine = Keyring.has

    def slow(self: Keyring, name: str) -> bool:
        found = genuine(self, name)
        if not shredding:
            shredding.append(pool.submit(half_done.shred, OLD))
            time.sleep(0.3)
        return found

    with ThreadPoolExecutor(1) as pool, monkeypatch.context() as patch:
        patch.setattr(Keyring, "has", slow)
        half_done.finish_commits()
        shredding[0].result()
    assert [half_done.traces(store) for store in STORES] == [[], ["key", "files"], ["key", "files"]]
    seal(half_done, "again", OLD, segment="again")
    assert texts(half_done, OLD) == ["again"]


@contextmanager
def adding(vault: Vault, *names: str) -> Iterator[None]:
    """Have segments of `names` in the making."""
    with vault.workshop(threads=1) as workshop, workshop.sealing() as sealing:
        for name in names:
            assert sealing.add(name, "new", reject("new"))
        yield


def test_who_shreds_waits_for_who_adds_and_nothing_comes_back(vault: Vault) -> None:
    seal(vault, "old", OLD, DAY, segment="old")
    with ThreadPoolExecutor(1) as pool:
        with adding(vault, OLD, DAY):
            shredding = pool.submit(vault.shred, DAY)
            time.sleep(0.1)
            assert not shredding.done()
        shredding.result()
    vault.settle_all()
    assert vault.traces(DAY) == []
    assert texts(vault, OLD, DAY) == ["new", "old"]


def test_who_revises_waits_for_who_adds_and_loses_nothing(vault: Vault) -> None:
    seal(vault, "old", DAY, segment="old")

    def revise() -> None:
        with vault.workshop(threads=1) as workshop:
            workshop.revise(DAY, {"rejects": "SELECT * FROM rejects WHERE raw <> 'old'::BLOB"})

    with ThreadPoolExecutor(1) as pool:
        with adding(vault, OLD, DAY):
            revising = pool.submit(revise)
            time.sleep(0.1)
            assert not revising.done()
        revising.result()
    assert texts(vault, OLD, DAY) == ["new", "new"]


def test_two_add_to_the_same_days_at_the_same_time(vault: Vault) -> None:
    with ThreadPoolExecutor(4) as pool:
        added = [pool.submit(seal, vault, f"{n}", *STORES, segment=f"s{n}") for n in range(4)]
        for one in added:
            one.result()
    assert texts(vault, *STORES) == sorted(["0", "1", "2", "3"] * 3)
    assert leftovers(vault) == []


def test_who_fails_while_adding_leaves_nothing(vault: Vault) -> None:
    with pytest.raises(ZeroDivisionError), adding(vault, *STORES):
        raise ZeroDivisionError
    vault.settle_all()
    assert vault.stores("traffic") == []
    assert vault.keyring.names("stores/") == []
    assert leftovers(vault) == []
