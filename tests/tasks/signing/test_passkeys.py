"""Enrolling passkeys: by invitation, once, and only what the invited person made on our own page."""

from datetime import timedelta

import pytest

from blocks.errors import RefusedError
from blocks.proofs.keyring import PASSKEYS, enrolled
from blocks.proofs.passkeys import NotProvenError
from infrastructure.local.demo.authenticator import PRESENT
from tasks.signing import passkeys
from tests.confirming import Page


@pytest.fixture
def page(hospital) -> Page:
    return Page(hospital)


async def test_an_invitation_serves_once_for_a_day_and_its_token_is_kept_nowhere(page, hospital):
    token = await page.token()
    chain = await hospital.chain(PASSKEYS)
    assert token not in str(chain)
    found = await page.guest(token)
    await page.enrol(token=token)
    assert await page.guest(token) == passkeys.SPENT
    again = (await enrolled(hospital.ledger)).keys[0].model_copy(update={"credential": "another"})
    told = {"ledger": hospital.ledger, "rulebook": await page.rules(), "at": hospital.now}
    with pytest.raises(RefusedError, match="has run out, or was used"):
        await passkeys.enrol(again, found.invitation, **told)
    late = await page.token()
    hospital.now += passkeys.GOOD_FOR + timedelta(milliseconds=1)
    assert await page.guest(late) == passkeys.SPENT
    assert await page.guest("guessed") == passkeys.SPENT


@pytest.mark.parametrize("person", ["gus.varga", "nobody.known"])
async def test_only_an_active_person_is_invited(page, person):
    with pytest.raises(RefusedError, match="is not an active person"):
        await page.token(person)


LIES = [{"challenge": "AAAA"}, {"origin": "https://evil"}, {"rp": "evil"}, {"flags": PRESENT}]


@pytest.mark.parametrize("lies", LIES)
async def test_a_passkey_made_elsewhere_or_without_the_person_is_not_enrolled(page, hospital, lies):
    with pytest.raises(NotProvenError):
        await page.enrol(**lies)
    assert not (await enrolled(hospital.ledger)).keys
