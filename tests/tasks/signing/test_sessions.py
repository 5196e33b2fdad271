"""A session at the command line: opened by a passkey, it signs what its person does, and an auditor can tell."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from blocks.audit.verdict import verify
from blocks.books import DUTIES
from blocks.errors import RefusedError
from blocks.ledger import Ledger
from blocks.proofs.sessions import CLAIMED, CLI, Key, SessionSigner, chain_of, id_of, opened_of, spelled
from blocks.records.ledger import Line
from blocks.records.passkeys import Confirmation
from blocks.records.people import Absence
from blocks.records.sessions import Session
from blocks.rulebook import Shelf, adopt
from infrastructure.local.demo.authenticator import PRESENT
from tasks.signing import people, sessions
from tests.hospital import MORNING, Hospital, plain_policy
from tests.signing import Signers

NOW = MORNING + timedelta(hours=1)
FRIDA = "frida.ng"


@pytest.fixture
def ledger(hospital: Hospital) -> Ledger:
    return hospital.ledger


@pytest.fixture
async def signers(ledger: Ledger) -> Signers:
    signers = Signers(ledger, NOW)
    await signers.enrol(FRIDA)
    return signers


def session(key: Key, person: str = FRIDA, hours: int = 8) -> Session:
    public = key.public
    return Session(id=id_of(public), person=person, public_key=spelled(public), device="frida@desk",
                   start=NOW, until=NOW + timedelta(hours=hours))  # fmt: skip


async def drawn(ledger: Ledger, wanted: Session) -> Confirmation:
    rulebook = await Shelf(ledger).in_force(NOW)
    return await sessions.ask_to_open(wanted, "cli~frida", ledger=ledger, rulebook=rulebook)


async def logged_in(ledger: Ledger, signers: Signers, key: Key | None = None) -> Key:
    key = key or Key()
    assert (await signers.sign(await drawn(ledger, session(key)))).done
    ledger.signer = SessionSigner(FRIDA, key)
    return key


async def away(ledger: Ledger, key: str = "a1", door: str = CLI, at: datetime = NOW) -> None:
    rulebook = await Shelf(ledger).in_force(NOW)
    absence = Absence(key=key, person=FRIDA, start=NOW, until=NOW + timedelta(days=1))
    frida = rulebook.directory.person(FRIDA)
    await people.go_away(absence, frida, door, ledger=ledger, rulebook=rulebook, at=at)


async def findings(ledger: Ledger) -> list[tuple[str, str]]:
    return [(one.case, one.because) for one in (await verify(ledger)).findings]


async def test_what_is_done_in_a_session_is_signed_and_verified_from_the_act_to_the_passkey(ledger, signers):
    key = await logged_in(ledger, signers)
    await away(ledger)
    line = (await ledger.read(DUTIES)).last("away")
    assert line.signed.session == id_of(key.public)
    assert await findings(ledger) == []


async def test_the_page_names_the_device_and_until_when(ledger, signers):
    found = await signers.pending(request := await drawn(ledger, session(Key())))
    assert found.told.what == "frida@desk"
    assert dict(found.told.facts)["Until"] == "Mon 23 Nov 17:00"
    await signers.sign(request)
    assert await signers.pending(request) == "You are logged in already."


@pytest.mark.parametrize(
    ("person", "because"),
    [("gus.varga", "not an active person"), ("nobody", "not an active person"), ("carl.moss", "has no passkey yet")],
)
async def test_who_has_no_passkey_or_is_not_here_cannot_log_in(ledger, signers, person, because):
    assert signers.phones
    with pytest.raises(RefusedError, match=because):
        await drawn(ledger, session(Key(), person))


async def test_a_session_longer_than_policy_lets_is_not_signed(ledger, signers):
    request = await drawn(ledger, session(Key(), hours=9))
    assert await signers.pending(request) == (
        "This log-in would hold for longer than 8 hours, which is what policy lets."
    )


async def test_what_was_drawn_up_otherwise_than_it_would_be_signed_is_not_shown(ledger, signers):
    request = await drawn(ledger, session(Key()))
    wanted = session(Key(), hours=7)
    other = request.model_copy(update={"case": chain_of(wanted.id), "ask": wanted.id})
    body = {"session": wanted.model_dump(mode="json"), "request": other.model_dump(mode="json")}
    line = Line(act="confirming", key=wanted.id, actor="door:cli~x", at=NOW, body=body)
    await ledger.append(await ledger.read(other.case), [line])
    assert "What was drawn up is not what would be signed" in await signers.pending(other)


async def test_without_the_person_no_session_is_opened(ledger, signers):
    key = Key()
    request = await drawn(ledger, session(key))
    assert (await signers.sign(request, flags=PRESENT)).again
    assert opened_of(await ledger.read(chain_of(id_of(key.public)))) is None


async def tampered(ledger: Ledger, **changed: Any) -> None:
    """Write the last line of the book of duties once more, with something about it changed."""
    chain = await ledger.read(DUTIES)
    ledger.signer = None
    await ledger.append(chain, [chain.lines[-1].model_copy(update=changed)])


@pytest.mark.parametrize(
    ("changed", "because"),
    [
        ({}, "not over this act, in this place"),
        ({"key": "a2"}, "not over this act, in this place"),
        ({"signed": None}, "it says that it was done in a session, and none has signed it"),
        ({"actor": "person:carl.moss"}, "it was signed in a session of frida.ng"),
        ({"at": NOW + timedelta(hours=8)}, "when the session was not open"),
        ({"at": NOW - timedelta(seconds=1)}, "when the session was not open"),
    ],
)
async def test_an_act_copied_or_altered_behind_our_back_is_named_by_the_audit(ledger, signers, changed, because):
    await logged_in(ledger, signers)
    await away(ledger)
    await tampered(ledger, **changed)
    ((case, told),) = await findings(ledger)
    assert case == DUTIES
    assert because in told


async def test_a_key_that_no_passkey_has_vouched_for_proves_nothing(ledger, signers):
    assert signers.phones
    ledger.signer = SessionSigner(FRIDA, Key())
    await away(ledger)
    ((_, told),) = await findings(ledger)
    assert "its session was never opened" in told


async def test_a_session_opened_behind_our_back_or_by_anothers_log_in_proves_nothing(ledger, signers):
    real = await logged_in(ledger, signers)
    opened = opened_of(await ledger.read(chain_of(id_of(real.public))))
    forged = Key()
    wanted = session(forged)
    version = await ledger.keep(b"whatever")
    body = opened.line.body | {"session": wanted.model_dump(mode="json")}
    line = Line(act="logged-in", key=wanted.id, actor=f"person:{FRIDA}", at=NOW, seen=version, body=body)
    ledger.signer = None
    await ledger.append(await ledger.read(chain_of(wanted.id)), [line])
    ledger.signer = SessionSigner(FRIDA, forged)
    await away(ledger)
    ((_, told),) = await findings(ledger)
    assert "its session is not proven: What was confirmed is not what was done" in told


async def test_after_logging_out_nothing_counts_that_is_signed(ledger, signers):
    key = await logged_in(ledger, signers)
    opened = opened_of(await ledger.read(chain_of(id_of(key.public))))
    await sessions.close(opened.session, CLI, ledger=ledger, at=NOW + timedelta(minutes=1))
    assert await findings(ledger) == []
    await away(ledger, at=NOW + timedelta(minutes=2))
    ((_, told),) = await findings(ledger)
    assert "when the session was not open" in told


async def test_a_claim_is_taken_only_while_nobody_could_prove_it(ledger, signers):
    rules = await Shelf(ledger).in_force(NOW)
    keys = (await signers.pending(await drawn(ledger, session(Key())))).enrolled
    strict = plain_policy().model_copy(update={"step_up_from": Decimal(5)})
    assert sessions.reason_not_to_claim("carl.moss", rules.policy, keys) is None
    assert "frida.ng has a passkey" in sessions.reason_not_to_claim(FRIDA, rules.policy, keys)
    assert "policy asks for passkeys" in sessions.reason_not_to_claim("carl.moss", strict, keys)


async def test_a_claim_that_should_have_been_proven_is_named_by_the_audit(ledger, signers):
    assert signers.phones
    await away(ledger, "before", f"{CLAIMED}~frida", MORNING)
    assert await findings(ledger) == []
    await away(ledger, "after", f"{CLAIMED}~frida", NOW + timedelta(minutes=1))
    ((_, told),) = await findings(ledger)
    assert "nothing but --as says who did it, and they had a passkey" in told


async def test_where_policy_asks_for_passkeys_every_claim_is_named(hospital):
    strict = plain_policy().model_copy(update={"step_up_from": Decimal(5)})
    await adopt(hospital.ledger, strict, actor="door:test", at=MORNING)
    await away(hospital.ledger, "a1", f"{CLAIMED}~frida")
    ((_, told),) = await findings(hospital.ledger)
    assert "policy asks for passkeys" in told


async def test_other_peoples_acts_and_those_through_other_doors_are_not_signed_by_a_session(ledger, signers):
    await logged_in(ledger, signers)
    await away(ledger, door="slack")
    assert (await ledger.read(DUTIES)).last("away").signed is None
