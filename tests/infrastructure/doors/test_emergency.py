"""Emergency access in Slack: asked for by a command, agreed to by a button on a message, or by the command."""

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from blocks.books import DUTIES
from blocks.rulebook import Shelf, adopt
from infrastructure.doors import slack
from infrastructure.local.desk.blockkit.blocks import wrong_with_blocks
from tests.hospital import Hospital
from tests.infrastructure.doors.conftest import TEAM, SlackLike, afterwards, interaction, slack_request, told
from tests.infrastructure.doors.test_home import almoner
from tests.tasks.signing.emergencies import night_policy

pytestmark = pytest.mark.usefixtures("open_doors")
ASK = "emergency ask department-manager of OR for 8 hours: Nobody of the theatres can be reached"


@pytest.fixture(autouse=True)
async def night(open_doors: Hospital) -> None:
    today = datetime.now(UTC).date()
    rules = night_policy(effective_from=today.replace(month=1, day=2))
    await adopt(open_doors.ledger, rules, actor="door:test", at=open_doors.now)


def buttons(desk: SlackLike, user: str) -> list[Any]:
    cards = [card for card in desk.cards(user) if card.key.startswith("emergency/")]
    assert not [wrong for card in cards for wrong in wrong_with_blocks(card.blocks)]
    return [card.blocks[-1]["elements"][0] for card in cards if card.blocks[-1]["type"] == "actions"]


def shown(desk: SlackLike, user: str) -> list[str]:
    return [str(card.blocks) for card in desk.cards(user) if card.key.startswith("emergency/")]


async def press(user: str, button: dict[str, Any], desk: SlackLike) -> str:
    sent = interaction(user, type="block_actions", channel={"id": f"D{user}"}, actions=[button])
    await afterwards(await slack.interactions(sent))
    return desk.whispers[-1][2]


async def test_it_is_asked_for_and_two_press_a_button(open_doors, desk):
    told = await almoner(ASK, "U0MEI")
    assert re.search(r"Asked for as \*em-[0-9a-f]{6}\*", told)
    assert all(name in told for name in ("Ana Silva", "Paula Reyes", "Frida Ng"))
    (frida,), (paula,) = buttons(desk, "U0FRIDA"), buttons(desk, "U0PAULA")
    assert buttons(desk, "U0LEO") == buttons(desk, "U0MEI") == []
    assert "A second person has to agree" in await press("U0FRIDA", frida, desk)
    assert (buttons(desk, "U0FRIDA"), len(buttons(desk, "U0PAULA"))) == ([], 1)
    assert "You have agreed. A second person has to." in shown(desk, "U0FRIDA")[0]
    assert "Frida Ng has agreed. A second person has to." in shown(desk, "U0PAULA")[0]
    assert "You cannot agree: you have agreed" in await press("U0FRIDA", frida, desk)
    assert "You cannot agree: nobody lets themselves decide" in await press("U0MEI", paula, desk)
    assert "Mei Tan may decide as department-manager until" in await press("U0PAULA", paula, desk)
    assert not [one for user in ("U0ANA", "U0FRIDA", "U0PAULA") for one in buttons(desk, user)]
    assert all("*In force*" in shown(desk, user)[0] for user in ("U0ANA", "U0FRIDA", "U0PAULA"))
    (mine,) = shown(desk, "U0MEI")
    assert "*You may decide* as *department manager of OR*" in mine
    assert "Frida Ng and Paula Reyes have agreed" in mine
    assert "in force, granted by Frida Ng and Paula Reyes" in await almoner("emergency list")
    (access,) = (await Shelf(open_doors.ledger).duties()).emergencies
    assert access.holds(datetime.now(UTC))


async def test_a_button_of_something_else_agrees_to_nothing(open_doors, desk):
    await almoner(ASK, "U0MEI")
    (button,) = buttons(desk, "U0FRIDA")
    other = button | {"value": button["value"][:-64] + "0" * 64}
    assert "what you saw is not what was asked for" in await press("U0FRIDA", other, desk)
    unknown = button | {"value": f"{DUTIES}/em-000000/{'0' * 64}"}
    assert "no such emergency access" in await press("U0FRIDA", unknown, desk)
    assert not (await open_doors.chain(DUTIES)).having("emergency-agreed")


async def test_it_is_agreed_to_and_ended_by_command(open_doors):
    told = await almoner(ASK.replace("ask", "ask <@U0SAM|sam>").replace("hours", "hours up to 5,000"), "U0MEI")
    key = re.search(r"em-[0-9a-f]{6}", told)[0]
    await almoner(f"emergency agree {key}", "U0ANA")
    assert "Sam Lind may decide" in await almoner(f"emergency agree {key}", "U0FRIDA")
    assert "It has ended" in await almoner(f"emergency end {key}", "U0SAM")
    assert "no emergency access just now" in await almoner("emergency list")
    (access,) = (await Shelf(open_doors.ledger).duties()).emergencies
    assert (access.asked.person, access.asked.asked_by, str(access.asked.limit)) == ("sam.lind", "mei.tan", "$5,000.00")


async def test_it_is_reviewed_in_slack_by_a_third_who_has_read_what_was_decided(desk):
    key = re.search(r"em-[0-9a-f]{6}", await almoner(ASK, "U0MEI"))[0]
    for user in ("U0ANA", "U0FRIDA"):
        await almoner(f"emergency agree {key}", user)
    await almoner(f"emergency review {key}", "U0CARL")
    assert "it is still in force" in await almoner(f"emergency accept {key}: fine", "U0CARL")
    await almoner(f"emergency end {key}", "U0MEI")
    assert "*Emergency access is over*" in shown(desk, "U0MEI")[0]
    assert "please look first" in await almoner(f"emergency accept {key}: seen while it was in force", "U0CARL")
    assert "you get it as a message" in await almoner(f"emergency review {key}", "U0CARL")
    assert "Nothing was decided by it." in shown(desk, "U0CARL")[-1]
    assert "you were part of it" in await almoner(f"emergency accept {key}: nothing was ordered, fine", "U0FRIDA")
    noted = await almoner(f"emergency object {key}: nobody called me first", "U0CARL")
    assert noted == f"Noted: you have objected to {key}."
    assert "*Objected by Carl Moss*" in shown(desk, "U0FRIDA")[0]
    assert "nobody called me first" in shown(desk, "U0ANA")[0]
    assert "Carl Moss has objected to it" in await almoner(f"emergency accept {key}: once more", "U0CARL")


async def test_a_review_stands_in_the_ledger_with_what_was_shown_before_slack_is_answered(open_doors):
    key = re.search(r"em-[0-9a-f]{6}", await almoner(ASK, "U0MEI"))[0]
    for word, user in (("agree", "U0ANA"), ("agree", "U0FRIDA"), ("end", "U0MEI"), ("review", "U0CARL")):
        await almoner(f"emergency {word} {key}", user)
    body = urlencode(
        {"command": "/almoner", "text": f"emergency accept {key}: fine", "user_id": "U0CARL", "team_id": TEAM}
    )
    answer = await slack.commands(slack_request(body.encode()))  # and the door dies here: nothing that follows is done
    assert f"Noted: you have accepted {key}." in told(answer)["text"]
    chain = await open_doors.chain(DUTIES)
    assert chain.last("emergency-reviewed", key).seen == chain.last("emergency-shown", key).seen
    assert chain.last("emergency-shown", key).actor == "person:carl.moss"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("emergency", "Please write it like one of these"),
        ("emergency ask", "Please write it like one of these"),
        ("emergency ask finance-director of OR for 8 hours: x", "finance-director is not lent in an emergency"),
        ("emergency ask king of OR for 8 hours: x", "role: "),
        ("emergency ask department-manager of OR for 13 hours: x", "13 hours are too long, policy allows 12"),
        ("emergency ask department-manager of OR for 0 hours: x", "is not after the start"),
        ("emergency ask department-manager of MARS for 8 hours: x", "nobody works for MARS"),
        ("emergency ask department-manager of OR for 8 hours: Zebediah Smith, MRN 1234567", "leave patients out"),
        ("emergency ask <@U0NOBODY> department-manager of OR for 8 hours: x", "not in the hospital's directory"),
        ("emergency agree em-000000", "no such emergency access"),
        ("emergency end em-000000", "no such emergency access"),
        ("emergency review", "Please write it like one of these"),
        ("emergency review em-000000", "no such emergency access"),
        ("emergency accept em-000000", "Please write it like one of these"),
    ],
)
async def test_what_is_not_understood_or_not_allowed_is_said(text, answer):
    assert answer in await almoner(text, "U0MEI")
