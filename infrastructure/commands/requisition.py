"""`almoner requisition`: hand in a file of requisitions."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infrastructure.commands.speaking import plainly
from infrastructure.commands.surroundings import find

if TYPE_CHECKING:
    from tasks.upkeep.files import Picked

app = typer.Typer(no_args_is_help=True, help="Hand in requisitions.")


@app.callback()
def requisition() -> None:
    """Hand in requisitions."""


@app.command()
def submit(
    file: Annotated[
        Path, typer.Argument(help="CSV or JSON lines; one requisition a row.", exists=True, dir_okay=False)
    ],
    home: Annotated[Path, typer.Option(envvar="ALMONER_HOME", help="Whose stack.")] = Path(".almoner"),
) -> None:
    """Hand in a file: good rows become cases, bad ones are quarantined and named; the same file again is no news."""
    with plainly():
        find(home)
        picked, heard = asyncio.run(_submit(file.name, file.read_bytes()))
    for receipt in picked.receipts:
        if receipt.case:
            print(f"✓ {receipt.message}: {receipt.case}{'' if receipt.new else ' (known already)'}")
    for receipt in picked.receipts:
        for issue in receipt.issues:
            print(f"✗ {receipt.message}: {issue.field} {issue.reason}", file=sys.stderr)
    for issue in picked.issues:
        print(f"✗ {issue.reason}", file=sys.stderr)
    if not heard and any(receipt.case for receipt in picked.receipts):
        print("Nobody heard the bell: the cases are in the ledger and start with the next round of upkeep.")
    if picked.issues or any(receipt.issues for receipt in picked.receipts):
        raise typer.Exit(1)


async def _submit(name: str, raw: bytes) -> "tuple[Picked, bool]":
    from blocks import connect
    from blocks.bell import ring
    from tasks.upkeep.files import take_file

    picked = await take_file(name, raw, connect.ledger())
    return picked, await ring([receipt.case for receipt in picked.receipts if receipt.case])
