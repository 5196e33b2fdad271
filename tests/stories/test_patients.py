"""A patient is typed into everything that can be typed, at every door: it is refused, and stands nowhere afterwards."""

import ast
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blocks.audit.verdict import verify
from blocks.records.approval import Posted
from blocks.rulebook import Shelf
from blocks.wire import modals
from infrastructure.doors import events, slack
from tasks.parked import Said, reason_not_to_settle
from tasks.requests import Wish, carry_out
from tests.hospital import Hospital
from tests.infrastructure.doors.conftest import (
    EVENT_SECRET,
    SLACK_SECRET,
    SlackLike,
    afterwards,
    card_of,
    event_request,
    interaction,
    slack_request,
    told,
)

ROOT = Path(__file__).parents[2]
CANARIES = {
    "a medical record number": "MRN 88442211",
    "a Social Security number": "078-05-1120",
    "a date of birth": "DOB 03/14/1961",
    "a patient's name": "for patient Zebediah Quillfeather",
}
SIGNS = re.compile(r"88442211|078-05-1120|03/14/1961|Zebediah|Quillfeather")
NAME = "Quillfeather"
ORDER = {"requester": "rita.okafor", "cost_centre": "OR", "item": "KNEE-TIB-4", "quantity": 1}


@pytest.fixture
def door(hospital: Hospital, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hospital]:
    monkeypatch.setenv("SLACK_SIGNING_SECRET", SLACK_SECRET)
    monkeypatch.setenv("ALMONER_EVENT_SECRET", EVENT_SECRET)
    monkeypatch.delenv("ALMONER_BELL_URL", raising=False)
    hospital.desk = SlackLike()
    with hospital.bound():
        yield hospital


def form(callback: str, private: str, fields: dict[str, str]) -> Any:
    state = {block: {"value": {"type": "plain_text_input", "value": text}} for block, text in fields.items()}
    view = {"id": f"V{len(str(fields))}{callback}", "callback_id": callback, "private_metadata": private}
    return {"type": "view_submission", "view": view | {"state": {"values": state}}}


async def _waiting(hospital: Hospital, quantity: int = 2) -> tuple[str, Posted, str]:
    case = await hospital.submit("KNEE-TIB-4", quantity)
    await hospital.wake(case)
    posted, buttons = await card_of(hospital, case)
    return case, posted, buttons["approve"]


async def _outside(hospital: Hospital) -> str:
    """Print everything that is kept or shown: raw messages too, as they are sealed."""
    store, kept = hospital.ledger.store, ""
    async for blob in store.list(""):
        kept += f"{blob.key} {(await store.get(blob.key)).decode(errors='replace')}\n"
    desk = hospital.desk
    return kept + repr((desk.messages, desk.threads, desk.modals, desk.whispers))


@pytest.mark.parametrize(("what", "canary"), CANARIES.items(), ids=list(CANARIES))
async def test_what_seems_to_be_about_a_patient_gets_past_no_door(
    door: Hospital, caplog: pytest.LogCaptureFixture, what: str, canary: str
):
    caplog.set_level(logging.DEBUG)
    case, posted, value = await _waiting(door)
    refusals = []
    for callback in (modals.REJECT, modals.QUESTION, modals.FEWER, modals.HOLD):
        fields = {modals.NOTE: f"wait, {canary}"} | ({modals.QUANTITY: "1"} if callback == modals.FEWER else {})
        answer = await slack.interactions(interaction("U0IVO", **form(callback, value, fields)))
        refusals.append(str(told(answer)["errors"]))
        await afterwards(answer)
    fields = {name: str(x) for name, x in ORDER.items()} | {"reason": canary}
    answer = await slack.interactions(interaction("U0RITA", **form(modals.REQUISITION, "C1", fields)))
    refusals.append(told(answer)["errors"]["reason"])
    answer = await events.take("inventory", event_request(json.dumps(ORDER | {"reason": canary}).encode()))
    refusals += [issue["reason"] for issue in told(answer)["quarantined"][0]["issues"] if issue["field"] == "reason"]
    answer = await events.take("inventory", event_request(json.dumps([ORDER | {"id": canary}]).encode(), "m2"))
    refusals += [issue["reason"] for issue in told(answer)["quarantined"][0]["issues"] if issue["field"] == "id"]
    said = {"type": "message", "user": "U0RITA", "text": canary, "ts": "9.9", "channel": posted.channel}
    body = json.dumps({"type": "event_callback", "team_id": "T0MERCY", "event": said | {"thread_ts": posted.ts}})
    await afterwards(await slack.events(slack_request(body.encode())))
    refusals += door.desk.threads[posted]
    rules = await Shelf(door.ledger).in_force(door.now)
    by, given = rules.directory.person("paula.reyes"), Said(case, "given-up", because=canary)
    refusals.append(reason_not_to_settle(given, by, await door.chain(case), rules, door.now) or "")
    assert len(refusals) == 9
    assert not [text for text in refusals if f"seems to hold {what}: please leave patients out" not in text]
    assert not {"decided", "question", "answer", "held-ask"} & {x.act for x in (await door.chain(case)).lines}
    assert not SIGNS.search(await _outside(door))
    assert not SIGNS.search(caplog.text)
    assert (await verify(door.ledger)).verified


async def test_the_verbs_behind_the_doors_refuse_it_too(door: Hospital):
    case, _, value = await _waiting(door)
    _, ask, shown = value.split("/")
    rulebook = await Shelf(door.ledger).in_force(door.now)
    wish = Wish(case, ask, "hold", shown, note="wait for MRN 88442211")
    by = rulebook.directory.person("ivo.petrov")
    verdict = await carry_out(wish, by, "cli", ledger=door.ledger, rulebook=rulebook, at=door.now)
    assert (verdict.taken, "medical record number" in verdict.text) == ("void", True)
    verdict = await door.answer(case, "ivo.petrov", "approve", "for MRN 88442211")
    assert (verdict.taken, "Your note seems to hold a medical record number" in verdict.text) == ("void", True)


def test_every_input_for_text_in_a_form_is_one_that_the_story_types_into():
    """A form that gets a new one must be added to the story above."""
    source = (ROOT / "blocks/wire/modals.py").read_text()
    functions = [x for x in ast.parse(source).body if isinstance(x, ast.FunctionDef) and x.name.endswith("_modal")]
    typed = {x.name for x in functions if re.search(r"text_input\((?!placeholder)", ast.unparse(x))}
    assert typed == {"reject_modal", "question_modal", "fewer_modal", "hold_modal", "requisition_modal"}


async def test_a_name_that_nobody_can_know_for_one_is_in_no_log_no_key_no_name_of_a_case_and_no_metadata(
    door: Hospital, caplog: pytest.LogCaptureFixture
):
    """It is on the card, in the case's chain and its report, as whatever was typed: the decision on privacy says so."""
    caplog.set_level(logging.DEBUG)
    case, posted, value = await _waiting(door)
    asked = await slack.interactions(interaction("U0IVO", **form(modals.QUESTION, value, {modals.NOTE: NAME})))
    await afterwards(asked)
    rejected = await slack.interactions(interaction("U0IVO", **form(modals.REJECT, value, {modals.NOTE: NAME})))
    await afterwards(rejected)
    answer = await events.take("inventory", event_request(json.dumps(ORDER | {"reason": NAME}).encode(), "m3"))
    (other,) = told(answer)["accepted"]
    assert (await door.wake(case)).ended == "rejected"
    await door.wake(other["case"])
    keys = [blob.key async for blob in door.ledger.store.list("")]
    cards = [*door.desk.messages.values()]
    assert NAME in door.desk.messages[posted].text
    assert not [key for key in keys if NAME in key]
    assert not [card.key for card in cards if NAME in card.key]
    assert NAME not in caplog.text
