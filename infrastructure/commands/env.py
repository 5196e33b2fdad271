"""`almoner env`: the stack's environment for a shell."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from infrastructure.commands.speaking import plainly

app = typer.Typer()
OPTIONAL = {
    "ALMONER_TSA_URL": "no authority time-stamps the ledger's heads (RFC 3161). Set it before `almoner up`.",
    "ALMONER_TSA_ROOTS": "certificates (PEM) by which time-stamps are believed; without them nobody asks who signed.",
}


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
        told = Site.open(home, family).own_environment()
        for name, value in told.items():
            print(f"export {name}={shlex.quote(value)}")
        for name, what in OPTIONAL.items():
            if name not in told:
                print(f"# {name} is not set: {what}", file=sys.stderr)
