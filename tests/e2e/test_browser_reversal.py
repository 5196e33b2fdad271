"""A bill is wrong: one asks in Slack for its journal entry to be reversed, another agrees, Tryton has it reversed."""

import re
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
from playwright.async_api import Browser, expect

from blocks import connect
from blocks.wire.names import effect_key
from infrastructure.local.erp.home import DATABASE, ErpHome
from infrastructure.local.erp.rpc import Rpc
from tests.blocks.erp.conftest import posted
from tests.e2e.house import House, until
from tests.e2e.test_browser import LAPTOP, PATIENCE_MS, browser, card_of, open_desk, opened
from tests.samples import usd

__all__ = ["browser"]


def billed(house: House, case: str) -> str:
    """Post the bill for a case's order, as accounts payable does; return the number of its journal entry."""
    password = ErpHome(house.stack.site.home.path).state.password.read_text()
    with httpx.Client(timeout=60, trust_env=False) as client:
        admin = Rpc.login(client, f"{house.url('erp')}/{DATABASE}/rpc/", "admin", password)
        today = datetime.now(ZoneInfo("America/Chicago")).date()
        return posted(admin, effect_key(case, "order"), f"B-{case}", today).entry


async def test_one_asks_another_agrees_with_a_press_and_the_card_says_what_reversed_it(
    house: House, browser: Browser, screenshots: Path
) -> None:
    case = await house.submit("SVC-CALIB", 8, by="sam.lind", centre="ICU", reason="Yearly calibration is due")
    await house.click(await house.asked(case), "ana.silva")
    assert (await house.ended(case)).ended == "ordered"
    entry = billed(house, case)

    async with house.desk() as desk:
        await desk.person("U0PAULA").command(
            "approvals", f"/almoner reverse {case} {entry}: billed twice, see B-{case}"
        )

    page = await open_desk(browser, house, "U0FRIDA", LAPTOP)
    card = card_of(page, case).filter(has_text=f"Reverse journal entry {entry}?")
    for words in (
        f"for order {(await house.ended(case)).document}",
        str(usd(1160)),
        "ICU",
        "billed twice",
        "Paula Reyes",
    ):
        await expect(card).to_contain_text(words, timeout=PATIENCE_MS)
    await page.screenshot(path=screenshots / "reversal-asked.png")
    sure = await opened(page, card.get_by_role("button", name="I agree"))
    await page.screenshot(path=screenshots / "reversal-sure.png")
    await sure.get_by_role("button", name="I agree").click()

    async def reversed_by() -> str | None:
        outcome = (await house.chain(case)).last("outcome", effect_key(case, "reverse"))
        return outcome.body["document"]["number"] if outcome else None

    mirror = await until(reversed_by, f"{entry} is reversed")
    over = card_of(page, case).filter(has_text=f"Reversed: journal entry {entry}")
    await expect(over).to_contain_text(f"journal entry {mirror}", timeout=PATIENCE_MS)
    await expect(over).to_contain_text(re.compile("Agreed.*Frida Ng", re.DOTALL), timeout=PATIENCE_MS)
    await page.screenshot(path=screenshots / "reversal-made.png")

    (found,) = [one for one in await connect.erp().trace(mirror) if one.kind == "journal entry"]
    assert (found.state, found.amount, found.key) == ("posted", usd(1160), effect_key(case, "order"))
    outcome = await house.ended(case)
    assert f"journal entry {entry} was reversed by {mirror}" in outcome.because
    await house.assert_settled(case)
