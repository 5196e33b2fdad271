"""How `almoner policy` tells what it found: one mark a line, what is wrong, and what to do about it."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from tasks.rules.proof import Finding, Proof

WIDTH_MAX = 110


def console() -> Console:
    """Open the terminal; where there is none, nothing is cut to a width or coloured."""
    out = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    out.width = min(out.width, WIDTH_MAX)
    return out


def tell_proof(proof: "Proof", seconds: float) -> None:
    """Tell what a proof found, violations first, and what was tried."""
    tell_findings(proof.findings)
    tried = f"{proof.amounts} amounts, {proof.routes} routes, {proof.cost_centres} cost centres, {proof.people} people"
    wrong, warned = len(proof.violations), len(proof.findings) - len(proof.violations)
    out = console()
    if wrong:
        out.print(f"[bold red]✗ {_count(wrong, 'violation')}[/], {_count(warned, 'warning')}: it cannot take effect")
    else:
        out.print(f"[bold green]✓ proven[/], {_count(warned, 'warning')}")
    out.print(f"[dim]tried {tried} in {seconds:.2f} s[/]")


def tell_findings(findings: "Iterable[Finding]") -> None:
    """Tell findings: what, what to do, and where."""
    grid = Table.grid(padding=(0, 1))
    for one in findings:
        wrong = one.level == "violation"
        grid.add_row(Text("✗" if wrong else "⚠", "bold red" if wrong else "yellow"), Text(one.what))
        grid.add_row("", Text(f"→ {one.remedy}", "bold" if wrong else ""))
        grid.add_row("", Text(one.field, "dim"))
    if grid.row_count:
        console().print(grid)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
