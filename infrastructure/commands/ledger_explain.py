"""`almoner ledger explain`: everything the ledger holds on a document; for people, machines, and on paper."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infrastructure.commands.speaking import plainly
from infrastructure.commands.surroundings import find
from infrastructure.local.stack.trouble import StackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from rich.console import Console

    from blocks.records.dossier import Approver, Counsel, Dossier, Question

NOT_FOUND, FALSE, NOT_ASKED = 1, 1, 3
UNKEPT = "the document that was shown is gone, or is not what was shown"
TONES = {"filled": "green", "ordered": "green", "": "yellow"}


def explain(
    document: Annotated[
        str,
        typer.Argument(
            metavar="DOC",
            help="A case, CASE/ASK, our key; the number of an order, an invoice or a journal entry "
            "(erp:NUMBER where an order has the same).",
        ),
    ],
    home: Annotated[Path, typer.Option(envvar="ALMONER_HOME", help="Whose stack.")] = Path(".almoner"),
    as_json: Annotated[bool, typer.Option("--json", help="For machines; several cases are an array.")] = False,
    bundle: Annotated[
        Path | None, typer.Option(help="Write the proof of the case here: a few KB, checked offline.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write one page for people here; it prints well.")] = None,
) -> None:
    """Tell who asked, who decided by what right on which facts, and what was done where, of an order or a case."""
    from blocks.errors import NotFoundError
    from blocks.wire.dossier_page import dossier_page
    from tasks.auditing.finding import NotAskedError

    with plainly():
        for file in filter(None, (bundle, html)):
            assert_writable(file)
        find(home)
        try:
            dossiers, remarks = asyncio.run(_dossiers(document))
            print("".join(f"↩ {remark}\n" for remark in remarks), end="", file=sys.stderr)
            if bundle:
                assert_one(dossiers, bundle)
                written = bundle.write_bytes(asyncio.run(_bundle(dossiers[0].case)))
                print(f"✓ {bundle}: {written:,} bytes; `almoner ledger check-bundle` checks it, offline")
        except (NotFoundError, LookupError) as error:
            print(f"✗ {error}", file=sys.stderr)
            raise typer.Exit(NOT_ASKED if isinstance(error, NotAskedError) else NOT_FOUND) from None
        if html:
            html.write_text("\n".join(dossier_page(one) for one in dossiers))
            print(f"✓ {html}")
        if as_json:
            told = [one.model_dump_json(indent=1) for one in dossiers]
            print(told[0] if len(told) == 1 else f"[{','.join(told)}]")
        case, _, ask = document.partition("/")
        for one in dossiers:
            if html or bundle or as_json:
                print("".join(f"✗ {one.case}: {words}\n" for words in _harm(one)), end="", file=sys.stderr)
            else:
                _tell(one, ask if case == one.case else "")
        if not all(one.holds for one in dossiers):
            raise typer.Exit(FALSE)


async def _dossiers(document: str) -> "tuple[list[Dossier], tuple[str, ...]]":
    from blocks import connect
    from tasks.auditing.finding import found_or_traced
    from tasks.auditing.soundness import held_against
    from tasks.case import utc_now

    ledger, shelf, now = connect.ledger(), connect.shelf(), utc_now()
    log, witnessed = connect.log(), connect.witnessed()
    search = await found_or_traced(document, ledger, connect.erp)
    told = [await held_against(log, witnessed, one, ledger=ledger, shelf=shelf, at=now) for one in search.found]
    return told, search.remarks


async def _bundle(case: str) -> bytes:
    from blocks import connect
    from tasks.auditing.bundling import bundle_of
    from tasks.case import utc_now

    ledger = connect.ledger()
    return await bundle_of(await ledger.read(case), ledger, connect.log(), connect.witnessed(), at=utc_now())


def assert_one(dossiers: "list[Dossier]", file: Path) -> None:
    """Say which cases there are where a proof of one is to be written; `StackError`."""
    if len(dossiers) > 1:
        names = ", ".join(one.case for one in dossiers)
        remedy = f"Name one of them: almoner ledger explain {dossiers[0].case} --bundle {file}"
        raise StackError(f"That leads to {len(dossiers)} cases, and a bundle proves one: {names}.", remedy)


def assert_writable(file: Path) -> None:
    """Say before anything is read that there is no such folder; `StackError`."""
    if not file.absolute().parent.is_dir():
        remedy = "Make it first, or name a folder that is there."
        raise StackError(f"There is no folder {file.parent} to write {file.name} into.", remedy)


def _tell(dossier: "Dossier", ask: str) -> None:
    from zoneinfo import ZoneInfo

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table
    from rich.text import Text

    console, zone = Console(soft_wrap=not sys.stdout.isatty(), highlight=False), ZoneInfo(dossier.zone)

    def when(at: "datetime") -> str:
        return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"

    tone, request = "red" if dossier.broken else TONES.get(dossier.ended, "red"), dossier.request
    console.print(f"[bold]{dossier.case}[/]  [{tone}]{escape(dossier.headline)}[/]")
    console.print(f"[dim]times are those of {dossier.zone}[/]")
    for mark, words in _beside(dossier):
        console.print(f"{mark} {escape(words)}")
    facts = Table.grid(padding=(0, 2))
    title = f", {dossier.requester_title}" if dossier.requester_title else ""
    facts.add_row("[dim]asked by[/]", Text(f"{dossier.requester}{title}, for {request.cost_centre}"))
    reason = f": {request.reason}" if request.reason else ""
    facts.add_row("[dim]what[/]", Text(f"{request.quantity:,} × {request.item}{reason}"))
    facts.add_row("[dim]came[/]", Text(f"{when(dossier.received.at)} as message {dossier.message}"))
    if policy := dossier.policy:
        facts.add_row("[dim]policy[/]", f"in force from {policy.effective_from}, {policy.version[:16]}…")
    for look in dossier.looks:
        known = f"{look.on_hand} on hand, {look.unit_price or 'no price'} each, {look.left} of {look.budget} left"
        facts.add_row("[dim]known[/]", f"{known} ({when(look.at)})")
    console.print(facts)
    for question in dossier.questions:
        if ask in ("", question.ask.key):
            _tell_question(console, question, when)
    table = Table("when", "who", "system", "what", "entry", box=None, header_style="dim", pad_edge=False)
    for deed in dossier.deeds:
        table.add_row(when(deed.at), Text(deed.who), deed.system, Text(deed.what), str(deed.place.seq))
    console.print()
    console.print(table)
    console.print(f"\n[dim]{dossier.entries} entries, head {dossier.head}[/]")
    for line in _proven(dossier):
        console.print(line)


def _proven(dossier: "Dossier") -> "Iterator[str]":
    """Tell how far it holds: what is wrong and what to do then, else under which head it is."""
    from blocks.wire.broken import NEXT

    sealed = dossier.sealed
    if sealed:
        cosigned = f", cosigned by {sealed.witness.partition('+')[0]}" if sealed.witness else ""
        signed = f"entry {sealed.index + 1:,} of the {sealed.size:,} under the head that {sealed.key} signed{cosigned}"
        after = "that nothing came after, `almoner ledger verify` tells"
        if sealed.last:
            after = "the log holds no later entry of it"
        yield f"[dim]{signed}; {after}[/]"
    elif not dossier.broken:
        yield "[dim]under no signed head[/]"
    if not dossier.holds:
        yield f"[bold red]✗ {'It does not hold' if dossier.broken else 'Not everything is kept'}[/][red]: {NEXT}[/]"


def _beside(dossier: "Dossier") -> "Iterator[tuple[str, str]]":
    """Tell what the case itself does not say: that it was harmed, by way of what it was found, and that it is held."""
    yield from (("[bold red]✗[/]", words) for words in _harm(dossier))
    yield from (("[bold magenta]↩[/]", trace.words) for trace in dossier.traces)
    if dossier.hold:
        yield "[bold yellow]⚖[/]", dossier.hold.words


def _harm(dossier: "Dossier") -> "Iterator[str]":
    """Say what is wrong with a case, in a line each."""
    if dossier.broken:
        yield f"It does not hold: {dossier.broken}"
    for question in dossier.questions:
        if not question.kept:
            whom = question.approver.name if question.approver else f"the {question.ask.role}"
            yield f"What {whom} was shown is NOT kept"


def _tell_question(console: "Console", question: "Question", when: "Callable[[datetime], str]") -> None:
    from rich.markup import escape

    ask, approver = question.ask, question.approver
    console.print(f"\n[bold]{ask.role}[/]  {ask.amount}: {escape(ask.why)}")
    if approver is None:
        console.print(f"  [yellow]waits[/] since {when(question.asked.at)}")
    else:
        tone = "green" if approver.verdict == "approve" else "red"
        behalf = f" for {approver.on_behalf_of}" if approver.on_behalf_of else ""
        who = escape(approver.name + behalf)
        console.print(f"  [{tone}]{approver.verdict}[/] by {who}, {when(approver.at)}, entry {approver.place.seq}")
        for line in _of_approver(approver, when):
            console.print(f"  {line}", markup=False)
    console.print(f"  saw: {_saw(question)}", markup=False)
    if question.kept:
        console.print(f"       [dim]kept as {question.shown}[/]")
    else:
        console.print(f"       [bold red]✗ NOT kept: {UNKEPT}[/]")
        console.print(
            f"       [dim]it was {question.shown}; what is told of it here stands in the case's own entries[/]"
        )
    for counsel in question.advice:
        console.print(f"  {_advice(counsel)}", markup=False)
    for able in question.able:
        console.print(f"  could answer: {able}", style="dim", markup=False)


def _of_approver(approver: "Approver", when: "Callable[[datetime], str]") -> "Iterator[str]":
    """Tell by what right somebody answered, and by which books that was judged."""
    yield f"by right: {approver.right or 'none that the ledger shows'}"
    if lent := approver.delegation:
        yield f"delegation {lent.key}: from {when(lent.start)} until {when(lent.until)}"
    directory = approver.directory
    yield (
        f"judged by the directory in force from {directory.effective_from} ({directory.version[:16]}…), "
        f"and the book of duties up to entry {approver.duties}"
    )
    if approver.quantity:
        yield f"for {approver.quantity:,} of them"
    if approver.note:
        yield f"in their words: {approver.note}"
    if approver.passkey:
        yield f"passkey: {approver.passkey}"


def _saw(question: "Question") -> str:
    """Tell what the card showed, as the page does."""
    ask = question.ask
    counted = f", counted as {ask.counted} with recent orders" if ask.counted != ask.amount else ""
    contract = f"contract {ask.contract}" if ask.contract else "no contract"
    what = f"{ask.quantity:,} × {ask.description} ({ask.item}) at {ask.unit_price}: {ask.amount}{counted}"
    reason = f"; reason given: {ask.reason}" if ask.reason else ""
    return f"{what}; from {ask.supplier_name}, {contract}; {ask.budget_left} of {ask.budget} left{reason}"


def _advice(counsel: "Counsel") -> str:
    shown = f"advice shown: {counsel.words}" if counsel.words else f"advice not shown: {counsel.because}"
    made = "is kept" if counsel.holds else "does NOT match its digest"
    then = f"; {counsel.then}" if counsel.then else ""
    return f"{shown} ({counsel.model}, {counsel.confidence} % sure; what it was made from {made}){then}"
