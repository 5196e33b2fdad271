"""The inbox: what waits for whom, and what it looks like."""

from datetime import timedelta

import pytest

from blocks.errors import UnavailableError
from blocks.ledger import Chain
from blocks.records.people import Delegation, Person
from blocks.rulebook import Shelf
from blocks.wire import home
from tasks.inbox import Inbox, Item
from tasks.signing import people
from tests.hospital import Hospital
from tests.samples import NOON, ask, usd


@pytest.fixture
async def hospital(tmp_path) -> Hospital:
    return await Hospital.opened(tmp_path)


async def waiting(hospital: Hospital, quantity: int = 200) -> str:
    case = await hospital.submit("IVSET-20", quantity)
    assert await hospital.wake(case) is None
    return case


async def who(hospital: Hospital, name: str) -> Person:
    person = (await Shelf(hospital.ledger).in_force(hospital.now)).directory.person(name)
    assert person is not None
    return person


async def seen(hospital: Hospital, inbox: Inbox, name: str) -> tuple[Item, ...]:
    await inbox.look(hospital.now)
    rulebook = await Shelf(hospital.ledger).in_force(hospital.now)
    return inbox.waits_for(await who(hospital, name), rulebook, hospital.now)


async def test_what_waits_is_seen_by_who_may_answer_and_by_nobody_else(hospital):
    first, second = await waiting(hospital), await waiting(hospital, 300)
    inbox = Inbox(hospital.ledger)
    assert [item.ask.case for item in await seen(hospital, inbox, "ana.silva")] == [first, second]
    assert await seen(hospital, inbox, "ivo.petrov") == ()
    assert [chain.case for chain in inbox.asked_by("rita.okafor")] == [first, second]


async def test_a_stand_in_sees_in_whose_name_they_would_answer(hospital):
    await waiting(hospital)
    until = hospital.now + timedelta(days=2)
    lent = Delegation(key="k", of="ana.silva", to="leo.brandt", start=hospital.now, until=until)
    rulebook = await Shelf(hospital.ledger).in_force(hospital.now)
    ana = await who(hospital, "ana.silva")
    await people.delegate(lent, ana, "test", ledger=hospital.ledger, rulebook=rulebook, at=hospital.now)
    (item,) = await seen(hospital, Inbox(hospital.ledger), "leo.brandt")
    assert item.on_behalf_of == "Ana Silva"


async def test_what_was_answered_waits_no_more_and_what_ended_is_nobody_s_open_request(hospital):
    case = await waiting(hospital)
    await hospital.answer(case, "ana.silva")
    inbox = Inbox(hospital.ledger)
    assert await seen(hospital, inbox, "ana.silva") == ()
    assert len(inbox.asked_by("rita.okafor")) == 1
    await hospital.wake(case)
    fresh = Inbox(hospital.ledger)
    await fresh.look(hospital.now)
    assert fresh.asked_by("rita.okafor") == ()


async def test_the_second_look_reads_nothing_that_has_not_changed(hospital, monkeypatch):
    for _ in range(3):
        await waiting(hospital)
    inbox = Inbox(hospital.ledger)
    assert len(await seen(hospital, inbox, "ana.silva")) == 3
    read, reader = list[str](), hospital.ledger.read

    async def noted(case: str, *, known: Chain | None = None) -> Chain:
        read.append(case)
        return await reader(case, known=known)

    monkeypatch.setattr(hospital.ledger, "read", noted)
    await inbox.look(hospital.now)
    assert read == []
    changed = await waiting(hospital)
    await inbox.look(hospital.now)
    assert {case for case in read if "~" not in case} == {changed}


def drawn(*waits: home.Waiting, mine: tuple[home.Mine, ...] = ()) -> str:
    return str(home.home_view(waits, mine, ["Leo Brandt stands in for you until 01 Dec"], "America/Chicago"))


async def test_what_could_not_be_read_is_read_at_the_next_look(hospital, monkeypatch):
    case, read = await waiting(hospital), hospital.ledger.read

    async def fails(name, **known):
        if name == case:
            raise UnavailableError("store", "503")
        return await read(name, **known)

    inbox = Inbox(hospital.ledger)
    monkeypatch.setattr(hospital.ledger, "read", fails)
    assert await seen(hospital, inbox, "ana.silva") == ()
    monkeypatch.setattr(hospital.ledger, "read", read)
    assert [item.ask.case for item in await seen(hospital, inbox, "ana.silva")] == [case]


def test_an_empty_inbox_says_so():
    assert "Nothing waits for you" in drawn()


def test_the_home_tab_shows_what_waits_with_its_buttons():
    view = drawn(home.Waiting(ask(), NOON, "Leo Brandt"), mine=(home.Mine("RQ-X", "2 × HIP", "waits for somebody"),))
    for said in ("Waiting for you (1)", "Cementless hip stem 12", "in the name of Leo Brandt", "'approve'", "RQ-X"):
        assert said in view


def test_a_long_inbox_stays_within_a_home_tab():
    many = [home.Waiting(ask(key=f"1-{n}"), NOON, routine=True) for n in range(200)]
    view = home.home_view(many, [home.Mine(f"RQ-{n}", "x", "y") for n in range(200)], [], "UTC")
    assert len(view["blocks"]) <= 100
    assert "and 175 more" in str(view)


def test_routine_requests_are_reviewed_together_and_each_is_its_own_answer():
    many = [home.Waiting(ask(key=f"1-{n}", amount=usd(10)), NOON, routine=True) for n in range(12)]
    modal = home.bulk_modal(many)
    boxes = modal["blocks"][0]["element"]
    assert len(boxes["options"]) == home.BULK_MAX
    chosen = {"state": {"values": {"which": {"value": {"selected_options": boxes["options"][:3]}}}}}
    assert len(set(home.bulk_values(chosen))) == 3
