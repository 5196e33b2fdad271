"""The independent verifier, built with Go from Debian's packages: no network, no module of ours."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.needs import missing

SOURCES = sorted((Path(__file__).parents[1] / "verifier").glob("*.go"))
DEBIAN = Path("/usr/share/gocode")
"""Where Debian's golang-golang-x-mod-dev puts what the program imports."""


def built(into: Path) -> Path:
    """Build the program; skip where there is no Go, or not the packages."""
    go = shutil.which("go")
    if go is None or not (DEBIAN / "src/golang.org/x/mod/sumdb/tlog").exists():
        missing("There is no Go with golang.org/x/mod: apt-get install golang-go golang-golang-x-mod-dev.")
    program = into / "verifier"
    environment = {
        **os.environ, "GO111MODULE": "off", "GOPATH": str(DEBIAN), "GOCACHE": str(into / "cache"), "GOFLAGS": "",
        "GOPROXY": "off",
    }  # fmt: skip
    told = subprocess.run(  # noqa: S603 -- our own program
        [go, "build", "-o", str(program), *map(str, SOURCES)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    return program
