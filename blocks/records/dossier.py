"""The dossier of a case: everything the ledger holds on it, as an auditor asks for it."""

from typing import Any

from pydantic import AwareDatetime, Field

from blocks.records.approval import Ask, Ending
from blocks.records.base import Record, Words
from blocks.records.money import Money
from blocks.records.people import Capacity, Delegation
from blocks.records.purchasing import ErpDocument, Requisition, Trace


class Place(Record):
    """Where the ledger holds something: which entry of which chain, and the entry's SHA-256."""

    case: str
    seq: int
    digest: str
    index: int | None = Field(default=None, description="Its number in the log over all chains, where one is kept")


class Deed(Record):
    """Something that was done: when, by whom, in which system, and what."""

    at: AwareDatetime
    who: str
    system: str = Field(description="The system or door that says so")
    what: str
    place: Place


class Version(Record):
    """A policy or directory that was gone by, and who put it in force, when."""

    version: str = Field(description="Its SHA-256, under which it is kept")
    effective_from: str
    adopted_by: str = ""
    adopted_at: AwareDatetime | None = None
    signed: bool = Field(default=False, description="Whether it was put in force with a passkey")


class Approver(Record):
    """Who answered, by what right at that moment, and how."""

    person: str
    name: str
    title: str
    role: Capacity
    right: str = Field(description="By what right: as the directory and the duties then said")
    on_behalf_of: str = ""
    delegation: Delegation | None = None
    directory: Version
    duties: int = Field(description="How far the book of duties was read")
    verdict: Ending
    at: AwareDatetime
    note: Words = ""
    quantity: int | None = None
    passkey: str = Field(default="", description="How a passkey's signature checks, where there is one")
    place: Place


class Counsel(Record):
    """What a model recommended on an ask, what became of that, and what the person then did."""

    words: str = Field(description="As it was shown; empty: it was not")
    because: str
    answer: str = Field(description="Of governance: show, route (marked: look at this) or ignore")
    whom: str = Field(description="Who was asked, and so saw it where it was shown")
    model: str
    confidence: int = Field(description="Per cent, by the model's own account")
    input: str = Field(description="SHA-256 of what it was made from")
    holds: bool = Field(description="Whether what it was made from is kept, and is what that digest says")
    then: str = Field(default="", description="What the person did")
    place: Place


class Question(Record):
    """One ask: to whom, why, what its card showed, and what came of it."""

    ask: Ask
    asked: Deed
    due: AwareDatetime | None = None
    shown: str = Field(description="SHA-256 of what the card showed")
    kept: bool = Field(description="Whether that document is kept, and is what its name says")
    approver: Approver | None = None
    able: tuple[str, ...] = Field(default=(), description="Who could have answered then, and by what right")
    beside: tuple[Deed, ...] = Field(
        default=(), description="What else happened to it: reminders, late clicks, questions"
    )
    advice: tuple[Counsel, ...] = Field(default=(), description="What models recommended, and what came of it")


class Change(Record):
    """One change to a system of record: intended, made, confirmed."""

    effect: str
    key: str
    reference: str = Field(description="What leads to it in the other system: its own reference, or that of its order")
    draft: dict[str, Any] = Field(description="What was to be made")
    document: ErpDocument | None = None
    deeds: tuple[Deed, ...]


class Look(Record):
    """What was known when it was decided: one look at stock, price, contract and budget."""

    at: AwareDatetime
    on_hand: str
    unit_price: Money | None
    supplier: str
    contract: str | None
    budget: Money
    left: Money
    place: Place


class Sealed(Record):
    """The signed head of the log over all chains under which a case lies."""

    index: int = Field(description="Where in the log the case's last entry is, from 0")
    size: int
    root: str = Field(description="The head's root hash, in hex")
    key: str = Field(description="The log's first public key")
    witness: str = Field(default="", description="The key of the witness that cosigned the head, where one did")
    last: bool = Field(
        default=False, description="Whether the log, looked through to its end, holds no later entry of it"
    )


class LegalHold(Record):
    """Why nothing of a case may be taken away for now: since when, who said so, and for which matter."""

    since: AwareDatetime
    by: str = Field(description="Their name, where the directory has it")
    because: str

    @property
    def words(self) -> str:
        """Say it in a line."""
        return f"under legal hold since {self.since:%Y-%m-%d %H:%M} UTC by {self.by} ({self.because})"


class Dossier(Record):
    """A case, told from the first message to the last confirmation."""

    case: str
    headline: str
    ended: str = ""
    because: Words = ""
    document: str | None = None
    amount: Money | None = None
    request: Requisition
    requester: str
    requester_title: str = ""
    received: Deed
    message: str = Field(description="The message it began with, as its source names it")
    zone: str
    policy: Version | None = None
    directory: Version | None = None
    looks: tuple[Look, ...] = ()
    questions: tuple[Question, ...] = ()
    changes: tuple[Change, ...] = ()
    deeds: tuple[Deed, ...]
    head: str
    entries: int
    sealed: Sealed | None = None
    broken: str = Field(default="", description="Why the case does not hold, where it does not")
    hold: LegalHold | None = None
    traces: tuple[Trace, ...] = Field(
        default=(), description="The invoice or journal entry by which it was found, as the ERP says"
    )

    @property
    def holds(self) -> bool:
        """Whether nothing shows that it was harmed: neither its chain, nor a document that somebody was shown."""
        return not self.broken and all(one.kept for one in self.questions)
