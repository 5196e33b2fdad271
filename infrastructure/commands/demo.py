"""`almoner demo`: a hospital's morning of requisitions."""

from pathlib import Path
from typing import Annotated

import typer

from infrastructure.commands.speaking import plainly

app = typer.Typer()


@app.command()
def demo(
    home: Annotated[Path, typer.Option(envvar="ALMONER_HOME", help="Where the stack keeps its state.")] = Path(
        ".almoner"
    ),
    auto: Annotated[bool, typer.Option("--auto", help="Answer as the people would, check everything, stop.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines; progress goes to stderr.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="With --auto: leave the stack up until Ctrl-C.")] = False,
    reset: Annotated[bool, typer.Option("--reset", help="Forget earlier mornings first; keep tools.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before forgetting.")] = False,
) -> None:
    """Play a hospital's morning: on the stack that runs from this home, or on one started for it."""
    with plainly():
        from infrastructure.local.demo.performance import Wanted, perform
        from infrastructure.local.stack import foreground

        if reset:
            question = f"Forget everything in {home.absolute()}, except downloaded tools?"
            if not yes and not typer.confirm(question, err=True):
                raise typer.Exit(1)
            foreground.forget(home)
        raise typer.Exit(perform(Wanted(home, auto, as_json, keep)))
