"""While a request waits, others may come to be asked: its card names them, they hear of it once, and the others too."""

from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest

from blocks.errors import UnavailableError
from blocks.ports import Card
from blocks.records.approval import Posted
from blocks.records.people import Directory
from blocks.rulebook import Shelf, adopt
from blocks.wire.report import case_report
from infrastructure.local.hospital.__main__ import directory
from tasks.signing import people
from tasks.upkeep.rounds import Rounds
from tests.clockwork import CLOCK, TUESDAY, WEDNESDAY, waiting, with_clock
from tests.fakes.desk import FakeDesk
from tests.hospital import Hospital, two_coordinators, with_gaps
from tests.tasks.signing.test_people import away, lend

SOON = timedelta(minutes=5)
DAYS = count(10)


@pytest.fixture
async def hospital(tmp_path) -> Hospital:
    opened = await Hospital.opened(tmp_path)
    await staff(opened, two_coordinators())
    return opened


async def staff(hospital: Hospital, people: Directory, **changed: Any) -> None:
    """Put a directory in force, in which one person is changed."""
    everybody = tuple(x.model_copy(update=changed.get(x.id.replace(".", "_"), {})) for x in people.people)
    new = people.model_copy(update={"people": everybody, "effective_from": date(2026, 2, next(DAYS) % 28 + 1)})
    await adopt(hospital.ledger, new, actor="door:test", at=hospital.now)


async def tray(hospital: Hospital) -> str:
    """Let a case wait for the implant coordinators, Ivo Petrov and Paula Reyes."""
    return await waiting(hospital, "KNEE-TIB-4", by="rita.okafor", centre="OR")


async def go(hospital: Hospital, rounds: Rounds | None = None) -> Rounds:
    hospital.now += SOON
    rounds = rounds or Rounds(hospital.ledger, Shelf(hospital.ledger), hospital.desk)
    await rounds.go(hospital.now)
    return rounds


def told(hospital: Hospital, slack_user: str) -> list[str]:
    return [card.text for card in hospital.desk.cards(slack_user) if card.key.startswith("clock/")]


def card(hospital: Hospital, case: str) -> str:
    (drawn,) = [one for one in hospital.desk.cards("approvals") if one.key.startswith(case)]
    return str(drawn.blocks)


async def noted(hospital: Hospital, case: str) -> list[dict[str, Any]]:
    return [line.body for line in (await hospital.chain(case)).having("rerouted")]


async def test_who_goes_away_is_not_asked_any_more_while_somebody_else_may_decide(hospital):
    case = await tray(hospital)
    assert "<@U0IVO>, <@U0PAULA>" in card(hospital, case)
    await away(hospital, "ivo.petrov", hospital.now + timedelta(days=3))
    rounds = await go(hospital)
    assert "<@U0PAULA>" in card(hospital, case)
    assert "<@U0IVO>" not in card(hospital, case)
    await go(hospital, rounds)
    (line,) = await noted(hospital, case)
    assert (line["people"], line["whom"], line["gone"]) == (["paula.reyes"], [], [])
    hospital.now += timedelta(days=3)
    await go(hospital, rounds)
    assert "<@U0IVO>" in card(hospital, case), "who is back is asked again"
    assert len(told(hospital, "U0IVO")) == 1
    assert "It has come to you now: please decide" in told(hospital, "U0IVO")[0]
    assert await hospital.verified()


async def test_an_absence_that_begins_by_itself_while_the_request_waits_counts_from_then_on(hospital):
    rulebook = await Shelf(hospital.ledger).in_force(hospital.now)
    absence = people.Absence(
        key="later",
        person="ivo.petrov",
        start=hospital.now + timedelta(hours=1),
        until=hospital.now + timedelta(days=1),
    )
    ivo = rulebook.directory.person("ivo.petrov")
    await people.go_away(absence, ivo, "test", ledger=hospital.ledger, rulebook=rulebook, at=hospital.now)
    case = await tray(hospital)
    rounds = await go(hospital)
    assert not await noted(hospital, case)
    hospital.now += timedelta(hours=1)
    await go(hospital, rounds)
    assert [line["people"] for line in await noted(hospital, case)] == [["paula.reyes"]]


async def test_a_stand_in_is_named_for_whom_and_told_once_whatever_round_dies(hospital):
    case = await tray(hospital)
    await lend(hospital, "ivo.petrov", "leo.brandt")
    for _ in range(3):
        await go(hospital)  # each by a worker that remembers nothing
    assert "<@U0LEO> (for Ivo Petrov)" in card(hospital, case)
    (text,) = told(hospital, "U0LEO")
    assert case in text
    assert "asks ivo.petrov, leo.brandt for ivo.petrov, paula.reyes now" in case_report(await hospital.chain(case))


async def test_who_has_left_is_asked_no_more_and_who_came_is(hospital):
    case = await tray(hospital)
    grants = {"grants": two_coordinators().person("ivo.petrov").grants}
    await staff(hospital, two_coordinators(), ivo_petrov={"active": False}, leo_brandt=grants)
    await go(hospital)
    assert "<@U0LEO>, <@U0PAULA>" in card(hospital, case)
    assert "<@U0IVO>" not in card(hospital, case)
    assert len(told(hospital, "U0LEO")) == 1
    assert not told(hospital, "U0IVO"), "an account that is closed is told nothing"


async def test_who_was_told_to_decide_is_told_when_nothing_is_left_to_do(tmp_path):
    hospital = await with_clock(await Hospital.opened(tmp_path), CLOCK)
    await staff(hospital, two_coordinators())
    case = await tray(hospital)
    hospital.now = TUESDAY
    rounds = await go(hospital)
    assert len(told(hospital, "U0IVO")) == 1
    await staff(hospital, two_coordinators(), ivo_petrov={"grants": ()})
    await go(hospital, rounds)
    await go(hospital, rounds)
    assert [line["gone"] for line in await noted(hospital, case)] == [["ivo.petrov"]]
    reminded, released = told(hospital, "U0IVO")
    assert "Please decide" in reminded
    assert released.startswith("☑️ *Nothing is left for you to do*")
    assert "waits for somebody else now" in released


async def test_an_escalation_is_no_second_message(tmp_path):
    hospital = await with_clock(await Hospital.opened(tmp_path), CLOCK)
    case = await waiting(hospital)
    hospital.now = WEDNESDAY
    rounds = await go(hospital)
    await go(hospital, rounds)
    await go(hospital)
    assert ["you may decide it as well" in text for text in told(hospital, "U0CARL")] == [True, False]
    assert not any("come to you now" in text for text in told(hospital, "U0CARL"))
    assert not await noted(hospital, case)


class Shut(FakeDesk):
    """A desk that draws nothing anew while it is shut."""

    shut = False

    async def redraw(self, posted: Posted, card: Card) -> None:
        if self.shut:
            raise UnavailableError("slack", "it does not answer")
        await super().redraw(posted, card)


async def test_a_card_that_cannot_be_drawn_now_is_drawn_when_the_desk_is_back(hospital):
    hospital.desk = Shut()
    case = await tray(hospital)
    await lend(hospital, "ivo.petrov", "leo.brandt")
    hospital.desk.shut = True
    rounds = await go(hospital)
    hospital.desk.shut = False
    await go(hospital, rounds)
    await go(hospital, rounds)
    assert "<@U0LEO>" in card(hospital, case)
    assert len(told(hospital, "U0LEO")) == 1


async def test_nobody_left_to_decide_is_said_on_the_card(hospital):
    case = await tray(hospital)
    await staff(hospital, with_gaps(directory()), ivo_petrov={"grants": ()})
    await go(hospital)
    assert "Nobody may decide this just now" in card(hospital, case)


async def test_whose_added_approval_is_waited_for_and_has_left_is_stood_in_for_by_who_added_them_or_their_manager(
    hospital,
):
    case = await tray(hospital)
    assert (await hospital.wish(case, "ivo.petrov", "add", whom="leo.brandt")).taken == "counted"
    await hospital.answer(case, "ivo.petrov")
    await hospital.wake(case)
    refused = await hospital.answer(case, "frida.ng")
    assert (refused.taken, refused.text) == ("void", "This waits for Leo Brandt, whom Ivo Petrov added.")
    await staff(hospital, two_coordinators(), leo_brandt={"active": False})
    await go(hospital)
    drawn = [str(one.blocks) for one in hospital.desk.cards("approvals") if "added-leo" in one.key]
    assert "<@U0FRIDA> (for Leo Brandt)" in drawn[0]
    assert "<@U0IVO> (for Leo Brandt)" not in drawn[0], "who added him has decided already: nobody decides a case twice"
    assert (len(told(hospital, "U0FRIDA")), len(told(hospital, "U0IVO"))) == (1, 0)
    verdict = await hospital.answer(case, "frida.ng")
    assert (verdict.taken, verdict.decision.on_behalf_of) == ("counted", "leo.brandt")
    assert (await hospital.wake(case)).ended == "ordered"
    assert await hospital.verified()


async def test_where_the_directory_does_not_know_who_was_added_any_more_who_added_them_answers(hospital):
    case = await tray(hospital)
    await hospital.wish(case, "ivo.petrov", "add", whom="leo.brandt")
    await hospital.answer(case, "ivo.petrov")
    await hospital.wake(case)
    staffed = two_coordinators()
    rest = tuple(one for one in staffed.people if one.id != "leo.brandt")
    await staff(hospital, staffed.model_copy(update={"people": rest}))
    await go(hospital)
    assert (await hospital.answer(case, "paula.reyes")).taken == "void"
    verdict = await hospital.answer(case, "ivo.petrov", "reject", "without Leo there is nobody to fit it")
    assert verdict.taken == "counted"
    assert (await hospital.wake(case)).ended == "rejected"
