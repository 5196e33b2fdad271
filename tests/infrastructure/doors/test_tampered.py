"""What somebody is told who comes upon a case whose record was tampered with: privately, what is wrong, what to do."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from blocks import connect
from blocks.ledger import Ledger, entry_key
from blocks.rulebook import Shelf
from blocks.wire.home import BULK
from infrastructure.doors import slack, stepup
from infrastructure.doors.http import Response
from tests.hospital import Hospital
from tests.infrastructure.doors.conftest import TEAM, SlackLike, afterwards, card_of, interaction, slack_request, told
from tests.tampered import tampered

ROOM = "finance-audit"
MENU = ("fewer", "hand-over", "add", "hold")


class Scene:
    """A case that waits for Ivo Petrov, and whose record is tampered with as soon as its card stands."""

    def __init__(self, hospital: Hospital, desk: SlackLike, case: str, channel: str, buttons: dict[str, str]) -> None:
        self.hospital, self.desk, self.case, self.channel, self.buttons = hospital, desk, case, channel, buttons

    async def press(self, action: str, **more: object) -> Response:
        value = self.buttons["approve"]
        pressed = {"action_id": action, "value": value}
        if action in MENU:
            pressed = {"action_id": "more", "selected_option": {"value": f"{action}/{value}"}}
        sent = {"type": "block_actions", "actions": [pressed], "channel": {"id": self.channel}} | more
        return await afterwards(await slack.interactions(interaction("U0IVO", **sent)))

    def says(self, text: str) -> bool:
        """Say whether a text tells which case it is, what is wrong, that nothing was decided, and what to do."""
        what = f"Nothing was decided. The ledger's record of {self.case} does not hold, so it stands still.\n"
        then = "Once its record is restored it goes on by itself: then please try again."
        return text.startswith(what) and then in text


@pytest.fixture
async def scene(open_doors: Hospital, desk: SlackLike, tmp_path: Path) -> Iterator[Scene]:
    case = await open_doors.submit("KNEE-TIB-4", 2)
    await open_doors.wake(case)
    posted, buttons = await card_of(open_doors, case)
    with tampered(tmp_path / "store", case):
        yield Scene(open_doors, desk, case, posted.channel, buttons)


@pytest.mark.parametrize("action", ["approve", *MENU, "withdraw", "resume", "doubt-not-made"])
async def test_who_presses_a_button_is_told_in_private_what_is_wrong_and_who_is_told(scene, action):
    assert (await scene.press(action)).status == 200
    ((channel, who, text),) = scene.desk.whispers
    assert (channel, who, scene.says(text)) == ("approvals", "U0IVO", True)
    assert "Whoever keeps the evidence is told in #finance-audit" in text
    (card,) = scene.desk.cards(ROOM)
    assert "*The record of one case does not hold*" in card.text
    fault = f"does not hold ({entry_key(scene.case, 2)} does not follow the entry before it)"
    assert f"• *{scene.case}*: its record {fault}" in card.text


async def test_whoever_presses_again_or_also_tells_those_who_keep_the_evidence_no_second_time(scene):
    for _ in range(3):
        await scene.press("approve")
    assert len(scene.desk.whispers) == 3
    assert len([*scene.desk.cards(ROOM)]) == 1


async def test_at_home_one_is_told_directly_and_the_home_tab_says_so_from_then_on(scene):
    await scene.press("approve", channel=None, view={"type": "home"})
    (card,) = scene.desk.cards("U0IVO")
    assert scene.says(card.text)
    opened = {"type": "event_callback", "team_id": TEAM, "event": {"type": "app_home_opened", "user": "U0IVO"}}
    await afterwards(await slack.events(slack_request(json.dumps(opened).encode())))
    home = scene.desk.homes["U0IVO"]
    assert home["blocks"][0]["text"]["text"].startswith(f"⚠️ *One case stands still*\n• *{scene.case}*: its record does")
    assert "Nothing waits for you" in str(home)


@pytest.mark.parametrize(
    ("form", "field"),
    [("reject", "note"), ("question", "note"), ("fewer", "quantity"), ("hold", "note"), ("doubt-made", "number")],
)
async def test_who_sends_a_form_is_told_in_the_form(scene, form, field):
    typed = {"note": "why", "quantity": "1", "number": "4711"}
    names = {"fewer": ("quantity", "note")}.get(form, (field,))
    state = {block: {"value": {"type": "plain_text_input", "value": typed[block]}} for block in names}
    view = {"id": "V1", "callback_id": form, "private_metadata": scene.buttons["approve"], "state": {"values": state}}
    answer = await afterwards(await slack.interactions(interaction("U0IVO", type="view_submission", view=view)))
    assert scene.says(told(answer)["errors"][field])
    assert [*scene.desk.cards(ROOM)]


async def test_among_many_that_are_approved_together_one_stops_no_other(scene):
    cases = [await scene.hospital.submit("KNEE-TIB-4", 1) for _ in range(2)]
    for case in cases:
        await scene.hospital.wake(case)
    values = [scene.buttons["approve"], *[(await card_of(scene.hospital, case))[1]["approve"] for case in cases]]
    chosen = {"values": {"which": {"value": {"selected_options": [{"value": value} for value in values]}}}}
    view = {"callback_id": BULK, "id": "V1", "state": chosen}
    await afterwards(await slack.interactions(interaction("U0IVO", type="view_submission", view=view)))
    assert [len((await scene.hospital.chain(case)).having("decided")) for case in cases] == [1, 1]
    said = next(card.text for card in scene.desk.messages.values() if card.key.startswith("bulk/"))
    assert said.count("You approved") == 2
    assert f"• {scene.case}: Nothing was decided." in said


async def almoner(text: str) -> str:
    body = urlencode({"command": "/almoner", "text": text, "user_id": "U0IVO", "team_id": TEAM})
    return str(told(await afterwards(await slack.commands(slack_request(body.encode()))))["text"])


async def test_commands_say_so_too(scene):
    assert scene.says(await almoner(f"status {scene.case}"))
    assert f"⚠️ *One case stands still*\n• *{scene.case}*: its record does not hold" in await almoner("inbox")


async def test_who_answers_in_its_thread_is_told_that_it_was_not_heard(scene):
    posted = next(where for where, card in scene.desk.messages.items() if card.key.startswith(scene.case))
    event = {"type": "message", "user": "U0RITA", "text": "for Tuesday", "ts": "8", "channel": posted.channel}
    body = {"type": "event_callback", "team_id": TEAM, "event": event | {"thread_ts": posted.ts}}
    answer = await afterwards(await slack.events(slack_request(json.dumps(body).encode())))
    ((_, who, text),) = scene.desk.whispers
    assert (answer.status, who, scene.says(text)) == (200, "U0RITA", True)


async def test_the_page_on_which_one_confirms_says_so(scene):
    page = await stepup.show_confirmation(scene.case, "n" * 32)
    assert scene.case in page.body.decode()
    assert "does not hold" in page.body.decode()


async def test_once_it_is_restored_the_same_button_decides(open_doors, desk, tmp_path):
    case = await open_doors.submit("KNEE-TIB-4", 2)
    await open_doors.wake(case)
    posted, buttons = await card_of(open_doors, case)
    now = Scene(open_doors, desk, case, posted.channel, buttons)
    with tampered(tmp_path / "store", case):
        await now.press("approve")
    await now.press("approve")
    assert (await open_doors.chain(case)).last("decided").actor == "person:ivo.petrov"
    assert "stands still" not in await almoner("inbox")


async def test_a_last_entry_that_says_nothing_of_use_is_no_bare_500(open_doors, desk, tmp_path):
    case = await open_doors.submit("KNEE-TIB-4", 2)
    await open_doors.wake(case)
    posted, buttons = await card_of(open_doors, case)
    chain = await open_doors.chain(case)
    seq = next(entry.seq for entry in chain.entries if any(line.act == "asked" for line in entry.lines))
    for later in range(seq + 1, chain.seq + 1):
        (tmp_path / "store" / entry_key(case, later)).unlink()
    last = tmp_path / "store" / entry_key(case, seq)
    last.write_bytes(last.read_bytes().replace(b'"quantity":', b'"quantitY":'))
    await Scene(open_doors, desk, case, posted.channel, buttons).press("approve")
    ((_, _, text),) = desk.whispers
    assert text.startswith(f"Nothing was decided. The ledger's record of {case} cannot be read, so it stands still.")


async def test_where_it_is_the_directory_that_does_not_hold_that_is_named(scene, tmp_path):
    (tmp_path / "store" / entry_key("book~directory", 1)).write_text("no")
    ledger = Ledger(scene.hospital.ledger.store)
    with connect.bound(connect.Outside(ledger, Shelf(ledger), desk=scene.desk)):  # as doors that have just started
        await scene.press("approve")
        assert (
            "A book that this goes by (book~directory) does not hold, so nothing that needs it goes on"
            in await almoner("inbox")
        )
    ((_, who, text),) = scene.desk.whispers
    assert (
        who,
        "A book that this goes by (book~directory) does not hold, so nothing that needs it goes on" in text,
    ) == ("U0IVO", True)
