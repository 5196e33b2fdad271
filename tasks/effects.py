"""Effects: every change to a system of record is intended in the ledger, then made, then confirmed there.

    intent → (look up, where an earlier attempt exists) → call with the key → outcome

The key is known before the call and is the document's external reference. A time-out means *unknown*: it is
looked up and adopted, or tried again under the same key where the system's personality makes that safe, or
parked until a person settles it (see `tasks.parked`). If the ledger cannot be written, the effect does not happen.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from blocks.errors import RefusedError, UnavailableError, UnknownError
from blocks.ports import Personality
from blocks.records.base import Record
from blocks.records.ledger import Line
from blocks.records.purchasing import ErpDocument
from blocks.wire.names import effect_key, reference
from tasks.case import Case, current
from tasks.rules.doubt import what_next

ATTEMPTS = frozenset({"intent", "attempt"})
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
            f"{reference(key)}, then say with `almoner case settle {case}` what you found; "
            "it is not tried again by itself"
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
        if found := await _taken_up(case, effect, key, find, personality):
            return found
    else:
        case.note("intent", key, body={"effect": effect, "draft": draft.model_dump(mode="json")})
    await case.write()  # also what an earlier try could not write: nothing happens that was not intended
    try:
        made = await do(draft, key=key)
    except RefusedError as refusal:
        await _refused(case, effect, key, refusal)
        raise
    except UnknownError as error:
        case.note("unknown", key, body={"effect": effect, "detail": error.detail})
        await case.write()  # whoever tries next counts a system's lag from here, not from the intent
        raise
    return await _confirm(case, effect, key, made, how="made")


async def _taken_up(
    case: Case,
    effect: str,
    key: str,
    find: Callable[[str], Awaitable[ErpDocument | None]],
    personality: Personality,
) -> ErpDocument | None:
    """Return what an earlier attempt made, or None where it is safe to try again under the same key."""
    last = case.latest(key, {*ATTEMPTS, "unknown", "parked", "settled"})
    if last and last.act in ATTEMPTS and not case.has_written(last):
        return None  # the ledger did not take it, so nothing was tried
    if last and last.act == "settled":
        return await _as_settled(case, effect, key, last)
    found = await find(key) if personality.finds else None
    step = what_next(personality, age_s=_age_s(case, key, personality), found=found is not None)
    if step == "wait":
        raise UnavailableError("erp", f"{effect}: what was sent may not be visible yet")
    if step == "park":
        if last and last.act != "parked":
            case.note("parked", key, body={"effect": effect})
            await case.write()
        raise InDoubtError(case.id, effect, key)
    return await _confirm(case, effect, key, found, how="adopted") if found else None


async def _as_settled(case: Case, effect: str, key: str, settled: Line) -> ErpDocument | None:
    """Do as a person said: confirm it, refuse it, or begin one more attempt, which is in doubt like the first."""
    verdict = settled.body["verdict"]
    if verdict == "made":
        made = ErpDocument.model_validate(settled.body["document"])
        return await _confirm(case, effect, key, made, how="settled")
    if verdict == "given-up":
        refusal = RefusedError("person", f"given up by {settled.body['name']}: {settled.body['because']}")
        await _refused(case, effect, key, refusal)
        raise refusal
    case.note("attempt", key, body={"effect": effect})
    return None


def _age_s(case: Case, key: str, personality: Personality) -> float:
    """Tell how old the doubt is: what may show late counts from the last answer lost, a key from its first use."""
    since = case.latest(key, {*ATTEMPTS, "unknown"} if personality.finds else ATTEMPTS)
    return (case.clock() - since.at).total_seconds() if since else 0.0


async def _confirm(case: Case, effect: str, key: str, document: ErpDocument, *, how: str) -> ErpDocument:
    body: dict[str, Any] = {"effect": effect, "how": how, "document": document.model_dump(mode="json")}
    case.note("outcome", key, body=body, source="erp")
    await case.write()
    return document


async def _refused(case: Case, effect: str, key: str, refusal: RefusedError) -> None:
    case.note("outcome", key, body={"effect": effect, "refused": refusal.detail, "system": refusal.system})
    await case.write()


def _confirmed(outcome: Line) -> ErpDocument:
    if "refused" in outcome.body:
        raise RefusedError(outcome.body["system"], outcome.body["refused"])
    return ErpDocument.model_validate(outcome.body["document"])
