"""Policy and directory in the ledger: kept under their digest, adopted in a book, effective from a day.

Imports no Prefect: the doors judge by the same rulebook.
"""

import logging
from datetime import datetime
from math import inf
from time import monotonic

from blocks.books import DIRECTORY, DUTIES, POLICY, latest, starts, versions_at
from blocks.duties import Proven, duties_of
from blocks.errors import NotFoundError, RefusedError
from blocks.history import History
from blocks.ledger import Chain, Ledger
from blocks.proofs.adoptions import counting
from blocks.records.ledger import Line
from blocks.records.passkeys import Passkeys
from blocks.records.people import Directory, Duties
from blocks.records.policy import Policy, Rulebook
from blocks.wire.canonical import canonical

logger = logging.getLogger("almoner.rulebook")
NO_DUTIES = Duties()
NO_PASSKEYS = Passkeys()
FRESH_S = 1.0
"""What is adopted is known everywhere within this; a door at fifty clicks a second need not look each time."""


class Shelf:
    """The rulebook as a process or door reads it: only what came since the last look is read again."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._chains: dict[str, tuple[float, Chain]] = {}
        self._policies: dict[str, Policy] = {}
        self._directories: dict[str, Directory] = {}
        self._past = History(ledger)
        self._adopted: dict[str, tuple[int, list[Line]]] = {}
        self._duties, self._proven = NO_DUTIES, Proven(ledger)
        ledger.observers.append(self._heard)

    def _heard(self, case: str, _seq: int, _head: str) -> None:
        """Hear of what this process wrote itself: that is known at once."""
        if case in self._chains:
            self._chains[case] = (-inf, self._chains[case][1])

    def look_again(self) -> None:
        """Look for what is newest when it is asked for next, however short ago somebody looked."""
        self._chains = {book: (-inf, chain) for book, (_, chain) in self._chains.items()}

    async def in_force(self, at: datetime) -> Rulebook:
        """Read what is in force at a moment; `NotFoundError` where nothing is yet."""
        policy, directory = await self._version(POLICY, at), await self._version(DIRECTORY, at)
        return await self.by_version(policy, directory, await self.duties())

    async def policy_in_force(self, at: datetime) -> tuple[str, Policy]:
        """Read the policy in force at a moment, and its version."""
        version = await self._version(POLICY, at)
        return version, await self.policy(version)

    async def directory_in_force(self, at: datetime) -> tuple[str, Directory]:
        """Read the directory in force at a moment, and its version."""
        version = await self._version(DIRECTORY, at)
        return version, await self.directory(version)

    async def zone(self) -> str:
        """Name the hospital's time zone, in which its days begin; UTC while no directory has named one."""
        adopted = await self._proven_in(DIRECTORY)
        return (await self.directory(str(adopted[-1].body["object"]))).zone if adopted else "UTC"

    async def by_version(self, policy: str, directory: str, duties: Duties = NO_DUTIES) -> Rulebook:
        """Read a policy and a directory by their digests."""
        return Rulebook.model_construct(
            policy=await self.policy(policy),
            policy_version=policy,
            directory=await self.directory(directory),
            directory_version=directory,
            duties=duties,
            passkeys=NO_PASSKEYS,  # named, lest the default be copied each time
        )

    async def duties(self, until: int | None = None) -> Duties:
        """Read who stands in for whom and who is away, as the book says now, or said after its entry *until*.

        What lends without the passkey that policy asks for lends nothing.
        """
        if until == 0:
            return NO_DUTIES
        chain = await self._read(DUTIES, at_least=until or 0)
        if until is None and self._duties.seq == chain.seq:
            return self._duties
        found = duties_of(chain, until, await self._proven.void(chain))
        if until is None:
            self._duties = found
        return found

    async def policies_at(self, at: datetime) -> tuple[Policy, ...]:
        """Read the policies by which somebody may have judged at a moment; what is newest is looked for."""
        self._heard(POLICY, 0, "")
        versions = versions_at(await self._proven_in(POLICY), at)
        return tuple([await self.policy(one) for one in versions])

    async def policy(self, version: str) -> Policy:
        """Read a policy by its digest."""
        if version not in self._policies:
            self._policies[version] = Policy.model_validate_json(await self._ledger.fetch(version))
        return self._policies[version]

    async def directory(self, version: str) -> Directory:
        """Read a directory by its digest."""
        if version not in self._directories:
            self._directories[version] = Directory.model_validate_json(await self._ledger.fetch(version))
        return self._directories[version]

    async def _version(self, book: str, at: datetime) -> str:
        adopted = await self._proven_in(book)
        if line := latest(adopted, at):
            return str(line.body["object"])
        what = book.removeprefix("book~")
        if adopted:
            first = min(str(line.body["effective_from"]) for line in adopted)
            raise NotFoundError(f"no {what} is in force yet: the first takes effect on {first}")
        raise NotFoundError(f"no {what} is in force: adopt one with `almoner policy adopt FILE`")

    async def _proven_in(self, book: str) -> list[Line]:
        """List what was put in force, without what lacks the passkey that policy asked for: it is told, once."""
        chain = await self._read(book)
        seq, lines = self._adopted.get(book, (0, []))
        if seq != chain.seq:
            self._past.look_again()
            every = [(entry.seq, line) for entry in chain.entries for line in entry.lines]
            judged = await self._past.judged(book, every)
            for one in judged:
                if not one.counts and one.seq > seq:
                    told = (
                        "%s/%s counts for nothing, what was in force before it holds: `almoner ledger verify` says why"
                    )
                    logger.warning(told, book, one.seq)
            lines = counting(judged)
            self._adopted[book] = (chain.seq, lines)
        return lines

    async def _read(self, book: str, *, at_least: int = 0) -> Chain:
        looked, chain = self._chains.get(book, (-inf, None))
        if chain is None or chain.seq < at_least or monotonic() - looked > FRESH_S:
            looked = monotonic()
            chain = await self._ledger.read(book, known=chain)
            self._chains[book] = (looked, chain)
        return chain


async def adopt(ledger: Ledger, document: Policy | Directory, *, actor: str, at: datetime) -> str:
    """Keep a document and put it in force from its day on; the one already last is not adopted twice.

    `RefusedError` where it cannot be gone by.
    """
    book = POLICY if isinstance(document, Policy) else DIRECTORY
    if isinstance(document, Policy) and document.clock and (why := document.clock.calendar.reason_unknown()):
        raise RefusedError("policy", f"clock.calendar.{why}")
    version = await ledger.keep(canonical(document))
    zone = document.zone if isinstance(document, Directory) else await Shelf(ledger).zone()
    body = {"object": version, **starts(document.effective_from, zone)}
    line = Line(act="adopted", actor=actor, at=at, body=body)

    def adopted(chain: Chain) -> Line | None:
        last = chain.last("adopted")
        return None if last and last.body["object"] == version else line

    await ledger.enter(book, adopted)
    return version
