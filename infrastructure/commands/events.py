"""`almoner events`: what a sending system needs to hand in requisitions."""

import os
import sys
from typing import Annotated

import typer

from infrastructure.commands.identity import HERE, Home
from infrastructure.commands.speaking import NOT_TAKEN, plainly
from infrastructure.commands.surroundings import find

app = typer.Typer(no_args_is_help=True)


@app.callback()
def events() -> None:
    """Give a sending system the secret that it signs by."""


@app.command()
def secret(
    source: Annotated[str, typer.Argument(help="The sending system, as in POST /events/SOURCE.")],
    home: Home = HERE,
) -> None:
    """Print the secret by which one source signs, and no other."""
    from infrastructure.doors.events import reason_not_a_source, secret_of

    with plainly():
        find(home)
        master = os.environ.get("ALMONER_EVENT_SECRET", "")
        if why := reason_not_a_source(source):
            print(f"✗ {why}", file=sys.stderr)
            raise typer.Exit(NOT_TAKEN)
        if not master:
            print("✗ ALMONER_EVENT_SECRET is not set: every source's secret is derived from it", file=sys.stderr)
            raise typer.Exit(NOT_TAKEN)
        print(secret_of(source, master))
