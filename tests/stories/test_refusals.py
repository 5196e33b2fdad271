"""What ends without an order says why, and nothing is half done."""

import pytest

from blocks.errors import RefusedError, UnavailableError, UnreadableError
from blocks.records.people import Grant, Role
from blocks.rulebook import adopt
from infrastructure.local.hospital.__main__ import directory
from tasks.approvals import CannotAskError
from tests.fakes.desk import FakeDesk
from tests.fakes.erp import FakeErp
from tests.hospital import Hospital

REFUSED = [
    ("an unknown item", {"item": "NO-SUCH-1"}, "item: the ERP knows no item NO-SUCH-1"),
    ("an unknown cost centre", {"by": "paula.reyes", "centre": "MORGUE"}, "knows no cost centre MORGUE"),
    ("an unknown currency", {"currency": "XXX"}, "the books are in USD"),
    ("a closed period", {"charge_on": "2025-03-01"}, "the books are closed on 2025-03-01: give a charge_on"),
    ("more than a requisition may be", {"item": "VENT-T1", "quantity": 14}, "it needs a project"),
    ("more than anybody may approve", {"item": "VENT-T1", "quantity": 11}, "nobody active holds department-manager"),
]


@pytest.mark.parametrize(("asked", "because"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
async def test_it_is_refused_for(hospital, asked, because):
    case = await hospital.submit(**{"item": "KNEE-TIB-4"} | asked)
    outcome = await hospital.wake(case)
    assert (outcome.ended, because in outcome.because) == ("refused", True), outcome.because
    assert not hospital.erp.orders()
    assert not await hospital.asks(case)
    assert not (await hospital.chain("book~funds~OR~2026")).having("held")
    assert len(list(hospital.desk.cards("U0PAULA" if "by" in asked else "U0RITA"))) == 1
    assert await hospital.verified()


async def test_what_no_contract_covers_needs_the_procurement_lead(hospital):
    case = await hospital.submit("LAPTOP-14", 1, by="omar.haddad", centre="IT")
    assert await hospital.wake(case) is None
    await hospital.answer(case, "leo.brandt")
    assert await hospital.wake(case) is None
    await hospital.answer(case, "paula.reyes")
    assert (await hospital.wake(case)).ended == "ordered"
    manager, procurement = await hospital.asks(case)
    assert (manager.role, manager.after) == ("department-manager", "then the procurement lead is asked")
    assert (procurement.role, procurement.why) == ("procurement-lead", "no contract fixes the price")


async def test_who_asks_cannot_approve_and_is_not_shown_as_who_may(hospital):
    """The department's manager asks for something herself: nobody else holds the role there, so it is told at once."""
    case = await hospital.submit("CENTRI-5", 1, by="ana.silva", centre="ICU")
    outcome = await hospital.wake(case)
    assert (outcome.ended, "nobody active holds department-manager for ICU" in outcome.because) == ("refused", True)


async def with_roles(hospital: Hospital, **roles: tuple[Role, ...]) -> None:
    """Let people hold other roles than they do, from now on."""
    given = {name.replace("_", "."): tuple(Grant(role=role) for role in held) for name, held in roles.items()}
    people = (one.model_copy(update={"grants": given.get(one.id, one.grants)}) for one in directory().people)
    staff = directory().model_copy(update={"people": tuple(people)})
    await adopt(hospital.ledger, staff, actor="door:test", at=hospital.now)


async def test_two_roles_that_one_person_alone_holds_are_told_at_once_and_nobody_is_asked(hospital):
    await with_roles(hospital, ana_silva=("department-manager", "finance-director"), frida_ng=())
    case = await hospital.submit("VENT-T1", 1, by="sam.lind", centre="ICU")
    outcome = await hospital.wake(case)
    assert outcome.ended == "refused"
    assert "only Ana Silva may decide as department-manager and finance-director for ICU" in outcome.because
    assert not await hospital.asks(case)


async def test_who_alone_may_take_the_next_step_leaves_this_one_to_another(hospital):
    await with_roles(
        hospital, ana_silva=("department-manager", "finance-director"), frida_ng=(), leo_brandt=("department-manager",)
    )
    case = await hospital.submit("VENT-T1", 1, by="sam.lind", centre="ICU")
    assert await hospital.wake(case) is None
    told = await hospital.answer(case, "ana.silva")
    assert (told.taken, "Leo Brandt" in told.text) == ("void", True), told.text
    await hospital.answer(case, "leo.brandt")
    await hospital.wake(case)
    await hospital.answer(case, "ana.silva")
    assert (await hospital.wake(case)).ended == "ordered"


async def test_a_requester_who_holds_the_role_is_refused_where_others_hold_it_too(hospital):
    case = await hospital.submit("KNEE-TIB-4", 1, by="ana.silva", centre="OR")
    assert await hospital.wake(case) is None
    told = await hospital.answer(case, "ana.silva")
    assert told.text == "You asked for this yourself. Somebody else has to decide it."
    assert await hospital.wake(case) is None
    await hospital.answer(case, "ivo.petrov")
    assert (await hospital.wake(case)).ended == "ordered"


async def test_an_erp_that_does_not_answer_leaves_the_case_to_be_woken_again(hospital, monkeypatch):
    monkeypatch.setattr("tasks.durable.BACKOFF_S", 0)
    case = await hospital.submit("IVSET-20", 40)
    hospital.erp.fail = 5
    with pytest.raises(UnavailableError):
        await hospital.wake(case)
    assert (await hospital.wake(case)).ended == "ordered"


class LockedErp(FakeErp):
    """An ERP that does not let us in where it is locked, for instance as our key has expired."""

    locked: str = ""

    def _arrive(self, call: str) -> None:
        if call == self.locked:
            raise UnreadableError("erp", "it does not accept our key")
        super()._arrive(call)


@pytest.mark.parametrize("locked", ["sourcing", "order"])
async def test_an_erp_that_does_not_let_us_in_refuses_no_request(hospital, locked):
    hospital.erp = LockedErp()
    hospital.erp.locked = locked
    case = await hospital.submit("IVSET-20", 40)
    for _ in range(2):
        with pytest.raises(UnreadableError, match="does not accept our key"):
            await hospital.wake(case)
    hospital.erp.locked = ""
    assert (await hospital.wake(case)).ended == "ordered"
    assert len(hospital.erp.orders()) == 1


class ClosedDesk(FakeDesk):
    """A desk that takes nothing in the rooms that are closed."""

    closed: frozenset[str] = frozenset()

    async def post(self, channel, card, *, maybe_posted=False):
        if channel in self.closed:
            raise RefusedError("slack", "chat.postMessage: not_in_channel")
        return await super().post(channel, card, maybe_posted=maybe_posted)


async def test_a_desk_that_takes_no_cards_refuses_no_request(hospital):
    hospital.desk = ClosedDesk()
    hospital.desk.closed = frozenset({"approvals"})
    case = await hospital.submit("KNEE-TIB-4")
    with pytest.raises(CannotAskError, match=r"nobody can be asked, slack: chat\.postMessage: not_in_channel"):
        await hospital.wake(case)
    hospital.desk.closed = frozenset()
    assert await hospital.wake(case) is None
    await hospital.answer(case, "ivo.petrov")
    assert (await hospital.wake(case)).ended == "ordered"


async def test_a_requester_who_left_slack_keeps_no_case_from_its_end(hospital):
    hospital.desk = ClosedDesk()
    hospital.desk.closed = frozenset({"U0RITA"})
    case = await hospital.submit("IVSET-20", 40)
    assert (await hospital.wake(case)).ended == "ordered"
