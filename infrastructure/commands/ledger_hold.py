"""`almoner ledger hold`, `release`, `holds`: what a matter asks to be kept, beyond any retention."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infrastructure.commands.identity import HERE, By, Home, speaker
from infrastructure.commands.speaking import done, plainly
from infrastructure.commands.surroundings import find

if TYPE_CHECKING:
    from tasks.auditing.holding import Held, Hold

What = Annotated[str, typer.Argument(metavar="CASE|SUBJECT", help="A case, or a subject such as message:inventory/42.")]
Because = Annotated[str, typer.Option(help="Why, such as the matter it is for, without names: the ledger keeps it.")]


def hold(what: What, because: Because, by: By = "", home: Home = HERE) -> None:
    """Put a legal hold on a case and all its documents, or on a subject: nothing of it ends or is forgotten."""
    with plainly():
        find(home)
        held = done(_change(what, because, by, home, on=True))
        print(f"✓ {held.target} is under legal hold. {_objects(held, 'held')}")
        if held.forgetting:
            print(f"⚠ {held.forgetting}. If it is still there, `almoner vault open PLACE` reads it.")


def release(what: What, because: Because, by: By = "", home: Home = HERE) -> None:
    """Lift a legal hold; what retention or another hold keeps is kept on."""
    with plainly():
        find(home)
        held = done(_change(what, because, by, home, on=False))
        print(f"✓ {held.target} is under legal hold no more. {_objects(held, 'let go')}")


def list_holds(home: Home = HERE) -> None:
    """List the legal holds that are on: since when, by whom, and why."""
    with plainly():
        find(home)
        found = asyncio.run(_holds())
        for one in found:
            print(f"⚖ {one.target}  {one.words}")
        print(f"{len(found)} legal holds")


def _objects(held: "Held", what: str) -> str:
    if held.objects is None:
        return "The store is a folder, which can hold nothing: the ledger alone says so."
    return f"{held.objects} objects were {what}; `almoner ledger show book~holds` says who, and why."


async def _change(what: str, because: str, by: str, home: Path, *, on: bool) -> "Held":
    from blocks import connect
    from tasks.auditing.grounds import Grounds
    from tasks.auditing.holding import hold as put_on
    from tasks.auditing.holding import release as lift

    who = await speaker(home, by)
    grounds = Grounds(who.by, because, who.door, who.at)
    change, ledger = put_on if on else lift, connect.ledger()
    return await change(what, grounds, ledger=ledger, policy=who.rulebook.policy, bucket=connect.bucket())


async def _holds() -> "tuple[Hold, ...]":
    from blocks import connect
    from tasks.auditing.holding import holds

    return await holds(connect.ledger())
