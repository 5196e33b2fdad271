"""Whatever people do with a request, in whatever order: it can be woken at any time, and ends once, as the ledger says.

Each waking begins at the first line again, so whatever is read differently the second time would show here.
"""

from decimal import Decimal
from random import Random

import pytest

from blocks.records.approval import Decision
from blocks.rulebook import Shelf, adopt
from tasks.rules.authority import who_can
from tests.hospital import Hospital, two_coordinators

STORIES = 30
STEPS_MAX = 60
APPROVERS = ("ivo.petrov", "ana.silva", "frida.ng", "paula.reyes", "leo.brandt", "carl.moss")
PRICES = ("2890.00", "2890.00", "2990.00", "4100.00")


async def act(hospital: Hospital, case: str, chance: Random) -> None:
    """Let somebody do something, sensible or not; or let the price move."""
    asked = (await hospital.asks(case))[-1]
    rulebook = await Shelf(hospital.ledger).in_force(hospital.now)
    able = [one.by.id for one in who_can(asked, rulebook.directory, rulebook.duties, hospital.now)]
    who = chance.choice(able if chance.random() < 0.7 else APPROVERS)
    what = chance.choices(
        ("approve", "fewer", "hand-over", "add", "hold", "resume", "reject", "withdraw", "price"),
        (16, 10, 12, 8, 8, 20, 0.5, 0.5, 8),
    )[0]
    if what == "price":
        hospital.erp.prices["KNEE-TIB-4"] = Decimal(chance.choice(PRICES))
    elif what == "fewer":
        await hospital.answer(case, who, quantity=chance.randint(0, 6))
    elif what in ("approve", "reject"):
        await hospital.answer(case, who, what, "because")
    else:
        by = "rita.okafor" if what == "withdraw" else who
        whom = chance.choice(able if chance.random() < 0.5 else (*APPROVERS, "rita.okafor"))
        await hospital.wish(case, by, what, whom=whom, note="because")


@pytest.mark.parametrize("seed", range(STORIES))
async def test_whatever_is_done_it_can_be_woken_and_ends_once_as_the_ledger_says(hospital, seed):
    await adopt(hospital.ledger, two_coordinators(), actor="door:test", at=hospital.now)
    chance = Random(seed)  # noqa: S311  stories that can be told again, no secrets
    case = await hospital.submit("KNEE-TIB-4", chance.randint(1, 6))
    outcome = await hospital.wake(case)
    for _ in range(STEPS_MAX):
        if outcome:
            break
        await act(hospital, case, chance)
        if chance.random() < 0.7:
            outcome = await hospital.wake(case)
    chain = await hospital.chain(case)
    decisions = [Decision.model_validate(line.body["decision"]) for line in chain.having("decided")]
    assert len({one.ask for one in decisions}) == len(decisions)
    assert "rita.okafor" not in {one.by for one in decisions}
    in_roles = {(one.by, one.role) for one in decisions if not one.added}
    assert len({by for by, _ in in_roles}) == len(in_roles), "somebody decided in two roles"
    if outcome is None:
        assert not hospital.erp.orders()
        return
    assert await hospital.wake(case) == outcome
    assert len(hospital.erp.orders()) == (outcome.ended == "ordered")
    if outcome.ended == "ordered":
        asked = chain.lines[0].body["request"]["quantity"]
        assert outcome.quantity == min([asked, *(one.quantity for one in decisions if one.quantity)])
        added = {line.body["added"]["person"] for line in chain.having("added")}
        assert added <= {one.by for one in decisions if one.verdict == "approve"}
    if outcome.ended == "withdrawn":
        assert chain.having("withdrawn")
    cards = [card for card in hospital.desk.cards("approvals") if card.key.startswith(case)]
    assert not [block for card in cards for block in card.blocks if block["type"] == "actions"]
    assert await hospital.verified()
