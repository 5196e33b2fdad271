"""The dossier: who decided by what right at that moment, what they saw, what was done where; and how it is found."""

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from blocks.errors import NotFoundError
from blocks.records.dossier import Dossier
from blocks.records.people import Delegation
from blocks.records.routes import Approver, Band, Step, Tier
from blocks.rulebook import Shelf, adopt
from blocks.wire.dossier_page import dossier_page
from blocks.wire.names import effect_key, reference
from tasks.auditing.dossier import dossier_of
from tasks.auditing.finding import found
from tasks.auditing.grounds import Grounds
from tasks.auditing.holding import hold
from tasks.auditing.past_cases import SkippedError
from tasks.results import is_finished, keep_result, result_of
from tasks.signing import people
from tests.confirming import BY, Page
from tests.hospital import Hospital, with_gaps


async def told(hospital: Hospital, document: str) -> Dossier:
    ((chain, *_),) = await found(document, hospital.ledger)
    return await dossier_of(chain, ledger=hospital.ledger, shelf=Shelf(hospital.ledger), at=hospital.now)


async def ordered(hospital: Hospital) -> str:
    case = await hospital.submit("VENT-T1", 1, by="sam.lind", centre="ICU", reason="Two ventilated at once")
    await hospital.wake(case)
    await hospital.answer(case, "ana.silva", note="Agreed")
    await hospital.wake(case)
    await hospital.answer(case, "frida.ng")
    outcome = await hospital.wake(case)
    assert outcome is not None
    await keep_result(result_of(await hospital.chain(case), outcome), hospital.ledger)
    return case


async def test_it_names_each_approver_with_role_right_and_what_they_saw(hospital):
    case = await ordered(hospital)
    dossier = await told(hospital, case)
    first, second = dossier.questions
    assert (first.approver.name, first.approver.role, first.approver.verdict) == (
        "Ana Silva", "department-manager", "approve",
    )  # fmt: skip
    assert first.approver.right == "department-manager of OR, ICU, ED, up to $200,000.00"
    assert first.approver.note == "Agreed"
    assert second.approver.name == "Frida Ng"
    assert all(one.kept and one.shown for one in dossier.questions)
    assert dossier.policy.adopted_by == "test"


async def test_it_says_what_was_done_in_which_system_and_where_the_ledger_holds_it(hospital):
    case = await ordered(hospital)
    dossier, chain = await told(hospital, case), await hospital.chain(case)
    (order,) = dossier.changes
    assert order.document.number == dossier.document
    assert order.reference == reference(effect_key(case, "order"))
    assert [deed.system for deed in order.deeds] == ["Almoner", "erp"]
    assert {deed.place.seq for deed in dossier.deeds} <= {entry.seq for entry in chain.entries}
    assert dossier.deeds[-1].place.digest == dossier.head == chain.head
    assert dossier.received.system == "inventory"


async def test_a_deputys_right_is_that_of_the_moment_although_directory_and_duties_have_changed_since(hospital):
    rulebook = await Shelf(hospital.ledger).in_force(hospital.now)
    ana = rulebook.directory.person("ana.silva")
    span = {"start": hospital.now, "until": hospital.now + timedelta(days=3)}
    lent = Delegation(key="d-1", of="ana.silva", to="ivo.petrov", **span)
    await people.delegate(lent, ana, "test", ledger=hospital.ledger, rulebook=rulebook, at=hospital.now)
    case = await hospital.submit("VENT-T1", 1, by="sam.lind", centre="ICU")
    await hospital.wake(case)
    await hospital.answer(case, "ivo.petrov")
    await people.end("d-1", ana, "test", ledger=hospital.ledger, at=hospital.now)
    staff = with_gaps(rulebook.directory)
    left = tuple(one.model_copy(update={"grants": ()}) for one in staff.people)
    await adopt(hospital.ledger, staff.model_copy(update={"people": left}), actor="door:test", at=hospital.now)
    approver = (await told(hospital, case)).questions[0].approver
    assert (approver.name, approver.on_behalf_of, approver.delegation) == ("Ivo Petrov", "Ana Silva", lent)
    assert approver.right.startswith("stands in for Ana Silva until ")
    assert approver.directory.version == rulebook.directory_version


async def test_a_line_managers_answer_is_told_like_any_other(hospital):
    rulebook = await Shelf(hospital.ledger).in_force(hospital.now)
    tiers = (Tier(band=Band(lower=Decimal(0)), steps=(Step(approvers=(Approver(who="line-manager"),)),)),)
    matrices = tuple(
        one.model_copy(update={"tiers": tiers}) if one.category == "implants" else one
        for one in rulebook.policy.matrices
    )
    await adopt(
        hospital.ledger,
        rulebook.policy.model_copy(update={"matrices": matrices}),
        actor="door:test",
        at=hospital.now,
    )
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    boss = rulebook.directory.line_above("rita.okafor")[0].id
    assert (await hospital.answer(case, boss)).taken == "counted"
    approver = (await told(hospital, case)).questions[0].approver
    assert (approver.person, approver.role) == (boss, "line-manager")


async def test_a_signature_is_checked_anew(hospital):
    rulebook = await Shelf(hospital.ledger).in_force(hospital.now)
    strict = rulebook.policy.model_copy(update={"step_up_from": Decimal(0)})
    await adopt(hospital.ledger, strict, actor="door:test", at=hospital.now)
    page = Page(hospital)
    await page.enrol()
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    answer = await hospital.answer(case, BY)
    await page.finish(answer, await page.brought(answer))
    assert (await told(hospital, case)).questions[0].approver.passkey == "the signature of Ivo Petrov's passkey holds"


async def test_a_case_that_waits_says_on_whom_and_who_could_answer(hospital):
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    dossier = await told(hospital, case)
    (question,) = dossier.questions
    assert question.approver is None
    assert any(one.startswith("Ivo Petrov: ") for one in question.able)
    assert '<span class="badge open">Waits</span>' in dossier_page(dossier)
    assert "The document that the implant-coordinator was shown is gone" in dossier_page(
        dossier.model_copy(update={"questions": (question.model_copy(update={"kept": False}),)})
    )


async def test_a_document_that_was_taken_away_is_told_as_not_kept(hospital, tmp_path):
    case = await ordered(hospital)
    whole = await told(hospital, case)
    assert whole.holds
    assert "kept</b>" not in dossier_page(whole)
    (tmp_path / "store" / "objects" / whole.questions[0].shown).unlink()
    dossier = await told(hospital, case)
    assert [one.kept for one in dossier.questions] == [False, True]
    assert not dossier.holds
    page = dossier_page(dossier)
    assert "The document that Ana Silva was shown is gone, or is not what was shown." in page
    assert page.count("NOT kept as") == 1


async def test_it_is_found_by_order_number_by_key_by_reference_and_by_ask(hospital):
    case = await ordered(hospital)
    number, key = (await told(hospital, case)).document, effect_key(case, "order")
    for document in (number, key, reference(key), f"{case}/1-finance-director"):
        assert [one.chain.case for one in await found(document, hospital.ledger)] == [case]


async def test_what_was_taken_back_is_found_by_its_number_and_by_the_key_of_the_cancellation(hospital):
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    await hospital.answer(case, "ivo.petrov")
    number = (await hospital.wake(case)).document
    await hospital.cancel(case, "rita.okafor")
    outcome = await hospital.wake(case)
    await keep_result(result_of(await hospital.chain(case), outcome), hospital.ledger)
    assert outcome.document is None
    assert await is_finished(await hospital.chain(case), hospital.ledger)
    for document in (number, effect_key(case, "cancel"), reference(effect_key(case, "cancel"))):
        assert [one.chain.case for one in await found(document, hospital.ledger)] == [case]


async def test_an_order_that_nobody_has_been_told_of_yet_is_found_too(hospital):
    case = await hospital.submit("IVSET-20", 40)
    outcome = await hospital.wake(case)
    assert [one.chain.case for one in await found(outcome.document, hospital.ledger)] == [case]


@pytest.mark.parametrize("document", ["no-such-order", "0" * 32, "RQ-NOSUCHCASE", "book~policy", "../x"])
async def test_what_is_not_there_is_told_with_where_to_look(hospital, document):
    with pytest.raises(NotFoundError, match="a case's number stands on its card"):
        await found(document, hospital.ledger)


async def test_a_file_is_no_case_that_people_decide(hospital):
    chain = await hospital.chain("book~policy")
    with pytest.raises(SkippedError):
        await dossier_of(chain, ledger=hospital.ledger, shelf=Shelf(hospital.ledger), at=hospital.now)


async def test_the_page_holds_everything_itself_and_what_people_typed_does_nothing_on_it(hospital):
    case = await hospital.submit("KNEE-TIB-4", 1, reason="<script>alert(1)</script>")
    await hospital.wake(case)
    await hospital.answer(case, "ivo.petrov", "reject", "<img src=x onerror=alert(2)>")
    await hospital.wake(case)
    page = dossier_page(await told(hospital, case))
    assert "<script" not in page
    assert "<img" not in page
    assert "://" not in page
    assert "&lt;script&gt;alert(1)" in page


async def test_a_case_under_legal_hold_says_so_by_the_names_and_the_clock_of_the_hospital(hospital):
    case = await ordered(hospital)
    assert "Legal hold" not in dossier_page(await told(hospital, case))
    rulebook = await Shelf(hospital.ledger).in_force(hospital.now)
    grounds = Grounds(rulebook.directory.person("frida.ng"), "matter <b>17</b>", "test", hospital.now)
    await hold(case, grounds, ledger=hospital.ledger, policy=rulebook.policy, bucket=None)
    held = (await told(hospital, case)).hold
    assert held.words == f"under legal hold since {hospital.now:%Y-%m-%d %H:%M} UTC by Frida Ng (matter <b>17</b>)"
    page = dossier_page(await told(hospital, case))
    assert "<b>Legal hold</b> matter &lt;b&gt;17&lt;/b&gt;<br>" in page
    assert f"put on by Frida Ng on {hospital.now.astimezone(ZoneInfo('America/Chicago')):%d %b %Y %H:%M:%S}" in page
