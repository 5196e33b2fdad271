"""How the supervisor is heard: a live table on a terminal, plain lines with timings elsewhere."""

import contextlib
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TextIO


class State(StrEnum):
    """Where a part stands."""

    WAITING = "waiting"
    STARTING = "starting"
    UP = "up"
    DONE = "done"
    BROKEN = "broken"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Standing:
    """One part as it stands; `detail` is for people."""

    state: State = State.WAITING
    pid: int = 0
    took_s: float = 0.0
    detail: str = ""
    address: str = ""


class Narrator(Protocol):
    """Told of every change; must return at once."""

    def changed(self, name: str, standing: Standing) -> None:
        """Hear that a part stands differently."""

    def remark(self, name: str, text: str) -> None:
        """Hear a line that a starting part printed, or what the supervisor is about to do."""


class Silent:
    """Says nothing; for tests."""

    def changed(self, name: str, standing: Standing) -> None:
        """Keep quiet."""

    def remark(self, name: str, text: str) -> None:
        """Keep quiet."""


class Plain:
    """One line a change, with the seconds since the start; for logs, pipes and CI."""

    def __init__(self, to: TextIO | None = None) -> None:
        self._to = to or sys.stderr
        self._since = time.monotonic()

    def changed(self, name: str, standing: Standing) -> None:
        """Say what has come to an end; waiting and starting are no news in a log."""
        if standing.state in {State.UP, State.DONE}:
            self._say(name, f"{standing.state} in {standing.took_s:.1f} s")
        elif standing.state is State.BROKEN:
            self._say(name, standing.detail)

    def remark(self, name: str, text: str) -> None:
        """Pass it on."""
        self._say(name, text)

    def _say(self, name: str, text: str) -> None:
        elapsed = time.monotonic() - self._since
        print(f"{elapsed:6.1f} s  {name:<13} {text}", file=self._to, flush=True)


class Board:
    """Keeps the standings in a file, so that `almoner status` can read them; passes everything on."""

    def __init__(self, file: Path, narrator: Narrator) -> None:
        self._file = file
        self._narrator = narrator
        self._standings: dict[str, Standing] = {}

    def changed(self, name: str, standing: Standing) -> None:
        """Write the file anew; readers see the old one or the new one, never half."""
        self._standings[name] = standing
        draft = self._file.with_suffix(".new")
        # A full disk must not keep the supervisor from stopping what it started.
        with contextlib.suppress(OSError):
            draft.write_text(json.dumps({name: asdict(is_) for name, is_ in self._standings.items()}))
            draft.replace(self._file)
        self._narrator.changed(name, standing)

    def remark(self, name: str, text: str) -> None:
        """Pass it on."""
        self._narrator.remark(name, text)


def read_board(file: Path) -> Mapping[str, Standing]:
    """Read what a supervisor last wrote; empty when there never was one."""
    if not file.exists():
        return {}
    return {
        name: Standing(**{**fields, "state": State(fields["state"])})
        for name, fields in json.loads(file.read_text()).items()
    }
