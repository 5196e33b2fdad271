"""The ledger: one chain of entries a case, in object storage, and the objects they speak of.

    cases/<case>/<seq>.json    created once, each holding the digest of the one before
    objects/<sha256>           documents referred to: what a person was shown, reports
    inbox/<source>/<id>        raw messages, sealed by the vault
    quarantine/<source>/<id>   what could not be read, and why, sealed by the vault

Imports no Prefect: the doors use it too.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from pydantic import TypeAdapter, ValidationError

from blocks.errors import ConflictError, NotFoundError, UnreadableError
from blocks.ports import Store
from blocks.records.ledger import GENESIS, CaseId, Entry, Line
from blocks.vault import Vault
from blocks.wire.canonical import canonical, digest

SEQ_DIGITS = 8
BOOK = "book~"
"""How the names of the books begin that grow as long as there is a ledger."""
READ_AHEAD = 5
"""Entries of an unknown chain asked for at once: most cases are read in one round trip."""
READ_AHEAD_MAX = 64
RACES_MAX = 50
"""How often somebody else may be first before it is given up."""
_NAMES = TypeAdapter(CaseId)
_ENTRY = re.compile(rf"cases/([A-Za-z0-9][A-Za-z0-9._~-]{{0,127}})/([0-9]{{{SEQ_DIGITS}}})\.json")


class TamperedError(UnreadableError):
    """A chain does not hold together: an entry is not what its successor says it was."""

    def __init__(self, system: str, detail: str, before: "Chain | None" = None) -> None:
        super().__init__(system, detail)
        self.before = before
        """Where a chain was read: its entries before the fault. Of these too the last may be the altered one."""

    @property
    def case(self) -> str:
        """Name the chain, where it is one."""
        return self.before.case if self.before else ""


@dataclass(frozen=True)
class Chain:
    """A case as far as it was read. `head` is the digest of the last entry."""

    case: str
    entries: tuple[Entry, ...] = ()
    head: str = GENESIS

    @property
    def seq(self) -> int:
        """How many entries there are."""
        return len(self.entries)

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """Every line, oldest first."""
        return tuple(line for entry in self.entries for line in entry.lines)

    def having(self, act: str, key: str | None = None) -> tuple[Line, ...]:
        """Every line of one act, about *key* where one is given."""
        return tuple(x for x in self.lines if x.act == act and (key is None or x.key == key))

    def last(self, act: str, key: str | None = None) -> Line | None:
        """Return the latest line of one act, or None."""
        found = self.having(act, key)
        return found[-1] if found else None


class Observer(Protocol):
    """Whoever wants to know of every entry written: the log of heads."""

    def __call__(self, case: str, seq: int, head: str, /) -> None:
        """Hear of the entry *seq* of *case*, whose digest is *head*."""


class Signer(Protocol):
    """Whoever signs what is written: a person's session at the command line."""

    def __call__(self, case: str, prev: str, line: Line, /) -> Line:
        """Sign a line that follows the entry *prev* of *case*; return it as it is where it is none of theirs."""
        ...


@dataclass(eq=False)
class Ledger:
    """Chains and objects in a store.

    `append` raises `ConflictError` when somebody else was first: read again, decide again, as `enter` does.
    Everything raises `UnavailableError` when the store does not answer.
    """

    store: Store
    observers: list[Observer] = field(default_factory=list)
    made: dict[str, object] = field(default_factory=dict, repr=False)
    """What was made of it and lives as long as it does, such as its books, by name."""
    vault: Vault | None = None
    """What seals raw messages. None, for ledgers that no patient can reach: they lie as they came."""
    signer: Signer | None = None
    _books: dict[str, Chain] = field(default_factory=dict, repr=False)

    async def read(self, case: str, *, known: Chain | None = None) -> Chain:
        """Read a chain to its end, or what came after *known*; empty where there is none.

        Books grow for years, so this process reads each from its first entry only once.
        """
        if not case.startswith(BOOK):
            return await self._read(case, known)
        last = self._books.get(case)
        if known is None or (last and last.seq > known.seq):
            known = last
        chain = await self._read(case, known)
        if chain.seq and (known is None or chain.seq > known.seq):
            self._books[case] = chain
        return chain

    async def _read(self, case: str, known: Chain | None) -> Chain:
        chain = known or Chain(case)
        if not _is_name(case):
            return chain
        ahead = 1 if known else READ_AHEAD
        while True:
            seqs = range(chain.seq + 1, chain.seq + 1 + ahead)
            found = (
                await asyncio.gather(*(self._entry(case, seq) for seq in seqs))
                if ahead > 1
                else [await self._entry(case, seqs[0])]
            )
            texts = [text for text in found if text is not None]
            if found[: len(texts)] != texts and await self._entry(case, seqs[found.index(None)]) is not None:
                continue  # somebody wrote between two of the looks; a true gap breaks the chain below
            chain = _linked(chain, texts)
            if len(texts) < len(found):
                return chain
            ahead = min(ahead * 2, READ_AHEAD_MAX)

    async def age_s(self, chain: Chain, line: Line) -> float | None:
        """Tell how long ago a line was written, by the store's own clock; None: it is not in the chain."""
        seq = next((entry.seq for entry in chain.entries if any(one is line for one in entry.lines)), None)
        return None if seq is None else await self.store.age_s(entry_key(chain.case, seq))

    async def append(self, chain: Chain, lines: Iterable[Line]) -> Chain:
        """Write one entry after the last of *chain*, and return the chain with it."""
        if self.signer:
            lines = [self.signer(chain.case, chain.head, line) for line in lines]
        entry = Entry(case=chain.case, seq=chain.seq + 1, prev=chain.head, lines=tuple(lines))
        data = canonical(entry)
        await self.store.create(entry_key(chain.case, entry.seq), data)
        head = digest(data)
        for observer in self.observers:
            observer(chain.case, entry.seq, head)
        return Chain(chain.case, (*chain.entries, entry), head)

    async def enter(self, case: str, judge: Callable[[Chain], Line | Awaitable[Line | None] | None]) -> Chain:
        """Append what *judge* makes of a chain as it stands, asked again whenever somebody else was first.

        Where it makes nothing of it, nothing is appended. `ConflictError` after many lost races.
        """
        chain = await self.read(case)
        for _ in range(RACES_MAX):
            made = judge(chain)
            line = await made if isinstance(made, Awaitable) else made
            if line is None:
                return chain
            try:
                return await self.append(chain, [line])
            except ConflictError:
                chain = await self.read(case, known=chain)
        message = f"{case}: {RACES_MAX} lost races in a row"
        raise ConflictError(message)

    async def keep(self, data: bytes) -> str:
        """Keep a document under its own digest, and return the digest."""
        name = digest(data)
        await self.store.create(f"objects/{name}", data)
        return name

    async def fetch(self, name: str) -> bytes:
        """Read a kept document; `TamperedError` where it is not what its name says."""
        data = await self.store.get(f"objects/{name}")
        if digest(data) != name:
            raise TamperedError("ledger", f"objects/{name} is not what its name says")
        return data

    async def keep_raw(self, key: str, data: bytes, subject: str) -> str | None:
        """Keep what may speak of a patient, sealed; return its keyed digest, or None where there is no vault.

        `ForgottenError` where the subject's key was destroyed.
        """
        if self.vault is None:
            await self.store.create(key, data)
            return None
        of_subject = await self.vault.key(subject)
        try:
            await self.store.create(key, of_subject.seal(data, key))
        except ConflictError:
            if await self.read_raw(key) != data:  # it may have been kept before there was a vault
                raise
        return of_subject.digest(data)

    async def read_raw(self, key: str) -> bytes:
        """Read what was kept so; `NotFoundError` where nothing is, `ForgottenError` where its key is destroyed."""
        data = await self.store.get(key)
        return await self.vault.open(data, key) if self.vault else data

    async def cases(self) -> AsyncIterator[tuple[str, int]]:
        """List every chain and its highest sequence number, in name order."""
        case, seq = "", 0
        async for blob in self.store.list("cases/"):
            found = re.fullmatch(r"cases/([^/]+)/(\d+)\.json", blob.key)
            if not found:
                continue
            if found[1] != case and case:
                yield case, seq
            case, seq = found[1], int(found[2])
        if case:
            yield case, seq

    async def _entry(self, case: str, seq: int) -> bytes | None:
        try:
            return await self.store.get(entry_key(case, seq))
        except NotFoundError:
            return None


def _is_name(case: str) -> bool:
    """Say whether there can be a chain of that name: doors read what people send."""
    try:
        _NAMES.validate_python(case)
    except ValidationError:
        return False
    return True


def entry_key(case: str, seq: int) -> str:
    """Say where an entry lies."""
    return f"cases/{case}/{seq:0{SEQ_DIGITS}}.json"


def place_of(key: str) -> tuple[str, int] | None:
    """Say of which case, and the how manieth, the entry under a key is; None where no entry can lie there."""
    found = _ENTRY.fullmatch(key)
    return (found[1], int(found[2])) if found and int(found[2]) else None


def _linked(chain: Chain, texts: list[bytes]) -> Chain:
    entries, head = list(chain.entries), chain.head
    for text in texts:
        where = entry_key(chain.case, len(entries) + 1)
        try:
            entry = Entry.model_validate_json(text)
        except ValidationError as error:
            detail = f"{where} is not an entry: {error.errors()[0]['msg']}"
            raise TamperedError("ledger", detail, Chain(chain.case, tuple(entries), head)) from error
        if (entry.case, entry.seq, entry.prev) != (chain.case, len(entries) + 1, head):
            detail = f"{where} does not follow the entry before it"
            raise TamperedError("ledger", detail, Chain(chain.case, tuple(entries), head))
        entries.append(entry)
        head = digest(text)
    return Chain(chain.case, tuple(entries), head)
