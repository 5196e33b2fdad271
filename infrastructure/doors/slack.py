"""Slack's door: clicks, modals, commands and replies. Slack gives up after three seconds.

So the door verifies, judges, appends and answers; the bell and the card come after the answer.
"""

import json
import logging
import os
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from pydantic import ValidationError
from slack_sdk.signature import SignatureVerifier

from blocks import connect
from blocks.bell import ring
from blocks.errors import RefusedError
from blocks.records.approval import Posted
from blocks.wire import modals
from blocks.wire.cards import APPROVE, FEWER, MORE, QUESTION, REJECT, RESUME, WITHDRAW, Pressed, read_value
from blocks.wire.emergency import AGREE as EMERGENCY_AGREE
from blocks.wire.home import BULK, OPEN_BULK, bulk_values
from blocks.wire.reversals import AGREE as REVERSAL_AGREE
from blocks.wire.told import CANCEL
from infrastructure.doors import answers, broken, cancelling, doubts, emergency, home, requests, reversing
from infrastructure.doors.clicks import DOOR, Click, field_errors, slack_desk
from infrastructure.doors.http import Deed, Request, Response, as_json, read_json, refused, text_in
from tasks.arrivals import Message, receive
from tasks.case import utc_now
from tasks.conversation import hear
from tasks.decide import Answer

logger = logging.getLogger("almoner.doors")
ELSEWHERE = {CANCEL: cancelling.pressed, EMERGENCY_AGREE: emergency.pressed, REVERSAL_AGREE: reversing.pressed}
"""What buttons on other messages than a request's card do."""


class Form(NamedTuple):
    """A submitted modal: the button it was opened with, or, for a requisition, the channel it was asked for in."""

    id: str
    callback: str
    values: dict[str, str]
    channel: str = ""
    pressed: Pressed | None = None


async def interactions(request: Request) -> Response:
    """Take a click or a submitted modal over HTTP, signed by Slack."""
    if why := reason_not_slack(request):
        return refused(HTTPStatus.UNAUTHORIZED, why)
    try:
        payload = read_json(parse_qs(request.body.decode(), strict_parsing=True)["payload"][0])
    except (ValueError, KeyError, IndexError):
        return refused(HTTPStatus.BAD_REQUEST, "this is not an interaction as Slack sends it")
    return await interaction(payload)


async def commands(request: Request) -> Response:
    """Take a slash command over HTTP, signed by Slack."""
    if why := reason_not_slack(request):
        return refused(HTTPStatus.UNAUTHORIZED, why)
    return await command({name: values[0] for name, values in parse_qs(request.body.decode(errors="replace")).items()})


async def events(request: Request) -> Response:
    """Take an event over HTTP, signed by Slack."""
    if why := reason_not_slack(request):
        return refused(HTTPStatus.UNAUTHORIZED, why)
    try:
        payload = read_json(request.body)
    except ValueError:
        return refused(HTTPStatus.BAD_REQUEST, "this is not an event as Slack sends it")
    return await event(payload)


async def interaction(payload: Any) -> Response:
    """Take a click or a submitted modal that is known to be Slack's."""
    try:
        return await _interaction(payload)
    except broken.FAULTS as error:
        return broken.answered(error, payload)


async def _interaction(payload: Any) -> Response:
    try:
        kind = payload["type"]
        click = await _click(text_in(payload, "user", "id"), payload)
    except ValidationError:
        raise  # it is a book of ours that says what it should not
    except (ValueError, KeyError, TypeError):
        return refused(HTTPStatus.BAD_REQUEST, "this is not an interaction as Slack sends it")
    if kind == "block_actions":
        return await _pressed(payload, click)
    if kind == "view_submission":
        return await _submitted(payload, click)
    return Response()


async def command(form: Mapping[str, Any]) -> Response:
    """Take a slash command: `/requisition` opens the form, `/almoner` says and does what else there is."""
    try:
        return await _command(form)
    except broken.FAULTS as error:
        return _only_you(*broken.told(error))


async def _command(form: Mapping[str, Any]) -> Response:
    click = await _click(text_in(form, "user_id"), {x: form.get(x) for x in ("team_id", "channel_id", "trigger_id")})
    if form.get("command") not in ("/requisition", "/almoner"):
        return _only_you(f"{form.get('command')} is not one of ours: try /requisition or /almoner help")
    if click.by is None or not click.by.active:
        return _only_you("You are not in the hospital's directory: ask an administrator to add you.")
    if form.get("command") == "/almoner":
        said = await home.command(text_in(form, "text"), home.Who(click.by, click.rulebook, click.at))
        return _only_you(said.text, *said.then)
    await slack_desk().open_modal(click.trigger, modals.requisition_modal(click.by, text_in(form, "channel_id")))
    return Response()


async def event(payload: Any) -> Response:
    """Take an event: a Home tab is opened, or a reply in a card's thread becomes part of the case."""
    try:
        if payload["type"] == "url_verification":
            return as_json(HTTPStatus.OK, {"challenge": payload["challenge"]})
        told = payload["event"]
        if told["type"] == "app_home_opened":
            return await _opened_home(text_in(told, "user"), payload)
        if told["type"] != "message" or told.get("bot_id") or told.get("subtype"):
            return Response()
        said = {name: text_in(told, name) for name in ("channel", "thread_ts", "ts", "text")}
        click = await _click(text_in(told, "user"), {"team_id": payload.get("team_id")})
    except (ValueError, KeyError, TypeError, AttributeError):
        return refused(HTTPStatus.BAD_REQUEST, "this is not an event as Slack sends it")
    if not all(said.values()):
        return Response()
    try:  # before the answer: what fails here is answered 503, and Slack sends it again
        await hear(said, click.by, ledger=connect.ledger(), desk=slack_desk(), at=click.at)
    except RefusedError as refusal:  # to send it again would change nothing
        logger.warning("a reply that is none of ours: %s", refusal)
    except broken.FAULTS as error:  # nor here: who wrote it is told so
        return broken.whispered(error, click.channel or said["channel"], click.slack_user)
    return Response()


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
    if text_in(payload, "view", "type") == "home":
        click = click._replace(at_home=True)
    try:
        action, pressed = _read_button(payload["actions"][0])
    except (LookupError, TypeError, ValueError):
        return refused(HTTPStatus.BAD_REQUEST, "this button is not one of ours")
    if pressed is None:
        return await answers.open_bulk(click)
    if action in requests.FIELDS:
        return await requests.open_form(action, pressed, click)
    if action in ELSEWHERE:
        return await ELSEWHERE[action](pressed, click)
    if action in doubts.ACTIONS:
        return await doubts.pressed(action, pressed, click)
    if action == APPROVE:
        return await answers.answered(Answer(*pressed[:2], "approve", pressed.shown), click)
    if action in (RESUME, WITHDRAW):
        return await requests.at_once(action, pressed, click)
    if action in (REJECT, QUESTION):
        draw = modals.reject_modal if action == REJECT else modals.question_modal
        await slack_desk().open_modal(click.trigger, draw(pressed))
    return Response()


def _read_button(button: Mapping[str, Any]) -> tuple[str, Pressed | None]:
    """Read what was pressed, or chosen in a card's menu; any of a handful of errors where it is not one of ours."""
    action = str(button["action_id"])
    if action == OPEN_BULK:
        return action, None
    if action != MORE:
        return action, read_value(text_in(button, "value"))
    entry, _, value = text_in(button, "selected_option", "value").partition("/")
    if entry not in requests.FIELDS:
        raise ValueError(entry)
    return entry, read_value(value)


async def _submitted(payload: Mapping[str, Any], click: Click) -> Response:
    try:
        if text_in(payload["view"], "callback_id") == BULK:
            return await answers.bulk(bulk_values(payload["view"]), click)
        form = _read_form(payload["view"])
    except (LookupError, TypeError, ValueError, AttributeError, StopIteration):
        return refused(HTTPStatus.BAD_REQUEST, "this form is not one of ours")
    if form.pressed is None:
        return await _requisition(form, click)
    if form.callback == modals.QUESTION:
        return await answers.question(form.pressed, form.values[modals.NOTE], click)
    if form.callback == CANCEL:
        return await cancelling.submitted(form.pressed, form.values[modals.NOTE], click)
    if form.callback in doubts.FORMS:
        return await doubts.submitted(form.callback, form.pressed, form.values, click)
    if form.callback in requests.FORMS:
        return await requests.submitted(form.callback, form.pressed, form.values, click)
    answer = _answer(form, form.pressed)
    verdict = await answers.judged(answer, click)
    if verdict.taken in ("counted", "confirm"):
        return Response(then=answers.after(answer, verdict, click))
    return field_errors({modals.QUANTITY if form.callback == FEWER else modals.NOTE: verdict.text})


def _answer(form: Form, pressed: Pressed) -> Answer:
    """Read the answer that a form gives: no, and why; or yes, to fewer."""
    note = form.values[modals.NOTE]
    if form.callback == modals.REJECT:
        return Answer(pressed.case, pressed.ask, "reject", pressed.shown, note)
    return Answer(pressed.case, pressed.ask, "approve", pressed.shown, note, quantity=_whole(form.values))


def _whole(values: Mapping[str, str]) -> int:
    """Read how many; what is no number of a few digits is none, and judged as such."""
    typed = values[modals.QUANTITY]
    return int(typed) if re.fullmatch(r"[0-9]{1,6}", typed) else 0


def _read_form(view: Mapping[str, Any]) -> Form:
    """Read a submitted modal; any of a handful of errors where it is not one of ours."""
    callback, private = text_in(view, "callback_id"), text_in(view, "private_metadata")
    values = modals.read_state(dict(view))
    if callback == modals.REQUISITION:
        return Form(str(view["id"]), callback, values, private)
    note = (modals.NOTE,)
    known = {modals.REJECT: note, modals.QUESTION: note, CANCEL: note, **requests.FIELDS, **doubts.FIELDS}
    fields = known[callback]
    return Form(str(view["id"]), callback, {name: values[name] for name in fields}, pressed=read_value(private))


async def _opened_home(slack_user: str, payload: Mapping[str, Any]) -> Response:
    click = await _click(slack_user, {"team_id": payload.get("team_id")})
    by = click.by
    if by is None or not by.active:
        return Response()

    async def publish() -> None:
        await home.publish(home.Who(by, click.rulebook, click.at), slack_user)

    return Response(then=(publish,))


async def _requisition(form: Form, click: Click) -> Response:
    fields = {**form.values, "requester": click.by.id if click.by else ""}
    message = Message(DOOR, form.id, json.dumps(fields, sort_keys=True).encode())
    receipt = await receive(message, connect.ledger(), connect.shelf(), click.at)
    if receipt.case is None:
        shown = {issue.field: issue.reason for issue in receipt.issues if issue.field in form.values}
        return field_errors(shown or {"item": "; ".join(issue.reason for issue in receipt.issues)})
    case = receipt.case

    async def ring_and_say() -> None:
        await ring([case])
        if form.channel:
            await slack_desk().whisper(
                form.channel, click.slack_user, f"{case} is on its way. You will hear how it ends."
            )

    return Response(then=(ring_and_say,))


async def _click(slack_user: str, payload: Mapping[str, Any]) -> Click:
    """Find out who is behind a Slack user; the workspace counts, so a guest of another one is nobody."""
    now = utc_now()
    rulebook = await connect.shelf().in_force(now)
    team = text_in(payload, "user", "team_id") or text_in(payload, "team_id") or text_in(payload, "team", "id")
    channel = text_in(payload, "channel", "id") or text_in(payload, "channel_id")
    by = rulebook.directory.by_slack(team, slack_user) if slack_user else None  # who has no Slack is not nobody in it
    message = text_in(payload, "message", "ts")
    card = Posted(channel=channel, ts=message) if channel and message else None
    return Click(by, slack_user, channel, text_in(payload, "trigger_id"), rulebook, now, card)


def _only_you(text: str, *then: Deed) -> Response:
    return as_json(HTTPStatus.OK, {"response_type": "ephemeral", "text": text}, *then)
