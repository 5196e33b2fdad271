"""Slack's door: what was bought is cancelled from the message that tells of it."""

from infrastructure.doors.slack import interactions
from tests.infrastructure.doors.conftest import afterwards, interaction, told
from tests.infrastructure.doors.test_slack_requests import press, send


async def test_an_order_is_cancelled_from_the_message_that_it_was_placed(open_doors, desk):
    case = await open_doors.submit("IVSET-20", 40)
    await open_doors.wake(case)
    (card,) = (card for card in desk.messages.values() if card.key == f"{case}/told")
    value = card.blocks[-1]["elements"][0]["value"]
    await afterwards(await press("U0RITA", "cancel", value))
    form = desk.modals[-1][1]
    assert "say why" in told(await send("U0RITA", form, note=" "))["errors"]["note"]
    assert "holds no role" in told(await send("U0LEO", form, note="mine"))["errors"]["note"]
    await afterwards(await send("U0RITA", form, note="ordered twice"))
    line = (await open_doors.chain(case)).last("cancelling")
    assert (line.actor, line.source, line.body["because"]) == ("person:rita.okafor", "slack", "ordered twice")
    assert (await open_doors.wake(case)).ended == "cancelled"


async def test_a_form_that_is_not_ours_is_refused(open_doors):  # noqa: ARG001  the doors are open
    view = {"id": "V1", "callback_id": "cancel", "private_metadata": "RQ-1", "state": {"values": {}}}
    assert (await interactions(interaction("U0RITA", type="view_submission", view=view))).status == 400
