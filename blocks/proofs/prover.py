"""The prover: what the ledger holds is checked for the passkeys it takes, long afterwards, by the ledger alone."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from pydantic import ValidationError

from blocks.books import DIRECTORY, DUTIES, POLICY
from blocks.duties import Proven, checked
from blocks.errors import NotFoundError
from blocks.history import History
from blocks.ledger import Ledger, TamperedError
from blocks.proofs.acts import reason_unproven
from blocks.proofs.emergencies import reason_not_lent, reason_not_reviewed
from blocks.proofs.enrolments import check_enrolments
from blocks.proofs.keyring import PASSKEYS
from blocks.proofs.segregation import (
    REVERSED,
    VOUCHED,
    reason_kept_apart,
    reason_not_apart,
    reason_not_reversed_by_two,
    reason_not_to_have_settled,
    requesters_of,
)
from blocks.proofs.session_acts import SessionProofs
from blocks.records.approval import Ask, Decision
from blocks.records.ledger import Entry, Line
from blocks.records.passkeys import Passkeys

Lines = Sequence[tuple[int, Line]]
"""Lines of one chain, each with the number of its entry."""
Unproven = list[tuple[int, str]]


class Prover:
    """Checks decisions and changes long after they were made, with what the ledger holds and nothing else."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._past = History(ledger)
        self._proven = Proven(ledger, self._past)
        self._sessions = SessionProofs(ledger, self._past)
        self._first_uses: list[str] = []

    async def unproven(self, case: str, entries: list[Entry]) -> Unproven:
        """Say what in a chain takes a passkey or a session and is not proven, each with its entry, and why not."""
        lines = [(entry.seq, line) for entry in entries for line in entry.lines]
        return [*await self._by_passkey(case, lines), *await self._sessions.unproven(entries)]

    async def _by_passkey(self, case: str, lines: Lines) -> Unproven:
        books: dict[str, Callable[[Lines], Awaitable[Unproven]]] = {
            POLICY: self._policies,
            DIRECTORY: self._directories,
            DUTIES: self._delegations,
            PASSKEYS: self._enrolments,
        }
        return await books.get(case, partial(self._decisions, case))(lines)

    async def _decisions(self, case: str, lines: Lines) -> Unproven:
        asks: dict[str, Ask] = {}
        found, escalated, earlier = [], set[str](), list[Decision]()
        every = [line for _, line in lines]
        for place, (seq, line) in enumerate(lines):
            escalated |= {line.key} if line.act == "escalated" else set()
            try:
                if line.act == "asked" and "ask" in line.body:
                    asks[line.key] = await self._as_policy_asks(Ask.model_validate(line.body["ask"]))
                if line.act == "decided" and line.key in asks:
                    decision = Decision.model_validate(line.body["decision"])
                    keys = await self._past.enrolled(decision.passkeys) if decision.proof else Passkeys()
                    ask, above = asks[line.key], line.key in escalated
                    reason = reason_unproven(ask, decision, keys) or reason_not_apart(ask, decision, earlier)
                    earlier.append(decision)
                    reason = reason or await self._reason_kept_apart(line, every[:place])
                    reason = reason or await reason_not_lent(ask, decision, self._past, self._proven, escalated=above)
                    if reason := reason or await reason_not_reviewed(f"{case}#{seq}", decision, self._past):
                        found.append((seq, f"{decision.name} on {line.key}: {reason}"))
                if line.act in VOUCHED and (reason := await self._reason_not_vouched(line, every[:place], asks)):
                    found.append((seq, f"{line.body['name']} on {line.key}: {reason}"))
            except (ValidationError, LookupError, TamperedError):
                found.append(
                    (seq, f"what is {line.act} as {line.key}, or the book that would prove it, cannot be read")
                )
        return found

    async def _reason_not_vouched(self, line: Line, before: list[Line], asks: dict[str, Ask]) -> str | None:
        """Say why somebody's word on an effect in doubt, or on a journal entry, should not have been taken; or None."""
        if line.act in REVERSED:
            reason = reason_not_reversed_by_two(line, before)
        else:
            requesters = requesters_of(before) | {ask.requester for ask in asks.values()}
            reason = reason_not_to_have_settled(line, requesters)
        return reason or await self._reason_kept_apart(line, before)

    async def _reason_kept_apart(self, line: Line, before: list[Line]) -> str | None:
        """Say which pair of policy's duties somebody did on one case, by the policies of that moment; or None."""
        if not any(x.act == "decided" or x.act in VOUCHED for x in before):
            return None
        return reason_kept_apart(line, before, await self._past.policies_at(line.at))

    async def _policies(self, lines: Lines) -> Unproven:
        """Say which policies were put in force without the passkey that the policy before them asks for."""
        return [(one.seq, one.because) for one in await self._past.judged(POLICY, lines) if one.because]

    async def _directories(self, lines: Lines) -> Unproven:
        """Say which directories were put in force without the passkey that the policy of that day asks for."""
        return [(one.seq, one.because) for one in await self._past.judged(DIRECTORY, lines) if one.because]

    async def _delegations(self, lines: Lines) -> Unproven:
        """Say what lacks the passkey of who lends, or agrees to lend in an emergency, where policy then asks for it."""
        unlent = (await checked((((seq, 0), line) for seq, line in lines), self._past)).unlent
        return [(one.place[0], f"{one.line.actor} on {one.line.key}: {one.because}") for one in unlent]

    async def _enrolments(self, lines: Lines) -> Unproven:
        """Say which passkeys were enrolled on nobody's word, once there was somebody to give it."""
        checked = await check_enrolments(list(lines), self._past)
        self._first_uses = checked.first
        return checked.unproven

    @property
    def notes(self) -> tuple[str, ...]:
        """What an auditor should know of though it is as it should be: what rests on trust instead of proof."""
        claims = self._sessions.claims
        told = f"{claims} {'act' if claims == 1 else 'acts'} at the command line rest on --as alone"
        return (*(f"passkey of {one}" for one in self._first_uses), *([told] if claims else []))

    async def _as_policy_asks(self, ask: Ask) -> Ask:
        """Ask for a passkey where policy does, whatever was written of it, and where no such policy was in force."""
        try:
            policy = await self._past.policy_of(ask.policy)
        except NotFoundError:
            policy = None
        return ask.model_copy(update={"passkey": ask.passkey or policy is None or policy.steps_up(ask.counted.amount)})
