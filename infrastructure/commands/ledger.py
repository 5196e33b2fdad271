"""`almoner ledger`: read a case, and verify everything."""

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blocks.errors import UnavailableError
from infrastructure.commands import (
    ledger_bucket,
    ledger_explain,
    ledger_export,
    ledger_hold,
    ledger_log,
    ledger_pack,
    ledger_verify,
)
from infrastructure.commands.speaking import plainly
from infrastructure.commands.surroundings import find

if TYPE_CHECKING:
    from blocks.ledger import Chain

app = typer.Typer(no_args_is_help=True, help="Read the ledger, and verify it.")
Home = Annotated[Path, typer.Option(envvar="ALMONER_HOME", help="Whose stack.")]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]
NOT_FOUND = DOES_NOT_HOLD = 1
app.command()(ledger_log.seal)
app.add_typer(ledger_log.keys, name="keys")


@app.command()
def show(
    case: Annotated[str, typer.Argument(help="A case, such as RQ-OKIPKKIRS6.")],
    home: Home = Path(".almoner"),
    as_json: AsJson = False,
) -> None:
    """Tell a case as the ledger holds it: who did what, when, and why."""
    with plainly():
        find(home)
        chain, held = asyncio.run(_read(case))
        if not chain.seq:
            print(
                f"The ledger has no case {case}. Its number stands on the card and in the run's name.", file=sys.stderr
            )
            raise typer.Exit(NOT_FOUND)
        if as_json:
            print(json.dumps([entry.model_dump(mode="json") for entry in chain.entries], indent=1))
        else:
            _tell(chain, held)


app.command()(ledger_explain.explain)
app.command()(ledger_export.export)
app.command()(ledger_pack.pack)
app.command()(ledger_hold.hold)
app.command()(ledger_hold.release)
app.command("holds")(ledger_hold.list_holds)
app.command("bucket-policy")(ledger_bucket.bucket_policy)
app.command("check-bundle")(ledger_pack.check_bundle)
app.command()(ledger_verify.verify)


@app.command("list")
def list_cases(home: Home = Path(".almoner"), as_json: AsJson = False) -> None:
    """List the cases, with how far each has come; exit code 1 where the record of one does not hold."""
    from blocks.wire.broken import NEXT

    with plainly():
        find(home)
        broken = asyncio.run(_list(as_json=as_json))
        if broken:
            print(f"✗ do not hold: {', '.join(broken)}\n{NEXT}", file=sys.stderr)
            raise typer.Exit(DOES_NOT_HOLD)


@app.command()
def quarantine(home: Home = Path(".almoner"), as_json: AsJson = False) -> None:
    """Show what came in and could not be read: which field, and what to do."""
    with plainly():
        find(home)
        found = asyncio.run(_quarantine())
        if as_json:
            print(json.dumps(found, indent=1))
            return
        for one in found:
            print(f"{one['source']}/{one['id']}  {one['at']}")
            for issue in one["issues"]:  # type: ignore[attr-defined]
                print(f"  {issue['field']}: {issue['reason']}")
        print(f"{len(found)} in quarantine")


async def _read(case: str) -> "tuple[Chain, str]":
    from blocks import connect
    from tasks.auditing.holding import hold_on

    ledger = connect.ledger()
    held = await hold_on(case, ledger)
    return await ledger.read(case), held.words if held else ""


async def _quarantine() -> list[dict[str, object]]:
    from blocks import connect
    from tasks.arrivals import quarantine as read_quarantine

    return await read_quarantine(connect.ledger())


async def _list(*, as_json: bool) -> list[str]:
    """Print each case, and return those whose record does not hold."""
    from blocks import connect
    from blocks.wire.report import headline
    from tasks.broken import broken_by

    ledger, rows, broken = connect.ledger(), list[dict[str, object]](), list[str]()
    async for case, seq in ledger.cases():
        if "~" in case:
            continue
        try:
            stands, fault = headline(await ledger.read(case)).replace("**", ""), ""
        except UnavailableError:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, it is this case's own, and the others are listed
            stands, fault = "", broken_by(error, case).told
            broken.append(case)
        rows.append({"case": case, "entries": seq, "stands": stands, "fault": fault})
        if not as_json:
            print(f"{case}  {seq:>3} entries  {stands or f'✗ its record {fault}'}")
    if as_json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
    return broken


def _tell(chain: "Chain", held: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from blocks.wire.report import headline, reasons

    console = Console(soft_wrap=not sys.stdout.isatty(), highlight=False)
    title = Text(f"{chain.case}  {headline(chain).replace('**', '')}")
    table = Table("when (UTC)", "who", "what", title=title, title_justify="left")
    for row in reasons(chain):  # as text: what people typed in brackets is no style
        table.add_row(row["when"], Text(row["who"]), Text(row["what"].replace("**", "").replace("&lt;", "<")))
    console.print(table)
    if held:
        console.print(f"⚖ {held}", markup=False)
    console.print(f"{chain.seq} entries, head {chain.head}", markup=False)
