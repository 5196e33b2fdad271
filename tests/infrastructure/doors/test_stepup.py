"""Our own pages as they are served: from the click in Slack to the signature, and from the link to the passkey."""

import html
import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from blocks.proofs.keyring import enrolled
from blocks.records.people import Delegation
from blocks.rulebook import Shelf, adopt
from infrastructure.doors import slack
from infrastructure.doors.__main__ import app
from infrastructure.local.demo.authenticator import PRESENT, Authenticator
from infrastructure.local.hospital.__main__ import directory
from tasks.case import utc_now
from tasks.decide import Answer, decide
from tasks.signing import passkeys, people
from tasks.signing.matters import ToConfirmError
from tasks.signing.policy_changes import approve, propose
from tasks.signing.stepup import where_to_confirm
from tests.hospital import MORNING, Hospital, plain_policy
from tests.infrastructure.doors.conftest import afterwards, card_of, interaction
from tests.signing import Signers

ADDRESS = "http://localhost:18080"
FACTS = (
    "Ivo Petrov, you are about to approve",
    "1 × Tibial tray 4",
    "$2,890.00",
    "OR, asked by Rita Okafor",
    "Cordis Devices",
    "contract C-CORDIS-26",
    "As implant coordinator:",
    "Approve with your passkey",
)


@pytest.fixture(autouse=True)
async def _strict(open_doors: Hospital, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALMONER_DOORS_URL", "http://127.0.0.1:18080")
    strict = plain_policy().model_copy(update={"step_up_from": Decimal(2000)})
    await adopt(open_doors.ledger, strict, actor="door:test", at=MORNING)


@pytest.fixture
async def web(open_doors: Hospital) -> AsyncIterator[httpx.AsyncClient]:
    assert open_doors
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app()), base_url=ADDRESS) as client:
        yield client


async def invitation(hospital: Hospital, person: str = "ivo.petrov") -> str:
    now = utc_now()
    rulebook = await Shelf(hospital.ledger).in_force(now)
    token = await passkeys.invite(person, "door:cli~ann", ledger=hospital.ledger, rulebook=rulebook, at=now)
    return f"/passkeys/{token}"


async def clicked(hospital: Hospital, address: str = ADDRESS, **fields: Any) -> tuple[str, str]:
    """Let somebody ask for a tibial tray and Ivo press Approve; return the case and the link he is whispered."""
    case = await hospital.submit("KNEE-TIB-4", 1, **fields)
    await hospital.wake(case)
    posted, buttons = await card_of(hospital, case)
    actions = [{"action_id": "approve", "value": buttons["approve"]}]
    click = interaction("U0IVO", type="block_actions", actions=actions, channel={"id": posted.channel})
    await afterwards(await slack.interactions(click))
    ((_, who, text),) = hospital.desk.whispers
    assert who == "U0IVO"
    assert text.startswith("Approving this takes your passkey.")
    return case, text.rpartition(address)[2]


def options(page: httpx.Response) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(html.unescape(re.search(r'data-options="([^"]*)"', page.text)[1]))
    return told


async def enrol(web: httpx.AsyncClient, hospital: Hospital) -> Authenticator:
    link, phone = await invitation(hospital), Authenticator()
    answer = await web.post(link, json=phone.create(options(await web.get(link))))
    assert answer.json()["title"] == "Your passkey is ready"
    return phone


async def test_from_the_click_in_slack_to_the_signed_approval(open_doors, web):
    phone = await enrol(web, open_doors)
    case, link = await clicked(open_doors)
    assert not (await open_doors.chain(case)).having("decided")
    page = await web.get(link)
    assert page.status_code == 200
    for words in FACTS:
        assert words in page.text
    answer = await web.post(link, json=phone.get(options(page)))
    text = f"You approved {case}. You can close this page."
    assert answer.json() == {"done": True, "title": "Approved", "text": text}
    assert (await open_doors.wake(case)).ended == "ordered"
    assert await open_doors.verified()
    again = await web.get(link)
    assert (again.status_code, "Already approved by Ivo Petrov" in again.text) == (410, True)
    late = await web.post(link, json=phone.get(options(page)))
    assert (late.json()["title"], "Already approved" in late.json()["text"]) == ("Not approved", True)


async def test_the_pages_let_nothing_in_from_elsewhere_and_are_kept_nowhere(open_doors, web):
    await enrol(web, open_doors)
    _, link = await clicked(open_doors)
    for page in (await web.get(link), await web.get(await invitation(open_doors))):
        told = page.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self'" in told
        assert "frame-ancestors 'none'" in told
        assert (page.headers["cache-control"], page.headers["referrer-policy"]) == ("no-store", "no-referrer")
        assert not re.search(r"https?://", re.sub(r'data-options="[^"]*"', "", page.text))
        for asset in re.findall(r'(?:src|href)="([^"]*)"', page.text):
            assert (await web.get(asset)).status_code == 200
    assert (await web.get("/pages/page.html")).status_code == 404


async def test_what_people_write_is_shown_as_they_wrote_it_and_never_run(open_doors, web):
    await enrol(web, open_doors)
    _, link = await clicked(open_doors, reason="<script>alert('x')</script> \"&' tray")
    page = await web.get(link)
    assert page.text.count("<script") == 1
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &#34;&amp;&#39; tray" in page.text


async def test_who_has_no_passkey_yet_is_told_what_to_do(open_doors, web):
    _, link = await clicked(open_doors)
    page = await web.get(link)
    assert "You have no passkey here yet. Ask your administrator for a link" in page.text
    assert "<button" not in page.text


async def test_who_stands_in_for_somebody_and_approves_fewer_reads_both(open_doors, web):
    now, ledger = utc_now(), open_doors.ledger
    rulebook = await Shelf(ledger).in_force(now)
    lent = Delegation(key="d1", of="ivo.petrov", to="leo.brandt", start=now, until=now + timedelta(days=1))
    ivo, leo = (rulebook.directory.person(name) for name in ("ivo.petrov", "leo.brandt"))
    signers = Signers(ledger, now)
    await signers.enrol("ivo.petrov")
    with pytest.raises(ToConfirmError) as asked_to_sign:
        await people.delegate(lent, ivo, "test", ledger=ledger, rulebook=rulebook, at=now)
    await signers.sign(asked_to_sign.value.request)
    case = await open_doors.submit("KNEE-TIB-4", 3)
    await open_doors.wake(case)
    asked = (await open_doors.chain(case)).last("asked")
    given = Answer(case, asked.key, "approve", asked.seen, quantity=1)
    rulebook = await Shelf(ledger).in_force(now)
    told = await decide(given, leo, "test", ledger=ledger, rulebook=rulebook, at=utc_now())
    page = await web.get(f"/confirm/{case}/{told.request.nonce}")
    for words in ("1 × Tibial tray 4", "$2,890.00", "3 were asked for.", "For Ivo Petrov, as implant coordinator:"):
        assert words in page.text, told


async def test_a_signature_that_does_not_hold_may_be_tried_again(open_doors, web):
    phone = await enrol(web, open_doors)
    case, link = await clicked(open_doors)
    asked = options(await web.get(link))
    answer = (await web.post(link, json=phone.get(asked, flags=PRESENT))).json()
    assert (answer["again"], "was not verified" in answer["text"]) == (True, True)
    assert not (await open_doors.chain(case)).having("decided")
    assert (await web.post(link, json=phone.get(asked))).json()["title"] == "Approved"


@pytest.mark.parametrize("body", [b"", b"nope", b"[]", b"null", b"[" * 100_000, b"\xff"])
async def test_what_the_page_never_sends_is_refused(open_doors, web, body):
    await enrol(web, open_doors)
    _, link = await clicked(open_doors)
    for where in (link, await invitation(open_doors)):
        assert (await web.post(where, content=body, headers={"content-type": "application/json"})).status_code == 400
        assert (await web.post(where, content=b"{}", headers={"content-type": "text/plain"})).status_code == 400


STRANGE = [
    {},
    {"id": None},
    {"id": "AAAA", "response": []},
    {"id": "AAAA", "response": {"clientDataJSON": 1}},
    {"id": "AAAA", "rawId": "AAAA", "type": "public-key",
     "response": {"clientDataJSON": "W1tb", "authenticatorData": "AA", "signature": "AA", "attestationObject": "oA"}},
    {"id": "A" * 9000, "response": {}},
]  # fmt: skip


@pytest.mark.parametrize("brought", STRANGE)
async def test_what_is_no_passkeys_answer_is_refused_in_words(open_doors, web, brought):
    await enrol(web, open_doors)
    _, link = await clicked(open_doors)
    for where in (link, await invitation(open_doors)):
        answer = (await web.post(where, json=brought)).json()
        assert answer["again"] is True
        assert answer["text"].endswith("Please try again.")
    assert len((await enrolled(open_doors.ledger)).keys) == 1


@pytest.mark.parametrize(
    "path", ["/confirm/RQ-NEVERSEEN1/AAAAAAAAAAAAAAAAAAAAAA", "/confirm/..%2F..%2Fetc/AAAAAAAAAAAAAAAAAAAAAA",
             "/confirm/book~passkeys/AAAAAAAAAAAAAAAAAAAAAA", "/confirm/RQ-1/x", "/passkeys/guessed"]
)  # fmt: skip
async def test_a_link_that_was_never_given_opens_nothing(web, path):
    page = await web.get(path)
    assert page.status_code in (404, 410)
    answer = await web.post(path, json={})
    assert answer.status_code == 404 or "has run out, or was used" in answer.json()["text"]


async def test_whose_passkey_was_enrolled_hears_of_it_and_the_link_is_spent(open_doors, web, desk):
    link = await invitation(open_doors)
    page = await web.get(link)
    assert "Hello Ivo Petrov" in page.text
    phones = [Authenticator(), Authenticator(credential=b"of whoever read the link too")]
    first, second = [await web.post(link, json=phone.create(options(page))) for phone in phones]
    assert first.json()["title"] == "Your passkey is ready"
    assert "has run out, or was used" in second.json()["text"]
    ((_, text),) = [(posted, card.text) for posted, card in desk.messages.items()]
    assert text.startswith("A passkey was enrolled in your name (invited by door:cli~ann).")
    assert (await web.get(link)).status_code == 410


async def test_without_an_address_the_pages_say_what_to_set(open_doors, web, monkeypatch):
    await enrol(web, open_doors)
    _, link = await clicked(open_doors)
    monkeypatch.delenv("ALMONER_DOORS_URL")
    page = await web.get(link)
    assert (page.status_code, "set ALMONER_DOORS_URL" in page.json()["error"]) == (503, True)


async def test_a_policy_is_shown_with_what_it_changes_and_signed(open_doors, web):
    link, phone, now = await invitation(open_doors, "frida.ng"), Authenticator(), utc_now()
    await web.post(link, json=phone.create(options(await web.get(link))))
    ledger, shelf = open_doors.ledger, Shelf(open_doors.ledger)
    await adopt(ledger, directory(), actor="door:test", at=MORNING)
    after = plain_policy().model_copy(update={"delegation_days_max": 7})
    proposal = await propose(after, "paula.reyes", "test", ledger=ledger, shelf=shelf, at=now)
    with pytest.raises(ToConfirmError) as caught:
        await approve(proposal.object, "frida.ng", "test", ledger=ledger, shelf=shelf, at=now)
    link = where_to_confirm(caught.value.request).rpartition(ADDRESS)[2]
    page = await web.get(link)
    for words in ("Frida Ng, you are about to approve", "The policy by paula.reyes", "delegation_days_max: 30 → 7"):
        assert words in page.text
    assert (await web.post(link, json=phone.get(options(page), flags=PRESENT))).json()["again"] is True
    assert (await web.post(link, json={})).json()["again"] is True
    assert (await web.post(link, content=b"nope")).status_code == 400
    told = (await web.post(link, json=phone.get(options(page)))).json()
    assert told["title"] == "Approved"
    assert told["text"] == "It is in force from 2026-01-01: paula.reyes wrote it, frida.ng approved it."
    again = await web.get(link)
    assert (again.status_code, "It is in force already" in again.text) == (410, True)
    assert await open_doors.verified()
