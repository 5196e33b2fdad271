"""Log-ins at the command line: a fresh key, vouched for by its person's passkey for some hours. Knows no Prefect."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from blocks.errors import RefusedError
from blocks.ledger import Chain, Ledger
from blocks.proofs.keyring import enrolled
from blocks.proofs.sessions import LOG_IN, Opened, chain_of, opened_of
from blocks.records.ledger import Line
from blocks.records.passkeys import Confirmation, Passkeys
from blocks.records.people import Directory, Person
from blocks.records.policy import Policy, Rulebook
from blocks.records.sessions import Session
from blocks.wire.canonical import canonical
from tasks.signing.matters import Told, Where, draw_up, drawn_of, proven_by
from tasks.signing.stepup import DOOR, Signed


async def ask_to_open(session: Session, door: str, *, ledger: Ledger, rulebook: Rulebook) -> Confirmation:
    """Draw up a session for its person to sign; `RefusedError` where they cannot log in."""
    person = rulebook.directory.person(session.person)
    if person is None or not person.active:
        raise _refused(f"{session.person} is not an active person of the directory")
    if not (await enrolled(ledger)).of(person.id):
        raise _refused(f"{person.name} has no passkey yet: `almoner passkeys invite {person.id}` prints a link")
    version = await ledger.keep(canonical(session))
    body = {"session": session.model_dump(mode="json")}
    line = Line(act="", key=session.id, actor=f"door:{door}", at=session.start, seen=version, source=door, body=body)
    return await draw_up(line, chain_of(session.id), LOG_IN, person.id, ledger)


class SessionMatter:
    """A log-in, as a matter to sign: on which device, from when until when."""

    again = "Please log in again: `almoner login`."

    async def tell(self, request: Confirmation, by: Person, chain: Chain, where: Where) -> Told | str:
        """Tell which command line asks; it may be logged in already, or for longer than policy lets."""
        del by
        session = Session.model_validate(drawn_of(chain, request, "session"))
        rulebook = await where.shelf.in_force(where.at)
        if opened_of(chain):
            return "You are logged in already."
        if reason := reason_too_long(session, rulebook.policy):
            return reason
        until = session.until.astimezone(ZoneInfo(rulebook.directory.zone))
        return Told(
            over="you are about to log in at a command line",
            what=session.device,
            intro="Until you log out, what is done there is done in your name. Sign only if you have just typed "
            "“almoner login” there yourself, and it shows the letters below.",
            facts=(("Until", f"{until:%a %d %b %H:%M}"), ("It can", "decide what takes no passkey, and propose")),
            button="Log in with your passkey",
            until="Until then nobody is logged in.",
            title="You are logged in",
        )

    async def do(self, request: Confirmation, signed: Signed, by: Person, where: Where) -> str:
        """Open it."""
        chain = await where.ledger.read(request.case)
        session = Session.model_validate(drawn_of(chain, request, "session"))
        body = {"session": session.model_dump(mode="json")} | proven_by(signed)
        mine = Line(
            act="logged-in",
            key=session.id,
            actor=f"person:{by.id}",
            at=where.at,
            seen=request.shown,
            source=DOOR,
            body=body,
        )
        await where.ledger.enter(request.case, lambda chain: None if opened_of(chain) else mine)
        return "Go back to your command line: it goes on there. You can close this page."


def reason_too_long(session: Session, policy: Policy) -> str | None:
    """Say why a session would hold for too long, or None."""
    if session.until - session.start > timedelta(hours=policy.session_hours):
        return f"This log-in would hold for longer than {policy.session_hours} hours, which is what policy lets."
    return None


def reason_over(opened: Opened | None, directory: Directory, keys: Passkeys, at: datetime) -> str | None:
    """Say why nothing can be done in a session any more, or None."""
    if opened is None:
        return "you are not logged in here"
    if opened.closed:
        return "you have logged out"
    if at < opened.session.start:
        shown = f"{at.astimezone(ZoneInfo(directory.zone)):%H:%M on %d %b}"
        return f"this computer shows {shown}, which is before you logged in: set the clock, or log in again"
    if at >= opened.session.until:
        return f"your session ended at {opened.session.until.astimezone(ZoneInfo(directory.zone)):%H:%M on %d %b}"
    if keys.find(opened.credential) is None:
        return "the passkey by which you logged in has been withdrawn"
    person = directory.person(opened.session.person)
    return None if person and person.active else f"{opened.session.person} is not an active person any more"


def reason_not_to_claim(person: str, policy: Policy, keys: Passkeys) -> str | None:
    """Say why nobody may merely claim to be somebody with `--as`, or None: only while nobody could prove it."""
    if policy.step_up_from is not None:
        return "policy asks for passkeys, so --as alone does not say who you are"
    if keys.of(person):
        return f"{person} has a passkey, so --as alone does not say that you are them"
    return None


async def close(session: Session, door: str, *, ledger: Ledger, at: datetime) -> None:
    """Close a session; nothing that is signed in it afterwards counts."""
    line = Line(act="logged-out", key=session.id, actor=f"person:{session.person}", at=at, source=door)
    await ledger.enter(chain_of(session.id), lambda chain: None if chain.last("logged-out") else line)


def _refused(reason: str) -> RefusedError:
    return RefusedError("log-in", reason)
