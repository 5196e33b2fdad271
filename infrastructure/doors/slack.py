"""Slack's door: clicks, modals, commands and replies. Slack gives up after three seconds.

So the door verifies, judges, appends and answers; the bell and the card come after the answer.
"""

import json
import os
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import parse_qs

from slack_sdk.signature import SignatureVerifier

from blocks import connect
from blocks.bell import ring
from blocks.records.approval import Posted
from blocks.records.people import Person
from blocks.records.policy import Rulebook
from blocks.wire import modals
from blocks.wire.cards import APPROVE, QUESTION, REJECT, Pressed, decided_card, read_value
from infrastructure.doors.http import Deed, Request, Response, as_json, read_json, refused, text_in
from tasks import stepup
from tasks.arrivals import Message, receive
from tasks.case import utc_now
from tasks.conversation import ask_back, hear
from tasks.decide import Answer, Verdicts, decide

if TYPE_CHECKING:
    from blocks.slack import SlackDesk

DOOR = "slack"


class Click(NamedTuple):
    """Who did something in Slack, when, and what Slack says of it."""

    by: Person | None
    slack_user: str
    channel: str
    trigger: str
    rulebook: Rulebook
    at: datetime
    card: Posted | None = None


class Form(NamedTuple):
    """A submitted modal: the button it was opened with, or, for a requisition, the channel it was asked for in."""

    id: str
    callback: str
    values: dict[str, str]
    channel: str = ""
    pressed: Pressed | None = None


async def interactions(request: Request) -> Response:
    """Take a click or a submitted modal."""
    if why := reason_not_slack(request):
        return refused(HTTPStatus.UNAUTHORIZED, why)
    try:
        payload = read_json(parse_qs(request.body.decode(), strict_parsing=True)["payload"][0])
        kind = payload["type"]
        click = await _click(text_in(payload, "user", "id"), payload)
    except (ValueError, KeyError, TypeError, IndexError):
        return refused(HTTPStatus.BAD_REQUEST, "this is not an interaction as Slack sends it")
    if kind == "block_actions":
        return await _pressed(payload, click)
    if kind == "view_submission":
        return await _submitted(payload, click)
    return Response()


async def commands(request: Request) -> Response:
    """Take a slash command: `/requisition` opens the form."""
    if why := reason_not_slack(request):
        return refused(HTTPStatus.UNAUTHORIZED, why)
    form = {name: values[0] for name, values in parse_qs(request.body.decode(errors="replace")).items()}
    click = await _click(form.get("user_id", ""), {x: form.get(x) for x in ("team_id", "channel_id", "trigger_id")})
    if form.get("command") != "/requisition":
        return _only_you(f"{form.get('command')} is not one of ours: try /requisition")
    if click.by is None or not click.by.active:
        return _only_you("You are not in the hospital's directory, so you cannot submit a requisition.")
    await _desk().open_modal(click.trigger, modals.requisition_modal(click.by, form.get("channel_id", "")))
    return Response()


async def events(request: Request) -> Response:
    """Take an event: a reply in a card's thread becomes part of the case."""
    if why := reason_not_slack(request):
        return refused(HTTPStatus.UNAUTHORIZED, why)
    try:
        payload = read_json(request.body)
        if payload["type"] == "url_verification":
            return as_json(HTTPStatus.OK, {"challenge": payload["challenge"]})
        event = payload["event"]
        if event["type"] != "message" or event.get("bot_id") or event.get("subtype"):
            return Response()
        said = {name: text_in(event, name) for name in ("channel", "thread_ts", "ts", "text")}
        click = await _click(text_in(event, "user"), {"team_id": payload.get("team_id")})
    except (ValueError, KeyError, TypeError):
        return refused(HTTPStatus.BAD_REQUEST, "this is not an event as Slack sends it")
    if not all(said.values()):
        return Response()

    async def hear_it() -> None:
        await hear(said, click.by, ledger=connect.ledger(), desk=_desk(), at=click.at)

    return Response(then=(hear_it,))


def reason_not_slack(request: Request) -> str | None:
    """Say why a request is not Slack's own, or None where it is."""
    if not (secret := os.environ.get("SLACK_SIGNING_SECRET")):
        return "this door has no signing secret: set SLACK_SIGNING_SECRET"
    try:
        genuine = SignatureVerifier(secret).is_valid_request(request.body, dict(request.headers))
    except (ValueError, TypeError):  # TypeError: a signature that is not ASCII
        return "the timestamp or the body is not what Slack sends"
    return None if genuine else "the signature does not match, or the request is over five minutes old"


async def _pressed(payload: Mapping[str, Any], click: Click) -> Response:
    try:
        button = payload["actions"][0]
        action, pressed = button["action_id"], read_value(text_in(button, "value"))
    except (LookupError, TypeError, ValueError):
        return refused(HTTPStatus.BAD_REQUEST, "this button is not one of ours")
    if action == APPROVE:
        return await _answered(Answer(*pressed[:2], "approve", pressed.shown), click)
    if action in (REJECT, QUESTION):
        draw = modals.reject_modal if action == REJECT else modals.question_modal
        await _desk().open_modal(click.trigger, draw(pressed))
    return Response()


async def _submitted(payload: Mapping[str, Any], click: Click) -> Response:
    try:
        form = _read_form(payload["view"])
    except (LookupError, TypeError, ValueError, AttributeError, StopIteration):
        return refused(HTTPStatus.BAD_REQUEST, "this form is not one of ours")
    if form.pressed is None:
        return await _requisition(form, click)
    if form.callback == modals.QUESTION:
        return await _question(form.pressed, form.values[modals.NOTE], click)
    answer = Answer(*form.pressed[:2], "reject", form.pressed.shown, form.values[modals.NOTE])
    verdict = await _decide(answer, click)
    if verdict.taken == "counted":
        return Response(then=_after(answer, verdict, click))
    return _field_errors({modals.NOTE: verdict.text})


def _read_form(view: Mapping[str, Any]) -> Form:
    """Read a submitted modal; any of a handful of errors where it is not one of ours."""
    callback, private = text_in(view, "callback_id"), text_in(view, "private_metadata")
    values = modals.read_state(dict(view))
    if callback == modals.REQUISITION:
        return Form(str(view["id"]), callback, values, private)
    if callback not in (modals.REJECT, modals.QUESTION):
        raise ValueError(callback)
    return Form(str(view["id"]), callback, {modals.NOTE: values[modals.NOTE]}, pressed=read_value(private))


async def _answered(answer: Answer, click: Click) -> Response:
    verdict = await _decide(answer, click)
    return Response(then=_after(answer, verdict, click))


async def _decide(answer: Answer, click: Click) -> Verdicts:
    ledger = connect.ledger()
    return await decide(answer, click.by, DOOR, ledger=ledger, rulebook=click.rulebook, at=click.at)


def _after(answer: Answer, verdict: Verdicts, click: Click) -> tuple[Deed, ...]:
    """Say what follows an answer: the bell, the card that shows the truth, a word to who came too late."""

    async def ring_for_it() -> None:
        await ring([answer.case])

    async def lock_card() -> None:
        where = verdict.posted or click.card  # a click may be quicker than the ledger's note of where the card is
        if verdict.ask and verdict.decision and where:
            card = decided_card(verdict.ask, verdict.decision, click.rulebook.directory.zone)
            await _desk().redraw(where, card)

    async def say_why() -> None:
        channel = click.channel or (verdict.posted.channel if verdict.posted else "")
        await _desk().whisper(channel, click.slack_user, stepup.told(verdict))

    if verdict.taken == "counted":
        return (ring_for_it, lock_card)
    return (say_why, lock_card) if verdict.taken == "late" else (say_why,)


async def _question(pressed: Pressed, note: str, click: Click) -> Response:
    if click.by is None or not click.by.active:
        return _field_errors({modals.NOTE: "You are not in the hospital's directory."})
    if not note:
        return _field_errors({modals.NOTE: "Please write what you want to know."})
    asked = await ask_back(pressed, note, click.by, ledger=connect.ledger(), at=click.at)
    if asked is None:
        return _field_errors({modals.NOTE: "This request is no longer open."})

    async def say_it() -> None:
        await asked.say(_desk(), click.rulebook.directory)

    return Response(then=(say_it,))


async def _requisition(form: Form, click: Click) -> Response:
    fields = {**form.values, "requester": click.by.id if click.by else ""}
    message = Message(DOOR, form.id, json.dumps(fields, sort_keys=True).encode())
    receipt = await receive(message, connect.ledger(), connect.shelf(), click.at)
    if receipt.case is None:
        shown = {issue.field: issue.reason for issue in receipt.issues if issue.field in form.values}
        return _field_errors(shown or {"item": "; ".join(issue.reason for issue in receipt.issues)})
    case = receipt.case

    async def ring_and_say() -> None:
        await ring([case])
        if form.channel:
            await _desk().whisper(form.channel, click.slack_user, f"{case} is on its way. You will hear how it ends.")

    return Response(then=(ring_and_say,))


async def _click(slack_user: str, payload: Mapping[str, Any]) -> Click:
    """Find out who is behind a Slack user; the workspace counts, so a guest of another one is nobody."""
    now = utc_now()
    rulebook = await connect.shelf().in_force(now.date())
    team = text_in(payload, "user", "team_id") or text_in(payload, "team_id") or text_in(payload, "team", "id")
    channel = text_in(payload, "channel", "id") or text_in(payload, "channel_id")
    by = rulebook.directory.by_slack(team, slack_user) if slack_user else None  # who has no Slack is not nobody in it
    message = text_in(payload, "message", "ts")
    card = Posted(channel=channel, ts=message) if channel and message else None
    return Click(by, slack_user, channel, text_in(payload, "trigger_id"), rulebook, now, card)


def _desk() -> "SlackDesk":
    """Open Slack, not before it is needed: its client takes longer to import than a click to judge."""
    return cast("SlackDesk", connect.desk())


def _field_errors(errors: dict[str, str]) -> Response:
    return as_json(HTTPStatus.OK, {"response_action": "errors", "errors": errors})


def _only_you(text: str) -> Response:
    return as_json(HTTPStatus.OK, {"response_type": "ephemeral", "text": text})
