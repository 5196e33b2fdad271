"""`almoner ledger verify`: everything, or an unpacked pack."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infrastructure.commands.speaking import plainly
from infrastructure.commands.surroundings import find
from infrastructure.local.stack.trouble import StackError

if TYPE_CHECKING:
    from blocks.audit.told import Told
    from blocks.audit.verdict import Verdict

FALSE, UNLOOKED = 1, 3
Home = Annotated[Path, typer.Option(envvar="ALMONER_HOME", help="Whose stack.")]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


def verify(
    home: Home = Path(".almoner"),
    as_json: AsJson = False,
    pack: Annotated[Path | None, typer.Option(help="An unpacked pack, in place of the ledger.")] = None,
    key: Annotated[str, typer.Option(help="The log's first public key, as you know it.")] = "",
    witness: Annotated[str, typer.Option(help="With --pack: the witness's public key, as you know it.")] = "",
    head: Annotated[
        list[str] | None, typer.Option(help="A fingerprint that you kept, SIZE:ROOT; may be given again.")
    ] = None,
) -> None:
    """Verify every chain, the log, its witness, its time-stamps, every document; name the first wrong entry of each."""
    from blocks.audit.told import read_told
    from blocks.audit.verdict import to_json
    from blocks.connect import SettingError
    from blocks.errors import UnreadableError
    from blocks.wire.signed_note import KeyTextError
    from infrastructure.verifying import told, verify_everything

    with plainly():
        try:
            heads = [read_told(one) for one in head or ()]
            if pack is None:
                find(home)
            looked = _verify_pack(pack, (key, witness), heads) if pack else verify_everything(key, heads)
            verdict = asyncio.run(looked)
        except ValueError as error:
            raise StackError(f"{error}.", "Give the size and the root as the fingerprint tells them.") from error
        except (SettingError, UnreadableError, KeyTextError) as error:
            raise StackError(f"{error}.", "Set right what it names, then try again.") from error
        print(to_json(verdict) if as_json else "\n".join(told(verdict)))
        if not verdict.verified:
            raise typer.Exit(FALSE if verdict.findings else UNLOOKED)


async def _verify_pack(pack: Path, keys: tuple[str, str], heads: "list[Told]") -> "Verdict":
    """Verify a pack by the keys that were given, else by those that it brings along."""
    from blocks.audit.scope import Scope
    from blocks.audit.verdict import verify as verify_all
    from blocks.ledger import Ledger
    from blocks.sealing.log import PREFIX, Log
    from blocks.sealing.tsa import Roots
    from blocks.sealing.witness import Witnessed
    from blocks.store import FolderStore
    from blocks.wire.signed_note import PublicKey
    from infrastructure.verifying import tsa_roots
    from tasks.auditing.packing import ABOUT, LEDGER, ROOTS

    try:
        about = json.loads((pack / ABOUT).read_bytes())
        scope = Scope(str(about["since"]), str(about["until"]))
    except (OSError, ValueError, KeyError) as error:
        raise StackError(f"{pack} is no unpacked pack: {type(error).__name__}.", f"It holds {ABOUT}.") from error
    first, cosigns = keys[0] or about.get("log", ""), keys[1] or about.get("witness", "")
    store = FolderStore(pack / LEDGER)
    log = Log(store, PublicKey.parse(first)) if first else None
    cosigned = FolderStore(pack / LEDGER / PREFIX)  # the head in a pack is the one that the witness cosigned
    roots = tsa_roots() or (Roots.read((pack / ROOTS).read_bytes()) if (pack / ROOTS).exists() else None)
    seen = Witnessed(cosigned, PublicKey.parse(cosigns)) if log and cosigns else None
    return await verify_all(Ledger(store), log, seen, roots=roots, scope=scope, heads=heads)
