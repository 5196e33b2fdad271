"""Tryton's own environment, installed from a hash-locked list and never imported from."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from infrastructure.local.erp.home import ErpHome, ErpHomeError

LOCK: Final = Path(__file__).parents[2] / "locks" / "erp.txt"
TAIL: Final = 15
"""How many lines of a failed command are shown."""


def lock_digest() -> str:
    """Name the list of packages by its content."""
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


def install(home: ErpHome) -> None:
    """Install the environment if it is missing, incomplete or made from another list.

    The stamp is written last, so an interrupted installation is done over.
    """
    stamp = home.environment / "almoner.lock"
    if stamp.exists() and stamp.read_text() == lock_digest():
        return
    shutil.rmtree(home.environment, ignore_errors=True)
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv:
        run([uv, "venv", "--quiet", "--python", sys.executable, str(home.environment)])
        pip = [uv, "pip", "install", "--quiet", "--python", str(home.python), "--compile-bytecode"]
    else:
        run([sys.executable, "-m", "venv", str(home.environment)])
        pip = [str(home.python), "-m", "pip", "install", "--quiet"]
    run([*pip, "--require-hashes", "-r", str(LOCK)])
    stamp.write_text(lock_digest())


def run(command: list[str]) -> None:
    """Run a command quietly; raise with its last lines where it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)  # noqa: S603 -- our own words
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-TAIL:])
        raise ErpHomeError(f"`{' '.join(command[:4])} …` failed:\n{tail}")
