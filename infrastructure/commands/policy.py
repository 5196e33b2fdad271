"""`almoner policy`: put a policy or a directory in force."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from infrastructure.commands.speaking import plainly
from infrastructure.commands.surroundings import find

app = typer.Typer(no_args_is_help=True, help="Put a policy or a directory in force.")
Home = Annotated[Path, typer.Option(envvar="ALMONER_HOME", help="Whose stack.")]
File = Annotated[Path, typer.Argument(help="A policy or a directory, as JSON.", exists=True, dir_okay=False)]
INVALID = 1


@app.callback()
def policy() -> None:
    """Put a policy or a directory in force."""


@app.command()
def adopt(file: File, home: Home = Path(".almoner")) -> None:
    """Check a policy or a directory and put it in force from the day it names; the ledger keeps every version."""
    from pydantic import ValidationError

    with plainly():
        find(home)
        try:
            version, day = asyncio.run(_adopt(file.read_bytes()))
        except ValidationError as error:
            for one in error.errors():
                print(f"✗ {'.'.join(str(part) for part in one['loc']) or file.name}: {one['msg']}", file=sys.stderr)
            raise typer.Exit(INVALID) from None
    print(f"✓ in force from {day}, version {version}")


async def _adopt(text: bytes) -> tuple[str, str]:
    import getpass

    from blocks import connect
    from blocks.records.people import Directory
    from blocks.records.policy import Policy
    from blocks.rulebook import adopt as adopt_document
    from tasks.case import utc_now

    kind = Directory if b'"people"' in text else Policy
    document = kind.model_validate_json(text)
    actor = f"door:cli~{getpass.getuser()}"
    version = await adopt_document(connect.ledger(), document, actor=actor, at=utc_now())
    return version, document.effective_from.isoformat()
