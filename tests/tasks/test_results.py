"""Results: kept under the document a case ended in, so that an order's number leads to its case."""

from blocks.audit.verdict import verify
from blocks.records.outcome import Outcome
from tasks.results import cases_of, finished_cases, is_finished, keep_result, result_of
from tests.hospital import Hospital


async def ended(hospital: Hospital, item: str, quantity: int, **more: str) -> tuple[str, Outcome]:
    case = await hospital.submit(item, quantity, **more)
    outcome = await hospital.wake(case)
    assert outcome is not None
    await keep_result(result_of(await hospital.chain(case), outcome), hospital.ledger)
    return case, outcome


async def test_an_orders_number_leads_to_its_case(hospital):
    case, outcome = await ended(hospital, "IVSET-20", 40)
    other, another = await ended(hospital, "IVSET-20", 41)
    assert await cases_of(outcome.document, hospital.ledger) == (case,)
    assert await cases_of(another.document, hospital.ledger) == (other,)
    assert await cases_of("no such order", hospital.ledger) == ()


async def test_two_systems_that_give_the_same_number_lead_to_two_cases(hospital):
    case, outcome = await ended(hospital, "IVSET-20", 40)
    other, another = await ended(hospital, "IVSET-20", 41)
    same = another.model_copy(update={"document": outcome.document})
    await keep_result(result_of(await hospital.chain(other), same), hospital.ledger)
    assert await cases_of(outcome.document, hospital.ledger) == tuple(sorted((case, other)))


async def test_what_ended_without_a_document_is_finished_too(hospital):
    case, outcome = await ended(hospital, "CENTRI-5", 1, by="mei.tan", centre="LAB")
    assert outcome.document is None
    assert await is_finished(await hospital.chain(case), hospital.ledger)


async def test_a_document_whose_number_has_a_slash_is_found(hospital):
    case, outcome = await ended(hospital, "IVSET-20", 40)
    renamed = outcome.model_copy(update={"document": "PO/2026/0017"})
    await keep_result(result_of(await hospital.chain(case), renamed), hospital.ledger)
    assert await cases_of("PO/2026/0017", hospital.ledger) == (case,)


async def test_a_result_kept_before_its_key_named_the_document_still_counts(hospital):
    case = await hospital.submit("IVSET-20", 40)
    await hospital.wake(case)
    chain = await hospital.chain(case)
    assert not await is_finished(chain, hospital.ledger)
    await hospital.ledger.store.create(f"results/{case}/{chain.head}.json", b"{}")
    assert await is_finished(chain, hospital.ledger)
    assert await finished_cases(hospital.ledger) == {case: 0}


async def test_a_result_of_an_entry_that_is_not_there_is_found_and_those_that_are_there_are_counted(hospital):
    case, _ = await ended(hospital, "IVSET-20", 40)
    chain = await hospital.chain(case)
    verdict = await verify(hospital.ledger)
    assert (verdict.verified, verdict.results) == (True, 1)
    forged = f"results/1/{case}/{chain.seq:08}~{'f' * 64}.json"
    await hospital.ledger.store.create(forged, b"{}")
    (found,) = (await verify(hospital.ledger)).findings
    assert (found.case, found.where, found.fault) == (case, forged, "inserted")
