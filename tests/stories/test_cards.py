"""Cards show what the ledger says in the end, even if nobody drew them when the answer was given."""

from dataclasses import dataclass, field

import pytest

from blocks.errors import RefusedError, UnavailableError
from blocks.ports import Card
from blocks.records.approval import Posted
from tests.fakes.desk import FakeDesk


@dataclass
class Moody(FakeDesk):
    """A desk that cannot draw for a while, and counts what it drew."""

    away: bool = False
    drawn: list[str] = field(default_factory=list)

    async def redraw(self, posted: Posted, card: Card) -> None:
        if self.away:
            raise UnavailableError("slack", "it does not answer")
        await super().redraw(posted, card)
        self.drawn.append(card.key)


@pytest.fixture(autouse=True)
def desk(hospital, monkeypatch) -> Moody:
    monkeypatch.setattr("tasks.durable.BACKOFF_S", 0)
    hospital.desk = Moody()
    return hospital.desk


def shown(desk: Moody, case: str) -> list[str]:
    """Say what each card of a case shows, for a screen reader."""
    return [card.text for card in desk.cards("approvals") if card.key.startswith(case)]


async def test_a_card_that_the_door_did_not_live_to_draw_is_drawn_by_the_process(hospital, desk):
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    await hospital.answer(case, "ivo.petrov")
    assert (await hospital.wake(case)).ended == "ordered"
    (text,) = shown(desk, case)
    assert "Approved by Ivo Petrov, implant coordinator" in text
    assert desk.drawn == [f"{case}/1-implant-coordinator", f"{case}/waits"]
    assert await hospital.verified()


async def test_a_desk_that_is_away_does_not_stop_the_order_and_the_card_is_drawn_when_it_is_back(hospital, desk):
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    await hospital.answer(case, "ivo.petrov")
    desk.away = True
    for _ in range(2):
        with pytest.raises(UnavailableError):
            await hospital.wake(case)
    assert len(hospital.erp.orders()) == 1
    desk.away = False
    assert (await hospital.wake(case)).ended == "ordered"
    assert "Approved by Ivo Petrov" in shown(desk, case)[0]
    assert len(hospital.erp.orders()) == hospital.erp.calls["order"] == 1


async def test_the_card_of_the_first_approver_is_drawn_before_the_second_has_answered_and_only_once(hospital, desk):
    case = await hospital.submit("VENT-T1", 1, by="sam.lind", centre="ICU")
    await hospital.wake(case)
    await hospital.answer(case, "ana.silva")
    for _ in range(3):
        assert await hospital.wake(case) is None
    first, second = shown(desk, case)
    assert "Approved by Ana Silva" in first
    assert "Waits for the finance director" in second
    await hospital.answer(case, "frida.ng", "reject", "next year")
    assert (await hospital.wake(case)).ended == "rejected"
    assert "Rejected by Frida Ng, finance director. next year" in shown(desk, case)[1]
    assert desk.drawn == [f"{case}/1-department-manager", f"{case}/1-finance-director", f"{case}/waits"]


async def test_a_card_that_somebody_deleted_keeps_no_case_from_its_end(hospital, desk):
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    await hospital.answer(case, "ivo.petrov")
    desk.messages.clear()
    assert (await hospital.wake(case)).ended == "ordered"
    drawn = (await hospital.chain(case)).last("drawn", "1-implant-coordinator")
    assert drawn.body == {"refused": "message_not_found"}


async def test_a_card_of_which_nobody_noted_where_it_stands_is_found_and_drawn(hospital, desk, monkeypatch):
    case = await hospital.submit("KNEE-TIB-4", 1)
    append = hospital.ledger.append

    async def dies(chain, lines):
        if any(line.act == "posted" for line in lines):
            raise RefusedError("store", "the process died")
        return await append(chain, lines)

    with monkeypatch.context() as patched:
        patched.setattr(hospital.ledger, "append", dies)
        with pytest.raises(RefusedError):
            await hospital.wake(case)
    await hospital.answer(case, "ivo.petrov")
    assert (await hospital.wake(case)).ended == "ordered"
    (text,) = shown(desk, case)
    assert "Approved by Ivo Petrov" in text
