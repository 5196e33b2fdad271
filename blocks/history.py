"""History: policy, directory and passkeys as they were at a moment, read from the ledger alone, for an auditor."""

from datetime import datetime
from typing import TypeVar

from blocks.books import DIRECTORY, POLICY, latest, versions_at
from blocks.ledger import Chain, Ledger
from blocks.proofs.adoptions import Judged, Lines, counting, judged_directories, judged_policies
from blocks.proofs.keyring import PASSKEYS, keys_of, passkeys_of
from blocks.records.base import Record
from blocks.records.ledger import Line
from blocks.records.passkeys import Passkeys
from blocks.records.people import Directory
from blocks.records.policy import Policy

Document = TypeVar("Document", bound=Record)


class History:
    """What held at a moment. `NotFoundError` where a document is gone; None where nothing was in force yet."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._books: dict[str, Chain] = {}
        self._documents: dict[str, Record] = {}
        self._judged: dict[str, tuple[int, tuple[Judged, ...]]] = {}

    def look_again(self) -> None:
        """Read each book on when it is asked for next: for whoever lives on while they grow."""
        self._books.clear()

    async def policy(self, at: datetime) -> Policy | None:
        """Read the policy in force at a moment, of those put in force before it."""
        return await self._in_force(POLICY, Policy, at)

    async def policies_at(self, at: datetime) -> tuple[Policy, ...]:
        """Read the policies by which somebody may have judged at a moment."""
        versions = versions_at(await self.adopted(POLICY), at)
        return tuple([await self._read(one, Policy) for one in versions])

    async def directory(self, at: datetime) -> Directory | None:
        """Read the directory in force at a moment, of those put in force before it."""
        return await self._in_force(DIRECTORY, Directory, at)

    async def adopted(self, name: str) -> list[Line]:
        """List what was put in force in a book, without what lacks the passkey that policy asked for."""
        chain = await self.book(name)
        if self._judged.get(name, (0,))[0] != chain.seq:
            lines = [(entry.seq, line) for entry in chain.entries for line in entry.lines]
            self._judged[name] = (chain.seq, await self.judged(name, lines))
        return counting(self._judged.get(name, (0, ()))[1])

    async def judged(self, name: str, lines: Lines) -> tuple[Judged, ...]:
        """Judge each line that puts a policy, or a directory, in force."""
        if name == DIRECTORY:
            return await judged_directories(lines, self.policy, self.enrolled)
        return await judged_policies(lines, lambda version: self._read(version, Policy), self.enrolled)

    async def policy_of(self, version: str) -> Policy | None:
        """Read a policy that was put in force, or None where there is no such."""
        adopted = await self.adopted(POLICY)
        return await self._read(version, Policy) if any(x.body["object"] == version for x in adopted) else None

    async def enrolled(self, seq: int) -> Passkeys:
        """Read the passkeys that were enrolled after an entry of their book."""
        return passkeys_of(await self.book(PASSKEYS, seq), seq)

    async def enrolled_by(self, at: datetime) -> Passkeys:
        """Read the passkeys that were enrolled at a moment."""
        lines = (line for line in (await self.book(PASSKEYS)).lines if line.at <= at)
        return Passkeys(keys=tuple(keys_of(lines).values()))

    async def book(self, name: str, at_least: int = 0) -> Chain:
        """Read a book, once, and again where an entry is asked for that was not there."""
        if name not in self._books or self._books[name].seq < at_least:
            self._books[name] = await self._ledger.read(name)
        return self._books[name]

    async def _in_force(self, book: str, kind: type[Document], at: datetime) -> Document | None:
        adopted = [line for line in await self.adopted(book) if line.at < at]
        line: Line | None = latest(adopted, at)
        return await self._read(str(line.body["object"]), kind) if line else None

    async def _read(self, version: str, kind: type[Document]) -> Document:
        if version not in self._documents:
            self._documents[version] = kind.model_validate_json(await self._ledger.fetch(version))
        found = self._documents[version]
        assert isinstance(found, kind)  # noqa: S101  a digest names one document, and a book holds one kind
        return found
