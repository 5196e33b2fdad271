"""Who types: the person whose session this home keeps; or, while nobody could prove it, whoever `--as` says."""

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from infrastructure.commands import session_file

if TYPE_CHECKING:
    from datetime import datetime

    from blocks.records.people import Person
    from blocks.records.policy import Rulebook

Home = Annotated[Path, typer.Option(envvar="ALMONER_HOME", help="Whose stack.")]
By = Annotated[str, typer.Option("--as", help="Who you are, by your id in the directory; left out once logged in.")]
HERE = Path(".almoner")


class Speaker(NamedTuple):
    """Who types, through which door, and the rules they are judged by."""

    by: "Person"
    door: str
    rulebook: "Rulebook"
    at: "datetime"


async def speaker(home: Path, claim: str = "") -> Speaker:
    """Find out who types, and let what they do be signed by their session; `RefusedError` says what to do first."""
    from blocks import connect
    from blocks.proofs.keyring import enrolled
    from blocks.proofs.sessions import CLAIMED, CLI, Key, SessionSigner, chain_of, opened_of
    from tasks.case import utc_now
    from tasks.signing.sessions import reason_not_to_claim, reason_over

    now, ledger, kept = utc_now(), connect.ledger(), session_file.read(home)
    ledger.signer = None
    rulebook = await connect.shelf().in_force(now)
    if kept is None:
        if not claim:
            raise _refused("say who you are: `almoner login YOU`")
        if reason := reason_not_to_claim(claim, rulebook.policy, await enrolled(ledger)):
            raise _refused(f"{reason}: `almoner login {claim}`")
        return Speaker(_person(claim, rulebook), f"{CLAIMED}~{getpass.getuser()}", rulebook, now)
    opened = opened_of(await ledger.read(chain_of(kept.session)))
    if reason := reason_over(opened, rulebook.directory, await enrolled(ledger), now):
        raise _refused(f"{reason}: `almoner login {kept.person}`, or `almoner logout` to forget it")
    if claim not in ("", kept.person):
        raise _refused(f"you are logged in as {kept.person}: leave --as out, or `almoner logout` first")
    ledger.signer = SessionSigner(kept.person, Key(kept.seed))
    return Speaker(_person(kept.person, rulebook), CLI, rulebook, now)


def _person(name: str, rulebook: "Rulebook") -> "Person":
    person = rulebook.directory.person(name)
    if person is None or not person.active:
        raise _refused(f"{name} is not an active person of the directory")
    return person


def _refused(reason: str) -> Exception:
    from blocks.errors import RefusedError

    return RefusedError("identity", reason)
