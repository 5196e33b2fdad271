"""Documents under a key: find or create, then drive from state to state until they bind.

Tryton knows no idempotency keys. The key is the document's `reference`, and a unique index over our
references (prepared with the database, kept for good) lets only one document have it. Every act is
preceded by knowing the state; an act that fails is judged by the state it left.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from blocks.errors import MismatchError, OutsideError, RefusedError, UnavailableError, UnknownError
from blocks.tryton.http import SYSTEM, Found, GoneError, TakenError, TrytonRest, Values
from blocks.wire.names import reference

RACES: Final = 5
"""How often a document may appear or vanish under our hands before we give up."""
STEPS: Final = 12

MakeValues = Callable[[], Awaitable[Values]]
Differs = Callable[[Found], str | None]


class Kind(NamedTuple):
    """A kind of document and the road from draft to binding."""

    name: str
    model: str
    fields: tuple[str, ...]
    acts: Mapping[str, str]
    """For each state that does not bind, the button that leads on."""
    binding: frozenset[str]
    stalled: str
    """What it means when a button leaves the state as it was."""


class Documents:
    """Finds, creates and drives the documents of one kind."""

    def __init__(self, rest: TrytonRest, kind: Kind) -> None:
        self._rest = rest
        self._kind = kind

    async def find(self, key: str, context: Values) -> Found | None:
        """Find the document under a key, whatever its state."""
        domain = [["reference", "=", reference(key)]]
        found = await self._rest.search(self._kind.model, domain, self._kind.fields, context)
        return found[0] if found else None

    async def placed(self, key: str, context: Values) -> Found | None:
        """Find the document under a key if it binds."""
        found = await self.find(key, context)
        return found if found and found["state"] in self._kind.binding else None

    async def obtain(self, key: str, context: Values, values: MakeValues, differs: Differs) -> Found:
        """Find or create the document under a key and drive it until it binds.

        Raises `RefusedError` when the ERP says no; then nothing is left, or a draft. Raises `MismatchError` where
        the key has something else, and `UnknownError` when an answer was lost after the first change.
        """
        for _ in range(RACES):
            found = await self.find(key, context)
            if found is None:
                wanted = await values()
                with suppress(TakenError):
                    found = await self._rest.create(self._kind.model, wanted, self._kind.fields, context)
            if found is None:
                continue
            if difference := differs(found):
                why = f"{self._named(found)} already has this key, with {difference}"
                raise MismatchError(SYSTEM, why)
            with suppress(GoneError):
                return await self._drive_known(found, context)
        raise UnknownError(SYSTEM, f"the {self._kind.name} appears and vanishes; look it up by its key")

    async def _drive_known(self, found: Found, context: Values) -> Found:
        """Drive; what cannot be reached any more was changed before, so its state is unknown."""
        try:
            return await self._drive(found, context)
        except UnavailableError as error:
            raise UnknownError(SYSTEM, error.detail) from error

    async def _drive(self, found: Found, context: Values) -> Found:
        for _ in range(STEPS):
            state = found["state"]
            if state in self._kind.binding:
                return found
            button = self._kind.acts.get(state)
            if button is None:
                why = f"{self._named(found)} is {state} in the ERP; ask for it anew if it is still wanted"
                raise RefusedError(SYSTEM, why)
            found = await self._press(found, button, context)
        raise UnknownError(SYSTEM, f"{self._named(found)} does not come to rest in state {found['state']}")

    async def _press(self, found: Found, button: str, context: Values) -> Found:
        """Press a button. Where that is refused and nobody else moved the document on, withdraw it."""
        kind, record = self._kind, found["id"]
        try:
            left = await self._rest.act(kind.model, record, button, kind.fields, context)
            why = kind.stalled
        except GoneError:
            raise
        except RefusedError as error:
            left = await self._rest.read(kind.model, record, kind.fields, context)
            why = error.detail
        if left["state"] != found["state"]:
            return left
        await self._withdraw(left, context)
        raise RefusedError(SYSTEM, why)

    async def _withdraw(self, found: Found, context: Values) -> None:
        """Take our draft away. Where even that fails it stays a draft, which binds nobody."""
        kind, record = self._kind, found["id"]
        with suppress(OutsideError):
            if found["state"] != "draft":
                await self._rest.act(kind.model, record, "draft", ["state"], context)
            await self._rest.delete(kind.model, record, context)

    def _named(self, found: Found) -> str:
        number = found.get("number")
        return f"{self._kind.name} {number}" if number else f"a draft {self._kind.name}"
