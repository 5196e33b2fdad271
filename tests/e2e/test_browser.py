"""What a person sees and clicks: the desk and Prefect's dashboard in headless Chromium."""

import re
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, TimeoutError, async_playwright, expect  # noqa: A004  its own

from tests.e2e.house import House, until
from tests.needs import CHROMIUM_FLAGS, chromium

LAPTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
PATIENCE_MS = 30_000


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as play:
        opened = await play.chromium.launch(executable_path=chromium(), args=CHROMIUM_FLAGS)
        yield opened
        await opened.close()


async def open_desk(browser: Browser, house: House, user: str, viewport: dict[str, int]) -> Page:
    page = await browser.new_page(viewport=viewport)  # type: ignore[arg-type]
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(f"{house.url('desk')}/?as={user}#C0APPROVALS")
    return page


def card_of(page: Page, case: str) -> Locator:
    return page.locator("#talk article.message").filter(has_text=case)


async def opened(page: Page, button: Locator) -> Locator:
    """Press a button until its form is there, as a person does: a card may be drawn anew under the finger."""
    form = page.get_by_role("dialog")
    for _ in range(2):
        await button.click()
        with suppress(TimeoutError):
            await form.wait_for(timeout=PATIENCE_MS / 2)
            return form
    await button.click()
    await form.wait_for(timeout=PATIENCE_MS)
    return form


async def test_an_approver_reads_the_card_approves_and_sees_it_lock(
    house: House, browser: Browser, screenshots: Path
) -> None:
    case = await house.submit("SVC-CALIB", 8, by="sam.lind", centre="ICU", reason="Yearly calibration is due")
    await house.asked(case)
    page = await open_desk(browser, house, "U0ANA", LAPTOP)
    card = card_of(page, case)
    for words in (
        "8 × Infusion pump calibration, per unit — $1,160.00",
        "ICU, asked by Sam Lind",
        "Evergreen Services",
        "C-EVER-26 ✓",
        "Yearly calibration is due",
    ):
        await expect(card).to_contain_text(words)
    await page.screenshot(path=screenshots / "desk-card.png")

    await card.get_by_role("button", name="Approve").click()
    decided = re.compile(r"Approved by Ana Silva \(department manager\) today at \d{1,2}:\d\d", re.IGNORECASE)
    await expect(card).to_contain_text(decided, timeout=PATIENCE_MS)
    await expect(card.get_by_role("button", name=re.compile("Approve|Reject|Ask"))).to_have_count(0)
    await page.screenshot(path=screenshots / "desk-approved.png")

    outcome = await house.assert_settled(case)
    assert outcome.ended == "ordered"

    await page.goto(f"{house.url('desk')}/?as=U0SAM")
    await page.locator("#sidebar").get_by_text("Almoner").click()
    told = card_of(page, case).filter(has_text=f"{case} ordered")
    await expect(told).to_contain_text(str(outcome.document))
    await page.screenshot(path=screenshots / "desk-requester.png")


async def test_the_card_can_be_read_and_answered_on_a_phone(house: House, browser: Browser, screenshots: Path) -> None:
    case = await house.submit("KNEE-TIB-4", 1, by="rita.okafor", centre="OR", reason="Knee list on Thursday")
    await house.asked(case)
    page = await open_desk(browser, house, "U0IVO", PHONE)
    card = card_of(page, case)
    await card.get_by_role("button", name="Approve").scroll_into_view_if_needed()
    for words in ("1 × Tibial tray", "OR, asked by Rita Okafor", "Knee list on Thursday"):
        await expect(card.get_by_text(words)).to_be_in_viewport()
    await page.screenshot(path=screenshots / "phone-card.png")
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"], "nothing sticks out at the side"
    for name in ("Approve", "Reject", "Ask a question"):
        await expect(card.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)

    form = await opened(page, card.get_by_role("button", name="Reject"))
    await expect(form).to_contain_text("Why not?")
    await form.get_by_role("textbox").fill("Please use the consigned tray in store B.")
    await page.screenshot(path=screenshots / "phone-reject.png")
    await form.get_by_role("button", name="Reject").click()
    await expect(card).to_contain_text("Rejected by Ivo Petrov", timeout=PATIENCE_MS)
    await expect(card).to_contain_text("consigned tray in store B")
    await page.screenshot(path=screenshots / "phone-rejected.png")
    outcome = await house.assert_settled(case)
    assert outcome.because == "Ivo Petrov: Please use the consigned tray in store B."


async def test_rejecting_without_a_reason_is_asked_about(house: House, browser: Browser) -> None:
    case = await house.submit("KNEE-TIB-4", 1, by="rita.okafor", centre="OR")
    await house.asked(case)
    page = await open_desk(browser, house, "U0IVO", LAPTOP)
    card = card_of(page, case)
    form = await opened(page, card.get_by_role("button", name="Reject"))
    await form.get_by_role("textbox").fill("   ")
    await form.get_by_role("button", name="Reject").click()
    await expect(form.get_by_role("alert")).to_contain_text("Please complete this required field.")
    assert not (await house.chain(case)).last("decided")
    await form.get_by_role("textbox").fill("Not needed")
    await form.get_by_role("button", name="Reject").click()
    assert (await house.assert_settled(case)).because == "Ivo Petrov: Not needed"


async def test_somebody_without_the_role_is_told_so(house: House, browser: Browser, screenshots: Path) -> None:
    case = await house.submit("KNEE-TIB-4", 1, by="rita.okafor", centre="OR")
    asked = await house.asked(case)
    page = await open_desk(browser, house, "U0LEO", LAPTOP)
    await card_of(page, case).get_by_role("button", name="Approve").click()
    await expect(page.locator("#talk")).to_contain_text("a role you do not hold", timeout=PATIENCE_MS)
    await page.screenshot(path=screenshots / "desk-not-yours.png")
    await house.click(asked, "ivo.petrov", "reject", "asked by a test")
    await house.assert_settled(case)


async def test_the_form_of_a_requisition_in_slack(house: House, browser: Browser, screenshots: Path) -> None:
    page = await open_desk(browser, house, "U0OMAR", LAPTOP)
    box = page.locator("#composer").get_by_role("textbox")
    await box.fill("/requisition")
    await box.press("Enter")
    form = page.get_by_role("dialog")
    await expect(form).to_contain_text("New requisition")
    await form.get_by_label("Item number").fill("GLOVE-M")
    await form.get_by_label("How many").fill("2")
    await page.screenshot(path=screenshots / "desk-form.png")
    await form.get_by_role("button", name="Submit").click()
    said = page.locator("#talk").get_by_text("is on its way")
    await expect(said.last).to_be_visible(timeout=PATIENCE_MS)
    case = re.search(r"RQ-\w+", await said.last.inner_text())
    assert case
    assert (await house.ended(case[0])).ended == "filled"


async def test_an_admin_finds_the_run_and_its_report_in_prefects_dashboard(
    house: House, browser: Browser, screenshots: Path
) -> None:
    case = await house.submit("IVSET-20", 11, by="sam.lind", centre="ICU")
    outcome = await house.assert_settled(case)
    run = await house.run_ends(case, "Ordered")
    page = await browser.new_page(viewport=LAPTOP)  # type: ignore[arg-type]
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(f"{house.url('prefect')}/runs")
    await page.get_by_role("link", name=case, exact=True).click()
    await expect(page).to_have_url(re.compile(f"/flow-run/{run['id']}"), timeout=PATIENCE_MS)
    await expect(page.get_by_text("Ordered", exact=True).first).to_be_visible(timeout=PATIENCE_MS)
    await page.wait_for_timeout(2_000)  # the graph is drawn on a canvas, which says nothing of itself
    await page.screenshot(path=screenshots / "prefect-run.png")
    wanted = {"artifacts": {"key": {"any_": [case.lower()]}}}
    (report,) = await house.prefect("POST", "/artifacts/filter", wanted)
    await page.goto(f"{house.url('prefect')}/artifacts/artifact/{report['id']}")
    await expect(page.get_by_text(outcome.because).first).to_be_visible(timeout=PATIENCE_MS)
    await page.screenshot(path=screenshots / "prefect-report.png")


async def test_an_admin_sees_who_holds_what_waits_and_finds_the_run_by_its_tags(
    house: House, browser: Browser, screenshots: Path
) -> None:
    cases = [await house.submit("SVC-CALIB", 7 + n, by="sam.lind", centre="ICU") for n in range(2)]
    cases.append(await house.submit("KNEE-TIB-4", 1, by="rita.okafor", centre="OR"))
    runs = [await house.sleeps(case) for case in cases]
    deployment = await house.prefect("GET", "/deployments/name/keep-time/main")
    await house.prefect("POST", f"/deployments/{deployment['id']}/create_flow_run", {"state": {"type": "SCHEDULED"}})

    async def listed() -> dict[str, Any] | None:
        wanted = {"artifacts": {"key": {"any_": ["waiting"]}}, "sort": "CREATED_DESC", "limit": 1}
        for found in await house.prefect("POST", "/artifacts/filter", wanted):
            if all(case in found["data"] for case in cases):
                return dict(found)
        return None

    async def tagged() -> bool | None:
        found = await house.prefect("GET", f"/flow_runs/{runs[0]['id']}")
        return True if "waits:department-manager" in found["tags"] else None

    table = await until(listed, "the table names them all", within_s=120)
    await until(tagged, "their runs are tagged", within_s=120)
    page = await browser.new_page(viewport=LAPTOP)  # type: ignore[arg-type]
    page.set_default_timeout(PATIENCE_MS)
    await page.goto(f"{house.url('prefect')}/artifacts/artifact/{table['id']}")
    await expect(page.get_by_text("who holds it").first).to_be_visible(timeout=PATIENCE_MS)
    await expect(page.get_by_text(cases[0]).first).to_be_visible(timeout=PATIENCE_MS)
    await page.screenshot(path=screenshots / "prefect-waiting.png", full_page=True)
    await page.goto(f"{house.url('prefect')}/runs/flow-run/{runs[0]['id']}")
    await expect(page.get_by_text("waits:department-manager").first).to_be_visible(timeout=PATIENCE_MS)
    await page.wait_for_timeout(1_000)  # the graph is drawn on a canvas, which says nothing of itself
    await page.screenshot(path=screenshots / "prefect-tags.png")
    for case in cases:
        who = "ivo.petrov" if case == cases[-1] else "ana.silva"
        await house.click(await house.asked(case), who, "reject", "asked by a test")
        await house.assert_settled(case)
