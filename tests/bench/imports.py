"""How long the doors take to import: seconds of a fresh interpreter, the bare interpreter's own taken off.

In the environment the laptop stack gives them, which keeps bytecode; so the first round, which may have to compile,
does not count. The floor is what they import of others: pydantic and Slack's client. CPU beside it: on a busy machine
the seconds are somebody else's.

`python -m tests.bench.imports`
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from infrastructure.local.stack.ports import free_family
from infrastructure.local.stack.site import Site

DOORS = "import infrastructure.doors.slack, infrastructure.doors.events"
FLOOR = "import pydantic, slack_sdk.signature"
TIMES = 11


class Took(NamedTuple):
    """What an interpreter took: by the clock, and of the processor."""

    wall_s: float
    cpu_s: float


def once(code: str, environment: dict[str, str]) -> Took:
    """Time one interpreter."""
    before, began = _cpu_s(), time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)  # noqa: S603  our own code
    return Took(time.perf_counter() - began, _cpu_s() - before)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure in turns and print the medians."""
    with tempfile.TemporaryDirectory() as folder:
        environment = Site.open(Path(folder), free_family()).environment()
        _, *turns = [[once(code, environment) for code in ("pass", FLOOR, DOORS)] for _ in range(TIMES + 1)]
    bare, floor, doors = (Took(*map(statistics.median, zip(*one, strict=True))) for one in zip(*turns, strict=True))
    figures = {
        "import_s": doors.wall_s - bare.wall_s,
        "floor_s": floor.wall_s - bare.wall_s,
        "interpreter_s": bare.wall_s,
        "import_cpu_s": doors.cpu_s - bare.cpu_s,
        "floor_cpu_s": floor.cpu_s - bare.cpu_s,
    }
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
