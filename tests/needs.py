"""What a test needs and may not find here: it skips, or fails where everything is required."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

_ROOT = Path(__file__).parents[1]


def missing(reason: str) -> NoReturn:
    """Skip the test with a reason; with ALMONER_REQUIRE_ALL=1 that is a failure."""
    if os.environ.get("ALMONER_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def corpus(path: str) -> Path:
    """Find a file of the reference corpus: under ALMONER_CORPUS, else beside the project."""
    root = Path(os.environ.get("ALMONER_CORPUS", _ROOT.parent / "shared" / "corpus"))
    found = root / path
    return found if found.exists() else missing(f"The reference file {path} is not here; set ALMONER_CORPUS.")


CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
"""A browser that talks to nobody but the page."""


def chromium() -> str:
    """Find the browser: ALMONER_CHROMIUM, else where Debian puts it."""
    found = os.environ.get("ALMONER_CHROMIUM", "/usr/bin/chromium")
    return found if Path(found).exists() else missing("There is no Chromium here; set ALMONER_CHROMIUM.")


def mining() -> str:
    """Find a Python that has pm4py, which is AGPL and so lives in an environment of its own: ALMONER_MINING."""
    found = os.environ.get("ALMONER_MINING", str(_ROOT / ".venv-mining" / "bin" / "python"))
    return found if Path(found).exists() else missing("There is no pm4py here: see .ci/run, and set ALMONER_MINING.")


def openssl() -> str:
    """Find OpenSSL's program, which plays the time-stamp authority, and checks stamps as an auditor would."""
    return shutil.which("openssl") or missing("There is no openssl here: apt-get install openssl.")
