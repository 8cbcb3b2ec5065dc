"""`charter verify`, `certificate`, `backup` and `keys`: what keeps the evidence and the vault whole."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.terminal import Day, Later, day_or_today, now, opened, say, working
from pipelines.errors import ConfigurationError, RetentionError, UsageError
from pipelines.files import write_whole

if TYPE_CHECKING:
    from pipelines import backups, retention, vault
else:
    backups, retention, vault = (Later(f"pipelines.{name}") for name in ("backups", "retention", "vault"))

app = typer.Typer()
certificate_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Certificates of destruction: read and check them."
)
backup_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="A copy of the sealed files elsewhere, and the way back.",
)
keys_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="New keys for old.")
app.add_typer(certificate_app, name="certificate")
app.add_typer(backup_app, name="backup")
app.add_typer(keys_app, name="keys")

_STATES = {"well": "well   ", "ill": "ILL    ", "could not check": "UNKNOWN"}
Folder = Annotated[
    Path | None, typer.Argument(metavar="FOLDER", help="The backup's folder; CHARTER_BACKUP when left out.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="As `charter certificate list` shows it.")]


@app.command()
def verify(day: Day = None) -> None:
    """Check evidence and stores: nothing destroyed is back.

    It only reads. What could not be checked is never called well.
    """
    charter_of = opened()
    with working("verifying"):
        findings = retention.audit(charter_of, day=day_or_today(day))
        if charter_of.places.backup is not None:
            findings.append(_backup_finding())
    for finding in findings:
        say(f"{_STATES[finding.state]} {finding.name:<13} {finding.said}")
    if ill := sum(finding.state != "well" for finding in findings):
        raise RetentionError(f"{ill} of {len(findings)} checks are not well: each line above says why.")


def _backup_finding() -> retention.Finding:
    charter_of = opened()
    faults = backups.faults(charter_of, backups.backup_folder(charter_of))
    said = "; ".join(faults[:5]) or "every file is as it was signed"
    return retention.Finding("backup", "ill" if faults else "well", said)


@certificate_app.command("list")
def certificate_list() -> None:
    """List the certificates that were issued, the newest last."""
    issued = list(opened().ledger.entries("certificate_issued"))
    for entry in issued:
        say(f"{entry.at} {entry.facts['certificate']}")
    if not issued:
        say("no certificate was issued yet: nothing was due")


@certificate_app.command("show")
def certificate_show(
    name: Name,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the files go.")] = Path(),
) -> None:
    """Write a certificate as HTML, PDF and signed JSON."""
    signed = retention.read_certificate(charter_of := opened(), name)
    if not folder.is_dir():
        raise UsageError("there is no such folder: make it first.")
    write_whole(folder / f"{name}.html", retention.as_html(signed).encode())
    write_whole(folder / f"{name}.pdf", retention.as_pdf(signed))
    source = charter_of.places.ledger / "certificates" / f"{name}.json"
    write_whole(folder / f"{name}.json", source.read_bytes())
    for ending in ("html", "pdf", "json"):
        say(str(folder / f"{name}.{ending}"))


@certificate_app.command("verify")
def certificate_verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The JSON file of a certificate.")],
    key: Annotated[
        str | None,
        typer.Option(
            "--key", metavar="BASE64", help="The controller's public key; else this installation's."
        ),
    ] = None,
) -> None:
    """Check a certificate that somebody brings.

    Its signature must hold, and the ledger must know it.

    With --key no installation is needed: an inspector can check on a machine of their own.
    """
    if key is not None:
        statement = retention.check_certificate_file(file, _public_key(key))
        say(
            f"holds: {statement['certificate']}, issued {statement['issued_at']} by {statement['controller']}"
        )
        return
    charter_of = opened()
    statement = retention.check_certificate_file(file, charter_of.ledger.public_key_bytes)
    retention.check_certificate(charter_of, statement["certificate"])
    say(f"holds: {statement['certificate']}, issued {statement['issued_at']}, known to the ledger")


@certificate_app.command("key")
def certificate_key() -> None:
    """Print the public key of the certificates.

    Publish it once: with it anybody can check them.
    """
    say(base64.b64encode(opened().ledger.public_key_bytes).decode())


@backup_app.command("make")
def backup_make(folder: Folder = None, day: Day = None) -> None:
    """Bring the backup up to date.

    What is new is copied, what was purged leaves it.
    """
    charter_of = opened()
    with working("copying"):
        counts = backups.make(charter_of, _folder(folder), day=day_or_today(day), at=now())
    say(", ".join(f"{count:,} {name}" for name, count in counts.items()))


@backup_app.command("restore")
def backup_restore(folder: Folder = None, day: Day = None) -> None:
    """Put the backup back into an empty vault.

    What was purged since stays gone.
    """
    charter_of = opened()
    with working("restoring"):
        found = backups.restore(charter_of, _folder(folder), day=day_or_today(day), at=now())
    for line in backups.restored_lines(found):
        say(line)
    say("next: charter verify", to_stderr=True)


@backup_app.command("drill")
def backup_drill(folder: Folder = None, day: Day = None) -> None:
    """Rehearse a restore beside the vault, and record what was found."""
    charter_of = opened()
    with working("rehearsing"):
        found = backups.drill(charter_of, _folder(folder), day=day_or_today(day), at=now())
    say(f"the backup of {found.made_at} stands in: {found.stores} stores, {found.rows:,} rows open.")
    if found.purged:
        say(f"{found.purged} stores in it were purged since: no key opens them.")


@keys_app.command("rotate-master")
def rotate_master(
    new: Annotated[
        Path | None,
        typer.Option(
            "--new",
            metavar="FILE",
            help="A file with the new master key, where it is not kept with the keys.",
        ),
    ] = None,
) -> None:
    """Wrap every key with a fresh master key.

    The old one is destroyed. Killed, it is run again. No night may run meanwhile.
    """
    charter_of = opened()
    with working("wrapping"):
        count = _exchanged(new) if new else _rotated(charter_of.places.keys)
    charter_of = opened() if new is None else charter_of
    charter_of.ledger.append("master_key_rotated", day=day_or_today(None), at=now(), keys=count)
    say(f"{count} keys are wrapped with the new master key.")
    say("keep a copy of it away from this machine, and destroy the copies of the old one", to_stderr=True)


@keys_app.command("rotate-stores")
def rotate_stores() -> None:
    """Rebuild every store under a fresh key.

    The old keys are destroyed. Killed, it is run again.
    """
    charter_of = opened()
    with working("rotating"):
        count = sum(1 for _store in vault.rotate_stores(charter_of.vault))
    charter_of.ledger.append("store_keys_rotated", day=day_or_today(None), at=now(), stores=count)
    say(f"{count} stores have a fresh key.")


def _folder(folder: Path | None) -> Path:
    return folder.resolve() if folder is not None else backups.backup_folder(opened())


def _public_key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise UsageError("that is no public key: it is what `charter certificate key` prints.")
    return key


def _rotated(keys: Path) -> int:
    if not (keys / "master.key").exists() and vault.next_master_key_file(keys) is None:
        raise ConfigurationError(
            "the master key is provided from outside: make a new one there, and name it with --new FILE."
        )
    return int(vault.rotate_master_key(keys))


def _exchanged(new: Path) -> int:
    keys = opened().places.keys
    old_key = vault.load_master_key(os.environ, keys)
    new_key = vault.load_master_key({"CHARTER_MASTER_KEY_FILE": str(new)}, keys)
    return int(vault.exchange_master_key(keys, old_key, new_key))
