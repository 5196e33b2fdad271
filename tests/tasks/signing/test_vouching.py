"""On whose word a passkey is enrolled: one's own with another one, or that of who vouches; the first on nobody's."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from blocks.audit.verdict import verify
from blocks.errors import RefusedError
from blocks.ledger import Ledger
from blocks.proofs.keyring import PASSKEYS, enrolled
from blocks.records.ledger import Line
from blocks.records.passkeys import Confirmation, Invitation
from blocks.rulebook import Shelf
from infrastructure.local.demo.authenticator import PRESENT
from tasks.signing import passkeys
from tests.hospital import MORNING, Hospital
from tests.signing import Signers
from tests.stores import Overtaken

NOW = MORNING + timedelta(hours=1)


@pytest.fixture
def ledger(hospital: Hospital) -> Ledger:
    return hospital.ledger


@pytest.fixture
async def signers(ledger: Ledger) -> Signers:
    """Ivo and Frida, who vouches, each trusted on first use."""
    signers = Signers(ledger, NOW)
    await signers.enrol("ivo.petrov")
    await signers.enrol("frida.ng")
    return signers


async def vouch(ledger: Ledger, person: str, by: str) -> tuple[str, Confirmation]:
    rulebook = await Shelf(ledger).in_force(NOW)
    who = rulebook.directory.person(by)
    return await passkeys.vouch(person, who, "cli~ann", ledger=ledger, rulebook=rulebook, at=NOW)


async def invite(ledger: Ledger, person: str, recovery: str = "") -> str:
    rulebook = await Shelf(ledger).in_force(NOW)
    return await passkeys.invite(person, "door:cli~ann", ledger=ledger, rulebook=rulebook, at=NOW, recovery=recovery)


async def withdraw(ledger: Ledger, key: str, by: str, recovery: str = "", minutes: int = 2) -> None:
    rulebook = await Shelf(ledger).in_force(NOW)
    who, at = rulebook.directory.person(by), NOW + timedelta(minutes=minutes)
    told = {"ledger": ledger, "rulebook": rulebook, "at": at, "recovery": recovery}
    await passkeys.withdraw(key, who, "cli", **told)


async def key_of(ledger: Ledger, person: str) -> str:
    return (await enrolled(ledger)).of(person)[0].credential


async def findings(ledger: Ledger) -> list[str]:
    return [one.because for one in (await verify(ledger)).findings]


async def test_the_first_are_trusted_on_first_use_and_listed(ledger, signers):
    assert signers.phones
    verdict = await verify(ledger)
    assert verdict.verified
    assert [note.split(" ")[2] for note in verdict.notes] == ["ivo.petrov", "frida.ng"]
    assert all(note.endswith("on first use") for note in verdict.notes)


async def test_once_somebody_who_vouches_is_enrolled_nobody_is_invited_on_nobodys_word(ledger, signers):
    assert signers.phones
    with pytest.raises(RefusedError, match=r"somebody who is enrolled has to sign it: say --as YOU; frida\.ng can"):
        await invite(ledger, "carl.moss")
    for key in [line.key for line in (await ledger.read(PASSKEYS)).having("enrolled")]:
        await withdraw(ledger, key, "frida.ng")
    with pytest.raises(RefusedError, match="has to sign it"):
        await invite(ledger, "carl.moss")


async def test_nobody_is_invited_on_nobodys_word_by_who_looked_before_somebody_who_vouches_enrolled(hospital, tmp_path):
    store = Overtaken(tmp_path / "store")
    store.at, store.first = f"cases/{PASSKEYS}/", partial(Signers(hospital.ledger, NOW).enrol, "frida.ng")
    with pytest.raises(RefusedError, match=r"somebody who is enrolled has to sign it: say --as YOU; frida\.ng can"):
        await invite(Ledger(store), "carl.moss")
    assert len((await hospital.chain(PASSKEYS)).having("invited")) == 1


async def test_a_link_on_nobodys_word_serves_no_more_once_somebody_who_vouches_is_enrolled(ledger):
    signers, link = Signers(ledger, NOW), await invite(ledger, "carl.moss")
    early = await signers.guest(link)
    assert isinstance(early, passkeys.Guest)
    await signers.enrol("frida.ng")
    told = await signers.guest(link)
    assert told == "Somebody who vouches for people has a passkey by now. Please ask frida.ng to invite you again."
    with pytest.raises(RefusedError, match=r"Please ask frida\.ng to invite you again"):
        await signers.create(early, "carl.moss")
    assert (await verify(ledger)).verified


async def test_who_vouches_signs_the_invitation_and_it_serves(ledger, signers):
    token, request = await vouch(ledger, "carl.moss", "frida.ng")
    assert "has yet to confirm it" in await signers.guest(token)
    told = (await signers.pending(request)).told
    assert (told.what, dict(told.facts)["They have"]) == ("Carl Moss", "none so far")
    assert (await signers.sign(request, flags=PRESENT)).again
    assert (await signers.sign(request)).done
    await signers.enrol_by(token, "carl.moss")
    verdict = await verify(ledger)
    assert verdict.verified
    assert len(verdict.notes) == 2


async def test_whoever_is_enrolled_invites_themselves_to_another_one(ledger, signers):
    token, request = await vouch(ledger, "ivo.petrov", "ivo.petrov")
    assert (await signers.pending(request)).told.what == "yourself, once more"
    await signers.sign(request)
    await signers.enrol_by(token, "ivo.petrov's other")
    assert (await verify(ledger)).verified


@pytest.mark.parametrize(
    ("person", "by", "because"),
    [
        ("carl.moss", "ivo.petrov", "it takes a finance-director or chief-financial-officer to invite somebody else"),
        ("carl.moss", "carl.moss", "carl.moss has no passkey to sign the invitation with"),
        ("gus.varga", "frida.ng", "gus.varga is not an active person"),
    ],
)
async def test_who_may_not_vouch_is_told_why(ledger, signers, person, by, because):
    assert signers.phones
    with pytest.raises(RefusedError, match=because):
        await vouch(ledger, person, by)


async def test_where_all_who_vouched_have_lost_theirs_it_is_recovered_and_named_for_good(ledger, signers):
    await signers.enrol_by(await invite(ledger, "carl.moss", "both phones burnt"), "carl.moss")
    (told,) = await findings(ledger)
    assert "carl.moss enrolled" in told
    assert "nobody vouched for it, to recover: both phones burnt" in told


async def test_nothing_is_recovered_where_nothing_was_lost(ledger):
    with pytest.raises(RefusedError, match="nothing is to be recovered"):
        await invite(ledger, "carl.moss", "why not")


async def test_a_passkey_is_withdrawn_by_whose_it_is_or_by_who_vouches_and_by_nobody_else(ledger, signers):
    ivos, fridas = await key_of(ledger, "ivo.petrov"), await key_of(ledger, "frida.ng")
    for by in ("ivo.petrov", "gus.varga", "nobody"):
        with pytest.raises(RefusedError, match=r"only frida\.ng, or a finance-director or chief-financial-officer"):
            await withdraw(ledger, fridas, by)
    await withdraw(ledger, ivos, "ivo.petrov")
    await withdraw(ledger, fridas, "carl.moss")
    assert not (await enrolled(ledger)).keys
    lines = (await ledger.read(PASSKEYS)).having("withdrawn")
    assert [line.actor for line in lines] == ["person:ivo.petrov", "person:carl.moss"]
    assert signers.phones


async def test_where_nobody_can_say_it_any_more_a_passkey_is_withdrawn_to_recover_and_named_for_good(ledger, signers):
    await withdraw(ledger, await key_of(ledger, "frida.ng"), "", "her phone was stolen, carl is abroad")
    (told,) = await findings(ledger)
    assert "door:cli withdrew" in told
    assert "nobody vouched for it, to recover: her phone was stolen" in told
    assert signers.phones


async def test_a_passkey_withdrawn_behind_our_back_is_named_by_the_audit(ledger, signers):
    line = Line(act="withdrawn", key=await key_of(ledger, "frida.ng"), actor="person:ivo.petrov", at=NOW)
    await ledger.append(await ledger.read(PASSKEYS), [line])
    (told,) = await findings(ledger)
    assert "person:ivo.petrov withdrew" in told
    assert signers.phones


async def enrolled_behind_our_back(ledger: Ledger, person: str, **invited: Any) -> None:
    """Write an invitation and an enrolment straight into the ledger, as whoever can write it could."""
    chain = await ledger.read(PASSKEYS)
    mine = chain.last("enrolled")
    invitation = Invitation(token="f" * 64, person=person, until=NOW + timedelta(days=1), by="person:frida.ng")
    body = {"invitation": invitation.model_dump(mode="json")} | invited
    key = mine.body["passkey"] | {"person": person, "credential": "Zm9yZ2Vk"}
    lines = [
        Line(act="invited", key=invitation.token, actor="person:frida.ng", at=NOW, body=body),
        Line(act="enrolled", key="Zm9yZ2Vk", actor=f"person:{person}", at=NOW,
             body={"passkey": key, "invitation": invitation.token}),
    ]  # fmt: skip
    await ledger.append(chain, lines)


async def test_an_enrolment_behind_our_back_is_named_by_the_audit(ledger, signers):
    assert signers.phones
    await enrolled_behind_our_back(ledger, "carl.moss")
    (told,) = await findings(ledger)
    assert "somebody who vouches was enrolled by then, and signed no invitation" in told


async def test_an_invitation_signed_for_somebody_else_vouches_for_nobody(ledger, signers):
    _, request = await vouch(ledger, "carl.moss", "frida.ng")
    await signers.sign(request)
    real = (await ledger.read(PASSKEYS)).having("invited")[-1].body
    copied = {"proof": real["proof"], "passkeys": real["passkeys"]}
    await enrolled_behind_our_back(ledger, "paula.reyes", **copied)
    (told,) = await findings(ledger)
    assert "What was confirmed is not what was done" in told


async def test_a_link_given_to_one_person_enrols_no_other(ledger, signers):
    _, request = await vouch(ledger, "ivo.petrov", "ivo.petrov")
    await signers.sign(request)
    chain = await ledger.read(PASSKEYS)
    key = chain.last("enrolled").body["passkey"] | {"person": "carl.moss", "credential": "eA"}
    body = {"passkey": key, "invitation": request.ask}
    await ledger.append(chain, [Line(act="enrolled", key="eA", actor="person:carl.moss", at=NOW, body=body)])
    (told,) = await findings(ledger)
    assert "it was ivo.petrov who was invited" in told
