"""`almoner ledger pack` and `check-bundle`: what an auditor from elsewhere takes away, and how one checks it."""

import asyncio
import sys
import tempfile
import zipfile
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infrastructure.commands.speaking import plainly
from infrastructure.commands.surroundings import find

if TYPE_CHECKING:
    from tasks.auditing.packing import Packed

NOT_DONE, FALSE = 1, 1
GIVEN = ("__init__.py", "check_bundle.py", "check_log.py", "check_pack.py", "check_stamps.py")
"""Of the auditor's programs, what goes into a pack."""
NO_BUNDLE = (
    "this is no proof of a case, or a part of it is missing, so that nothing can be said of it. "
    "Give the file that `almoner ledger explain CASE --bundle FILE` wrote, whole and unchanged; or write it anew"
)
IN_GO = Path(__file__).parents[2] / "tests" / "verifier"


def pack(
    period: Annotated[str, typer.Option(help="A month of the hospital, such as 2026-10.")],
    out: Annotated[Path | None, typer.Option(help="Where to; left out: almoner-<period>.zip here.")] = None,
    home: Annotated[Path, typer.Option(envvar="ALMONER_HOME", help="Whose stack.")] = Path(".almoner"),
) -> None:
    """Write everything that an external auditor needs of a month into one archive, verifier included."""
    from blocks.errors import NotFoundError, OutsideError
    from blocks.wire.broken import NEXT

    to = out or Path(f"almoner-{period}.zip")
    with plainly():
        find(home)
        try:
            packed = asyncio.run(_pack(period, to))
        except (OutsideError, NotFoundError) as error:
            print(f"✗ Nothing was packed, {error}", file=sys.stderr)
            raise typer.Exit(NOT_DONE) from None
    counted = f"{packed.chains:,} chains, {packed.entries:,} entries, {packed.objects:,} documents"
    sealed = f"{packed.log:,} entries under the signed head" if packed.log else "under no signed head"
    sealed += f", time-stamps: {packed.stamps:,}" if packed.stamps else ""
    wrong = _read_as_its_auditor_does(to)
    print(f"{'✗' if wrong else '✓'} {to}: {counted}, {packed.events:,} events of {period}; {sealed}")
    print("  The auditor unpacks it and runs `python -m auditor.check_pack .`: README.md says how.")
    if wrong:
        says = "\n".join(f"✗ {one}" for one in wrong)
        print(f"{says}\nThat is what the auditor will read. {NEXT}", file=sys.stderr)
        raise typer.Exit(FALSE)


def _read_as_its_auditor_does(archive: Path) -> list[str]:
    """Say what does not hold in a pack, by the program and the keys that it brings along."""
    from infrastructure.auditor.check_pack import check_pack

    with tempfile.TemporaryDirectory(dir=archive.absolute().parent, prefix=".almoner-pack-") as folder:
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)  # ours, written a moment ago
        return check_pack(Path(folder)).wrong


def check_bundle(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="What `explain --bundle` has written.")],
    key: Annotated[str, typer.Option(help="The log's first public key, as you know it from elsewhere.")] = "",
    witness: Annotated[str, typer.Option(help="The witness's public key, as you know it from elsewhere.")] = "",
) -> None:
    """Check the proof of a case, offline: the same program that the auditor has."""
    import json

    from infrastructure.auditor.check_bundle import Wrong
    from infrastructure.auditor.check_bundle import check_bundle as check

    try:
        bundle = json.loads(file.read_bytes())
        told = check(bundle, key, witness)
    except (Wrong, ValueError, KeyError, TypeError, IndexError) as wrong:
        print(f"✗ {file}: {wrong if isinstance(wrong, Wrong) else NO_BUNDLE}", file=sys.stderr)
        raise typer.Exit(FALSE) from None
    print("\n".join([f"✓ {bundle['case']}", *(f"  {one}" for one in told)]))


def papers() -> dict[str, bytes]:
    """Read what is added to every pack: its README, and the programs that check it."""
    here = files("infrastructure.auditor")
    given = {f"auditor/{name}": here.joinpath(name).read_bytes() for name in GIVEN}
    # A checkout has it, an installed package has not.
    given |= {f"auditor/verifier/{source.name}": source.read_bytes() for source in IN_GO.glob("*.go")}
    return given | {"README.md": here.joinpath("README.md").read_bytes()}


async def _pack(period: str, to: Path) -> "Packed":
    from blocks import connect
    from infrastructure.verifying import tsa_roots
    from tasks.auditing.packing import Believing, Period, pack
    from tasks.case import utc_now

    _, directory = await connect.shelf().directory_in_force(utc_now())
    month = Period.of(period, directory.zone)
    believing = Believing(connect.witnessed(), tsa_roots())
    draft = to.with_name(f".{to.name}.part")
    try:
        with draft.open("wb") as out:
            packed = await pack(month, out, connect.ledger(), connect.log(), papers(), believing=believing)
        draft.replace(to)
    finally:
        draft.unlink(missing_ok=True)
    return packed
