"""`almoner passkeys`: invite people to make one, list them, withdraw one that was lost."""

import asyncio
import getpass
import json
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from infrastructure.commands.speaking import plainly
from infrastructure.commands.surroundings import find

if TYPE_CHECKING:
    from blocks.records.passkeys import Passkey

app = typer.Typer(no_args_is_help=True, help="Passkeys: with them people confirm what policy says is large.")
Home = Annotated[Path, typer.Option(envvar="ALMONER_HOME", help="Whose stack.")]
AsJson = Annotated[bool, typer.Option("--json", help="With the public keys, for an auditor.")]
T = TypeVar("T")
REFUSED = 1


@app.command()
def invite(
    person: Annotated[str, typer.Argument(help="Who, by their id in the directory, such as ivo.petrov.")],
    home: Home = Path(".almoner"),
) -> None:
    """Print a link by which one person makes one passkey; it is good for a day and for one use."""
    with plainly():
        find(home)
        link = _run(_invite(person))
        print(f"For {person} alone, once, within a day: send it to nobody else.\n{link}")


@app.command("list")
def list_keys(home: Home = Path(".almoner"), as_json: AsJson = False) -> None:
    """List the enrolled passkeys: whose, since when, invited by whom."""
    with plainly():
        find(home)
        keys = _run(_keys())
        if as_json:
            print(json.dumps([key.model_dump(mode="json") for key in keys], indent=1))
            return
        for key in keys:
            print(f"{key.credential[:16]}  {key.person}  {key.at:%Y-%m-%d %H:%M} UTC  invited by {key.by}")
        print(f"{len(keys)} enrolled")


@app.command()
def withdraw(
    credential: Annotated[str, typer.Argument(help="The passkey, or how its name in the list begins.")],
    home: Home = Path(".almoner"),
) -> None:
    """Withdraw a passkey that was lost; what it has signed still counts."""
    with plainly():
        find(home)
        key = _run(_withdraw(credential))
        print(f"✓ withdrawn: {key.credential[:16]} of {key.person}")


async def _invite(person: str) -> str:
    from blocks import connect
    from blocks.keyring import House
    from tasks.case import utc_now
    from tasks.passkeys import invite as invite_person

    house, now = House.here(), utc_now()
    directory = (await connect.shelf().in_force(now.date())).directory
    token = await invite_person(person, _actor(), ledger=connect.ledger(), directory=directory, at=now)
    return f"{house.origin}/passkeys/{token}"


async def _keys() -> "tuple[Passkey, ...]":
    from blocks import connect
    from blocks.keyring import enrolled

    return (await enrolled(connect.ledger())).keys


async def _withdraw(credential: str) -> "Passkey":
    from blocks import connect
    from tasks.case import utc_now
    from tasks.passkeys import withdraw as withdraw_key

    return await withdraw_key(credential, _actor(), ledger=connect.ledger(), at=utc_now())


def _run(deed: Coroutine[Any, Any, T]) -> T:
    """Do it; what is refused is said in one line."""
    from blocks.errors import NotFoundError, OutsideError

    try:
        return asyncio.run(deed)
    except (OutsideError, NotFoundError) as refusal:
        print(f"✗ {refusal.detail if isinstance(refusal, OutsideError) else refusal}", file=sys.stderr)
        raise typer.Exit(REFUSED) from None


def _actor() -> str:
    return f"door:cli~{getpass.getuser()}"
