"""Run every bench, each in a process of its own, and print the README's table: `python -m tests.bench`."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from infrastructure.local.stack.running import Wish, running_stack

Figures = dict[str, Any]


def run(name: str, *arguments: str, home: Path | None = None) -> Figures:
    """Run one bench and read the figures it prints last."""
    where = ["--home", str(home)] if home else []
    command = [sys.executable, "-m", f"tests.bench.{name}", *where, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)  # noqa: S603  our own benches
    figures: Figures = json.loads(done.stdout.strip().splitlines()[-1])
    print(f"{name}: {json.dumps(figures)}", file=sys.stderr, flush=True)
    return figures


async def wakes(home: Path) -> tuple[Figures, Figures]:
    """Time waking in the warm worker and in Prefect's own, on one server."""
    async with running_stack(Wish(home, only=("prefect",))) as stack:
        os.environ.update(stack.site.environment())
        warm = await asyncio.to_thread(run, "wake", "--cases", "20")
        return warm, await asyncio.to_thread(run, "wake", "--cases", "4", "--process-worker")


def main() -> None:
    """Run, and print."""
    home = Path(os.environ.get("ALMONER_BENCH_HOME") or tempfile.mkdtemp(prefix="almoner-bench-"))
    imports, door, burst = run("imports"), run("door", home=home), run("burst", home=home)
    warm, process = asyncio.run(wakes(home))
    case, idle = run("case", home=home), run("idle", home=home)
    rows = [
        ("Slack door, imports (its libraries alone)", f"{imports['import_s']} s ({imports['floor_s']} s)", "≤ 0.4 s"),
        ("Slack door, 50 clicks/s, answer p99", f"{door['p99_ms']} ms (median {door['median_ms']} ms)", "≤ 50 ms"),
        (
            "Click → first new line, warm worker",
            f"median {warm['median_s']} s, p95 {warm['p95_s']} s",
            "≤ 0.35, ≤ 0.6 s",
        ),
        ("the same, Prefect's process worker", f"median {process['median_s']} s", "about 10 s"),
        ("CPU of a case against a bare flow", f"{case['ratio']} × ({case['ours']} : {case['bare']} ms)", "≤ 1.3 ×"),
        ("Burst of approved cases", f"{burst['cases_per_s']} cases/s", "≥ 80 cases/s"),
        ("500 waiting: worker's CPU, memory", _idle(idle), "none, no growth"),
    ]
    print("| what | measured | goal |\n|---|---|---|")
    print("\n".join(f"| {' | '.join(row)} |" for row in rows))


def _idle(idle: Figures) -> str:
    before, after = idle["with_none"], idle["with_all"]
    cpu = f"{after['cpu_percent']} % of a core ({before['cpu_percent']} % with none)"
    return f"{cpu}, {before['rss_mb']} → {after['rss_mb']} MB"


if __name__ == "__main__":
    main()
