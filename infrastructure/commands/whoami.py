"""`almoner whoami`: who the command line takes you for."""

from pathlib import Path
from zoneinfo import ZoneInfo

import typer

from infrastructure.commands import session_file
from infrastructure.commands.identity import HERE, Home, speaker
from infrastructure.commands.speaking import done, plainly
from infrastructure.commands.surroundings import find

app = typer.Typer()
NOBODY = 1


@app.command()
def whoami(home: Home = HERE) -> None:
    """Say who you are logged in as, and until when; exits with 1 where you are not."""
    with plainly():
        kept = session_file.read(home)
        if kept is None:
            print("You are not logged in here: `almoner login YOU`.")
            raise typer.Exit(NOBODY)
        find(home)
        print(done(_told(home, kept)))


async def _told(home: Path, kept: session_file.Kept) -> str:
    from blocks import connect
    from blocks.proofs.sessions import chain_of, opened_of

    who = await speaker(home)
    opened = opened_of(await connect.ledger().read(chain_of(kept.session)))
    assert opened is not None  # noqa: S101  nobody speaks in a session that was never opened
    until = opened.session.until.astimezone(ZoneInfo(who.rulebook.directory.zone))
    roles = ", ".join(sorted({grant.role for grant in who.by.grants})) or "no role"
    return f"{who.by.name} ({who.by.id}): {roles}; until {until:%a %d %b %H:%M}"
