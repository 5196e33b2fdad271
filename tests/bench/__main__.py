"""Run every bench, each in a process of its own, and print the README's table: `python -m tests.bench`.

About eleven minutes on a machine that does nothing else. What fails, or takes too long, is told in its row, and the
others are measured all the same.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infrastructure.local.stack.running import Wish, running_stack
from tests.bench import rig

Figures = dict[str, Any]
WITHIN_S = 300


def run(name: str, *arguments: str, home: Path | None = None) -> Figures:
    """Run one bench and read the figures it prints last; none where it fails."""
    where = ["--home", str(home)] if home else []
    command = [sys.executable, "-m", f"tests.bench.{name}", *where, *arguments]
    print(f"{name} …", end=" ", file=sys.stderr, flush=True)
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, timeout=WITHIN_S)  # noqa: S603
        figures: Figures = json.loads(done.stdout.strip().splitlines()[-1])
    except (subprocess.SubprocessError, ValueError, IndexError) as error:
        print(f"failed: {error}", file=sys.stderr, flush=True)
        return {}
    print(json.dumps(figures), file=sys.stderr, flush=True)
    return figures


async def wakes(home: Path) -> tuple[Figures, Figures]:
    """Time waking in the warm worker and in Prefect's own, on one server."""
    async with running_stack(Wish(home, only=("prefect",))) as stack:
        os.environ.update(stack.site.environment())
        warm = await asyncio.to_thread(run, "wake", "--cases", "20")
        return warm, await asyncio.to_thread(run, "wake", "--cases", "3", "--process-worker")


def measured(home: Path) -> dict[str, Figures]:
    """Run them all, one after the other."""
    found = {"imports": run("imports")}
    found["door"] = run("door", "--seconds", "10", home=home)
    found["inbox"] = run("inbox", home=home)
    found["burst"] = run("burst", home=home)
    found["plain"] = run("burst", "--plain", home=home)
    found["explain"] = run("explain", home=home)
    found["warm"], found["process"] = asyncio.run(wakes(home))
    found["case"] = run("case", "--cases", "8", home=home)
    found["idle"] = run("idle", home=home)
    found["policy"] = run("policy")
    found["log"] = run("log")
    return found


Row = tuple[str, str, Callable[[Figures], str], str]
ROWS: tuple[Row, ...] = (
    (
        "imports",
        "Slack door, imports (its libraries alone)",
        lambda x: f"{x['import_s']} s ({x['floor_s']} s); CPU {x['import_cpu_s']} s ({x['floor_cpu_s']} s)",
        "≤ 0.4 s",
    ),
    (
        "door",
        "Slack door, 50 clicks/s, request to answer",
        lambda x: f"median {x['median_ms']} ms, p99 {x['p99_ms']} ms; CPU {x['door_cpu_ms_a_click']} ms",
        "p99 ≤ 50 ms",
    ),
    (
        "inbox",
        "Home tab of somebody for whom 500 wait",
        lambda x: f"median {x['median_ms']} ms, worst {x['worst_ms']} ms; CPU {x['door_cpu_ms']} ms",
        "≤ 300 ms",
    ),
    (
        "explain",
        "an order explained and its end looked for, among 5,000 cases",
        lambda x: (
            f"median {x['explain_ms']} ms, worst {x['explain_ms_worst']} ms; "
            f"as a command, started anew, {x['explain_command_ms']} ms"
        ),
        "≤ 500 ms",
    ),
    (
        "warm",
        "ring → first new line, warm worker",
        lambda x: f"median {x['median_s']} s, p95 {x['p95_s']} s",
        "≤ 0.35 s, ≤ 0.6 s",
    ),
    ("process", "the same, Prefect's process worker", lambda x: f"median {x['median_s']} s", ""),
    (
        "case",
        "CPU of a case against a bare flow",
        lambda x: f"{x['ratio']} × ({x['ours']} ms to {x['bare']} ms)",
        "≤ 1.3 ×",
    ),
    (
        "burst",
        "burst: 1,000 approved cases wake at once",
        lambda x: (
            f"{x['cases_per_s']} cases/s; CPU a case {x['own_cpu_ms_a_case']} ms ours, "
            f"{x['s3_cpu_ms_a_case']} ms the store's"
        ),
        "≥ 80 cases/s",
    ),
    ("plain", "the same, in a bucket without versions", lambda x: f"{x['cases_per_s']} cases/s", "≥ 80 cases/s"),
    (
        "idle",
        "500 waiting: the worker's CPU, its memory",
        lambda x: (
            f"{x['with_all']['cpu_percent']} % of a core ({x['with_none']['cpu_percent']} % with none), "
            f"{x['with_none']['rss_mb']} → {x['with_all']['rss_mb']} MB; "
            f"upkeep {x['upkeep'][-1]['cpu_ms']} ms a minute"
        ),
        "none, no growth",
    ),
    (
        "policy",
        "a policy of 200 rules proven; 100,000 requests judged",
        lambda x: f"{x['check_s']} s; {x['frame_s']} s (one at a time: {x['one_at_a_time_s']} s)",
        "≤ 5 s; ≤ 2 s",
    ),
    (
        "log",
        "1,000,000 entries verified: the program in Go, ours",
        lambda x: f"{x['go_s']} s, {x['ours_s']} s; CPU {x['go_cpu_s']} s, {x['ours_cpu_s']} s",
        "≤ 10 s, ≤ 60 s",
    ),
    (
        "log",
        "16 writers, a store 20 ms away: entries; until under a signed head",
        lambda x: (
            f"{x['entries_per_s']}/s, {x['lost']} lost, {x['doubled']} doubled; "
            f"median {x['head_median_s']} s, p99 {x['head_p99_s']} s"
        ),
        "≥ 200/s; p99 ≤ 5 s",
    ),
)


def main() -> int:
    """Run, and print; 1 where something could not be measured."""
    given = os.environ.get("ALMONER_BENCH_HOME")
    with rig.home(Path(given) if given else None) as home:
        found = measured(home)
    print("| what | measured | goal |\n|---|---|---|")
    for name, what, told, goal in ROWS:
        print(f"| {what} | {told(found[name]) if found[name] else 'not measured'} | {goal} |")
    return 0 if all(found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
