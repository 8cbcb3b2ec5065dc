"""What is configured, what is missing, and the cure: the check-up of an installation."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines import quality, traffic
from pipelines.charter import load
from pipelines.errors import CharterError, ConfigurationError
from pipelines.faults import internal_error
from pipelines.installation import Installation
from pipelines.places import Places
from pipelines.vault import load_master_key

_ENOUGH_FREE_BYTES = 2 << 30
_OPENED = ("charter.toml", "folders", "master key")  # what an installation is opened with

Check = tuple[str, Callable[[], str], tuple[str, ...]]  # its name, itself, and the checks that it stands on


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `said` is what was found, or what is missing with its cure."""

    name: str
    is_well: bool
    said: str


def examine(environ: Mapping[str, str]) -> list[Finding]:
    """Look at everything a nightly run needs, in the order in which it needs it; never raises."""
    places = Places.from_environment(environ)
    checks: list[Check] = [
        ("Python", _python, ()),
        ("charter.toml", lambda: f"version {load(places.charter_file).version}, {places.charter_file}", ()),
        ("log formats", lambda: _formats(places), ("charter.toml",)),
        ("expectations", lambda: _suites(places), ()),
        ("folders", lambda: _folders(places), ()),
        ("keys apart", lambda: _keys_apart(places), ("folders",)),
        ("master key", lambda: _master_key(environ, places), ()),
        ("encryption", lambda: _encryption(environ), _OPENED),
        ("disk", lambda: _disk(places), ()),
        ("ledger", lambda: _ledger(environ), _OPENED),
        ("stores", lambda: _stores(environ), _OPENED),
        ("landing", lambda: _landing(places), ("folders",)),
        ("release", lambda: _release(places), ()),
    ]
    return list(_examined(checks))


def _examined(checks: list[Check]) -> Iterator[Finding]:
    """Yield a finding for each check; one whose ground is missing is not made, and says which."""
    ill: list[str] = []
    for name, check, needs in checks:
        said = None
        if missing := [need for need in needs if need in ill]:
            said = f"not looked at: needs {missing[0]}, above."
        else:
            try:
                yield Finding(name, is_well=True, said=check())
            except CharterError as error:
                said = str(error)
            except Exception as error:  # noqa: BLE001 a check-up does not stop at the first illness
                said = str(internal_error(error))
        if said is not None:
            ill.append(name)
            yield Finding(name, is_well=False, said=said)


def _python() -> str:
    return ".".join(str(part) for part in sys.version_info[:3])


def _suites(places: Places) -> str:
    quality.check_suites(places.expectations)
    return "one suite for each table, all columns declared"


def _formats(places: Places) -> str:
    rules = load(places.charter_file).traffic
    traffic.check_formats(places.charter_file, rules)
    if not rules.formats:
        return "detected; charter.toml names none of the site's own"
    return f"{', '.join(rules.formats)} of charter.toml; others are detected"


def _folders(places: Places) -> str:
    private = (places.vault, places.keys, places.ledger)
    folders = (*private, places.landing, places.releases, places.reports)
    _refuse([folder for folder in folders if not folder.is_dir()], "missing: run `charter init`")
    _refuse([folder for folder in private if folder.stat().st_mode & 0o077], "open to others: chmod 700")
    # os.access says no to root too where the file system is mounted read-only.
    _refuse(
        [folder for folder in folders if not os.access(folder, os.W_OK | os.X_OK)],
        "not writable by this user",
    )
    return f"there, private and writable; landing is {places.landing}"


def _refuse(folders: list[Path], what: str) -> None:
    if folders:
        raise ConfigurationError(f"{what}: {', '.join(str(folder) for folder in folders)}.")


def _keys_apart(places: Places) -> str:
    if places.keys.is_relative_to(places.vault) or places.vault.is_relative_to(places.keys):
        raise ConfigurationError("the keys lie inside the vault: name another folder in CHARTER_KEYS.")
    if places.keys.stat().st_dev == places.vault.stat().st_dev:
        return "in a folder of their own (a volume of their own is better still)"
    return "on a volume of their own"


def _master_key(environ: Mapping[str, str], places: Places) -> str:
    load_master_key(environ, places.keys)
    return "provided"


def _encryption(environ: Mapping[str, str]) -> str:
    with Installation.open(environ).vault.workshop(memory_mb=64, threads=1):
        return "DuckDB writes with OpenSSL's AES-256-GCM"


def _disk(places: Places) -> str:
    folder = next(path for path in (places.vault, *places.vault.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    if free < _ENOUGH_FREE_BYTES:
        raise ConfigurationError(f"only {free >> 20} MiB free: a full disk stops the legal purge, free some.")
    return f"{free >> 30} GiB free in {folder}"


def _ledger(environ: Mapping[str, str]) -> str:
    found = Installation.open(environ).ledger.verify()
    if not found.is_intact:
        raise ConfigurationError(f"line {found.line} {found.fault}: see docs/operations.md, damaged ledger.")
    return f"{found.entries} lines, intact, signed up to line {found.signed}"


def _stores(environ: Mapping[str, str]) -> str:
    vault = Installation.open(environ).vault
    vault.recognise()
    for kind in ("traffic", "contacts", "rights"):
        for store in vault.stores(kind)[-1:]:
            with vault.workshop(memory_mb=128, threads=1) as workshop:
                workshop.open(store)
    return f"{len(vault.stores('traffic'))} days of traffic; the newest of each kind opens"


def _landing(places: Places) -> str:
    waiting = sum(
        1
        for folder in (places.landing_traffic, places.landing_contacts)
        if folder.is_dir()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    )
    return f"{waiting} files wait for the next night" if waiting else "empty"


def _release(places: Places) -> str:
    current = places.releases / "current"
    if current.is_symlink() and not current.exists():
        raise ConfigurationError(
            "releases/current leads nowhere: point it to another release folder, or remove it."
        )
    return f"{current.resolve().name} in force" if current.exists() else "none yet: run `charter nightly`"
