"""`almoner env`: the stack's environment for a shell."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from infrastructure.commands.speaking import plainly

app = typer.Typer()


@app.command()
def env(
    home: Annotated[Path, typer.Option(envvar="ALMONER_HOME", help="Whose stack.")] = Path(".almoner"),
) -> None:
    """Print `export` lines, secrets included: eval "$(almoner env)"."""
    with plainly():
        from infrastructure.local.stack import ports
        from infrastructure.local.stack.home import Home
        from infrastructure.local.stack.site import Site

        base = Home(home.absolute()).base
        family = ports.Ports(int(base.read_text())) if base.exists() else ports.from_environment()
        print("# These lines hold secrets: evaluate them, do not paste them.", file=sys.stderr)
        for name, value in Site.open(home, family).own_environment().items():
            print(f"export {name}={shlex.quote(value)}")
