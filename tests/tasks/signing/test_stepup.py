"""Step-up: above policy's threshold an approval counts once the person's own passkey has signed it."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from blocks.errors import RefusedError
from blocks.proofs.keyring import enrolled
from blocks.proofs.passkeys import to_sign
from blocks.rulebook import Shelf, adopt
from infrastructure.local.demo.authenticator import PRESENT, VERIFIED, Authenticator
from tasks.decide import Answer, Verdicts, to_confirm
from tasks.signing import passkeys, stepup
from tests.confirming import BY, HOUSE, Page, waiting
from tests.hospital import MORNING, Hospital, plain_policy


@pytest.fixture(autouse=True)
async def page(hospital: Hospital) -> Page:
    strict = plain_policy().model_copy(update={"step_up_from": Decimal(2890)})
    await adopt(hospital.ledger, strict, actor="door:test", at=MORNING)
    return Page(hospital)


async def test_an_approval_with_the_persons_own_passkey_counts_and_is_proven_for_ever(page, hospital):
    await page.enrol()
    case = await waiting(hospital)
    told = await hospital.answer(case, BY)
    assert (told.taken, told.decision) == ("confirm", None)
    (card,) = hospital.desk.cards("approvals")
    assert "You confirm it with your passkey." in str(card.blocks)
    assert not (await hospital.chain(case)).having("decided")
    done = await page.finish(told, await page.brought(told))
    assert (done.taken, done.text) == ("counted", f"You approved {case}.")
    assert (await hospital.wake(case)).ended == "ordered"
    assert await hospital.verified()
    line = (await hospital.chain(case)).last("decided")
    assert (line.actor, line.source) == (f"person:{BY}", "passkey")


async def test_below_the_threshold_and_for_a_no_no_passkey_is_asked_for(hospital):
    small = await waiting(hospital, "IVSET-20", 200)
    assert (await hospital.answer(small, "ana.silva")).taken == "counted"
    large = await waiting(hospital)
    assert (await hospital.answer(large, BY, "reject", "too dear")).taken == "counted"


async def test_who_could_not_decide_it_anyway_is_not_sent_to_the_page(hospital):
    case = await waiting(hospital)
    assert (await hospital.answer(case, "frida.ng")).taken == "void"
    assert not (await hospital.chain(case)).having("confirming")


async def test_the_link_says_where_and_until_when(hospital, monkeypatch):
    monkeypatch.delenv("ALMONER_DOORS_URL", raising=False)
    told = await hospital.answer(await waiting(hospital), BY)
    assert "set ALMONER_DOORS_URL" in stepup.told(told)
    monkeypatch.setenv("ALMONER_DOORS_URL", "http://127.0.0.1:18080")
    link = f"http://localhost:18080/confirm/{told.request.case}/{told.request.nonce}"
    assert stepup.told(told) == f"Approving this takes your passkey. Confirm it within ten minutes: {link}"


def other(field_: str, value: str):
    """Sign a request that differs in one field from what was asked."""

    async def sign(page: Page, told: Verdicts) -> dict[str, Any]:
        forged = told.request.model_copy(update={field_: value})
        return page.phones[BY].get(to_sign(forged, (), HOUSE))

    return sign


def lying(**lies: Any):
    async def sign(page: Page, told: Verdicts) -> dict[str, Any]:
        return await page.brought(told, **lies)

    return sign


async def somebody_else(page: Page, told: Verdicts) -> dict[str, Any]:
    await page.enrol("ana.silva")
    return await page.brought(told, page.phones["ana.silva"])


async def never_enrolled(page: Page, told: Verdicts) -> dict[str, Any]:
    return await page.brought(told, Authenticator(credential=b"unheard of"))


async def changed_after(page: Page, told: Verdicts) -> dict[str, Any]:
    brought = await page.brought(told)
    brought["response"]["authenticatorData"] = brought["response"]["authenticatorData"][:-2] + "EA"
    return brought


async def an_earlier_one(page: Page, told: Verdicts) -> dict[str, Any]:
    earlier = await page.hospital.answer(told.request.case, BY)
    return await page.brought(earlier)


async def nothing(page: Page, told: Verdicts) -> dict[str, Any]:
    del page, told
    return {}


FORGERIES = {
    "another challenge": (lying(challenge="AAAA"), "challenge"),
    "another page": (lying(origin="https://mercy.example.evil"), "origin"),
    "another page of the same house": (lying(origin="http://localhost:9999"), "origin"),
    "a page inside another": (lying(crossOrigin=True), "inside another"),
    "another house": (lying(rp="mercy.example.evil"), "RP ID"),
    "nobody verified": (lying(flags=PRESENT), "not verified"),
    "nobody present": (lying(flags=VERIFIED), "not present"),
    "the wrong ceremony": (lying(type="webauthn.create"), "client data type"),
    "another key under the same name": (lying(key=ec.generate_private_key(ec.SECP256R1())), "signature"),
    "another curve": (lying(key=ec.generate_private_key(ec.SECP384R1())), "signature"),
    "changed after it was signed": (changed_after, "signature"),
    "another case": (other("case", "RQ-AAAAAAAAAA"), "challenge"),
    "another ask": (other("ask", "2-implant-coordinator"), "challenge"),
    "another document": (other("shown", "0" * 64), "challenge"),
    "the opposite": (other("verdict", "reject"), "challenge"),
    "another note": (other("note", "as agreed"), "challenge"),
    "another person": (other("by", "ana.silva"), "challenge"),
    "another confirmation of the same": (an_earlier_one, "challenge"),
    "somebody else's passkey": (somebody_else, "not enrolled for you"),
    "a passkey nobody enrolled": (never_enrolled, "not enrolled for you"),
    "no signature at all": (nothing, "something else than a signature"),
}


@pytest.mark.parametrize(("forge", "why"), FORGERIES.values(), ids=FORGERIES)
async def test_a_forgery_is_refused_with_the_reason_and_kept(page, hospital, forge, why):
    await page.enrol()
    case = await waiting(hospital)
    told = await hospital.answer(case, BY)
    done = await page.finish(told, await forge(page, told))
    assert (done.taken, why in done.text) == ("void", True), done.text
    chain = await hospital.chain(case)
    assert not chain.having("decided")
    assert chain.last("refused-click").actor == "door:passkey"
    good = await page.finish(told, await page.brought(told))
    assert good.taken == "counted"


async def test_what_was_signed_once_does_not_serve_again(page, hospital):
    await page.enrol()
    case = await waiting(hospital)
    told = await hospital.answer(case, BY)
    brought = await page.brought(told)
    assert (await page.finish(told, brought)).taken == "counted"
    assert "Already approved by Ivo Petrov" in await page.pending(told)
    again = await hospital.answer(await waiting(hospital), BY)
    assert (await page.finish(again, brought)).taken == "void"


async def test_of_many_confirmations_at_once_one_decides_and_the_others_are_told(page, hospital):
    await page.enrol()
    case = await waiting(hospital)
    told = [await hospital.answer(case, BY) for _ in range(8)]
    signed = [await page.brought(one) for one in told]
    done = await asyncio.gather(*(page.finish(*pair) for pair in zip(told, signed, strict=True)))
    assert sorted(one.taken for one in done) == ["counted"] + ["late"] * 7
    assert len((await hospital.chain(case)).having("decided")) == 1


async def test_a_link_runs_out_after_ten_minutes_and_after_five_failures(page, hospital):
    await page.enrol()
    case = await waiting(hospital)
    told = await hospital.answer(case, BY)
    for _ in range(stepup.FAILURES_MAX):
        await page.finish(told, {})
    assert await page.pending(told) == stepup.SPENT
    told = await hospital.answer(case, BY)
    hospital.now += timedelta(minutes=10, milliseconds=1)
    assert await page.pending(told) == stepup.SPENT


async def test_a_signature_that_arrives_too_late_is_refused(page, hospital):
    await page.enrol()
    told = await hospital.answer(await waiting(hospital), BY)
    found, brought = await page.pending(told), await page.brought(told)
    late = hospital.now + timedelta(minutes=11)
    done = await stepup.finish(found, brought, ledger=hospital.ledger, rulebook=await page.rules(), at=late)
    assert (done.taken, "took too long" in done.text) == ("void", True)


async def test_who_lost_the_role_between_click_and_passkey_is_told_so(page, hospital):
    await page.enrol()
    told = await hospital.answer(await waiting(hospital), BY)
    found, brought = await page.pending(told), await page.brought(told)
    rules = await page.rules()
    people = tuple(x.model_copy(update={"grants": ()}) if x.id == BY else x for x in rules.directory.people)
    directory = rules.directory.model_copy(update={"people": people})
    gone = found._replace(by=directory.person(BY))
    rules = rules.model_copy(update={"directory": directory})
    done = await stepup.finish(gone, brought, ledger=hospital.ledger, rulebook=rules, at=hospital.now)
    assert (done.taken, "a role you do not hold" in done.text) == ("void", True)


async def test_a_copied_passkey_is_found_by_its_count(page, hospital):
    await page.enrol()
    phone = page.phones[BY]
    phone.uses = 7
    told = await hospital.answer(await waiting(hospital), BY)
    assert (await page.finish(told, await page.brought(told))).taken == "counted"
    assert [key.uses for key in (await enrolled(hospital.ledger)).of(BY)] == [8]
    told = await hospital.answer(await waiting(hospital), BY)
    done = await page.finish(told, await page.brought(told, uses=8))
    assert (done.taken, "sign count" in done.text) == ("void", True)


async def test_a_withdrawn_passkey_signs_nothing_more_and_what_it_signed_still_counts(page, hospital):
    key = await page.enrol()
    case = await waiting(hospital)
    told = await hospital.answer(case, BY)
    await page.finish(told, await page.brought(told))
    after = await hospital.answer(await waiting(hospital), BY)
    rules = await Shelf(hospital.ledger).in_force(hospital.now)
    told = {"ledger": hospital.ledger, "rulebook": rules, "at": hospital.now}
    await passkeys.withdraw(key.credential[:6], rules.directory.person(BY), "test", **told)
    assert "not enrolled for you" in (await page.finish(after, await page.brought(after))).text
    assert (await hospital.wake(case)).ended == "ordered"
    assert await hospital.verified()
    with pytest.raises(RefusedError, match="no enrolled passkey begins with"):
        await passkeys.withdraw(key.credential, rules.directory.person(BY), "test", **told)


def test_a_confirmation_binds_all_of_an_answer():
    given = Answer("RQ-1", "1-x", "approve", "0" * 64, " why ")
    request = to_confirm(given, BY, MORNING)
    assert stepup._answer(request) == given._replace(note="why")
