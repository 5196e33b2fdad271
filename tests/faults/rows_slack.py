"""Rows 1 to 6: people answer twice, at once, too late, and through a door that dies under them."""

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

import pytest

from blocks.ledger import TamperedError
from blocks.rulebook import adopt
from infrastructure.doors import slack as door_of_slack
from infrastructure.doors.http import Request
from infrastructure.local.hospital.__main__ import directory
from tests.fakes.erp_server import PERSONALITIES
from tests.faults import guards
from tests.faults.doors import all_at_once, captured, delivered, doors, pressed, slack_hospital
from tests.faults.matrix import Stage, row
from tests.faults.proxy import proxied
from tests.faults.scene import Scene, ordering_from
from tests.faults.waiting import until
from tests.faults.wrongs import acknowledged
from tests.hospital import Hospital, two_coordinators
from tests.infrastructure.doors.conftest import SLACK_SECRET, SlackLike, afterwards, slack_request
from tests.invariants import Violation
from tests.judging import judged, opened, under_a_head
from tests.needs import missing
from tests.races.__main__ import run_many

IVO, PAULA = "U0IVO", "U0PAULA"
CLICKS_MAX = 16


async def _waits(hospital: Hospital) -> str:
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    await under_a_head(hospital.ledger, hospital.witness, hospital.now)
    return case


@contextmanager
def _at_the_door(hospital: Hospital) -> Iterator[None]:
    """Let Slack's door stand in this process, by the hospital's own clock."""
    with hospital.bound(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLACK_SIGNING_SECRET", SLACK_SECRET)
        patch.delenv("ALMONER_BELL_URL", raising=False)
        patch.setattr("slack_sdk.signature.Clock.now", lambda _: hospital.now.timestamp())
        patch.setattr(door_of_slack, "utc_now", lambda: hospital.now)
        yield


def _signed_again(request: Request, hospital: Hospital, retry: int) -> Request:
    """Sign the same body for now, as Slack does when it delivers once more."""
    signed = slack_request(request.body, str(int(hospital.now.timestamp())))
    return Request({**signed.headers, "x-slack-retry-num": str(retry)}, request.body)


@row(1, "Slack delivers the same click four times", guard="an ask that is decided takes no second answer",
     without=guards.open_for_ever, shows="I7")  # fmt: skip
async def delivered_again(stage: Stage) -> list[Violation]:
    """At once, twice; a minute later; five minutes later. And, byte for byte, once more when it is too old."""
    hospital = await opened(stage.root)
    hospital.desk = SlackLike()
    case = await _waits(hospital)
    asked = (await hospital.chain(case)).last("asked")
    assert asked
    request, found = pressed(asked, IVO), []
    with _at_the_door(hospital):
        for retry, later_s in enumerate((0, 0, 60, 240)):
            hospital.now += timedelta(seconds=later_s)
            signed = _signed_again(request, hospital, retry)
            answer = await afterwards(await door_of_slack.interactions(signed))
            if answer.status != 200:
                found.append(Violation("1", case, f"delivery {retry} was answered {answer.status}"))
        hospital.now += timedelta(seconds=301)
        if (await door_of_slack.interactions(signed)).status != 401:
            found.append(Violation("1", case, "a click of five minutes ago was taken once more"))
    await hospital.wake(case)
    return found + await judged(hospital, _Books(hospital))


@row(2, "Two to sixteen people answer at the same moment", guard="an entry is created once", shows="I7",
     without=guards.overwriting)  # fmt: skip
async def raced(_: Stage) -> list[Violation]:
    """Twenty-five races, each another order of calls; `python -m tests.races` runs ten thousand."""
    found: list[Violation] = []
    for number in range(25):
        try:
            wrong = await run_many(range(number, number + 1), 4, Counter())
        except TamperedError as error:
            wrong = {number: [str(error)]}
        found += [Violation("I7", f"race {number}", one) for one in wrong.get(number, ())]
    return found


async def _crowded(stage: Stage, verdicts: tuple[str, ...], without: str) -> list[Violation]:
    """Let everybody click at once, two of whom may, through two doors that share nothing but the ledger."""
    async with slack_hospital(stage.root) as (hospital, desk):
        await adopt(hospital.ledger, two_coordinators(), actor="door:test", at=hospital.now)
        case = await _waits(hospital)
        asked = (await hospital.chain(case)).last("asked")
        assert asked
        with doors(stage.hands.nursery(), stage.root, f"{desk.url}/api/", 2, without=without) as opened:
            clicks = [
                (pressed(asked, user, verdicts[n % len(verdicts)]), opened[n // 2 % 2].url)
                for n, user in enumerate(_users())
            ]
            answers = await all_at_once(clicks)
        found = [Violation("2", case, f"was answered {one}") for one in answers if one != 200]
        try:
            return found + await _judged(hospital, case, len(clicks))
        except TamperedError as error:
            return [*found, Violation("I7", case, f"answers were written over one another: {error}")]


async def _judged(hospital: Hospital, case: str, clicks: int) -> list[Violation]:
    """Each answer stands in the ledger, one of them decided, and the card says so."""
    await hospital.wake(case)
    chain = await hospital.chain(case)
    told = [line for line in chain.lines if line.act in ("decided", "late", "refused-click")]
    found = await judged(hospital, _Books(hospital), await captured(hospital.desk))
    if len(told) != clicks:
        found.append(Violation("I7", case, f"{clicks} answered, and {len(told)} stand in the ledger"))
    return found


@row(2, "Sixteen clicks at once, through two doors", guard="an entry is created once", shows="I7",
     without=guards.elsewhere("overwriting"))  # fmt: skip
async def crowded(stage: Stage) -> list[Violation]:
    return await _crowded(stage, ("approve",), guards.taken_out())


@row(3, "Yes and no at the same moment, through two doors", guard="an entry is created once", shows="I7",
     without=guards.elsewhere("overwriting"))  # fmt: skip
async def opposite(stage: Stage) -> list[Violation]:
    return await _crowded(stage, ("approve", "reject"), guards.taken_out())


@row(4, "A click on a card that shows what is no longer asked", guard="what was seen is compared, twice", shows="I3",
     without=guards.blind_to_change)  # fmt: skip
async def outdated(stage: Stage) -> list[Violation]:
    """The price changes while people think: the old card's digest is refused, and the new one stands there."""
    hospital = await opened(stage.root)
    hospital.desk = SlackLike()
    case = await _waits(hospital)
    await hospital.answer(case, "ivo.petrov")
    old = (await hospital.chain(case)).last("asked")
    hospital.erp.prices["KNEE-TIB-4"] = Decimal("2990.00")
    await hospital.wake(case)
    new = (await hospital.chain(case)).last("asked")
    assert old
    assert new
    assert old.seen != new.seen
    with _at_the_door(hospital):
        stale = pressed(new.model_copy(update={"seen": old.seen}), IVO)
        await afterwards(await door_of_slack.interactions(_signed_again(stale, hospital, 0)))
    found = [] if hospital.desk.whispers else [Violation("4", case, "nobody was told that it has changed")]
    await hospital.wake(case)
    return found + await judged(hospital, _Books(hospital))


def _users() -> list[str]:
    """List up to sixteen people with Slack; the first two may answer."""
    users = [who.slack_user for who in directory().people if who.slack_user and who.active]
    return [IVO, PAULA, *(one for one in users if one not in (IVO, PAULA))][:CLICKS_MAX]


class _Books:
    """The books of the ERP in memory."""

    def __init__(self, hospital: Hospital) -> None:
        self.booked, self.reversed = hospital.erp.booked, hospital.erp.reversed


async def _dies_under_a_click(stage: Stage, *calls: str, acknowledges: bool) -> list[Violation]:
    """Let the door die under a click; Slack repeats what was not answered 200, and meets another door."""
    if not shutil.which("strace"):
        missing("There is no strace here: apt-get install strace.")
    async with slack_hospital(stage.root) as (hospital, desk):
        case = await _waits(hospital)
        asked = (await hospital.chain(case)).last("asked")
        assert asked
        with (
            doors(stage.hands.nursery(), stage.root, f"{desk.url}/api/", 2) as (first, second),
            proxied(first.url) as front,
        ):
            if acknowledges:
                front.arm("POST /slack", acknowledged())
            watching = first.dies_at(*calls)
            answer = await delivered(pressed(asked, IVO), front.url)
            await until(lambda: first.is_gone, "the door dies")
            watching.communicate(timeout=20)
            front.port = second.port
            if answer != 200:
                answer = await delivered(pressed(asked, IVO), front.url, retry=1)
        chain = await hospital.chain(case)
        found = []
        if answer == 200 and not chain.having("decided"):
            found.append(Violation("I7", case, "Ivo was told that it is taken, and there is no decision"))
        async with ordering_from(hospital, PERSONALITIES["a key kept for a day"]) as (server, proxy):
            scene = Scene(case, hospital, server, proxy)
            hospital.now = hospital.now + timedelta(minutes=1)
            await scene.goes_on()
            return found + await judged(hospital, server, await captured(hospital.desk))


@row(5, "The door dies before it has written the decision", guard="it answers when it has written, not before",
     shows="I7", without=guards.elsewhere("acknowledging"))  # fmt: skip
async def dies_before_it_writes(stage: Stage) -> list[Violation]:
    return await _dies_under_a_click(stage, "link", "linkat", acknowledges=guards.taken_out() == "acknowledging")


@row(6, "The door dies after it has written, before it answers", guard="upkeep rings for who stands still",
     shows="I2", without=guards.unwatched)  # fmt: skip
async def dies_before_it_answers(stage: Stage) -> list[Violation]:
    return await _dies_under_a_click(stage, "unlink", "unlinkat", acknowledges=False)
