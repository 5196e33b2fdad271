"""`almoner status`: what runs, and where."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from infrastructure.commands.speaking import plainly

app = typer.Typer()


@app.command()
def status(
    home: Annotated[Path, typer.Option(envvar="ALMONER_HOME", help="Whose stack.")] = Path(".almoner"),
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Show what runs, and where; exits with 1 unless everything is up."""
    with plainly():
        from infrastructure.local.stack.home import Home
        from infrastructure.local.stack.narrator import State, read_board

        here = Home(home.absolute())
        pid = here.supervisor()
        standings = read_board(here.board) if pid else {}
        if as_json:
            parts = {name: asdict(standing) for name, standing in standings.items()}
            print(json.dumps({"supervisor": pid, "parts": parts}))
        elif pid is None:
            print("Nothing runs from here. Start with `almoner up`.")
        else:
            print(f"supervisor    process {pid}")
            for name, is_ in standings.items():
                print(f"{name:<13} {is_.state:<9} {is_.pid or '':<8} {is_.address or is_.detail}".rstrip())
        well = pid and all(is_.state in {State.UP, State.DONE} for is_ in standings.values())
        raise typer.Exit(0 if well else 1)
