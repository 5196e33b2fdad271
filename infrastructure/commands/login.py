"""`almoner login`: sit down at the command line as yourself, by your passkey."""

import asyncio
import getpass
import socket
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple
from zoneinfo import ZoneInfo

import typer

from infrastructure.commands import session_file
from infrastructure.commands.identity import HERE, Home
from infrastructure.commands.speaking import done, plainly
from infrastructure.commands.surroundings import find

if TYPE_CHECKING:
    from blocks.proofs.sessions import Key, Opened
    from blocks.records.passkeys import Confirmation

app = typer.Typer()
LOOK_EVERY_S = 1.0
SIGNED_SHOWN = 16


@app.command()
def login(
    person: Annotated[str, typer.Argument(help="Who you are, by your id in the directory, such as frida.ng.")],
    browser: Annotated[bool, typer.Option(help="Open the page here; without it, open the link on any device.")] = True,
    home: Home = HERE,
) -> None:
    """Log in with your passkey: what you do here is then signed in your name, for some hours."""
    with plainly():
        find(home)
        print(done(log_in(person, home, browser=browser and sys.stdout.isatty())))


async def log_in(person: str, home: Path, *, browser: bool) -> str:
    """Draw up a session, wait until its person has signed it on our page, and keep it; return what to say."""
    from blocks.errors import RefusedError
    from blocks.proofs.sessions import Key

    key = Key()
    drawn = await _draw_up(person, key)
    print(f"{drawn.name}, confirm this with your passkey, within ten minutes:\n\n  {drawn.link}\n")
    print(f"The page shows the letters {drawn.signs}. Ctrl-C leaves it.", flush=True)
    if browser:
        webbrowser.open(drawn.link)
    opened = await _opened(drawn.request)
    if opened is None:
        raise RefusedError("log-in", "nobody confirmed it in time: please try again")
    session_file.keep(home, session_file.Kept(person, opened.session.id, key.seed))
    return f"✓ logged in as {drawn.name} until {opened.session.until.astimezone(drawn.zone):%a %d %b %H:%M}"


class _Drawn(NamedTuple):
    name: str
    link: str
    signs: str
    request: "Confirmation"
    zone: ZoneInfo


async def _draw_up(person: str, key: "Key") -> _Drawn:
    from datetime import timedelta

    from blocks import connect
    from blocks.proofs.keyring import House
    from blocks.proofs.sessions import id_of, spelled
    from blocks.records.sessions import Session
    from blocks.wire.canonical import canonical, digest
    from tasks.case import utc_now
    from tasks.signing.sessions import ask_to_open

    now, house = utc_now(), House.here()
    rulebook = await connect.shelf().in_force(now)
    session = Session(
        id=id_of(key.public),
        person=person,
        public_key=spelled(key.public),
        device=f"{getpass.getuser()}@{socket.gethostname()}"[:120],
        start=now,
        until=now + timedelta(hours=rulebook.policy.session_hours),
    )
    request = await ask_to_open(session, f"cli~{getpass.getuser()}", ledger=connect.ledger(), rulebook=rulebook)
    who = rulebook.directory.person(person)
    return _Drawn(
        name=who.name if who else person,
        link=f"{house.origin}/confirm/{request.case}/{request.nonce}",
        signs=digest(canonical(request))[:SIGNED_SHOWN],
        request=request,
        zone=ZoneInfo(rulebook.directory.zone),
    )


async def _opened(request: "Confirmation") -> "Opened | None":
    """Look until the session is open, or its time is over."""
    from blocks import connect
    from blocks.proofs.sessions import opened_of
    from tasks.case import utc_now

    chain = await connect.ledger().read(request.case)
    while (opened := opened_of(chain)) is None and utc_now() < request.until:
        await asyncio.sleep(LOOK_EVERY_S)
        chain = await connect.ledger().read(request.case, known=chain)
    return opened
