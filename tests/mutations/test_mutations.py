"""A thousand altered requests through the doors as they are served; `python -m tests.mutations` sends ten thousand."""

import json
from pathlib import Path
from random import Random

import pytest

from blocks.records.ledger import Line
from tests.hospital import MORNING
from tests.mutations.__main__ import CPU_MAX_S, Tally, run_many
from tests.mutations.genuine import genuine, slack_user
from tests.mutations.house import Answered, House, Waiting
from tests.mutations.model import able, faults, is_signed, said
from tests.mutations.sent import Sent

REQUESTS = 1000


async def test_of_a_thousand_altered_requests_none_is_wrongly_effective_none_breaks_a_door_none_takes_long():
    tally = Tally()
    await run_many(REQUESTS, 2026, tally)
    assert tally.wrong == {}
    assert len(tally.cpu_s) == REQUESTS
    assert max(tally.cpu_s) <= CPU_MAX_S
    assert not {status for status in tally.statuses if status >= 500}
    assert {200, 202, 400, 401, 422} <= set(tally.statuses), "some door was never reached"
    counted = {name: tally.counts[name] for name in ("lines decided", "lines received", "not signed", "as they were")}
    assert min(counted.values()) > REQUESTS / 40, counted


@pytest.fixture
async def house(tmp_path: Path) -> House:
    return await House.built(tmp_path)


async def pressed(house: House, user: str = "") -> tuple[Sent, Waiting]:
    dice = Random(2)  # noqa: S311  dice, not secrets
    waiting = await house.waiting(dice)
    sent = next(x for x in [await genuine(house, dice, n) for n in range(99)] if x.kind == "approve")
    sent.tree["user"]["id"] = user or slack_user(min(able(waiting)))
    sent.tree["actions"][0]["value"] = waiting.value
    sent.sign()
    return sent, waiting


async def test_a_genuine_answer_is_taken_and_the_same_once_more_is_not(house: House):
    with house.doors():
        sent, waiting = await pressed(house)
        first, again = await house.send(sent), await house.send(sent)
    assert [line.act for _, line in first.lines] == ["decided"]
    assert [line.act for _, line in again.lines] == ["late"]
    assert not [*faults(sent, first, house)]
    assert is_signed(sent)
    assert said(sent).case == waiting.ask.case


async def test_the_model_sees_a_decision_that_is_not_what_was_said_or_not_by_whom_may(house: House):
    with house.doors():
        sent, waiting = await pressed(house)
        answered = await house.send(sent)
        ((case, line),) = answered.lines
        outsider, _ = await pressed(house, "U0CARL")
    other = line.model_copy(update={"actor": "person:carl.moss"})
    rejected = line.model_copy(update={"body": {"decision": line.body["decision"] | {"verdict": "reject"}}})
    assert "carl.moss" not in able(waiting)
    for by, wrong in ((sent, other), (sent, rejected), (outsider, other)):
        assert [*faults(by, answered._replace(lines=[(case, wrong)]), house)]


async def test_the_model_sees_what_an_unsigned_request_did_and_what_broke(house: House):
    with house.doors():
        sent, _ = await pressed(house)
        sent.body = sent.packed() + b" "
        answered = await house.send(sent)
    assert not is_signed(sent)
    assert (answered.status, [*faults(sent, answered, house)]) == (401, [])
    for did in ({"keys": ["inbox/x"]}, {"desk": 1}, {"failures": ["x"]}, {"status": 500}):
        assert [*faults(sent, answered._replace(**did), house)]


@pytest.mark.parametrize(
    "changed", [{"requester": "gus.varga"}, {"requester": "nobody"}, {"cost_centre": "LAB"}, {"quantity": 0}]
)
async def test_the_model_sees_a_requisition_that_nobody_may_make(house: House, changed: dict[str, object]):
    order = {"requester": "rita.okafor", "cost_centre": "OR", "item": "KNEE-TIB-4", "quantity": 2} | changed
    sent = Sent("/events/inventory", "order", order)
    sent.sign()
    line = Line(act="received", actor="door:inventory", at=MORNING, body={"request": order})
    assert [*faults(sent, Answered(202, [("RQ-1", line)], [], 0, []), house)]
    assert json.loads(sent.packed()) == order
