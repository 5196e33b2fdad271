"""What the processes need of the outside, whoever provides it: Protocols, with their contracts in prose.

Every method that changes anything outside takes a *key*: the same key twice is the same change once,
and what was made can be found under it.
"""

from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Any, Literal, NamedTuple, Protocol

from blocks.records.approval import Posted
from blocks.records.purchasing import (
    CancelDraft,
    ErpDocument,
    IssueDraft,
    OrderDraft,
    Requisition,
    ReverseDraft,
    Sourcing,
    Trace,
)

Repeated = Literal["answered", "pointed at", "refused at work"]


class Personality(NamedTuple):
    """How a system of record treats a key: the resolver of doubts acts on it (`tasks.rules.doubt`).

    It never calls again where neither a key that is still kept nor a look-up shows that it is safe.
    """

    key_kept_s: float | None
    """How long after its first use a repeated key is recognised; None: for good; 0: it knows no keys."""
    finds: bool
    """Whether a document can be found by its key."""
    lag_s: float = 0.0
    """How long after a call began, or its answer was lost, its document may still come to be, or to show."""
    repeated: Repeated = "answered"
    """What comes of a repeated key, for its adapter to read as the port says. Answered: like the first time.
    Pointed at: 400, with the address of what the first made. Refused at work: 409 while the first is being worked on,
    422 where it asked for something else."""
    knows_before_it_judges: bool = False
    """Whether a repeated key is looked for before anything else, so that a no to it says that the first made nothing.
    To be declared only where the system promises it: without that, and without a look-up, a no to a further call,
    while the first may be at work, is put before a person."""

    @property
    def knows_keys(self) -> bool:
        """Whether a repeated key is recognised at all."""
        return self.key_kept_s != 0


class Erp(Protocol):
    """The system of record for stock, contracts, budgets and orders.

    Reads raise `RefusedError` where the ERP does not know the item or the cost centre (the message names
    the field and the remedy) and `UnavailableError` where it does not answer. Changes raise `RefusedError`
    when the ERP says no (nothing was kept, or what was kept is a draft that binds nobody), `UnknownError` when
    the answer was lost or the first call with the key is still at work, `MismatchError` where the key has something
    else, and `UnavailableError` or `UnreadableError` (it does not let us in) where nothing was changed for certain.
    A refusal is about the call that it answers, never about an earlier one that may be at work still.

    A key that is kept for good makes a late call harmless. Where it is not, an adapter waits no longer between being
    called and sending what changes something than others wait beyond a claim (ten seconds, see `tasks.claims`), be it
    for a connection, in a queue of its own or to read first: nobody looks at the claim again.
    """

    @property
    def personality(self) -> Personality: ...
    async def sourcing(self, request: Requisition, on: date) -> Sourcing:
        """Stock, supplier, contract price, budget position and period for one requisition on one day."""
        ...

    async def order(self, draft: OrderDraft, *, key: str) -> ErpDocument:
        """Place the order; the same key again returns the order already there."""
        ...

    async def find_order(self, key: str) -> ErpDocument | None:
        """Find a *placed* order by key; a mere draft does not count. Never `RefusedError`: a look-up judges nothing."""
        ...

    async def issue(self, draft: IssueDraft, *, key: str) -> ErpDocument:
        """Issue from stock; the same key again returns the issue already there."""
        ...

    async def find_issue(self, key: str) -> ErpDocument | None:
        """Find an issue from stock by key; a mere draft does not count. Never `RefusedError`."""
        ...

    async def cancel(self, draft: CancelDraft, *, key: str) -> ErpDocument:
        """Take a document of ours back; again, it is still taken back. `RefusedError` once goods came or went."""
        ...

    async def reverse(self, draft: ReverseDraft, *, key: str) -> ErpDocument:
        """Reverse the journal entry of a bill for an order of ours, and the bill with it; return what reverses it.

        An entry is reversed once: again, and under whatever key, what reverses it is returned. `RefusedError` where
        the entry came of another document, is not posted, its bill has been paid, or its period is closed for good.
        """
        ...

    async def trace(self, number: str) -> tuple[Trace, ...]:
        """Say of which documents of ours an invoice (by its number, or the supplier's) or a journal entry came.

        An entry that reverses one of a bill came of that bill's order. Empty where it came of none; credit notes and
        payments are not followed. Never `RefusedError`.
        """
        ...


class Blob(NamedTuple):
    """One stored object, by listing."""

    key: str
    size: int
    version: str = ""
    """Changes when the object does."""


class Held(NamedTuple):
    """One stored object, as it was when it was read."""

    data: bytes
    version: str
    """Changes when the object does; the same as in a listing."""


class Store(Protocol):
    """Object storage with conditional writes. Keys are `/`-separated; values are bytes."""

    async def create(self, key: str, data: bytes) -> None:
        """Write where nothing is; `ConflictError` where something is that differs.

        The same bytes again are the same write: a lost acknowledgement is no conflict.
        """
        ...

    async def get(self, key: str) -> bytes:
        """Read; `NotFoundError` where nothing is."""
        ...

    async def age_s(self, key: str) -> float:
        """Tell how long ago what is there was written, to two seconds; `NotFoundError` where nothing is.

        By the store's own clock at both ends: whoever asks, and whoever wrote, may have any time they like.
        """
        ...

    async def look(self, key: str) -> Held:
        """Read what may be swapped, with its version; `NotFoundError` where nothing is."""
        ...

    async def written_at(self, key: str) -> datetime:
        """Say when an object was written, by the store's own clock; `NotFoundError` where nothing is."""
        ...

    async def swap(self, key: str, data: bytes, *, was: str) -> str:
        """Write over the version *was* alone, and return the new version; `ConflictError` where another is there.

        The same bytes again are the same write: a lost acknowledgement is no conflict.
        """
        ...

    def list(self, prefix: str, *, after: str = "") -> AsyncIterator[Blob]:
        """List in key order what lies under *prefix* (ending in `/`), from after the key *after*."""
        ...


class KeyStore(Protocol):
    """Where the vault's keys lie, outside of any lock: a key that nobody can destroy protects nobody."""

    async def create(self, key: str, data: bytes) -> None:
        """Write where nothing is; `ConflictError` where something is that differs."""
        ...

    async def get(self, key: str) -> bytes:
        """Read; `NotFoundError` where nothing is."""
        ...

    async def shred(self, key: str, left: bytes) -> None:
        """Replace what is under a key by *left*, and destroy every version there ever was of it.

        `RefusedError` where the store keeps one against our will.
        """
        ...


class Card(NamedTuple):
    """A message: what is drawn, what a screen reader reads, and how it is found again."""

    blocks: list[dict[str, Any]]
    text: str
    key: str


class Desk(Protocol):
    """Where people are asked and told.

    `RefusedError` when it will not take the message, `UnavailableError` when it does not answer;
    it looks a message up by its key before it posts it again.
    """

    async def post(self, channel: str, card: Card, *, maybe_posted: bool = False) -> Posted:
        """Post a card; *maybe_posted*: an earlier attempt may have succeeded, so look first."""
        ...

    async def redraw(self, posted: Posted, card: Card) -> None:
        """Draw a posted card anew."""
        ...

    async def say(self, posted: Posted, text: str) -> None:
        """Say something in a card's thread."""
        ...

    async def tell(self, slack_user: str, card: Card, *, maybe_posted: bool = False) -> Posted:
        """Send one person one message."""
        ...
