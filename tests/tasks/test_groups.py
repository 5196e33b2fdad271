"""Groups: many cases carried by one run, each as if alone."""

import asyncio
import json

import pytest

from blocks.ledger import entry_key
from blocks.wire.report import case_report
from tasks.groups import Carried, carry_all, carry_one, process_of, summary
from tasks.results import finished_cases
from tasks.upkeep.settling import keep_results
from tests.hospital import Hospital
from tests.stores import CrashingStore

BURST = 50


async def approved(hospital: Hospital, count: int) -> list[str]:
    cases = [await hospital.submit("KNEE-TIB-4", 1, reason=f"number {number}") for number in range(count)]
    for case in cases:
        assert await hospital.wake(case) is None
        for role in await hospital.asks(case):
            assert (await hospital.answer(case, "ivo.petrov", ask=role.key)).taken == "counted"
    return cases


async def carried(hospital: Hospital, cases: list[str], at_once: int = 48) -> tuple[list[Carried], list[tuple]]:
    told: list[tuple[int, int]] = []

    async def tell(done: int, of: int) -> None:
        told.append((done, of))

    with hospital.bound():
        return await carry_all(cases, tell, at_once), told


async def test_a_burst_of_approved_cases_is_ordered_each_once(hospital):
    hospital.erp.prices["KNEE-TIB-4"] = hospital.erp.prices["IVSET-20"]
    cases = await approved(hospital, BURST)
    ended, told = await carried(hospital, cases)
    assert [one.case for one in ended if one.ended == "ordered"] == sorted(cases)
    assert len({order.key for order in hospital.erp.orders()}) == len(hospital.erp.orders()) == BURST
    assert await hospital.verified()
    assert told[-1] == (BURST, BURST)
    again, _ = await carried(hospital, cases)
    assert again == ended
    assert len(hospital.erp.orders()) == BURST


async def test_each_case_of_a_group_that_ended_has_a_result_of_its_own(hospital):
    cases = [await hospital.submit("IVSET-20", number) for number in (40, 41)]
    waits = await hospital.submit("KNEE-TIB-4", 1)
    ended, _ = await carried(hospital, [*cases, waits])
    with hospital.bound():
        for _ in range(2):
            await keep_results(ended)
    assert set(await finished_cases(hospital.ledger)) == set(cases)
    for case in cases:
        chain = await hospital.chain(case)
        order = chain.last("ended").body["outcome"]["document"]
        kept = json.loads(await hospital.ledger.store.get(f"results/{order}/{case}/{chain.seq:08}~{chain.head}.json"))
        assert (kept["case"], kept["head"], kept["outcome"]["ended"]) == (case, chain.head, "ordered")
        assert kept["markdown"] == case_report(chain)
        assert kept["reasons"][-1]["what"].startswith("**ordered**")


async def test_one_case_that_fails_does_not_stop_the_others(hospital, tmp_path):
    good = await hospital.submit("IVSET-20", 40)
    waits = await hospital.submit("KNEE-TIB-4", 1)
    broken = await hospital.submit("IVSET-20", 41)
    path = tmp_path / "store" / entry_key(broken, 1)
    path.write_bytes(path.read_bytes().replace(b'"quantity":41', b'"quantity":-1'))
    foreign = await hospital.submit("IVSET-20", 42)
    path = tmp_path / "store" / entry_key(foreign, 1)
    path.write_bytes(path.read_bytes().replace(b'"process":"requisition"', b'"process":"nonesuch_one"'))
    ended, _ = await carried(hospital, [good, waits, broken, foreign, "RQ-NEVERSEEN1"], at_once=2)
    by_case = {one.case: (one.ended, one.because) for one in ended}
    assert by_case[good][0] == "ordered"
    assert by_case[waits] == ("waits", "implant-coordinator of OR")
    for name in (broken, foreign, "RQ-NEVERSEEN1"):
        assert by_case[name][0] == "failed", name


async def test_an_effect_in_doubt_is_told_as_failed_and_the_others_go_on(tmp_path, monkeypatch):
    from blocks.ports import Personality

    monkeypatch.setattr("tasks.durable.RETRIES", 0)
    hospital = await Hospital.opened(tmp_path, personality=Personality(key_kept_s=0, finds=False))
    doubtful, good = await hospital.submit("IVSET-20", 40), await hospital.submit("IVSET-20", 41)
    hospital.erp.lose = 1
    first, _ = await carried(hospital, [doubtful])
    assert first[0].ended == "failed"
    ended, _ = await carried(hospital, [doubtful, good])
    by_case = {one.case: one for one in ended}
    assert by_case[good].ended == "ordered"
    assert by_case[doubtful].ended == "failed"
    assert "nobody can say whether the order happened" in by_case[doubtful].because


async def test_a_case_that_another_run_carries_just_now_is_left_to_it(hospital):
    case = await hospital.submit("IVSET-20", 40)
    with hospital.bound():
        ended = await asyncio.gather(carry_one(case), carry_one(case), carry_one(case))
    assert {one.ended for one in ended} <= {"ordered", "busy"}
    assert len(hospital.erp.orders()) == 1
    assert (await hospital.wake(case)).ended == "ordered"
    assert await hospital.verified()


async def test_a_store_that_fails_once_fails_one_case_once(tmp_path):
    hospital = await Hospital.opened(tmp_path)
    cases = [await hospital.submit("IVSET-20", 40), await hospital.submit("IVSET-20", 41)]
    store = CrashingStore(tmp_path)
    hospital.ledger.store = store
    store.crash_at(3, "before")
    ended, _ = await carried(hospital, cases, at_once=1)
    assert sorted(one.ended for one in ended) == ["failed", "ordered"]
    again, _ = await carried(hospital, cases)
    assert [one.ended for one in again] == ["ordered", "ordered"]
    assert len(hospital.erp.orders()) == 2


def test_a_process_is_found_by_its_name():
    assert process_of("requisition").prefix == "RQ"
    with pytest.raises(ModuleNotFoundError):
        process_of("nonesuch")


def test_outcomes_are_counted_the_most_frequent_first():
    assert summary([Carried("A", "ordered", ""), Carried("B", "waits", ""), Carried("C", "ordered", "")]) == (
        "2 ordered, 1 waits"
    )
