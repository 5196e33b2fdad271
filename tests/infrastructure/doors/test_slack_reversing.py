"""Slack's door: that a journal entry be reversed is agreed to on its card, by another who may."""

import pytest

from blocks.errors import UnreadableError
from blocks.records.approval import Posted
from blocks.wire.names import effect_key
from tasks.reversing import Wrong, tell_of_reversal
from tests.hospital import Hospital
from tests.infrastructure.doors.conftest import SlackLike, afterwards
from tests.infrastructure.doors.test_home import almoner
from tests.infrastructure.doors.test_slack_requests import press


@pytest.fixture
async def asked(open_doors: Hospital, desk: SlackLike) -> tuple[Hospital, str, Posted]:
    """A case whose bill Paula wants reversed; its card."""
    case = await open_doors.submit("IVSET-20", 40)
    await open_doors.wake(case)
    entry = f"J-{open_doors.erp.bill(effect_key(case, 'order'))}"
    await open_doors.reverse(case, entry, "paula.reyes")
    with open_doors.bound() as outside:
        await tell_of_reversal(Wrong(case, entry), await outside.shelf.in_force(open_doors.now), open_doors.now)
    (posted,) = (where for where, card in desk.messages.items() if card.key == f"{case}/reversal-1")
    return open_doors, case, posted


async def test_it_is_asked_for_by_command_and_the_card_stands(open_doors, desk):
    case = await open_doors.submit("IVSET-20", 40)
    await open_doors.wake(case)
    entry = f"J-{open_doors.erp.bill(effect_key(case, 'order'))}"
    told = await almoner(f"reverse {case} {entry}: billed twice", "U0PAULA")
    assert told.startswith(f"Journal entry {entry} is reversed once somebody agrees: ")
    line = (await open_doors.chain(case)).last("reversal-asked")
    assert (line.actor, line.source, line.key) == ("person:paula.reyes", "slack", entry)
    (card,) = (card for card in desk.messages.values() if card.key == f"{case}/reversal-1")
    assert "billed twice" in card.text


@pytest.mark.parametrize("half", ["", " RQ-1", " RQ-1 J-1", " RQ-1 J-1:", " RQ-1: why"])
async def test_half_a_command_is_answered_with_how_to_write_it(open_doors, half):  # noqa: ARG001  the doors are open
    assert "/almoner reverse RQ-… J-118: why it is wrong" in await almoner(f"reverse{half}", "U0PAULA")


async def test_where_the_erp_does_not_answer_one_is_asked_to_say_it_again(open_doors):
    case = await open_doors.submit("IVSET-20", 40)
    await open_doors.wake(case)
    open_doors.erp.fail = 1
    assert "please say it again" in await almoner(f"reverse {case} J-1: billed twice", "U0PAULA")
    assert "knows no journal entry J-1" in await almoner(f"reverse {case} J-1: billed twice", "U0PAULA")


async def test_where_the_erp_does_not_let_us_in_it_says_so_and_not_to_say_it_again(open_doors, monkeypatch):
    case = await open_doors.submit("IVSET-20", 40)
    await open_doors.wake(case)

    async def shut(_: str) -> None:
        raise UnreadableError("FakeErp", "our user has no right to that: have an administrator check its groups")

    monkeypatch.setattr(open_doors.erp, "trace", shut)
    told = await almoner(f"reverse {case} J-1: billed twice", "U0PAULA")
    assert told == (
        "Nothing was taken down. FakeErp: our user has no right to that: have an administrator check its groups."
    )


async def test_who_asks_again_gets_the_card_that_nobody_lived_to_draw(asked, desk):
    _, case, posted = asked
    del desk.messages[posted]
    assert "somebody else can agree" in await almoner(f"reverse {case} J-INV-1: billed twice", "U0PAULA")
    (card,) = (card for card in desk.messages.values() if card.key == f"{case}/reversal-1")
    assert "I agree…" in str(card.blocks)


async def test_a_number_with_a_colon_in_it_is_read_whole(open_doors):
    case = await open_doors.submit("IVSET-20", 40)
    await open_doors.wake(case)
    told = await almoner(f"reverse {case} 2026/11:J 118: billed twice at 14:30: see mail", "U0PAULA")
    assert "knows no journal entry 2026/11:J 118 of" in told


async def agree(hospital: Hospital, posted: Posted, user: str) -> None:
    actions = next(block for block in hospital.desk.messages[posted].blocks if block["type"] == "actions")
    value = actions["elements"][0]["value"]
    await afterwards(await press(user, "reversal-agree", value, posted.channel))


async def test_another_agrees_with_one_press_and_the_card_follows(asked, desk):
    hospital, case, posted = asked
    await agree(hospital, posted, "U0FRIDA")
    line = (await hospital.chain(case)).last("reversing")
    assert (line.actor, line.source, line.key) == ("person:frida.ng", "slack", "J-INV-1")
    assert desk.messages[posted].text.startswith("Frida Ng agreed: J-INV-1 is being reversed.")
    assert "is being reversed" in desk.whispers[-1][2]
    assert "was reversed by J-INV-1-R" in (await hospital.wake(case)).because
    assert desk.messages[posted].text.startswith("J-INV-1 was reversed by J-INV-1-R.")


@pytest.mark.parametrize(
    ("user", "why"),
    [("U0PAULA", "Paula Reyes has asked for it"), ("U0RITA", "asked for this"), ("U0NOBODY", "not in the")],
)
async def test_who_may_not_agree_hears_why_and_the_card_stays(asked, desk, user, why):
    hospital, case, posted = asked
    await agree(hospital, posted, user)
    assert why in desk.whispers[-1][2]
    assert not (await hospital.chain(case)).having("reversing")
    assert desk.messages[posted].text.startswith("Reverse journal entry J-INV-1")


async def test_a_press_on_a_card_that_is_over_does_nothing_more(asked, desk):
    hospital, case, posted = asked
    card = hospital.desk.messages[posted]
    await agree(hospital, posted, "U0FRIDA")
    await hospital.wake(case)
    desk.messages[posted] = card  # as it still stands on somebody's phone
    await agree(hospital, posted, "U0CARL")
    assert "somebody has agreed already" in desk.whispers[-1][2]
    assert len((await hospital.chain(case)).having("reversing")) == 1


async def test_a_press_on_an_earlier_card_does_not_agree_to_what_was_asked_anew(asked, desk):
    hospital, case, posted = asked
    card = hospital.desk.messages[posted]
    hospital.erp.bills.paid.add("J-INV-1")
    await agree(hospital, posted, "U0FRIDA")
    await hospital.wake(case)
    await hospital.reverse(case, "J-INV-1", "frida.ng", "the payment was taken back, and it is still wrong")
    desk.messages[posted] = card
    await agree(hospital, posted, "U0CARL")
    assert "This card is over" in desk.whispers[-1][2]
    assert len((await hospital.chain(case)).having("reversing")) == 1
