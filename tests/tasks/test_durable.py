"""Steps: done once a case for the same input, whatever their source; retried where it is worth it."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from blocks.errors import RefusedError, UnavailableError, UnreadableError
from blocks.records.money import Money
from blocks.records.outcome import Outcome
from tasks.case import Case, in_hand
from tasks.durable import PROCESSES, RETRIES, Process, carry, step
from tests.samples import NOON, usd

DONE: list[Any] = []


@pytest.fixture(autouse=True)
def _nothing_done_yet() -> None:
    DONE.clear()


@pytest.fixture
async def opened(hospital) -> Callable[[], Any]:
    case = await hospital.submit("KNEE-TIB-4")

    async def open_again() -> Case:
        return Case(hospital.ledger, await hospital.chain(case), "process:test", clock=lambda: NOON)

    return open_again


@step
async def double(amount: Money, times: int = 2) -> Money:
    DONE.append((amount, times))
    return amount * times


async def test_the_same_input_is_done_once_in_a_run_and_in_every_later_one(opened):
    for _ in range(2):
        case = await opened()
        with in_hand(case):
            assert await double(usd(5)) == usd(10)
            assert await double(usd(5), times=2) == usd(10)
        await case.write()
    assert [(usd(5), 2)] == DONE


async def test_another_input_is_another_step(opened):
    with in_hand(await opened()):
        assert [await double(usd(5)), await double(usd(5), 3), await double(usd(6))] == [usd(10), usd(15), usd(12)]
    assert len(DONE) == 3


async def test_a_release_that_changes_its_source_does_not_do_it_again(opened):
    case = await opened()
    with in_hand(case):
        await double(usd(5))
    await case.write()

    async def double_(amount: Money, times: int = 2) -> Money:  # as a release might write it
        raise AssertionError(amount, times)

    double_.__name__ = "double"
    with in_hand(await opened()):
        assert await step(double_)(usd(5)) == usd(10)


async def test_without_a_write_nothing_is_remembered_by_another_run(opened):
    for _ in range(2):
        with in_hand(await opened()):
            await double(usd(5))
    assert len(DONE) == 2


async def test_a_result_is_read_back_strictly(opened):
    case = await opened()
    with in_hand(case):
        await double(usd(5))
        (line,) = [one for (act, _), one in case._index.items() if act == "step"]
        line.body["result"] = {"amount": "10", "currency": "USD", "colour": "red"}
        with pytest.raises(ValidationError):
            await double(usd(5))


@step
async def reach(error: str, failures: int) -> int:
    DONE.append(error)
    if len(DONE) <= failures:
        raise {"unavailable": UnavailableError, "refused": RefusedError, "unreadable": UnreadableError}[error]("x", "y")
    return len(DONE)


async def test_what_was_not_available_is_tried_again(opened):
    with in_hand(await opened()):
        assert await reach("unavailable", RETRIES) == RETRIES + 1


async def test_what_stays_unavailable_is_told_in_the_end(opened):
    with in_hand(await opened()), pytest.raises(UnavailableError):
        await reach("unavailable", RETRIES + 1)
    assert len(DONE) == RETRIES + 1


@pytest.mark.parametrize(("error", "kind"), [("refused", RefusedError), ("unreadable", UnreadableError)])
async def test_a_no_is_not_asked_again(opened, error: str, kind: type[Exception]):
    with in_hand(await opened()), pytest.raises(kind):
        await reach(error, 1)
    assert len(DONE) == 1


async def test_a_failure_is_not_remembered(opened):
    case = await opened()
    with in_hand(case):
        with pytest.raises(RefusedError):
            await reach("refused", 1)
        assert await reach("refused", 1) == 2


async def test_a_case_that_was_never_received_is_not_carried(hospital):
    case = Case(hospital.ledger, await hospital.chain("RQ-NEVERSEEN1"), "process:requisition")
    with pytest.raises(LookupError, match="was never received"):
        await carry(PROCESSES["requisition"], case)


async def test_a_case_that_ended_is_told_as_it_ended_without_a_look_at_the_process(hospital):
    case = await hospital.submit("IVSET-20", 40)
    outcome = await hospital.wake(case)
    known = PROCESSES["requisition"]

    async def broken(_request) -> Outcome:
        raise AssertionError

    changed = Process(known.name, known.prefix, broken, known.request, known.undo)
    assert await carry(changed, Case(hospital.ledger, await hospital.chain(case), "process:requisition")) == outcome
