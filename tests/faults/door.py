"""The doors' nursery: `python -m tests.faults.door` imports everything once, then forks a door for each line it reads.

A line is JSON: the port, the settings, and the guard to run without where a twin wants that. The answer is the pid.
"""

import json
import os
import signal
import sys
from typing import Any

from blocks import slack  # noqa: F401  what a click needs, imported once
from infrastructure.doors.__main__ import main
from tests.faults.guards import without


def _served(asked: dict[str, Any]) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nothing, stream)
    os.environ.update(asked["settings"])
    try:
        with without(asked["without"]):
            main(["--port", str(asked["port"])])
    finally:
        os._exit(0)


def nursery() -> None:
    """Fork a door for each line; nobody waits for how it ends."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _served(json.loads(line))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    nursery()
