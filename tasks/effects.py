"""Effects: every change to a system of record is intended in the ledger, then made, then confirmed there.

    intent → (look up, where an earlier attempt exists) → call with the key → outcome

The key is known before the call and is the document's external reference. A time-out means *unknown*: it is
looked up and adopted, or tried again under the same key where the system's personality makes that safe, or
parked for a person. If the ledger cannot be written, the effect does not happen.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from blocks.errors import RefusedError, UnavailableError, UnknownError
from blocks.ports import Personality
from blocks.records.base import Record
from blocks.records.ledger import Line
from blocks.records.purchasing import ErpDocument
from blocks.wire.names import effect_key
from tasks.case import Case, current
from tasks.rules.doubt import what_next

Draft = TypeVar("Draft", bound=Record)
Draft_contra = TypeVar("Draft_contra", bound=Record, contravariant=True)


class Change(Protocol[Draft_contra]):
    """How a system of record makes a change under a key."""

    def __call__(self, draft: Draft_contra, /, *, key: str) -> Awaitable[ErpDocument]:
        """Make it; the same key twice is the same change once."""
        ...


class InDoubtError(Exception):
    """Nobody can say whether the effect happened, and repeating it might double it: a person must look."""

    def __init__(self, case: str, effect: str, key: str) -> None:
        super().__init__(
            f"{case}: nobody can say whether the {effect} happened. Look in the system for the reference "
            f"almoner:{key} and tell the ledger what you find; it is not tried again by itself"
        )


async def once(
    effect: str,
    draft: Draft,
    *,
    do: Change[Draft],
    find: Callable[[str], Awaitable[ErpDocument | None]],
    personality: Personality,
) -> ErpDocument:
    """Make *effect* happen once for the case in hand, and return the document it made.

    What is sent is what the intent says: a second attempt sends the bytes of the first.
    Raises `RefusedError` (the refusal is in the ledger), `UnavailableError` (try again), `InDoubtError`.
    """
    case = current()
    key = effect_key(case.id, effect)
    if outcome := case.recall("outcome", key):
        return _confirmed(outcome)
    if intent := case.recall("intent", key):
        draft = type(draft).model_validate(intent.body["draft"])
        if found := await _look_up(case, effect, key, intent, find, personality):
            return await _confirm(case, effect, key, found, how="adopted")
    else:
        case.note("intent", key, body={"effect": effect, "draft": draft.model_dump(mode="json")})
        await case.write()
    try:
        made = await do(draft, key=key)
    except RefusedError as refusal:
        case.note("outcome", key, body={"effect": effect, "refused": refusal.detail, "system": refusal.system})
        await case.write()
        raise
    except UnknownError as error:
        case.note("unknown", key, body={"effect": effect, "detail": error.detail})
        await case.write()  # whoever tries next counts a system's lag from here, not from the intent
        raise
    return await _confirm(case, effect, key, made, how="made")


async def _look_up(
    case: Case,
    effect: str,
    key: str,
    intent: Line,
    find: Callable[[str], Awaitable[ErpDocument | None]],
    personality: Personality,
) -> ErpDocument | None:
    """Return what an earlier attempt made, or None where it is safe to try again under the same key."""
    found = await find(key) if personality.finds else None
    last = case.recall("unknown", key) or intent
    age_s = (case.clock() - last.at).total_seconds()
    step = what_next(personality, age_s=age_s, found=found is not None)
    if step == "wait":
        raise UnavailableError("erp", f"{effect}: what was sent may not be visible yet")
    if step == "park":
        if not case.recall("parked", key):  # once: upkeep wakes the case every minute until a person has looked
            case.note("parked", key, body={"effect": effect})
            await case.write()
        raise InDoubtError(case.id, effect, key)
    return found


async def _confirm(case: Case, effect: str, key: str, document: ErpDocument, *, how: str) -> ErpDocument:
    body: dict[str, Any] = {"effect": effect, "how": how, "document": document.model_dump(mode="json")}
    case.note("outcome", key, body=body, source="erp")
    await case.write()
    return document


def _confirmed(outcome: Line) -> ErpDocument:
    if "refused" in outcome.body:
        raise RefusedError(outcome.body["system"], outcome.body["refused"])
    return ErpDocument.model_validate(outcome.body["document"])
