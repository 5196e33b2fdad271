"""`almoner down`: stop the stack of this home."""

import os
import signal
import time
from pathlib import Path
from typing import Annotated

import typer

from infrastructure.commands.speaking import TROUBLE, plainly

app = typer.Typer()
_PATIENCE_S = 60.0


@app.command()
def down(
    home: Annotated[Path, typer.Option(envvar="ALMONER_HOME", help="Whose stack.")] = Path(".almoner"),
) -> None:
    """Stop the stack that runs from this home, and wait until it is gone."""
    with plainly():
        from infrastructure.local.stack.home import Home

        here = Home(home.absolute())
        pid = here.supervisor()
        if pid is None:
            print("Nothing runs from here.")
            return
        os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + _PATIENCE_S
        while here.supervisor() == pid:
            if time.monotonic() > until:
                print(f"Process {pid} does not stop. `kill -9 {pid}` ends it and all its parts.")
                raise typer.Exit(TROUBLE)
            time.sleep(0.1)
        print("Stopped.")
