"""How long the doors take to import: seconds of a fresh interpreter, the bare interpreter's own taken off.

The floor is what they import of others: pydantic and Slack's client.

`python -m tests.bench.imports`
"""

import json
import statistics
import subprocess
import sys
import time

DOORS = "import infrastructure.doors.slack, infrastructure.doors.events"
FLOOR = "import pydantic, slack_sdk.signature"
TIMES = 11


def once(code: str) -> float:
    """Time one interpreter."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603  our own interpreter and code
    return time.perf_counter() - began


def main() -> None:
    """Measure in turns and print the medians."""
    turns = [(once("pass"), once(FLOOR), once(DOORS)) for _ in range(TIMES)]
    bare, floor, doors = (statistics.median(one) for one in zip(*turns, strict=True))
    figures = {"import_s": doors - bare, "floor_s": floor - bare, "interpreter_s": bare}
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
