"""Emergency access as people see it: asked for, agreed to by two with their passkeys, used, ended, reviewed."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from infrastructure.local.demo.signing import link_to_enrol
from tests.e2e.house import House
from tests.e2e.test_browser import LAPTOP, PATIENCE_MS, browser, card_of, open_desk
from tests.infrastructure.doors.test_browser import PHONE, authenticator

__all__ = ["browser"]
ASK = (
    "/almoner emergency ask implant-coordinator of OR for 8 hours up to 5,000: "
    "Ivo Petrov is on a flight until noon, the trays are needed at seven"
)


async def says(page: Page, words: str, answer: str) -> str:
    """Type a command where one is, and read what is answered."""
    box = page.locator("#composer").get_by_role("textbox")
    await box.fill(words)
    await box.press("Enter")
    said = page.locator("#talk article.message").filter(has_text=answer).last
    await expect(said).to_be_visible(timeout=PATIENCE_MS)
    return await said.inner_text()


async def messages(page: Page) -> None:
    """Go to what Almoner says to oneself."""
    await page.locator("#sidebar").get_by_text("Almoner").click()


async def agrees(house: House, browser: Browser, user: str, person: str, pictures: Path) -> None:
    """Let somebody make a passkey, read the card on a phone, agree, and sign it."""
    page = await open_desk(browser, house, user, PHONE)
    await authenticator(page)
    await page.goto(await link_to_enrol(person))
    await page.get_by_role("button", name="Make my passkey").click()
    await expect(page.get_by_role("heading", name="Your passkey is ready")).to_be_visible()
    await page.goto(f"{house.url('desk')}/?as={user}#D{user[1:]:0>8}")
    card = page.locator("#talk article.message").filter(has_text="Emergency access: Mei Tan").last
    await card.get_by_role("button", name="I agree").scroll_into_view_if_needed()
    await page.screenshot(path=pictures / f"emergency-{person}-card.png")
    await card.get_by_role("button", name="I agree").click()
    whispered = page.locator("#talk article.message").filter(has_text="takes your passkey").last
    await expect(whispered).to_be_visible(timeout=PATIENCE_MS)
    await page.screenshot(path=pictures / f"emergency-{person}-whisper.png")
    found = re.search(r"http\S+/confirm/\S+", await whispered.inner_text())
    assert found
    await page.goto(found[0])
    await page.screenshot(path=pictures / f"emergency-{person}-sign.png", full_page=True)
    await page.get_by_role("button", name="Agree with your passkey").click()
    await expect(page.get_by_role("heading", name="Agreed")).to_be_visible()
    await page.goto(f"{house.url('desk')}/?as={user}#D{user[1:]:0>8}")
    await expect(card).to_contain_text("agreed", timeout=PATIENCE_MS)
    await expect(card.get_by_role("button", name="I agree")).to_have_count(0)
    await page.screenshot(path=pictures / f"emergency-{person}-agreed.png")
    await page.close()


async def test_at_night_two_agree_somebody_decides_and_a_third_reviews_it(
    house: House, browser: Browser, screenshots: Path
) -> None:
    case = await house.submit("KNEE-TIB-4", 1, by="rita.okafor", centre="OR", reason="Trays for seven o'clock")
    await house.asked(case)
    mei = await open_desk(browser, house, "U0MEI", LAPTOP)
    asked = re.search(r"em-[0-9a-f]{6}", await says(mei, ASK, "Asked for as"))
    assert asked
    key = asked[0]
    await mei.screenshot(path=screenshots / "emergency-asked.png")
    await agrees(house, browser, "U0ANA", "ana.silva", screenshots)
    await agrees(house, browser, "U0PAULA", "paula.reyes", screenshots)

    await messages(mei)
    await expect(mei.locator("#talk")).to_contain_text("You may decide as implant coordinator", timeout=PATIENCE_MS)
    await mei.screenshot(path=screenshots / "emergency-held.png")
    await mei.goto(f"{house.url('desk')}/?as=U0MEI#C0APPROVALS")
    card = card_of(mei, case)
    await card.get_by_role("button", name="Approve").click()
    await expect(card).to_contain_text("by emergency access, granted by Ana Silva and Paula Reyes", timeout=PATIENCE_MS)
    await mei.screenshot(path=screenshots / "emergency-decided.png")
    assert (await house.assert_settled(case)).ended == "ordered"
    await says(mei, f"/almoner emergency end {key}", "It has ended")

    carl = await open_desk(browser, house, "U0CARL", LAPTOP)
    await says(carl, f"/almoner emergency review {key}", "you get it as a message")
    await messages(carl)
    await expect(carl.locator("#talk")).to_contain_text(f"{case} approved by Mei Tan", timeout=PATIENCE_MS)
    await carl.screenshot(path=screenshots / "emergency-review.png")
    await says(carl, f"/almoner emergency accept {key}: Ivo could not be reached, the price is the contract's", "Noted")
    await carl.screenshot(path=screenshots / "emergency-reviewed.png")
    paula = await open_desk(browser, house, "U0PAULA", LAPTOP)
    await messages(paula)
    await expect(paula.locator("#talk")).to_contain_text("Accepted by Carl Moss", timeout=PATIENCE_MS)
    await paula.screenshot(path=screenshots / "emergency-told.png")
    await house.assert_verified()


pytestmark = pytest.mark.e2e
