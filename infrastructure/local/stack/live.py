"""The stack on a terminal: one line a part that changes in place until all is up, then plain lines."""

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live as Display
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from infrastructure.local.stack.narrator import Plain, Standing, State

_MARK = {
    State.WAITING: Text("·", style="dim"),
    State.UP: Text("●", style="green"),
    State.DONE: Text("✓", style="green"),
    State.BROKEN: Text("!", style="bold red"),
    State.STOPPED: Text("○", style="dim"),
}
_MOVING = {State.WAITING, State.STARTING}


class Live:
    """A narrator for terminals; a context manager, so that the terminal is left as it was."""

    def __init__(self) -> None:
        self._standings: dict[str, Standing] = {}
        self._remarks: dict[str, str] = {}
        self._spinner = Spinner("dots")
        self._plain = Plain()
        self._display = Display(
            get_renderable=self._render,
            console=Console(stderr=True),
            refresh_per_second=8,
            redirect_stdout=sys.stdout.isatty(),  # what is piped elsewhere stays there
        )
        self._drawing = False

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._display.start()
        self._drawing = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the last picture standing."""
        self._display.stop()

    def changed(self, name: str, standing: Standing) -> None:
        """Draw the part's line anew; once all is up the picture is done, and what changes is a line below it."""
        self._standings[name] = standing
        self._remarks.pop(name, None)
        if not self._drawing:
            self._plain.changed(name, standing)
        elif not any(is_.state in _MOVING for is_ in self._standings.values()):
            self._display.stop()  # nothing moves any more, and a redraw eight times a second costs
            self._drawing = False

    def remark(self, name: str, text: str) -> None:
        """Show what a starting part last said."""
        self._remarks[name] = text
        if not self._drawing:
            self._plain.remark(name, text)

    def _render(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for name, is_ in self._standings.items():
            mark = self._spinner if is_.state is State.STARTING else _MARK[is_.state]
            took = f"{is_.took_s:.1f} s" if is_.took_s else ""
            said = self._remarks.get(name, is_.address or is_.detail)
            table.add_row(mark, name, Text(took, justify="right"), Text(said, style="dim"))
        return table
