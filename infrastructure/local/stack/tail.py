"""The end of a log: while a part starts, after it failed, and for whoever watches."""

from collections.abc import Iterator
from pathlib import Path

_LAST_LINES = 12
_LAST_BYTES = 8000


class Tail:
    """The lines a log gains from now on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.start = path.stat().st_size if path.exists() else 0
        self._at = self.start

    def fresh(self) -> Iterator[str]:
        """Read the complete lines since the last call, blank ones left out."""
        if not self.path.exists():
            return
        if self.path.stat().st_size < self._at:
            self._at = 0  # rotated
        with self.path.open("rb") as log:
            log.seek(self._at)
            whole, newline, _ = log.read().rpartition(b"\n")
        self._at += len(whole) + len(newline)
        for line in whole.decode(errors="replace").splitlines():
            if line.strip():
                yield line.rstrip()


def ending(path: Path, since: int = 0) -> str:
    """Read the last dozen lines of a log, none older than the byte `since`."""
    if not path.exists():
        return ""
    with path.open("rb") as log:
        log.seek(max(since, path.stat().st_size - _LAST_BYTES))
        return "\n".join(log.read().decode(errors="replace").splitlines()[-_LAST_LINES:])
