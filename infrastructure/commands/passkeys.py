"""`almoner passkeys`: invite people to make one, list them, withdraw one that was lost."""

import getpass
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infrastructure.commands import session_file
from infrastructure.commands.identity import HERE, By, Home, speaker
from infrastructure.commands.speaking import done, plainly
from infrastructure.commands.surroundings import find

if TYPE_CHECKING:
    from blocks.proofs.keyring import House
    from blocks.records.passkeys import Passkey

app = typer.Typer(no_args_is_help=True, help="Passkeys: with them people confirm what policy says is large.")
Recover = Annotated[str, typer.Option(metavar="WHY", help="Nobody is left who can vouch; the audit names it.")]
AsJson = Annotated[bool, typer.Option("--json", help="With the public keys, for an auditor.")]


@app.command()
def invite(
    person: Annotated[str, typer.Argument(help="Who, by their id in the directory, such as ivo.petrov.")],
    by: By = "",
    recover: Recover = "",
    home: Home = HERE,
) -> None:
    """Print a link by which one person makes one passkey; it is good for a day and for one use.

    You sign it with your own passkey: for yourself, or for others where policy lets you vouch for people. The first
    ones of a house nobody can vouch for yet: their links serve at once.
    """
    with plainly():
        find(home)
        kept = session_file.read(home)
        by = by or (kept.person if kept and not recover else "")
        for line in done(_vouched(person, by) if by else _invited(person, recover)):
            print(line)


@app.command("list")
def list_keys(home: Home = HERE, as_json: AsJson = False) -> None:
    """List the enrolled passkeys: whose, since when, on whose word."""
    with plainly():
        find(home)
        keys = done(_keys())
        if as_json:
            told = [{**key.model_dump(mode="json"), "on_first_use": first} for key, first in keys]
            print(json.dumps(told, indent=1))
            return
        for key, first in keys:
            word = "trusted on first use" if first else f"vouched for by {key.by.removeprefix('person:')}"
            print(f"{key.credential[:16]}  {key.person}  {key.at:%Y-%m-%d %H:%M} UTC  {word}")
        print(f"{len(keys)} enrolled")


@app.command()
def withdraw(
    credential: Annotated[str, typer.Argument(help="The passkey, or how its name in the list begins.")],
    by: By = "",
    recover: Recover = "",
    home: Home = HERE,
) -> None:
    """Withdraw a passkey that was lost: your own, or anybody's where you vouch for people.

    What it has signed still counts; whoever logged in by it is logged out.
    """
    with plainly():
        find(home)
        key = done(_withdraw(credential, home, by, recover))
        print(f"✓ withdrawn: {key.credential[:16]} of {key.person}")


async def _vouched(person: str, by: str) -> list[str]:
    """Draw up an invitation for somebody enrolled to sign; nothing but their passkey can, so it takes no log-in."""
    from blocks import connect
    from blocks.errors import RefusedError
    from blocks.proofs.keyring import House
    from tasks.case import utc_now
    from tasks.signing.passkeys import vouch
    from tasks.signing.stepup import where_to_confirm

    house, now = House.here(), utc_now()
    rulebook = await connect.shelf().in_force(now)
    who = rulebook.directory.person(by)
    if who is None or not who.active:
        raise RefusedError("passkeys", f"{by} is not an active person of the directory")
    token, request = await vouch(person, who, _door(), ledger=connect.ledger(), rulebook=rulebook, at=now)
    return [*_link(person, house, token), f"It serves once you have signed it, {who.name}. {where_to_confirm(request)}"]


async def _invited(person: str, recovery: str) -> list[str]:
    from blocks import connect
    from blocks.proofs.keyring import House
    from tasks.case import utc_now
    from tasks.signing.passkeys import invite as invite_person

    house, now, ledger = House.here(), utc_now(), connect.ledger()
    rulebook = await connect.shelf().in_force(now)
    actor = f"door:{_door()}"
    token = await invite_person(person, actor, ledger=ledger, rulebook=rulebook, at=now, recovery=recovery)
    trust = (
        "`almoner ledger verify` will name it: nobody vouched for it." if recovery else "It is trusted on first use."
    )
    return [*_link(person, house, token), trust]


def _link(person: str, house: "House", token: str) -> list[str]:
    return [f"For {person} alone, once, within a day: send it to nobody else.", f"{house.origin}/passkeys/{token}"]


async def _keys() -> "list[tuple[Passkey, bool]]":
    from blocks import connect
    from blocks.proofs.enrolments import on_first_use
    from blocks.proofs.keyring import PASSKEYS, passkeys_of

    chain = await connect.ledger().read(PASSKEYS)
    return [(key, on_first_use(key, chain.lines)) for key in passkeys_of(chain).keys]


async def _withdraw(credential: str, home: Path, claim: str, recovery: str) -> "Passkey":
    from blocks import connect
    from tasks.case import utc_now
    from tasks.signing.passkeys import withdraw as withdraw_key

    ledger, now = connect.ledger(), utc_now()
    if recovery:  # nobody is left who could log in and say so
        rulebook = await connect.shelf().in_force(now)
        return await withdraw_key(
            credential, None, _door(), ledger=ledger, rulebook=rulebook, at=now, recovery=recovery
        )
    by, door, rulebook, now = await speaker(home, claim)
    return await withdraw_key(credential, by, door, ledger=ledger, rulebook=rulebook, at=now)


def _door() -> str:
    return f"cli~{getpass.getuser()}"
