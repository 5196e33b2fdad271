"""Parked effects: nobody can say whether one happened, until a person says so.

Knows no Prefect. The person's word is one line in the ledger; the effect itself is made or left by whoever carries
the case next (see `tasks.effects`).
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from blocks.ledger import Chain, Ledger
from blocks.ports import Erp
from blocks.proofs.segregation import reason_in_history
from blocks.records.ledger import Line
from blocks.records.people import EVERYWHERE, Person
from blocks.records.policy import Rulebook
from blocks.records.purchasing import ErpDocument
from blocks.wire.patients import reason_to_leave_out
from blocks.wire.report import in_doubt
from tasks.claims import LEASE_S
from tasks.rules.doubt import AT_WORK_S
from tasks.rules.standing import counts_as

KINDS: dict[str, Literal["purchase order", "stock issue"]] = {"order": "purchase order", "issue": "stock issue"}
"""What each effect makes in the ERP."""
SHOWS_WITHIN = timedelta(seconds=AT_WORK_S + LEASE_S)
"""How long after an effect was parked what was sent may still come to be there: by then it is in the books, or never.

Who parks need not be who sent: that one may begin its call for as long as its claim is good."""


class Said(NamedTuple):
    """What a person says about the parked effect of a case: it was made, it was not, or it shall not be."""

    case: str
    verdict: Literal["made", "not-made", "given-up"]
    number: str = ""
    because: str = ""
    about: tuple[str, int] | None = None
    """Of which doubt, by key and count, where it was said on a card: it may be an earlier one's."""


class CannotSettleError(Exception):
    """What a person says is not taken; the text says why, and what to do."""


async def settle(  # noqa: PLR0913  whoever says it is judged by the rulebook, what they say by the ERP
    said: Said,
    by: Person | None,
    door: str,
    *,
    ledger: Ledger,
    erp: Erp,
    rulebook: Rulebook,
    at: datetime,
    clock: Callable[[], datetime],
) -> str:
    """Take a person's word, heard *at* a moment by our *clock*, and say what was taken.

    Whoever appends first has said it. Where the ERP can be asked, nobody's word stands against the ERP's; and that
    something is not there counts only once it would be.
    """
    if by is None:
        raise CannotSettleError("This person is not in the directory: give the id of somebody who is.")
    began = monotonic()

    def ago() -> timedelta:  # by whichever clock says more: one may be set back. In whole seconds, as the store tells
        return max(clock() - at, timedelta(seconds=int(monotonic() - began)))

    async def settled(chain: Chain) -> Line:
        parked = _parked(chain)
        if said.about and said.about != (parked.key, len(chain.having("parked", parked.key))):
            raise CannotSettleError(f"This card is over: {chain.case} is in doubt anew. Please use the newest card.")
        if reason := reason_not_to_settle(said, by, chain, rulebook, at):
            raise CannotSettleError(reason)
        if said.verdict != "made" and await _said_too_early(chain, parked, ledger, ago):
            local = look_after(parked).astimezone(ZoneInfo(rulebook.directory.zone))
            raise CannotSettleError(
                f"What was sent may still be made. Please look in the ERP at {local:%H:%M} or later, then say what you "
                "found."
            )
        document = await _document(said, by, parked, erp)
        body = {
            "effect": parked.body["effect"],
            "verdict": said.verdict,
            "name": by.name,
            "because": said.because.strip(),
            "document": document.model_dump(mode="json") if document else None,
        }
        if others := sorted(counts_as(by.id, rulebook.duties, at) - {by.id}):
            body["counts_as"] = others
        return Line(act="settled", key=parked.key, actor=f"person:{by.id}", at=at, source=door, body=body)

    entered = await ledger.enter(said.case, settled)
    return _taken(said, entered.lines[-1].body["effect"])


def reason_not_to_settle(said: Said, by: Person, chain: Chain, rulebook: Rulebook, at: datetime) -> str | None:
    """Say why a person's word is not taken, or None where it is."""
    if reason := reason_not_to_vouch(by, chain, rulebook, at):
        return reason
    if said.verdict == "made" and not said.number.strip():
        return "Please give the number of the document."
    if said.verdict == "given-up" and not said.because.strip():
        return "Please say why: the requester will read it."
    why = reason_to_leave_out(f"{said.number} {said.because}")
    return f"What you wrote {why}." if why else None


def reason_not_to_vouch(by: Person, chain: Chain, rulebook: Rulebook, at: datetime) -> str | None:
    """Say why somebody may not say what became of a case's order, or None where they may.

    They answer for the cost centre, and neither asked nor stand in for who did; nor have they done on this case what
    policy keeps apart from it.
    """
    request, persons = chain.lines[0].body["request"], counts_as(by.id, rulebook.duties, at)
    if reason := reason_without_standing(by, request, persons):
        return reason
    return reason_in_history("settler", persons, chain.lines, rulebook.policy)


def reason_without_standing(by: Person, request: Mapping[str, Any], persons: Collection[str]) -> str | None:
    """Say why somebody, who counts as *persons*, has no say in what became of a request's order, whatever they did."""
    if not by.active:
        return f"{by.name} is no longer active: an active colleague must say it."
    if by.service:
        return f"{by.name} is a service account: a person must say it."
    if by.id == request["requester"]:
        return f"{by.name} asked for this: somebody else must say it."
    if request["requester"] in persons:
        return f"{by.name} stands in for who asked for this: somebody else must say it."
    if not any({EVERYWHERE, request["cost_centre"]} & set(grant.cost_centres) for grant in by.grants):
        return f"{by.name} holds no role for {request['cost_centre']}: somebody who does must say it."
    return None


def look_after(parked: Line) -> datetime:
    """Say from when on one may look: a full minute, as people read the time."""
    return (parked.at + SHOWS_WITHIN + timedelta(minutes=1)).replace(second=0, microsecond=0)


async def _said_too_early(chain: Chain, parked: Line, ledger: Ledger, ago: Callable[[], timedelta]) -> bool:
    """Say whether a word was said before what was sent would show: so long *ago*, as we may have stood still since.

    By the store's clock: that of whoever parked may be wrong. How long ago is asked last: it may be later then.
    """
    age_s = await ledger.age_s(chain, parked) or 0.0
    return timedelta(seconds=age_s) - ago() < SHOWS_WITHIN


def _parked(chain: Chain) -> Line:
    if not chain.seq:
        raise CannotSettleError(f"The ledger has no case {chain.case}. Its number stands on the card.")
    if parked := in_doubt(chain):
        return parked
    settled = chain.last("settled")
    by = f": {settled.body['name']} settled it at {settled.at:%H:%M} UTC on {settled.at:%d %b}" if settled else ""
    raise CannotSettleError(
        f"{chain.case} is not in doubt{by}. `almoner ledger show {chain.case}` tells how it stands."
    )


async def _document(said: Said, by: Person, parked: Line, erp: Erp) -> ErpDocument | None:
    """Return the document that was made: as the ERP holds it, or on the person's word where the ERP cannot say."""
    effect, number = parked.body["effect"], said.number.strip()
    if not erp.personality.finds:
        word = f"on the word of {by.name}"
        made = ErpDocument(kind=KINDS[effect], number=number, state=word, key=parked.key)
        return made if said.verdict == "made" else None
    found = await (erp.find_order if effect == "order" else erp.find_issue)(parked.key)
    if found is None and said.verdict == "made":
        raise CannotSettleError(f"The ERP holds no {effect} under our key: say --not-made, and it is tried again.")
    if found and (said.verdict != "made" or found.number != number):
        other = f", not {number}" if number else f": say --made {found.number}"
        raise CannotSettleError(f"The ERP holds {effect} {found.number} under our key{other}.")
    return found


def _taken(said: Said, effect: str) -> str:
    return {
        "made": f"The {effect} was made, as {said.number.strip()}.",
        "not-made": f"The {effect} was not made; it is tried again.",
        "given-up": f"The {effect} is given up: {said.because.strip()}.",
    }[said.verdict]
