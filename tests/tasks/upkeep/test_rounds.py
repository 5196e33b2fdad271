"""The clock's rounds: everybody is told once, whatever dies in between; and all that waits is listed, late first."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta

import pytest

from blocks.errors import RefusedError, UnavailableError
from blocks.ledger import Ledger
from blocks.ports import Card
from blocks.records.approval import Posted
from blocks.records.ledger import Line
from blocks.rulebook import Shelf
from blocks.wire.home import Waiting as Home
from blocks.wire.home import home_view
from blocks.wire.reminders import bottlenecks, waiting_rows
from infrastructure.local.desk.blockkit.blocks import wrong_with_blocks
from tasks.case import Case, Waiting
from tasks.decide import waits_for
from tasks.durable import PROCESSES, carry
from tasks.inbox import Inbox
from tasks.upkeep.rounds import Round, Rounds
from tests.clockwork import ASKED, CLOCK, LATER, TUESDAY, WEDNESDAY, at, waiting, with_clock
from tests.fakes.desk import FakeDesk
from tests.hospital import Hospital


@pytest.fixture
async def hospital(tmp_path) -> Hospital:
    return await with_clock(await Hospital.opened(tmp_path), CLOCK)


def rounds_of(hospital: Hospital) -> Rounds:
    return Rounds(hospital.ledger, Shelf(hospital.ledger), hospital.desk)


async def go(hospital: Hospital, now: datetime, rounds: Rounds | None = None) -> Round:
    hospital.now = max(hospital.now, now)
    return await (rounds or rounds_of(hospital)).go(now)


def told(hospital: Hospital, slack_user: str) -> list[str]:
    return [card.text for card in hospital.desk.cards(slack_user) if card.key.startswith("clock/")]


async def test_one_who_is_late_with_several_gets_one_message_that_names_them_all(hospital):
    cases = [await waiting(hospital) for _ in range(3)]
    found = await go(hospital, TUESDAY)
    assert found.done == {"remind": 3}
    (text,) = told(hospital, "U0ANA")
    assert "*3 requests wait for you*" in text
    assert all(case in text for case in cases)
    assert "in <#approvals>" in text


async def test_they_are_told_no_more_often_than_policy_says(hospital):
    await waiting(hospital)
    rounds = rounds_of(hospital)
    for minute in range(60):
        await go(hospital, TUESDAY + timedelta(minutes=minute), rounds)
    assert len(told(hospital, "U0ANA")) == 1


class Dying(FakeDesk):
    """A desk at which whoever sends a reminder dies, before it is sent or just after."""

    dies: str = ""

    async def tell(self, slack_user: str, card: Card, *, maybe_posted: bool = False) -> Posted:
        if self.dies == "before":
            raise KeyboardInterrupt
        posted = await super().tell(slack_user, card, maybe_posted=maybe_posted)
        if self.dies == "after":
            raise KeyboardInterrupt
        return posted


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_round_that_dies_leaves_nobody_untold_and_nobody_told_twice(hospital, when):
    hospital.desk = Dying()
    await waiting(hospital)
    hospital.desk.dies = when
    with pytest.raises(KeyboardInterrupt):
        await go(hospital, TUESDAY)
    hospital.desk.dies = ""
    for minute in range(1, 4):
        await go(hospital, TUESDAY + timedelta(minutes=minute))
    assert len(told(hospital, "U0ANA")) == 1
    assert await hospital.verified()


class Meanwhile(FakeDesk):
    """A desk at which, once, something happens while a message is on its way."""

    deed: Callable[[], Awaitable[object]] | None = None

    async def tell(self, slack_user: str, card: Card, *, maybe_posted: bool = False) -> Posted:
        deed, self.deed = self.deed, None
        if deed:
            await deed()
        return await super().tell(slack_user, card, maybe_posted=maybe_posted)


@pytest.mark.parametrize("dies", ["before", ""], ids=["and dies", "and tells it"])
async def test_what_another_round_notes_while_one_stands_in_slack_is_told_once(hospital, dies):
    case, now = await waiting(hospital), at("2026-11-25 08:30")
    hospital.desk, other = Meanwhile(hospital.desk.messages), Dying(hospital.desk.messages)
    other.dies = dies

    async def another_round() -> None:
        with suppress(KeyboardInterrupt):
            await Rounds(hospital.ledger, Shelf(hospital.ledger), other).go(now)

    hospital.desk.deed = another_round
    await go(hospital, TUESDAY)
    assert len((await hospital.chain(case)).having("escalated")) == 1
    for minute in range(1, 4):
        await go(hospital, now + timedelta(minutes=minute))
    (text,) = told(hospital, "U0CARL")
    assert "Nobody has answered" in text
    acts = [line.act for line in (await hospital.chain(case)).lines]
    assert acts[-4:] == ["reminded", "escalated", "told", "told"]


async def test_a_told_line_of_old_that_does_not_say_how_much_it_tells_tells_all_before_it(hospital):
    case = await waiting(hospital)
    key = (await hospital.chain(case)).last("asked").key
    for act, body in (("reminded", {"whom": ["ana.silva"], "stopped": False}), ("told", {"whom": ["ana.silva"]})):
        line = Line(act=act, key=key, actor="process:clock", at=TUESDAY, source="clock", body=body)
        await hospital.ledger.append(await hospital.chain(case), [line])
    await go(hospital, TUESDAY + timedelta(minutes=1))
    assert told(hospital, "U0ANA") == []


class Moody(FakeDesk):
    """A desk that does not take messages to people."""

    fails: Exception | None = None

    async def tell(self, slack_user: str, card: Card, *, maybe_posted: bool = False) -> Posted:
        if self.fails:
            raise self.fails
        return await super().tell(slack_user, card, maybe_posted=maybe_posted)


async def test_who_cannot_be_told_now_is_told_when_the_desk_is_back(hospital):
    hospital.desk = Moody()
    case = await waiting(hospital)
    hospital.desk.fails = UnavailableError("slack", "it does not answer")
    await go(hospital, TUESDAY)
    hospital.desk.fails = None
    await go(hospital, TUESDAY + timedelta(minutes=1))
    await go(hospital, TUESDAY + timedelta(minutes=2))
    assert len(told(hospital, "U0ANA")) == 1
    assert len((await hospital.chain(case)).having("reminded")) == 1


async def test_whom_slack_will_not_take_a_message_for_is_not_tried_for_ever(hospital):
    hospital.desk = Moody()
    case = await waiting(hospital)
    hospital.desk.fails = RefusedError("slack", "chat.postMessage: user_not_found")
    await go(hospital, TUESDAY)
    assert (await hospital.chain(case)).last("told")


async def test_somebody_above_is_told_and_named_on_the_card_and_the_bell_is_rung(hospital):
    case = await waiting(hospital)
    found = await go(hospital, WEDNESDAY)
    assert (found.done, found.ring) == ({"escalate": 1}, (case,))
    (text,) = told(hospital, "U0CARL")
    assert "Nobody has answered, so you may decide it as well" in text
    (card,) = [one for one in hospital.desk.cards("approvals") if one.key.startswith(case)]
    assert "<@U0CARL>" in str(card.blocks)
    assert "<@U0ANA>" in str(card.blocks)
    assert found.waiting[0].note == "escalated"


async def test_where_nobody_above_may_decide_nobody_is_told_and_the_table_goes_on_naming_who_may(tmp_path):
    told_to = CLOCK.model_copy(update={"escalate_to": "procurement-lead"})
    hospital = await with_clock(await Hospital.opened(tmp_path), told_to)
    case = await waiting(hospital, "LAPTOP-14", by="omar.haddad", centre="IT")  # she is needed for a later step
    rounds = rounds_of(hospital)
    for minute in range(3):
        found = await go(hospital, WEDNESDAY + timedelta(minutes=minute), rounds)
    lines = (await hospital.chain(case)).lines
    assert [line.body["whom"] for line in lines if line.act in ("escalated", "told")] == [[], ["leo.brandt"]]
    assert found.waiting[0].people == ("Leo Brandt",)


async def test_what_is_over_is_rung_for_and_waits_no_more(hospital):
    case = await waiting(hospital)
    found = await go(hospital, LATER)
    assert (found.done, found.ring, found.waiting) == ({"expire": 1}, (case,), ())


async def test_while_a_question_waits_the_requester_is_told_and_the_table_says_so(hospital):
    case = await waiting(hospital)
    await hospital.wish(case, "ana.silva", "hold", note="waits for the tender")
    held = await go(hospital, TUESDAY + timedelta(hours=1))
    assert held.waiting[0].note == "the clock stands still for Ana Silva"
    (text,) = told(hospital, "U0ANA")
    assert "you put it on hold. Please resume it" in text


async def test_the_table_lists_all_that_waits_the_most_late_first(hospital):
    early = await waiting(hospital)
    hospital.now = TUESDAY
    late = await waiting(hospital, "KNEE-TIB-4", by="rita.okafor", centre="OR")
    now = at("2026-11-24 20:00")
    found = await go(hospital, now)
    rows = waiting_rows(found.waiting, now, "America/Chicago")
    assert [(row["case"], row["late"]) for row in rows] == [(early, "11 h"), (late, "")]
    assert rows[0] | {"what": ""} == {
        "late": "11 h", "case": early, "what": "", "waits for": "Ana Silva", "as": "department-manager of ICU",
        "since": "2026-11-23 08:00", "due": "2026-11-24 08:00", "note": "",
    }  # fmt: skip
    assert bottlenecks(found.waiting, now) == "2 wait, 1 of them late. Most wait for Ana Silva (1), Ivo Petrov (1)"


async def test_without_a_clock_what_waits_is_listed_and_nobody_is_told(tmp_path):
    hospital = await Hospital.opened(tmp_path)
    case = await waiting(hospital)
    found = await go(hospital, LATER)
    assert [(one.case, one.due) for one in found.waiting] == [(case, None)]
    assert not found.done
    assert not told(hospital, "U0ANA")


async def waits(hospital: Hospital, case: str) -> str:
    """Carry a case to where it waits, and say on whom, as the state of its run does; the ledger says the same."""
    held = Case(hospital.ledger, await hospital.chain(case), "process:requisition", clock=lambda: hospital.now)
    with hospital.bound(), pytest.raises(Waiting) as waiting:
        await carry(PROCESSES["requisition"], held)
    assert waits_for(await hospital.chain(case)) == waiting.value.on
    return waiting.value.on


async def test_a_card_and_a_run_say_when_an_answer_is_due(hospital):
    case = await hospital.submit("CENTRI-5", 1, by="sam.lind", centre="ICU")
    on = await waits(hospital, case)
    assert on == "department-manager of ICU, since Mon 23 Nov 08:00, due Mon 23 Nov 17:00"
    (card,) = [one for one in hospital.desk.cards("approvals") if one.key.startswith(case)]
    assert "Due <!date^" in str(card.blocks)
    await go(hospital, WEDNESDAY)
    assert (await waits(hospital, case)).startswith("department-manager of ICU or Carl Moss, since Mon 23 Nov 08:00")


async def test_the_inbox_says_when_an_answer_is_due_and_those_above_find_it_there(hospital):
    case = await waiting(hospital)
    await go(hospital, WEDNESDAY)
    rulebook = await Shelf(hospital.ledger).in_force(WEDNESDAY)
    inbox = Inbox(hospital.ledger)
    await inbox.look(WEDNESDAY)
    for who in ("ana.silva", "carl.moss"):
        (item,) = inbox.waits_for(rulebook.directory.person(who), rulebook, WEDNESDAY)
        assert (item.ask.case, item.due) == (case, at("2026-11-24 08:00:01"))
    view = home_view([Home(item.ask, item.since, due=item.due)], [], [], "America/Chicago")
    assert "due <!date^" in str(view["blocks"])
    assert not wrong_with_blocks(view["blocks"])


async def test_a_round_reads_once_what_does_not_change(hospital):
    for _ in range(5):
        await waiting(hospital)
    rounds = rounds_of(hospital)
    await go(hospital, ASKED + timedelta(hours=1), rounds)
    reads = 0
    get = hospital.ledger.store.get

    async def counted(key: str) -> bytes:
        nonlocal reads
        reads += key.startswith("cases/RQ-")
        return await get(key)

    hospital.ledger.store.get = counted
    await go(hospital, ASKED + timedelta(hours=1, minutes=1), rounds)
    assert reads == 0


async def test_once_the_clock_is_set_back_a_round_looks_at_everything(hospital):
    rounds = rounds_of(hospital)
    await go(hospital, TUESDAY, rounds)
    hospital.ledger = Ledger(hospital.ledger.store)  # another process, whose heads are lost
    case = await waiting(hospital)
    assert not (await go(hospital, TUESDAY + timedelta(minutes=1), rounds)).waiting
    assert [one.case for one in (await rounds.go(TUESDAY - timedelta(minutes=20))).waiting] == [case]
