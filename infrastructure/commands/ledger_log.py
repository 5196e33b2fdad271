"""`almoner ledger seal` and `almoner ledger keys`: the Merkle log, by hand."""

import asyncio
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infrastructure.commands.speaking import plainly
from infrastructure.commands.surroundings import find
from infrastructure.local.stack.trouble import StackError

if TYPE_CHECKING:
    from blocks.sealing.log import Tenure
    from blocks.wire.signed_note import Checkpoint, SecretKey

Home = Annotated[Path, typer.Option(envvar="ALMONER_HOME", help="Whose stack.")]
keys = typer.Typer(help="The keys that sign the ledger's log.")
KEY = "ALMONER_LOG_KEY"


def seal(home: Home = Path(".almoner")) -> None:
    """Put every entry under a signed head, once and now; the stack does it by itself every second."""
    with plainly():
        find(home)
        head, found = asyncio.run(_seal(_signer(home)))
        print(f"✓ {head.size} entries under a signed head, {found} of them new; root {head.root.hex()}")


@keys.callback(invoke_without_command=True)
def listed(context: typer.Context, home: Home = Path(".almoner")) -> None:
    """List the log's keys, oldest first, and for which heads each signed."""
    if context.invoked_subcommand:
        return
    with plainly():
        find(home)
        for tenure in asyncio.run(_tenures()):
            until = "and still" if tenure.until is None else f"to {tenure.until}"
            print(f"{tenure.key.text}\n  signs for {tenure.since} entries {until}")


@keys.command()
def new(
    name: Annotated[
        str, typer.Argument(help="What signatures call it, e.g. hospital.example/ledger; a successor's is the same.")
    ],
) -> None:
    """Make a key, and print it: the secret on stdout (keep it where secrets are kept), the public one on stderr."""
    from blocks.wire.signed_note import KeyTextError, SecretKey

    with plainly():
        try:
            key = SecretKey.made(name)
        except KeyTextError as error:
            raise StackError(f"{error}.", "Give a name like hospital.example/ledger.") from error
        print(key.text)
        print(f"public: {key.public.text}", file=sys.stderr)


@keys.command()
def handover(
    to: Annotated[Path | None, typer.Option(help="The new secret key's file; a laptop makes one itself.")] = None,
    home: Home = Path(".almoner"),
) -> None:
    """Let the next key sign from here on: the old one says so, and seals nothing more."""
    from blocks.errors import ConflictError, OutsideError
    from blocks.wire.signed_note import SecretKey

    with plainly():
        find(home)
        old = _signer(home)
        if to is None and not _is_laptop(home):
            raise StackError("No new key was given.", "`almoner ledger keys new` makes one; give its file as --to.")
        successor = _successor(to) if to else SecretKey.made(old.name)
        try:
            tenure = asyncio.run(_hand_over(old, successor))
        except (OutsideError, ConflictError) as error:
            raise StackError(f"Nothing was handed over: {error}.", "Set right what it says, then try again.") from error
        if _is_laptop(home):
            _keep(home, successor)
        print(f"✓ from {tenure.since} entries on, {tenure.key.text} signs")
        anew = "start that anew; on a laptop: `almoner down`, then `almoner up`"
        print(f"Give the new key to whatever seals ({KEY}) and {anew}.")


def _successor(file: Path) -> "SecretKey":
    from blocks.wire.signed_note import KeyTextError, SecretKey

    try:
        return SecretKey.parse(file.read_text())
    except (KeyTextError, UnicodeDecodeError) as error:
        raise StackError(f"{file} holds no secret key: {error}.", "`almoner ledger keys new` makes one.") from error


def _is_laptop(home: Path) -> bool:
    return (home / "secrets.json").exists()


def _signer(home: Path) -> "SecretKey":
    """Read the key that signs now: from the environment, else from the laptop's own secrets."""
    import os

    from blocks import connect
    from blocks.wire.signed_note import KeyTextError, SecretKey
    from infrastructure.local.stack.keys import load_or_make

    try:
        if os.environ.get(KEY) or os.environ.get(f"{KEY}_FILE") or not _is_laptop(home):
            return connect.secret_key(KEY)
        return SecretKey.parse(load_or_make(home / "secrets.json").log_key)
    except (connect.SettingError, KeyTextError) as error:
        raise StackError(f"{error}.", f"Set {KEY}, or {KEY}_FILE to the file that holds it.") from error


def _keep(home: Path, successor: "SecretKey") -> None:
    from infrastructure.local.stack.keys import load_or_make, write

    path = home / "secrets.json"
    kept = load_or_make(path)
    write(path, replace(kept, log_key=successor.text, log_first_key=kept.log_first))


async def _seal(key: "SecretKey") -> "tuple[Checkpoint, int]":
    from blocks import connect
    from blocks.sealing.sealer import Sealer
    from blocks.wire.signed_note import Checkpoint

    sealer = Sealer(connect.ledger(), key, by_store=True)
    await sealer.follow()
    before = sealer.edge.size
    await sealer.sweep()
    while sealer.waiting:
        await sealer.seal(datetime.now(UTC))
    return Checkpoint(key.name, sealer.edge.size, sealer.edge.root), sealer.edge.size - before


async def _tenures() -> "tuple[Tenure, ...]":
    from blocks import connect

    log = connect.log()
    if log is None:
        where = "whoever began the log published it then; it stands in every pack's about.json"
        raise StackError("The log's first public key is not known.", f"Set ALMONER_LOG_FIRST_KEY to it: {where}.")
    return await log.tenures()


async def _hand_over(old: "SecretKey", successor: "SecretKey") -> "Tenure":
    from blocks import connect
    from blocks.sealing.handover import hand_over

    log = connect.log()
    return await hand_over(connect.ledger(), log.first_key if log else old.public, old, successor)
