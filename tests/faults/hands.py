"""Hands: processes from which scenes have workers and doors, started once, since what they import takes seconds."""

import json
import os
import subprocess
import sys
from typing import IO, Any

from tests.crashes import posting
from tests.crashes.zygote import Zygote


class Nursery:
    """Has doors. *before*: what it is started with, as `faketime` is."""

    def __init__(self, *before: str) -> None:
        ours = ("ALMONER_", "SLACK_")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self._process = subprocess.Popen(  # noqa: S603
            [*before, sys.executable, "-m", "tests.faults.door"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=inherited,
        )  # fmt: skip
        assert self._process.stdin
        assert self._process.stdout
        self._to: IO[str] = self._process.stdin
        self._from: IO[str] = self._process.stdout

    def door(self, **asked: Any) -> int:
        """Have a door; return its process."""
        self._to.write(json.dumps(asked) + "\n")
        self._to.flush()
        return int(self._from.readline())

    def close(self) -> None:
        """Have no more."""
        self._to.close()
        self._process.wait(timeout=20)
        self._from.close()


class Hands:
    """What was started so far."""

    def __init__(self) -> None:
        self._zygotes: list[Zygote] = []
        self._nurseries: dict[tuple[str, ...], Nursery] = {}

    def zygote(self, nth: int = 0) -> Zygote:
        """Find whom workers are had from; two that carry at once come from two."""
        while len(self._zygotes) <= nth:
            self._zygotes.append(Zygote(posting.__name__))
        return self._zygotes[nth]

    def nursery(self, *before: str) -> Nursery:
        """Find whom doors are had from."""
        if before not in self._nurseries:
            self._nurseries[before] = Nursery(*before)
        return self._nurseries[before]

    def close(self) -> None:
        """Let them all go."""
        for one in (*self._zygotes, *self._nurseries.values()):
            one.close()
