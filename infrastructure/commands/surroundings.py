"""What a command talks to: what the environment names, else the stack of this home."""

import os
from pathlib import Path

from infrastructure.local.stack.trouble import StackError


def find(home: Path) -> None:
    """Put the addresses and secrets of the stack at *home* into the environment, unless they are there.

    Raises `StackError` where there is neither.
    """
    if os.environ.get("ALMONER_STORE"):
        return
    from infrastructure.local.stack import ports
    from infrastructure.local.stack.home import Home
    from infrastructure.local.stack.site import Site

    base = Home(home.absolute()).base
    if not base.exists():
        raise StackError(
            f"There is no stack at {home} and ALMONER_STORE is not set.",
            "Start one with `almoner up`, or set the environment of yours (see `almoner env`).",
        )
    os.environ.update(Site.open(home, ports.Ports(int(base.read_text()))).own_environment())
