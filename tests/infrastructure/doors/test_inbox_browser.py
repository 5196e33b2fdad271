"""An approver's day in Chromium, at a phone's size: the real desk, the real doors, the ledger in a folder."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from blocks.rulebook import adopt
from blocks.slack import SlackDesk
from infrastructure.local.desk.serving import running
from infrastructure.local.desk.settings import DeskSettings
from infrastructure.local.hospital.__main__ import directory, policy
from tasks.case import utc_now
from tests.hospital import Hospital
from tests.infrastructure.doors.conftest import SLACK_SECRET
from tests.infrastructure.doors.test_browser import PHONE, served
from tests.needs import CHROMIUM_FLAGS, chromium
from tests.tasks.signing.test_people import lend

pytestmark = pytest.mark.e2e
LAPTOP = {"width": 1280, "height": 860}
TOKEN = "xoxb-inbox"
ANA, RITA, LEO = "U0ANA", "U0RITA", "U0LEO"
COMMANDS = {"/requisition": "Ask for something", "/almoner": "Your inbox"}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return Path(os.environ.get("ALMONER_SCREENSHOTS", tmp_path))


@pytest.fixture
async def desk(hospital: Hospital, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Let people answer at a desk of their own, with the small hospital's own policy and people."""
    monkeypatch.setenv("SLACK_SIGNING_SECRET", SLACK_SECRET)
    monkeypatch.delenv("ALMONER_BELL_URL", raising=False)
    hospital.now = utc_now() - timedelta(hours=1)
    without_passkeys = policy().model_copy(update={"step_up_from": None})
    for document in (directory(), without_passkeys):
        dated = document.model_copy(update={"effective_from": (hospital.now - timedelta(days=1)).date()})
        await adopt(hospital.ledger, dated, actor="door:test", at=hospital.now)
    people = Path("infrastructure/local/hospital/directory.json")
    with hospital.bound() as outside:
        async with served() as doors:
            told = DeskSettings(TOKEN, SLACK_SECRET, doors, people=people, rate_factor=None, commands=COMMANDS)
            with running(told) as (url, _):
                hospital.desk = outside.desk = slack = SlackDesk(TOKEN, url=f"{url}/api/")
                yield url
                await slack.aclose()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as play:
        opened = await play.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        yield opened
        await opened.close()


async def at(browser: Browser, desk: str, user: str, where: str, size: dict[str, int] | None = None) -> Page:
    """Be somebody, somewhere at the desk, on a phone unless it is another screen."""
    page = await browser.new_page(viewport=size or PHONE, device_scale_factor=2, has_touch=size is None)
    await page.goto(f"{desk}/?as={user}#{where}")
    return page


async def home_of(browser: Browser, desk: str, user: str, size: dict[str, int] | None = None) -> Page:
    page = await at(browser, desk, user, "", size)
    await page.get_by_role("link", name="Almoner").click()
    await page.get_by_role("tab", name="Home").click()
    await expect(page.get_by_role("tabpanel").get_by_role("heading").first).to_be_visible()
    return page


async def fits(page: Page) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], "nothing sticks out"


def card_of(page: Page, case: str) -> Locator:
    return page.locator("#talk article.message").filter(has_text=case)


async def asked(hospital: Hospital, item: str, quantity: int, **more: str) -> str:
    case = await hospital.submit(item, quantity, **more)
    assert await hospital.wake(case) is None
    return case


async def until_decided(hospital: Hospital, case: str, act: str = "decided") -> None:
    for _ in range(100):
        if (await hospital.chain(case)).last(act):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{case}: nothing is {act}")


async def chosen(page: Page, case: str, entry: str) -> Locator:
    """Choose an entry of a card's menu, and return the form it opens."""
    await card_of(page, case).get_by_role("button", name="More actions").click()
    await page.get_by_role("menuitem", name=entry).click()
    form = page.get_by_role("dialog")
    await expect(form).to_be_visible()
    return form


async def test_the_home_tab_says_what_waits_until_when_and_many_are_approved_at_once(
    hospital: Hospital, desk: str, browser: Browser, pictures: Path
) -> None:
    late = await asked(hospital, "KNEE-TIB-4", 2, reason="Knee list on Thursday")
    await hospital.answer(late, "ivo.petrov")
    hospital.now -= timedelta(days=20)
    assert await hospital.wake(late) is None
    hospital.now += timedelta(days=20)
    small = [
        await asked(hospital, "SVC-CALIB", 7, reason="Yearly calibration is due"),
        await asked(hospital, "IVSET-20", 170),
        await asked(hospital, "IVSET-20", 180, by="sam.lind", centre="ED"),
    ]
    large = await asked(hospital, "SVC-CALIB", 120, by="sam.lind", centre="ICU", reason="All pumps of the ICU")
    await lend(hospital, "ana.silva", "leo.brandt", by="ana.silva")
    page = await home_of(browser, desk, ANA)
    tab = page.get_by_role("tabpanel")
    await expect(tab.get_by_role("heading", name="Waiting for you (5)")).to_be_in_viewport()
    await expect(tab).to_contain_text("Leo Brandt stands in for you until")
    await expect(tab.get_by_text("late, was due")).to_be_in_viewport()
    await page.screenshot(path=pictures / "phone-home.png")
    await page.screenshot(path=pictures / "phone-home-whole.png", full_page=True)
    await fits(page)
    wide = await home_of(browser, desk, ANA, LAPTOP)
    await wide.screenshot(path=pictures / "desk-home.png")

    await tab.get_by_role("button", name="Review 3 together").click()
    form = page.get_by_role("dialog")
    await expect(form.get_by_role("checkbox")).to_have_count(3)
    await form.get_by_role("checkbox").nth(2).uncheck()
    await page.screenshot(path=pictures / "phone-bulk.png")
    await fits(page)
    await form.get_by_role("button", name="Approve").click()
    await expect(form).to_be_hidden()
    await until_decided(hospital, small[0])
    await until_decided(hospital, small[1])
    await expect(tab.get_by_role("heading", name="Waiting for you (3)")).to_be_visible()
    await page.screenshot(path=pictures / "phone-bulk-approved.png")
    assert [bool((await hospital.chain(case)).last("decided")) for case in (*small, large)] == [
        True, True, False, False,
    ]  # fmt: skip

    mine = await home_of(browser, desk, RITA)
    await expect(mine.get_by_role("tabpanel")).to_contain_text("You asked for")
    await mine.screenshot(path=pictures / "phone-home-requester.png")
    await fits(mine)


async def test_a_question_is_answered_in_the_cards_thread(
    hospital: Hospital, desk: str, browser: Browser, pictures: Path
) -> None:
    case = await asked(hospital, "SVC-CALIB", 8, reason="Yearly calibration is due")
    page = await at(browser, desk, ANA, "C0APPROVALS")
    await card_of(page, case).get_by_role("button", name="Ask a question").click()
    form = page.get_by_role("dialog")
    await form.get_by_role("textbox").fill("Can it wait until January?")
    await page.screenshot(path=pictures / "phone-question.png")
    await form.get_by_role("button", name="Ask").click()
    await until_decided(hospital, case, "question")
    await page.get_by_role("button", name="1 reply").click()
    await expect(page.get_by_role("complementary")).to_contain_text("Can it wait until January?")
    thread = (await page.evaluate("location.hash"))[1:]

    rita = await at(browser, desk, RITA, thread)
    box = rita.get_by_role("complementary").get_by_role("textbox", name="Reply")
    await box.fill("No: the pumps may not be used after 30 November.")
    await box.press("Enter")
    await until_decided(hospital, case, "answer")
    await expect(page.get_by_role("complementary")).to_contain_text("may not be used after 30 November")
    await page.screenshot(path=pictures / "phone-thread.png")
    await fits(page)


async def test_fewer_are_approved_and_the_card_says_how_many(
    hospital: Hospital, desk: str, browser: Browser, pictures: Path
) -> None:
    case = await asked(hospital, "SVC-CALIB", 12, reason="Yearly calibration is due")
    page = await at(browser, desk, ANA, "C0APPROVALS")
    await expect(card_of(page, case).get_by_role("button", name="Approve", exact=True)).to_be_visible()
    form = await chosen(page, case, "Approve fewer")
    await form.get_by_label("How many do you approve?").fill("8")
    await form.get_by_label("Why fewer").fill("Four are out for repair")
    await page.screenshot(path=pictures / "phone-fewer.png")
    await fits(page)
    await form.get_by_role("button", name="Approve").click()
    await until_decided(hospital, case)
    await expect(card_of(page, case)).to_contain_text("Approved 8 of 12")
    await page.wait_for_timeout(500)
    await page.screenshot(path=pictures / "phone-fewer-approved.png")
    ended = await hospital.wake(case)
    assert ended is not None
    assert (ended.ended, "$1,160.00" in ended.because) == ("ordered", True)


async def test_it_is_handed_over_to_a_colleague_who_may_and_refused_to_one_who_may_not(
    hospital: Hospital, desk: str, browser: Browser, pictures: Path
) -> None:
    await lend(hospital, "ana.silva", "leo.brandt", by="ana.silva")
    case = await asked(hospital, "SVC-CALIB", 8)
    page = await at(browser, desk, ANA, "C0APPROVALS")
    form = await chosen(page, case, "Hand over")
    await form.get_by_label("To whom?").select_option("Ivo Petrov")
    await form.get_by_role("button", name="Hand over").click()
    await expect(form.get_by_role("alert").filter(has_text="Ivo Petrov may not decide this")).to_be_visible()
    await page.screenshot(path=pictures / "phone-hand-over-refused.png")
    await form.get_by_label("To whom?").select_option("Leo Brandt")
    await form.get_by_role("button", name="Hand over").click()
    await until_decided(hospital, case, "handed")
    await expect(card_of(page, case)).to_contain_text("Ana Silva hands it over to you")
    await page.wait_for_timeout(500)
    await page.screenshot(path=pictures / "phone-handed-over.png")
    await fits(page)
    leo = await at(browser, desk, LEO, "C0APPROVALS")
    await card_of(leo, case).get_by_role("button", name="Approve", exact=True).click()
    await until_decided(hospital, case)
    await expect(card_of(page, case)).to_contain_text("Approved by Leo Brandt (department manager, for")
