"""What an outsider says of a town when the storm is over: each entry is under a signed head, as Go finds too."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from blocks import connect
from tests.invariants import Violation
from tests.storm.town import Town
from tests.tampering.verifier import built

OVER = re.compile(r"^ok: (\d+) entries")


async def seal_the_rest(town: Town) -> None:
    """Put under a head what nobody noted: whoever wrote it was killed within the second."""
    command = [str(Path(sys.executable).parent / "almoner"), "ledger", "seal"]
    told = await asyncio.to_thread(_run, command, {**os.environ, "ALMONER_HOME": str(town.stack.site.home.path)})
    assert told.returncode == 0, told.stderr


async def agreed() -> tuple[int, list[Violation]]:
    """Ask the Go program, which reads the bucket itself; say over how many entries it agrees: none where no Go is."""
    log, own = connect.log(), os.environ
    assert log is not None
    program = await asyncio.to_thread(_program)
    if program is None:
        return 0, []
    command = [str(program), "-store", f"{own['ALMONER_STORE']}/", "-key", log.first_key.text]
    told = await asyncio.to_thread(_run, command, {**own, "AWS_ENDPOINT_URL_S3": own["ALMONER_S3_URL"]})
    if told.returncode == 0 and (said := OVER.match(told.stdout)):
        return int(said[1]), []
    lines = f"{told.stdout}{told.stderr}".splitlines() or ["it says nothing"]
    return 0, [Violation("I5", "the Go program", line) for line in lines[:20]]


def _run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 -- ours


@cache
def _program() -> Path | None:
    return built(Path(tempfile.mkdtemp(prefix="almoner-verifier-"))) if shutil.which("go") else None
