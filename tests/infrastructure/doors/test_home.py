"""App Home and `/almoner`, as Slack sends them."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest

from blocks.records.people import Directory
from blocks.rulebook import adopt
from blocks.wire.home import BULK, OPEN_BULK
from infrastructure.doors import slack
from infrastructure.doors.http import Response
from infrastructure.local.hospital.__main__ import directory
from tests.hospital import Hospital, plain_policy
from tests.infrastructure.doors.conftest import TEAM, SlackLike, afterwards, interaction, slack_request, told

pytestmark = pytest.mark.usefixtures("open_doors")


async def waiting(hospital: Hospital, quantity: int = 200) -> str:
    case = await hospital.submit("IVSET-20", quantity)
    assert await hospital.wake(case) is None
    return case


async def opened(user: str) -> Response:
    body = json.dumps({"type": "event_callback", "team_id": TEAM, "event": {"type": "app_home_opened", "user": user}})
    return await afterwards(await slack.events(slack_request(body.encode())))


async def almoner(text: str, user: str = "U0ANA") -> str:
    body = urlencode({"command": "/almoner", "text": text, "user_id": user, "team_id": TEAM})
    return str(told(await afterwards(await slack.commands(slack_request(body.encode()))))["text"])


def values(view: dict) -> list[str]:
    actions = [block for block in view["blocks"] if block["type"] == "actions"]
    return [block["elements"][0]["value"] for block in actions]


async def test_the_home_tab_shows_what_waits_and_a_click_there_decides_it(open_doors: Hospital, desk: SlackLike):
    case = await waiting(open_doors)
    await opened("U0ANA")
    (value,) = values(desk.homes["U0ANA"])
    pressed = {"action_id": "approve", "value": value}
    sent = interaction("U0ANA", type="block_actions", view={"type": "home"}, actions=[pressed])
    await afterwards(await slack.interactions(sent))
    assert (await open_doors.chain(case)).last("decided").actor == "person:ana.silva"
    assert "Nothing waits for you" in str(desk.homes["U0ANA"])


async def test_a_stranger_s_home_stays_as_it_is(desk: SlackLike):
    assert (await opened("U0NOBODY")).status == 200
    assert desk.homes == {}


async def routine(hospital: Hospital) -> None:
    today = datetime.now(UTC).date()
    more = {"routine_max": "50000", "effective_from": today.replace(month=1, day=2).isoformat()}
    changed = plain_policy().model_validate_json(json.dumps(json.loads(plain_policy().model_dump_json()) | more))
    await adopt(hospital.ledger, changed, actor="door:test", at=hospital.now)


async def test_routine_requests_are_approved_together_each_by_a_decision_of_its_own(open_doors, desk):
    await routine(open_doors)
    cases = [await waiting(open_doors, quantity) for quantity in (200, 210, 220)]
    await opened("U0ANA")
    press = {"action_id": OPEN_BULK, "value": "routine"}
    await slack.interactions(interaction("U0ANA", type="block_actions", view={"type": "home"}, actions=[press]))
    ((_, modal),) = desk.modals
    options = modal["blocks"][0]["element"]["options"]
    assert len(options) == 3
    await open_doors.answer(cases[1], "ana.silva", "reject", "not now")  # meanwhile one was answered
    chosen = {"state": {"values": {"which": {"value": {"selected_options": options}}}}, "callback_id": BULK, "id": "V1"}
    await afterwards(await slack.interactions(interaction("U0ANA", type="view_submission", view=chosen)))
    verdicts = [(await open_doors.chain(case)).having("decided") for case in cases]
    assert [len(one) for one in verdicts] == [1, 1, 1]
    said = next(card.text for card in desk.messages.values() if card.key.startswith("bulk/"))
    assert said.count("You approved") == 2
    assert "Already rejected by Ana Silva" in said


async def test_without_a_bound_in_policy_nothing_is_routine(open_doors, desk):
    await waiting(open_doors)
    await waiting(open_doors, 210)
    await opened("U0ANA")
    assert OPEN_BULK not in str(desk.homes["U0ANA"])


async def test_the_inbox_and_a_status_are_told_in_words(open_doors):
    case = await waiting(open_doors)
    assert case in await almoner("inbox")
    assert "waits for department-manager of OR" in await almoner("inbox", "U0RITA")
    assert "*Waits* for department-manager" in await almoner(f"status {case}")
    assert await almoner("status RQ-NONE") == "There is no case RQ-NONE."
    assert "is not the name of a case" in await almoner("status ../../x")


async def test_standing_in_is_said_and_ended_in_slack():
    day = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    assert "Leo Brandt decides in your name" in await almoner(f"delegate <@U0LEO|leo> until {day}")
    assert "Leo Brandt stands in for you" in await almoner("inbox")
    assert "You stand in for Ana Silva" in await almoner("inbox", "U0LEO")
    assert "You are not asked" in await almoner(f"away until {day}")
    assert "nobody stands in for you any more" in await almoner("back")
    assert "you are here" in await almoner("back")


async def test_however_long_their_ids_one_lends_to_another_in_slack(open_doors: Hospital):
    now = json.loads(directory().model_dump_json())
    names = {"ana.silva": "ana-maria.da-silva-e-vasconcelos", "leo.brandt": "leopold-maximilian.von-brandt"}
    for one in now["people"]:
        one["id"], one["manager"] = names.get(one["id"], one["id"]), names.get(one["manager"], one["manager"])
    await adopt(open_doors.ledger, Directory.model_validate(now), actor="door:test", at=open_doors.now)
    day = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    assert "Leo Brandt decides in your name" in await almoner(f"delegate <@U0LEO|leo> until {day}")
    assert "You are not asked" in await almoner(f"away until {day}")
    assert "nobody stands in for you any more" in await almoner("back")


async def test_a_day_that_has_passed_is_refused_in_a_sentence():
    told = await almoner("away until 2020-01-01")
    assert told.startswith("until: 2020-01-02 06:00 is not after the start")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("", "What Almoner does for you"),
        ("dance", "What Almoner does for you"),
        ("delegate leo until 2026-12-01", "write it like this"),
        ("delegate <@U0NOBODY> until 2026-12-01", "not in the hospital's directory"),
        ("delegate <@U0LEO> until tomorrow", "tomorrow is not a day"),
        ("delegate <@U0LEO> until 2099-01-01", "policy allows 30"),
        ("away until never", "never is not a day"),
        ("away", "write it like this"),
    ],
)
async def test_what_is_not_understood_or_not_allowed_is_explained(text, answer):
    assert answer in await almoner(text)
