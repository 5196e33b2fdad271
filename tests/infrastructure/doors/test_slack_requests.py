"""Slack's door, beside yes and no: the menu of a card, its forms, and what follows them."""

import json

import pytest

from blocks.errors import RefusedError
from blocks.rulebook import adopt
from infrastructure.doors import slack
from tests.hospital import Hospital, two_coordinators
from tests.infrastructure.doors.conftest import SlackLike, afterwards, card_of, interaction, told

pytestmark = pytest.mark.usefixtures("open_doors")


async def waiting(hospital: Hospital, quantity: int = 1) -> tuple[str, dict[str, str], dict[str, str]]:
    await adopt(hospital.ledger, two_coordinators(), actor="door:test", at=hospital.now)
    case = await hospital.submit("KNEE-TIB-4", quantity)
    await hospital.wake(case)
    posted, buttons = await card_of(hospital, case)
    return case, {"id": posted.channel}, buttons


async def choose(user: str, value: str, channel: dict[str, str]):
    """Choose an entry of a card's menu."""
    actions = [{"action_id": "more", "type": "overflow", "selected_option": {"value": value}}]
    return await slack.interactions(interaction(user, type="block_actions", actions=actions, channel=channel))


async def press(user: str, action: str, value: str, channel: str = "D1"):
    actions = [{"action_id": action, "value": value}]
    payload = {"type": "block_actions", "actions": actions, "channel": {"id": channel}}
    return await slack.interactions(interaction(user, **payload))


async def send(user: str, modal: dict, **typed: str):
    """Send a form, filled."""
    fields = {block["block_id"]: block["element"]["type"] for block in modal["blocks"] if block["type"] == "input"}
    named = {"users_select": "selected_user"}
    values = {
        block: {"value": {"type": kind, named.get(kind, "value"): typed.get(block)}} for block, kind in fields.items()
    }
    view = {"id": "V1", "callback_id": modal["callback_id"], "private_metadata": modal["private_metadata"]}
    view["state"] = {"values": values}
    return await slack.interactions(interaction(user, type="view_submission", view=view))


async def opened(desk: SlackLike, value: str, channel: dict[str, str], user: str = "U0IVO") -> dict:
    await afterwards(await choose(user, value, channel))
    return desk.modals[-1][1]


async def test_fewer_are_approved_from_the_menu(open_doors, desk):
    case, channel, buttons = await waiting(open_doors, 2)
    modal = await opened(desk, buttons["fewer"], channel)
    assert modal["blocks"][1]["element"]["max_value"] == "2"
    wrong = told(await send("U0IVO", modal, quantity="3"))
    assert wrong["errors"] == {"quantity": "2 were asked for. More than that needs a new request."}
    for nonsense in ("", "two", "1.5", "9" * 30):
        assert "quantity" in told(await send("U0IVO", modal, quantity=nonsense))["errors"]
    await afterwards(await send("U0IVO", modal, quantity="1", note="one is enough"))
    decision = (await open_doors.chain(case)).last("decided").body["decision"]
    assert (decision["quantity"], decision["note"], decision["by"]) == (1, "one is enough", "ivo.petrov")
    (card,) = desk.cards("approvals")
    assert "Approved 1 of 2 by Ivo Petrov" in card.text
    outcome = await open_doors.wake(case)
    assert (outcome.ended, outcome.quantity) == ("ordered", 1)


async def test_a_colleague_is_told_with_the_way_to_the_card_which_mentions_them(open_doors, desk):
    case, channel, buttons = await waiting(open_doors)
    modal = await opened(desk, buttons["hand-over"], channel)
    wrong = told(await send("U0IVO", modal, whom="U0FRIDA"))
    assert wrong["errors"]["whom"].startswith("Frida Ng may not decide this")
    assert "Please choose somebody" in told(await send("U0IVO", modal, whom="U0STRANGER"))["errors"]["whom"]
    await afterwards(await send("U0IVO", modal, whom="U0PAULA"))
    posted, buttons = await card_of(open_doors, case)
    assert "Ivo Petrov hands it over to you" in json.dumps(desk.messages[posted].blocks)
    (message,) = desk.cards("U0PAULA")
    assert f"*Ivo Petrov* hands *{case}* over to you: 1 × Tibial tray 4 — $2,890.00. <https://" in message.text
    assert desk.threads[posted] == [
        "*Ivo Petrov* handed this over to *Paula Reyes*. Anybody else who may can still decide."
    ]
    await afterwards(await press("U0PAULA", "approve", buttons["approve"], posted.channel))
    assert (await open_doors.wake(case)).ended == "ordered"


async def test_a_card_that_was_deleted_keeps_nobody_from_being_told(open_doors, desk, monkeypatch):
    case, channel, buttons = await waiting(open_doors)
    modal = await opened(desk, buttons["hand-over"], channel)

    async def gone(_posted):
        raise RefusedError("slack", "message_not_found")

    monkeypatch.setattr(desk, "link", gone)
    await afterwards(await send("U0IVO", modal, whom="U0PAULA"))
    (message,) = desk.cards("U0PAULA")
    assert message.text.endswith("$2,890.00.")
    assert (await open_doors.chain(case)).last("handed")


async def test_an_approver_is_added_from_the_menu_and_asked_in_turn(open_doors, desk):
    case, channel, buttons = await waiting(open_doors)
    modal = await opened(desk, buttons["add"], channel)
    assert "it is their request" in told(await send("U0IVO", modal, whom="U0RITA"))["errors"]["whom"]
    await afterwards(await send("U0IVO", modal, whom="U0LEO"))
    (card,) = desk.cards("approvals")
    assert "If approved, then Leo Brandt is asked." in json.dumps(card.blocks)
    posted, buttons = await card_of(open_doors, case)
    assert desk.threads[posted] == ["*Ivo Petrov* added *Leo Brandt*, who is asked after everybody whom policy names."]
    await afterwards(await press("U0IVO", "approve", buttons["approve"], posted.channel))
    assert await open_doors.wake(case) is None
    posted, buttons = await card_of(open_doors, case)
    await afterwards(await press("U0LEO", "approve", buttons["approve"], posted.channel))
    assert (await open_doors.wake(case)).ended == "ordered"


async def test_a_card_on_hold_says_why_and_has_a_button_to_resume(open_doors, desk):
    case, channel, buttons = await waiting(open_doors)
    modal = await opened(desk, buttons["hold"], channel)
    assert told(await send("U0IVO", modal, note=" "))["errors"]["note"].startswith("Please say what you wait for")
    await afterwards(await send("U0IVO", modal, note="the <new> quote"))
    posted, held = await card_of(open_doors, case)
    assert "the &lt;new&gt; quote" in json.dumps(desk.messages[posted].blocks)
    assert desk.threads[posted] == ["*Ivo Petrov* put this on hold: the &lt;new&gt; quote"]
    assert "approve" not in held
    await afterwards(await press("U0IVO", "approve", buttons["approve"], posted.channel))
    assert "Please press Resume first" in desk.whispers[-1][2]
    await afterwards(await press("U0RITA", "resume", held["resume"], posted.channel))
    assert desk.whispers[-1][1:] == ("U0RITA", "You asked for this yourself. Somebody else has to decide it.")
    await afterwards(await press("U0PAULA", "resume", held["resume"], posted.channel))
    _, buttons = await card_of(open_doors, case)
    await afterwards(await press("U0IVO", "approve", buttons["approve"], posted.channel))
    assert (await open_doors.wake(case)).ended == "ordered"


async def test_the_requester_withdraws_from_their_own_message(open_doors, desk):
    case, _, buttons = await waiting(open_doors)
    (mine,) = desk.cards("U0RITA")
    value = mine.blocks[-1]["elements"][0]["value"]
    await afterwards(await press("U0SAM", "withdraw", value))
    assert desk.whispers[-1][1:] == ("U0SAM", "Only Rita Okafor or their manager can withdraw this.")
    await afterwards(await press("U0RITA", "withdraw", value))
    assert desk.whispers[-1] == ("D1", "U0RITA", f"You withdrew {case}. Nothing is ordered.")
    (card,) = desk.cards("approvals")
    assert "Withdrawn by Rita Okafor" in card.text
    await afterwards(await press("U0IVO", "approve", buttons["approve"], "approvals"))
    assert desk.whispers[-1][2].startswith("Withdrawn by Rita Okafor at ")
    await afterwards(await press("U0RITA", "withdraw", value))
    assert desk.whispers[-1][2].startswith("Withdrawn by Rita Okafor at ")
    assert (await open_doors.wake(case)).ended == "withdrawn"


@pytest.mark.parametrize("deed", ["fewer", "hand-over", "add", "hold"])
async def test_a_menu_of_what_is_decided_opens_no_form_but_tells_who_decided_and_locks_the_card(open_doors, desk, deed):
    case, channel, buttons = await waiting(open_doors, 2)
    await open_doors.answer(case, "ivo.petrov")
    await afterwards(await choose("U0PAULA", buttons[deed], channel))
    assert not desk.modals
    assert desk.whispers[-1][2].startswith("Already approved by Ivo Petrov at ")
    (card,) = desk.cards("approvals")
    assert "Approved by Ivo Petrov" in card.text


@pytest.mark.parametrize("deed", ["fewer", "hand-over", "add", "hold"])
async def test_a_form_that_comes_too_late_is_told_so_in_the_form(open_doors, desk, deed):
    case, channel, buttons = await waiting(open_doors, 2)
    modal = await opened(desk, buttons[deed], channel)
    await open_doors.answer(case, "ivo.petrov")
    late = told(await send("U0PAULA", modal, whom="U0LEO", note="why", quantity="1"))
    assert next(iter(late["errors"].values())).startswith("Already approved by Ivo Petrov at ")


async def test_a_menu_of_a_request_that_the_ledger_does_not_know_is_told_so(desk):
    await afterwards(await choose("U0IVO", f"hold/RQ-NEVERSEEN1/1-x/{'0' * 64}", {"id": "C1"}))
    assert "not in the ledger" in desk.whispers[-1][2]


@pytest.mark.parametrize("value", ["", "hold", "hold/a/b", "nonsense/a/b/c", "approve/a/b/c"])
async def test_a_menu_that_is_not_ours_is_refused(value):
    assert (await choose("U0IVO", value, {"id": "C1"})).status == 400
