"""Policy and directory in the ledger: documents kept under their digest, adopted in a book, effective from a day.

Imports no Prefect: the doors judge by the same rulebook.
"""

from datetime import date, datetime

from blocks.errors import NotFoundError
from blocks.ledger import Chain, Ledger
from blocks.records.ledger import Line
from blocks.records.people import Directory
from blocks.records.policy import Policy, Rulebook
from blocks.wire.canonical import canonical

POLICY = "book~policy"
DIRECTORY = "book~directory"


class Shelf:
    """The rulebook as a process or door reads it: what was read once is not read again, only what came after."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._chains: dict[str, Chain] = {}
        self._policies: dict[str, Policy] = {}
        self._directories: dict[str, Directory] = {}

    async def in_force(self, on: date) -> Rulebook:
        """Read what is in force on a day; `NotFoundError` where nothing was ever adopted."""
        policy_version = await self._version(POLICY, on)
        if policy_version not in self._policies:
            text = await self._ledger.fetch(policy_version)
            self._policies[policy_version] = Policy.model_validate_json(text)
        return Rulebook.model_construct(
            policy=self._policies[policy_version],
            policy_version=policy_version,
            directory=await self.directory(version := await self._version(DIRECTORY, on)),
            directory_version=version,
        )

    async def directory(self, version: str) -> Directory:
        """Read a directory by its digest."""
        if version not in self._directories:
            text = await self._ledger.fetch(version)
            self._directories[version] = Directory.model_validate_json(text)
        return self._directories[version]

    async def _version(self, book: str, on: date) -> str:
        chain = await self._ledger.read(book, known=self._chains.get(book))
        self._chains[book] = chain
        adopted = [x for x in chain.having("adopted") if date.fromisoformat(x.body["effective_from"]) <= on]
        if not adopted:
            raise NotFoundError(
                f"{book}: nothing is in force on {on}: adopt one with `almoner policy adopt FILE`"
            )
        return str(max(adopted, key=lambda line: line.body["effective_from"]).body["object"])


async def adopt(ledger: Ledger, document: Policy | Directory, *, actor: str, at: datetime) -> str:
    """Keep a document and put it in force from its day on; the one already last is not adopted twice."""
    book = POLICY if isinstance(document, Policy) else DIRECTORY
    version = await ledger.keep(canonical(document))
    chain = await ledger.read(book)
    last = chain.last("adopted")
    if last is None or last.body["object"] != version:
        body = {"object": version, "effective_from": document.effective_from.isoformat()}
        await ledger.append(chain, [Line(act="adopted", actor=actor, at=at, body=body)])
    return version
