"""`almoner vault`: read a raw message, or have a subject forgotten."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from infrastructure.commands.identity import HERE, By, Home, speaker
from infrastructure.commands.speaking import plainly
from infrastructure.commands.surroundings import find

if TYPE_CHECKING:
    from blocks.records.policy import Policy
    from tasks.auditing.grounds import Grounds

app = typer.Typer(no_args_is_help=True, help="Read what the vault has sealed, or have it forgotten.")
Why = Annotated[str, typer.Option(help="Why, in a line without names: the ledger keeps it.")]
NOT_DONE = 1
T = TypeVar("T")


@app.callback()
def vault() -> None:
    """Read what the vault has sealed, or have it forgotten."""


@app.command()
def forget(
    subject: Annotated[str, typer.Argument(help="Whose data, e.g. message:inventory/42 or patient:<number>.")],
    why: Why,
    by: By = "",
    home: Home = HERE,
) -> None:
    """Destroy the key of a subject, for good: what it sealed can be read by nobody, and every proof still holds."""

    def told(name: str) -> str:
        return f"✓ Forgotten. The ledger knows it as {name}; `almoner ledger show book~vault` says who and why."

    print(told(_run(home, lambda: _forget(subject, why, home, by))))


@app.command("open")
def open_message(
    place: Annotated[str, typer.Argument(help="Where it lies, e.g. inbox/inventory/42 (see `ledger quarantine`).")],
    why: Why,
    by: By = "",
    home: Home = HERE,
) -> None:
    """Print a raw message as it came; the ledger keeps who read it, and why."""
    data = _run(home, lambda: _open(place, why, home, by))
    sys.stdout.buffer.write(data)


def _run(home: Path, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
    from blocks.errors import ConflictError, NotFoundError, OutsideError

    with plainly():
        find(home)
        try:
            return asyncio.run(ask())
        except (OutsideError, ConflictError) as error:
            print(f"✗ Nothing was done, {error}", file=sys.stderr)
        except NotFoundError as error:
            print(f"✗ There is nothing there: {error}", file=sys.stderr)
    raise typer.Exit(NOT_DONE)


async def _forget(subject: str, why: str, home: Path, by: str) -> str:
    from blocks import connect
    from tasks.auditing.forgetting import forget as forget_subject

    grounds, policy = await _asked(home, by, why)
    return await forget_subject(subject, grounds, ledger=connect.ledger(), policy=policy)


async def _open(place: str, why: str, home: Path, by: str) -> bytes:
    from blocks import connect
    from tasks.auditing.forgetting import read_sealed

    grounds, policy = await _asked(home, by, why)
    return await read_sealed(place, grounds, ledger=connect.ledger(), policy=policy)


async def _asked(home: Path, by: str, why: str) -> "tuple[Grounds, Policy]":
    """Say who asks, why and by which door, and by which policy they are judged."""
    from tasks.auditing.grounds import Grounds

    who = await speaker(home, by)
    return Grounds(who.by, why, who.door, who.at), who.rulebook.policy
