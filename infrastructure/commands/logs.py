"""`almoner logs PART`: the end of a part's log."""

import time
from pathlib import Path
from typing import Annotated

import typer

from infrastructure.commands.speaking import plainly

app = typer.Typer()


@app.command()
def logs(
    part: Annotated[str, typer.Argument(help="A part, e.g. worker; none lists them.")] = "",
    home: Annotated[Path, typer.Option(envvar="ALMONER_HOME", help="Whose stack.")] = Path(".almoner"),
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
) -> None:
    """Show the end of a part's log, and follow it."""
    with plainly():
        from infrastructure.local.stack.home import Home
        from infrastructure.local.stack.tail import Tail, ending
        from infrastructure.local.stack.trouble import StackError

        where = Home(home.absolute()).logs
        known = sorted(log.stem for log in where.glob("*.log"))
        if not part:
            print("\n".join(known))
            return
        if part not in known:
            raise StackError(f"There is no log of {part}.", f"Logs: {', '.join(known) or 'none yet'}.")
        tail = Tail(where / f"{part}.log")
        print(ending(tail.path))
        while follow:
            for line in tail.fresh():
                print(line, flush=True)
            time.sleep(0.2)
