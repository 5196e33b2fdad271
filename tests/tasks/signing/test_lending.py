"""To lend what one holds takes a passkey where policy asks for any; to be away, or to end either, never does."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from blocks.audit.verdict import verify
from blocks.books import DUTIES
from blocks.errors import RefusedError
from blocks.ledger import Ledger
from blocks.records.ledger import Line
from blocks.records.passkeys import Confirmation
from blocks.records.people import Absence, Delegation
from blocks.records.policy import Rulebook
from blocks.rulebook import Shelf, adopt
from infrastructure.local.demo.authenticator import PRESENT
from tasks.approvals import VoidDecisionError
from tasks.signing import people
from tasks.signing.matters import ToConfirmError
from tests.hospital import MORNING, Hospital, plain_policy
from tests.signing import Signers

NOW = MORNING + timedelta(hours=1)
LENT = Delegation(key="d1", of="ana.silva", to="leo.brandt", start=NOW, until=NOW + timedelta(days=2))


@pytest.fixture
async def ledger(hospital: Hospital) -> Ledger:
    strict = plain_policy().model_copy(update={"step_up_from": Decimal(2890)})
    await adopt(hospital.ledger, strict, actor="door:test", at=MORNING)
    return hospital.ledger


@pytest.fixture
async def signers(ledger: Ledger) -> Signers:
    signers = Signers(ledger, NOW)
    await signers.enrol("ana.silva")
    return signers


async def rules(ledger: Ledger) -> Rulebook:
    return await Shelf(ledger).in_force(NOW)


async def lend(ledger: Ledger, lent: Delegation = LENT) -> Confirmation:
    rulebook = await rules(ledger)
    of = rulebook.directory.person(lent.of)
    with pytest.raises(ToConfirmError, match="takes your passkey") as asked:
        await people.delegate(lent, of, "test", ledger=ledger, rulebook=rulebook, at=NOW)
    return asked.value.request


async def stand_ins(ledger: Ledger, at: datetime = NOW) -> tuple[str, ...]:
    return tuple(one.key for one in (await Shelf(ledger).duties()).held_by("leo.brandt", at))


async def test_a_delegation_holds_once_who_lends_has_signed_it(ledger, signers):
    request = await lend(ledger)
    assert await stand_ins(ledger) == ()
    told = (await signers.pending(request)).told
    assert told.what == "Leo Brandt"
    assert dict(told.facts) == {
        "When": "23 Nov 2026 09:00 to 25 Nov 2026 09:00",
        "As": "department-manager",
        "For": "all your cost centres",
        "Up to": "as much as you",
        "Lent on": "never: what is lent is not lent on",
    }
    assert (await signers.sign(request)).text == "Leo Brandt decides in your name until 25 Nov 2026 09:00."
    assert await stand_ins(ledger) == ("d1",)
    assert await signers.pending(request) == "You have confirmed this already."
    assert (await verify(ledger)).verified


async def test_what_is_not_signed_by_who_lends_lends_nothing(ledger, signers):
    request = await lend(ledger)
    leo = await signers.enrol("leo.brandt")
    assert "not enrolled for you" in (await signers.sign(request, leo)).text
    assert "not verified" in (await signers.sign(request, flags=PRESENT)).text
    assert await stand_ins(ledger) == ()


async def test_what_has_become_impossible_meanwhile_is_not_signed(ledger, signers):
    request = await lend(ledger)
    signers.now += timedelta(minutes=9)
    staff = (await rules(ledger)).directory
    gone = tuple(x.model_copy(update={"active": x.id != "leo.brandt"}) for x in staff.people)
    await adopt(ledger, staff.model_copy(update={"people": gone}), actor="door:test", at=MORNING)
    assert "leo.brandt is not an active person" in await signers.pending(request)


async def test_a_delegation_written_behind_our_back_is_named_by_the_audit(ledger, signers):
    await signers.sign(await lend(ledger))
    chain = await ledger.read(DUTIES)
    real = chain.last("delegated")
    more = LENT.model_copy(update={"key": "d2", "to": "frida.ng"})
    bare = Line(act="delegated", key="d2", actor="person:ana.silva", at=NOW, source="slack",
                body={"delegation": more.model_dump(mode="json")})  # fmt: skip
    copied = bare.model_copy(update={"body": real.body | bare.body})
    chain = await ledger.append(await ledger.append(chain, [bare]), [copied])
    told = [(one.where[-7:], one.because.partition(": ")[2]) for one in (await verify(ledger)).findings]
    seq = chain.seq
    assert told == [
        (f"{seq - 1:02}.json", "It takes their passkey, and nothing was signed."),
        (f"{seq:02}.json", "What was confirmed is not what was done."),
    ]


async def test_a_delegation_written_behind_our_back_lends_nothing_to_anybody(hospital, ledger, signers):
    case = await hospital.submit("IVSET-20", 200)
    assert await hospital.wake(case) is None
    await signers.sign(await lend(ledger))
    forged = LENT.model_copy(update={"key": "d2", "to": "frida.ng"})
    body = {"delegation": forged.model_dump(mode="json")}
    line = Line(act="delegated", key="d2", actor="person:ana.silva", at=NOW, source="slack", body=body)
    await ledger.append(await ledger.read(DUTIES), [line])
    shelf = Shelf(ledger)
    duties = await shelf.duties()
    assert [one.key for one in duties.delegations] == ["d1"]
    assert await shelf.duties(duties.seq) == duties
    hospital.now = NOW
    assert (await hospital.answer(case, "frida.ng")).taken == "void"
    chain = await ledger.read(case)
    asked, rulebook = chain.last("asked"), await rules(ledger)
    told = {"ask": asked.key, "verdict": "approve", "by": "frida.ng", "name": "Frida Ng", "shown": asked.seen}
    told |= {"role": asked.body["ask"]["role"], "at": NOW.isoformat(), "directory": rulebook.directory_version}
    told |= {"on_behalf_of": "ana.silva", "counts_as": ["ana.silva"], "duties": duties.seq}
    decided = Line(act="decided", key=asked.key, actor="person:frida.ng", at=NOW, body={"decision": told})
    await ledger.append(chain, [decided])
    with pytest.raises(VoidDecisionError, match=r"frida\.ng does not count: This waits for a department-manager"):
        await hospital.wake(case)


async def test_a_delegation_from_before_policy_asked_for_passkeys_holds_for_ever(hospital):
    lenient = await Shelf(hospital.ledger).in_force(MORNING)
    of = lenient.directory.person("ana.silva")
    await people.delegate(LENT, of, "test", ledger=hospital.ledger, rulebook=lenient, at=NOW)
    strict = plain_policy().model_copy(update={"step_up_from": Decimal(2890)})
    later = NOW + timedelta(hours=1)
    await adopt(hospital.ledger, strict, actor="door:test", at=later)
    assert await stand_ins(hospital.ledger, later) == ("d1",)
    assert (await verify(hospital.ledger)).verified


async def test_a_door_that_lives_on_believes_what_was_signed_meanwhile(ledger, signers):
    shelf = Shelf(ledger)
    assert (await shelf.duties()).delegations == ()
    leo = await signers.enrol("leo.brandt")
    await signers.sign(await lend(ledger))
    back = LENT.model_copy(update={"key": "d3", "of": "leo.brandt", "to": "ana.silva"})
    await signers.sign(await lend(ledger, back), leo)
    assert {one.key for one in (await shelf.duties()).delegations} == {"d1", "d3"}


async def test_to_be_away_and_to_come_back_takes_no_passkey(ledger, signers):
    rulebook = await rules(ledger)
    ana = rulebook.directory.person("ana.silva")
    absence = Absence(key="a1", person="ana.silva", start=NOW, until=NOW + timedelta(days=1))
    await people.go_away(absence, ana, "test", ledger=ledger, rulebook=rulebook, at=NOW)
    await people.end("a1", ana, "test", ledger=ledger, at=NOW)
    await signers.sign(await lend(ledger))
    await people.end("d1", ana, "test", ledger=ledger, at=NOW)
    assert await stand_ins(ledger) == ()
    assert (await verify(ledger)).verified


async def test_what_may_not_be_lent_is_not_drawn_up(ledger, signers):
    rulebook = await rules(ledger)
    too_long = LENT.model_copy(update={"until": NOW + timedelta(days=31)})
    with pytest.raises(RefusedError, match="policy allows 30"):
        await people.delegate(
            too_long, rulebook.directory.person("ana.silva"), "test", ledger=ledger, rulebook=rulebook, at=NOW
        )
    assert (await ledger.read(DUTIES)).seq == 0
    assert signers.phones
