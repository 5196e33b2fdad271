"""`almoner case`: say what only a person can say about a case, or have what it bought taken back."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infrastructure.commands.identity import HERE, By, Home, speaker
from infrastructure.commands.speaking import plainly
from infrastructure.commands.surroundings import find

if TYPE_CHECKING:
    from tasks.cancelling import Unwanted
    from tasks.parked import Said

app = typer.Typer(no_args_is_help=True, help="Say what only a person can say about a case.")
NOT_SETTLED = 1


@app.callback()
def case() -> None:
    """Say what only a person can say about a case."""


@app.command()
def settle(
    case: Annotated[str, typer.Argument(help="A case in doubt, such as RQ-OKIPKKIRS6.")],
    by: By = "",
    made: Annotated[str, typer.Option(metavar="NUMBER", help="It happened: the document's number.")] = "",
    not_made: Annotated[bool, typer.Option("--not-made", help="It did not: try again under the same key.")] = False,
    give_up: Annotated[str, typer.Option(metavar="REASON", help="Leave it: the case ends as refused.")] = "",
    home: Home = HERE,
) -> None:
    """Say whether an effect happened of which nobody else can say so; the ledger keeps who said it.

    `almoner ledger show CASE` names the key: look in the ERP for the reference almoner:KEY first.
    """
    from blocks.errors import OutsideError, RefusedError
    from tasks.parked import CannotSettleError, Said

    said = [Said(case, "made", number=made)] * bool(made) + [Said(case, "not-made")] * not_made
    said += [Said(case, "given-up", because=give_up)] * bool(give_up)
    if len(said) != 1:
        raise typer.BadParameter("say one of --made NUMBER, --not-made, --give-up REASON")
    with plainly():
        find(home)
        try:
            told, heard = asyncio.run(_settle(said[0], home, by))
        except CannotSettleError as reason:
            print(f"✗ {reason}", file=sys.stderr)
            raise typer.Exit(NOT_SETTLED) from None
        except RefusedError as refusal:
            print(f"✗ {refusal.detail}", file=sys.stderr)
            raise typer.Exit(NOT_SETTLED) from None
        except OutsideError as error:
            print(f"✗ Nothing was settled, {error}. Please try again.", file=sys.stderr)
            raise typer.Exit(NOT_SETTLED) from None
    print(f"✓ {told}")
    if not heard:
        print("Nobody heard the bell: the case goes on with the next round of upkeep.")


@app.command()
def cancel(
    case: Annotated[str, typer.Argument(help="A case that was ordered or filled, such as RQ-OKIPKKIRS6.")],
    by: Annotated[str, typer.Option("--as", help="Who wants it cancelled: your id in the directory.")],
    because: Annotated[str, typer.Option(help="Why it is wanted no more; the ledger keeps it.")],
    home: Annotated[Path, typer.Option(envvar="ALMONER_HOME", help="Whose stack.")] = Path(".almoner"),
) -> None:
    """Have what a case ordered or issued taken back, before goods have arrived or left."""
    from blocks.errors import OutsideError
    from tasks.cancelling import CannotCancelError, Unwanted

    with plainly():
        find(home)
        try:
            told, heard = asyncio.run(_cancel(Unwanted(case, because), by))
        except CannotCancelError as reason:
            print(f"✗ {reason}", file=sys.stderr)
            raise typer.Exit(NOT_SETTLED) from None
        except OutsideError as error:
            print(f"✗ Nothing was taken down, {error}. Please try again.", file=sys.stderr)
            raise typer.Exit(NOT_SETTLED) from None
    print(f"✓ {told}")
    if not heard:
        print("Nobody heard the bell: the case goes on with the next round of upkeep.")


async def _cancel(unwanted: "Unwanted", by: str) -> tuple[str, bool]:
    import getpass

    from blocks import connect
    from blocks.bell import ring
    from tasks.cancelling import cancel as cancel_case
    from tasks.case import utc_now

    now = utc_now()
    person = (await connect.shelf().in_force(now.date())).directory.person(by)
    told = await cancel_case(unwanted, person, f"cli~{getpass.getuser()}", ledger=connect.ledger(), at=now)
    return told, await ring([unwanted.case])


async def _settle(said: "Said", home: Path, by: str) -> tuple[str, bool]:
    from blocks import connect
    from blocks.bell import ring
    from tasks.parked import settle as settle_parked

    who = await speaker(home, by)
    told = await settle_parked(
        said, who.by, who.door, ledger=connect.ledger(), erp=connect.erp(), rulebook=who.rulebook, at=who.at
    )
    return told, await ring([said.case])
