"""`almoner vault`: read a raw message, or have a subject forgotten."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from infrastructure.commands.speaking import plainly
from infrastructure.commands.surroundings import find

if TYPE_CHECKING:
    from blocks.records.policy import Policy
    from tasks.forgetting import Grounds

app = typer.Typer(no_args_is_help=True, help="Read what the vault has sealed, or have it forgotten.")
Home = Annotated[Path, typer.Option(envvar="ALMONER_HOME", help="Whose stack.")]
By = Annotated[str, typer.Option("--as", help="Who asks: your id in the directory.")]
Why = Annotated[str, typer.Option(help="Why, in a line without names: the ledger keeps it.")]
HERE = Path(".almoner")
NOT_DONE = 1
T = TypeVar("T")


@app.callback()
def vault() -> None:
    """Read what the vault has sealed, or have it forgotten."""


@app.command()
def forget(
    subject: Annotated[str, typer.Argument(help="Whose data, e.g. message:inventory/42 or patient:<number>.")],
    by: By,
    why: Why,
    home: Home = HERE,
) -> None:
    """Destroy the key of a subject, for good: what it sealed can be read by nobody, and every proof still holds."""

    def told(name: str) -> str:
        return f"✓ Forgotten. The ledger knows it as {name}; `almoner ledger show book~vault` says who and why."

    print(told(_run(home, lambda: _forget(subject, why, by))))


@app.command("open")
def open_message(
    place: Annotated[str, typer.Argument(help="Where it lies, e.g. inbox/inventory/42 (see `ledger quarantine`).")],
    by: By,
    why: Why,
    home: Home = HERE,
) -> None:
    """Print a raw message as it came; the ledger keeps who read it, and why."""
    data = _run(home, lambda: _open(place, why, by))
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
            print(f"✗ There is nothing to read: {error}", file=sys.stderr)
    raise typer.Exit(NOT_DONE)


async def _forget(subject: str, why: str, by: str) -> str:
    from blocks import connect
    from tasks.forgetting import forget as forget_subject

    grounds, policy = await _asked(by, why)
    return await forget_subject(subject, grounds, ledger=connect.ledger(), policy=policy)


async def _open(place: str, why: str, by: str) -> bytes:
    from blocks import connect
    from tasks.forgetting import read_sealed

    grounds, policy = await _asked(by, why)
    return await read_sealed(place, grounds, ledger=connect.ledger(), policy=policy)


async def _asked(by: str, why: str) -> "tuple[Grounds, Policy]":
    """Say who asks, why and by which door, and by which policy they are judged."""
    import getpass

    from blocks import connect
    from tasks.case import utc_now
    from tasks.forgetting import Grounds

    now = utc_now()
    rulebook = await connect.shelf().in_force(now.date())
    return Grounds(rulebook.directory.person(by), why, f"cli~{getpass.getuser()}", now), rulebook.policy
