"""An invoice and a journal entry lead to the case of the order that they came of, by way of the ERP."""

import pytest

from blocks.errors import NotFoundError
from blocks.wire.dossier_page import dossier_page
from blocks.wire.names import effect_key
from tasks.auditing.finding import IN_THE_ERP, NotAskedError, found_or_traced
from tests.blocks.erp.contract import order_of
from tests.fakes.erp import FakeErp
from tests.tasks.auditing.test_dossier import ordered, told


async def test_an_invoice_and_a_journal_entry_are_found_by_way_of_the_erp(hospital):
    case = await ordered(hospital)
    number = hospital.erp.bill(effect_key(case, "order"), theirs="RE-2026/0815")
    for asked in (number, "RE-2026/0815", f"J-{number}", f"{IN_THE_ERP}{number}"):
        search = await found_or_traced(asked, hospital.ledger, lambda: hospital.erp)
        ((chain, traces, _),) = search.found
        assert (chain.case, [trace.of for trace in traces], search.remarks) == (case, ["1"], ())
    dossier = (await told(hospital, case)).model_copy(update={"traces": traces})
    assert "supplier invoice INV-1 (RE-2026/0815 with the supplier) is posted" in dossier_page(dossier)
    assert "the ERP says that it came of order 1" in dossier_page(dossier)


async def test_an_invoice_of_several_orders_leads_to_each_case_once(hospital):
    cases = [await ordered(hospital), await ordered(hospital)]
    number = hospital.erp.bill(effect_key(cases[0], "order"))
    hospital.erp.bill(effect_key(cases[1], "order"), number=number)
    found_all = (await found_or_traced(number, hospital.ledger, lambda: hospital.erp)).found
    assert [one.chain.case for one in found_all] == cases


async def test_what_the_ledger_knows_is_not_asked_of_the_erp_and_the_other_way_is_named(hospital):
    case = await ordered(hospital)
    (order,) = (await told(hospital, case)).changes
    assert order.document
    remark = "found as a document of ours; an invoice or a journal entry 1: erp:1"
    for asked, remarks in ((case, ()), (order.key, ()), (order.reference, ()), (order.document.number, (remark,))):
        search = await found_or_traced(asked, hospital.ledger, lambda: pytest.fail("asked the ERP"))
        assert ([(one.chain.case, one.traces) for one in search.found], search.remarks) == ([(case, ())], remarks)


async def test_an_order_under_our_key_that_no_case_has_is_said_beside_those_that_have_one(hospital):
    case = await ordered(hospital)
    number = hospital.erp.bill(effect_key(case, "order"))
    await hospital.erp.order(order_of(hospital.now.date()), key="f" * 32)
    hospital.erp.bill("f" * 32, number=number)
    search = await found_or_traced(number, hospital.ledger, lambda: hospital.erp)
    assert [one.chain.case for one in search.found] == [case]
    assert "which no case of the ledger has: tell whoever keeps the evidence" in search.remarks[0]
    other = FakeErp()
    await other.order(order_of(hospital.now.date()), key="f" * 32)
    with pytest.raises(NotFoundError, match="which no case of the ledger has"):
        await found_or_traced(other.bill("f" * 32), hospital.ledger, lambda: other)


async def test_what_nobody_knows_is_found_nowhere_and_that_the_erp_was_not_asked_is_said(hospital):
    with pytest.raises(NotFoundError, match=r"no case INV-9, .*\. No invoice that bills an order of ours"):
        await found_or_traced("INV-9", hospital.ledger, lambda: hospital.erp)
    with pytest.raises(NotFoundError, match="is followed by the number"):
        await found_or_traced(f"{IN_THE_ERP} ", hospital.ledger, lambda: hospital.erp)
    hospital.erp.fail = 1
    with pytest.raises(NotAskedError, match=r"no case INV-9, .*could not be asked: .*cannot be reached.* ask again"):
        await found_or_traced("INV-9", hospital.ledger, lambda: hospital.erp)
