"""`almoner ledger`: read a case, and verify everything."""

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infrastructure.commands import ledger_bucket, ledger_explain, ledger_export, ledger_hold, ledger_log, ledger_pack
from infrastructure.commands.speaking import plainly
from infrastructure.commands.surroundings import find

if TYPE_CHECKING:
    from blocks.audit import Verdict
    from blocks.ledger import Chain

app = typer.Typer(no_args_is_help=True, help="Read the ledger, and verify it.")
Home = Annotated[Path, typer.Option(envvar="ALMONER_HOME", help="Whose stack.")]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]
NOT_FOUND, FALSE = 1, 1
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


@app.command()
def verify(home: Home = Path(".almoner"), as_json: AsJson = False) -> None:
    """Verify every chain, the log and its witness, and every object; name the first wrong entry of each chain."""
    with plainly():
        find(home)
        verdict = asyncio.run(_verify())
        if as_json:
            from blocks.audit import to_json

            print(to_json(verdict))
        else:
            _tell_verdict(verdict)
        if not verdict.verified:
            raise typer.Exit(FALSE)


@app.command("list")
def list_cases(home: Home = Path(".almoner")) -> None:
    """List the cases, with how far each has come."""
    with plainly():
        find(home)
        asyncio.run(_list())


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
    from tasks.holding import hold_on

    ledger = connect.ledger()
    held = await hold_on(case, ledger)
    return await ledger.read(case), held.words if held else ""


async def _verify() -> "Verdict":
    from blocks import connect
    from blocks.audit import verify as verify_all

    bucket, seen_in = connect.bucket(), connect.witness_bucket()
    verdict = await verify_all(
        connect.ledger(), connect.log(), connect.witnessed(), bucket=bucket, witness_bucket=seen_in
    )
    return verdict._replace(notes=(*verdict.notes, *await ledger_bucket.told_of_policies(bucket, seen_in)))


async def _quarantine() -> list[dict[str, object]]:
    from blocks import connect
    from tasks.arrivals import quarantine as read_quarantine

    return await read_quarantine(connect.ledger())


async def _list() -> None:
    from blocks import connect
    from blocks.wire.report import headline

    ledger = connect.ledger()
    async for case, seq in ledger.cases():
        if "~" not in case:
            print(f"{case}  {seq:>3} entries  {headline(await ledger.read(case)).replace('**', '')}")


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


def _tell_verdict(verdict: "Verdict") -> None:
    for finding in verdict.findings:
        print(f"✗ {finding.where} was {finding.fault}: {finding.because}")
    for note in verdict.notes:
        print(f"· {note}")
    counted = f"{verdict.chains} chains, {verdict.entries} entries, {verdict.objects} documents"
    print(f"✓ {counted}: all as written" if verdict.verified else f"{counted}: {len(verdict.findings)} do not hold")
    if verdict.sealed is None:
        print("! the signed log was not looked at: set ALMONER_LOG_FIRST_KEY (`almoner ledger keys` prints it)")
    else:
        seen = "no witness" if verdict.witnessed is None else f"{verdict.witnessed} of them seen by the witness"
        print(f"  {verdict.sealed} entries under a signed head, {seen}; {verdict.waiting} wait for the next head")
    print(_kept(verdict.kept_days))


def _kept(days: int | None) -> str:
    if days is None:
        return "  a folder keeps no versions: what somebody wrote over, only the log can tell"
    if not days:
        return "! the bucket has no Object Lock, or no default retention yet: who may write may take away what is there"
    return f"  whatever is written is kept for {days:,} days (Object Lock, COMPLIANCE); every version was looked at"
