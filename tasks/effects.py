"""Effects: every change to a system of record is intended in the ledger, then made, then confirmed there.

    intent → (look up, where an earlier attempt exists) → call with the key → outcome

The key is known before the call and is the document's external reference. A time-out means *unknown*: it is
looked up and adopted, or tried again under the same key where the system's personality makes that safe, or
parked until a person settles it (see `tasks.parked`). If the ledger cannot be written, the effect does not happen.
Each attempt is claimed in the case's chain first, which is the fence against whoever was overtaken (`tasks.claims`).
"""

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn, Protocol, TypeVar

from blocks.errors import MismatchError, RefusedError, UnavailableError, UnknownError, UnreadableError
from blocks.ports import Personality
from blocks.proofs.segregation import reason_not_to_have_settled
from blocks.records.base import Record
from blocks.records.ledger import Line
from blocks.records.purchasing import ErpDocument
from blocks.wire.names import Effect, effect_key, reference
from tasks.case import Case, current
from tasks.claims import CLAIMS, claim, give_back, is_held, known_s, moment, quiet_before_s, quiet_s, spend
from tasks.doubts import ask_about
from tasks.rules.doubt import may_be_at_work, what_a_no_says, what_next
from tasks.segregation import reason_not_to_count

TRIED = frozenset({*CLAIMS, "unknown", "unsent", "parked", "settled"})
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


class VoidWordError(Exception):
    """The ledger holds somebody's word on an effect that the door should never have let in."""


async def once(
    effect: Effect,
    draft: Draft,
    *,
    do: Change[Draft],
    find: Callable[[str], Awaitable[ErpDocument | None]],
    personality: Personality,
    nth: int = 0,
) -> ErpDocument:
    """Make *effect* happen once for the case in hand, and return the document it made; *nth*: of several, from 0.

    What is sent is what the intent says: a second attempt sends the bytes of the first.
    Raises `RefusedError` (the refusal is in the ledger), `UnavailableError` (try again), `InDoubtError`.
    """
    case = current()
    key = effect_key(case.id, effect, nth)
    if outcome := case.recall("outcome", key):
        await case.write()  # an earlier try may have failed to: nothing follows from what the ledger does not hold
        return _confirmed(outcome)
    if intent := case.recall("intent", key):
        draft = type(draft).model_validate(intent.body["draft"])
        if found := await _taken_up(case, effect, key, find, personality):
            return found
    else:
        claim(case, "intent", key, {"effect": effect, "draft": draft.model_dump(mode="json")})
    await case.write()  # also what an earlier try could not write: nothing happens that was not intended
    if not is_held(case, key):
        raise UnavailableError("almoner", f"{effect}: this process stood still; it looks again before it acts")
    spend(case, key)
    try:
        made = await do(draft, key=key)
    except RefusedError as refusal:
        return await _told_no(case, effect, key, refusal, find, personality)
    except MismatchError as error:
        await _park(case, effect, key, error.detail)
    except UnknownError as error:
        case.note("unknown", key, body={"effect": effect, "detail": error.detail})
        await case.write()  # whoever tries next counts a system's lag from here, not from the intent
        raise
    except (UnavailableError, UnreadableError):
        await _nothing_sent(case, effect, key, personality)
        raise
    return await _confirm(case, effect, key, made, how="made")


async def _taken_up(
    case: Case,
    effect: str,
    key: str,
    find: Callable[[str], Awaitable[ErpDocument | None]],
    personality: Personality,
) -> ErpDocument | None:
    """Return what an earlier attempt made, or None, with a claim, where it is safe to call under the same key."""
    if is_held(case, key):
        return None  # we have not called yet
    await case.write()  # what an earlier try could not write: how long ago that was is for the store to tell
    last = case.latest(key, TRIED)
    if last and last.act == "settled":
        return await _as_settled(case, effect, key, last)
    if last and last.act == "parked":
        await _park(case, effect, key)
    mine, judged = case.claims.get(key), moment(case)
    tried = _tried(case, key, but_now=mine is not None and not mine.spent)  # we stood still, and never called
    if last := may_be_at_work(tried):
        quiet = await quiet_s(case, last)  # before the look-up: what is done while we ask is not yet quiet
        if found := await _looked_up(find, key) if personality.finds else None:
            return await _confirm(case, effect, key, found, how="adopted")
        judged = moment(case)  # before the key's age: it is no younger when we call
        age_s = await known_s(case, case.latest(key, {"intent", "attempt"}) or last)
        refused = "refused" in tried[-1].body
        step = what_next(personality, found=False, key_age_s=age_s, quiet_s=quiet, refused=refused)
        if step == "wait":
            raise UnavailableError("erp", f"{effect}: what was sent may not be visible yet")
        if step == "park":
            await _park(case, effect, key)
    claim(case, "taken", key, {"effect": effect}, judged)
    return None


def _tried(case: Case, key: str, *, but_now: bool) -> list[Line]:
    """List what was tried under a key; *but_now*: leave out the call that our claim is for."""
    mine = case.claims.get(key)
    now = (mine.epoch, case.holder) if mine and but_now else None
    return [line for line in case.all(key, TRIED) if (line.body.get("epoch"), line.body.get("holder")) != now]


async def _looked_up(find: Callable[[str], Awaitable[ErpDocument | None]], key: str) -> ErpDocument | None:
    """Look; a no to the question says nothing about what was asked for, and must end no case."""
    try:
        return await find(key)
    except RefusedError as refusal:
        raise UnreadableError(refusal.system, f"it would not be asked: {refusal.detail}") from refusal


async def _park(case: Case, effect: str, key: str, why: str = "") -> NoReturn:
    """Leave it to a person, once, however often it is asked for."""
    last = case.latest(key, {*CLAIMS, "unknown", "parked"})
    if last and last.act != "parked":
        case.note("parked", key, body={"effect": effect, "why": why} if why else {"effect": effect})
        await case.write()
    await ask_about(case, key)
    raise InDoubtError(case.id, effect, key)


async def _nothing_sent(case: Case, effect: str, key: str, personality: Personality) -> None:
    """Remember that a call changed nothing: in the ledger, where no key makes it safe to call again anyway.

    There the next call is claimed anew: did whoever makes it die over it, the ledger would say that nothing was sent.
    """
    if personality.knows_keys:
        give_back(case, key)
        return
    case.note("unsent", key, body={"effect": effect})
    await case.write()


async def _as_settled(case: Case, effect: str, key: str, settled: Line) -> ErpDocument | None:
    """Do as a person said: confirm it, refuse it, or begin one more attempt, which is in doubt like the first."""
    requester = str(case.chain.lines[0].body.get("request", {}).get("requester", ""))
    reason = reason_not_to_have_settled(settled, {requester}) or await reason_not_to_count(settled, case.chain)
    if reason:
        raise VoidWordError(f"{case.id}: the word of {settled.body['name']} on the {effect} does not count: {reason}")
    verdict = settled.body["verdict"]
    if verdict == "made":
        made = ErpDocument.model_validate(settled.body["document"])
        return await _confirm(case, effect, key, made, how="settled")
    if verdict == "given-up":
        refusal = RefusedError("person", f"given up by {settled.body['name']}: {settled.body['because']}")
        await _refused(case, effect, key, refusal)
        raise refusal
    claim(case, "attempt", key, {"effect": effect})
    return None


async def _confirm(case: Case, effect: str, key: str, document: ErpDocument, *, how: str) -> ErpDocument:
    body: dict[str, Any] = {"effect": effect, "how": how, "document": document.model_dump(mode="json")}
    case.note("outcome", key, body=body, source="erp")
    await case.write()
    return document


async def _told_no(
    case: Case,
    effect: str,
    key: str,
    refusal: RefusedError,
    find: Callable[[str], Awaitable[ErpDocument | None]],
    personality: Personality,
) -> ErpDocument:
    """Take a no for an answer, unless an earlier call may be at work still: it was not about that one."""
    if last := may_be_at_work(_tried(case, key, but_now=True)):
        if personality.finds and (found := await _looked_up(find, key)):
            return await _confirm(case, effect, key, found, how="adopted")
        says = what_a_no_says(personality, quiet_s=await quiet_before_s(case, key, last))
        detail = f"a further call was refused ({refusal.detail}), and what was sent before may have been made"
        if says == "park":
            await _park(case, effect, key, detail)
        if says == "wait":
            case.note("unknown", key, body={"effect": effect, "detail": detail, "refused": refusal.detail})
            await case.write()
            raise UnknownError(refusal.system, f"{effect}: {detail}")
    await _refused(case, effect, key, refusal)
    raise refusal


async def _refused(case: Case, effect: str, key: str, refusal: RefusedError) -> None:
    case.note("outcome", key, body={"effect": effect, "refused": refusal.detail, "system": refusal.system})
    await case.write()


def _confirmed(outcome: Line) -> ErpDocument:
    if "refused" in outcome.body:
        raise RefusedError(outcome.body["system"], outcome.body["refused"])
    return ErpDocument.model_validate(outcome.body["document"])
