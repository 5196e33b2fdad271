"""`almoner ledger export`: the ledger in the formats of process mining and of health-care audit."""

import asyncio
import sys
from contextlib import ExitStack
from datetime import datetime, time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from infrastructure.commands.ledger_explain import assert_writable
from infrastructure.commands.speaking import plainly
from infrastructure.commands.surroundings import find

if TYPE_CHECKING:
    from blocks.wire.exported import Writer
    from tasks.auditing.exporting import Counted

NOT_DONE = 1
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="A day of the hospital, such as 2026-10-01.")]


def export(  # noqa: PLR0913, PLR0917  three formats, two bounds, two places
    ocel: Annotated[bool, typer.Option("--ocel", help="OCEL 2.0 in JSON: object-centric process mining.")] = False,
    fhir: Annotated[bool, typer.Option("--fhir", help="FHIR R4 AuditEvents along IHE BALP, in one Bundle.")] = False,
    xes: Annotated[bool, typer.Option("--xes", help="XES: process mining, a trace a case.")] = False,
    since: Day = None,
    until: Day = None,
    out: Annotated[Path | None, typer.Option(help="Where to; left out: to the terminal.")] = None,
    home: Annotated[Path, typer.Option(envvar="ALMONER_HOME", help="Whose stack.")] = Path(".almoner"),
) -> None:
    """Print every line of the ledger as one event, from a day on and before another; the same bytes every time."""
    if ocel + fhir + xes != 1:
        raise typer.BadParameter("say one of --ocel, --fhir, --xes")
    from blocks.errors import NotFoundError, OutsideError

    with plainly(), ExitStack() as opened:
        if out:
            assert_writable(out)
        find(home)
        to = opened.enter_context(out.open("w", encoding="utf-8")) if out else sys.stdout
        try:
            counted = asyncio.run(_export(_writer(ocel=ocel, fhir=fhir), to, since, until))
        except (OutsideError, NotFoundError) as error:
            print(f"✗ What was exported is not whole, {error}", file=sys.stderr)
            raise typer.Exit(NOT_DONE) from None
        print(f"✓ {counted.events:,} events of {counted.chains:,} chains", file=sys.stderr)


def _writer(*, ocel: bool, fhir: bool) -> "Writer":
    from blocks.wire.fhir_audit import FhirWriter
    from blocks.wire.ocel import OcelWriter
    from blocks.wire.xes import XesWriter

    return OcelWriter() if ocel else FhirWriter() if fhir else XesWriter()


async def _export(writer: "Writer", out: IO[str], since: datetime | None, until: datetime | None) -> "Counted":
    from zoneinfo import ZoneInfo

    from blocks import connect
    from tasks.auditing.exporting import Span, export
    from tasks.case import utc_now

    _, directory = await connect.shelf().directory_in_force(utc_now())
    zone = ZoneInfo(directory.zone)
    bounds = [datetime.combine(day.date(), time(), zone) if day else None for day in (since, until)]
    return await export(writer, out, connect.ledger(), Span(*bounds))
