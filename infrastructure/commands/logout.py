"""`almoner logout`: leave the command line."""

import typer

from infrastructure.commands import session_file
from infrastructure.commands.identity import HERE, Home
from infrastructure.commands.speaking import done, plainly
from infrastructure.commands.surroundings import find

app = typer.Typer()


@app.command()
def logout(home: Home = HERE) -> None:
    """Log out: the session is closed, and its key forgotten."""
    with plainly():
        kept = session_file.read(home)
        session_file.forget(home)
        if kept is None:
            print("You are not logged in here.")
            return
        find(home)
        done(_close(kept))
        print(f"✓ logged out: {kept.person} is not logged in here any more")


async def _close(kept: session_file.Kept) -> None:
    """Close the session in the ledger, signed with its own key as the last thing that it signs."""
    from blocks import connect
    from blocks.proofs.sessions import CLI, Key, SessionSigner, chain_of, opened_of
    from tasks.case import utc_now
    from tasks.signing.sessions import close

    ledger, now = connect.ledger(), utc_now()
    opened = opened_of(await ledger.read(chain_of(kept.session)))
    if opened and not opened.closed and opened.session.start <= now < opened.session.until:  # else it ends by itself
        ledger.signer = SessionSigner(kept.person, Key(kept.seed))
        await close(opened.session, CLI, ledger=ledger, at=now)
        ledger.signer = None
