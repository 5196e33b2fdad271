"""Our own pages in Chromium, with a passkey in its virtual authenticator, at a phone's size."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest
import uvicorn
from playwright.async_api import CDPSession, Page, async_playwright, expect

from blocks.proofs.keyring import enrolled
from blocks.rulebook import adopt
from infrastructure.doors.__main__ import app
from tests.hospital import MORNING, Hospital, plain_policy
from tests.infrastructure.doors.test_stepup import clicked, invitation
from tests.needs import CHROMIUM_FLAGS, chromium

pytestmark = pytest.mark.e2e
GONE = "status of 410"
PHONE = {"width": 390, "height": 844}
TOUCH_ID = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip


@asynccontextmanager
async def served() -> AsyncIterator[str]:
    """Serve the doors on a free port of loopback, in the context of the test."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app(), lifespan="off", log_level="warning", ws="none"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:  # noqa: ASYNC110 -- uvicorn rings no bell
            await asyncio.sleep(0.01)
        yield f"http://localhost:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


@pytest.fixture
async def address(open_doors: Hospital, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    strict = plain_policy().model_copy(update={"step_up_from": Decimal(2000)})
    await adopt(open_doors.ledger, strict, actor="door:test", at=MORNING)
    async with served() as where:
        monkeypatch.setenv("ALMONER_DOORS_URL", where)
        yield where


@pytest.fixture
async def phone() -> AsyncIterator[Page]:
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        page = await browser.new_page(viewport=PHONE, device_scale_factor=2)
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console", lambda said: errors.append(said.text) if said.type == "error" and GONE not in said.text else None
        )
        yield page
        await browser.close()
        assert errors == []


async def fits(page: Page) -> None:
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"], "nothing sticks out at the side"


async def authenticator(page: Page) -> tuple[CDPSession, str]:
    told = await page.context.new_cdp_session(page)
    await told.send("WebAuthn.enable")
    made = await told.send("WebAuthn.addVirtualAuthenticator", {"options": TOUCH_ID})
    return told, made["authenticatorId"]


async def test_a_passkey_is_made_on_a_phone_and_confirms_an_approval(
    open_doors: Hospital, address: str, phone: Page, tmp_path: Path
) -> None:
    pictures = Path(os.environ.get("ALMONER_SCREENSHOTS", tmp_path))
    device, name = await authenticator(phone)
    await phone.goto(address + await invitation(open_doors))
    await phone.screenshot(path=pictures / "passkey-make.png")
    await fits(phone)
    await phone.get_by_role("button", name="Make my passkey").click()
    await expect(phone.get_by_role("heading", name="Your passkey is ready")).to_be_visible()
    await phone.screenshot(path=pictures / "passkey-made.png")
    assert [key.person for key in (await enrolled(open_doors.ledger)).keys] == ["ivo.petrov"]

    case, link = await clicked(open_doors, address, reason="Knee list on Thursday, two trays are on recall")
    await phone.goto(address + link)
    button = phone.get_by_role("button", name="Approve with your passkey")
    await expect(button).to_be_in_viewport(ratio=1)
    for words in ("1 × Tibial tray 4", "$2,890.00", "OR, asked by Rita Okafor"):
        await expect(phone.get_by_text(words, exact=True)).to_be_in_viewport()
    await fits(phone)
    await phone.screenshot(path=pictures / "passkey-confirm.png")
    await phone.screenshot(path=pictures / "passkey-confirm-whole.png", full_page=True)
    await phone.emulate_media(color_scheme="dark")
    await phone.screenshot(path=pictures / "passkey-confirm-dark.png")
    await phone.emulate_media(color_scheme="light")

    await device.send("WebAuthn.setUserVerified", {"authenticatorId": name, "isUserVerified": False})
    await button.click()
    await expect(phone.get_by_role("alert")).to_contain_text("Nothing has happened")
    await phone.screenshot(path=pictures / "passkey-not-verified.png")
    assert not (await open_doors.chain(case)).having("decided")

    await device.send("WebAuthn.setUserVerified", {"authenticatorId": name, "isUserVerified": True})
    await button.click()
    await expect(phone.get_by_text(f"You approved {case}.")).to_be_visible()
    await phone.screenshot(path=pictures / "passkey-approved.png")
    assert (await open_doors.wake(case)).ended == "ordered"
    assert await open_doors.verified()

    await phone.goto(address + link)
    await expect(phone.get_by_text("Already approved by Ivo Petrov")).to_be_visible()
    await phone.screenshot(path=pictures / "passkey-closed.png")
