"""Telling what came of the morning: a table for people, JSON for machines."""

import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from blocks.audit.verdict import Verdict
from infrastructure.local.demo.playing import Ended
from infrastructure.verifying import told

COLOURS = {"filled": "green", "ordered": "green", "rejected": "yellow", "refused": "yellow", "quarantined": "yellow"}
UNBOUNDED = 160
"""Columns where there is no terminal to ask."""


def as_json(ended: Sequence[Ended], verdict: Verdict, seconds: float) -> str:
    """Print it for machines."""
    ledger = {
        "chains": verdict.chains,
        "entries": verdict.entries,
        "verified": verdict.verified,
        "sealed": verdict.sealed,
        "witnessed": verdict.witnessed,
        "stamps": verdict.stamps,
    }
    whole = {"cases": [_case(one) for one in ended], "ledger": ledger, "seconds": round(seconds, 1)}
    return json.dumps(whole, indent=1)


def _case(one: Ended) -> dict[str, Any]:
    return {
        "case": one.case,
        "outcome": one.outcome,
        "because": one.because,
        "approvals": [{"by": by, "verdict": verdict} for by, verdict in one.approvals],
        "erp_document": one.document,
        "ledger_entries": one.chain.seq,
    }


def show(ended: Sequence[Ended], verdict: Verdict, seconds: float) -> None:
    """Print it for people."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=UNBOUNDED)
    table = Table(title="The morning", title_justify="left", show_lines=False)
    for heading in ("case", "what", "outcome", "because", "approvals", "ERP", "entries"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "entries" else "left")
    for one in ended:
        table.add_row(
            Text(one.case if one.chain.seq else "none"),
            Text(one.part.title),
            Text(one.outcome, style=COLOURS.get(one.outcome, "red")),
            Text(one.because),
            Text("\n".join(f"{by} {verdict}" for by, verdict in one.approvals)),
            Text(one.document or ""),
            str(one.chain.seq or ""),
        )
    console.print(table)
    console.print("Ledger", style="bold")
    console.print("\n".join(told(verdict)), markup=False)
    console.print(f"The morning took {seconds:.0f} s.")
