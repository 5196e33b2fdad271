"""What else is signed on our pages, in Chromium at a phone's size: a log-in, and the next directory."""

import asyncio
import os
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from blocks.audit.verdict import verify
from blocks.proofs.sessions import opened_of
from blocks.records.people import Grant
from blocks.rulebook import Shelf
from infrastructure.commands import login, session_file
from infrastructure.commands.identity import speaker
from tasks.case import utc_now
from tasks.signing.directory_changes import approve, propose
from tasks.signing.matters import ToConfirmError
from tasks.signing.stepup import where_to_confirm
from tests.hospital import Hospital
from tests.infrastructure.doors.test_browser import address, authenticator, fits, phone
from tests.infrastructure.doors.test_stepup import invitation

__all__ = ["address", "phone"]
pytestmark = pytest.mark.e2e
FRIDA = "frida.ng"


async def enrolled(hospital: Hospital, where: str, page: Page) -> None:
    """Let Frida make a passkey on her phone."""
    await authenticator(page)
    await page.goto(where + await invitation(hospital, FRIDA))
    await page.get_by_role("button", name="Make my passkey").click()
    await expect(page.get_by_role("heading", name="Your passkey is ready")).to_be_visible()


async def link_of(hospital: Hospital, where: str) -> str:
    """Find the link of the log-in that was drawn up."""
    async for case, _ in hospital.ledger.cases():
        if case.startswith("session~"):
            request = (await hospital.chain(case)).lines[0].body["request"]
            return f"{where}/confirm/{case}/{request['nonce']}"
    return ""


async def test_a_log_in_is_signed_on_a_phone_and_what_is_done_then_is_proven(
    open_doors: Hospital, address: str, phone: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = Path(os.environ.get("ALMONER_SCREENSHOTS", tmp_path))
    monkeypatch.setattr(login, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr("socket.gethostname", lambda: "finance-laptop")
    monkeypatch.setattr("getpass.getuser", lambda: "frida")
    await enrolled(open_doors, address, phone)
    typing = asyncio.create_task(login.log_in(FRIDA, tmp_path / "home", browser=False))
    while not (link := await link_of(open_doors, address)):  # noqa: ASYNC110 -- the ledger rings no bell
        await asyncio.sleep(0.02)
    await phone.goto(link)
    button = phone.get_by_role("button", name="Log in with your passkey")
    await expect(button).to_be_in_viewport(ratio=1)
    await expect(phone.get_by_role("heading", name="frida@finance-laptop")).to_be_visible()
    await fits(phone)
    await phone.screenshot(path=pictures / "login.png")
    await button.click()
    await expect(phone.get_by_role("heading", name="You are logged in")).to_be_visible()
    await phone.screenshot(path=pictures / "login-done.png")
    assert (await typing).startswith("✓ logged in as Frida Ng until ")

    kept = session_file.read(tmp_path / "home")
    assert kept is not None
    chain = await open_doors.chain(f"session~{kept.session}")
    assert opened_of(chain) is not None
    who = await speaker(tmp_path / "home")
    assert (who.by.id, who.door) == (FRIDA, "cli")
    await phone.goto(link)
    await expect(phone.get_by_text("You are logged in already.")).to_be_visible()


async def test_the_next_directory_is_read_on_a_phone_person_by_person_and_signed(
    open_doors: Hospital, address: str, phone: Page, tmp_path: Path
) -> None:
    pictures = Path(os.environ.get("ALMONER_SCREENSHOTS", tmp_path))
    await enrolled(open_doors, address, phone)
    ledger, shelf, now = open_doors.ledger, Shelf(open_doors.ledger), utc_now()
    old = (await shelf.in_force(now)).directory
    gained = {"leo.brandt": {"grants": (Grant(role="finance-director"),)}, "mei.tan": {"manager": "carl.moss"},
              "sam.lind": {"active": False}}  # fmt: skip
    people = tuple(one.model_copy(update=gained.get(one.id, {})) for one in old.people)
    proposal = await propose(
        old.model_copy(update={"people": people}), "paula.reyes", "test", ledger=ledger, shelf=shelf, at=now
    )
    with pytest.raises(ToConfirmError) as asked:
        await approve(proposal.object, FRIDA, "test", ledger=ledger, shelf=shelf, at=now)
    await phone.goto(where_to_confirm(asked.value.request).rpartition(" ")[2])
    for words in (
        "leo.brandt gains finance-director everywhere",
        "sam.lind has left",
        "mei.tan manager: leo.brandt → carl.moss",
    ):
        await expect(phone.get_by_text(words, exact=True)).to_be_visible()
    button = phone.get_by_role("button", name="Approve with your passkey")
    await expect(button).to_be_in_viewport(ratio=1)
    await fits(phone)
    await phone.screenshot(path=pictures / "directory.png", full_page=True)
    await phone.emulate_media(color_scheme="dark")
    await phone.screenshot(path=pictures / "directory-dark.png")
    await button.click()
    await expect(phone.get_by_text("paula.reyes wrote it, frida.ng approved it.")).to_be_visible()
    await phone.screenshot(path=pictures / "directory-done.png")
    assert (await Shelf(ledger).in_force(utc_now())).directory_version == proposal.object
    assert (await verify(ledger)).verified
