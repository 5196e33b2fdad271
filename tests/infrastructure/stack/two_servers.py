"""A program that runs a stack of two small servers in the foreground: `two_servers.py HOME`."""

import sys
from pathlib import Path

from infrastructure.commands.speaking import plainly
from infrastructure.local.stack import foreground
from infrastructure.local.stack.running import Wish
from tests.infrastructure.stack.small_servers import server

if __name__ == "__main__":
    with plainly():
        foreground.run(Wish(Path(sys.argv[1]), parts=(server("desk"), server("door", "doors", needs=("desk",)))), None)
