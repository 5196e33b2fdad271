"""The session as this home keeps it: one file that its owner alone can read."""

import json
import os
from pathlib import Path
from typing import NamedTuple

from infrastructure.local.stack.trouble import StackError

NAME = "session.json"
OWNER_ALONE, OTHERS = 0o600, 0o077


class Kept(NamedTuple):
    """Whose session, which, and the secret half of its key."""

    person: str
    session: str
    seed: bytes


def read(home: Path) -> Kept | None:
    """Read the session of a home; None where there is none, or it is no use.

    `StackError` where others can read it too, as a copy from elsewhere may be: then it is nobody's word any more.
    """
    file = home / NAME
    if file.exists() and file.stat().st_mode & OTHERS:
        raise StackError(
            f"{file} can be read by others.", "Forget it and log in again: rm it, then `almoner login YOU`."
        )
    try:
        told = json.loads(file.read_text())
        return Kept(str(told["person"]), str(told["session"]), bytes.fromhex(told["key"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def keep(home: Path, kept: Kept) -> None:
    """Keep a session, instead of the one before: at no moment can anybody else read it."""
    home.mkdir(parents=True, exist_ok=True)
    draft = home / f".{NAME}.{os.getpid()}"
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ALONE), "w") as file:
        json.dump({"person": kept.person, "session": kept.session, "key": kept.seed.hex()}, file)
    draft.replace(home / NAME)


def forget(home: Path) -> None:
    """Forget the session of a home."""
    (home / NAME).unlink(missing_ok=True)
