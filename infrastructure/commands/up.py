"""`almoner up`: the laptop stack in the foreground."""

from pathlib import Path
from typing import Annotated

import typer

from infrastructure.commands.speaking import plainly

app = typer.Typer()


@app.command()
def up(  # noqa: PLR0913, PLR0917 -- a command line has as many as people need
    home: Annotated[Path, typer.Option(envvar="ALMONER_HOME", help="Where the stack keeps its state.")] = Path(
        ".almoner"
    ),
    only: Annotated[list[str] | None, typer.Option(help="These parts and what they need, e.g. postgres,s3.")] = None,
    without: Annotated[list[str] | None, typer.Option(help="Leave these parts out.")] = None,
    for_seconds: Annotated[
        float | None, typer.Option("--for", help="Stop by itself after so many seconds of being up.")
    ] = None,
    until_healthy: Annotated[
        bool, typer.Option("--until-healthy", help="Start, wait until all is well, stop.")
    ] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Forget all state first; keep tools.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before forgetting.")] = False,
) -> None:
    """Start the laptop stack and keep it running; Ctrl-C stops all of it."""
    with plainly():
        from infrastructure.local.stack import foreground, ports
        from infrastructure.local.stack.running import Wish, names

        if reset:
            question = f"Forget everything in {home.absolute()}, except downloaded tools?"
            if not yes and not typer.confirm(question):
                raise typer.Exit(1)
            foreground.forget(home)
        wish = Wish(
            home=home,
            only=names(only or ()),
            without=names(without or ()),
            ports=ports.from_environment(),
        )
        foreground.run(wish, 0.0 if until_healthy else for_seconds)
