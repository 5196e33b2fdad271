"""The book of duties: who stands in for whom, who is away, what is lent in an emergency; and what of it is proven.

To lend takes a passkey where policy asks for any. What was written without one lends nothing, to anybody who reads the
book: the doors, the process on its way out, the audit.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError

from blocks.books import DUTIES
from blocks.errors import NotFoundError
from blocks.history import History
from blocks.ledger import Chain, Ledger, TamperedError
from blocks.proofs.acts import Deed, reason_not_signed
from blocks.records.ledger import Entry, Line
from blocks.records.passkeys import Passkeys, Proof
from blocks.records.people import (
    Absence,
    Agreement,
    Delegation,
    Duties,
    EmergencyAccess,
    EmergencyAsk,
    Review,
)
from blocks.wire.canonical import canonical, digest

Place = tuple[int, int]
"""Where a line stands in a book: its entry's number, and its own within it."""
NOTHING = frozenset[Place]()


class Unlent(NamedTuple):
    """What lacks the passkey of who lends, or agrees to lend in an emergency: where it stands, what, and why not."""

    place: Place
    line: Line
    because: str


class Checked(NamedTuple):
    """How far the book was checked."""

    seq: int = 0
    since: datetime | None = None
    asked: Mapping[str, Line] = {}
    unlent: tuple[Unlent, ...] = ()


NEW = Checked()


class Proven:
    """Checks a book of duties as it grows, by the ledger alone; what was checked once is remembered."""

    def __init__(self, ledger: Ledger, past: History | None = None) -> None:
        self._past = past or History(ledger)
        self._checked = Checked()

    async def void(self, chain: Chain) -> frozenset[Place]:
        """Name the lines that lend nothing."""
        return frozenset(one.place for one in await self.unlent(chain))

    async def unlent(self, chain: Chain) -> tuple[Unlent, ...]:
        """Say what lends nothing, and why."""
        if chain.seq > self._checked.seq:
            self._past.look_again()
            new = chain.entries[self._checked.seq :]
            now = (await checked(placed(new), self._past, self._checked))._replace(seq=chain.seq)
            if now.seq > self._checked.seq:  # somebody else may have checked as far meanwhile
                self._checked = now
        return self._checked.unlent


async def checked(lines: Iterable[tuple[Place, Line]], past: History, known: Checked = NEW) -> Checked:
    """Check lines of a book of duties that follow those that are *known*."""
    since, asked, unlent = known.since, dict(known.asked), list(known.unlent)
    for place, line in lines:
        since = max(since or line.at, line.at)  # nothing is older than what stands before it
        if line.act == "emergency-asked":
            asked.setdefault(line.key, line)
        if line.act in {"delegated", "emergency-agreed"} and (reason := await _reason(line, asked, since, past)):
            unlent.append(Unlent(place, line, reason))
    return known._replace(since=since, asked=asked, unlent=tuple(unlent))


async def _reason(line: Line, asked: Mapping[str, Line], since: datetime, past: History) -> str | None:
    """Say why a line lends nothing, or None where it is signed, or policy asked for no passkey."""
    try:
        policy = await past.policy(since)
        if policy is None or policy.step_up_from is None:
            return None
        proof = Proof.model_validate(line.body["proof"]) if line.body.get("proof") else None
        keys = await past.enrolled(line.body["passkeys"]) if proof else Passkeys()
        return reason_not_signed(_deed(line, asked), proof, keys)
    except (ValidationError, LookupError, TamperedError, NotFoundError):
        return "what is said here, or the book that would prove it, cannot be read"


def _deed(line: Line, asked: Mapping[str, Line]) -> Deed:
    if line.act == "delegated":
        lent = Delegation.model_validate(line.body["delegation"])
        return Deed(DUTIES, lent.key, digest(canonical(lent)), "delegate", lent.of, line.at)
    shown = digest(canonical(EmergencyAsk.model_validate(asked[line.key].body["asked"])))
    word = Agreement.model_validate(line.body["agreement"])
    return Deed(DUTIES, line.key, shown, "agree", word.by, line.at)


def placed(entries: Iterable[Entry]) -> Iterator[tuple[Place, Line]]:
    """Give each line with its place."""
    return (((entry.seq, nth), line) for entry in entries for nth, line in enumerate(entry.lines))


def duties_of(chain: Chain, until: int | None = None, void: frozenset[Place] = NOTHING) -> Duties:
    """Fold the book of duties, to its end or to an entry; the lines at the places *void* count for nothing."""
    delegations: dict[str, Delegation] = {}
    absences: dict[str, Absence] = {}
    emergencies: dict[str, EmergencyAccess] = {}
    for place, line in placed(chain.entries[:until]):
        if place in void:
            continue
        if line.act == "delegated":
            delegations[line.key] = Delegation.model_validate(line.body["delegation"])
        elif line.act == "away":
            absences[line.key] = Absence.model_validate(line.body["absence"])
        elif line.act == "revoked":
            delegations.pop(line.key, None)
        elif line.act == "back":
            absences.pop(line.key, None)
        elif line.act.startswith("emergency-"):
            _take_emergency(line, emergencies)
    seq = chain.seq if until is None else min(until, chain.seq)
    lent, away, needed = tuple(delegations.values()), tuple(absences.values()), tuple(emergencies.values())
    return Duties(seq=seq, delegations=lent, absences=away, emergencies=needed, void=void)


def _take_emergency(line: Line, emergencies: dict[str, EmergencyAccess]) -> None:
    """Fold a line about emergency access; the first word on a key, on its end and in its review is the one."""
    access = emergencies.get(line.key)
    if line.act == "emergency-asked" and access is None:
        access = EmergencyAccess(asked=EmergencyAsk.model_validate(line.body["asked"]))
    elif access and line.act == "emergency-agreed":
        agreed = (*access.agreed, Agreement.model_validate(line.body["agreement"]))
        access = access.model_copy(update={"agreed": agreed})
    elif access and line.act == "emergency-ended":
        access = access.model_copy(update={"ended": access.ended or line.at})
    elif access and line.act == "emergency-reviewed":
        review = access.review or Review.model_validate(line.body["review"])
        access = access.model_copy(update={"review": review})
    if access:
        emergencies[line.key] = access
