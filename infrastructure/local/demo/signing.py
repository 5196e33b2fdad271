"""Signing: somebody of the morning makes a passkey by a link, and confirms with it what policy says is large.

What their phone's browser would do on our own pages, with an authenticator in software.
"""

import html
import json
import re
import secrets
from collections.abc import Callable
from typing import Any

import httpx

from blocks import connect
from blocks.errors import RefusedError
from blocks.proofs.keyring import PASSKEYS, House, enrolled, who_vouched
from infrastructure.local.demo.authenticator import Authenticator
from infrastructure.local.demo.stage import Stage
from infrastructure.local.desk.driver import Seen
from infrastructure.local.stack.trouble import StackError
from tasks.case import utc_now
from tasks.signing.passkeys import invite

DOOR = "door:demo"
OPTIONS = re.compile(r'data-options="([^"]*)"')


class NotSignedError(Exception):
    """One of our own pages did not do what it should; the text is what it said."""


async def confirm(link: str, by: str) -> None:
    """Confirm what waits behind a link: make a passkey of one's own first, then sign with it."""
    house = House.here()
    phone = Authenticator(rp=house.rp, origin=house.origin, credential=secrets.token_bytes(16))
    async with httpx.AsyncClient(trust_env=False, timeout=10) as browser:
        await _use(browser, await link_to_enrol(by), phone.create)
        await _use(browser, link, phone.get)


async def link_to_enrol(person: str) -> str:
    """Invite somebody to make a passkey, as `almoner passkeys invite` does."""
    now = utc_now()
    rulebook = await connect.shelf().in_force(now)
    token = await invite(person, DOOR, ledger=connect.ledger(), rulebook=rulebook, at=now)
    return f"{House.here().origin}/passkeys/{token}"


async def assert_can_enrol() -> None:
    """Raise `StackError` where nobody can be invited any more on nobody's word: no browser of ours could sign it."""
    chain, rulebook = await connect.ledger().read(PASSKEYS), await connect.shelf().in_force(utc_now())
    if vouching := who_vouched(chain, rulebook.directory, rulebook.policy):
        raise StackError(
            f"--auto cannot make passkeys here: {' and '.join(sorted(vouching))}, who may vouch for people, has one "
            "by now, and would have to sign each invitation in their own browser",
            "Play it by hand (`make demo`), begin afresh (`make demo ARGS='--auto --reset'`), or elsewhere: "
            "`ALMONER_HOME=.almoner-2 make demo ARGS=--auto`.",
        )


async def where_to_begin(stage: Stage, person: str) -> str:
    """Say where somebody who has no passkey yet makes one; nothing where they have."""
    if (await enrolled(connect.ledger())).of(person):
        return ""
    try:
        link = await link_to_enrol(person)
    except RefusedError:  # somebody who vouches for people has a passkey by now, and is asked to
        link = f"by the link of `almoner passkeys invite {person} --as THEM`, from whoever vouches"
    return f"            it takes a passkey; {stage.name(person)} makes one here first: {link}"


def link_in(seen: Seen) -> str:
    """Read the link to our page out of what Slack whispered."""
    found = re.search(r"http[^\s\"<>\\|]+/confirm/[^\s\"<>\\|]+", json.dumps(seen.message))
    if found is None:
        raise NotSignedError("the message has no link to confirm by")
    return found[0]


async def _use(browser: httpx.AsyncClient, link: str, answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    page = await browser.get(link)
    options = OPTIONS.search(page.text)
    if options is None:
        raise NotSignedError(f"the page asks for no passkey (HTTP {page.status_code})")
    told = (await browser.post(link, json=answer(json.loads(html.unescape(options[1]))))).json()
    if not told.get("done"):
        raise NotSignedError(str(told.get("text") or told.get("error")))
