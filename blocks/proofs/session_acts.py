"""Proof of what was done at the command line: from the act to the session, to the passkey, to who enrolled it."""

from datetime import datetime

from pydantic import ValidationError

from blocks.books import KNOWN_WITHIN
from blocks.errors import NotFoundError
from blocks.history import History
from blocks.ledger import Ledger, TamperedError
from blocks.proofs.acts import Deed, reason_not_signed
from blocks.proofs.keyring import PASSKEYS
from blocks.proofs.sessions import CLAIMED, CLI, LOG_IN, Opened, chain_of, holds, opened_of, signed_text
from blocks.records.ledger import Entry, Line
from blocks.records.passkeys import Proof
from blocks.wire.canonical import canonical, digest

PERSON = "person:"


class SessionProofs:
    """Checks the acts of people at the command line, by the ledger alone."""

    def __init__(self, ledger: Ledger, past: History) -> None:
        self._ledger = ledger
        self._past = past
        self._opened: dict[str, Opened | str] = {}
        self.claims = 0
        """How many acts rest on `--as` alone, as they may where nobody could prove who they are."""

    async def unproven(self, entries: list[Entry]) -> list[tuple[int, str]]:
        """Say which acts no session has signed that should have, or whose session proves nothing."""
        lines = [(entry, line) for entry in entries for line in entry.lines]
        reasons = [await self._reason(entry, line) for entry, line in lines]
        told = zip(lines, reasons, strict=True)
        return [(entry.seq, f"{line.actor} {line.act}: {reason}") for (entry, line), reason in told if reason]

    async def _reason(self, entry: Entry, line: Line) -> str | None:
        if line.signed is None:
            return await self._reason_not_bare(line)
        if line.signed.session not in self._opened:
            self._opened[line.signed.session] = await self._read(line.signed.session)
        opened = self._opened[line.signed.session]
        if isinstance(opened, str):
            return opened
        session = opened.session
        if line.actor != f"{PERSON}{session.person}":
            return f"it was signed in a session of {session.person}"
        if not session.start <= line.at < session.until or (opened.closed and opened.closed.at < line.at):
            return "it was signed when the session was not open"
        if (gone := await self._withdrawn(opened)) and gone.at + KNOWN_WITHIN < line.at:
            return "it was signed after the passkey by which the session was opened was withdrawn"
        if not holds(session, line.signed, signed_text(entry.case, entry.prev, line)):
            return "the session's signature is not over this act, in this place"
        return None

    async def _reason_not_bare(self, line: Line) -> str | None:
        if not line.actor.startswith(PERSON) or not (line.source or "").startswith(CLI):
            return None
        if line.source == CLI:
            return "it says that it was done in a session, and none has signed it"
        person, policy = line.actor.removeprefix(PERSON), await self._past.policy(line.at)
        if policy and policy.step_up_from is not None:
            return "nothing but --as says who did it, and policy asks for passkeys"
        if line.source and line.source.startswith(CLAIMED) and await self._had_passkey(person, line.at):
            return "nothing but --as says who did it, and they had a passkey"
        self.claims += 1
        return None

    async def _had_passkey(self, person: str, at: datetime) -> bool:
        return bool((await self._past.enrolled_by(at)).of(person))

    async def _withdrawn(self, opened: Opened) -> Line | None:
        return (await self._past.book(PASSKEYS)).last("withdrawn", opened.credential)

    async def _read(self, name: str) -> Opened | str:
        """Read a session that was opened by its person's passkey; or say why it proves nothing."""
        try:
            opened = opened_of(await self._ledger.read(chain_of(name)))
            if opened is None:
                return "its session was never opened"
            session, body = opened.session, opened.line.body
            shown = digest(canonical(session))
            deed = Deed(chain_of(name), session.id, shown, LOG_IN, session.person, opened.line.at)
            enrolled = await self._past.enrolled(body["passkeys"])
            reason = reason_not_signed(deed, Proof.model_validate(body["proof"]), enrolled)
        except (ValidationError, LookupError, TamperedError, NotFoundError):
            return "its session, or the book that would prove it, cannot be read"
        return f"its session is not proven: {reason}" if reason or session.id != name else opened
