"""Check a pack's time-stamps: somebody whose business is the time signed the digest of a head (RFC 3161)."""

import base64
import re
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

from .check_bundle import Json, lines_of, sha256

STAMPED_AT = re.compile(r"^Time stamp: (\w{3} +\d+ \d\d:\d\d:\d\d)(?:\.\d+)? (\d{4}) GMT$", re.MULTILINE)
STAMPS = Path("ledger") / "log" / "stamps"


def stamped_sizes(folder: Path) -> set[int]:
    """List of how many entries the heads are that were stamped."""
    names = (path.name.partition("-")[0] for path in (folder / STAMPS).glob("*.tsr"))
    return {int(name) for name in names if name.isdigit()}


def check_stamps(
    folder: Path, told: list[Json], given: Path | None, trees: dict[int, bytes]
) -> tuple[list[str], list[str]]:
    """Check the time-stamps of heads: by the log, by the book that noted them, by OpenSSL; what holds, and what not.

    *trees*: the root of the log at each size that was stamped.
    """
    holds: list[str] = []
    where = folder / STAMPS
    taken = {
        line["body"]["stamp"].rpartition("/")[2]: line["body"] for line in lines_of(told) if line["act"] == "stamped"
    }
    answers = {path.stem: path for path in sorted(where.glob("*.tsr"))}
    wrong = [f"the time-stamp {name} is missing: it was taken" for name in sorted(set(taken) - set(answers))]
    roots = given or (folder / "tsa-roots.pem")
    checked, held = shutil.which("openssl") and roots.is_file(), 0
    for name, answer in answers.items():
        note = answer.with_suffix(".note")
        size, _, digest = name.partition("-")
        if not note.is_file() or sha256(note.read_bytes()).hex() != digest:
            wrong.append(f"the time-stamp {name} is over a head that is not here")
        elif not _is_head(note.read_bytes(), int(size), trees):
            wrong.append(f"the time-stamp {name} is over a head that this log does not continue")
        elif name in taken and sha256(answer.read_bytes()).hex() != taken[name]["answer"]:
            wrong.append(f"the time-stamp {name} is not the one that was taken")
        elif checked and (why := _reason_not_stamped(answer, note, roots)):
            wrong.append(f"the time-stamp {name} does not hold: {why}")
        else:
            held += 1
    if answers and checked:
        by = f"the roots in {roots.name}" + ("" if given else ", which came with the archive: compare them")
        holds.append(f"time-stamped heads: {held}, by an authority that is vouched for by {by}")
    elif answers:
        holds.append(
            f"time-stamped heads: {held}; who signed was NOT checked: it takes openssl and the authority's roots"
        )
    return holds, wrong


def _is_head(note: bytes, size: int, trees: dict[int, bytes]) -> bool:
    """Say whether a note is the head of the log when it had so many entries; that root is signed by what came after."""
    said = note.split(b"\n")
    return len(said) > 2 and said[1] == str(size).encode() and said[2] == base64.b64encode(trees.get(size, b""))  # noqa: PLR2004


def _reason_not_stamped(answer: Path, note: Path, roots: Path) -> str:
    """Ask OpenSSL whether an answer stamps a head, by the roots, as of the moment that it says; empty where it does."""

    def openssl(*words: str) -> tuple[int, str]:
        done = subprocess.run(["openssl", "ts", *words], capture_output=True, text=True, check=False)  # noqa: S603, S607
        return done.returncode, done.stdout + done.stderr

    said = STAMPED_AT.search(openssl("-reply", "-in", str(answer), "-text")[1])
    if not said:
        return "it says no time"
    at = datetime.strptime(" ".join(said.groups()) + " +0000", "%b %d %H:%M:%S %Y %z")
    words = ("-data", str(note), "-in", str(answer), "-CAfile", str(roots), "-attime", str(int(at.timestamp())))
    code, told = openssl("-verify", *words)
    errors = [line for line in told.splitlines() if ":" in line and "Verification" not in line]
    return "" if code == 0 else (errors or ["OpenSSL says no"])[-1].strip()
