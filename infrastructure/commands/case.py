"""`almoner case`: say what only a person can say about a case, or have what came of it taken back."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infrastructure.commands.identity import HERE, By, Home, speaker
from infrastructure.commands.speaking import plainly
from infrastructure.commands.surroundings import find

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tasks.cancelling import Unwanted
    from tasks.parked import Said
    from tasks.reversing import Wrong

    Word = Callable[[], Coroutine[Any, Any, tuple[str, bool]]]

HELP = "Say what only a person can say about a case, or have what came of it taken back."
app = typer.Typer(no_args_is_help=True, help=HELP)
NOT_TAKEN = 1


@app.callback(help=HELP)
def case() -> None:
    """Keep the commands below a name of their own."""


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
    from tasks.parked import CannotSettleError, Said

    said = [Said(case, "made", number=made)] * bool(made) + [Said(case, "not-made")] * not_made
    said += [Said(case, "given-up", because=give_up)] * bool(give_up)
    if len(said) != 1:
        raise typer.BadParameter("say one of --made NUMBER, --not-made, --give-up REASON")
    _take(lambda: _settle(said[0], home, by), home, "Nothing was settled", CannotSettleError)


@app.command()
def cancel(
    case: Annotated[str, typer.Argument(help="A case that was ordered or filled, such as RQ-OKIPKKIRS6.")],
    because: Annotated[str, typer.Option(help="Why it is wanted no more; the ledger keeps it.")],
    by: By = "",
    home: Home = HERE,
) -> None:
    """Have what a case ordered or issued taken back, before goods have arrived or left."""
    from tasks.cancelling import CannotCancelError, Unwanted

    _take(lambda: _cancel(Unwanted(case, because), home, by), home, "Nothing was taken down", CannotCancelError)


@app.command()
def reverse(
    case: Annotated[str, typer.Argument(help="The case that ordered what was billed, such as RQ-OKIPKKIRS6.")],
    entry: Annotated[str, typer.Argument(help="The number of the journal entry in the ERP.")],
    because: Annotated[str, typer.Option(help="Ask for it, and say why it is wrong; the ledger keeps it.")] = "",
    agree: Annotated[bool, typer.Option("--agree", help="Agree to what a colleague has asked for.")] = False,
    by: By = "",
    home: Home = HERE,
) -> None:
    """Have the journal entry of a bill reversed in the ERP, and the bill cancelled: one asks, another agrees.

    Both hold a role for the cost centre, and neither asked for what was bought. If the entry's period is closed, what
    reverses it is dated today.
    """
    from tasks.reversing import CannotReverseError, Wrong

    if bool(because) == agree:
        raise typer.BadParameter("say --because REASON to ask for it, or --agree to what a colleague has asked for")
    wrong = Wrong(case, entry.strip(), because)
    _take(lambda: _reverse(wrong, home, by, agree=agree), home, "Nothing was taken down", CannotReverseError)


def _take(word: "Word", home: Path, nothing: str, refusal: type[Exception]) -> None:
    """Take somebody's word about a case, and tell what comes of it."""
    from blocks.errors import OutsideError, RefusedError
    from blocks.ledger import TamperedError

    with plainly():
        find(home)
        try:
            told, heard = asyncio.run(word())
        except refusal as reason:
            print(f"✗ {reason}", file=sys.stderr)
            raise typer.Exit(NOT_TAKEN) from None
        except RefusedError as refused:
            print(f"✗ {refused.detail}", file=sys.stderr)
            raise typer.Exit(NOT_TAKEN) from None
        except TamperedError:
            raise  # to try again is no use: `plainly` says what is
        except OutsideError as error:
            print(f"✗ {nothing}, {error}. Please try again.", file=sys.stderr)
            raise typer.Exit(NOT_TAKEN) from None
    print(f"✓ {told}")
    if not heard:
        print("Nobody heard the bell: the case goes on with the next round of upkeep.")


async def _cancel(unwanted: "Unwanted", home: Path, by: str) -> tuple[str, bool]:
    from blocks import connect
    from blocks.bell import ring
    from tasks.cancelling import cancel as cancel_case

    who = await speaker(home, by)
    told = await cancel_case(unwanted, who.by, who.door, ledger=connect.ledger(), at=who.at)
    return told, await ring([unwanted.case])


async def _reverse(wrong: "Wrong", home: Path, by: str, *, agree: bool) -> tuple[str, bool]:
    from blocks import connect
    from blocks.bell import ring
    from tasks.reversing import CannotReverseError, agree_to_reverse, ask_to_reverse, tell_of_reversal

    who = await speaker(home, by)
    ledger, rules, at = connect.ledger(), who.rulebook, who.at
    try:
        if agree:
            told = await agree_to_reverse(wrong, who.by, who.door, ledger=ledger, rulebook=rules, at=at)
        else:
            erp = connect.erp()
            told = await ask_to_reverse(wrong, who.by, who.door, ledger=ledger, erp=erp, rulebook=rules, at=at)
    except CannotReverseError:
        await tell_of_reversal(wrong, rules, at)
        raise
    if why := await tell_of_reversal(wrong, rules, at):
        agreeing = f"almoner case reverse {wrong.case} {wrong.entry} --agree"
        told += f" The card in Slack does not say so ({why}); to agree here: `{agreeing}`."
    return told, not agree or await ring([wrong.case])  # only when two have said it there is something to do


async def _settle(said: "Said", home: Path, by: str) -> tuple[str, bool]:
    from blocks import connect
    from blocks.bell import ring
    from tasks.case import utc_now
    from tasks.parked import settle as settle_parked

    who = await speaker(home, by)
    ledger, erp, rules = connect.ledger(), connect.erp(), who.rulebook
    told = await settle_parked(said, who.by, who.door, ledger=ledger, erp=erp, rulebook=rules, at=who.at, clock=utc_now)
    return told, await ring([said.case])
