"""Emergency access on the clock's rounds: what is to be reviewed is listed, and who may review it is told. No Prefect.

As with requests: what is to be told stands in the book before it is told, and that it was told after.
"""

import logging
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from blocks.books import DUTIES
from blocks.errors import OutsideError, RefusedError
from blocks.ledger import Chain, Ledger
from blocks.ports import Desk
from blocks.records.ledger import Line
from blocks.records.people import EmergencyAccess
from blocks.records.policy import Rulebook
from blocks.wire.cards import said_card
from blocks.wire.emergency import review_words
from blocks.wire.reminders import Late
from tasks.clock import ACTOR, CLOCK
from tasks.rules.emergency import review_due, who_may_review
from tasks.signing.emergency_telling import tell_how_it_stands

logger = logging.getLogger("almoner.clock")
AGAIN = timedelta(days=1)
"""So often it is said again once its time is over."""


def to_review(rulebook: Rulebook, at: datetime) -> tuple[EmergencyAccess, ...]:
    """List what was in force, is over, and nobody has looked at."""
    return tuple(one for one in rulebook.duties.emergencies if one.to_review(at))


def listed(rulebook: Rulebook, at: datetime) -> list[Late]:
    """Tell what is to be reviewed; what is not reviewed in time stands before everything else."""
    return [_late(one, rulebook, at) for one in to_review(rulebook, at)]


async def remind_reviewers(ledger: Ledger, desk: Desk, rulebook: Rulebook, at: datetime) -> None:
    """Tell those who may review it, once it is over, and again each day once it is late."""
    for access in to_review(rulebook, at):
        key, chain = access.asked.key, await _noted(access, ledger, rulebook, at)
        reminded, told = chain.last("reminded", key), chain.last("told", key)
        if reminded is None or (told and told.body["of"] == reminded.at.isoformat()):
            continue
        if told is None:
            await tell_how_it_stands(access, rulebook, at, desk)
        if await _tell(access, reminded, desk, rulebook, maybe_posted=reminded.at < at):
            await _note_told(reminded, ledger, at)


async def _noted(access: EmergencyAccess, ledger: Ledger, rulebook: Rulebook, at: datetime) -> Chain:
    """Note that they are to be told, where it is time to."""
    due = review_due(access, rulebook.policy)
    return await ledger.enter(DUTIES, lambda chain: _reminder(chain, access, due, rulebook, at))


async def _note_told(reminded: Line, ledger: Ledger, at: datetime) -> None:
    body = {"whom": reminded.body["whom"], "of": reminded.at.isoformat()}
    line = Line(act="told", key=reminded.key, actor=ACTOR, at=at, source=CLOCK, body=body)
    await ledger.enter(DUTIES, lambda _: line)


def _reminder(chain: Chain, access: EmergencyAccess, due: datetime, rulebook: Rulebook, at: datetime) -> Line | None:
    last = chain.last("reminded", access.asked.key)
    if last and (at < due or at - max(last.at, due - AGAIN) < AGAIN):
        return None
    whom = [one.id for one in who_may_review(access, rulebook, at)]
    return Line(act="reminded", key=access.asked.key, actor=ACTOR, at=at, source=CLOCK, body={"whom": whom})


async def _tell(access: EmergencyAccess, reminded: Line, desk: Desk, rulebook: Rulebook, *, maybe_posted: bool) -> bool:
    """Tell each of them; return whether nothing is left to try."""
    words = review_words(access, rulebook.directory, review_due(access, rulebook.policy))
    for person in filter(None, (rulebook.directory.person(one) for one in reminded.body["whom"])):
        if not person.active or not person.slack_user:
            continue
        card = said_card(f"emergency/{access.asked.key}/{reminded.at:%Y%m%dT%H%M%S%f}/{person.id}", words)
        try:
            await desk.tell(person.slack_user, card, maybe_posted=maybe_posted)
        except RefusedError as refusal:
            logger.warning("%s could not be told of %s: %s", person.name, access.asked.key, refusal)
        except OutsideError as error:
            logger.warning("%s is told of %s in the next round: %s", person.name, access.asked.key, error)
            return False
    return True


def _late(access: EmergencyAccess, rulebook: Rulebook, at: datetime) -> Late:
    asked, due = access.asked, review_due(access, rulebook.policy)
    person = rulebook.directory.person(asked.person)
    zone, name = ZoneInfo(rulebook.directory.zone), person.name if person else asked.person
    rules = rulebook.policy.emergency_access
    role = " or ".join(rules.reviewers if rules else rulebook.policy.policy_approvers)
    people = tuple(one.name for one in who_may_review(access, rulebook, at))
    what = f"emergency access: {name} was {asked.role} until {access.over.astimezone(zone):%d %b %H:%M}"
    note = f"to be reviewed: `almoner people emergency review {asked.key}`"
    return Late(asked.key, what, people, role, access.over, due, note, first=due <= at)
