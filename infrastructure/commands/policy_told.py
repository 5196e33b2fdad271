"""How `almoner policy` tells what it found: one mark a line, what is wrong, and what to do about it."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from infrastructure.commands.speaking import plainly, tell_faults

if TYPE_CHECKING:
    from tasks.rules.explain import Explanation, Step
    from tasks.rules.findings import Finding
    from tasks.rules.proof import Proof
    from tasks.rules.replay import Replay

WIDTH_MAX = 110
WRONG = 1


@contextmanager
def in_words() -> Iterator[None]:
    """Say what is wrong with a policy, and leave with 1; trouble with the laptop is told as everywhere."""
    from pydantic import ValidationError

    from blocks.errors import NotFoundError, RefusedError
    from tasks.signing.policy_changes import NotProvenError

    with plainly():
        try:
            yield
        except ValidationError as error:
            tell_faults(error, "file")
        except NotProvenError as error:
            tell_findings(error.proof.violations)
            print("✗ It was not taken: it is not proven.", file=sys.stderr)
        except RefusedError as refusal:
            print(f"✗ {refusal.detail}", file=sys.stderr)
        except NotFoundError as missing:
            print(f"✗ {missing}", file=sys.stderr)
        else:
            return
        raise typer.Exit(WRONG)


def console() -> Console:
    """Open the terminal, no wider than one reads; where there is none, lines are not broken."""
    out = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    out.width = min(out.width, WIDTH_MAX) if sys.stdout.isatty() else 4 * WIDTH_MAX
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


def tell_explanation(told: "Explanation") -> None:
    """Tell a request's way: a heading a step, then everybody whom one would think of."""
    out, request = console(), told.request
    out.print(
        f"[bold]{told.case}[/]  {request.requester} asks {request.quantity} × {request.item} for {request.cost_centre}"
    )
    if told.amount:
        more = f", {told.counted} with earlier orders" if told.counted != told.amount else ""
        out.print(f"{told.amount}{more}", markup=False)
    for place, step in enumerate(told.steps, start=1):
        out.print(f"\n[bold]{place}. {step.role.replace('-', ' ')}[/]{_together(step)}  {_stand(step)}")
        out.print(f"because: {step.why}", style="dim", markup=False)
        out.print(_people(step))
    if told.refused:
        out.print(f"✗ {told.refused}", style="bold red", markup=False)
    elif told.ended:
        out.print(f"\n{told.ended}", markup=False)
    elif told.steps:
        out.print(f"\n{told.steps[-1].after}")
    else:
        out.print("nobody is asked: policy lets it through" if told.case == "new" else "nobody has been asked yet")


def _together(step: "Step") -> str:
    """Say that others are asked at the same time, and how many of them are enough."""
    if not step.with_others:
        return ""
    many = step.with_others + 1
    return f", {many} at the same time" + f", {step.enough} of them enough" * (step.enough < many)


def tell_replay(told: "Replay") -> None:
    """Tell what a proposed policy would have made of past cases: by role, what changes, what nobody could decide."""
    out = console()
    out.print(f"[bold]{_count(told.cases, 'case')}[/] replayed, {told.unchanged} would go the same way")
    roles = Table("role", "was asked", "would be", "median hours", box=SIMPLE_HEAD)
    for role in told.roles:
        roles.add_row(role.role, str(role.was), str(role.would), _hours(role.median_hours))
    changes = Table("cases", "was", "would be", "amount", "hours", box=SIMPLE_HEAD)
    for one in told.changes:
        hours = f"{_hours(one.hours_was)} → {_hours(one.hours_would)}"
        changes.add_row(str(one.cases), one.was, one.would, one.amount, hours)
    for table in (roles, changes):
        if table.row_count:
            out.print(table)
    for conflict in told.conflicts:
        out.print(Text.assemble(("✗", "bold red"), f" {conflict.case}: {conflict.because}"))
    for reason, count in told.skipped.items():
        out.print(f"{count} skipped: {reason}", style="dim", markup=False)


def _hours(hours: float | None) -> str:
    return "?" if hours is None else f"{hours:,.1f}"


def _stand(step: "Step") -> str:
    if step.decided:
        return step.decided
    due = f", due {step.due:%a %d %b %H:%M} UTC" if step.due else ""
    if step.asked:
        return f"asked {step.asked:%a %d %b %H:%M} UTC{due}"
    return f"to ask{due}"


def _people(step: "Step") -> Table:
    grid = Table.grid(padding=(0, 1))
    for one in step.able:
        grid.add_row("  [green]✓[/]", Text(f"{one.name}{', away' if one.away else ''}: {one.because}"))
    for one in step.unable:
        grid.add_row("  [red]✗[/]", Text(f"{one.name} would be told: {one.because}", "dim"))
    if step.others:
        grid.add_row("", Text(f"{_count(step.others, 'other')} in the directory: the role is not theirs", "dim"))
    return grid


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
