"""Requests: what may not be done is explained and kept; of those who act at once, whoever is first has done it."""

import asyncio
from datetime import timedelta
from itertools import permutations

import pytest

from blocks.ledger import Ledger
from blocks.records.people import Absence
from blocks.rulebook import Shelf, adopt
from blocks.store import FolderStore
from tasks.decide import Answer, decide, shown_of
from tasks.requests import Wish, carry_out
from tasks.signing.people import go_away
from tests.hospital import Hospital, plain_policy, two_coordinators


async def waiting(hospital: Hospital, item: str = "KNEE-TIB-4", quantity: int = 1) -> str:
    case = await hospital.submit(item, quantity)
    assert await hospital.wake(case) is None
    return case


REFUSED = [
    ("hand-over", "frida.ng", "ivo.petrov", "", "implant-coordinator of OR, a role you do not hold"),
    ("hand-over", "rita.okafor", "ivo.petrov", "", "You asked for this yourself"),
    ("hand-over", "gus.varga", "ivo.petrov", "", "no longer active"),
    ("hand-over", "ivo.petrov", "", "", "Please choose somebody of the hospital's directory"),
    ("hand-over", "ivo.petrov", "ivo.petrov", "", "you have it already"),
    ("hand-over", "ivo.petrov", "rita.okafor", "", "Rita Okafor may not decide this"),
    ("hand-over", "ivo.petrov", "gus.varga", "", "Gus Varga may not decide this"),
    ("add", "nobody.known", "frida.ng", "", "not in the hospital's directory"),
    ("add", "ana.silva", "frida.ng", "", "a role you do not hold"),
    ("add", "ivo.petrov", "gus.varga", "", "somebody who works here"),
    ("add", "ivo.petrov", "", "", "somebody who works here"),
    ("add", "ivo.petrov", "ivo.petrov", "", "Ivo Petrov cannot be added: you decide it already"),
    ("add", "ivo.petrov", "rita.okafor", "", "Rita Okafor cannot be added: it is their request"),
    ("hold", "ana.silva", "", "why", "a role you do not hold"),
    ("hold", "ivo.petrov", "", "  ", "Please say what you wait for"),
    ("resume", "ivo.petrov", "", "", "not on hold any more"),
    ("withdraw", "ivo.petrov", "", "", "Only Rita Okafor or their manager can withdraw this"),
    ("withdraw", "nobody.known", "", "", "not in the hospital's directory"),
    ("withdraw", "gus.varga", "", "", "not in the hospital's directory"),
]


@pytest.mark.parametrize(("deed", "by", "whom", "note", "because"), REFUSED)
async def test_what_may_not_be_done_is_explained_and_kept(hospital, deed, by, whom, note, because):
    case = await waiting(hospital)
    told = await hospital.wish(case, by, deed, whom=whom, note=note)
    assert (told.taken, because in told.text) == ("void", True)
    kept = (await hospital.chain(case)).last("refused-click")
    assert kept.body == {"verdict": deed, "because": told.text}
    assert not {"handed", "added", "held-ask", "resumed", "withdrawn"} & {
        x.act for x in (await hospital.chain(case)).lines
    }
    assert await hospital.wake(case) is None


async def test_nobody_is_added_twice_nor_after_they_have_approved(hospital):
    case = await waiting(hospital, quantity=2)
    await hospital.wish(case, "ivo.petrov", "add", whom="frida.ng")
    assert (await hospital.wish(case, "ivo.petrov", "add", whom="frida.ng")).text == "Frida Ng has been added already."
    await hospital.answer(case, "ivo.petrov")
    await hospital.wake(case)
    told = await hospital.wish(case, "ana.silva", "add", whom="ivo.petrov")
    assert told.text == "Ivo Petrov has approved this already."


async def test_nothing_is_handed_over_to_somebody_who_is_away(hospital):
    await adopt(hospital.ledger, two_coordinators(), actor="door:test", at=hospital.now)
    case = await waiting(hospital)
    away = Absence(key="a1", person="paula.reyes", start=hospital.now, until=hospital.now + timedelta(days=3))
    rulebook = await Shelf(hospital.ledger).in_force(hospital.now)
    paula = rulebook.directory.person("paula.reyes")
    await go_away(away, paula, "test", ledger=hospital.ledger, rulebook=rulebook, at=hospital.now)
    told = await hospital.wish(case, "ivo.petrov", "hand-over", whom="paula.reyes")
    assert told.text == "Paula Reyes is away just now. Please choose somebody who is here."


@pytest.mark.parametrize("deed", ["hand-over", "add", "hold", "resume"])
async def test_what_was_not_seen_as_it_is_cannot_be_acted_on(hospital, deed):
    case = await waiting(hospital)
    told = await hospital.wish(case, "ivo.petrov", deed, whom="frida.ng", note="why", shown="0" * 64)
    assert (told.taken, "newest card" in told.text) == ("changed", True)
    assert (await hospital.chain(case)).last("refused-click").body["claims"] == "0" * 64


@pytest.mark.parametrize("deed", ["hand-over", "add", "hold", "resume"])
async def test_after_an_answer_every_wish_is_late_and_told_who_decided_and_when(hospital, deed):
    case = await waiting(hospital)
    await hospital.answer(case, "ivo.petrov")
    told = await hospital.wish(case, "ivo.petrov", deed, whom="frida.ng", note="why")
    assert (told.taken, told.text) == ("late", "Already approved by Ivo Petrov at 14:01 UTC on 23 Nov.")
    assert (await hospital.chain(case)).last("late").body["verdict"] == deed


async def test_a_wish_about_nothing_leaves_no_trace(hospital):
    case = await hospital.submit("IVSET-20", 40)
    rulebook = await Shelf(hospital.ledger).in_force(hospital.now)
    rita = rulebook.directory.person("rita.okafor")
    for name, says in ((case, "please try again in a moment"), ("RQ-NEVERSEEN1", "not in the ledger")):
        before = await hospital.chain(name)
        wish = Wish(name, "1-department-manager", "withdraw", "0" * 64)
        told = await carry_out(wish, rita, "test", ledger=hospital.ledger, rulebook=rulebook, at=hospital.now)
        assert (told.taken, says in told.text) == ("unknown", True)
        assert await hospital.chain(name) == before


@pytest.mark.parametrize(
    ("quantity", "because"),
    [
        (0, "approve one at least"),
        (-3, "approve one at least"),
        (6, "5 were asked for. More than that needs a new request."),
    ],
)
async def test_only_from_one_up_to_as_many_as_were_asked_for_may_be_approved(hospital, quantity, because):
    case = await waiting(hospital, quantity=5)
    told = await hospital.answer(case, "ivo.petrov", quantity=quantity)
    assert (told.taken, because in told.text) == ("void", True)
    assert (await hospital.answer(case, "ivo.petrov", quantity=5)).text == f"You approved {case} (5 of 5)."
    assert await hospital.wake(case) is None
    assert [ask.quantity for ask in await hospital.asks(case)] == [5, 5]


async def test_a_rejection_names_no_quantity(hospital):
    case = await waiting(hospital, quantity=5)
    told = await hospital.answer(case, "ivo.petrov", "reject", "too many", quantity=2)
    assert (told.taken, told.text) == ("void", "Only an approval names how many.")


async def test_policy_may_let_nobody_approve_fewer(hospital):
    strict = plain_policy().model_copy(update={"approve_fewer": False, "effective_from": hospital.now.date()})
    await adopt(hospital.ledger, strict, actor="door:test", at=hospital.now)
    case = await waiting(hospital, quantity=5)
    told = await hospital.answer(case, "ivo.petrov", quantity=2)
    assert (told.taken, "Policy lets nobody change how many" in told.text) == ("void", True)
    assert "Approve fewer" not in str(next(hospital.desk.cards("approvals")).blocks)


ACTS = ["approve", "reject", "hold", "withdraw"]


@pytest.mark.parametrize("order", list(permutations(ACTS)), ids=" ".join)
async def test_in_every_order_one_act_ends_it_and_each_who_acts_is_told(hospital, order):
    case = await waiting(hospital)
    ended = ""
    for act in order:
        if act in ("approve", "reject"):
            told = await hospital.answer(case, "ivo.petrov", act, "too dear")
        else:
            by = "ivo.petrov" if act == "hold" else "rita.okafor"
            told = await hospital.wish(case, by, act, note="the quote")
        assert told.text
        held = "hold" in order[: order.index(act)]
        if ended:
            assert told.taken == "late"
        elif held and act != "withdraw":
            assert (told.taken, "On hold by Ivo Petrov" in told.text) == ("void", True)
        else:
            assert told.taken == "counted"
            ended = "" if act == "hold" else act
    outcome = await hospital.wake(case)
    assert outcome.ended == {"approve": "ordered", "reject": "rejected", "withdraw": "withdrawn"}[ended]
    chain = await hospital.chain(case)
    assert len(chain.having("decided")) + len(chain.having("withdrawn")) == 1


@pytest.mark.parametrize("first", ["answers", "withdrawals"])
async def test_of_sixteen_who_answer_and_withdraw_at_once_exactly_one_has_done_it(hospital, tmp_path, first):
    """Through two processes that share nothing but the store."""
    case = await waiting(hospital)
    (ask,) = await hospital.asks(case)
    ledgers = [Ledger(FolderStore(tmp_path / "store")) for _ in range(2)]
    rulebook = await Shelf(hospital.ledger).in_force(hospital.now)
    ivo, rita = (rulebook.directory.person(name) for name in ("ivo.petrov", "rita.okafor"))

    async def act(number: int):
        ledger, at = ledgers[number % 2], hospital.now + timedelta(milliseconds=number)
        if (number < 8) is (first == "answers"):
            answer = Answer(case, ask.key, "approve", shown_of(ask))
            return await decide(answer, ivo, "test", ledger=ledger, rulebook=rulebook, at=at)
        wish = Wish(case, ask.key, "withdraw", shown_of(ask))
        return await carry_out(wish, rita, "test", ledger=ledger, rulebook=rulebook, at=at)

    told = await asyncio.gather(*(act(number) for number in range(16)))
    assert sorted(one.taken for one in told) == ["counted", *["late"] * 15]
    assert all(one.text for one in told)
    chain = await hospital.chain(case)
    assert len(chain.having("decided")) + len(chain.having("withdrawn")) == 1
    expected = "ordered" if chain.having("decided") else "withdrawn"
    assert (await hospital.wake(case)).ended == expected
    assert await hospital.verified()
