"""Emergency access: a role is asked for, two others agree, it holds for some hours, a third looks at it. No Prefect.

All of it stands in the book of duties, so that whoever judges a decision reads it where delegations are read.
"""

import asyncio
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from blocks.books import DUTIES
from blocks.duties import duties_of
from blocks.errors import RefusedError
from blocks.ledger import Chain, Ledger
from blocks.records.approval import Decision
from blocks.records.base import Record
from blocks.records.ledger import Line
from blocks.records.passkeys import Confirmation
from blocks.records.people import EVERYWHERE, Agreement, EmergencyAccess, EmergencyAsk, Person, Review
from blocks.records.policy import Rulebook
from blocks.wire.canonical import canonical, digest
from blocks.wire.patients import reason_to_leave_out
from tasks.rules.emergency import (
    names,
    reason_not_to_agree,
    reason_not_to_ask,
    reason_not_to_end,
    reason_not_to_review,
)
from tasks.rules.standing import counts_as
from tasks.signing.matters import ToConfirmError, Told, Where, draw_up, proven_by
from tasks.signing.people import DelegationMatter
from tasks.signing.stepup import DOOR, Signed

AGREE_TO = "agree"
AT_ONCE = 16


class Under(Record):
    """One decision that counted by an emergency access."""

    case: str
    entry: int
    decision: Decision


_UNDERS = TypeAdapter(tuple[Under, ...])


class Acted(NamedTuple):
    """Who does something, through which door, and by which rules."""

    by: Person | None
    door: str
    rulebook: Rulebook
    at: datetime


async def ask(asked: EmergencyAsk, who: Acted, ledger: Ledger) -> EmergencyAccess:
    """Ask for a role; `RefusedError` names the field and the reason where it cannot be."""
    _assert_none(reason_not_to_ask(asked, who.by, who.rulebook, who.at))
    seen = await ledger.keep(canonical(asked))
    line = _line("emergency-asked", asked.key, who, {"asked": asked.model_dump(mode="json")}, seen)
    return find(
        await ledger.enter(DUTIES, lambda chain: None if chain.last(line.act, line.key) else line),
        asked.key,
        who.rulebook,
    )


async def agree(key: str, shown: str, who: Acted, ledger: Ledger) -> EmergencyAccess:
    """Agree to what was shown (its SHA-256; empty: as it stands). It is in force once two have.

    `ToConfirmError` where policy asks for passkeys; `RefusedError` says why somebody's word does not count.
    """
    chain = await ledger.read(DUTIES)
    line = _agreed(chain, key, shown, who)
    if who.rulebook.policy.step_up_from is not None:
        request = await draw_up(line, DUTIES, AGREE_TO, who.by.id if who.by else "", ledger)
        raise ToConfirmError(request, "To let somebody decide in an emergency takes your passkey.")
    return find(await ledger.enter(DUTIES, lambda now: _agreed(now, key, shown, who)), key, who.rulebook)


async def end(key: str, who: Acted, ledger: Ledger) -> EmergencyAccess:
    """End it before its time: whoever it is about can, and whoever could have agreed."""

    def ended(chain: Chain) -> Line:
        _assert_none(reason_not_to_end(find(chain, key, who.rulebook), who.by, who.rulebook, who.at))
        return _line("emergency-ended", key, who, {})

    return find(await ledger.enter(DUTIES, ended), key, who.rulebook)


async def note_shown(key: str, under: tuple[Under, ...], who: Acted, ledger: Ledger) -> None:
    """Note what somebody was shown of it: what they say of it then needs no second look at every case."""
    line = _line("emergency-shown", key, who, {}, await ledger.keep(_listed(under)))
    await ledger.enter(DUTIES, lambda _: line)


async def shown_to(key: str, who: Acted, ledger: Ledger) -> tuple[Under, ...]:
    """Read what whoever reviews it was shown last; `RefusedError` where that was nothing, or before it was over."""
    chain = await ledger.read(DUTIES)
    access = find(chain, key, who.rulebook)
    _assert_none(reason_not_to_review(access, who.by, who.rulebook, who.at))
    assert who.by is not None  # noqa: S101  nobody reviews it
    mine = (x for x in chain.having("emergency-shown", key) if x.actor == f"person:{who.by.id}" and x.at >= access.over)
    seen = [x.seen for x in mine if x.seen]
    if not seen:
        raise RefusedError("emergency", f"please look first: `/almoner emergency review {key}` shows what was decided")
    return _UNDERS.validate_json(await ledger.fetch(seen[-1]))


async def review(key: str, review: Review, under: tuple[Under, ...], who: Acted, ledger: Ledger) -> EmergencyAccess:
    """Note what a third person says of it, having seen all that was decided *under* it."""
    if not review.words.strip():
        raise RefusedError("emergency", "words: please say what you looked at, and what you found")
    if why := reason_to_leave_out(review.words):
        raise RefusedError("emergency", f"words: your note {why}")
    body = {"review": review.model_dump(mode="json"), "decisions": [f"{x.case}#{x.entry}" for x in under]}

    def reviewed(chain: Chain) -> Line:
        _assert_none(reason_not_to_review(find(chain, key, who.rulebook), who.by, who.rulebook, who.at))
        return _line("emergency-reviewed", key, who, body, seen)

    seen = await ledger.keep(_listed(under))
    return find(await ledger.enter(DUTIES, reviewed), key, who.rulebook)


async def decided_under(key: str, ledger: Ledger) -> tuple[Under, ...]:
    """List every decision that counted by an emergency access, the first one first. Reads every case of the ledger."""
    room, found = asyncio.Semaphore(AT_ONCE), list[Under]()

    async def look(case: str) -> None:
        async with room:
            chain = await ledger.read(case)
        for entry in chain.entries:
            decided = (x.record(Decision, "decision") for x in entry.lines if x.act == "decided")
            found.extend(Under(case=case, entry=entry.seq, decision=x) for x in decided if _by(x) == key)

    await asyncio.gather(*[look(case) async for case, _ in ledger.cases() if "~" not in case])
    return tuple(sorted(found, key=lambda one: (one.decision.at, one.case)))


def find(chain: Chain, key: str, rulebook: Rulebook) -> EmergencyAccess:
    """Find an emergency access in the book of duties; `RefusedError` where there is none of that key."""
    duties = duties_of(chain, void=rulebook.duties.void)
    found = next((one for one in duties.emergencies if one.asked.key == key), None)
    if found is None:
        raise RefusedError("emergency", f"{key}: no such emergency access; `almoner people emergency list` lists them")
    return found


def shown_of(asked: EmergencyAsk) -> str:
    """Name what somebody sees who agrees to it."""
    return digest(canonical(asked))


class DutiesMatter:
    """What is signed in the book of duties: a delegation, or one's word that an emergency is one."""

    again = "Please say it again."

    async def tell(self, request: Confirmation, by: Person, chain: Chain, where: Where) -> Told | str:
        """Tell it, or say why there is nothing to sign any more."""
        return await _kind(request).tell(request, by, chain, where)

    async def do(self, request: Confirmation, signed: Signed, by: Person, where: Where) -> str:
        """Do what was signed."""
        return await _kind(request).do(request, signed, by, where)


class AgreementMatter:
    """Somebody's word that an emergency is one, as a matter to sign: who would decide what, until when, and why."""

    async def tell(self, request: Confirmation, by: Person, chain: Chain, where: Where) -> Told | str:
        """Tell what is agreed to; it may be in force already, over, or not theirs to agree to."""
        rulebook = await where.shelf.in_force(where.at)
        access = find(chain, request.ask, rulebook)
        if reason := reason_not_to_agree(access, by, rulebook, where.at):
            return f"You cannot confirm this: {reason}."
        asked, zone = access.asked, ZoneInfo(rulebook.directory.zone)
        if request.shown != shown_of(asked):
            return "What was asked for is not what would be signed. Please tell your administrator."
        others = names(access)
        return Told(
            over="you are about to let somebody decide in an emergency:",
            what=_name(asked.person, rulebook),
            facts=(
                ("As", asked.role.replace("-", " ")),
                ("For", "all cost centres" if EVERYWHERE in asked.cost_centres else ", ".join(asked.cost_centres)),
                ("Up to", str(asked.limit) if asked.limit else "any amount"),
                ("Until", f"{asked.until.astimezone(zone):%d %b %Y %H:%M}, or sooner"),
                ("Why", asked.reason),
                ("Asked by", _name(asked.asked_by, rulebook)),
                ("Agreed", others or "nobody yet: a second person has to agree as well"),
                ("Afterwards", "a third person reviews all that was decided by it"),
            ),
            button="Agree with your passkey",
            until="Until two have agreed, nothing changes.",
            title="Agreed",
        )

    async def do(self, request: Confirmation, signed: Signed, by: Person, where: Where) -> str:
        """Enter the agreement with what was signed for it."""
        rulebook = await where.shelf.in_force(where.at)
        who = Acted(by, DOOR, rulebook, where.at)

        def agreed(chain: Chain) -> Line:
            line = _agreed(chain, request.ask, request.shown, who)
            return line.model_copy(update={"body": line.body | proven_by(signed)})

        return said(find(await where.ledger.enter(DUTIES, agreed), request.ask, rulebook), rulebook)


def said(access: EmergencyAccess, rulebook: Rulebook) -> str:
    """Say how it stands, once somebody has agreed."""
    name, asked = _name(access.asked.person, rulebook), access.asked
    if access.since is None:
        return f"You agree. A second person has to agree before {name} may decide as {asked.role}."
    until = asked.until.astimezone(ZoneInfo(rulebook.directory.zone))
    return f"{name} may decide as {asked.role} until {until:%d %b %H:%M}: {names(access)} have agreed."


def _agreed(chain: Chain, key: str, shown: str, who: Acted) -> Line:
    access = find(chain, key, who.rulebook)
    _assert_none(reason_not_to_agree(access, who.by, who.rulebook, who.at))
    seen = shown_of(access.asked)
    if shown not in ("", seen):
        raise RefusedError("emergency", "what you saw is not what was asked for: please look again")
    assert who.by is not None  # noqa: S101  nobody's word counts
    counted = tuple(sorted(counts_as(who.by.id, who.rulebook.duties, who.at) - {who.by.id}))
    word = Agreement(by=who.by.id, name=who.by.name, at=who.at, counts_as=counted)
    return _line("emergency-agreed", key, who, {"agreement": word.model_dump(mode="json")}, seen)


def _kind(request: Confirmation) -> DelegationMatter | AgreementMatter:
    return AgreementMatter() if request.verdict == AGREE_TO else DelegationMatter()


def _listed(under: tuple[Under, ...]) -> bytes:
    return canonical([one.model_dump(mode="json") for one in under])


def _by(decision: Decision) -> str:
    return decision.emergency.key if decision.emergency else ""


def _name(person: str, rulebook: Rulebook) -> str:
    found = rulebook.directory.person(person)
    return found.name if found else person


def _line(act: str, key: str, who: Acted, body: dict[str, Any], seen: str | None = None) -> Line:
    actor = f"person:{who.by.id if who.by else ''}"
    return Line(act=act, key=key, actor=actor, at=who.at, seen=seen, source=who.door, body=body)


def _assert_none(reason: str | None) -> None:
    if reason:
        raise RefusedError("emergency", reason)
