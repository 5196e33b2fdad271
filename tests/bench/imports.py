"""How long the doors take to import: seconds of a fresh interpreter, the bare interpreter's own taken off.

`python -m tests.bench.imports`
"""

import json
import statistics
import subprocess
import sys
import time

DOORS = "import infrastructure.doors.slack, infrastructure.doors.events"
TIMES = 11


def once(code: str) -> float:
    """Time one interpreter."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603  our own interpreter and code
    return time.perf_counter() - began


def main() -> None:
    """Measure in turns and print the medians."""
    pairs = [(once("pass"), once(DOORS)) for _ in range(TIMES)]
    bare, doors = (statistics.median(one) for one in zip(*pairs, strict=True))
    print(json.dumps({"import_s": round(doors - bare, 3), "interpreter_s": round(bare, 3)}))


if __name__ == "__main__":
    main()
